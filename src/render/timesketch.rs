//! JSON lines for the import into Timesketch: `message`, `datetime` and `timestamp_desc`, which it asks for, then the keys of
//! an event; what AWS said stands under `reason`, since `message` is one readable line. Unknown values are left out.
//! Strings that its index would refuse are cut with a note. Read by Timesketch's importers.

use super::json;
use crate::report::words;
use crate::report::{EventEntry, TimelineReport};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};

/// What OpenSearch takes for one term. Source: Lucene, `IndexWriter.MAX_TERM_LENGTH`.
const MAX_BYTES: usize = 32_766;

/// One event as Timesketch wants it.
#[derive(Serialize)]
struct Row<'a> {
    message: String,
    datetime: String,
    timestamp_desc: String,
    source: &'a str,
    action: Cow<'a, str>,
    outcome: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    record: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    approximate: bool,
}

/// The events line by line.
pub(super) fn timeline(report: &TimelineReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    for event in report.events() {
        json::line(&row(&event), out)?;
    }
    Ok(())
}

fn row<'a>(event: &'a EventEntry<'a>) -> Row<'a> {
    let kept = |text: Option<&'a str>| text.map(|text| cut(text, &event.record));
    Row {
        message: cut(&message(event), &event.record).into_owned(),
        datetime: datetime(&event.at),
        timestamp_desc: format!("{} event time", event.source),
        source: event.source,
        action: cut(event.action, &event.record),
        outcome: words::code(event.outcome),
        status: kept(event.status),
        logical_id: kept(event.logical_id),
        physical_id: kept(event.physical_id),
        resource_type: kept(event.resource_type),
        actor: kept(event.actor),
        reason: kept(event.message),
        record: &event.record,
        operation: kept(event.operation),
        error: kept(event.error),
        stack: kept(event.stack),
        stack_id: kept(event.stack_id),
        role: event.role.map(words::code),
        approximate: event.approximate,
    }
}

/// `Shop: CREATE_FAILED Api (AWS::ECS::Service) by deployer: the reason`, on one line.
fn message(event: &EventEntry<'_>) -> String {
    let by = event.actor.map(|actor| format!("by {actor}")).unwrap_or_default();
    let what = words::joined(&[&words::what(event), &by], " ");
    let reason = words::reason(event.error, event.message);
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    words::joined(&[event.stack.unwrap_or_default(), &what, &reason], ": ")
}

/// `2026-11-18T12:38:16.000+00:00`: Timesketch's documentation writes the offset out.
fn datetime(at: &str) -> String {
    match at.strip_suffix('Z') {
        Some(instant) => format!("{instant}+00:00"),
        None => at.to_owned(),
    }
}

/// The text, or as much of it as the index takes, with a note that tells how much there was and where it is whole.
fn cut<'t>(text: &'t str, record: &str) -> Cow<'t, str> {
    if text.len() <= MAX_BYTES {
        return Cow::Borrowed(text);
    }
    let note = format!(" [cut here: {} bytes in all, whole in {record}]", text.len());
    let mut end = MAX_BYTES.saturating_sub(note.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}{note}", text.get(..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;
    use serde_json::Value;

    #[test]
    fn every_line_has_what_timesketch_asks_for() {
        testing::with_timeline(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| timeline(report, out));
            let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(rows.len(), report.count());
            for row in &rows {
                let at = row["datetime"].as_str().unwrap();
                assert!(at.ends_with("+00:00") && chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
                assert!(!row["message"].as_str().unwrap().contains('\n'));
                assert!(row["timestamp_desc"].as_str().is_some_and(|text| !text.is_empty()));
                assert!(row.as_object().unwrap().values().all(|value| !value.is_null()));
            }
            assert!(rows.iter().any(|row| row["reason"] == testing::MESSAGE));
        });
    }

    #[test]
    fn long_strings_are_cut_at_a_character_with_a_note() {
        let whole = "é".repeat(MAX_BYTES / 2);
        assert_eq!(cut(&whole, "log_events#1"), whole);
        let long = "é".repeat(MAX_BYTES);
        let cut = cut(&long, "log_events#1");
        assert!(cut.len() <= MAX_BYTES && cut.ends_with("[cut here: 65532 bytes in all, whole in log_events#1]"));
    }
}
