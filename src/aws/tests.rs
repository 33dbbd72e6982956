//! Live collection against the fake AWS, with paused time: what is learned, what it costs, and every way it can go wrong.
//! Nothing here waits or opens a socket. The same runs over real connections in `tests/live.rs`.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::testing::Network;
use super::testing::wire::world::TrailEvent;
use super::testing::wire::{Fault, Faults, World};
use super::*;
use crate::model::{Gap, Time};
use crate::model::{RecordFile, Text};
use crate::operation::{self, History};
use crate::plan::{Deployments, Incarnations};
use crate::plan::{Questions, Sources};
use crate::{case, timeline};
use chrono::TimeDelta;
use std::collections::BTreeSet;
use std::future::pending;
use std::path::Path;
use tokio::time::{Instant, sleep};

const SHOWBOAT: &str = "CourtCaseManagementStack";
/// Of the fixture `ecs-circuit-breaker`, in eu-central-1.
const SHOP: &str = "ShopApiStack";

fn world(fixture: &str) -> World {
    World::from_case(&Path::new("fixtures").join(fixture))
}

/// Shortly after the end of every fixture.
fn now() -> Time {
    time::parse("2026-11-18T14:00:00Z").unwrap().at
}

fn scope(stack: &str) -> Scope {
    Scope {
        stack: stack.to_owned(),
        regions: if stack == SHOP { vec!["eu-central-1".to_owned()] } else { Vec::new() },
        incarnations: Incarnations::Recent,
        deployments: Deployments::Latest,
        since: None,
        until: None,
        sources: Sources::default(),
        log_groups: Vec::new(),
        now: now(),
    }
}

const LIMITS: Limits = Limits { calls: 500, time: Duration::from_secs(600) };

async fn run(network: &Network, scope: Scope, limits: Limits) -> Result<Capture, CollectError> {
    let clients = network.clients().await;
    collect_with(&clients, scope, limits, &|_| {}, pending()).await
}

async fn learn(network: &Network, stack: &str) -> Capture {
    let mut capture = run(network, scope(stack), LIMITS).await.unwrap();
    case::complete(&mut capture);
    capture
}

fn records(capture: &Capture, source: &str) -> BTreeSet<String> {
    let files = capture.files.iter().filter(|file| file.source == source);
    files.flat_map(RecordFile::iter).map(|(_, record)| record.to_owned()).collect()
}

/// The records that only one of the two has, by source and beginning.
fn differences(a: &Capture, b: &Capture) -> Vec<String> {
    let all = |capture: &Capture| -> BTreeSet<String> {
        let records = capture.files.iter().flat_map(|file| file.iter().map(move |(_, record)| (file.source, record)));
        records.map(|(source, record)| format!("{source} {record}")).collect()
    };
    all(a).symmetric_difference(&all(b)).map(|record| record.chars().take(300).collect()).collect()
}

fn history(capture: &Capture) -> (timeline::Timeline, History) {
    let timeline = timeline::build(capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    (timeline, history)
}

/// What is told of a stack that matters: each operation on it or its nested stacks, with its root failure.
fn story(capture: &Capture, stack: &str) -> Vec<(String, String, Option<Text>)> {
    let (timeline, history) = history(capture);
    let of_stack = |operation: &&operation::Operation| {
        let mut incarnation = &history.incarnations[operation.incarnation];
        while let Some(parent) = incarnation.parent {
            incarnation = &history.incarnations[parent];
        }
        *incarnation.name == *stack
    };
    let tell = |operation: &operation::Operation| {
        let root = operation.root().and_then(|root| timeline.events[root].logical_id.clone());
        let what = format!("{:?} {:?}", operation.kind, operation.ending);
        (time::text(operation.started_at), what, root)
    };
    history.operations.iter().filter(of_stack).map(tell).collect()
}

fn whys<'c>(capture: &'c Capture, source: &str) -> Vec<&'c str> {
    capture.gaps.iter().filter(|gap| &*gap.source == source).map(|gap| &*gap.why).collect()
}

#[tokio::test(start_paused = true)]
async fn a_name_is_all_it_takes_to_learn_what_the_case_holds() {
    for fixture in [
        "showboat",
        "cdk-clean-up-recreate",
        "update-rollback-failed",
        "nested-three-deep",
        "onfailure-delete",
        "ecs-circuit-breaker",
        "waitcondition-asg",
        "early-validation",
        "iam-refusal-us-east-1",
        "update-in-progress",
        "delete-cut-short",
        "hook-refused",
        "change-set-failed",
        "cdk-diff-probe",
    ] {
        let held = case::read(&Path::new("fixtures").join(fixture)).unwrap();
        let (_, known) = history(&held);
        // Of several stacks the one that failed.
        let story_of = known.stories.iter().rev().find(|story| story.failed).or(known.stories.last()).unwrap();
        let stack = story_of.name.to_string();
        let incarnation = known.operations[story_of.operations[0]].incarnation;
        let region = known.incarnations[incarnation].stack_id.as_deref().unwrap().split(':').nth(3).unwrap().to_owned();
        let network = Network::new(world(fixture), Faults::none());
        let mut capture = run(&network, Scope { regions: vec![region], ..scope(&stack) }, LIMITS)
            .await
            .unwrap_or_else(|error| panic!("{fixture}: {error}"));
        case::complete(&mut capture);
        assert_eq!(story(&capture, &stack), story(&held, &stack), "{fixture}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_arn_finds_its_own_incarnation_only() {
    let network = Network::new(world("showboat"), Faults::none());
    let older = "arn:aws:cloudformation:us-east-1:111122223333:stack/CourtCaseManagementStack/f0d73b60-e342-11f1-b784-0a9caeb868cb";
    let capture = learn(&network, older).await;
    let rows = records(&capture, "stack_events");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains(older)));
}

#[tokio::test(start_paused = true)]
async fn the_chain_of_roles_is_followed_though_assuming_a_role_only_reads() {
    let network = Network::new(world("showboat"), Faults::none());
    let capture = learn(&network, SHOWBOAT).await;
    assert!(records(&capture, "cloudtrail").iter().any(|call| call.contains("\"EventName\":\"AssumeRole\"")));
}

#[tokio::test(start_paused = true)]
async fn the_reference_incident_takes_few_calls_and_none_twice() {
    let network = Network::new(world("showboat"), Faults::none());
    let capture = learn(&network, SHOWBOAT).await;
    let calls = network.calls();
    let lookups = calls.iter().filter(|call| call.operation == "LookupEvents").count();
    assert!(calls.len() <= 60 && lookups <= 12, "{} calls, {lookups} of LookupEvents", calls.len());
    let mut twice: Vec<String> = calls.iter().map(|call| format!("{call:?}")).collect();
    twice.sort();
    let twice: Vec<&String> = twice.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    let counted: u64 = capture.manifest.unwrap().calls.values().sum();
    assert_eq!(counted, calls.len() as u64);
}

#[tokio::test(start_paused = true)]
async fn half_a_minute_of_throttling_costs_time_but_no_evidence() {
    let calm = learn(&Network::new(world("ecs-circuit-breaker"), Faults::none()), SHOP).await;
    let began = Instant::now();
    let throttled = Faults::none().rule(move |request, _| {
        (began.elapsed() < Duration::from_secs(30)).then(|| Fault::throttling(&request.service))
    });
    let capture = learn(&Network::new(world("ecs-circuit-breaker"), throttled), SHOP).await;
    assert!(began.elapsed() >= Duration::from_secs(30));
    assert_eq!(differences(&capture, &calm), [""; 0]);
    assert!(!capture.manifest.unwrap().partial);
}

#[tokio::test(start_paused = true)]
async fn server_errors_and_resets_in_the_middle_of_pages_cost_no_evidence() {
    let calm = learn(&Network::new(world("showboat"), Faults::none()), SHOWBOAT).await;
    let internal = || Fault::error(500, "InternalFailure", "We encountered an internal error.");
    for (calls, fault) in [
        (1..3, internal()),
        (1..3, Fault::Reset),
        (0..2, Fault::Truncated),
        (0..1, Fault::Garbage),
        (0..1, Fault::Hang),
    ] {
        let said = format!("{fault:?}");
        let faults = Faults::none().on("*", "*", calls, fault);
        let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
        assert_eq!(differences(&capture, &calm), [""; 0], "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let calm = learn(&Network::new(world("showboat"), Faults::none()), SHOWBOAT).await;
    let lists = ["ListStacks", "DescribeStackEvents", "DescribeEvents", "ListStackResources"];
    // A look-up stops at its number of pages, empty or not.
    let faults = Faults::none()
        .on("cloudtrail", "LookupEvents", 0..1, Fault::EmptyPage)
        .rule(move |request, _| lists.contains(&request.operation.as_str()).then_some(Fault::EmptyPage));
    let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
    assert_eq!(differences(&capture, &calm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_comes_again_ends_the_list_and_is_said() {
    let faults = Faults::none().on("cloudformation", "DescribeStackEvents", 1.., Fault::RepeatToken);
    let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
    assert!(!records(&capture, "stack_events").is_empty());
    let whys = whys(&capture, "stack_events");
    assert!(whys.iter().any(|why| why.contains("page token a second time")), "{whys:?}");
}

#[tokio::test(start_paused = true)]
async fn each_missing_permission_is_a_gap_that_names_it_and_the_rest_goes_on() {
    let calm = learn(&Network::new(world("ecs-circuit-breaker"), Faults::none()), SHOP).await;
    let asked: BTreeSet<String> = calm.manifest.unwrap().calls.into_keys().collect();
    for action in asked {
        let api = APIS.iter().find(|api| api.action() == action).unwrap();
        let denied = Fault::access_denied(api.service, api.operation);
        let faults = Faults::none().on(api.service, api.operation, .., denied);
        let network = Network::new(world("ecs-circuit-breaker"), faults);
        let capture = run(&network, scope(SHOP), LIMITS).await;
        let Ok(capture) = capture else {
            assert!(
                ["cloudformation:DescribeStacks", "cloudformation:ListStacks"].contains(&action.as_str()),
                "{action}"
            );
            continue;
        };
        if api.service == "sts" {
            assert_eq!(capture.manifest.unwrap().caller, None);
            continue;
        }
        let named = |gap: &&Gap| {
            gap.why.contains(&action)
                && gap
                    .remedy
                    .as_deref()
                    .is_some_and(|remedy| remedy.contains(&action) && remedy.contains("cfn-forensics policy"))
        };
        assert!(capture.gaps.iter().any(|gap| named(&gap)), "{action}: {:#?}", capture.gaps);
        assert!(!records(&capture, "stacks").is_empty(), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_in_the_middle_keep_what_is_there() {
    let expired = || Fault::error(403, "ExpiredToken", "The security token included in the request is expired");
    for after in [3, 6, 12] {
        let calls = std::sync::atomic::AtomicUsize::new(0);
        let faults = Faults::none()
            .rule(move |_, _| (calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= after).then(expired));
        let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
        assert!(capture.manifest.as_ref().unwrap().partial, "after {after}");
        assert!(!records(&capture, "stacks").is_empty(), "after {after}");
        let expired =
            |gap: &Gap| gap.why.contains("no longer valid") && gap.remedy.as_deref().unwrap().contains("sign in");
        assert!(capture.gaps.iter().any(expired), "after {after}: {:#?}", capture.gaps);
    }
    let network = Network::new(world("showboat"), Faults::none().on("*", "*", .., expired()));
    let error = run(&network, scope(SHOWBOAT), LIMITS).await.unwrap_err();
    assert!(matches!(error, CollectError::NoCredentials(_)), "{error}");
    // Each of the first questions is asked once; nothing is tried again with what AWS refused.
    assert!(network.calls().len() <= 3, "{:?}", network.calls());
}

#[tokio::test(start_paused = true)]
async fn an_unknown_stack_is_told_with_names_that_are_like_it() {
    let network = Network::new(world("showboat"), Faults::none());
    match run(&network, scope("CourtCaseManagmentStack"), LIMITS).await.unwrap_err() {
        CollectError::UnknownStack { near, .. } => assert_eq!(near, [SHOWBOAT]),
        error => panic!("{error}"),
    }
    match run(&network, scope("nothing-of-the-kind"), LIMITS).await.unwrap_err() {
        CollectError::UnknownStack { near, .. } => assert!(near.is_empty()),
        error => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_another_region_is_told_where_it_is() {
    let network = Network::new(world("showboat"), Faults::none());
    let elsewhere = Scope { regions: vec!["eu-central-1".to_owned()], ..scope(SHOWBOAT) };
    match run(&network, elsewhere, LIMITS).await.unwrap_err() {
        CollectError::OtherRegion { regions, .. } => assert_eq!(regions, ["us-east-1"]),
        error => panic!("{error}"),
    }
    let both = Scope { regions: vec!["eu-central-1".to_owned(), "us-east-1".to_owned()], ..scope(SHOWBOAT) };
    let capture = run(&network, both, LIMITS).await.unwrap();
    assert_eq!(capture.manifest.unwrap().scope.region.as_deref(), Some("us-east-1"));
}

#[tokio::test(start_paused = true)]
async fn an_older_endpoint_without_describe_events_is_a_gap() {
    let unknown = Fault::error(400, "InvalidAction", "Could not find operation DescribeEvents for version 2010-05-15");
    let faults = Faults::none().on("cloudformation", "DescribeEvents", .., unknown);
    let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
    let whys = whys(&capture, "operation_events");
    assert!(whys.iter().any(|why| why.contains("not available at this endpoint")), "{whys:?}");
    assert!(!records(&capture, "stack_events").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_costs_its_source_and_its_time_only() {
    let faults = Faults::none().on("cloudtrail", "*", .., Fault::Hang);
    let began = Instant::now();
    let capture = learn(&Network::new(world("showboat"), faults), SHOWBOAT).await;
    assert!(began.elapsed() <= LIMITS.time);
    assert!(whys(&capture, "cloudtrail").iter().any(|why| why.contains("did not answer")));
    assert!(!records(&capture, "rds_events").is_empty());
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_out_and_a_signal_leave_a_partial_capture() {
    let hanging = || Faults::none().on("cloudtrail", "*", .., Fault::Hang);
    let brief = Limits { time: Duration::from_secs(10), ..LIMITS };
    let capture = run(&Network::new(world("showboat"), hanging()), scope(SHOWBOAT), brief).await.unwrap();
    assert!(capture.manifest.as_ref().unwrap().partial);
    assert!(whys(&capture, "cloudtrail").iter().any(|why| why.contains("--timeout")));
    assert!(!records(&capture, "stack_events").is_empty());

    let network = Network::new(world("showboat"), hanging());
    let clients = network.clients().await;
    let stop = sleep(Duration::from_secs(5));
    let capture = collect_with(&clients, scope(SHOWBOAT), LIMITS, &|_| {}, stop).await.unwrap();
    assert!(capture.manifest.as_ref().unwrap().partial);
    assert!(whys(&capture, "cloudtrail").iter().any(|why| why.contains("interrupted")));
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_calls_is_kept() {
    let network = Network::new(world("showboat"), Faults::none());
    let capture = run(&network, scope(SHOWBOAT), Limits { calls: 8, ..LIMITS }).await.unwrap();
    assert_eq!(network.calls().len(), 8);
    assert!(capture.gaps.iter().any(|gap| gap.remedy.as_deref() == Some("raise --max-calls")));
}

fn only(source: &str) -> Sources {
    Sources { only: vec![source.to_owned()], ..Sources::default() }
}

fn without(source: &str) -> Sources {
    Sources { without: vec![source.to_owned()], ..Sources::default() }
}

#[tokio::test(start_paused = true)]
async fn sources_that_are_left_out_are_not_asked_and_said() {
    let network = Network::new(world("showboat"), Faults::none());
    let scope_without = Scope { sources: without("cloudtrail"), ..scope(SHOWBOAT) };
    let capture = run(&network, scope_without, LIMITS).await.unwrap();
    assert!(network.calls().iter().all(|call| call.service != "cloudtrail"));
    assert!(!capture.files.iter().any(|file| file.source == "cloudtrail"), "an empty file would be an answer");
    let network = Network::new(world("showboat"), Faults::none());
    let scope_only = Scope { sources: only("cloudtrail"), ..scope(SHOWBOAT) };
    let capture = run(&network, scope_only, LIMITS).await.unwrap();
    assert!(!records(&capture, "cloudtrail").is_empty() && !records(&capture, "stack_events").is_empty());
    let network = Network::new(world("showboat"), Faults::none());
    let scope_only = Scope { sources: only("stack_events"), ..scope(SHOWBOAT) };
    run(&network, scope_only, LIMITS).await.unwrap();
    let asked: BTreeSet<String> = network.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(
        asked.into_iter().collect::<Vec<_>>(),
        ["DescribeStackEvents", "DescribeStacks", "GetCallerIdentity", "ListStacks"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_here_hides_nothing() {
    let calm = learn(&Network::new(world("showboat"), Faults::none()), SHOWBOAT).await;
    let slow = Scope { now: time::parse("2026-11-18T03:00:00Z").unwrap().at, ..scope(SHOWBOAT) };
    let capture = run(&Network::new(world("showboat"), Faults::none()), slow, LIMITS).await.unwrap();
    for source in ["stack_events", "rds_events", "ecs_services"] {
        assert_eq!(records(&capture, source), records(&calm, source), "{source}");
    }
    let starters = |capture: &Capture| {
        records(capture, "cloudtrail").into_iter().filter(|call| call.contains("DeleteStack")).count()
    };
    assert_eq!(starters(&capture), starters(&calm));
}

fn asked<'m>(capture: &'m Capture, part: &str) -> Vec<&'m str> {
    let manifest = capture.manifest.as_ref().unwrap();
    manifest.asked.iter().map(|asked| asked.question.as_str()).filter(|question| question.contains(part)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_global_service_is_looked_for_in_its_region() {
    let network = Network::new(world("iam-refusal-us-east-1"), Faults::none());
    let held = case::read(Path::new("fixtures/iam-refusal-us-east-1")).unwrap();
    let (_, known) = history(&held);
    let id = known.incarnations[0].stack_id.clone().unwrap();
    let capture = learn(&network, &id).await;
    assert!(!asked(&capture, "(us-east-1)").is_empty());
    let refused = |call: &String| call.contains("us-east-1") && call.contains("AccessDenied");
    assert!(records(&capture, "cloudtrail").iter().any(refused));
}

#[tokio::test(start_paused = true)]
async fn others_writes_to_a_resource_whose_update_failed_are_looked_for() {
    let network = Network::new(world("update-rollback-failed"), Faults::none());
    let held = case::read(Path::new("fixtures/update-rollback-failed")).unwrap();
    let (_, known) = history(&held);
    let incarnation = known.incarnations.iter().find(|one| one.parent.is_none()).unwrap();
    let capture = learn(&network, incarnation.stack_id.as_deref().unwrap()).await;
    assert!(!asked(&capture, "cloudtrail ResourceName=").is_empty(), "{:#?}", asked(&capture, ""));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_overflows_is_followed_by_narrow_questions() {
    let mut busy = world("showboat");
    // A busy account: thousands of calls between the beginning of the deployment and its end.
    for number in 0..900_i64 {
        let at = time::parse("2026-11-18T12:10:00Z").unwrap().at + TimeDelta::seconds(number);
        let record = serde_json::json!({
            "eventID": format!("busy-{number}"), "eventName": "PutParameter", "eventSource": "ssm.amazonaws.com",
            "eventTime": time::text(at), "awsRegion": "us-east-1", "readOnly": false,
            "userIdentity": {"type": "IAMUser", "userName": "somebody", "arn": "arn:aws:iam::111122223333:user/somebody"},
        });
        busy.trail.push(TrailEvent::new(record).unwrap());
    }
    busy.sort();
    let capture = learn(&Network::new(busy, Faults::none()), SHOWBOAT).await;
    assert!(!asked(&capture, "EventName=ExecuteChangeSet").is_empty(), "{:#?}", asked(&capture, "cloudtrail"));
    let calls = records(&capture, "cloudtrail");
    for name in ["CreateChangeSet", "ExecuteChangeSet", "DeleteStack"] {
        assert!(calls.iter().any(|call| call.contains(&format!("\"EventName\":\"{name}\""))), "{name}");
    }
    assert!(whys(&capture, "cloudtrail").iter().any(|why| why.contains("only the newest 400 calls were read")));
}

#[tokio::test(start_paused = true)]
async fn an_operation_or_an_incarnation_narrows_what_is_asked() {
    let older = "f0d73b60-e342-11f1-b784-0a9caeb868cb";
    let rows_of = async |scope: Scope| {
        let capture = run(&Network::new(world("showboat"), Faults::none()), scope, LIMITS).await.unwrap();
        let rows = records(&capture, "stack_events");
        let of_older = rows.iter().filter(|row| row.contains(older)).count();
        (of_older > 0, rows.len() > of_older, asked(&capture, "cloudtrail ReadOnly").len())
    };
    let number = |number| Scope { incarnations: Incarnations::Number(number), ..scope(SHOWBOAT) };
    assert_eq!(rows_of(number(1)).await, (true, false, 1));
    assert_eq!(rows_of(number(2)).await, (false, true, 1));
    let create = "f3c7cfc0-d8ff-463f-9114-181f7ba9519b".to_owned();
    let one = Scope { incarnations: Incarnations::All, deployments: Deployments::Operation(create), ..scope(SHOWBOAT) };
    assert_eq!(rows_of(one).await, (true, true, 1));
}

#[tokio::test(start_paused = true)]
async fn a_log_group_that_is_named_is_read_whole_and_a_gone_one_is_a_gap() {
    let network = Network::new(world("ecs-circuit-breaker"), Faults::none());
    let group = network.log_group();
    let named = Scope { log_groups: vec![group.clone(), "/gone".to_owned()], ..scope(SHOP) };
    let capture = run(&network, named, LIMITS).await.unwrap();
    let lines = records(&capture, "log_events");
    assert!(lines.iter().any(|line| line.contains(&format!("\"logGroupName\":\"{group}\""))), "{lines:#?}");
    assert!(whys(&capture, "log_events").iter().any(|why| why.contains("DeletionPolicy: Retain")));
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_a_stack_set_leads_to_the_results_of_its_operations() {
    let mut instance = world("showboat");
    let name = "StackSet-guardrails-0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
    for stack in &mut instance.stacks {
        let renamed = |text: &str| text.replace(SHOWBOAT, name);
        stack.id = renamed(&stack.id);
        for value in std::iter::once(&mut stack.record).chain(&mut stack.events) {
            *value = serde_json::from_str(&renamed(&value.to_string())).unwrap();
        }
    }
    let told = learn(&Network::new(world_with_results(&instance), Faults::none()), name).await;
    assert!(records(&told, "stack_set_operations").iter().any(|result| result.contains("no such role")));
    let elsewhere = learn(&Network::new(instance, Faults::none()), name).await;
    let gap = elsewhere.gaps.iter().find(|gap| &*gap.source == "stack_set_operations").unwrap();
    assert!(gap.remedy.as_deref().unwrap().contains("administer the stack set"), "{gap:?}");
}

fn world_with_results(world: &World) -> World {
    let mut other = World::empty("111122223333");
    other.stacks.clone_from(&world.stacks);
    other.stack_set_operations = vec![serde_json::json!({
        "StackSetName": "guardrails", "OperationId": "op-1", "Action": "UPDATE", "Status": "FAILED",
        "CreationTimestamp": "2026-11-18T12:00:00Z", "EndTimestamp": "2026-11-18T12:05:00Z",
        "Results": [{"Account": "111122223333", "Region": "us-east-1", "Status": "FAILED", "StatusReason": "no such role"}],
    })];
    other
}

#[tokio::test(start_paused = true)]
async fn an_account_is_surveyed_with_one_look_at_each_stack() {
    let survey = |failed, deleted, name: Option<&str>| Survey {
        regions: Vec::new(),
        name: name.map(str::to_owned),
        since: time::parse("2026-11-11T00:00:00Z").unwrap().at,
        deleted,
        failed,
        sources: Sources::default(),
        now: now(),
        asked: Questions::default(),
    };
    let network = Network::new(world("showboat"), Faults::none());
    let clients = network.clients().await;
    let capture = survey_with(&clients, survey(true, true, None), false, LIMITS, &|_| {}, pending()).await.unwrap();
    assert_eq!(story(&capture, SHOWBOAT).len(), 5);
    let calls = network.calls().len();
    assert!(calls <= 12, "{calls}");
    let none =
        survey_with(&clients, survey(true, true, Some("nothing")), false, LIMITS, &|_| {}, pending()).await.unwrap();
    assert!(records(&none, "stack_events").is_empty());

    let denied =
        Faults::none().on("cloudformation", "ListStacks", .., Fault::access_denied("cloudformation", "ListStacks"));
    let clients = Network::new(world("showboat"), denied).clients().await;
    let error = survey_with(&clients, survey(true, true, None), false, LIMITS, &|_| {}, pending()).await.unwrap_err();
    assert!(matches!(error, CollectError::NoAnswer { .. }), "{error}");

    // Regions that are not enabled refuse the credentials: a gap each, and the others are told.
    let clients = Network::new(world("showboat"), Faults::none()).clients().await;
    let capture = survey_with(&clients, survey(true, true, None), true, LIMITS, &|_| {}, pending()).await.unwrap();
    assert_eq!(story(&capture, SHOWBOAT).len(), 5);
}

/// Of the fixture `cdk-clean-up-recreate`, in eu-west-1: two incarnations, the newest alive.
fn reporting() -> (World, Time) {
    let world = world("cdk-clean-up-recreate");
    let rows = world.stacks.iter().flat_map(|stack| &stack.events).filter_map(|row| row["Timestamp"].as_str());
    let last = rows.filter_map(time::parse).map(|written| written.at).max().unwrap();
    (world, last)
}

fn scope_of_reporting(now: Time) -> Scope {
    Scope { regions: vec!["eu-west-1".to_owned()], now, ..scope("ReportingStack") }
}

fn call_at(at: Time, name: &str, fields: &serde_json::Value) -> TrailEvent {
    let mut record = serde_json::json!({
        "eventID": format!("{name}-{at}"), "eventName": name, "eventSource": "cloudformation.amazonaws.com",
        "eventTime": time::text(at), "awsRegion": "eu-west-1", "readOnly": false,
        "userIdentity": {"type": "IAMUser", "userName": "bot", "arn": "arn:aws:iam::111122223333:user/bot"},
    });
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    TrailEvent::new(record).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_known_first_does_not_decide_which_stack_is_the_newest() {
    for late in ["DescribeStacks", "ListStacks"] {
        let (world, last) = reporting();
        let slow = Faults::none().on("cloudformation", late, .., Fault::Delay(Duration::from_secs(3)));
        let capture = run(&Network::new(world, slow), scope_of_reporting(last), LIMITS).await.unwrap();
        let (_, known) = history(&capture);
        let newest = known.incarnations.iter().rfind(|one| &*one.name == "ReportingStack").unwrap();
        let of_newest = asked(&capture, "templates");
        assert_eq!(of_newest.len(), 1, "{late}");
        assert!(of_newest[0].contains(newest.stack_id.as_deref().unwrap()), "{late}: {of_newest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_nested_stack_is_read_once_however_slowly_its_parent_comes() {
    for page_size in [100, 4, 2] {
        let mut deep = world("nested-three-deep");
        deep.page_size = page_size;
        let slow = Faults::none()
            .on("cloudformation", "DescribeStackEvents", .., Fault::Delay(Duration::from_millis(150)))
            .on("cloudformation", "DescribeEvents", .., Fault::Delay(Duration::from_millis(250)));
        let scope = Scope { regions: vec!["us-east-2".to_owned()], ..scope("orders-platform") };
        let capture = run(&Network::new(deep, slow), scope, LIMITS).await.unwrap();
        let stacks = asked(&capture, "stack_events ");
        let unique: BTreeSet<&&str> = stacks.iter().collect();
        assert_eq!(unique.len(), stacks.len(), "{page_size}: {stacks:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_deletes_after_the_end_do_not_widen_what_is_asked() {
    let mut lookups = BTreeSet::new();
    for days in [0, 10, 40] {
        let (mut world, last) = reporting();
        for day in 0..days {
            let refused = serde_json::json!({
                "errorCode": "ValidationException", "requestParameters": {"stackName": "ReportingStack"},
                "errorMessage": "Stack [ReportingStack] cannot be deleted while TerminationProtection is enabled",
            });
            world.trail.push(call_at(last + TimeDelta::hours(23) * (day + 1), "DeleteStack", &refused));
        }
        world.sort();
        let scope = scope_of_reporting(last + TimeDelta::days(60));
        let capture = run(&Network::new(world, Faults::none()), scope, LIMITS).await.unwrap();
        lookups.insert(asked(&capture, "cloudtrail ReadOnly").len());
    }
    assert_eq!(lookups.len(), 1, "{lookups:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_set_that_nobody_executes_does_not_keep_the_story_open() {
    let (mut world, last) = reporting();
    let id = world.stacks.iter().find(|stack| stack.is_live()).unwrap().id.clone();
    let made = serde_json::json!({
        "requestParameters": {"stackName": "ReportingStack", "changeSetName": "cdk-diff-change-set"},
        "responseElements": {
            "id": "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/cdk-diff-change-set/0f1e", "stackId": id,
        },
    });
    world.trail.push(call_at(last + TimeDelta::minutes(10), "CreateChangeSet", &made));
    world.sort();
    let scope = scope_of_reporting(last + TimeDelta::days(30));
    let capture = run(&Network::new(world, Faults::none()), scope, LIMITS).await.unwrap();
    let month_later = time::text(last + TimeDelta::days(30));
    let wide: Vec<&str> = asked(&capture, &month_later[..10]);
    assert!(wide.is_empty(), "{wide:#?}");
}

#[tokio::test(start_paused = true)]
async fn since_reaches_further_back_and_never_less_far() {
    let mut paged = world("showboat");
    paged.page_size = 10;
    let plain = run(&Network::new(paged.clone(), Faults::none()), scope(SHOWBOAT), LIMITS).await.unwrap();
    let late = Some(time::parse("2026-11-18T12:37:00Z").unwrap().at);
    let since = Scope { since: late, ..scope(SHOWBOAT) };
    let capture = run(&Network::new(paged, Faults::none()), since, LIMITS).await.unwrap();
    assert_eq!(story(&capture, SHOWBOAT), story(&plain, SHOWBOAT));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_was_not_reached_is_not_said_to_be_empty() {
    for calls in 9..20 {
        let limits = Limits { calls, ..LIMITS };
        let capture = run(&Network::new(world("ecs-circuit-breaker"), Faults::none()), scope(SHOP), limits).await;
        let Ok(capture) = capture else { continue };
        for source in ["ecs_tasks", "log_events"] {
            let empty = capture.files.iter().any(|file| file.source == source && file.records.is_empty());
            assert!(!empty, "{calls}: {source}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_stopped_tasks_of_a_service_that_is_gone_are_found_in_its_cluster() {
    let calm = learn(&Network::new(world("ecs-circuit-breaker"), Faults::none()), SHOP).await;
    let gone = Faults::none().rule(|request, _| {
        let by_service = request.operation == "ListTasks" && request.parameters.get("serviceName").is_some();
        by_service.then(|| Fault::error(400, "ServiceNotFoundException", "Service not found."))
    });
    let capture = learn(&Network::new(world("ecs-circuit-breaker"), gone), SHOP).await;
    assert!(!records(&calm, "ecs_tasks").is_empty());
    assert_eq!(differences(&capture, &calm), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_order_of_answers_does_not_show() {
    let texts = async |late: &'static str| {
        let slow = Faults::none().on("*", late, .., Fault::Delay(Duration::from_secs(2)));
        let mut busy = world("cdk-clean-up-recreate");
        busy.page_size = 7;
        let scope = Scope { regions: vec!["eu-west-1".to_owned()], ..scope("ReportingStack") };
        let capture = run(&Network::new(busy, slow), scope, LIMITS).await.unwrap();
        let files: Vec<(Text, String)> =
            capture.files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        (files.into_iter().collect::<std::collections::BTreeMap<_, _>>(), capture.gaps)
    };
    let calm = texts("Nothing").await;
    for late in ["DescribeStackEvents", "LookupEvents", "DescribeEvents"] {
        assert!(texts(late).await == calm, "{late}");
    }
}

#[test]
fn every_call_of_the_sdk_is_in_the_table_of_operations() {
    let snake = |operation: &str| {
        let mut name = String::new();
        for (at, c) in operation.char_indices() {
            let before = operation[..at].chars().next_back();
            let after = operation[at + c.len_utf8()..].chars().next();
            let begins = c.is_uppercase()
                && at > 0
                && (before.is_some_and(char::is_lowercase) || after.is_some_and(char::is_lowercase));
            if begins {
                name.push('_');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    };
    let mut known: BTreeSet<String> = APIS.iter().map(|api| snake(api.operation)).collect();
    let clients = ["cloudformation", "cloudtrail", "rds", "ecs", "autoscaling", "load_balancing", "logs", "sts"];
    let mut called = BTreeSet::new();
    for file in std::fs::read_dir("src/aws").unwrap() {
        let code: String = std::fs::read_to_string(file.unwrap().path()).unwrap().split_whitespace().collect();
        for client in clients {
            for (at, found) in code.match_indices(&format!("clients.{client}.")) {
                let rest = &code[at + found.len()..];
                called.insert(rest.split('(').next().unwrap().to_owned());
            }
        }
    }
    assert!(called.len() > 20, "{called:?}");
    for call in &called {
        assert!(known.remove(call), "{call} is called and is not in api.rs");
    }
    assert!(known.is_empty(), "{known:?} are in api.rs and never called");
}
