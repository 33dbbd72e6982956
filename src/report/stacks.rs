//! The finished list of stacks: every stack and incarnation in a case, its operations, how each ended, who began it.
//! Formatted by the `stacks` verb's renderers.
//! Nested stacks stand beneath their parents.

use super::entries::{ActorEntry, FailureEntry};
use super::{Evidence, SCHEMA};
use crate::model::{Gap, time};
use crate::operation::{Ending, Kind, Role};
use serde::Serialize;

/// All stacks of a case.
#[derive(Debug, Serialize)]
pub struct StacksReport<'a> {
    /// The version of this output.
    pub schema: u32,
    /// By name, oldest incarnation first; nested ones after their parents' names.
    pub stacks: Vec<StackEntry<'a>>,
    /// What could not be seen.
    pub gaps: &'a [Gap],
}

/// One incarnation of a stack.
#[derive(Debug, Serialize)]
pub struct StackEntry<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's ARN.
    pub stack_id: Option<&'a str>,
    /// From 1, oldest first.
    pub incarnation: usize,
    /// The parent's name, for a nested stack.
    pub parent: Option<&'a str>,
    /// The first that is known of it.
    pub created_at: String,
    /// When its deletion was complete.
    pub deleted_at: Option<String>,
    /// Its last known status.
    pub status: Option<&'a str>,
    /// Oldest first.
    pub operations: Vec<BriefOperation<'a>>,
}

/// An operation in one line.
#[derive(Debug, Serialize)]
pub struct BriefOperation<'a> {
    /// Unique in the case.
    pub id: &'a str,
    /// What it tried to do.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Ending,
    /// When it began.
    pub started_at: String,
    /// Null while it is in progress.
    pub ended_at: Option<String>,
    /// Who began it.
    pub actor: Option<ActorEntry<'a>>,
    /// Its root failure.
    pub root: Option<FailureEntry<'a>>,
}

impl<'a> StacksReport<'a> {
    /// The report of everything.
    pub fn new(evidence: Evidence<'a>) -> Self {
        let history = evidence.history;
        let stacks = history.incarnations.iter().map(|incarnation| StackEntry {
            stack: &incarnation.name,
            stack_id: incarnation.stack_id.as_deref(),
            incarnation: incarnation.number,
            parent: incarnation.parent.and_then(|parent| history.incarnations.get(parent)).map(|parent| &*parent.name),
            created_at: time::text(incarnation.created_at),
            deleted_at: incarnation.deleted_at.map(time::text),
            status: incarnation.status.as_deref(),
            operations: incarnation.operations.iter().filter_map(|index| brief(evidence, *index)).collect(),
        });
        Self { schema: SCHEMA, stacks: stacks.collect(), gaps: &evidence.timeline.gaps }
    }
}

fn brief<'a>(evidence: Evidence<'a>, index: usize) -> Option<BriefOperation<'a>> {
    let operation = evidence.history.operations.get(index)?;
    let root = operation.failures.iter().find(|failure| failure.role == Role::Root);
    Some(BriefOperation {
        id: &operation.id,
        kind: operation.kind,
        outcome: operation.ending,
        started_at: time::text(operation.started_at),
        ended_at: operation.ended_at.map(time::text),
        actor: evidence.actors.get(index).map(|actor| ActorEntry::of(evidence, actor)),
        root: root.and_then(|root| FailureEntry::of(evidence, root)),
    })
}
