//! Hand-made events, calls and operations, for the tests of `actor`.
//! Times are seconds after one fixed instant; every stack is of account 1 in region r.
//! Used by tests only.

use crate::model::{Call, Event, Identity, Outcome, RecordRef, Text, Time, WebIdentity, status};
use crate::operation::{Ending, History, Incarnation, Kind, Operation};
use crate::timeline::Timeline;
use chrono::TimeDelta;
use std::sync::Arc;

/// The instant, this many seconds after the beginning.
pub fn at(seconds: i64) -> Time {
    Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
}

/// A timeline of these events, in order of time.
pub fn timeline(mut events: Vec<Event>) -> Timeline {
    events.sort_by_key(|event| event.at);
    Timeline { events, ..Timeline::default() }
}

fn event(seconds: i64, source: &'static str, action: &str) -> Event {
    let record =
        RecordRef { file: source.into(), index: u32::try_from(seconds.rem_euclid(100_000)).unwrap_or_default() };
    Event::new(at(seconds), source, record, action.into(), Outcome::Succeeded)
}

/// A call of nobody to CloudFormation about nothing.
pub fn call(seconds: i64, action: &str, identity: Identity) -> Event {
    let mut event = event(seconds, "cloudtrail", action);
    event.actor = identity.name().map(Text::from);
    event.call = Some(Box::new(Call {
        service: "cloudformation.amazonaws.com".into(),
        region: Some("r".into()),
        identity: Arc::new(identity),
        ..Call::default()
    }));
    event
}

/// A call to CloudFormation about a stack, by name or ARN.
pub fn cloudformation(seconds: i64, action: &str, stack: &str, identity: Identity) -> Event {
    let mut event = call(seconds, action, identity);
    event.stack_id = Some(stack).filter(|stack| stack.starts_with("arn:")).map(Text::from);
    event.stack_name = Some(stack.split('/').nth(1).unwrap_or(stack).into());
    with(&mut event, |call| call.stack = Some(stack.into()));
    event
}

/// An AssumeRole* call that issued `key`.
pub fn assume(seconds: i64, action: &str, identity: Identity, key: &str) -> Event {
    let mut event = call(seconds, action, identity);
    with(&mut event, |call| {
        call.service = "sts.amazonaws.com".into();
        call.read_only = true;
        call.issued_key = Some(key.into());
    });
    event
}

/// Changes the call of an event.
pub fn with(event: &mut Event, change: impl FnOnce(&mut Call)) {
    if let Some(call) = event.call.as_mut() {
        change(call);
    }
}

pub fn user(name: &str, key: &str) -> Identity {
    Identity {
        kind: "IAMUser".into(),
        arn: Some(format!("arn:aws:iam::1:user/{name}").into()),
        user_name: Some(name.into()),
        access_key: Some(key.into()),
        ..Identity::default()
    }
}

pub fn of_role(role: &str, session: &str, key: &str) -> Identity {
    Identity {
        kind: "AssumedRole".into(),
        arn: Some(format!("arn:aws:sts::1:assumed-role/{role}/{session}").into()),
        role_arn: Some(format!("arn:aws:iam::1:role/{role}").into()),
        access_key: Some(key.into()),
        ..Identity::default()
    }
}

pub fn web(provider: &str, subject: &str) -> Identity {
    Identity {
        kind: "WebIdentityUser".into(),
        user_name: Some(subject.into()),
        web_identity: Some(WebIdentity { provider: provider.into(), subject: subject.into() }),
        ..Identity::default()
    }
}

/// The ARN of a stack's n-th incarnation.
pub fn arn(name: &str, number: usize) -> String {
    format!("arn:aws:cloudformation:r:1:stack/{name}/{number}")
}

/// One operation of a story to be told: the stack's own first row of it.
pub struct Step {
    pub kind: Kind,
    pub seconds: i64,
    pub number: usize,
    pub before: Option<&'static str>,
    pub token: Option<&'static str>,
    pub reason: Option<&'static str>,
    pub parent: Option<usize>,
}

impl Step {
    pub fn new(kind: Kind, seconds: i64, number: usize) -> Self {
        Self { kind, seconds, number, before: None, token: None, reason: None, parent: None }
    }

    pub fn before(self, before: &'static str) -> Self {
        let before = Some(before);
        Self { before, ..self }
    }

    pub fn token(self, token: &'static str) -> Self {
        let token = Some(token);
        Self { token, ..self }
    }

    pub fn reason(self, reason: &'static str) -> Self {
        let reason = Some(reason);
        Self { reason, ..self }
    }
}

/// The timeline of these calls and of one row for each step, and the history of the steps, all on the stack `name`.
/// Each operation lasts for a second. Steps must be in order of time.
pub fn told(name: &str, steps: &[Step], calls: Vec<Event>) -> (Timeline, History) {
    let rows = steps.iter().enumerate().map(|(index, step)| row(name, index, step));
    let timeline = timeline(rows.chain(calls).collect());
    let mut history = History::default();
    for (index, step) in steps.iter().enumerate() {
        while history.incarnations.len() < step.number {
            history.incarnations.push(incarnation(name, history.incarnations.len() + 1, step));
        }
        let incarnation = step.number - 1;
        history.incarnations[incarnation].operations.push(index);
        if step.kind == Kind::Delete {
            history.incarnations[incarnation].deleted_at = Some(at(step.seconds + 1));
        }
        let event = timeline.events.iter().position(|event| event.event_id.as_deref() == Some(&index.to_string()));
        history.operations.push(operation(step, index, incarnation, event));
    }
    (timeline, history)
}

fn incarnation(name: &str, number: usize, step: &Step) -> Incarnation {
    Incarnation {
        stack_id: Some(arn(name, number).into()),
        name: name.into(),
        number,
        parent: None,
        created_at: at(step.seconds),
        deleted_at: None,
        status: None,
        operations: Vec::new(),
    }
}

fn operation(step: &Step, index: usize, incarnation: usize, event: Option<usize>) -> Operation {
    Operation {
        id: index.to_string().into(),
        incarnation,
        kind: step.kind,
        ending: Ending::Succeeded,
        started_at: at(step.seconds),
        ended_at: Some(at(step.seconds + 1)),
        token: step.token.map(Text::from),
        status_before: step.before.map(Text::from),
        status: None,
        express: false,
        events: event.into_iter().collect(),
        failures: Vec::new(),
        cut_off_by: None,
        parent: step.parent,
    }
}

fn row(name: &str, index: usize, step: &Step) -> Event {
    let mut row = event(step.seconds, "stack_events", "STEP");
    row.outcome = Outcome::InProgress;
    row.event_id = Some(index.to_string().into());
    row.stack_id = Some(arn(name, step.number).into());
    row.physical_id = row.stack_id.clone();
    row.stack_name = Some(name.into());
    row.resource_type = Some(status::STACK_TYPE.into());
    row.token = step.token.map(Text::from);
    row.message = step.reason.map(Text::from);
    row
}
