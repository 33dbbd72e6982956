//! What the other sources say of a failed resource: RDS events, ECS service events and stopped tasks, Auto Scaling
//! activities, target health, log lines. A resource that only says that it did not become stable is told of there.
//! Joined by the resource, within the time of the work on it; their texts are read with the data rules.

use super::super::rule::{Decibans, Finding, Rule};
use super::failing_text::read;
use super::refused_call::is_custom;
use super::{Context, explained_by};
use crate::model::{Event, Outcome, Reason};
use chrono::TimeDelta;

/// Records of a failure may come some seconds after the row of the stack.
const AFTER: TimeDelta = TimeDelta::seconds(30);
/// What a record of the service itself is worth compared with the failure's own text.
const OF_THE_SERVICE: Decibans = 0.0;
/// A log line with an error need not be about this failure.
const OF_A_LOG: Decibans = -3.0;
/// Where the failure's own text says why, the others only confirm it.
const NOT_ASKED_FOR: Decibans = -10.0;
/// A service repeats itself; more of the same says nothing new.
const READ_AT_MOST: usize = 40;

const SOURCES: &[(&str, Decibans)] = &[
    ("rds_events", OF_THE_SERVICE),
    ("db_instances", OF_THE_SERVICE),
    ("ecs_services", OF_THE_SERVICE),
    ("service_deployments", OF_THE_SERVICE),
    ("ecs_tasks", OF_THE_SERVICE),
    ("target_health", OF_THE_SERVICE),
    ("scaling_activities", OF_THE_SERVICE),
    ("log_events", OF_A_LOG),
];

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let standing = |event: &Event| {
        let of_source = SOURCES.iter().find(|(source, _)| *source == event.source);
        of_source.filter(|_| event.outcome == Outcome::Failed && event.message.is_some()).map(|(_, standing)| *standing)
    };
    let told: Vec<(usize, &Event, Decibans)> =
        context.events().filter_map(|(index, event)| Some((index, event, standing(event)?))).collect();
    if told.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for failing in context.joined() {
        let Some(failed) = context.timeline.events.get(failing.event).filter(|event| event.is_stack_event()) else {
            continue;
        };
        let own = context.best_rule(failing);
        let is_open = own.is_none_or(Rule::is_vague);
        let began = context.began(failed);
        let about = |(_, event, _): &&(usize, &Event, Decibans)| {
            event.at >= began && event.at <= failed.at + AFTER && is_about(failed, event)
        };
        let joined: Vec<Finding> = told
            .iter()
            .filter(about)
            .take(READ_AT_MOST)
            .filter(|(_, event, _)| !recovered(context, event, failed))
            .flat_map(|(index, event, standing)| {
                let standing = if is_open { *standing } else { standing + NOT_ASKED_FOR };
                read(context, failing, *index, event, standing)
            })
            .collect();
        findings.extend(own.filter(|_| is_open).and_then(|own| explained_by(failing, own, &joined)));
        findings.extend(joined);
    }
    findings
}

/// The same thing succeeded later, before the resource failed: a launch that was tried again, a service that became steady.
fn recovered(context: &Context<'_>, told: &Event, failed: &Event) -> bool {
    let same = |event: &Event| {
        event.source == told.source
            && event.action == told.action
            && event.logical_id == told.logical_id
            && event.stack_id == told.stack_id
    };
    // Log lines do not succeed, and there may be thousands of them.
    told.source != "log_events"
        && context.events().any(|(_, event)| {
            event.outcome == Outcome::Succeeded && event.at >= told.at && event.at <= failed.at && same(event)
        })
}

/// The record tells of the failed resource itself, or of the function behind it.
fn is_about(failed: &Event, told: &Event) -> bool {
    let same = told.logical_id.is_some() && told.logical_id == failed.logical_id && told.stack_id == failed.stack_id;
    // The reason of a custom resource may name the stream of its function's log; then it is that one and no other.
    let stream = Reason::read(failed.text()).log_stream.map(str::to_owned);
    let in_stream = stream.is_none() || told.physical_id.as_deref() == stream.as_deref();
    let of_function = told.source == "log_events" && is_custom(failed) && told.stack_id == failed.stack_id && in_stream;
    same || of_function
}
