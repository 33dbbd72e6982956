//! What a report costs beyond reading the case: to build it, to take the secrets out of it, and to write it in each format,
//! for a stack of 100 resources and for one of 2,000.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::actor::{self, Actor};
use cfn_forensics::diagnose::{Diagnosis, diagnose};
use cfn_forensics::model::{Capture, RecordFile};
use cfn_forensics::operation::{self, History};
use cfn_forensics::redact::{Options, Redactor};
use cfn_forensics::render::{self, ReportFormat, ReportStyle};
use cfn_forensics::report::select::{Question, Selection, select};
use cfn_forensics::report::{Evidence, RootCauseReport};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::timeline::{self, Timeline};
use divan::Bencher;
use serde::Deserialize as _;
use serde_json::{Value, json};

fn main() {
    divan::main();
}

const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";
const REASON: &str = "Resource handler returned message: \"User: arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation is not authorized to perform: sqs:TagQueue on resource: arn:aws:sqs:eu-west-1:111122223333:orders because no identity-based policy allows the sqs:TagQueue action (Service: Sqs, Status Code: 403, Request ID: 0a1b2c3d-0000-4000-8000-000000000001)\" (RequestToken: 4d5e6f70-0000-4000-8000-000000000002, HandlerErrorCode: AccessDenied)";

fn at(second: usize) -> String {
    let second = i64::try_from(second).unwrap();
    chrono::DateTime::from_timestamp(1_795_000_000 + second, 0).unwrap().to_rfc3339()
}

/// A creation in which the last resource but one fails, its rollback, and a call for each resource and deed: five
/// events a resource.
fn capture(resources: usize) -> Capture {
    let mut rows: Vec<Value> = Vec::new();
    let mut row = |second: usize, logical: &str, status: &str, reason: &str| {
        let (physical, kind) =
            if logical == "Shop" { (STACK, "AWS::CloudFormation::Stack") } else { (logical, "AWS::SQS::Queue") };
        rows.push(json!({
            "StackId": STACK, "StackName": "Shop", "EventId": format!("{logical}-{second}"), "LogicalResourceId": logical,
            "PhysicalResourceId": physical, "ResourceType": kind, "Timestamp": at(second), "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }));
    };
    row(0, "Shop", "CREATE_IN_PROGRESS", "User Initiated");
    for index in 0..resources {
        let name = format!("Queue{index}");
        row(1 + index, &name, "CREATE_IN_PROGRESS", "");
        let (status, reason) = if index + 2 == resources { ("CREATE_FAILED", REASON) } else { ("CREATE_COMPLETE", "") };
        row(3 + index, &name, status, reason);
    }
    row(resources + 5, "Shop", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Queue]. ");
    for index in 0..resources {
        let name = format!("Queue{index}");
        row(resources + 6 + index, &name, "DELETE_IN_PROGRESS", "");
        row(resources + 8 + index, &name, "DELETE_COMPLETE", "");
    }
    row(2 * resources + 20, "Shop", "ROLLBACK_COMPLETE", "");
    rows.sort_by_key(|row| std::cmp::Reverse(row["Timestamp"].as_str().unwrap().to_owned()));
    let mut events = RecordFile::list("stack_events", None, "StackEvents");
    rows.iter().for_each(|row| events.push(&row.to_string()));
    let mut calls = RecordFile::list("cloudtrail", None, "Records");
    for index in 0..resources {
        let call = json!({
            "eventVersion": "1.11", "eventID": format!("{index:08x}-0000-4000-8000-000000000000"), "eventTime": at(2 + index),
            "eventSource": "sqs.amazonaws.com", "eventName": "CreateQueue", "awsRegion": "eu-west-1", "readOnly": false,
            "sourceIPAddress": "cloudformation.amazonaws.com", "userAgent": "cloudformation.amazonaws.com",
            "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "invokedBy": "cloudformation.amazonaws.com",
                "arn": "arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation"},
            "requestParameters": {"queueName": format!("Queue{index}")},
        });
        calls.push(&call.to_string());
    }
    Capture { files: vec![calls, events], ..Capture::default() }
}

struct Told {
    capture: Capture,
    timeline: Timeline,
    history: History,
    actors: Vec<Actor>,
    selection: Selection,
    diagnosis: Diagnosis,
}

impl Told {
    fn of(resources: usize) -> Self {
        let capture = capture(resources);
        let timeline = timeline::build(&capture, timeline::Options::default());
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        let selection = select(&timeline, &history, &Question::default()).unwrap();
        let story = selection.story.as_ref().unwrap();
        let diagnosis = diagnose(&timeline, &history, story, &Catalogue::embedded().unwrap());
        Self { capture, timeline, history, actors, selection, diagnosis }
    }

    fn report(&self) -> RootCauseReport<'_> {
        let evidence = Evidence { timeline: &self.timeline, history: &self.history, actors: &self.actors };
        RootCauseReport::new(evidence, &self.selection, &self.selection, &self.diagnosis, &self.capture, None)
    }
}

#[divan::bench(args = [100, 2_000])]
fn build(bencher: Bencher, resources: usize) {
    let told = Told::of(resources);
    bencher.bench(|| told.report().timeline.len());
}

#[divan::bench(args = [100, 2_000])]
fn take_secrets_out(bencher: Bencher, resources: usize) {
    let told = Told::of(resources);
    let report = told.report();
    bencher.bench(|| {
        let mut shown = serde_json::to_value(&report).unwrap();
        let mut redactor = Redactor::new(Options::default());
        redactor.learn_for_report(&told.capture);
        redactor.value(&mut shown);
        RootCauseReport::deserialize(&shown).unwrap().timeline.len()
    });
}

fn write(bencher: Bencher, resources: usize, format: ReportFormat) {
    let told = Told::of(resources);
    let report = told.report();
    bencher.bench(|| render::report(&report, format, ReportStyle::default(), &mut std::io::sink()).unwrap());
}

#[divan::bench(args = [100, 2_000])]
fn write_markdown(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Markdown);
}

#[divan::bench(args = [100, 2_000])]
fn write_html(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Html);
}

#[divan::bench(args = [100, 2_000])]
fn write_json(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Json);
}

#[divan::bench(args = [100, 2_000])]
fn write_sarif(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Sarif);
}

#[divan::bench(args = [100, 2_000])]
fn write_junit(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Junit);
}

#[divan::bench(args = [100, 2_000])]
fn write_trace(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Trace);
}

#[divan::bench(args = [100, 2_000])]
fn write_otlp(bencher: Bencher, resources: usize) {
    write(bencher, resources, ReportFormat::Otlp);
}
