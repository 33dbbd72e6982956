//! A time-out, and what was going on meanwhile: the stack's own limit ran out, or the tool stopped waiting, while a
//! certificate waited for its validation. Then the limit is how it ended, not why.
//! Goes by the last rows of what was in progress; CloudFormation prints the record that a certificate waits for.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR};
use super::{Context, Failing, explained_by};
use crate::model::{Event, Outcome, Text};
use chrono::TimeDelta;
use hashbrown::HashMap;

/// A validation is done within minutes of the record.
const LONG: TimeDelta = TimeDelta::minutes(10);
/// A certificate that waits for a record that nobody makes waits for ever.
const WAITS: Decibans = 32.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    context.joined().iter().flat_map(|failing| of_failing(context, failing)).collect()
}

fn of_failing(context: &Context<'_>, failing: &Failing) -> Vec<Finding> {
    let own = context.best_rule(failing);
    let timed_out =
        own.filter(|own| matches!(&*own.cause, "timeout.stack" | "timeout.client-wait" | "timeout.stabilization"));
    let (Some(own), Some(failed)) = (timed_out, context.timeline.events.get(failing.event)) else { return Vec::new() };
    let is_itself = |waiting: &Event| waiting.logical_id == failed.logical_id && waiting.stack_id == failed.stack_id;
    let pending = pending_validations(context, failed);
    // What did not become stable is not to blame on another resource; a limit that ran out is, on what was waited for.
    let waiting = pending.iter().find(|(_, waiting)| {
        is_itself(waiting) || own.cause != "timeout.stabilization" && failed.at - waiting.at >= LONG
    });
    let Some((index, waiting)) = waiting else { return Vec::new() };
    let finding = Finding {
        rule: "certificate-still-pending".to_owned(),
        cause: "timeout.validation".to_owned(),
        root: failing.event,
        prior: PRIOR,
        evidence: vec![Evidence::of_event(
            *index,
            WAITS,
            "the certificate was still waiting for its DNS record when the time was up",
        )],
        advice: advice(waiting),
    };
    explained_by(failing, own, std::slice::from_ref(&finding)).into_iter().chain([finding]).collect()
}

/// The stack and the logical id of a row.
type Place<'c> = (Option<&'c Text>, Option<&'c Text>);

/// The certificates that were in progress at the time of the failure, by the row that names the record they wait for.
fn pending_validations<'c>(context: &Context<'c>, failed: &Event) -> Vec<(usize, &'c Event)> {
    let mut last: HashMap<Place<'c>, (usize, &'c Event)> = HashMap::new();
    let rows = context.events().filter(|(_, event)| event.is_stack_event() && event.at <= failed.at);
    for (index, event) in rows {
        let is_certificate =
            event.resource_type.as_deref().is_some_and(|kind| kind.starts_with("AWS::CertificateManager::"));
        let over = matches!(event.outcome, Outcome::Succeeded);
        let key = (event.stack_id.as_ref(), event.logical_id.as_ref());
        if is_certificate && over {
            last.remove(&key);
        } else if is_certificate && event.text().contains("Content of DNS Record") {
            last.insert(key, (index, event));
        }
    }
    let mut pending: Vec<(usize, &Event)> = last.into_values().collect();
    pending.sort_by_key(|(index, _)| *index);
    pending
}

fn advice(waiting: &Event) -> Advice {
    let name = waiting.logical_id.as_deref().unwrap_or("The certificate");
    Advice {
        title: format!("{name} waited for a validation that did not come before the time was up"),
        explanation: "AWS Certificate Manager issues a certificate only when it finds the DNS record that it asked for. The record was not made, or not in the zone that the domain is delegated to.".to_owned(),
        confirm: vec!["aws acm list-certificates --certificate-statuses PENDING_VALIDATION".to_owned(), format!("Look the record up in public DNS: {}", waiting.text())],
        fixes: vec![
            "Make the record in the domain's public zone; the certificate is issued within minutes, and the deployment can be tried again".to_owned(),
            "Let CloudFormation make it: DomainValidationOptions with the HostedZoneId (CDK: CertificateValidation.fromDns(zone)), and check that the domain's name servers are those of that zone".to_owned(),
            "Or validate the certificate once in a stack of its own, and pass its ARN".to_owned(),
        ],
        link: Some("https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html".to_owned()),
    }
}
