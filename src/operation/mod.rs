//! Cuts a timeline into incarnations of a stack, operations on it, and stories; tells root failures from cascades.
//! It goes by ids where AWS gives them, else by status and time; it knows nothing of causes or of people.
//! Used by the actors, the rules and every output.

mod assign;
mod cut;
mod durations;
mod failures;
mod stories;

use crate::model::{Text, Time};
use crate::timeline::Timeline;
use serde::{Deserialize, Serialize};

pub use durations::{Silence, Span, critical_path, silences, spans};

/// What an operation tries to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// CreateStack, or the first ExecuteChangeSet.
    Create,
    /// UpdateStack or ExecuteChangeSet.
    Update,
    /// DeleteStack, or CloudFormation's own deletion (OnFailure).
    Delete,
    /// ExecuteChangeSet of an import.
    Import,
    /// The automatic rollback, RollbackStack or ContinueUpdateRollback.
    Rollback,
    /// A change set that was never executed.
    ChangeSet,
    /// The evidence does not tell.
    Unknown,
}

impl Kind {
    /// The word for it in ids and rules.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Import => "import",
            Self::Rollback => "rollback",
            Self::ChangeSet => "change_set",
            Self::Unknown => "unknown",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// As asked for.
    Succeeded,
    /// With a failure of its own.
    Failed,
    /// A delete ended it before it could succeed or fail.
    CutOff,
    /// It had not ended when the evidence was collected.
    InProgress,
    /// The evidence does not tell.
    Unknown,
}

/// What a failure is in its operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The first real failure.
    Root,
    /// A further real failure that does not follow from the root.
    Independent,
    /// It follows from another failure ("Resource creation cancelled").
    Cascade,
    /// It sums up other failures.
    Summary,
}

impl Role {
    /// It follows from no other failure.
    pub fn is_real(self) -> bool {
        matches!(self, Self::Root | Self::Independent)
    }
}

/// A failure of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Index into `Timeline::events`. For a parent stack the root may be an event of a nested stack's operation.
    pub event: usize,
    /// What it is here.
    pub role: Role,
}

/// One attempt on a stack.
#[derive(Debug, Clone)]
pub struct Operation {
    /// CloudFormation's OperationId, else kind and time; unique in a history.
    pub id: Text,
    /// Index into `History::incarnations`.
    pub incarnation: usize,
    /// What it tries to do.
    pub kind: Kind,
    /// How it ended.
    pub ending: Ending,
    /// The stack's own first event of it.
    pub started_at: Time,
    /// The stack's own last event of it, or the beginning of what ended it. None while it is in progress.
    pub ended_at: Option<Time>,
    /// The client request token that its events carry.
    pub token: Option<Text>,
    /// The stack's status before it, where the evidence tells.
    pub status_before: Option<Text>,
    /// The stack's last status in it.
    pub status: Option<Text>,
    /// Express mode: COMPLETE is reported before the resources are ready.
    pub express: bool,
    /// Indexes into `Timeline::events`, in order of time; not empty. Events of nested stacks are in their own operations.
    pub events: Vec<usize>,
    /// In order of time, each event once. There is a root only where it failed: what fails in an update's clean-up is
    /// independent of its success.
    pub failures: Vec<Failure>,
    /// The operation (a delete) that cut this one off.
    pub cut_off_by: Option<usize>,
    /// The operation of the parent stack that this one is part of.
    pub parent: Option<usize>,
}

impl Operation {
    /// It failed, or was cut off before it could.
    pub fn failed(&self) -> bool {
        matches!(self.ending, Ending::Failed | Ending::CutOff)
    }

    /// The root failure's event, as an index into `Timeline::events`.
    pub fn root(&self) -> Option<usize> {
        self.failures.iter().find(|failure| failure.role == Role::Root).map(|failure| failure.event)
    }
}

/// One stack id among the several that a stack's name has had.
#[derive(Debug, Clone)]
pub struct Incarnation {
    /// The stack's ARN; none where only logs tell of it.
    pub stack_id: Option<Text>,
    /// The stack's name; empty where not even that is known.
    pub name: Text,
    /// From 1, oldest first, among the incarnations of this name (and, for nested stacks, of this parent).
    pub number: usize,
    /// The incarnation of the parent stack; none for a stack that is not nested.
    pub parent: Option<usize>,
    /// The first that is known of it.
    pub created_at: Time,
    /// When its deletion was complete.
    pub deleted_at: Option<Time>,
    /// Its last known status.
    pub status: Option<Text>,
    /// Indexes into `History::operations`, oldest first.
    pub operations: Vec<usize>,
}

/// A deployment, its automatic rollback and, if it failed, the delete that removed it. What "latest" means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The name of the stack (never of a nested one).
    pub name: Text,
    /// Indexes into `History::operations`, oldest first; not empty; all of one incarnation.
    pub operations: Vec<usize>,
    /// One of them failed or was cut off.
    pub failed: bool,
}

/// What was done to the stacks of a timeline.
pub fn cut(timeline: &Timeline) -> History {
    let mut history = cut::by_rows(timeline);
    assign::calls_without_rows(timeline, &mut history);
    cut::number(&mut history);
    assign::other_events(timeline, &mut history);
    failures::classify(timeline, &mut history);
    history.stories = stories::tell(&history);
    history
}

/// The incarnations of stacks, the operations on them and the stories that they make.
#[derive(Debug, Default)]
pub struct History {
    /// Ordered by name, then oldest first; nested ones among them.
    pub incarnations: Vec<Incarnation>,
    /// Oldest first.
    pub operations: Vec<Operation>,
    /// Oldest first.
    pub stories: Vec<Story>,
    /// For each event of the timeline the operation that it belongs to.
    pub operation_of: Vec<Option<usize>>,
}
