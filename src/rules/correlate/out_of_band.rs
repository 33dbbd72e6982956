//! A change outside of CloudFormation before a failure: somebody deleted or changed what the stack counts on.
//! Joined by the physical id of the failed resource, or of another resource of the stack that the failure's text names.
//! Looks at all calls of the timeline: the change may be hours older than the operation.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR, Rule};
use super::super::words;
use super::{Context, Failing, has_token};
use crate::model::{Call, Event, Outcome, Reason, Text};
use hashbrown::HashSet;

/// A call that deleted the very thing that is now missed leaves little doubt.
const DELETED: Decibans = 34.0;
/// A change by hand is a suspect, not a culprit.
const CHANGED: Decibans = 13.0;
/// That something is missed says nothing more once it is known who deleted it.
const EXPLAINED: Decibans = -14.0;
/// Shorter ids are words that any call may carry.
const SHORTEST_ID: usize = 5;

/// The verbs of calls that take something away.
const TAKES_AWAY: [&str; 10] = [
    "Delete",
    "Remove",
    "Detach",
    "Terminate",
    "Deregister",
    "Release",
    "Revoke",
    "Disassociate",
    "Disable",
    "Schedule",
];

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let calls: Vec<(usize, &Event)> = context
        .timeline
        .events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.source == "cloudtrail" && event.outcome == Outcome::Succeeded)
        .filter(|(_, event)| event.call.as_ref().is_some_and(|call| !call.read_only && by_somebody(call)))
        .filter(|(_, event)| event.call.as_ref().is_some_and(|call| &*call.service != "cloudformation.amazonaws.com"))
        .collect();
    if calls.is_empty() {
        return Vec::new();
    }
    let own = ids_of_the_stack(context, |_| true);
    let roles = ids_of_the_stack(context, |kind| kind == "AWS::IAM::Role");
    let ids = Ids { own, roles };
    context.joined().iter().flat_map(|failing| of_failing(context, failing, &calls, &ids)).collect()
}

/// A person or a tool; not CloudFormation, and not a service that does what it is there for (scaling, rotation).
fn by_somebody(call: &Call) -> bool {
    let identity = &call.identity;
    let service_role = identity.role_arn.as_deref().is_some_and(|role| role.contains("/aws-service-role/"));
    !identity.is_cloudformation() && identity.invoked_by.is_none() && &*identity.kind != "AWSService" && !service_role
}

/// The physical ids that the stack's resources have.
struct Ids<'c> {
    own: HashSet<&'c str>,
    /// Those of its roles: who cannot assume a role does not say which.
    roles: HashSet<&'c str>,
}

fn ids_of_the_stack<'c>(context: &Context<'c>, of_type: impl Fn(&str) -> bool) -> HashSet<&'c str> {
    let stacks: HashSet<&Text> = context.events().filter_map(|(_, event)| event.stack_id.as_ref()).collect();
    let rows =
        context.timeline.events.iter().filter(|event| matches!(event.source, "stack_events" | "stack_resources"));
    let rows = rows.filter(|event| event.stack_id.as_ref().is_some_and(|stack| stacks.contains(stack)));
    let rows = rows.filter(|event| event.resource_type.as_deref().is_some_and(&of_type));
    rows.filter_map(|event| event.physical_id.as_deref()).filter(|id| id.len() >= SHORTEST_ID).collect()
}

fn of_failing(context: &Context<'_>, failing: &Failing, calls: &[(usize, &Event)], ids: &Ids<'_>) -> Vec<Finding> {
    let Some(failed) = context.timeline.events.get(failing.event).filter(|event| event.is_stack_event()) else {
        return Vec::new();
    };
    let own = context.best_rule(failing);
    let is_missed = own
        .is_some_and(|own| matches!(&*own.cause, "resource.not-found" | "drift.out-of-band" | "permission.pass-role"));
    if !is_missed && !own.is_none_or(Rule::is_vague) {
        return Vec::new();
    }
    let text = failed.text();
    let cannot_assume = own.is_some_and(|own| own.cause == "permission.pass-role");
    let is_named = |id: &&str| failed.physical_id.as_deref() == Some(*id) || has_token(text, last_part(id));
    let named = ids.own.iter().copied().filter(is_named);
    let about: Vec<&str> = named.chain(ids.roles.iter().copied().filter(|_| cannot_assume)).collect();
    let last = calls.iter().rev().find(|(_, call)| {
        call.at <= failed.at && named_by(call, &about).is_some_and(|id| made_before(context, id, call))
    });
    let Some((index, call)) = last else { return Vec::new() };
    let takes_away = TAKES_AWAY.iter().any(|verb| call.action.starts_with(verb));
    let who = call.actor.as_deref().unwrap_or("somebody");
    let weight = if takes_away && is_missed { DELETED } else { CHANGED };
    let mut findings = vec![Finding {
        rule: "changed-outside-of-cloudformation".to_owned(),
        cause: "drift.out-of-band".to_owned(),
        root: failing.event,
        prior: PRIOR,
        evidence: vec![Evidence::of_event(
            *index,
            weight,
            format!("{who} called {} outside of CloudFormation before", call.action),
        )],
        advice: words::of_advice(&advice(call, who), &context.names(failing, &Reason::default())),
    }];
    findings.extend(own.filter(|own| takes_away && is_missed && own.cause != "drift.out-of-band").map(|own| {
        let evidence = Evidence::of_event(*index, EXPLAINED, "it was there, until this call took it away");
        Finding::on_theory(&own.id, &own.cause, failing.event, vec![evidence])
    }));
    findings
}

/// Of an ARN the resource's own name: texts print either.
fn last_part(id: &str) -> &str {
    let last = if id.starts_with("arn:") { id.rsplit(['/', ':']).next().unwrap_or(id) } else { id };
    if last.len() >= SHORTEST_ID { last } else { id }
}

/// The one of the ids that the call names.
fn named_by<'i>(call: &Event, ids: &[&'i str]) -> Option<&'i str> {
    let named = call.call.as_ref().map_or(&[][..], |call| &call.names);
    let names: Vec<&str> = named.iter().map(|name| &**name).chain(call.physical_id.as_deref()).collect();
    ids.iter().copied().find(|id| names.iter().any(|name| id == name || last_part(id) == last_part(name)))
}

/// The stack had made the thing of this id when the call came, and the call is to the service that has such things.
fn made_before(context: &Context<'_>, id: &str, call: &Event) -> bool {
    let service = call.call.as_ref().and_then(|call| call.service.split('.').next()).unwrap_or_default();
    context.timeline.events.iter().any(|row| {
        let kind = row.resource_type.as_deref().unwrap_or_default();
        let of_list = row.source == "stack_resources";
        row.physical_id.as_deref() == Some(id)
            && (of_list || row.is_stack_event() && row.outcome == Outcome::Succeeded && row.at <= call.at)
            && of_service(kind, service)
    })
}

/// `AWS::EC2::SecurityGroup` is of `ec2`. Some services are called otherwise in types than in calls.
fn of_service(kind: &str, service: &str) -> bool {
    let of_type = kind.split("::").nth(1).unwrap_or_default().to_ascii_lowercase();
    let service = service.replace('-', "");
    of_type == service
        || of_type.starts_with(&service)
        || service.starts_with(&of_type)
        || matches!(
            (&*of_type, &*service),
            ("elasticloadbalancingv2", "elasticloadbalancing")
                | ("opensearchservice" | "elasticsearch", "es")
                | ("certificatemanager", "acm")
                | ("stepfunctions", "states")
                | ("kinesisfirehose", "firehose")
                | ("cloudwatch", "monitoring")
                | ("msk", "kafka")
                | ("efs", "elasticfilesystem")
                | ("cognito", "cognitoidp" | "cognitoidentity")
                | ("emr", "elasticmapreduce")
                | ("apigatewayv2", "apigateway")
                | ("docdb" | "neptune", "rds")
                | ("directoryservice", "ds")
        )
}

fn advice(call: &Event, who: &str) -> Advice {
    let what = call.physical_id.as_deref().or(call.logical_id.as_deref()).unwrap_or("a resource of the stack");
    Advice {
        title: format!("{what} was changed outside of CloudFormation: {who} called {}", call.action),
        explanation: "CloudFormation goes by what it made itself. What was deleted or changed by hand or by another tool is missed when the stack wants to use, change or delete it.".to_owned(),
        confirm: vec![
            format!("Ask {who} what the call at {} was for", crate::model::time::text(call.at)),
            "aws cloudformation detect-stack-drift --stack-name {stack}   # what else differs from what the stack knows".to_owned(),
        ],
        fixes: vec![
            "Where its id is its name, make it again as the stack knows it (same name and settings); else take it out of the template with DeletionPolicy: Retain and deploy, then add it anew under another logical id".to_owned(),
            "If the rollback is stuck on it: continue-update-rollback, skipping only this resource".to_owned(),
            "Keep people and other tools from changing what stacks own, or detect it: drift detection on a schedule".to_owned(),
        ],
        link: Some("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html".to_owned()),
    }
}
