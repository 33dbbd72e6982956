//! The resources of all operations as lanes over time: when each waited, worked, failed or was cancelled.
//! It measures and picks which lanes matter; how they are drawn is the renderers' business.
//! Drawn as SVG and as mermaid, written as a trace.

use super::Story;
use crate::model::{Outcome, Time, time};
use crate::operation::{Ending, Role};
use crate::report::{OperationEntry, SpanEntry};
use hashbrown::HashSet;

/// All operations of a story over one time axis.
#[derive(Debug)]
pub struct Chart<'r> {
    /// The instant at which the axis begins; none where no operation is known.
    pub from: Option<Time>,
    /// Where it ends, in seconds from its beginning; what has not ended goes on to here.
    pub length: f64,
    /// One an operation, oldest first; nested stacks' after those that they are part of.
    pub tracks: Vec<Track<'r>>,
}

/// An operation with its resources.
#[derive(Debug)]
pub struct Track<'r> {
    /// The operation.
    pub operation: &'r OperationEntry<'r>,
    /// How many operations it is nested in.
    pub depth: usize,
    /// When it worked, in seconds from the axis' beginning.
    pub bar: Bar,
    /// In the order in which they began. May be empty.
    pub lanes: Vec<Lane<'r>>,
}

/// A stretch of time, in seconds from the axis' beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// Its beginning.
    pub from: f64,
    /// Its end; not before its beginning.
    pub to: f64,
    /// It had not ended when the evidence ended, or when it was cut off.
    pub open: bool,
}

/// A resource in an operation.
#[derive(Debug)]
pub struct Lane<'r> {
    /// The resource.
    pub span: &'r SpanEntry,
    /// From when it waited for others, in seconds from the axis' beginning; none where it began with the operation.
    pub waited_from: Option<f64>,
    /// When it worked.
    pub bar: Bar,
    /// It belongs to the few that tell the story: it failed, took long, or decided how long the operation took.
    pub is_key: bool,
}

/// So many lanes are looked at; more are folded away.
const KEY_LANES: usize = 30;
/// A resource that begins within this time after its operation did not wait. In seconds.
const AT_ONCE: f64 = 3.0;

impl<'r> Chart<'r> {
    /// `last` is the last that the evidence tells of: what goes on then goes on to there.
    pub(super) fn of(story: &'r Story<'_>, last: Option<&str>) -> Self {
        let operations = in_families(&story.operations);
        let began = operations.iter().filter_map(|(operation, _)| instant(&operation.started_at)).min();
        let Some(from) = began else { return Self { from: None, length: 0.0, tracks: Vec::new() } };
        let seconds = |text: &str| instant(text).map(|at| seconds(from, at));
        let ends = operations.iter().flat_map(|(operation, _)| {
            let rows = operation.resources.iter().map(|span| span.ended_at.as_ref().unwrap_or(&span.started_at));
            rows.chain(operation.ended_at.as_ref()).chain([&operation.started_at])
        });
        let goes_on = operations.iter().any(|(operation, _)| operation.outcome == Ending::InProgress);
        let last = last.filter(|_| goes_on).and_then(seconds);
        let length = ends.filter_map(|at| seconds(at)).chain(last).fold(0.0, f64::max);
        let mut tracks: Vec<Track<'r>> = operations
            .into_iter()
            .filter_map(|(operation, depth)| {
                let begun = seconds(&operation.started_at)?;
                let ended = operation.ended_at.as_deref().and_then(seconds);
                let bar = Bar::new(begun, ended, length);
                let open = matches!(operation.outcome, Ending::InProgress | Ending::CutOff);
                let lanes = operation.resources.iter().filter_map(|span| lane(span, bar, &seconds)).collect();
                Some(Track { operation, depth, bar: Bar { open, ..bar }, lanes })
            })
            .collect();
        mark_key_lanes(&mut tracks);
        Self { from: Some(from), length, tracks }
    }
}

impl Bar {
    fn new(from: f64, to: Option<f64>, end: f64) -> Self {
        Self { from, to: to.unwrap_or(end).max(from), open: to.is_none() }
    }

    /// In seconds.
    pub fn length(self) -> f64 {
        self.to - self.from
    }
}

fn lane<'r>(span: &'r SpanEntry, operation: Bar, seconds: &impl Fn(&str) -> Option<f64>) -> Option<Lane<'r>> {
    let begun = seconds(&span.started_at)?;
    let ended = span.ended_at.as_deref().and_then(seconds);
    let waited = begun - operation.from > AT_ONCE;
    Some(Lane {
        span,
        waited_from: waited.then_some(operation.from),
        bar: Bar::new(begun, ended, operation.to.max(begun)),
        is_key: false,
    })
}

/// Failures first, then what decided how long the operation took, then the longest; cancelled ones are alike.
fn mark_key_lanes(tracks: &mut [Track<'_>]) {
    let mut ranked: Vec<(u8, f64, usize, usize)> = Vec::new();
    for (track_at, track) in tracks.iter().enumerate() {
        let path: HashSet<&str> = track.operation.critical_path.iter().map(String::as_str).collect();
        for (lane_at, lane) in track.lanes.iter().enumerate() {
            let class = match lane.span.role {
                Some(Role::Root | Role::Independent) => 0,
                _ if lane.span.outcome == Outcome::Failed => 1,
                _ if path.contains(&*lane.span.logical_id) || lane.bar.open => 2,
                _ if lane.span.outcome == Outcome::Cancelled => 4,
                _ => 3,
            };
            ranked.push((class, -lane.bar.length(), track_at, lane_at));
        }
    }
    ranked.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then((a.2, a.3).cmp(&(b.2, b.3))));
    for (_, _, track, lane) in ranked.into_iter().take(KEY_LANES) {
        if let Some(lane) = tracks.get_mut(track).and_then(|track| track.lanes.get_mut(lane)) {
            lane.is_key = true;
        }
    }
}

/// Each operation with its depth, nested ones right after those that they are part of.
fn in_families<'r>(operations: &'r [OperationEntry<'_>]) -> Vec<(&'r OperationEntry<'r>, usize)> {
    let ids: HashSet<&str> = operations.iter().map(|operation| operation.id).collect();
    let is_top = |operation: &&OperationEntry<'_>| operation.parent.is_none_or(|parent| !ids.contains(parent));
    let mut open: Vec<(&OperationEntry<'_>, usize)> = operations.iter().filter(is_top).map(|top| (top, 0)).collect();
    open.reverse();
    let mut placed = Vec::with_capacity(operations.len());
    while let Some((operation, depth)) = open.pop() {
        placed.push((operation, depth));
        let nested = operations.iter().filter(|other| other.parent == Some(operation.id));
        let mut nested: Vec<_> = nested.map(|nested| (nested, depth + 1)).collect();
        nested.reverse();
        open.append(&mut nested);
    }
    placed
}

fn instant(text: &str) -> Option<Time> {
    time::parse(text).map(|written| written.at)
}

#[allow(clippy::cast_precision_loss)] // milliseconds of a story fit
fn seconds(from: Time, at: Time) -> f64 {
    (at - from).num_milliseconds() as f64 / 1000.0
}
