//! How long each resource of an operation took, what it waited for, and where nothing was heard for long.
//! It goes by the events alone: a resource that begins right when another is complete waited for that one.
//! Used by the reports and the outputs.

use super::Operation;
use crate::model::{Event, Outcome, Text, Time};
use crate::timeline::Timeline;
use chrono::TimeDelta;
use hashbrown::{HashMap, HashSet};
use std::collections::BTreeMap;

/// A resource's way through an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The name in the template.
    pub logical_id: Text,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Option<Text>,
    /// Its first row.
    pub started_at: Time,
    /// Its last row, if that ended it.
    pub ended_at: Option<Time>,
    /// That row, else its first, as an index into `Timeline::events`.
    pub row: usize,
    /// How it ended; `InProgress` while it has not.
    pub outcome: Outcome,
    /// The resource whose end it waited for, as far as the events show it.
    pub waited_for: Option<Text>,
}

impl Span {
    /// How long it took; none while it has not ended.
    pub fn duration(&self) -> Option<TimeDelta> {
        self.ended_at.map(|ended| ended - self.started_at)
    }
}

/// CloudFormation starts a resource within this time after the last one that it depends on is complete.
const STARTS_WITHIN: TimeDelta = TimeDelta::seconds(3);

/// The resources of an operation in the order in which they began; the stack itself is not among them.
pub fn spans(timeline: &Timeline, operation: &Operation) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut by_id: HashMap<Text, usize> = HashMap::new();
    let mut ends: Vec<(Time, Text)> = Vec::new();
    let rows = operation.events.iter().filter_map(|row| Some((*row, timeline.events.get(*row)?)));
    for (row, event) in rows.filter(|(_, event)| is_of_resource(event)) {
        let Some(logical_id) = event.logical_id.clone() else { continue };
        let ended =
            by_id.get(&logical_id).and_then(|index| spans.get(*index)).is_some_and(|span| span.ended_at.is_some());
        if ended && &*event.action == "DELETE" {
            // The clean-up removes the old resource long after the new one was ready.
            continue;
        }
        let index = *by_id.entry(logical_id.clone()).or_insert_with(|| {
            let earliest = event.at - STARTS_WITHIN;
            let just_ended = ends.iter().rev().take_while(|(ended, _)| *ended >= earliest);
            let waited_for = just_ended.map(|(_, id)| id).find(|id| **id != logical_id).cloned();
            spans.push(Span {
                logical_id: logical_id.clone(),
                resource_type: event.resource_type.clone(),
                started_at: event.at,
                ended_at: None,
                row,
                outcome: Outcome::InProgress,
                waited_for,
            });
            spans.len() - 1
        });
        if event.outcome != Outcome::InProgress {
            if event.outcome == Outcome::Succeeded {
                ends.push((event.at, logical_id));
            }
            if let Some(span) = spans.get_mut(index) {
                span.ended_at = Some(event.at);
                span.row = row;
                span.outcome = event.outcome;
            }
        }
    }
    spans
}

fn is_of_resource(event: &Event) -> bool {
    event.is_stack_event() && !event.is_of_stack_itself() && event.hook.is_none() && event.validation.is_none()
}

/// The resources that decided how long the operation took, first to last: from the one that ended last (or that
/// failed first, given as `failed`) back over what each one waited for.
pub fn critical_path<'s>(spans: &'s [Span], failed: Option<&str>) -> Vec<&'s Span> {
    let by_id: HashMap<&str, &Span> = spans.iter().map(|span| (&*span.logical_id, span)).collect();
    let last = failed
        .and_then(|failed| by_id.get(failed).copied())
        .or_else(|| spans.iter().max_by_key(|span| (span.ended_at, span.started_at)));
    let mut path: Vec<&Span> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = last;
    while let Some(span) = next.filter(|span| seen.insert(&*span.logical_id)) {
        path.push(span);
        next = span.waited_for.as_deref().and_then(|id| by_id.get(id).copied());
    }
    path.reverse();
    path
}

/// A time in which nothing was heard of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The event after which it was silent, as an index into `Timeline::events`.
    pub after: usize,
    /// From the last event before it.
    pub from: Time,
    /// To the first event after it.
    pub to: Time,
    /// What was in progress meanwhile, in the order in which it began. May be empty.
    pub in_progress: Vec<Text>,
}

/// Silences are marked from this part of an operation's length on.
const TELLING_PART: i32 = 10;
/// A shorter one says nothing, however short the operation.
const SHORTEST: TimeDelta = TimeDelta::seconds(30);

/// The silences of an operation longer than a tenth of it, in order of time.
pub fn silences(timeline: &Timeline, operation: &Operation) -> Vec<Silence> {
    let Some(ended_at) = operation.ended_at else {
        return Vec::new();
    };
    let shortest = ((ended_at - operation.started_at) / TELLING_PART).max(SHORTEST);
    // By the order in which they began.
    let mut running: BTreeMap<usize, Text> = BTreeMap::new();
    let mut places: HashMap<Text, usize> = HashMap::new();
    let mut silences = Vec::new();
    let mut last: Option<(usize, Time)> = None;
    for (index, event) in operation.events.iter().filter_map(|index| Some((*index, timeline.events.get(*index)?))) {
        if event.approximate
            || event.call.as_ref().is_some_and(|call| call.read_only)
            || event.at < operation.started_at
            || event.at > ended_at
        {
            continue;
        }
        if let Some((after, from)) = last.filter(|(_, from)| event.at - *from > shortest) {
            silences.push(Silence { after, from, to: event.at, in_progress: running.values().cloned().collect() });
        }
        last = Some((index, event.at));
        let Some(logical_id) = event.logical_id.as_ref().filter(|_| is_of_resource(event)) else {
            continue;
        };
        if event.outcome != Outcome::InProgress {
            if let Some(place) = places.remove(logical_id) {
                running.remove(&place);
            }
        } else if !places.contains_key(logical_id) {
            places.insert(logical_id.clone(), index);
            running.insert(index, logical_id.clone());
        }
    }
    silences
}
