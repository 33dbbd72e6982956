//! What a diagnosis costs beyond reading: all rules on the reference incident, and the loading of the catalogue, which
//! every run of the command pays once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::model::{Capture, Form, Reason, RecordFile};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::{case, diagnose, operation, timeline};
use divan::Bencher;
use std::path::Path;

fn main() {
    divan::main();
}

#[divan::bench]
fn load_the_catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

#[divan::bench]
fn diagnose_the_reference_incident(bencher: Bencher) {
    let capture = case::read(Path::new("fixtures/showboat")).unwrap();
    let timeline = timeline::build(&capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let catalogue = Catalogue::embedded().unwrap();
    let story = history.stories.last().unwrap();
    bencher.bench(|| diagnose::diagnose(&timeline, &history, story, &catalogue));
}

/// A stack of 250 resources: each begins and is complete, but for one that fails and one that is cancelled.
fn five_hundred_events() -> Capture {
    const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";
    let mut text = String::new();
    let mut records = Vec::new();
    let mut row = |index: i64, logical: &str, kind: &str, status: &str, reason: Option<&str>| {
        let at = chrono::DateTime::from_timestamp(1_795_000_000 + index, 0).unwrap().to_rfc3339();
        let physical = if logical == "Shop" { STACK } else { logical };
        let row = serde_json::json!({ "StackId": STACK, "StackName": "Shop", "EventId": index.to_string(), "LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind, "Timestamp": at, "ResourceStatus": status, "ResourceStatusReason": reason }).to_string();
        records.push(text.len()..text.len() + row.len());
        text.push_str(&row);
    };
    row(0, "Shop", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", Some("User Initiated"));
    for resource in 0..250 {
        row(1 + resource, &format!("Queue{resource}"), "AWS::SQS::Queue", "CREATE_IN_PROGRESS", None);
    }
    for resource in 0..248 {
        row(300 + resource, &format!("Queue{resource}"), "AWS::SQS::Queue", "CREATE_COMPLETE", None);
    }
    row(600, "Queue248", "AWS::SQS::Queue", "CREATE_FAILED", Some(REASON));
    row(601, "Queue249", "AWS::SQS::Queue", "CREATE_FAILED", Some("Resource creation cancelled"));
    row(
        602,
        "Shop",
        "AWS::CloudFormation::Stack",
        "ROLLBACK_IN_PROGRESS",
        Some("The following resource(s) failed to create: [Queue248, Queue249]. Rollback requested by user."),
    );
    let file = RecordFile { source: "stack_events", name: "stack_events".into(), form: Form::Json, text, records };
    Capture { files: vec![file], ..Capture::default() }
}

#[divan::bench]
fn diagnose_a_stack_of_500_events(bencher: Bencher) {
    let capture = five_hundred_events();
    let timeline = timeline::build(&capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let catalogue = Catalogue::embedded().unwrap();
    let story = history.stories.last().unwrap();
    bencher.bench(|| diagnose::diagnose(&timeline, &history, story, &catalogue));
}

/// A handler's refusal, about as long as reasons get.
const REASON: &str = "Resource handler returned message: \"User: arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation is not authorized to perform: sqs:TagQueue on resource: arn:aws:sqs:eu-west-1:111122223333:orders because no identity-based policy allows the sqs:TagQueue action (Service: Sqs, Status Code: 403, Request ID: 0a1b2c3d-0000-4000-8000-000000000001) (SDK Attempt Count: 1)\" (RequestToken: 4d5e6f70-0000-4000-8000-000000000002, HandlerErrorCode: AccessDenied)";

#[divan::bench]
fn take_a_reason_apart() -> usize {
    Reason::read(divan::black_box(REASON)).names().len()
}

#[divan::bench]
fn find_the_rules_of_a_reason(bencher: Bencher) {
    let catalogue = Catalogue::embedded().unwrap();
    let reason = Reason::read(REASON);
    bencher.bench(|| catalogue.find(divan::black_box(REASON), &reason).len());
}
