//! Finished values: the words, order and numbers that every renderer shows.
//! Everything that is chosen, ranked or counted for an output is chosen here; renderers only format.
//! One file for each output: the timeline, the list of stacks, the diagnosis.

mod diagnosis;
mod entries;
mod known;
mod recovery;
mod root_cause;
pub mod select;
mod stacks;
mod timeline;
mod unknown;
pub mod words;

pub use diagnosis::{DiagnosisReport, EvidenceEntry, ExplanationEntry, HypothesisEntry};
pub use entries::{ActorEntry, EventEntry, FailureEntry, IncarnationEntry, OperationEntry, SilenceEntry, SpanEntry};
pub use known::Fact;
pub use recovery::{Recovery, Step, command_of};
pub use root_cause::{
    Answer, Bar, Chart, Exhibit, Fate, Impact, Inputs, KeyMoment, Lane, Limits, MomentKind, ResourceState, RootCause,
    RootCauseReport, SourceSeen, Stage, Story, TemplateSeen, Track, When,
};
pub use stacks::{BriefOperation, Filter as StacksFilter, StackEntry, StackSummary, StacksReport};
pub use timeline::TimelineReport;
pub use unknown::Question;

use crate::actor::Actor;
use crate::operation::History;
use crate::timeline::Timeline;

/// The version of all JSON outputs.
pub const SCHEMA: u32 = 1;

/// What a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// All events.
    pub timeline: &'a Timeline,
    /// All operations.
    pub history: &'a History,
    /// Who started each operation, in the order of `history.operations`.
    pub actors: &'a [Actor],
}
