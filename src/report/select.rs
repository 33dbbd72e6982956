//! What of a case is asked for: which stack, which operations, which events.
//! It picks from what there is and orders nothing anew; where the question fits several stacks it lists them.
//! Used by every verb that reads a case.

use crate::model::time::{self, Time};
use crate::model::{Event, Outcome, Text, denial};
use crate::operation::{History, Kind, Operation, Story};
use crate::timeline::Timeline;
use std::collections::BTreeSet;

/// Which operations are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    /// The newest story: a deployment, its automatic rollback and, if it failed, the delete that removed it.
    #[default]
    Latest,
    /// Every operation of every incarnation.
    All,
    /// The operation of this id, or of the only id that begins so.
    Id(String),
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// A stack's name or ARN; none where there is only one.
    pub stack: Option<String>,
    /// Which of its operations.
    pub which: Which,
    /// Only this incarnation, from 1.
    pub incarnation: Option<usize>,
    /// Nothing earlier.
    pub since: Option<Time>,
    /// Nothing later.
    pub until: Option<Time>,
    /// Only these sources; all where empty.
    pub sources: Vec<String>,
    /// Only failures.
    pub failed: bool,
    /// Calls that only read too.
    pub reads: bool,
}

/// Why a question has no answer. Each message names what there is instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// No stack was named and there are several.
    #[error("choose a stack: the case holds {}; name one with --stack", .0.join(", "))]
    SeveralStacks(Vec<String>),
    /// The case knows no such stack.
    #[error("find stack {asked}: the case holds {}", list(.known))]
    NoSuchStack {
        /// What was asked for.
        asked: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The stack has no such operation.
    #[error("find operation {asked}: the stack has {}", list(.known))]
    NoSuchOperation {
        /// What was asked for.
        asked: String,
        /// The ids there are, oldest first.
        known: Vec<String>,
    },
    /// Nothing can lie between the two times.
    #[error("show what lies between {since} and {until}: the first is later than the second")]
    EmptyWindow {
        /// `--since`.
        since: String,
        /// `--until`.
        until: String,
    },
    /// The stack has no such incarnation.
    #[error("find incarnation {asked}: the stack has {known}")]
    NoSuchIncarnation {
        /// What was asked for.
        asked: usize,
        /// How many there are.
        known: usize,
    },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

/// What is shown.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The stack's name; empty where only logs tell and none names it.
    pub name: Text,
    /// Indexes into `History::operations`, oldest first: of the stack itself.
    pub operations: Vec<usize>,
    /// The same with those of its nested stacks.
    pub with_nested: BTreeSet<usize>,
    /// The newest story among them; none where the case tells of no operation.
    pub story: Option<Story>,
    /// Indexes into `Timeline::events`, in order.
    pub events: Vec<usize>,
}

/// Picks what the question asks for.
///
/// # Errors
/// Where it fits several stacks, or nothing.
pub fn select(timeline: &Timeline, history: &History, question: &Question) -> Result<Selection, SelectError> {
    if let (Some(since), Some(until)) = (question.since, question.until)
        && since > until
    {
        return Err(SelectError::EmptyWindow { since: time::text(since), until: time::text(until) });
    }
    let incarnations = incarnations(history, question)?;
    let name = incarnations
        .first()
        .and_then(|index| history.incarnations.get(*index))
        .map(|incarnation| incarnation.name.clone())
        .unwrap_or_default();
    let all: Vec<usize> = (0..history.operations.len())
        .filter(|index| of(history, *index).is_some_and(|incarnation| incarnations.contains(&incarnation)))
        .collect();
    let stories = stories(history, &all);
    let (operations, story) = match &question.which {
        Which::All => (all, stories.last().cloned()),
        Which::Latest => match latest(timeline, history, &stories) {
            Some(story) => (story.operations.clone(), Some(story.clone())),
            None => (Vec::new(), None),
        },
        Which::Id(asked) => {
            let nested: Vec<usize> = with_nested(history, &all).into_iter().collect();
            let found = by_id(history, &nested, asked)?;
            let failed = history.operations.get(found).is_some_and(Operation::failed);
            (vec![found], Some(Story { name: name.clone(), operations: vec![found], failed }))
        }
    };
    let with_nested = with_nested(history, &operations);
    let events = events(timeline, history, question, &name, &with_nested);
    Ok(Selection { name, operations, with_nested, story, events })
}

impl Selection {
    /// The same, with the operations of its story alone.
    #[must_use]
    pub fn of_story(mut self, history: &History) -> Self {
        if let Some(story) = &self.story {
            self.operations.clone_from(&story.operations);
            self.with_nested = with_nested(history, &story.operations);
        }
        self
    }
}

/// The newest story. A call that was refused while a failed deployment waits to be explained is not the newer story, and
/// a delete that was refused never is.
fn latest<'s>(timeline: &Timeline, history: &History, stories: &'s [Story]) -> Option<&'s Story> {
    let has_rows = |story: &&Story| {
        let operations = story.operations.iter().filter_map(|operation| history.operations.get(*operation));
        let mut events =
            operations.flat_map(|operation| &operation.events).filter_map(|event| timeline.events.get(*event));
        events.any(|event| event.source != "cloudtrail")
    };
    let is_refused_delete = |story: &&Story| {
        let mut operations = story.operations.iter().filter_map(|operation| history.operations.get(*operation));
        !has_rows(story) && operations.all(|operation| operation.kind == Kind::Delete)
    };
    let failed = stories.iter().rev().find(has_rows).filter(|story| story.failed);
    failed.or(stories.iter().rev().find(|story| !is_refused_delete(story))).or(stories.last())
}

/// The newest story of the selected stack that failed.
pub fn last_failed(history: &History, name: &str) -> Option<Story> {
    history.stories.iter().rev().find(|story| &*story.name == name && story.failed).cloned()
}

/// The names of all stacks that are not nested, sorted.
pub fn names(history: &History) -> Vec<String> {
    let names: BTreeSet<&str> = history
        .incarnations
        .iter()
        .filter(|incarnation| incarnation.parent.is_none())
        .map(|incarnation| &*incarnation.name)
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

fn of(history: &History, operation: usize) -> Option<usize> {
    history.operations.get(operation).map(|operation| operation.incarnation)
}

fn incarnations(history: &History, question: &Question) -> Result<Vec<usize>, SelectError> {
    let numbered = |filter: &dyn Fn(&crate::operation::Incarnation) -> bool| -> Vec<usize> {
        history
            .incarnations
            .iter()
            .enumerate()
            .filter(|(_, incarnation)| filter(incarnation))
            .map(|(index, _)| index)
            .collect()
    };
    let known = names(history);
    let found = match &question.stack {
        None if known.len() > 1 => return Err(SelectError::SeveralStacks(known)),
        None => numbered(&|incarnation| incarnation.parent.is_none()),
        Some(asked) => {
            let by_id = numbered(&|incarnation| incarnation.stack_id.as_deref() == Some(asked));
            let by_name = || numbered(&|incarnation| *incarnation.name == **asked && incarnation.parent.is_none());
            let nested = || numbered(&|incarnation| *incarnation.name == **asked);
            let found = [by_id, by_name(), nested()].into_iter().find(|found| !found.is_empty());
            found.ok_or_else(|| SelectError::NoSuchStack { asked: asked.clone(), known: known.clone() })?
        }
    };
    let Some(number) = question.incarnation else {
        return Ok(found);
    };
    let of_number: Vec<usize> = found
        .iter()
        .copied()
        .filter(|index| history.incarnations.get(*index).is_some_and(|incarnation| incarnation.number == number))
        .collect();
    if of_number.is_empty() {
        Err(SelectError::NoSuchIncarnation { asked: number, known: found.len() })
    } else {
        Ok(of_number)
    }
}

/// The stories that these operations make. A nested stack has none of its own: each of its operations is one.
fn stories(history: &History, operations: &[usize]) -> Vec<Story> {
    let asked: BTreeSet<usize> = operations.iter().copied().collect();
    let told: Vec<Story> = history
        .stories
        .iter()
        .filter(|story| story.operations.iter().all(|operation| asked.contains(operation)))
        .cloned()
        .collect();
    if !told.is_empty() {
        return told;
    }
    let single = |index: &usize| {
        let operation = history.operations.get(*index)?;
        let name = history.incarnations.get(operation.incarnation)?.name.clone();
        Some(Story { name, operations: vec![*index], failed: operation.failed() })
    };
    operations.iter().filter_map(single).collect()
}

fn by_id(history: &History, operations: &[usize], asked: &str) -> Result<usize, SelectError> {
    let id =
        |index: &usize| history.operations.get(*index).map(|operation| operation.id.to_string()).unwrap_or_default();
    if let Some(exact) = operations.iter().find(|index| id(index) == asked) {
        return Ok(*exact);
    }
    let beginning: Vec<usize> = operations.iter().copied().filter(|index| id(index).starts_with(asked)).collect();
    match beginning[..] {
        [only] if !asked.is_empty() => Ok(only),
        _ => Err(SelectError::NoSuchOperation { asked: asked.to_owned(), known: operations.iter().map(id).collect() }),
    }
}

fn with_nested(history: &History, operations: &[usize]) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = operations.iter().copied().collect();
    let mut before = 0;
    // Children begin after their parents but for clock skew: one pass finds nearly all, a second one the rest.
    while found.len() > before {
        before = found.len();
        for (index, operation) in history.operations.iter().enumerate() {
            if operation.parent.is_some_and(|parent| found.contains(&parent)) {
                found.insert(index);
            }
        }
    }
    found
}

fn events(
    timeline: &Timeline,
    history: &History,
    question: &Question,
    name: &str,
    operations: &BTreeSet<usize>,
) -> Vec<usize> {
    let everything = question.which == Which::All && question.incarnation.is_none();
    // What failed there is shown, also where it is told by the operation that came after.
    let failures: BTreeSet<usize> = operations
        .iter()
        .filter_map(|operation| history.operations.get(*operation))
        .flat_map(|operation| operation.failures.iter().map(|failure| failure.event))
        .collect();
    let shown = |index: usize, event: &Event| {
        let belongs = failures.contains(&index)
            || match history.operation_of.get(index).copied().flatten() {
                Some(operation) => operations.contains(&operation),
                // What falls into no operation is of the stack's name, or of nobody's.
                None => {
                    everything && event.stack_name.as_deref().is_none_or(|of| of == name)
                        || history.operations.is_empty()
                }
            };
        belongs
            && (question.stack.is_none() || !is_strangers(event))
            && (question.reads || !is_read(event))
            && question.since.is_none_or(|since| event.at >= since)
            && question.until.is_none_or(|until| event.at <= until)
            && (question.sources.is_empty() || question.sources.iter().any(|source| source == event.source))
            && (!question.failed
                || failures.contains(&index)
                || matches!(event.outcome, Outcome::Failed | Outcome::Cancelled))
    };
    timeline.events.iter().enumerate().filter(|(index, event)| shown(*index, event)).map(|(index, _)| index).collect()
}

/// What nothing ties to a stack, though it names a thing of its own: shown only to who did not ask for one stack.
fn is_strangers(event: &Event) -> bool {
    let by_cloudformation = event.call.as_ref().is_some_and(|call| call.identity.is_cloudformation());
    let names_a_thing = event.call.is_some() || event.physical_id.is_some() || event.group.is_some();
    event.stack_id.is_none() && event.stack_name.is_none() && names_a_thing && !by_cloudformation
}

/// A read that was not refused for lack of permission.
fn is_read(event: &Event) -> bool {
    event.call.as_ref().is_some_and(|call| call.read_only) && !event.error.as_deref().is_some_and(denial)
}
