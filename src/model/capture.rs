//! A capture: all records of one collection, as AWS returned them, with its manifest and its gaps.
//! Records are slices of their file's text, so that a capture costs little more memory than its files.
//! Made by the case reader and the collectors; read by the sources and the case writer.

use super::{Gap, Text, file_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Where a record is: its file and its index from 0 in the file's order. `cloudtrail#41`, in a source that is a
/// folder `cloudtrail/us-east-1#41`, in the deploy log a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(into = "String"))]
pub struct RecordRef {
    /// The file's name in the case without its ending.
    #[cfg_attr(test, schemars(with = "String"))]
    pub file: Text,
    /// From 0.
    pub index: u32,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.file, self.index)
    }
}

impl Serialize for RecordRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no FILE#INDEX")))
    }
}

impl RecordRef {
    /// The reference in `cloudtrail#41`; none where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (file, index) = text.rsplit_once('#')?;
        Some(Self { file: Text::from(file), index: index.parse().ok()? })
    }
}

/// How a file's records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each record is a JSON value.
    Json,
    /// Each record is a line of text.
    Lines,
}

/// One file of a case: a source's records, in the file's order.
#[derive(Debug, Clone)]
pub struct RecordFile {
    /// The stem of the source in `sources::ALL`.
    pub source: &'static str,
    /// The first half of every reference into this file.
    pub name: Text,
    /// JSON values or lines.
    pub form: Form,
    /// The file's text, inflated; valid UTF-8.
    pub text: String,
    /// Where in `text` each record is.
    pub records: Vec<Range<usize>>,
}

/// What ends the JSON of a growing list.
const LIST_END: &str = "\n]}";

/// A file that is being collected: begun with [`list`](Self::list) or [`lines`](Self::lines), it grows by
/// [`push`](Self::push). At every moment its text is what a case's reader finds the same records in.
///
/// `part` names the file where a source has several: a region, a stack id, a log group, whatever AWS calls it. It is
/// made safe as a file's name here; it must be unique in its source, also without regard to case.
impl RecordFile {
    /// A file of JSON records without any yet: `{"LIST": [`, a record a line, `]}`. `list` is one of the source's
    /// `lists`, the first where it does not matter.
    pub fn list(source: &'static str, part: Option<&str>, list: &str) -> Self {
        Self::begin(source, part, Form::Json, format!("{{\"{list}\": [{LIST_END}"))
    }

    /// A file of lines without any yet.
    pub fn lines(source: &'static str, part: Option<&str>) -> Self {
        Self::begin(source, part, Form::Lines, String::new())
    }

    /// A file that is one record as a whole, such as a template; `part` is its whole name, with an ending.
    pub fn whole(source: &'static str, part: &str, text: &str) -> Self {
        // Reading takes a byte order mark off.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
        let records = std::iter::once(0..text.len()).collect();
        Self { records, ..Self::begin(source, Some(part), Form::Json, text) }
    }

    fn begin(source: &'static str, part: Option<&str>, form: Form, text: String) -> Self {
        let name = match part {
            Some(part) => Text::from(format!("{source}/{}", file_name::escape(part))),
            None => Text::from(source),
        };
        Self { source, name, form, text, records: Vec::new() }
    }

    /// Appends a record: one JSON value, or text of which each line becomes a record. Only for a file that was begun
    /// with [`list`](Self::list) or [`lines`](Self::lines).
    pub fn push(&mut self, record: &str) {
        if self.form == Form::Lines {
            for line in record.lines() {
                self.append(line.trim_end_matches('\r'));
                self.text.push('\n');
            }
            return;
        }
        debug_assert!(self.text.ends_with(LIST_END), "{} is no list that grows", self.name);
        self.text.truncate(self.text.len().saturating_sub(LIST_END.len()));
        self.text.push_str(if self.records.is_empty() { "\n" } else { ",\n" });
        self.append(record.trim());
        self.text.push_str(LIST_END);
    }

    fn append(&mut self, record: &str) {
        let start = self.text.len();
        self.text.push_str(record);
        self.records.push(start..self.text.len());
    }

    /// What the file is named after within its source, as AWS writes it; `None` for a source's only file. A name of
    /// more than 200 bytes was cut.
    pub fn part(&self) -> Option<String> {
        self.name.strip_prefix(self.source)?.strip_prefix('/').map(file_name::unescape)
    }

    /// The records with their references, in the file's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (RecordRef, &str)> {
        self.records.iter().enumerate().map(|(index, span)| {
            let reference = RecordRef { file: self.name.clone(), index: u32::try_from(index).unwrap_or(u32::MAX) };
            (reference, self.text.get(span.clone()).unwrap_or_default())
        })
    }
}

/// What a capture was asked for. Each part is absent where nobody said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The stack's name or ARN, as it was given.
    #[serde(default)]
    pub stack: Option<String>,
    /// The account's 12 digits.
    #[serde(default)]
    pub account: Option<String>,
    /// The stack's region.
    #[serde(default)]
    pub region: Option<String>,
}

/// One question that was put to AWS while collecting, and how it went: what the collector did, for who doubts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When: RFC 3339, UTC.
    pub at: String,
    /// What was asked, in words: `who deleted the stack, in CloudTrail of us-east-1`.
    pub question: String,
    /// How many records came back that were not there already.
    pub records: u64,
    /// `complete`, `partial` (some came back, then it broke off) or `failed`.
    pub outcome: String,
}

/// That a case was redacted, and which case it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redacted {
    /// The original's fingerprint (`case::fingerprint`), in lower-case hexadecimal.
    pub of: String,
    /// What was replaced: `secrets`, `emails`, `ids`.
    pub what: Vec<String>,
}

/// `manifest.json`: what a case says of itself. A case made by hand has none.
///
/// A collector fills `scope`, `captured_at`, `partial`, `caller`, `calls` and `asked`; the rest is the case writer's,
/// which sets it whatever is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the case format, `MAJOR.MINOR`.
    pub format_version: String,
    /// What was asked for.
    #[serde(default)]
    pub scope: Scope,
    /// When it was collected: RFC 3339, UTC. Empty where nobody knows: a case made by hand that was written anew.
    pub captured_at: String,
    /// The version of cfn-forensics that wrote it.
    pub tool_version: String,
    /// True where the collection was interrupted or ran out of time: what is not there may still exist.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Who collected it: the ARN that STS GetCallerIdentity tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    /// How many API calls were made, by `service:Operation`: `cloudtrail:LookupEvents`. What the SDK tried again by itself
    /// after a fault of a moment is one call.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<String, u64>,
    /// What was asked of AWS, in the order of asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// What was replaced, where the case is not as it was collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redacted>,
    /// What could not be collected.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// SHA-256 of each file of the case in lower-case hexadecimal, by its path with `/`.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// All records of one collection.
#[derive(Debug, Clone, Default)]
pub struct Capture {
    /// What the capture says of itself, if it says anything.
    pub manifest: Option<Manifest>,
    /// One entry a file; in the order of the sources' table, then of the names. May be empty.
    pub files: Vec<RecordFile>,
    /// What could not be seen, in the order in which it was found.
    pub gaps: Vec<Gap>,
}

impl Capture {
    /// The record's own text, or `None` where the reference leads nowhere.
    pub fn record(&self, reference: &RecordRef) -> Option<&str> {
        let file = self.files.iter().find(|file| file.name == reference.file)?;
        let span = file.records.get(reference.index as usize)?;
        file.text.get(span.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(file: &RecordFile) -> Vec<String> {
        file.iter().map(|(reference, record)| format!("{reference} {record}")).collect()
    }

    #[test]
    fn a_list_is_whole_after_every_record() {
        let mut file = RecordFile::list("stack_events", Some("Shop/1"), "StackEvents");
        assert_eq!(file.text, "{\"StackEvents\": [\n]}");
        file.push(" {\"a\":1}\n");
        assert_eq!(file.text, "{\"StackEvents\": [\n{\"a\":1}\n]}");
        file.push("{\"b\":[2]}");
        assert_eq!(file.text, "{\"StackEvents\": [\n{\"a\":1},\n{\"b\":[2]}\n]}");
        assert_eq!(records(&file), ["stack_events/Shop%2F1#0 {\"a\":1}", "stack_events/Shop%2F1#1 {\"b\":[2]}"]);
        assert_eq!(file.part().as_deref(), Some("Shop/1"));
    }

    #[test]
    fn each_line_is_a_record() {
        let mut file = RecordFile::lines("deploy_log", None);
        file.push("one");
        file.push("two\r\n\nthree\n");
        assert_eq!(file.text, "one\ntwo\n\nthree\n");
        assert_eq!(records(&file), ["deploy_log#0 one", "deploy_log#1 two", "deploy_log#2 ", "deploy_log#3 three"]);
        assert_eq!(file.part(), None);
    }

    #[test]
    fn a_whole_file_is_one_record() {
        let file = RecordFile::whole("templates", "Shop.yaml", "\u{feff}Resources: {}\n");
        assert_eq!(records(&file), ["templates/Shop.yaml#0 Resources: {}\n"]);
    }
}
