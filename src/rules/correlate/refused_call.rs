//! The refused call behind a failure: a resource may say no more than "Internal Failure" or "did not stabilize" where
//! CloudTrail says who was refused what. Joined by the quoted request id, by the resource, by the role of the function
//! behind a custom resource, or by the caller and the time.
//! The call's own message is read with the data rules, so that an explicit deny stays one.

use super::super::rule::{Decibans, Evidence, Finding, Rule};
use super::failing_text::read;
use super::{Context, Failing, explained_by};
use crate::model::{Event, denial, quoted_request};
use chrono::TimeDelta;
use hashbrown::HashSet;

/// CloudTrail tells whole seconds; handlers report a refusal within seconds, or after retries of minutes.
const BEFORE: TimeDelta = TimeDelta::seconds(5);
const AFTER: TimeDelta = TimeDelta::seconds(5);
/// A call within this time of the failure is the one that it tells of.
const AT_ONCE: TimeDelta = TimeDelta::seconds(3);

/// What a join is worth compared with the failure's own text.
const SAME_REQUEST: Decibans = 2.0;
const SAME_RESOURCE: Decibans = 0.0;
const OWN_ROLE: Decibans = -1.0;
const ON_BEHALF_AT_ONCE: Decibans = -2.0;
const ON_BEHALF: Decibans = -6.0;
/// What it says that no call was refused, for what the failure's own words say, and against a refusal.
const SILENCE_FOR: Decibans = 2.0;
const SILENCE_AGAINST: Decibans = -6.0;
/// Handlers look at tags and settings that they may not see, and go on.
const ONLY_READS: Decibans = -8.0;

/// The nearest to the failure say most.
const READ_AT_MOST: usize = 40;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let refused: Vec<(usize, &Event)> =
        context.events().filter(|(_, event)| event.error.as_deref().is_some_and(denial)).collect();
    let roles = Roles::of(context);
    context.joined().iter().flat_map(|failing| of_failing(context, failing, &refused, &roles)).collect()
}

fn of_failing(
    context: &Context<'_>,
    failing: &Failing,
    refused: &[(usize, &Event)],
    roles: &Roles<'_>,
) -> Vec<Finding> {
    let failed = context.timeline.events.get(failing.event).filter(|event| event.source != "cloudtrail");
    let Some(failed) = failed else { return Vec::new() };
    let own = context.best_rule(failing);
    let is_open = own.is_none_or(Rule::is_vague);
    let joined: Vec<Finding> = joins(context, failed, refused, roles)
        .into_iter()
        // Where the failure's own text says why, what else was refused meanwhile is none of its business.
        .filter(|(_, _, standing)| is_open || *standing >= SAME_RESOURCE)
        .take(READ_AT_MOST)
        .flat_map(|(index, call, standing)| read(context, failing, index, call, standing))
        .collect();
    let mut findings = Vec::new();
    findings.extend(own.filter(|_| joined.is_empty()).into_iter().flat_map(|own| silence(context, failing, own)));
    findings.extend(own.filter(|_| is_open).and_then(|own| explained_by(failing, own, &joined)));
    findings.extend(joined);
    findings
}

/// The calls that may be behind the failure, with what each join is worth, the nearest in time first. Where a write was
/// refused, refused reads say nothing.
fn joins<'c>(
    context: &Context<'_>,
    failed: &Event,
    refused: &[(usize, &'c Event)],
    roles: &Roles<'_>,
) -> Vec<(usize, &'c Event, Decibans)> {
    let (from, to) = (context.began(failed) - BEFORE, failed.at + AFTER);
    let within = refused.iter().filter(|(_, call)| (from..=to).contains(&call.at));
    let mut joins: Vec<(usize, &Event, Decibans)> =
        within.filter_map(|(index, call)| Some((*index, *call, join(failed, call, roles)?))).collect();
    let writes = |call: &Event| call.call.as_ref().is_some_and(|call| !call.read_only);
    if joins.iter().any(|(_, call, _)| writes(call)) {
        joins.retain(|(_, call, _)| writes(call));
    }
    joins.sort_by_key(|(_, call, _)| (call.at - failed.at).abs());
    joins
}

/// A wholly seen CloudTrail that shows no refusal: had the vague words hidden one, it would be there.
fn silence(context: &Context<'_>, failing: &Failing, own: &Rule) -> Vec<Finding> {
    const SOURCE: &str = "cloudtrail";
    let would_tell = own.told_by.iter().any(|source| source == SOURCE) && context.is_whole(SOURCE);
    if !would_tell || !context.events().any(|(_, event)| event.source == SOURCE) {
        return Vec::new();
    }
    let says = "CloudTrail was wholly seen and shows no call that was refused for this resource";
    let finding = |cause: &str, decibans: Decibans| {
        Finding::on_theory(&own.id, cause, failing.event, vec![Evidence::of_silence(SOURCE, decibans, says)])
    };
    vec![finding(&own.cause, SILENCE_FOR), finding("permission.denied", SILENCE_AGAINST)]
}

/// The roles by which calls may belong to a stack.
struct Roles<'c> {
    /// The names of the roles that the stack itself has: those of its functions.
    own: HashSet<&'c str>,
    /// The ARNs of the roles with which CloudFormation is known to work for it; empty where none is known.
    working: HashSet<&'c str>,
    /// The ARNs of the sessions that asked CloudFormation for the story: without a service role, services call onwards
    /// with them (a service-linked role, a key).
    asking: HashSet<&'c str>,
}

impl<'c> Roles<'c> {
    fn of(context: &Context<'c>) -> Self {
        let of_type = |event: &Event| event.resource_type.as_deref() == Some("AWS::IAM::Role");
        let own = context.events().filter(|(_, event)| event.is_stack_event() && of_type(event));
        let calls = || context.events().filter_map(|(_, event)| Some((event, event.call.as_deref()?)));
        let linked = calls()
            .filter(|(event, call)| event.logical_id.is_some() && call.identity.is_cloudformation())
            .filter_map(|(_, call)| call.identity.role_arn.as_deref());
        let asked = || {
            calls().filter(|(event, call)| {
                &*call.service == "cloudformation.amazonaws.com" && !call.read_only && event.error.is_none()
            })
        };
        let given = asked().filter_map(|(_, call)| call.role_arn.as_deref());
        Self {
            asking: asked().filter_map(|(_, call)| call.identity.arn.as_deref()).collect(),
            own: own.filter_map(|(_, event)| event.physical_id.as_deref()).filter(|name| !name.is_empty()).collect(),
            working: linked.chain(given).collect(),
        }
    }
}

fn join(failed: &Event, refused: &Event, roles: &Roles<'_>) -> Option<Decibans> {
    let call = refused.call.as_ref()?;
    let quoted = failed.message.as_deref().and_then(quoted_request);
    if quoted.is_some() && quoted == call.request_id.as_deref() {
        return Some(SAME_REQUEST);
    }
    let reads = if call.read_only { ONLY_READS } else { 0.0 };
    let role = call.identity.role_arn.as_deref();
    let name = role.and_then(|arn| arn.rsplit('/').next());
    let by_service = call.source_ip.as_deref().is_some_and(|source| source.ends_with(".amazonaws.com"));
    let onwards = by_service && call.identity.arn.as_deref().is_some_and(|arn| roles.asking.contains(arn));
    let for_the_stack = call.identity.is_cloudformation() || onwards;
    if refused.logical_id.is_some() {
        let same = refused.logical_id == failed.logical_id && refused.stack_id == failed.stack_id;
        let own = name.is_some_and(|name| roles.own.contains(name));
        // A bystander's refusal at the same resource is the bystander's.
        return (same && (for_the_stack || own)).then_some(SAME_RESOURCE + reads);
    }
    if is_custom(failed) && name.is_some_and(|name| roles.own.contains(name)) {
        return Some(OWN_ROLE + reads);
    }
    // Another role than the one that CloudFormation works with for this stack works for another stack.
    if role.is_some_and(|role| !roles.working.is_empty() && !roles.working.contains(role)) {
        return None;
    }
    let at_once = (refused.at - failed.at).abs() <= AT_ONCE;
    let standing = if at_once { ON_BEHALF_AT_ONCE } else { ON_BEHALF } + reads;
    for_the_stack.then_some(standing)
}

/// A custom resource: a function of the user's does the work.
pub(super) fn is_custom(event: &Event) -> bool {
    event
        .resource_type
        .as_deref()
        .is_some_and(|kind| kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Outcome, RecordRef};
    use chrono::DateTime;

    #[test]
    fn custom_resources_are_told_by_their_type() {
        let record = RecordRef { file: "stack_events".into(), index: 0 };
        let mut event = Event::new(DateTime::UNIX_EPOCH, "stack_events", record, "CREATE".into(), Outcome::Failed);
        for (kind, expected) in
            [("Custom::Seed", true), ("AWS::CloudFormation::CustomResource", true), ("AWS::Lambda::Function", false)]
        {
            event.resource_type = Some(kind.into());
            assert_eq!(is_custom(&event), expected, "{kind}");
        }
    }
}
