//! Where in the page a record is found: among the cited records, else in its row of the timeline.
//! It gives no place to what the page does not show, so that no link leads nowhere and no id stands twice.
//! Part of the report as HTML.

use crate::report::{EventEntry, RootCauseReport};
use hashbrown::{HashMap, HashSet};
use std::fmt::Write as _;

/// The places of all records.
pub(super) struct Anchors<'r> {
    cited: HashSet<&'r str>,
    /// The first row of the timeline that tells of a record.
    rows: HashMap<&'r str, usize>,
}

impl<'r> Anchors<'r> {
    /// The places in the page of a report.
    pub(super) fn of(report: &'r RootCauseReport<'_>) -> Self {
        let mut rows = HashMap::with_capacity(report.timeline.len());
        for (index, event) in report.timeline.iter().enumerate() {
            rows.entry(&*event.record).or_insert(index);
        }
        Self { cited: report.exhibits.iter().map(|exhibit| &*exhibit.record).collect(), rows }
    }

    /// The id to which a claim links; none where the page does not show the record.
    pub(super) fn target(&self, record: &str) -> Option<String> {
        (self.cited.contains(record) || self.rows.contains_key(record)).then(|| id('r', record))
    }

    /// The id of a row of the timeline: the record's own where it is not among the cited ones.
    pub(super) fn of_row(&self, index: usize, event: &EventEntry<'_>) -> Option<String> {
        let is_first = self.rows.get(&*event.record) == Some(&index);
        is_first.then(|| id(if self.is_cited(&event.record) { 't' } else { 'r' }, &event.record))
    }

    /// The id of a cited record's row in the timeline.
    pub(super) fn row_of(&self, record: &str) -> Option<String> {
        self.rows.contains_key(record).then(|| id('t', record))
    }

    pub(super) fn is_cited(&self, record: &str) -> bool {
        self.cited.contains(record)
    }
}

/// `r-stack_events.12` for `stack_events#12`: plain in an address, and different for different records.
pub(super) fn id(kind: char, record: &str) -> String {
    let mut id = format!("{kind}-");
    for c in record.chars() {
        match c {
            '#' => id.push('.'),
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') => id.push(c),
            // Writing into a string cannot fail.
            c => drop(write!(id, "~{:x}~", u32::from(c))),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_plain_and_differ() {
        for (record, expected) in [
            ("stack_events#12", "r-stack_events.12"),
            ("cloudtrail/part 1.json#0", "r-cloudtrail~2f~part~20~1~2e~json.0"),
            ("a~23~0", "r-a~7e~23~7e~0"),
            ("\"><b>\u{202e}", "r-~22~~3e~~3c~b~3e~~202e~"),
        ] {
            assert_eq!(id('r', record), expected);
        }
    }
}
