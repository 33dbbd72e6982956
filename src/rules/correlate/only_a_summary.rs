//! A failure of which only the list of names is left: "The following resource(s) failed to create: [NatEIP0, NatEIP1]", or a
//! nested stack's "Embedded stack ... was not successfully created", without the rows behind it. Which resources they are
//! tells a little of what it may have been; the nested stack's own events, which can still be read, tell it all.
//! A guess by the names, and worth no more.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR};
use super::{Context, Failing};
use crate::model::{Event, Reason, Wrapper};
use crate::timeline::is_summary_text;

/// What a name is worth: the guess is right about as often as not.
const NAMED: Decibans = 10.0;
/// The further down the table, the rarer.
const FURTHER_DOWN: Decibans = -3.0;
/// More guesses than these are no help.
const GUESSES: usize = 3;

/// Words in logical ids, what such resources are, the cause that is usual for them, and why. The most telling first.
const KINDS: &[(&[&str], &str, &str, &str)] = &[
    (
        &["WaitCondition", "WaitHandle"],
        "wait conditions",
        "timeout.signal",
        "no signal came in time: the instance's set-up failed or could not reach CloudFormation",
    ),
    (
        &["EIP", "ElasticIP", "NatGateway", "NATGW"],
        "elastic addresses and NAT gateways",
        "quota.exceeded",
        "an account has five addresses and five gateways a zone until it asks for more",
    ),
    (
        &["ConfigRecorder", "ConfigurationRecorder", "Detector", "DeliveryChannel"],
        "things that a Region has one of",
        "quota.exceeded",
        "the account has one already",
    ),
    (&["VPC"], "VPCs", "quota.exceeded", "an account has five VPCs a Region until it asks for more"),
    (
        &["Bucket"],
        "buckets",
        "resource.already-exists",
        "bucket names are shared by all accounts, and retained buckets keep theirs",
    ),
    (&["Certificate"], "certificates", "timeout.validation", "the validation was not made in time"),
    (
        &["DNSRecord", "RecordSet", "HostedZone"],
        "DNS records",
        "resource.not-found",
        "the hosted zone is not there under this name",
    ),
    (
        &["AutoScaling", "ASG", "Fleet", "Instances"],
        "instances and their groups",
        "timeout.signal",
        "the instances did not signal in time, or could not be launched",
    ),
    (&["Service"], "services", "health.deployment", "the tasks did not become healthy"),
    (
        &["Role", "User", "InstanceProfile", "LogGroup", "Table", "Queue", "Topic"],
        "things with names",
        "resource.already-exists",
        "the name is taken, often by what an earlier stack left behind",
    ),
    (
        &["Database", "DBInstance", "DBCluster", "Rds", "Aurora"],
        "databases",
        "validation.property",
        "a value that RDS does not take: engine version, class, password",
    ),
    (&["Policy", "Permission"], "policies", "permission.denied", "the caller may not make them"),
];

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    context.joined().iter().flat_map(|failing| of_failing(context, failing)).collect()
}

fn of_failing(context: &Context<'_>, failing: &Failing) -> Vec<Finding> {
    let Some(event) = context.timeline.events.get(failing.event).filter(|_| context.best_rule(failing).is_none())
    else {
        return Vec::new();
    };
    let reason = Reason::read(event.text());
    let is_summary = matches!(reason.wrapper, Wrapper::NestedStack(_)) || is_summary_text(reason.message);
    let names = if is_summary { failed_names(reason.message) } else { Vec::new() };
    let nested = match reason.wrapper {
        Wrapper::NestedStack(stack) => Some(stack),
        Wrapper::CustomResource | Wrapper::None => None,
    };
    let fitting = KINDS.iter().filter_map(|kind| Some((kind, names.iter().find(|name| has_word(name, kind.0))?)));
    let mut guesses: Vec<Finding> = Vec::new();
    for ((_, what, cause, why), name) in fitting {
        if guesses.len() == GUESSES || guesses.iter().any(|guess| guess.cause == *cause) {
            continue;
        }
        let weight = (0..guesses.len()).fold(NAMED, |weight, _| weight + FURTHER_DOWN);
        guesses.push(Finding {
            rule: "only-names-are-left".to_owned(),
            cause: (*cause).to_owned(),
            root: failing.event,
            prior: PRIOR,
            evidence: vec![Evidence::of_event(failing.event, weight, format!("{name} is among the names that failed"))],
            advice: advice(context, failing, event, nested, &format!("{what}: {why}")),
        });
    }
    guesses
}

/// `[A, B]` in the summary's order, which is not that of failing.
fn failed_names(summary: &str) -> Vec<&str> {
    let list = summary.split_once("failed to ").and_then(|(_, rest)| rest.split_once('[')).map(|(_, rest)| rest);
    let list = list.map(|rest| rest.split(']').next().unwrap_or(rest)).unwrap_or_default();
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// The word as a part of a name in camel case: `EIP` in `NatEIP0`, not in `Recipient`.
fn has_word(name: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        name.match_indices(word).any(|(at, _)| {
            let after = name.get(at + word.len()..).and_then(|rest| rest.chars().next());
            after.is_none_or(|c| !c.is_lowercase() || c == 's')
        })
    })
}

fn advice(context: &Context<'_>, failing: &Failing, event: &Event, nested: Option<&str>, guess: &str) -> Advice {
    let names = context.names(failing, &Reason::default());
    let known = |name: &str, otherwise: &str| names.get(name).cloned().unwrap_or_else(|| otherwise.to_owned());
    let stack = nested.map_or_else(|| known("stack_arn", "STACK_ARN"), str::to_owned);
    let stack = super::super::words::shell_word(&stack).unwrap_or_default().into_owned();
    let what = if event.is_of_stack_itself() { "The operation" } else { "The nested stack" };
    Advice {
        title: format!("{what} failed, and only names are left; a guess by them: {guess}"),
        explanation: "The message lists what failed or was cancelled, not why. The rows of those resources say it; a nested stack's are its own.".to_owned(),
        confirm: vec![format!("aws --region {} cloudformation describe-stack-events --stack-name {stack} --query \"StackEvents[?ends_with(ResourceStatus,'FAILED')].[Timestamp,LogicalResourceId,ResourceStatusReason]\" --output text   # oldest last; a deleted stack is found by its ARN for 90 days", known("region", "REGION"))],
        fixes: vec!["Read the events first: without them nothing should be changed".to_owned()],
        link: Some("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_from_summaries() {
        let names = |text| failed_names(text).join("|");
        assert_eq!(names("The following resource(s) failed to create: [NatEIP0, NatEIP1]. "), "NatEIP0|NatEIP1");
        assert_eq!(names("The following resource(s) failed to delete: [A"), "A");
        assert_eq!(names("Something else [A]"), "");
        assert_eq!(names("failed to create: []"), "");
    }

    #[test]
    fn words_are_parts_of_names() {
        for (name, words, expected) in [
            ("NatEIP0", ["EIP"], true),
            ("EIPs", ["EIP"], true),
            ("LogBucket", ["Bucket"], true),
            ("Buckets", ["Bucket"], true),
            ("Roleplay", ["Role"], false),
        ] {
            assert_eq!(has_word(name, &words), expected, "{name}");
        }
    }
}
