//! Everything that the planning of a topic looks at: what is wanted, what was asked, and what is known by now.
//! It is made anew from the capture whenever answers came, and decides nothing itself.
//! Used by the topics of the plan.

use super::stacks;
use super::{Answered, Ask, Deployments, Question, Questions, Scope, Window};
use crate::actor::{self, Actor};
use crate::model::{Capture, Event, Text, Time, arn, status};
use crate::operation::{self, History, Operation, Story};
use crate::timeline::{self, Timeline};
use chrono::TimeDelta;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Calls come before the events that they cause: minutes pass between a change set and its execution.
pub(super) const BEFORE: TimeDelta = TimeDelta::minutes(5);
/// What cleans up comes a while after the failure.
const AFTER: TimeDelta = TimeDelta::minutes(15);
/// Attempts that are no more than this apart belong together.
pub(super) const SAME_TROUBLE: TimeDelta = TimeDelta::hours(24);

/// What the topics of the plan look at.
pub(super) struct Scene<'p> {
    pub scope: &'p Scope,
    pub asked: &'p Questions,
    pub capture: &'p Capture,
    pub timeline: Timeline,
    pub history: History,
    pub actors: Vec<Actor>,
    /// Indexes into `history.incarnations`: those that are wanted, oldest first.
    pub chosen: Vec<usize>,
    /// The deployments that get all their evidence, oldest first.
    pub stories: Vec<Story>,
}

/// A resource of the deployments, as their events tell of it.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    pub stack: Text,
    pub logical_id: Text,
    pub resource_type: Text,
    /// Every physical id that it had; may be empty.
    pub physical_ids: BTreeSet<Text>,
    /// Its first event.
    pub from: Time,
    /// Its last event.
    pub to: Time,
    pub last_status: Text,
    /// It failed by itself, and was not merely cancelled.
    pub failed: bool,
}

/// A failure that the deployment has of its own.
pub(super) struct Failed<'s> {
    pub event: &'s Event,
    /// From the resource's first event in its operation to its failure.
    pub window: Window,
    pub operation: &'s Operation,
}

impl<'p> Scene<'p> {
    pub fn new(scope: &'p Scope, asked: &'p Questions, capture: &'p Capture) -> Self {
        let timeline = timeline::build(capture, timeline::Options { reads: false });
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        let chosen = stacks::chosen(scope, &history);
        let stories = stories(scope, &history, &chosen);
        Self { scope, asked, capture, timeline, history, actors, chosen, stories }
    }

    /// How a question was answered; none while it is open or was never asked.
    pub fn answer(&self, question: &Question) -> Option<Answered> {
        self.asked.answer_to(question)
    }

    /// True when the stack's rows were asked for and are all told, or never will be.
    pub fn knows_rows_of(&self, stack: &str) -> bool {
        self.settled(|ask| matches!(ask, Ask::StackEvents { stack: of, .. } if of == stack))
    }

    /// True when this was asked, and nothing like it is still awaited.
    pub fn settled(&self, like: impl Fn(&Ask) -> bool) -> bool {
        let mut any = false;
        for (_, answered) in self.asked.all.iter().filter(|(question, _)| like(&question.ask)) {
            any = true;
            if answered.is_none() {
                return false;
            }
        }
        any
    }

    /// The latest that is known to be past, by our clock or by the stack's: one that is slow here must hide nothing.
    pub fn now(&self) -> Time {
        let stacks: Vec<&Text> =
            self.chosen.iter().filter_map(|index| self.history.incarnations.get(*index)?.stack_id.as_ref()).collect();
        let of_stack = |event: &&Event| event.stack_id.as_ref().is_some_and(|id| stacks.contains(&id));
        let row = self.timeline.events.iter().rev().filter(|event| event.is_stack_event()).find(of_stack);
        row.map_or(self.scope.now, |row| row.at.max(self.scope.now))
    }

    /// The region of the newest wanted incarnation, which is that of all.
    pub fn region(&self) -> Option<String> {
        let newest = self.history.incarnations.get(*self.chosen.last()?)?;
        arn::region(newest.stack_id.as_deref()?).map(str::to_owned)
    }

    /// The wanted deployments' operations, without those of nested stacks.
    pub fn operations(&self) -> impl Iterator<Item = (usize, &Operation)> {
        let indexes = self.stories.iter().flat_map(|story| &story.operations);
        indexes.filter_map(|index| Some((*index, self.history.operations.get(*index)?)))
    }

    /// The same with those of nested stacks, in the history's order.
    pub fn with_nested(&self) -> Vec<&Operation> {
        let mut found: BTreeSet<usize> = self.operations().map(|(index, _)| index).collect();
        let mut before = 0;
        while found.len() > before {
            before = found.len();
            let children = self.history.operations.iter().enumerate();
            let children: Vec<usize> = children
                .filter(|(_, operation)| operation.parent.is_some_and(|parent| found.contains(&parent)))
                .map(|(index, _)| index)
                .collect();
            found.extend(children);
        }
        found.into_iter().filter_map(|index| self.history.operations.get(index)).collect()
    }

    /// When a deployment went on, from the first call to the clean-up; `--since` and `--until` widen the newest.
    ///
    /// It goes by the stack's rows, which are known before anything else is asked: a call that is found in a window must
    /// not move it. Only a story without rows goes by its calls.
    pub fn window(&self, story: &Story) -> Option<Window> {
        let all = || story.operations.iter().filter_map(|index| self.history.operations.get(*index));
        let by_rows = all().any(has_rows);
        let operations = || all().filter(|operation| !by_rows || has_rows(operation));
        let from = operations().map(|operation| operation.started_at).min()? - BEFORE;
        let end = |operation: &Operation| operation.ended_at.or((!by_rows).then_some(operation.started_at));
        let ended = operations().map(end).collect::<Option<Vec<Time>>>();
        let to = ended.and_then(|ends| ends.into_iter().max()).map_or_else(|| self.now(), |end| end + AFTER);
        let mut window = Window { from, to: to.min(self.now()).max(from) };
        if self.newest_story() == Some(story) {
            window.from = self.scope.since.map_or(window.from, |since| since.min(window.from));
            window.to = self.scope.until.map_or(window.to, |until| until.max(window.to)).min(self.now()).max(from);
        }
        Some(window)
    }

    /// The newest wanted deployment that the stack's own rows tell of; else the newest of all.
    pub fn newest_story(&self) -> Option<&Story> {
        let has_rows = |story: &&Story| {
            let mut operations = story.operations.iter().filter_map(|index| self.history.operations.get(*index));
            operations.any(has_rows)
        };
        self.stories.iter().rev().find(has_rows).or(self.stories.last())
    }

    /// The windows of all wanted deployments, those that touch as one; oldest first.
    pub fn windows(&self) -> Vec<Window> {
        let mut windows: Vec<Window> = self.stories.iter().filter_map(|story| self.window(story)).collect();
        windows.sort();
        let mut merged: Vec<Window> = Vec::new();
        for window in windows {
            match merged.last_mut().filter(|last| last.touches(&window)) {
                Some(last) => *last = last.with(window),
                None => merged.push(window),
            }
        }
        merged
    }

    /// The events of the wanted deployments by which CloudFormation tells of resources, nested stacks' included.
    pub fn rows(&self) -> impl Iterator<Item = &Event> {
        let operations = self.with_nested();
        let indexes: BTreeSet<usize> =
            operations.iter().flat_map(|operation| operation.events.iter().copied()).collect();
        indexes.into_iter().filter_map(|index| self.timeline.events.get(index)).filter(|event| event.is_stack_event())
    }

    /// The resources that the wanted deployments touched: those that failed first, then the latest first.
    pub fn touched(&self) -> Vec<Touched> {
        let mut found: BTreeMap<(Text, Text), Touched> = BTreeMap::new();
        for event in self.rows().filter(|event| !event.is_of_stack_itself()) {
            let (Some(stack), Some(logical_id), Some(resource_type)) =
                (&event.stack_id, &event.logical_id, &event.resource_type)
            else {
                continue;
            };
            let touched = found.entry((stack.clone(), logical_id.clone())).or_insert_with(|| Touched {
                stack: stack.clone(),
                logical_id: logical_id.clone(),
                resource_type: resource_type.clone(),
                physical_ids: BTreeSet::new(),
                from: event.at,
                to: event.at,
                last_status: Text::default(),
                failed: false,
            });
            touched.physical_ids.extend(event.physical_id.clone());
            touched.to = event.at;
            touched.last_status = event.status.clone().unwrap_or_default();
            touched.failed |= event.outcome == crate::model::Outcome::Failed;
        }
        let mut touched: Vec<Touched> = found.into_values().collect();
        touched.sort_by_key(|touched| (!touched.failed, Reverse(touched.to)));
        touched
    }

    /// The failures that are no consequence of others, of the wanted deployments, newest deployment first, each once.
    pub fn failures(&self) -> Vec<Failed<'_>> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for operation in self.with_nested().into_iter().rev() {
            let own = operation.failures.iter().filter(|failure| failure.role.is_real());
            for failure in own.filter(|failure| seen.insert(failure.event)) {
                let Some(event) = self.timeline.events.get(failure.event) else { continue };
                let mut same = operation.events.iter().filter_map(|index| self.timeline.events.get(*index));
                let first = same.find(|other| {
                    other.is_stack_event() && other.logical_id == event.logical_id && other.stack_id == event.stack_id
                });
                let from = first.map_or(event.at, |first| first.at).min(event.at);
                found.push(Failed { event, window: Window { from, to: event.at }, operation });
            }
        }
        found
    }

    /// True where a wanted deployment failed, was cut off or is not over: then it matters how things stand.
    pub fn in_trouble(&self) -> bool {
        self.stories.iter().any(|story| story.failed)
            || self.operations().any(|(_, operation)| has_rows(operation) && operation.ended_at.is_none())
    }
}

impl Touched {
    /// It is there still, as far as its events tell.
    pub fn lives(&self) -> bool {
        !(self.last_status.starts_with("DELETE_") && status::complete(&self.last_status))
            || &*self.last_status == "DELETE_SKIPPED"
    }
}

/// The deployments that get all their evidence.
fn stories(scope: &Scope, history: &History, chosen: &[usize]) -> Vec<Story> {
    let of_chosen = |story: &&Story| {
        let first = story.operations.first().and_then(|index| history.operations.get(*index));
        first.is_some_and(|operation| chosen.contains(&operation.incarnation))
    };
    let all: Vec<&Story> = history.stories.iter().filter(of_chosen).collect();
    let begin = |story: &Story| {
        story.operations.first().and_then(|index| history.operations.get(*index)).map(|operation| operation.started_at)
    };
    let end = |story: &Story| {
        let operations = story.operations.iter().filter_map(|index| history.operations.get(*index));
        operations.map(|operation| operation.ended_at.unwrap_or(operation.started_at)).max()
    };
    let told_by_rows = |story: &Story| {
        let mut operations = story.operations.iter().filter_map(|index| history.operations.get(*index));
        operations.any(has_rows)
    };
    let is_of = |story: &Story, id: &str| {
        let mut operations = story.operations.iter().filter_map(|index| history.operations.get(*index));
        operations.any(|operation| operation.id.starts_with(id))
    };
    match &scope.deployments {
        Deployments::Latest => {}
        Deployments::All => return all.into_iter().cloned().collect(),
        Deployments::Operation(id) => return all.into_iter().filter(|story| is_of(story, id)).cloned().collect(),
    }
    let mut wanted: Vec<Story> = Vec::new();
    for story in all.into_iter().rev() {
        let near = wanted
            .last()
            .is_none_or(|next| begin(next).zip(end(story)).is_some_and(|(next, this)| next - this <= SAME_TROUBLE));
        let asked_for = scope.since.is_some_and(|since| end(story).is_some_and(|end| end >= since));
        // The newest always, and what came before calls that were only refused; then one more attempt of the same
        // trouble, or what the given time reaches.
        let told = wanted.iter().filter(|story| told_by_rows(story)).count();
        let wanted_too = told == 0 || asked_for || (told < LATEST && story.failed && near);
        if !wanted_too {
            break;
        }
        wanted.push(story.clone());
    }
    wanted.reverse();
    wanted
}

/// True where the stack's own rows tell of the operation, and not only a call.
pub(super) fn has_rows(operation: &Operation) -> bool {
    operation.status.is_some()
}

/// The newest deployment is told with the attempt before it.
const LATEST: usize = 2;
