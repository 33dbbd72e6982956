//! The finished timeline: what is shown of a stack's operations and events.
//! Events are written out as they are asked for, so that 400,000 of them cost no second copy.
//! Formatted by every timeline renderer.

use super::entries::{EventEntry, IncarnationEntry, OperationEntry};
use super::select::Selection;
use super::{Evidence, SCHEMA};
use crate::model::{Gap, Time};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::cell::Cell;

/// What a timeline shows.
#[derive(Debug)]
pub struct TimelineReport<'a> {
    evidence: Evidence<'a>,
    /// The stack's name; none where the case names none.
    pub stack: Option<&'a str>,
    /// All incarnations of the stack and those of its nested stacks, oldest first by name.
    pub incarnations: Vec<IncarnationEntry<'a>>,
    /// Those that are shown, oldest first, nested ones among them.
    pub operations: Vec<OperationEntry<'a>>,
    /// What could not be seen.
    pub gaps: &'a [Gap],
    /// When the first operation that is shown began: what relative times count from.
    pub zero: Option<Time>,
    events: &'a [usize],
}

impl<'a> TimelineReport<'a> {
    /// The report of a selection.
    pub fn new(evidence: Evidence<'a>, selection: &'a Selection) -> Self {
        let history = evidence.history;
        let named = |mut index: usize| {
            while let Some(parent) = history.incarnations.get(index).and_then(|incarnation| incarnation.parent) {
                index = parent;
            }
            history.incarnations.get(index).is_some_and(|incarnation| incarnation.name == selection.name)
        };
        Self {
            evidence,
            stack: Some(&*selection.name).filter(|name| !name.is_empty()),
            incarnations: (0..history.incarnations.len())
                .filter(|index| named(*index))
                .filter_map(|index| IncarnationEntry::of(evidence, index))
                .collect(),
            operations: selection.with_nested.iter().filter_map(|index| OperationEntry::of(evidence, *index)).collect(),
            gaps: &evidence.timeline.gaps,
            zero: selection
                .with_nested
                .first()
                .and_then(|first| history.operations.get(*first))
                .map(|operation| operation.started_at),
            events: &selection.events,
        }
    }

    /// The events that are shown, in order.
    pub fn events(&self) -> impl Iterator<Item = EventEntry<'a>> {
        self.timed_events().map(|(_, entry)| entry)
    }

    /// The same, each with its instant.
    pub fn timed_events(&self) -> impl Iterator<Item = (Time, EventEntry<'a>)> {
        let evidence = self.evidence;
        self.events.iter().filter_map(move |index| {
            let event = evidence.timeline.events.get(*index)?;
            Some((event.at, EventEntry::of(evidence, *index, event)))
        })
    }

    /// How many events are shown.
    pub fn count(&self) -> usize {
        self.events.len()
    }
}

/// An iterator that is written out as a JSON list without being collected.
struct Streamed<I>(Cell<Option<I>>);

impl<I: Iterator<Item: Serialize>> Serialize for Streamed<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}

impl Serialize for TimelineReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Timeline", 6)?;
        report.serialize_field("schema", &SCHEMA)?;
        report.serialize_field("stack", &self.stack)?;
        report.serialize_field("incarnations", &self.incarnations)?;
        report.serialize_field("operations", &self.operations)?;
        report.serialize_field("events", &Streamed(Cell::new(Some(self.events()))))?;
        report.serialize_field("gaps", &self.gaps)?;
        report.end()
    }
}
