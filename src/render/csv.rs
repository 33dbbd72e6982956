//! The events as comma-separated values (RFC 4180), in UTC: a row of names, then a row for each event with all its keys.
//! Text that a spreadsheet would take for a formula is disarmed, and what acts on a terminal is shown; all else is verbatim.
//! Operations and gaps have no place here.
//! Read by spreadsheets.

use super::escape::csv_cell;
use crate::report::words;
use crate::report::{EventEntry, TimelineReport};
use std::io::{self, Write};

/// The keys of an event, in the order of the JSON document.
const COLUMNS: [&str; 17] = [
    "at",
    "source",
    "action",
    "outcome",
    "status",
    "logical_id",
    "physical_id",
    "resource_type",
    "actor",
    "message",
    "record",
    "operation",
    "error",
    "stack",
    "stack_id",
    "role",
    "approximate",
];

/// The events row by row.
pub(super) fn timeline(report: &TimelineReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for event in report.events() {
        row(&mut writer, &event)?;
    }
    writer.flush()
}

fn row<W: Write>(writer: &mut ::csv::Writer<W>, event: &EventEntry<'_>) -> io::Result<()> {
    let role = event.role.map(words::code).unwrap_or_default();
    let outcome = words::code(event.outcome);
    let cells: [&str; COLUMNS.len()] = [
        &event.at,
        event.source,
        event.action,
        &outcome,
        event.status.unwrap_or_default(),
        event.logical_id.unwrap_or_default(),
        event.physical_id.unwrap_or_default(),
        event.resource_type.unwrap_or_default(),
        event.actor.unwrap_or_default(),
        event.message.unwrap_or_default(),
        &event.record,
        event.operation.unwrap_or_default(),
        event.error.unwrap_or_default(),
        event.stack.unwrap_or_default(),
        event.stack_id.unwrap_or_default(),
        &role,
        if event.approximate { "true" } else { "false" },
    ];
    for cell in cells {
        writer.write_field(csv_cell(cell).as_bytes())?;
    }
    writer.write_record(None::<&[u8]>)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::escape::is_hidden;
    use crate::render::testing;
    use std::collections::BTreeSet;

    #[test]
    fn every_key_of_an_event_is_a_column() {
        testing::with_timeline("Shop", |report| {
            let event = report.events().next().unwrap();
            let value = serde_json::to_value(&event).unwrap();
            let keys: BTreeSet<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(COLUMNS.into_iter().collect::<BTreeSet<_>>(), keys);
        });
    }

    #[test]
    fn a_row_for_each_event_and_no_formula() {
        testing::with_timeline(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| timeline(report, out));
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
            let mut reader = ::csv::Reader::from_reader(text.as_bytes());
            let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!(rows.len(), report.count());
            let cells = || rows.iter().flatten();
            assert!(!cells().any(|cell| cell.starts_with(['=', '+', '-', '@', '\t', '\r'])));
            // The message is found whole, its line ends with it; what would act on a terminal is shown.
            let message = testing::MESSAGE.replace('\u{9b}', "\\u{9b}").replace("\r\n", "\n");
            assert!(cells().any(|cell| cell == message));
            assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
            assert!(cells().any(|cell| cell == format!("'{}", testing::FORMULA)));
        });
    }
}
