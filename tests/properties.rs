//! What must hold for every capture, whatever is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::model::{Capture, Event, Form, RecordFile, Text};
use cfn_forensics::operation::{History, Role};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::timeline::{Options, Timeline};
use cfn_forensics::{actor, case, diagnose, operation, timeline};
use proptest::prelude::*;
use std::fs;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";

#[derive(Debug, Clone)]
struct Row {
    logical: Option<u8>,
    status: &'static str,
    reason: Option<String>,
    seconds: u32,
}

fn row() -> impl Strategy<Value = Row> {
    let status = prop::sample::select(vec![
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "CREATE_COMPLETE",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "DELETE_COMPLETE",
        "DELETE_SKIPPED",
        "UPDATE_IN_PROGRESS",
        "UPDATE_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "REVIEW_IN_PROGRESS",
        "SOMETHING_NEW",
    ]);
    let reason = prop::option::of(prop_oneof![
        Just("Resource creation cancelled".to_owned()),
        Just("User Initiated".to_owned()),
        Just("The following resource(s) failed to create: [R1]. Rollback requested by user.".to_owned()),
        Just("orders already exists in stack arn:aws:cloudformation:us-east-1:111122223333:stack/x/y".to_owned()),
        ".{0,40}",
    ]);
    (prop::option::of(0u8..6), status, reason, 0u32..100_000).prop_map(|(logical, status, reason, seconds)| Row {
        logical,
        status,
        reason,
        seconds,
    })
}

/// Rows with distinct times, newest first as AWS lists them.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..40).prop_map(|mut rows| {
        rows.sort_by_key(|row| std::cmp::Reverse(row.seconds));
        rows.dedup_by_key(|row| row.seconds);
        rows
    })
}

fn json(row: &Row) -> String {
    let at = chrono::DateTime::from_timestamp(1_795_000_000 + i64::from(row.seconds), 0).unwrap();
    let logical = row.logical.map_or("Shop".to_owned(), |n| format!("R{n}"));
    let physical = row.logical.map_or(STACK.to_owned(), |n| format!("physical-{n}"));
    let kind = if row.logical.is_some() { "AWS::SQS::Queue" } else { "AWS::CloudFormation::Stack" };
    serde_json::json!({
        "StackId": STACK, "StackName": "Shop", "EventId": format!("{}", row.seconds), "LogicalResourceId": logical, "PhysicalResourceId": physical,
        "ResourceType": kind, "Timestamp": at.to_rfc3339(), "ResourceStatus": row.status, "ResourceStatusReason": row.reason,
    })
    .to_string()
}

fn capture(records: &[String]) -> Capture {
    let mut text = String::new();
    let mut spans = Vec::new();
    for record in records {
        spans.push(text.len()..text.len() + record.len());
        text.push_str(record);
    }
    let file =
        RecordFile { source: "stack_events", name: Text::from("stack_events"), form: Form::Json, text, records: spans };
    Capture { files: vec![file], ..Capture::default() }
}

fn understand(capture: &Capture) -> (Timeline, History) {
    let timeline = timeline::build(capture, Options { reads: true });
    let history = operation::cut(&timeline);
    (timeline, history)
}

/// An event without the index of its record, which another order of the file changes.
fn told(event: &Event) -> String {
    format!("{} {} {:?} {:?} {:?}", event.at, event.action, event.status, event.logical_id, event.message)
}

fn operations(timeline: &Timeline, history: &History) -> Vec<String> {
    let of = |operation: &operation::Operation| {
        let failures: Vec<String> = operation
            .failures
            .iter()
            .map(|failure| format!("{:?} {}", failure.role, told(&timeline.events[failure.event])))
            .collect();
        format!(
            "{:?} {:?} {} {:?} {failures:?}",
            operation.kind, operation.ending, operation.started_at, operation.ended_at
        )
    };
    history.operations.iter().map(of).collect()
}

/// What the diagnosis of every story holds for how probable, without the indexes of records.
fn scores(capture: &Capture) -> Vec<String> {
    let (timeline, history) = understand(capture);
    let of_story = |story: &operation::Story| {
        let diagnosis = diagnose::diagnose(&timeline, &history, story, &CATALOGUE);
        let held: Vec<String> = diagnosis
            .hypotheses()
            .map(|held| {
                format!(
                    "{} {:.6} {:.6} {}",
                    held.cause,
                    held.score,
                    held.probability,
                    told(&timeline.events[held.root])
                )
            })
            .collect();
        format!("{held:?} {:.6}", diagnosis.unexplained())
    };
    history.stories.iter().map(of_story).collect()
}

/// A person works on a queue that is none of the stack's, or is refused to work on one of them.
fn call_of_somebody_else(seconds: u32, refused: bool, queue: &str) -> RecordFile {
    let at = chrono::DateTime::from_timestamp(1_795_000_000 + i64::from(seconds), 0).unwrap().to_rfc3339();
    let mut record = serde_json::json!({
        "eventVersion": "1.11", "eventID": format!("bystander-{seconds}"), "eventTime": at, "eventSource": "sqs.amazonaws.com", "eventName": "SetQueueAttributes", "awsRegion": "us-east-1", "readOnly": false,
        "sourceIPAddress": "203.0.113.9", "userAgent": "aws-cli/2.31", "requestParameters": {"queueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/elsewhere", "name": queue},
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ines", "accountId": "111122223333", "userName": "ines"},
    });
    if refused {
        record["errorCode"] = "AccessDenied".into();
        record["errorMessage"] =
            "User: arn:aws:iam::111122223333:user/ines is not authorized to perform: sqs:SetQueueAttributes".into();
    }
    let text = record.to_string();
    let whole = 0..text.len();
    RecordFile {
        source: "cloudtrail",
        name: Text::from("cloudtrail"),
        form: Form::Json,
        records: Vec::from([whole]),
        text,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_records_does_not_matter(rows in rows(), seed in any::<u64>()) {
        let records: Vec<String> = rows.iter().map(json).collect();
        let mut shuffled = records.clone();
        let mut state = seed | 1;
        for i in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(i, (state >> 33) as usize % (i + 1));
        }
        let (timeline, history) = understand(&capture(&records));
        let (other_timeline, other_history) = understand(&capture(&shuffled));
        prop_assert_eq!(timeline.events.iter().map(told).collect::<Vec<_>>(), other_timeline.events.iter().map(told).collect::<Vec<_>>());
        prop_assert_eq!(operations(&timeline, &history), operations(&other_timeline, &other_history));
    }

    #[test]
    fn a_second_copy_changes_nothing(rows in rows()) {
        let records: Vec<String> = rows.iter().map(json).collect();
        let twice: Vec<String> = records.iter().chain(&records).cloned().collect();
        let (timeline, history) = understand(&capture(&records));
        let (other_timeline, other_history) = understand(&capture(&twice));
        prop_assert_eq!(operations(&timeline, &history), operations(&other_timeline, &other_history));
        prop_assert_eq!(timeline.events.len(), other_timeline.events.len());
    }

    #[test]
    fn a_history_is_sound(rows in rows()) {
        let capture = capture(&rows.iter().map(json).collect::<Vec<_>>());
        let (timeline, history) = understand(&capture);
        prop_assert!(timeline.events.is_sorted_by_key(|event| event.at));
        for (index, event) in timeline.events.iter().enumerate() {
            prop_assert!(capture.record(&event.record).is_some(), "{} leads nowhere", event.record);
            let of = history.operation_of[index];
            prop_assert!(of.is_some_and(|of| history.operations[of].events.contains(&index)), "{} has no operation", event.record);
        }
        let mut ids: Vec<_> = history.operations.iter().map(|operation| operation.id.clone()).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), history.operations.len());
        for operation in &history.operations {
            prop_assert!(operation.failures.iter().filter(|failure| failure.role == Role::Root).count() <= 1);
            prop_assert!(operation.ended_at.is_none_or(|ended| ended >= operation.started_at));
        }
        let in_stories: Vec<usize> = history.stories.iter().flat_map(|story| story.operations.iter().copied()).collect();
        prop_assert_eq!(in_stories.len(), history.operations.len());
        prop_assert_eq!(actor::actors(&timeline, &history).len(), history.operations.len());
    }

    #[test]
    fn probabilities_add_up(rows in rows()) {
        let (timeline, history) = understand(&capture(&rows.iter().map(json).collect::<Vec<_>>()));
        for story in &history.stories {
            let diagnosis = diagnose::diagnose(&timeline, &history, story, &CATALOGUE);
            for explanation in &diagnosis.explanations {
                let hypotheses = &explanation.hypotheses;
                let sum: f64 = explanation.unexplained + hypotheses.iter().map(|hypothesis| hypothesis.probability).sum::<f64>();
                prop_assert!((sum - 1.0).abs() < 1e-9, "{sum}");
                prop_assert!(hypotheses.is_sorted_by(|a, b| a.score >= b.score));
            }
            for hypothesis in diagnosis.hypotheses().chain(&diagnosis.refuted) {
                prop_assert!(hypothesis.score.is_finite() && !hypothesis.evidence.is_empty());
            }
        }
    }

    #[test]
    fn the_order_of_records_does_not_change_a_diagnosis(rows in rows()) {
        let records: Vec<String> = rows.iter().map(json).collect();
        let backwards: Vec<String> = records.iter().rev().cloned().collect();
        prop_assert_eq!(scores(&capture(&records)), scores(&capture(&backwards)));
    }

    #[test]
    fn a_call_that_has_nothing_to_do_with_it_changes_no_score(rows in rows(), at in 0u32..100_000, refused in any::<bool>()) {
        let capture = capture(&rows.iter().map(json).collect::<Vec<_>>());
        for queue in if refused { vec!["elsewhere", "physical-3"] } else { vec!["elsewhere"] } {
            let mut more = capture.clone();
            more.files.push(call_of_somebody_else(at, refused, queue));
            prop_assert_eq!(scores(&capture), scores(&more));
        }
    }

    #[test]
    fn no_bytes_break_the_reader(name in prop::sample::select(vec!["stack_events.json", "cloudtrail.json.gz", "deploy_log.txt", "manifest.json", "log_events.json"]), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(name), bytes).unwrap();
        fs::write(dir.path().join("rds_events.json"), r#"{"Events":[]}"#).unwrap();
        if let Ok(capture) = case::read(dir.path()) {
            scores(&capture);
        }
    }

    #[test]
    fn no_log_breaks_the_reader(log in "(\\PC{0,60}\r?\n){0,12}") {
        let text = log.clone();
        let mut spans = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            spans.push(start..start + line.trim_end().len());
            start += line.len();
        }
        let file = RecordFile { source: "deploy_log", name: Text::from("deploy_log"), form: Form::Lines, text, records: spans };
        understand(&Capture { files: vec![file], ..Capture::default() });
    }
}
