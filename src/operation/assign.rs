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
    let with_rows = WithRows::of(history);
    let executed = executed_change_sets(timeline);
    let mut by_calls = ByCalls::default();
    for (index, event) in timeline.events.iter().enumerate() {
        let (Some(kind), Some(name)) = (kind_of_call(event), event.stack_name.clone()) else { continue };
        let refused = event.error.is_some();
        let has_rows = match &event.stack_id {
            Some(id) => with_rows.ids.contains(id),
            None => with_rows.spans.contains_key(&name),
        };
        let executed_later = || change_set_of(event).is_some_and(|set| executed.contains(&(name.clone(), set)));
        let told = if refused {
            with_rows.within(&name, event.at)
        } else {
            with_rows.began(&name, kind, event.at) || kind == Kind::ChangeSet && executed_later()
        };
        if told {
            continue;
        }
        let known =
            if has_rows { incarnation_at(history, &name, event.at) } else { by_calls.get(history, event, &name) };
        let incarnation = known.unwrap_or_else(|| {
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
        });
        by_calls.note(incarnation, event, &name, !refused && kind == Kind::Delete);
        if let Some(begun) = begun_without_rows(timeline, history, incarnation, event).filter(|_| !refused) {
            begun.events.push(index);
            if let Some(place) = history.operation_of.get_mut(index) {
                *place = history.operations.iter().position(|operation| operation.events.contains(&index));
            }
            continue;
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

/// The creation that ExecuteChangeSet sets going, where nothing but the list of stacks tells that it began.
fn begun_without_rows<'h>(
    timeline: &Timeline,
    history: &'h mut History,
    incarnation: usize,
    event: &Event,
) -> Option<&'h mut Operation> {
    if &*event.action != "ExecuteChangeSet" {
        return None;
    }
    let of_list = |index: &usize| timeline.events.get(*index).is_some_and(|event| !event.is_stack_event());
    history.operations.iter_mut().rfind(|operation| {
        operation.incarnation == incarnation
            && operation.kind == Kind::Create
            && operation.ending == Ending::Unknown
            && operation.started_at <= event.at + BEFORE_FIRST_ROW
            && operation.events.iter().all(of_list)
    })
}

/// The incarnations that only calls tell of.
#[derive(Default)]
struct ByCalls {
    by_id: HashMap<Text, usize>,
    /// The one of each name that had not been deleted.
    by_name: HashMap<Text, usize>,
}

impl ByCalls {
    fn get(&self, history: &History, event: &Event, name: &Text) -> Option<usize> {
        let of_name = self.by_name.get(name).copied();
        let Some(id) = &event.stack_id else { return of_name };
        let unnamed =
            |index: &usize| history.incarnations.get(*index).is_some_and(|incarnation| incarnation.stack_id.is_none());
        self.by_id.get(id).copied().or(of_name.filter(unnamed))
    }

    fn note(&mut self, incarnation: usize, event: &Event, name: &Text, deleted: bool) {
        if let Some(id) = &event.stack_id {
            self.by_id.insert(id.clone(), incarnation);
        }
        if deleted {
            self.by_name.remove(name);
        } else {
            self.by_name.insert(name.clone(), incarnation);
        }
    }
}

/// The change set that a call names, by its name: the tools execute by name what the answer gave an ARN.
fn change_set_of(event: &Event) -> Option<Text> {
    let set = event.call.as_ref()?.change_set.as_deref()?;
    let of_arn = set.split_once(":changeSet/").and_then(|(_, rest)| rest.split('/').next());
    Some(Text::from(of_arn.unwrap_or(set)))
}

/// The change sets that were executed, by the names of their stacks and their own.
fn executed_change_sets(timeline: &Timeline) -> HashSet<(Text, Text)> {
    let executed = timeline.events.iter().filter(|event| &*event.action == "ExecuteChangeSet" && event.error.is_none());
    executed.filter_map(|event| Some((event.stack_name.clone()?, change_set_of(event)?))).collect()
}

/// The stacks that have rows, with the times in which something went on.
struct WithRows {
    ids: HashSet<Text>,
    /// By name, in order of their beginnings, each with the latest end of it and of all before it.
    spans: HashMap<Text, Vec<(Time, Time)>>,
    /// By name, in order of their beginnings.
    kinds: HashMap<Text, Vec<(Time, Kind)>>,
}

impl WithRows {
    fn of(history: &History) -> Self {
        let ids = history.incarnations.iter().filter_map(|incarnation| incarnation.stack_id.clone()).collect();
        let mut spans: HashMap<Text, Vec<(Time, Time)>> = HashMap::new();
        let mut kinds: HashMap<Text, Vec<(Time, Kind)>> = HashMap::new();
        for operation in &history.operations {
            let Some(incarnation) = history.incarnations.get(operation.incarnation) else { continue };
            let ended = operation.ended_at.unwrap_or(Time::MAX_UTC);
            spans.entry(incarnation.name.clone()).or_default().push((operation.started_at, ended));
            kinds.entry(incarnation.name.clone()).or_default().push((operation.started_at, operation.kind));
        }
        for spans in spans.values_mut() {
            spans.sort_unstable();
            let mut latest = Time::MIN_UTC;
            for (_, ended) in spans {
                latest = latest.max(*ended);
                *ended = latest;
            }
        }
        for kinds in kinds.values_mut() {
            kinds.sort_unstable();
        }
        Self { ids, spans, kinds }
    }

    /// True if rows tell of the operation that a call of this kind at this time asked for.
    fn began(&self, name: &str, kind: Kind, at: Time) -> bool {
        let Some(kinds) = self.kinds.get(name) else { return false };
        let from = kinds.partition_point(|(began, _)| *began < at - TimeDelta::seconds(2));
        let soon = kinds.iter().skip(from).take_while(|(began, _)| *began <= at + patience(kind));
        soon.map(|(_, began)| *began).any(|began| asked_for(kind, began))
    }

    /// True if an operation on the stack was going on at the time, or began right after.
    fn within(&self, name: &str, at: Time) -> bool {
        let Some(spans) = self.spans.get(name) else { return false };
        let begun = spans.partition_point(|(began, _)| *began <= at + BEFORE_FIRST_ROW);
        begun.checked_sub(1).and_then(|last| spans.get(last)).is_some_and(|(_, ended)| at <= *ended)
    }
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
    if history.operations.is_empty() {
        return lone_log(timeline, history);
    }
    let index = Index::of(history);
    let unassigned = timeline
        .events
        .iter()
        .enumerate()
        .filter(|(position, _)| matches!(history.operation_of.get(*position), Some(None)));
    let assigned: Vec<(usize, usize)> =
        unassigned.filter_map(|(position, event)| Some((position, index.operation_of(history, event)?))).collect();
    for (position, operation) in assigned {
        if let Some(place) = history.operation_of.get_mut(position) {
            *place = Some(operation);
        }
        let call = timeline.events.get(position).and_then(|event| event.call.as_ref());
        let express = call.and_then(|call| call.deployment_mode.as_deref()) == Some("EXPRESS");
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
    let last_of = |outcome: Outcome| {
        let is_it = |index: &&usize| timeline.events.get(**index).is_some_and(|event| event.outcome == outcome);
        events.iter().rfind(is_it).copied()
    };
    // What a tool says last holds: errors that it got over are none.
    let (failed, succeeded) = (last_of(Outcome::Failed), last_of(Outcome::Succeeded));
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
            (Some(failed), Some(succeeded)) if succeeded > failed => Ending::Succeeded,
            (Some(_), _) => Ending::Failed,
            (None, Some(_)) => Ending::Succeeded,
            (None, None) => Ending::Unknown,
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
        if let Some(operation) = by_token.filter(|operation| is_about(history, *operation, event)) {
            return Some(operation);
        }
        let operations = match (&event.stack_id, &event.stack_name) {
            (Some(id), name) => self.by_id.get(id).or_else(|| {
                // A stack of the name whose own ARN no evidence tells.
                let of_name = self.by_name.get(name.as_ref()?)?;
                let unknown = |index: &usize| {
                    incarnation_of(history, *index).is_some_and(|incarnation| incarnation.stack_id.is_none())
                };
                of_name.iter().all(unknown).then_some(of_name)
            }),
            (None, Some(name)) => self.by_name.get(name),
            (None, None) => self.only.as_ref(),
        }?;
        at_time(history, operations, event.at, kind_of_call(event))
    }
}

fn incarnation_of(history: &History, operation: usize) -> Option<&Incarnation> {
    history.operations.get(operation).and_then(|operation| history.incarnations.get(operation.incarnation))
}

/// True unless the event names another stack: two people may choose the same token.
fn is_about(history: &History, operation: usize, event: &Event) -> bool {
    let Some(incarnation) = incarnation_of(history, operation) else { return false };
    match (&event.stack_id, &incarnation.stack_id, &event.stack_name) {
        (Some(id), Some(own), _) => id == own,
        (_, _, Some(name)) => *name == incarnation.name,
        _ => true,
    }
}

/// What led up to an operation belongs to it.
const LEADS_UP: TimeDelta = TimeDelta::minutes(15);
/// What comes soon after an operation belongs to it.
const FOLLOWS: TimeDelta = TimeDelta::hours(1);
/// A change set may wait for an approval.
const APPROVAL: TimeDelta = TimeDelta::hours(1);

/// How soon after a call its operation begins.
fn patience(kind: Kind) -> TimeDelta {
    if kind == Kind::ChangeSet { APPROVAL } else { BEFORE_FIRST_ROW }
}

/// True if a call that asks for `kind` begins an operation of kind `began`.
fn asked_for(kind: Kind, began: Kind) -> bool {
    match kind {
        Kind::Unknown | Kind::ChangeSet => {
            matches!(began, Kind::Create | Kind::Update | Kind::Import | Kind::ChangeSet)
        }
        kind => kind == began,
    }
}

/// How far CloudTrail's clock may be ahead of CloudFormation's.
const SKEW: TimeDelta = TimeDelta::seconds(2);

/// The operation that was going on at the time, that a call at this time began, or that the event led up to or followed.
/// `operations` are oldest first.
fn at_time(history: &History, operations: &[usize], at: Time, asks_for: Option<Kind>) -> Option<usize> {
    let operation = |index: &usize| history.operations.get(*index);
    let started = |index: &usize| operation(index).map_or(Time::MAX_UTC, |operation| operation.started_at);
    if let Some(kind) = asks_for {
        let from = operations.partition_point(|index| started(index) < at - SKEW);
        let began = operations
            .iter()
            .skip(from)
            .take_while(|index| started(index) <= at + patience(kind))
            .filter(|index| operation(index).is_some_and(|operation| asked_for(kind, operation.kind)))
            // What began before the call can be its effect only where two clocks disagree.
            .min_by_key(|index| if started(index) < at { at - started(index) + SKEW } else { started(index) - at });
        if began.is_some() {
            return began.copied();
        }
    }
    let after = operations.partition_point(|index| started(index) <= at);
    let current = after.checked_sub(1).and_then(|last| operations.get(last));
    let next = operations.get(after).filter(|next| started(next) - LEADS_UP <= at);
    let ended = current.and_then(operation).and_then(|operation| operation.ended_at);
    let (Some(last), Some(ended)) = (current, ended) else { return current.or(next).copied() };
    if at <= ended {
        return Some(*last);
    }
    // Between two operations the nearer one has it.
    let follows = at <= ended + FOLLOWS;
    match next {
        Some(next) if !follows || started(next) - at < at - ended => Some(*next),
        _ => follows.then_some(*last),
    }
}
