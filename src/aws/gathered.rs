//! What was collected so far: a capture that grows, each record once, in the files that a case keeps.
//! It asks nothing and drops nothing but exact repetitions; in the end nothing of it depends on which answer came first.
//! Filled by the sources through the desk.

use crate::model::{Capture, Gap, RecordFile};
use crate::plan::Question;
use crate::sources::{self, Layout};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// A capture that grows.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub capture: Capture,
    /// Where in the capture a source's only file is.
    files: HashMap<&'static str, usize>,
    /// The records that are there, by their hashes: two look-ups may tell the same call.
    seen: HashMap<[u8; 32], Place>,
    /// How many records each question brought, repetitions too.
    brought: BTreeMap<Question, u32>,
}

/// Where a record belongs: with the first question, in their order, that brought it, and there as AWS listed it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    question: Question,
    number: u32,
}

impl Gathered {
    /// Adds a record to the source's file; true unless it is there already.
    pub fn add(&mut self, question: &Question, source: &'static str, record: &str) -> bool {
        let new = self.is_new(question, hash(source, record));
        if let Some(file) = self.file(source).filter(|_| new) {
            file.push(record);
        }
        new
    }

    /// Adds a record that is a file of its own in the folder of the source; true unless it is there already.
    pub fn add_whole(&mut self, question: &Question, source: &'static str, part: &str, text: &str) -> bool {
        let new = self.is_new(question, hash(source, part));
        if new {
            self.capture.files.push(RecordFile::whole(source, part, text));
        }
        new
    }

    fn is_new(&mut self, question: &Question, hash: [u8; 32]) -> bool {
        let number = self.brought.entry(question.clone()).or_default();
        *number += 1;
        let place = Place { question: question.clone(), number: *number };
        match self.seen.get_mut(&hash) {
            Some(known) => {
                *known = place.min(known.clone());
                false
            }
            None => {
                self.seen.insert(hash, place);
                true
            }
        }
    }

    /// A source that was asked has a file, also where the answer was empty: that is an answer too.
    pub fn asked(&mut self, source: &'static str) {
        if sources::by_stem(source).is_some_and(|source| source.layout == Layout::Json) {
            self.file(source);
        }
    }

    fn file(&mut self, source: &'static str) -> Option<&mut RecordFile> {
        let index = match self.files.get(source) {
            Some(index) => *index,
            None => {
                self.capture.files.push(RecordFile::list(source, None, list(source)?));
                self.files.insert(source, self.capture.files.len() - 1);
                self.capture.files.len() - 1
            }
        };
        self.capture.files.get_mut(index)
    }

    /// Adds a gap, each once.
    pub fn gap(&mut self, gap: Gap) {
        if !self.capture.gaps.contains(&gap) {
            self.capture.gaps.push(gap);
        }
    }

    /// The capture, its records and gaps in an order that does not depend on which answer came first: what a report
    /// cites today must be found under the same reference when it is asked again.
    pub fn finish(mut self) -> Capture {
        for index in self.files.values() {
            if let Some(file) = self.capture.files.get_mut(*index) {
                put_in_order(file, &self.seen);
            }
        }
        self.capture.gaps.sort_by(|a, b| {
            let key = |gap: &Gap| (sources::rank(&gap.source), gap.window.clone(), gap.why.clone());
            key(a).cmp(&key(b))
        });
        self.capture
    }
}

fn put_in_order(file: &mut RecordFile, seen: &HashMap<[u8; 32], Place>) {
    let mut records: Vec<(Option<&Place>, &str)> =
        file.iter().map(|(_, record)| (seen.get(&hash(file.source, record)), record)).collect();
    if records.is_sorted_by_key(|(place, _)| *place) {
        return;
    }
    records.sort_by_key(|(place, _)| *place);
    let mut sorted = RecordFile::list(file.source, None, list(file.source).unwrap_or_default());
    for (_, record) in records {
        sorted.push(record);
    }
    *file = sorted;
}

/// Where an operation lists what another describes, the records are as it describes them.
fn list(source: &str) -> Option<&'static str> {
    sources::by_stem(source)?.lists.last().copied()
}

fn hash(source: &str, record: &str) -> [u8; 32] {
    Sha256::new().chain_update(source).chain_update([0]).chain_update(record).finalize().into()
}
