//! The finished list of stacks: every stack and incarnation in a case, its operations, how each ended, who began it.
//! Formatted by the `stacks` verb's renderers.
//! Nested stacks stand beneath their parents.

use super::entries::{ActorEntry, FailureEntry};
use super::recovery::last_state;
use super::{Evidence, SCHEMA};
use crate::model::{Gap, Time, arn, time};
use crate::operation::{Ending, Incarnation, Kind, Operation, Role};
use serde::Serialize;

/// Which stacks are listed; all where nothing is set.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those of this name or ARN.
    pub stack: Option<String>,
    /// Those that were deleted; with `failed`, those and the others.
    pub deleted: bool,
    /// Those with an operation that failed or was cut off.
    pub failed: bool,
    /// Those to which something happened since.
    pub since: Option<Time>,
}

impl Filter {
    fn lets_through(&self, evidence: Evidence<'_>, incarnation: &Incarnation) -> bool {
        let operations = || incarnation.operations.iter().filter_map(|index| evidence.history.operations.get(*index));
        let named = self.stack.as_ref().is_none_or(|stack| {
            *incarnation.name == **stack || incarnation.stack_id.as_deref() == Some(stack.as_str())
        });
        let lately = self.since.is_none_or(|since| {
            let last = operations().map(|operation| operation.ended_at.unwrap_or(operation.started_at)).max();
            incarnation.deleted_at.max(last).unwrap_or(incarnation.created_at) >= since
        });
        let kind = !(self.deleted || self.failed)
            || (self.deleted && incarnation.deleted_at.is_some())
            || (self.failed && operations().any(Operation::failed));
        named && lately && kind
    }
}

/// The stacks of a case or an account.
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
    /// Its region, of the ARN.
    pub region: Option<&'a str>,
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
    /// The report of the stacks that the filter lets through.
    pub fn new(evidence: Evidence<'a>, filter: &Filter) -> Self {
        let history = evidence.history;
        let wanted = history.incarnations.iter().filter(|incarnation| filter.lets_through(evidence, incarnation));
        let stacks = wanted.map(|incarnation| StackEntry {
            stack: &incarnation.name,
            stack_id: incarnation.stack_id.as_deref(),
            region: incarnation.stack_id.as_deref().and_then(arn::region),
            incarnation: incarnation.number,
            parent: incarnation.parent.and_then(|parent| history.incarnations.get(parent)).map(|parent| &*parent.name),
            created_at: time::text(incarnation.created_at),
            deleted_at: incarnation.deleted_at.map(time::text),
            status: incarnation.status.as_deref().or_else(|| last_state(evidence, incarnation.stack_id.as_deref())),
            operations: incarnation.operations.iter().filter_map(|index| brief(evidence, *index)).collect(),
        });
        Self { schema: SCHEMA, stacks: stacks.collect(), gaps: &evidence.timeline.gaps }
    }
}

/// A stack in one line: its newest deployment, and what became of it.
#[derive(Debug)]
pub struct StackSummary<'r> {
    /// The stack.
    pub stack: &'r StackEntry<'r>,
    /// The last that is known to have happened to it.
    pub at: &'r str,
    /// What its newest deployment tried to do, or where there was none its last operation; none where there was nothing.
    pub kind: Option<Kind>,
    /// How that ended.
    pub outcome: Ending,
    /// How the rollback that followed it ended.
    pub rollback: Option<Ending>,
    /// It was deleted, apart from what `kind` tells.
    pub deleted: bool,
    /// Who began it.
    pub actor: Option<&'r str>,
    /// Who deleted it.
    pub deleted_by: Option<&'r str>,
    /// Why it failed.
    pub root: Option<&'r FailureEntry<'r>>,
}

impl StacksReport<'_> {
    /// The stacks in one line each, the newest first.
    pub fn summaries(&self) -> Vec<StackSummary<'_>> {
        let mut summaries: Vec<StackSummary<'_>> = self.stacks.iter().map(summary).collect();
        summaries.sort_by(|a, b| b.at.cmp(a.at));
        summaries
    }
}

fn summary<'r>(stack: &'r StackEntry<'r>) -> StackSummary<'r> {
    let newest_first = || stack.operations.iter().rev();
    let follows = |operation: &&BriefOperation<'_>| matches!(operation.kind, Kind::Rollback | Kind::Delete);
    let told = newest_first().find(|operation| !follows(operation)).or(stack.operations.last());
    let followed = newest_first().take_while(|operation| follows(operation));
    let rollback = followed.into_iter().find(|operation| operation.kind == Kind::Rollback);
    let delete = newest_first().find(|operation| operation.kind == Kind::Delete);
    let deleted = stack.deleted_at.is_some() && told.is_none_or(|told| told.kind != Kind::Delete);
    let who = |operation: &'r BriefOperation<'r>| operation.actor.as_ref()?.name;
    let last = stack.operations.last();
    StackSummary {
        stack,
        at: last.map_or(&stack.created_at, |last| last.ended_at.as_ref().unwrap_or(&last.started_at)),
        kind: told.map(|told| told.kind),
        outcome: told.map_or(Ending::Unknown, |told| told.outcome),
        rollback: rollback.map(|rollback| rollback.outcome),
        deleted,
        actor: told.and_then(who),
        deleted_by: delete.filter(|_| deleted).and_then(who),
        root: told.and_then(|told| told.root.as_ref()),
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
