//! The refused call behind a failure: a resource may say no more than "Internal Failure" where CloudTrail says who was
//! refused what. Joined by the quoted request id, by the resource, or by the caller and the time.
//! The call's own message is read with the data rules, so that an explicit deny stays one.

use super::super::rule::{Decibans, Finding};
use super::Context;
use super::failing_text::read;
use crate::model::{Event, Text, Time, denial, quoted_request};
use chrono::TimeDelta;
use hashbrown::HashMap;

/// CloudTrail tells whole seconds; handlers report a refusal within seconds, or after retries of minutes.
const BEFORE: TimeDelta = TimeDelta::seconds(5);
const AFTER: TimeDelta = TimeDelta::seconds(5);

/// What a join is worth compared with the failure's own text.
const SAME_REQUEST: Decibans = 2.0;
const SAME_RESOURCE: Decibans = 0.0;
const ON_BEHALF: Decibans = -6.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let refused: Vec<(usize, &Event)> =
        context.events().filter(|(_, event)| event.error.as_deref().is_some_and(denial)).collect();
    if refused.is_empty() {
        return Vec::new();
    }
    let began = first_rows(context);
    let mut findings = Vec::new();
    for failing in context.failing {
        let failed = context.timeline.events.get(failing.event).filter(|event| event.source != "cloudtrail");
        let Some(failed) = failed else { continue };
        let began =
            began.get(&(&failed.stack_id, &failed.logical_id)).copied().unwrap_or(failed.at).min(failed.at) - BEFORE;
        for (index, call) in refused.iter().filter(|(_, call)| call.at >= began && call.at <= failed.at + AFTER) {
            if let Some(standing) = join(failed, call) {
                findings.extend(read(context, failing, *index, call, standing));
            }
        }
    }
    findings
}

/// When the work on each resource of the story began.
fn first_rows<'c>(context: &Context<'c>) -> HashMap<(&'c Option<Text>, &'c Option<Text>), Time> {
    let mut first: HashMap<(&Option<Text>, &Option<Text>), Time> = HashMap::new();
    for (_, event) in context.events().filter(|(_, event)| event.is_stack_event()) {
        let began = first.entry((&event.stack_id, &event.logical_id)).or_insert(event.at);
        *began = event.at.min(*began);
    }
    first
}

fn join(failed: &Event, refused: &Event) -> Option<Decibans> {
    let call = refused.call.as_ref()?;
    let quoted = failed.message.as_deref().and_then(quoted_request);
    if quoted.is_some() && quoted == call.request_id.as_deref() {
        return Some(SAME_REQUEST);
    }
    if refused.logical_id.is_some() && refused.logical_id == failed.logical_id {
        return Some(SAME_RESOURCE);
    }
    (refused.logical_id.is_none() && call.identity.is_cloudformation()).then_some(ON_BEHALF)
}
