//! Where a source puts what its records tell: events, known resources, gaps.
//! It keeps the conventions (sharing of texts, wording and number of gaps) in one place.
//! Made by the timeline, one for each file; filled by the sources.

use crate::model::time::{Stamp, Time};
use crate::model::{Event, Gap, RecordRef, Text, Texts};
use serde::Deserialize;

/// What DescribeStackResources or ListStackResources tells: which resource has which physical id.
#[derive(Debug, Clone)]
pub struct KnownResource {
    /// The stack's ARN, if the record has it.
    pub stack_id: Option<Text>,
    /// The stack's name, if the record has it.
    pub stack_name: Option<Text>,
    /// The name in the template.
    pub logical_id: Text,
    /// The id or ARN in the service.
    pub physical_id: Text,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Text,
    /// The first that is heard of it under this id; none where the record has no time.
    pub since: Option<Time>,
    /// The last that is heard of it.
    pub until: Option<Time>,
}

/// What the records of one file tell.
#[derive(Debug)]
pub struct Sink<'a> {
    /// In the file's order.
    pub events: Vec<Event>,
    /// Events of records that tell a state but no time: how things stood when the case was collected.
    pub undated: Vec<Event>,
    /// In the file's order.
    pub resources: Vec<KnownResource>,
    gaps: Vec<Gap>,
    unzoned: usize,
    bad: usize,
    texts: Texts,
    file: &'a str,
    source: &'static str,
    reads: bool,
}

/// A file with thousands of bad records has one fault, not thousands.
const MOST_BAD_RECORDS_NAMED: usize = 5;

impl<'a> Sink<'a> {
    /// An empty sink for the file of this name; `reads`: keep calls that only read.
    pub fn new(source: &'static str, file: &'a str, reads: bool) -> Self {
        Self {
            events: Vec::new(),
            undated: Vec::new(),
            resources: Vec::new(),
            gaps: Vec::new(),
            unzoned: 0,
            bad: 0,
            texts: Texts::default(),
            file,
            source,
            reads,
        }
    }

    /// True when calls that only read are asked for.
    pub fn wants_reads(&self) -> bool {
        self.reads
    }

    /// The shared form of `text`.
    pub fn text(&mut self, text: &str) -> Text {
        self.texts.share(text)
    }

    /// The shared form of `text`; none where it is missing or empty.
    pub fn some(&mut self, text: Option<&str>) -> Option<Text> {
        self.texts.share_some(text)
    }

    /// Reads the record as `T`; what cannot be read becomes a gap.
    pub fn parse<'r, T: Deserialize<'r>>(&mut self, record: &RecordRef, json: &'r str) -> Option<T> {
        match serde_json::from_str(json) {
            Ok(read) => Some(read),
            Err(error) => {
                self.skip(record, &format!("is not a record of this source: {error}"));
                None
            }
        }
    }

    /// The time of a stamp; a record without one becomes a gap that names the `field`.
    pub fn time(&mut self, record: &RecordRef, stamp: Stamp, field: &str) -> Option<Time> {
        match stamp {
            Stamp::Read(written) => {
                self.unzoned += usize::from(!written.zoned);
                Some(written.at)
            }
            Stamp::Absent => {
                self.skip(record, &format!("has no {field}"));
                None
            }
            Stamp::Unreadable => {
                self.skip(record, &format!("has no {field} that can be read"));
                None
            }
        }
    }

    /// Leaves the record out, with a gap that says why.
    pub fn skip(&mut self, record: &RecordRef, why: &str) {
        self.bad += 1;
        if self.bad <= MOST_BAD_RECORDS_NAMED {
            self.gaps.push(Gap::new(self.source, format!("record left out: it {why}")).at(record.to_string()));
        }
    }

    /// Uses the record without a part of it, with a gap that says which.
    pub fn use_partly(&mut self, record: &RecordRef, without: &str) {
        self.bad += 1;
        if self.bad <= MOST_BAD_RECORDS_NAMED {
            let why = format!("record used without its {without}, which cannot be read");
            self.gaps.push(Gap::new(self.source, why).at(record.to_string()));
        }
    }

    /// Something else about this file that the reader must know.
    pub fn gap(&mut self, gap: Gap) {
        self.gaps.push(gap);
    }

    /// The events, the undated ones, the known resources and the gaps.
    pub fn finish(mut self) -> (Vec<Event>, Vec<Event>, Vec<KnownResource>, Vec<Gap>) {
        if self.bad > MOST_BAD_RECORDS_NAMED {
            let more = self.bad - MOST_BAD_RECORDS_NAMED;
            self.gaps
                .push(Gap::new(self.source, format!("{more} more records are wrong in ways like these")).at(self.file));
        }
        if self.unzoned > 0 {
            let why = format!("{} time stamps name no time zone and are read as UTC", self.unzoned);
            self.gaps.push(Gap::new(self.source, why).at(self.file));
        }
        (self.events, self.undated, self.resources, self.gaps)
    }
}
