//! The arguments that say where the evidence comes from and pick from it: which stack, which operation, which events.
//! Times are read here; everything else is for `report::select`.
//! Used by the verbs that ask about one stack.

use super::error::Failure;
#[cfg(feature = "aws")]
use super::live::Live;
use crate::model::Capture;
use crate::model::time::{self, Time};
#[cfg(feature = "aws")]
use crate::report::StacksFilter;
use crate::report::select::Which;
use chrono::{NaiveDate, TimeDelta};
use clap::Args;
use std::path::PathBuf;

/// Where the evidence comes from: a case, or AWS.
#[derive(Debug, Args)]
pub struct Origin {
    /// Read the evidence from this case, a folder or a zip file, instead of asking AWS
    #[arg(long, value_name = "CASE")]
    #[cfg_attr(not(feature = "aws"), arg(required = true))]
    #[cfg_attr(feature = "aws", arg(conflicts_with_all = super::live::ARGUMENTS))]
    pub case: Option<PathBuf>,
    /// Keep what is collected as a case: a new folder, or a new file that ends in .zip
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "DIR|FILE.zip", help_heading = super::live::HEADING)]
    save: Option<PathBuf>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    live: Live,
}

impl Origin {
    /// Reads the case, or asks AWS for what is wanted. A case that was collected for a stack is about that stack, unless
    /// another is named.
    ///
    /// # Errors
    /// Where nothing can be read, or nothing was learned.
    #[cfg_attr(not(feature = "aws"), allow(unused_variables))]
    pub fn capture(&self, wanted: &mut Wanted, now: Time) -> Result<Capture, Failure> {
        match &self.case {
            Some(case) => Ok(wanted.narrowed_by(crate::case::read(case)?)),
            #[cfg(feature = "aws")]
            None => self.kept(|| self.live.collect(wanted, now)),
            #[cfg(not(feature = "aws"))]
            None => Err(Failure::NoStack),
        }
    }

    /// The same with the fingerprint of the case; none where what AWS told was not kept.
    ///
    /// # Errors
    /// As [`capture`](Self::capture).
    pub fn fingerprinted(&self, wanted: &mut Wanted, now: Time) -> Result<(Capture, Option<String>), Failure> {
        if let Some(case) = &self.case {
            let (capture, files) = crate::case::verify(case)?;
            return Ok((wanted.narrowed_by(capture), Some(crate::case::fingerprint(&files))));
        }
        let capture = self.capture(wanted, now)?;
        #[cfg(feature = "aws")]
        if let Some(saved) = &self.save {
            let (_, files) = crate::case::verify(saved)?;
            return Ok((capture, Some(crate::case::fingerprint(&files))));
        }
        Ok((capture, None))
    }

    /// Asks AWS which stacks of the account pass the filter.
    ///
    /// # Errors
    /// Where nothing was learned.
    #[cfg(feature = "aws")]
    pub fn survey(&self, filter: &StacksFilter, everywhere: bool, now: Time) -> Result<Capture, Failure> {
        self.kept(|| self.live.survey(filter, everywhere, now))
    }

    /// What is collected, kept where `--save` says.
    #[cfg(feature = "aws")]
    fn kept(&self, collect: impl FnOnce() -> Result<Capture, Failure>) -> Result<Capture, Failure> {
        let Some(target) = &self.save else { return collect() };
        let capture = super::live::keep(target, collect)?;
        self.live.say(&format!("saved the case as {}", target.display()));
        Ok(capture)
    }
}

/// Which incarnations of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incarnation {
    /// All.
    All,
    /// This one, from 1 for the oldest.
    Number(usize),
}

impl Wanted {
    /// A case that was collected for a stack is about that stack, unless another is named.
    fn narrowed_by(&mut self, capture: Capture) -> Capture {
        let collected_for = || capture.manifest.as_ref()?.scope.stack.clone();
        self.stack = self.stack.take().or_else(collected_for);
        capture
    }

    /// The one incarnation that is wanted, from 1.
    pub fn number(&self) -> Option<usize> {
        match self.incarnation {
            Some(Incarnation::Number(number)) => Some(number),
            Some(Incarnation::All) | None => None,
        }
    }
}

fn incarnation(text: &str) -> Result<Incarnation, String> {
    match text.parse() {
        _ if text == "all" => Ok(Incarnation::All),
        Ok(number) if number > 0 => Ok(Incarnation::Number(number)),
        _ => Err("write a number from 1 for the oldest, or all".to_owned()),
    }
}

/// What of a stack is wanted from AWS; a case holds what it holds.
#[derive(Debug, Clone, Default)]
#[cfg_attr(not(feature = "aws"), allow(dead_code))]
pub struct Wanted {
    /// The stack's name or ARN.
    pub stack: Option<String>,
    /// Which of its operations.
    pub which: Which,
    /// Which incarnations.
    pub incarnation: Option<Incarnation>,
    /// Reach back so far.
    pub since: Option<Time>,
    /// Reach so far.
    pub until: Option<Time>,
}

/// Which stack, and which of its operations.
#[derive(Debug, Args)]
pub struct Stack {
    /// The stack's name or ARN; may be left out where a case holds one stack name
    #[arg(long, value_name = "NAME|ARN")]
    pub stack: Option<String>,
    /// latest: the newest deployment with its rollback and, if it failed, the delete that removed it; all: every
    /// operation of every incarnation; or an operation's id
    #[arg(long, value_name = "latest|all|ID", default_value = "latest", value_parser = which)]
    pub operation: Which,
    /// Only this incarnation of the stack's name, from 1 for the oldest; or all
    #[arg(long, value_name = "N|all", value_parser = incarnation)]
    pub incarnation: Option<Incarnation>,
}

impl Stack {
    /// What is wanted of the stack, between two times.
    pub fn wanted(&self, since: Option<Time>, until: Option<Time>) -> Wanted {
        Wanted { stack: self.stack.clone(), which: self.operation.clone(), incarnation: self.incarnation, since, until }
    }
}

#[allow(clippy::unnecessary_wraps)] // clap wants a Result
pub fn which(text: &str) -> Result<Which, String> {
    Ok(match text {
        "latest" => Which::Latest,
        "all" => Which::All,
        id => Which::Id(id.to_owned()),
    })
}

/// An instant as people name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// By its date and time.
    At(Time),
    /// So long ago.
    Ago(TimeDelta),
}

impl Moment {
    /// The instant.
    pub fn at(self, now: Time) -> Time {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

/// The instant, if one was named.
pub fn at(moment: Option<Moment>, now: Time) -> Option<Time> {
    moment.map(|moment| moment.at(now))
}

/// Reads `--since`: the beginning of a day where only a day is given.
pub fn since(text: &str) -> Result<Moment, String> {
    moment(text, TimeDelta::zero())
}

/// Reads `--until`: the end of a day where only a day is given.
pub fn until(text: &str) -> Result<Moment, String> {
    moment(text, TimeDelta::days(1) - TimeDelta::milliseconds(1))
}

fn moment(text: &str, of_day: TimeDelta) -> Result<Moment, String> {
    match instant(text, of_day) {
        Ok(at) => Ok(Moment::At(at)),
        Err(error) => time_span(text).map(Moment::Ago).ok_or(error),
    }
}

/// Reads `90s`, `5m`, `2h`, `7d`.
pub fn time_span(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number = number.parse::<i64>().ok().filter(|number| *number <= MOST_AGO)?;
    Some(match unit {
        "s" => TimeDelta::seconds(number),
        "m" => TimeDelta::minutes(number),
        "h" => TimeDelta::hours(number),
        "d" => TimeDelta::days(number),
        _ => return None,
    })
}

/// Of any unit; enough for every log that is kept.
const MOST_AGO: i64 = 100_000;

fn instant(text: &str, of_day: TimeDelta) -> Result<Time, String> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc() + of_day);
    }
    let read = time::parse(text)
        .or_else(|| time::parse(&format!("{text}:00")))
        .or_else(|| time::parse(&format!("{}:00Z", text.strip_suffix('Z')?)));
    read.map(|written| written.at).ok_or_else(|| {
        "write it as 2026-11-18, 2026-11-18T12:30, 2026-11-18T12:30:00Z (UTC unless it names an offset), or 7d, 12h, 30m ago"
            .to_owned()
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
            let now = Time::UNIX_EPOCH;
            assert_eq!(since(written).map(|read| time::text(read.at(now))).as_deref(), Ok(from), "{written}");
            assert_eq!(until(written).map(|read| time::text(read.at(now))).as_deref(), Ok(to), "{written}");
        }
        assert_eq!(since("7d"), Ok(Moment::Ago(TimeDelta::days(7))));
        assert_eq!(since("90m"), Ok(Moment::Ago(TimeDelta::minutes(90))));
        assert_eq!(time_span("90s"), Some(TimeDelta::seconds(90)));
        for wrong in ["yesterday", "7", "7 weeks", "-7d", "99999999999999999999d"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
