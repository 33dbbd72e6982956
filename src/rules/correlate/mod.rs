//! Rules that join events: each is one file and one line in the table below.
//! A joining rule gets the whole story and answers findings; it never looks at other rules' answers.
//! Used by the diagnosis.

mod change_set_theory;
mod cut_off;
mod failing_text;
mod refused_call;
mod stopped_tasks;

use super::catalog::Catalogue;
use super::rule::Finding;
use crate::operation::{History, Kind, Operation, Role, Story};
use crate::timeline::Timeline;

/// What a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// All events.
    pub timeline: &'a Timeline,
    /// All operations.
    pub history: &'a History,
    /// The operations that are diagnosed.
    pub story: &'a Story,
    /// The data rules.
    pub catalogue: &'a Catalogue,
    /// The real failures of the story, the most important first. May be empty.
    pub failing: &'a [Failing],
}

/// A real failure of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Index into `Timeline::events`.
    pub event: usize,
    /// Index into `History::operations`: the operation of the stack that is asked about.
    pub operation: usize,
    /// Root or independent.
    pub role: Role,
}

impl<'a> Context<'a> {
    /// The operations of the story and of the nested stacks in it.
    pub fn operations(&self) -> impl Iterator<Item = (usize, &'a Operation)> {
        self.history.operations.iter().enumerate().filter(|(index, _)| {
            let mut at = Some(*index);
            for _ in 0..64 {
                match at {
                    Some(index) if self.story.operations.contains(&index) => return true,
                    Some(index) => at = self.history.operations.get(index).and_then(|operation| operation.parent),
                    None => return false,
                }
            }
            false
        })
    }

    /// The events of the story, in order of time within each operation.
    pub fn events(&self) -> impl Iterator<Item = (usize, &'a crate::model::Event)> {
        self.operations()
            .flat_map(|(_, operation)| operation.events.iter())
            .filter_map(|index| Some((*index, self.timeline.events.get(*index)?)))
    }

    /// The word of the kind of a failure's operation, as rules write it.
    pub fn kind_word(&self, failing: &Failing) -> &'static str {
        self.history.operations.get(failing.operation).map_or(Kind::Unknown, |operation| operation.kind).word()
    }
}

/// A rule that joins.
type Joining = fn(&Context<'_>) -> Vec<Finding>;

const ALL: &[Joining] =
    &[failing_text::find, refused_call::find, stopped_tasks::find, change_set_theory::find, cut_off::find];

/// What all rules say of a story.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    ALL.iter().flat_map(|rule| rule(context)).collect()
}
