//! An operation as the verdict sees it: the call that started it, what prepared it, and what was before.
//! It looks things up and weighs nothing.
//! Used by `verdict` and `circumstances`.

use super::Basis;
use super::calls::{Asked, Calls, Start};
use crate::model::Time;
use crate::operation::{History, Incarnation, Kind, Operation};
use chrono::TimeDelta;

/// An operation with everything that is known of how it came about.
pub(super) struct Scene<'s, 't> {
    /// The calls of the timeline.
    pub calls: &'s Calls<'t>,
    pub history: &'s History,
    pub starts: &'s [Option<Start>],
    pub index: usize,
    pub operation: &'s Operation,
    pub incarnation: &'s Incarnation,
    /// The call that started it.
    pub start: Option<(&'s Asked<'t>, Basis)>,
    /// The CreateChangeSet call of the change set that it executed, or, for a delete, that had opened the review.
    pub prepared: Option<&'s Asked<'t>>,
}

impl<'s, 't> Scene<'s, 't> {
    /// The scene of `history.operations[index]`.
    pub fn of(calls: &'s Calls<'t>, history: &'s History, starts: &'s [Option<Start>], index: usize) -> Option<Self> {
        let operation = history.operations.get(index)?;
        let incarnation = history.incarnations.get(operation.incarnation)?;
        let start = asked_of(calls, starts, index);
        let mut scene = Self { calls, history, starts, index, operation, incarnation, start, prepared: None };
        scene.prepared = scene.find_prepared();
        Some(scene)
    }

    /// How the operation was joined with its call.
    pub fn basis(&self) -> Basis {
        match self.start {
            Some((_, basis)) => basis,
            None if self.is_told() => Basis::EventsOnly,
            None => Basis::Nothing,
        }
    }

    /// True if anything but CloudTrail tells of the operation.
    pub fn is_told(&self) -> bool {
        let events = self.operation.events.iter();
        events.filter_map(|index| self.calls.timeline.events.get(*index)).any(|event| event.source != "cloudtrail")
    }

    fn find_prepared(&self) -> Option<&'s Asked<'t>> {
        if let Some((asked, _)) = self.start
            && let Some(creator) = asked.creator
        {
            return self.calls.all.get(creator);
        }
        if self.operation.kind != Kind::Delete || !self.was("REVIEW_IN_PROGRESS") {
            return None;
        }
        self.change_sets_made().next_back()
    }

    /// The CreateChangeSet calls on this incarnation before the operation, in order of time.
    pub fn change_sets_made(&self) -> impl DoubleEndedIterator<Item = &'s Asked<'t>> + 's {
        let (incarnation, slack) = (self.incarnation, TimeDelta::seconds(2));
        self.calls
            .about(incarnation, &["CreateChangeSet"], incarnation.created_at - slack, self.operation.started_at)
            .filter(|asked| asked.is_about(incarnation))
    }

    pub fn was(&self, status: &str) -> bool {
        self.operation.status_before.as_deref() == Some(status)
    }

    /// The statuses from which a failed attempt is cleaned up.
    pub fn had_failed(&self) -> bool {
        let before = self.operation.status_before.as_deref();
        before.is_some_and(|before| matches!(before, "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED"))
    }

    /// The call of the operation that last created or changed the stack.
    pub fn deployment(&self) -> Option<&'s Asked<'t>> {
        let before = self.incarnation.operations.iter().rev();
        before
            .filter(|index| **index < self.index)
            .find(|index| {
                let kind = self.history.operations.get(**index).map(|operation| operation.kind);
                matches!(kind, Some(Kind::Create | Kind::Update | Kind::Import))
            })
            .and_then(|index| asked_of(self.calls, self.starts, *index))
            .map(|(asked, _)| asked)
    }

    /// When the operation began, by its call if there is one.
    pub fn at(&self) -> Time {
        self.start.map_or(self.operation.started_at, |(asked, _)| asked.event.at)
    }

    /// When the operation was over; the beginning, where that is not known.
    pub fn over(&self) -> Time {
        self.operation.ended_at.unwrap_or(self.operation.started_at)
    }
}

pub(super) fn asked_of<'s, 't>(
    calls: &'s Calls<'t>,
    starts: &[Option<Start>],
    index: usize,
) -> Option<(&'s Asked<'t>, Basis)> {
    let start = starts.get(index).copied().flatten()?;
    Some((calls.all.get(start.asked)?, start.basis))
}
