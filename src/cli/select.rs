//! The arguments that pick from a case: which stack, which operation, which events.
//! Times are read here; everything else is for `report::select`.
//! Used by the verbs that ask about one stack.

use crate::model::time::{self, Time};
use crate::report::select::Which;
use chrono::{NaiveDate, TimeDelta};
use clap::Args;
use std::path::PathBuf;

/// Which case.
#[derive(Debug, Args)]
pub struct Case {
    /// Read the evidence from this case: a folder or a zip file
    #[arg(long, value_name = "CASE")]
    pub case: PathBuf,
}

/// Which stack, and which of its operations.
#[derive(Debug, Args)]
pub struct Stack {
    /// The stack's name or ARN; may be left out where the case holds one stack name
    #[arg(long, value_name = "NAME|ARN")]
    pub stack: Option<String>,
    /// latest: the newest deployment with its rollback and, if it failed, the delete that removed it; all: every
    /// operation of every incarnation; or an operation's id
    #[arg(long, value_name = "latest|all|ID", default_value = "latest", value_parser = which)]
    pub operation: Which,
    /// Only this incarnation of the stack's name, from 1 for the oldest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub incarnation: Option<u32>,
}

#[allow(clippy::unnecessary_wraps)] // clap wants a Result
fn which(text: &str) -> Result<Which, String> {
    Ok(match text {
        "latest" => Which::Latest,
        "all" => Which::All,
        id => Which::Id(id.to_owned()),
    })
}

/// Reads `--since`: the beginning of a day where only a day is given.
pub fn since(text: &str) -> Result<Time, String> {
    instant(text, TimeDelta::zero())
}

/// Reads `--until`: the end of a day where only a day is given.
pub fn until(text: &str) -> Result<Time, String> {
    instant(text, TimeDelta::days(1) - TimeDelta::milliseconds(1))
}

fn instant(text: &str, of_day: TimeDelta) -> Result<Time, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc() + of_day);
    }
    let read = time::parse(text)
        .or_else(|| time::parse(&format!("{text}:00")))
        .or_else(|| time::parse(&format!("{}:00Z", text.strip_suffix('Z')?)));
    read.map(|written| written.at).ok_or_else(|| {
        "write it as 2026-11-18, 2026-11-18T12:30 or 2026-11-18T12:30:00Z (UTC unless it names an offset)".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_minutes_are_read() {
        for (written, from, to) in [
            ("2026-11-18", "2026-11-18T00:00:00.000Z", "2026-11-18T23:59:59.999Z"),
            ("2026-11-18T12:30", "2026-11-18T12:30:00.000Z", "2026-11-18T12:30:00.000Z"),
            ("2026-11-18T12:30Z", "2026-11-18T12:30:00.000Z", "2026-11-18T12:30:00.000Z"),
            ("2026-11-18 12:30", "2026-11-18T12:30:00.000Z", "2026-11-18T12:30:00.000Z"),
            ("2026-11-18T12:30:05+01:00", "2026-11-18T11:30:05.000Z", "2026-11-18T11:30:05.000Z"),
        ] {
            assert_eq!(since(written).map(time::text).as_deref(), Ok(from), "{written}");
            assert_eq!(until(written).map(time::text).as_deref(), Ok(to), "{written}");
        }
        assert!(since("yesterday").is_err());
    }
}
