//! Gives the events of other sources to the operation that they belong to, and tells operations from calls alone.
//! A call goes by its token, then by stack and time; what happened to a resource goes by the stack and the time.
//! Used by `operation::cut` only.

use super::{Ending, History, Incarnation, Kind, Operation};
use crate::model::{Event, Outcome, Text, Time};
use crate::timeline::Timeline;
use chrono::TimeDelta;
use hashbrown::{HashMap, HashSet};

/// A call is answered before the stack's first row is written; CloudTrail tells whole seconds only.
const BEFORE_FIRST_ROW: TimeDelta = TimeDelta::seconds(90);

/// The kind of operation that a CloudFormation call asks for.
fn kind_of_call(event: &Event) -> Option<Kind> {
    let call = event.call.as_ref()?;
    if &*call.service != "cloudformation.amazonaws.com" {
        return None;
    }
    Some(match &*event.action {
        "CreateStack" => Kind::Create,
        "UpdateStack" => Kind::Update,
        "ExecuteChangeSet" => Kind::Unknown,
        "DeleteStack" => Kind::Delete,
        "RollbackStack" | "ContinueUpdateRollback" => Kind::Rollback,
        "CreateChangeSet" => Kind::ChangeSet,
        _ => return None,
    })
}

/// Where a stack has no rows, or a call was refused outside of any operation, the calls are all there is to tell.
pub(super) fn calls_without_rows(timeline: &Timeline, history: &mut History) {
    let with_rows: HashSet<Text> = history.incarnations.iter().map(|incarnation| incarnation.name.clone()).collect();
    let mut by_name: HashMap<Text, usize> = HashMap::new();
    let executed: HashSet<Text> = timeline
        .events
        .iter()
        .filter(|event| &*event.action == "ExecuteChangeSet")
        .filter_map(|event| event.call.as_ref()?.change_set.clone())
        .collect();
    for (index, event) in timeline.events.iter().enumerate() {
        let Some(kind) = kind_of_call(event) else { continue };
        let Some(name) = event.stack_name.clone() else { continue };
        let refused = event.error.is_some();
        let known = with_rows.contains(&name);
        let made_only =
            event.call.as_ref().and_then(|call| call.change_set.as_ref()).is_some_and(|set| !executed.contains(set));
        if known && !refused
            || !refused && kind == Kind::ChangeSet && !made_only
            || refused && within_operation(history, &name, event.at)
        {
            continue;
        }
        let incarnation = match known.then(|| incarnation_at(history, &name, event.at)).flatten() {
            Some(incarnation) => incarnation,
            None => *by_name.entry(name.clone()).or_insert_with(|| {
                history.incarnations.push(Incarnation {
                    stack_id: event.stack_id.clone(),
                    name: name.clone(),
                    number: 0,
                    parent: None,
                    created_at: event.at,
                    deleted_at: None,
                    status: None,
                    operations: Vec::new(),
                });
                history.incarnations.len() - 1
            }),
        };
        if !refused && kind == Kind::Delete {
            by_name.remove(&name);
        }
        history.operations.push(Operation {
            id: Text::default(),
            incarnation,
            kind,
            ending: if refused { Ending::Failed } else { Ending::Unknown },
            started_at: event.at,
            ended_at: refused.then_some(event.at),
            token: event.token.clone(),
            status_before: None,
            status: None,
            express: false,
            events: vec![index],
            failures: Vec::new(),
            cut_off_by: None,
            parent: None,
        });
    }
}

fn within_operation(history: &History, name: &str, at: Time) -> bool {
    history.operations.iter().any(|operation| {
        let named =
            history.incarnations.get(operation.incarnation).is_some_and(|incarnation| &*incarnation.name == name);
        named && operation.started_at - BEFORE_FIRST_ROW <= at && operation.ended_at.is_none_or(|ended| at <= ended)
    })
}

fn incarnation_at(history: &History, name: &str, at: Time) -> Option<usize> {
    let of_name = history
        .incarnations
        .iter()
        .enumerate()
        .filter(|(_, incarnation)| &*incarnation.name == name && incarnation.parent.is_none());
    let alive = of_name
        .clone()
        .filter(|(_, incarnation)| incarnation.created_at <= at + BEFORE_FIRST_ROW)
        .max_by_key(|(_, incarnation)| incarnation.created_at);
    alive.or_else(|| of_name.clone().min_by_key(|(_, incarnation)| incarnation.created_at)).map(|(index, _)| index)
}

/// Gives every event that is no row to the operation in whose time it fell.
pub(super) fn other_events(timeline: &Timeline, history: &mut History) {
    let index = Index::of(history);
    let mut assigned: Vec<(usize, usize)> = Vec::new();
    for (position, event) in timeline.events.iter().enumerate() {
        if history.operation_of.get(position).copied().flatten().is_some() {
            continue;
        }
        if let Some(operation) = index.operation_of(history, event) {
            assigned.push((position, operation));
        }
    }
    if history.operations.is_empty() {
        return lone_log(timeline, history);
    }
    for (position, operation) in assigned {
        if let Some(place) = history.operation_of.get_mut(position) {
            *place = Some(operation);
        }
        let express = timeline.events.get(position).and_then(|event| event.call.as_ref()?.deployment_mode.as_deref())
            == Some("EXPRESS");
        if let Some(operation) = history.operations.get_mut(operation) {
            operation.events.push(position);
            operation.express |= express;
        }
    }
    for operation in &mut history.operations {
        operation.events.sort_unstable();
    }
}

/// The console output of a deployment that left no row: one operation, of which we know nothing but what was printed.
fn lone_log(timeline: &Timeline, history: &mut History) {
    let events: Vec<usize> = (0..timeline.events.len())
        .filter(|index| timeline.events.get(*index).is_some_and(|event| event.source == "deploy_log"))
        .collect();
    let at = |index: Option<&usize>| index.and_then(|index| timeline.events.get(*index)).map(|event| event.at);
    let (Some(first), last) = (at(events.first()), at(events.last())) else {
        return;
    };
    let name =
        events.iter().filter_map(|index| timeline.events.get(*index)?.stack_name.clone()).next().unwrap_or_default();
    let failed =
        events.iter().any(|index| timeline.events.get(*index).is_some_and(|event| event.outcome == Outcome::Failed));
    let succeeded =
        events.iter().any(|index| timeline.events.get(*index).is_some_and(|event| event.outcome == Outcome::Succeeded));
    for index in &events {
        if let Some(place) = history.operation_of.get_mut(*index) {
            *place = Some(0);
        }
    }
    history.incarnations.push(Incarnation {
        stack_id: None,
        name,
        number: 1,
        parent: None,
        created_at: first,
        deleted_at: None,
        status: None,
        operations: vec![0],
    });
    history.operations.push(Operation {
        id: Text::from(format!("deploy_log-{}", crate::model::time::text(first))),
        incarnation: 0,
        kind: Kind::Unknown,
        ending: match (failed, succeeded) {
            (true, _) => Ending::Failed,
            (false, true) => Ending::Succeeded,
            (false, false) => Ending::Unknown,
        },
        started_at: first,
        ended_at: last,
        token: None,
        status_before: None,
        status: None,
        express: false,
        events,
        failures: Vec::new(),
        cut_off_by: None,
        parent: None,
    });
}

/// The operations by token, by stack and by time.
struct Index {
    by_token: HashMap<Text, usize>,
    /// For each stack ARN its operations, oldest first.
    by_id: HashMap<Text, Vec<usize>>,
    /// For each name of a stack that is not nested its operations, oldest first.
    by_name: HashMap<Text, Vec<usize>>,
    /// The operations of the only name there is, if there is only one.
    only: Option<Vec<usize>>,
}

impl Index {
    fn of(history: &History) -> Self {
        let mut index = Self { by_token: HashMap::new(), by_id: HashMap::new(), by_name: HashMap::new(), only: None };
        for (position, operation) in history.operations.iter().enumerate() {
            let Some(incarnation) = history.incarnations.get(operation.incarnation) else {
                continue;
            };
            if let Some(token) = &operation.token {
                // A rollback carries the token of the deployment, which came first and which the call began.
                index.by_token.entry(token.clone()).or_insert(position);
            }
            if let Some(id) = &incarnation.stack_id {
                index.by_id.entry(id.clone()).or_default().push(position);
            }
            if incarnation.parent.is_none() {
                index.by_name.entry(incarnation.name.clone()).or_default().push(position);
            }
        }
        if let [only] = index.by_name.values().collect::<Vec<_>>()[..] {
            index.only = Some(only.clone());
        }
        index
    }

    fn operation_of(&self, history: &History, event: &Event) -> Option<usize> {
        let by_token = event.token.as_ref().and_then(|token| self.by_token.get(token)).copied();
        if by_token.is_some() {
            return by_token;
        }
        let by_id = event.stack_id.as_ref().and_then(|id| self.by_id.get(id));
        let by_name = || event.stack_name.as_ref().and_then(|name| self.by_name.get(name));
        let belongs_elsewhere = event.stack_id.is_some() || event.stack_name.is_some();
        let operations = by_id.or_else(by_name).or(if belongs_elsewhere { None } else { self.only.as_ref() })?;
        at_time(history, operations, event.at, kind_of_call(event))
    }
}

/// The operation that was going on at the time, or that a call at this time began.
fn at_time(history: &History, operations: &[usize], at: Time, asks_for: Option<Kind>) -> Option<usize> {
    let started = |index: &usize| history.operations.get(*index).map(|operation| operation.started_at);
    if let Some(kind) = asks_for {
        let began = operations.iter().find(|index| {
            history.operations.get(**index).is_some_and(|operation| {
                let fits = match kind {
                    Kind::Unknown | Kind::ChangeSet => {
                        matches!(operation.kind, Kind::Create | Kind::Update | Kind::Import | Kind::ChangeSet)
                    }
                    kind => operation.kind == kind,
                };
                let slack = if kind == Kind::ChangeSet { TimeDelta::hours(1) } else { BEFORE_FIRST_ROW };
                fits && operation.started_at >= at - TimeDelta::seconds(2) && operation.started_at - slack <= at
            })
        });
        if began.is_some() {
            return began.copied();
        }
    }
    let after = operations.partition_point(|index| started(index).is_some_and(|started| started <= at));
    match after.checked_sub(1).and_then(|last| operations.get(last)) {
        Some(current) => Some(*current),
        // What led up to the first operation belongs to it.
        None => operations
            .first()
            .filter(|first| started(first).is_some_and(|started| started - TimeDelta::minutes(15) <= at))
            .copied(),
    }
}
