//! One JSON object a line, in UTC, told apart by `type`: first one `timeline` (`schema`, `stack`), then each
//! `incarnation`, each `operation`, each `event` and each `gap`, with the keys that they have in the JSON document.
//! It adds no key but `type` and collects nothing. Read by `jq`, log pipelines and other programs.

use super::json;
use crate::report::{SCHEMA, TimelineReport};
use serde::Serialize;
use std::io::{self, Write};

/// An entry with its type.
#[derive(Serialize)]
struct Typed<'e, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    entry: &'e T,
}

/// The first line.
#[derive(Serialize)]
struct Head<'a> {
    schema: u32,
    stack: Option<&'a str>,
}

/// The timeline line by line.
pub(super) fn timeline(report: &TimelineReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = Head { schema: SCHEMA, stack: report.stack };
    write("timeline", &head, out)?;
    for incarnation in &report.incarnations {
        write("incarnation", incarnation, out)?;
    }
    for operation in &report.operations {
        write("operation", operation, out)?;
    }
    for event in report.events() {
        write("event", &event, out)?;
    }
    for gap in report.gaps {
        write("gap", gap, out)?;
    }
    Ok(())
}

fn write<T: Serialize>(kind: &'static str, entry: &T, out: &mut dyn Write) -> io::Result<()> {
    json::line(&Typed { kind, entry }, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;
    use serde_json::Value;

    #[test]
    fn every_line_is_an_object_with_a_type() {
        testing::with_timeline(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| timeline(report, out));
            let kinds: Vec<String> = text
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned())
                .collect();
            let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
            assert_eq!(kinds.first().map(String::as_str), Some("timeline"));
            assert_eq!(count("incarnation"), report.incarnations.len());
            assert_eq!(count("operation"), report.operations.len());
            assert_eq!(count("event"), report.count());
            assert_eq!(count("gap"), report.gaps.len());
        });
    }
}
