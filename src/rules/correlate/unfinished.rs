//! An operation that ended without a word of why: its events are gone, or it was cut off before anybody looked. Then the
//! prior speaks: what was in progress, how long that usually takes, of what it usually fails, and what the other sources,
//! which outlive the stack, say of it. The probabilities stay modest; what would decide is the better part of the answer.

use super::super::catalog::CAUSES;
use super::super::durations::{self, Usual};
use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR};
use super::super::words::{Names, shell_word};
use super::failing_text::read;
use super::{Context, Failing};
use crate::model::{Event, Outcome, Reason, Text, Time, time};
use crate::operation::{Ending, Kind, Operation, Role};
use hashbrown::HashMap;

/// What it is worth that a resource was being made when the operation ended: by the place of the cause in the table.
const BY_PLACE: [Decibans; 3] = [7.0, 4.0, 2.0];
/// ... and that it was taking longer than usual, or conspicuously long.
const LONGER_THAN_USUAL: Decibans = 2.0;
const CONSPICUOUS: Decibans = 4.0;
/// Where only a call tells that the work began, nothing tells whether it ended: what takes many minutes is what an
/// operation is most often waiting for.
const TAKES_LONG: Decibans = 3.0;
const MINUTES: u32 = 300;
/// What another source says of a failure, where the stack itself says nothing.
const SURVIVOR: Decibans = -12.0;

/// A resource that was being made.
struct Open<'c> {
    name: Text,
    usual: &'static Usual,
    /// The event that tells that the work on it had begun.
    event: usize,
    began: Time,
    /// A row of the stack said last that it was in progress.
    is_known_open: bool,
    events_of_it: Vec<&'c Event>,
}

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    if !context.failing.is_empty() {
        return Vec::new();
    }
    let operations =
        context.story.operations.iter().filter_map(|index| Some((*index, context.history.operations.get(*index)?)));
    let mut silent = operations.filter(|(_, operation)| {
        matches!(operation.kind, Kind::Create | Kind::Update | Kind::Import) && operation.ending == Ending::Unknown
    });
    silent.next().map_or_else(Vec::new, |(index, operation)| of_operation(context, index, operation))
}

fn of_operation(context: &Context<'_>, index: usize, operation: &Operation) -> Vec<Finding> {
    let event = |index: usize| context.timeline.events.get(index);
    // What ended it, or else the last that is known of it, stands for the failure that nobody saw.
    let after = context.story.operations.iter().skip_while(|other| **other != index).nth(1);
    let ended_by = after.and_then(|next| context.history.operations.get(*next)?.events.first().copied());
    let Some(root) = ended_by.or_else(|| operation.events.last().copied()) else { return Vec::new() };
    let Some(end) = event(root).map(|event| event.at) else { return Vec::new() };
    let failing = Failing { event: root, operation: index, role: Role::Root };
    let names = context.names(&failing, &Reason::read(""));
    // What its own service says was done has an alibi.
    let open = open_resources(context, operation).into_iter().filter(|open| !is_done(open, end));
    let mut findings: Vec<Finding> = open.flat_map(|open| theories(&open, root, end, &names)).collect();
    let told = context.events().filter(|(_, event)| {
        event.outcome == Outcome::Failed
            && event.message.is_some()
            && !event.is_stack_event()
            && event.at <= end
            && (event.source != "cloudtrail"
                || event.call.as_ref().is_some_and(|call| call.identity.is_cloudformation()))
    });
    for (index, event) in told {
        findings.extend(read(context, &failing, index, event, SURVIVOR));
    }
    findings
}

/// What rows or calls tell was begun, and no row tells was done.
fn open_resources<'c>(context: &Context<'c>, operation: &Operation) -> Vec<Open<'c>> {
    let mut open: HashMap<Text, Open<'c>> = HashMap::new();
    let mut order: Vec<Text> = Vec::new();
    for index in &operation.events {
        let Some(event) = context.timeline.events.get(*index) else { continue };
        let usual = if event.is_stack_event() {
            event.resource_type.as_deref().and_then(durations::of_type)
        } else {
            event
                .call
                .as_ref()
                .filter(|call| call.identity.is_cloudformation() && event.error.is_none())
                .and_then(|call| durations::made_by(&call.service, &event.action))
        };
        let Some(usual) = usual else { continue };
        let name = event
            .logical_id
            .clone()
            .or_else(|| event.physical_id.clone())
            .unwrap_or_else(|| Text::from(usual.kind.as_str()));
        if event.is_stack_event() && event.outcome != Outcome::InProgress {
            open.remove(&name);
        } else if !open.contains_key(&name) {
            order.push(name.clone());
            open.insert(
                name.clone(),
                Open {
                    name,
                    usual,
                    event: *index,
                    began: event.at,
                    is_known_open: event.is_stack_event(),
                    events_of_it: Vec::new(),
                },
            );
        }
    }
    let mut found: Vec<Open<'c>> = order.iter().filter_map(|name| open.remove(name)).collect();
    for open in &mut found {
        open.events_of_it = context.events().map(|(_, event)| event).filter(|event| tells_of(open, event)).collect();
    }
    found
}

/// A record of another source about this resource: by its name, or by its type where no row gave it a name.
fn tells_of(open: &Open<'_>, event: &Event) -> bool {
    let by_service = !event.is_stack_event() && event.source != "cloudtrail" && event.at >= open.began;
    let by_name = event.logical_id.as_ref() == Some(&open.name) || event.physical_id.as_ref() == Some(&open.name);
    by_service && (by_name || event.logical_id.is_none() && event.resource_type.as_deref() == Some(&open.usual.kind))
}

/// Its own service says that it was done.
fn is_done(open: &Open<'_>, end: Time) -> bool {
    open.events_of_it.iter().any(|event| {
        event.outcome == Outcome::Succeeded
            && matches!(&*event.action, "CREATE" | "STEADY" | "DEPLOY")
            && event.at <= end
    })
}

fn theories(open: &Open<'_>, root: usize, end: Time, names: &Names) -> Vec<Finding> {
    let waited = (end - open.began).num_seconds();
    let late = match waited {
        _ if !open.is_known_open && open.usual.usual >= MINUTES => TAKES_LONG,
        _ if !open.is_known_open => 0.0,
        seconds if seconds > i64::from(open.usual.long) => CONSPICUOUS,
        seconds if seconds > i64::from(open.usual.usual) => LONGER_THAN_USUAL,
        _ => 0.0,
    };
    #[allow(clippy::cast_precision_loss)] // the seconds of an operation
    let (waited, usual) = (time::length(waited as f64), time::length(f64::from(open.usual.usual)));
    let says = if open.is_known_open {
        format!("{} was being made for {waited} (usually {usual})", open.name)
    } else {
        format!("{} was begun {waited} before the end (usually {usual}), and no row tells that it was done", open.name)
    };
    let theory = |(place, cause): (Decibans, &String)| {
        let evidence = vec![Evidence::of_event(open.event, place + late, says.clone())];
        Finding {
            rule: "unfinished-when-it-ended".to_owned(),
            cause: cause.clone(),
            root,
            prior: PRIOR,
            evidence,
            advice: advice(open, cause, names),
        }
    };
    BY_PLACE.into_iter().zip(&open.usual.causes).map(theory).collect()
}

fn advice(open: &Open<'_>, cause: &str, names: &Names) -> Advice {
    let meaning = CAUSES.iter().find(|(code, _)| *code == cause).map_or(cause, |(_, meaning)| *meaning);
    let Open { name, usual, .. } = open;
    let what = if **name == *usual.kind { usual.kind.clone() } else { format!("{name} ({})", usual.kind) };
    let known = |name: &str, otherwise: &str| names.get(name).cloned().unwrap_or_else(|| otherwise.to_owned());
    let region = known("region", "REGION");
    let stack = known("stack_arn", "STACK_ARN");
    let stack = shell_word(&stack).unwrap_or_default();
    Advice {
        title: format!("A guess: {what} was being made when the operation ended; {meaning}"),
        explanation: "No message of a failure is left. This is a guess by what was in progress, how long such resources usually take and what they usually fail of; what would decide is below.".to_owned(),
        confirm: vec![
            format!("aws --region {region} cloudformation describe-stack-events --stack-name {stack}   # the first FAILED row that was not cancelled; a deleted stack's events are kept for 90 days"),
            format!("aws --region {region} rds describe-events --duration 20160   # kept for 14 days, also those of deleted instances"),
        ],
        fixes: vec![
            "Collect the stack's events by its ARN before anything else: they say what failed".to_owned(),
            "Next time keep the evidence: deploy with the rollback off, or with termination protection, and collect while it fails".to_owned(),
        ],
        link: Some("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html".to_owned()),
    }
}
