//! Which CloudTrail records are still wanted: who began it, what was refused, who changed things behind its back.
//! LookupEvents gives fifty records a call, twice a second: first everything that changes something, over the whole
//! deployment; narrow questions only where that overflows or cannot see. Used by the plan.

use super::logs::function_behind;
use super::scene::{Failed, Scene};
use super::{Answered, Ask, Filter, Question, Window};
use crate::model::{Call, Event, Gap, Identity, Time, denial, quoted_request};
use crate::operation::Kind;
use chrono::TimeDelta;

/// Pages of a sweep over a deployment; what is older than the last is asked for by name.
const SWEEP: u32 = 8;
/// Deployments whose calls are looked up; of years of deployments the newest.
const MOST_SWEEPS: usize = 10;
/// Pages of a narrow question.
const NARROW: u32 = 2;
/// Failures that are looked into.
const MOST_FAILURES: usize = 3;
/// Links of a chain of roles.
const LONGEST_CHAIN: usize = 5;
/// Records are there after 5 minutes on average, 15 at most. Source: "How CloudTrail works" in its user guide.
pub(super) const LAG: TimeDelta = TimeDelta::minutes(15);
/// Source: "Viewing CloudTrail Event history" in the CloudTrail user guide.
pub(super) const EVENT_HISTORY: TimeDelta = TimeDelta::days(90);
/// How long before a failure somebody's change may have caused it.
const OUT_OF_BAND: TimeDelta = TimeDelta::days(14);
/// How long after the end a delete, or an attempt at one, still belongs to the story.
const AFTERMATH: TimeDelta = TimeDelta::hours(24);

pub(super) fn questions(scene: &Scene<'_>) -> Vec<Question> {
    // The windows are those of the stack's events; asking before they are known would ask twice.
    let rows_known = scene.settled(|ask| matches!(ask, Ask::StackEvents { .. }));
    let Some(region) = scene.region().filter(|_| rows_known) else { return Vec::new() };
    let mut wanted = Wanted { now: scene.now(), region, questions: Vec::new() };
    let sweeps: Vec<Window> = scene.windows();
    for window in sweeps.iter().rev().take(MOST_SWEEPS) {
        wanted.add(Filter::Writes, *window, SWEEP);
    }
    let of_sweeps = wanted.questions.clone();
    aftermath(&sweeps, &mut wanted);
    if sweeps_answered(scene, &of_sweeps) {
        for question in &of_sweeps {
            if let (Ask::Calls { window, .. }, Some(Answered::Partly { oldest: Some(oldest) })) =
                (&question.ask, scene.answer(question))
            {
                overflow(scene, Window { from: window.from, to: oldest }, &mut wanted);
            }
        }
        chains(scene, &mut wanted);
        change_sets(scene, &mut wanted);
        for failed in scene.failures().into_iter().take(MOST_FAILURES) {
            refusals(scene, &failed, &mut wanted);
            out_of_band(&failed, &mut wanted);
        }
    }
    wanted.questions
}

/// The questions so far, and where they go.
struct Wanted {
    now: Time,
    region: String,
    questions: Vec<Question>,
}

impl Wanted {
    fn add(&mut self, filter: Filter, window: Window, pages: u32) {
        let region = self.region.clone();
        self.add_in(region, filter, window, pages);
    }

    /// Asks for what Event history still has of the window; nothing where it is older.
    fn add_in(&mut self, region: String, filter: Filter, window: Window, pages: u32) {
        let window = Window { from: window.from.max(self.now - EVENT_HISTORY), to: window.to.min(self.now) };
        if window.from <= window.to {
            self.questions.push(Question { ask: Ask::Calls { filter, window, pages }, region });
        }
    }
}

fn sweeps_answered(scene: &Scene<'_>, sweeps: &[Question]) -> bool {
    sweeps.iter().all(|sweep| scene.answer(sweep).is_some() || !scene.asked.all.contains_key(sweep))
        && scene.settled(|ask| matches!(ask, Ask::Calls { filter: Filter::Writes, .. }))
}

/// After the end: deletes, also refused ones, and changes of the protection.
fn aftermath(sweeps: &[Window], wanted: &mut Wanted) {
    let Some(last) = sweeps.last().filter(|last| last.to < wanted.now) else { return };
    let window = Window { from: last.to, to: (last.to + AFTERMATH).min(wanted.now) };
    for name in ["DeleteStack", "UpdateTerminationProtection"] {
        wanted.add(Filter::EventName(name.to_owned()), window, 1);
    }
}

/// A sweep did not reach the beginning: in what it left out, the calls that start operations are asked for by name, and
/// what went on around each failure once more.
fn overflow(scene: &Scene<'_>, unseen: Window, wanted: &mut Wanted) {
    let is_unseen = |at: Time| (unseen.from..=unseen.to).contains(&at);
    for (index, operation) in scene.operations().filter(|(_, operation)| is_unseen(operation.started_at)) {
        if scene.actors.get(index).is_some_and(|actor| actor.call.is_some()) {
            continue;
        }
        let names: &[&str] = match operation.kind {
            Kind::Create => &["CreateStack", "CreateChangeSet", "ExecuteChangeSet"],
            Kind::Update | Kind::Import | Kind::Unknown => &["UpdateStack", "CreateChangeSet", "ExecuteChangeSet"],
            Kind::ChangeSet => &["CreateChangeSet"],
            Kind::Delete => &["DeleteStack"],
            // Automatic ones have no call, and the others are rare.
            Kind::Rollback => &[],
        };
        let at = operation.started_at;
        let window = Window { from: at - TimeDelta::minutes(5), to: at + TimeDelta::minutes(1) };
        for name in names {
            wanted.add(Filter::EventName((*name).to_owned()), window, 1);
        }
    }
    for failed in scene.failures().into_iter().filter(|failed| is_unseen(failed.window.to)).take(MOST_FAILURES) {
        let at = failed.window.to;
        let window = Window { from: at - TimeDelta::seconds(90), to: at + TimeDelta::seconds(30) };
        wanted.add(Filter::Writes, window, NARROW);
    }
}

/// The AssumeRole calls behind those who started the operations: a session tells when it was made, to the second.
fn chains(scene: &Scene<'_>, wanted: &mut Wanted) {
    let starters = scene.operations().filter_map(|(index, _)| scene.actors.get(index)?.call);
    for start in starters {
        let mut identity = identity_of(scene, start);
        for _ in 0..LONGEST_CHAIN {
            let Some((session, since)) = identity.and_then(|known| Some((known, known.session_since?))) else { break };
            if &*session.kind != "AssumedRole" || session.is_cloudformation() {
                break;
            }
            let issued = issuer(scene, session);
            if issued.is_none() {
                let window = Window { from: since - TimeDelta::seconds(2), to: since + TimeDelta::seconds(2) };
                let filter = Filter::EventSource("sts.amazonaws.com".to_owned());
                wanted.add(filter.clone(), window, 1);
                // A client of the global endpoint is recorded elsewhere.
                let here = wanted.questions.last().cloned();
                if here.is_some_and(|question| scene.answer(&question).is_some()) {
                    wanted.add_in(global_region(&wanted.region).to_owned(), filter, window, 1);
                }
            }
            identity = issued;
        }
    }
}

fn identity_of<'s>(scene: &'s Scene<'_>, event: usize) -> Option<&'s Identity> {
    Some(&*call_of(scene.timeline.events.get(event)?)?.identity)
}

fn call_of(event: &Event) -> Option<&Call> {
    event.call.as_deref()
}

/// Who called AssumeRole for this session.
fn issuer<'s>(scene: &'s Scene<'_>, session: &Identity) -> Option<&'s Identity> {
    let key = session.access_key.as_ref()?;
    let mut calls = scene.timeline.events.iter().filter_map(call_of);
    calls.find(|call| call.issued_key.as_ref() == Some(key)).map(|call| &*call.identity)
}

/// A change set may have been made long before it was executed.
fn change_sets(scene: &Scene<'_>, wanted: &mut Wanted) {
    for (index, operation) in scene.operations() {
        let call = scene.actors.get(index).and_then(|actor| scene.timeline.events.get(actor.call?));
        let Some(executed) = call.filter(|event| &*event.action == "ExecuteChangeSet") else { continue };
        let Some(name) = call_of(executed).and_then(|call| call.change_set.clone()) else { continue };
        let made = scene.timeline.events.iter().any(|event| {
            &*event.action == "CreateChangeSet" && call_of(event).is_some_and(|call| names(call, event, &name))
        });
        if !made && name.starts_with("arn:") {
            let window = Window { from: operation.started_at - EVENT_HISTORY, to: operation.started_at };
            wanted.add(Filter::ResourceName(name.to_string()), window, 1);
        }
    }
}

/// True where the call is about the change set of this name or ARN.
fn names(call: &Call, event: &Event, change_set: &str) -> bool {
    let short = change_set.split(":changeSet/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or(change_set);
    [call.change_set.as_deref(), event.physical_id.as_deref(), event.logical_id.as_deref()]
        .into_iter()
        .flatten()
        .any(|name| name == change_set || name == short)
}

/// The refused calls behind a failure that a sweep of writes does not show: reads, calls to global services, and the
/// one whose request id the reason quotes.
fn refusals(scene: &Scene<'_>, failed: &Failed<'_>, wanted: &mut Wanted) {
    let text = failed.event.text();
    let around =
        Window { from: failed.window.from - TimeDelta::seconds(30), to: failed.window.to + TimeDelta::seconds(60) };
    let resource_type = failed.event.resource_type.as_deref().unwrap_or_default();
    let region = if is_global(resource_type, text) { global_region(&wanted.region) } else { &wanted.region }.to_owned();
    if region != wanted.region {
        wanted.add_in(region.clone(), Filter::Writes, around, NARROW);
    }
    if refusal_seen(scene, failed, around) {
        return;
    }
    if let Some(request) = quoted_request(text) {
        let mut calls = scene.timeline.events.iter().filter_map(call_of);
        if !calls.any(|call| call.request_id.as_deref() == Some(request))
            && let Some(service) = event_source(resource_type)
        {
            let at = failed.window.to;
            let window = Window { from: at - TimeDelta::minutes(2), to: at + TimeDelta::minutes(1) };
            wanted.add_in(region, Filter::EventSource(service), window, NARROW);
        }
    }
    if let Some(name) = refused_name(scene, failed).filter(|_| is_refusal_or_vague(text)) {
        wanted.add(Filter::Username(name), around, NARROW);
    }
    if let Some(function) = function_behind(scene, failed.event) {
        // The session of a function's role is named after the function.
        wanted.add(Filter::Username(function), around, 1);
    }
    for task in stopped_tasks(scene, failed) {
        wanted.add(Filter::Username(task), around, 1);
    }
}

/// A refused call that is tied to the failed resource, or was made on its behalf just then.
fn refusal_seen(scene: &Scene<'_>, failed: &Failed<'_>, around: Window) -> bool {
    scene.timeline.events.iter().any(|event| {
        call_of(event).is_some()
            && event.error.as_deref().is_some_and(denial)
            && (around.from..=around.to).contains(&event.at)
            && event.logical_id.is_some()
            && event.logical_id == failed.event.logical_id
    })
}

/// The session or user that was refused: the reason names it, else it is the one in whose name CloudFormation calls.
fn refused_name(scene: &Scene<'_>, failed: &Failed<'_>) -> Option<String> {
    let text = failed.event.text();
    let told = text.split_once(":assumed-role/").and_then(|(_, rest)| rest.split_once('/')).map(|(_, rest)| rest);
    let told = told.or_else(|| text.split_once(":user/").map(|(_, rest)| rest));
    // A user may have a path before the name.
    let word = |text: &str| {
        let end = text.find(|c: char| c.is_whitespace() || "\"',)".contains(c)).unwrap_or(text.len());
        text.get(..end)?.rsplit('/').next().filter(|word| !word.is_empty()).map(str::to_owned)
    };
    if let Some(name) = told.and_then(word) {
        return Some(name);
    }
    // A nested stack's operation was started by its parent's.
    let mut operation = failed.operation;
    while let Some(parent) = operation.parent.and_then(|parent| scene.history.operations.get(parent)) {
        operation = parent;
    }
    let (index, _) = scene.operations().find(|(_, candidate)| candidate.id == operation.id)?;
    let start = call_of(scene.timeline.events.get(scene.actors.get(index)?.call?)?)?;
    if start.role_arn.is_some() {
        return Some("AWSCloudFormation".to_owned());
    }
    start.identity.name().map(str::to_owned)
}

/// True where a refusal is told, or where so little is told that one may be behind it.
fn is_refusal_or_vague(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = [
        "denied",
        "not authorized",
        "unauthorized",
        "forbidden",
        "stabiliz",
        "internal failure",
        "internalfailure",
        "exceeded attempts",
        "timed out",
        "generalserviceexception",
    ];
    text.is_empty() || words.iter().any(|word| text.contains(word))
}

/// The tasks of a failed ECS service that stopped: each task's id is the name of its role's session.
fn stopped_tasks(scene: &Scene<'_>, failed: &Failed<'_>) -> Vec<String> {
    if failed.event.resource_type.as_deref() != Some("AWS::ECS::Service") {
        return Vec::new();
    }
    let tasks = scene.timeline.events.iter().rev().filter(|event| event.source == "ecs_tasks");
    let ids = tasks
        .filter(|event| event.outcome == crate::model::Outcome::Failed)
        .filter_map(|event| event.physical_id.as_deref()?.rsplit('/').next().map(str::to_owned));
    ids.take(1).collect()
}

/// Somebody else's writes to the resource before an update or a delete of it failed.
fn out_of_band(failed: &Failed<'_>, wanted: &mut Wanted) {
    if !matches!(failed.operation.kind, Kind::Update | Kind::Delete | Kind::Rollback) {
        return;
    }
    let Some(id) = failed.event.physical_id.as_deref().filter(|id| !id.is_empty()) else { return };
    let to = failed.operation.started_at;
    let is_global = is_global(failed.event.resource_type.as_deref().unwrap_or_default(), "");
    let region = if is_global { global_region(&wanted.region) } else { &wanted.region }.to_owned();
    wanted.add_in(region, Filter::ResourceName(id.to_owned()), Window { from: to - OUT_OF_BAND, to }, 1);
}

/// Where the global services of the region's partition are recorded.
fn global_region(region: &str) -> &'static str {
    if region.starts_with("us-gov-") {
        "us-gov-west-1"
    } else if region.starts_with("cn-") {
        "cn-north-1"
    } else {
        "us-east-1"
    }
}

/// IAM, CloudFront, Route 53 and others have one endpoint for all regions, and refusals name their actions. Who lacks
/// `iam:PassRole` was refused by the service that the role was for.
fn is_global(resource_type: &str, text: &str) -> bool {
    const TYPES: &[&str] = &["AWS::IAM::", "AWS::CloudFront::", "AWS::Route53::", "AWS::Organizations::"];
    TYPES.iter().any(|prefix| resource_type.starts_with(prefix))
        || (text.contains("perform: iam:") && !text.contains("iam:PassRole"))
        || text.contains("(Service: Iam")
        || text.contains("(Service: AmazonIdentityManagement")
}

/// `AWS::EC2::Instance` is served by `ec2.amazonaws.com`. None for custom resources.
fn event_source(resource_type: &str) -> Option<String> {
    let mut parts = resource_type.split("::");
    let namespace = parts.next().filter(|vendor| *vendor == "AWS").and_then(|_| parts.next())?;
    let service = match namespace {
        "ElasticLoadBalancingV2" => "elasticloadbalancing".to_owned(),
        "ApiGatewayV2" => "apigateway".to_owned(),
        "StepFunctions" => "states".to_owned(),
        "CertificateManager" => "acm".to_owned(),
        "Cognito" => "cognito-idp".to_owned(),
        "OpenSearchService" | "Elasticsearch" => "es".to_owned(),
        "CloudWatch" => "monitoring".to_owned(),
        "EFS" => "elasticfilesystem".to_owned(),
        "MSK" => "kafka".to_owned(),
        "EMR" => "elasticmapreduce".to_owned(),
        "KinesisFirehose" => "firehose".to_owned(),
        "DocDB" | "Neptune" => "rds".to_owned(),
        "AmazonMQ" => "mq".to_owned(),
        "ApplicationAutoScaling" => "autoscaling".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    Some(format!("{service}.amazonaws.com"))
}

/// What CloudTrail cannot tell yet, or no more.
pub(super) fn gaps(scene: &Scene<'_>) -> Vec<Gap> {
    let mut gaps = Vec::new();
    let Some(last) = scene.windows().last().copied() else { return gaps };
    let now = scene.now();
    if scene.windows().first().is_some_and(|first| first.from < now - EVENT_HISTORY) {
        let why = "Event history keeps 90 days, and the deployment is older";
        gaps.push(Gap::new("cloudtrail", why).remedy("read the trail's log files in S3"));
    }
    if !scene.asked.all.keys().any(|question| matches!(question.ask, Ask::Calls { .. })) {
        return gaps;
    }
    let latest = scene.asked.all.keys().filter_map(|question| match &question.ask {
        Ask::Calls { window, .. } => Some(window.to),
        _ => None,
    });
    let latest = latest.max().unwrap_or(last.to).max(last.to);
    if latest > now - LAG {
        let late = Window { from: last.from.max(now - LAG).min(latest), to: latest };
        let why = "calls of the last 15 minutes may not be recorded yet";
        gaps.push(Gap::new("cloudtrail", why).at(late.to_string()).remedy("ask again in 15 minutes"));
    }
    if let Some(more) = scene.windows().len().checked_sub(MOST_SWEEPS).filter(|more| *more > 0) {
        let why = format!("the calls of {more} older deployments were not looked up");
        gaps.push(Gap::new("cloudtrail", why).remedy("name one with --operation ID, or narrow it with --since"));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_sources_follow_from_types() {
        for (resource_type, expected) in [
            ("AWS::EC2::Instance", Some("ec2.amazonaws.com")),
            ("AWS::ElasticLoadBalancingV2::Listener", Some("elasticloadbalancing.amazonaws.com")),
            ("Custom::Thing", None),
            ("", None),
        ] {
            assert_eq!(event_source(resource_type).as_deref(), expected, "{resource_type}");
        }
    }

    #[test]
    fn global_services_are_known_by_type_and_by_the_action_refused() {
        assert!(is_global("AWS::IAM::Role", ""));
        assert!(is_global("Custom::Thing", "not authorized to perform: iam:CreateRole on resource"));
        assert!(!is_global("AWS::ECS::Service", "not authorized to perform: iam:PassRole on resource"));
        assert!(!is_global("AWS::EC2::VPC", "x"));
        assert_eq!(global_region("us-gov-east-1"), "us-gov-west-1");
    }
}
