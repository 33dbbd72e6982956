//! A capture: all records of one collection, as AWS returned them, with its manifest and its gaps.
//! Records are slices of their file's text, so that a capture costs little more memory than its files.
//! Made by the case reader and the collectors; read by the sources.

use super::{Gap, Text};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// Where a record is: its file and its index from 0 in the file's order. `cloudtrail#41`, in a source that is a
/// folder `cloudtrail/us-east-1#41`, in the deploy log a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordRef {
    /// The file's name in the case without its ending.
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

impl RecordFile {
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

/// `manifest.json`: what a case says of itself. A case made by hand has none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the case format, `MAJOR.MINOR`.
    pub format_version: String,
    /// What was asked for.
    #[serde(default)]
    pub scope: Scope,
    /// When it was collected: RFC 3339, UTC.
    pub captured_at: String,
    /// The version of cfn-forensics that wrote it.
    pub tool_version: String,
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
