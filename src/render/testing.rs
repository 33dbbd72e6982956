//! For the tests of the renderers: a small story with hostile text in every place, as finished reports.
//! Compiled for tests only, so that nothing of the product may rest on it.
//! Used by the tests beside the renderers; it alone stands outside of the table of imports, since reports are made from
//! the beginning of the pipe on.

use crate::model::{Capture, Form, Gap, RecordFile};
use crate::report::select::{Question, Which, select};
use crate::report::{DiagnosisReport, Evidence, RootCauseReport, StacksFilter, StacksReport, TimelineReport};
use crate::rules::Catalogue;
use crate::{actor, diagnose, operation, timeline};
use serde_json::{Value, json};
use std::io::{self, Write};

/// A stack's name that nobody may trust: logs and trails are not written by CloudFormation alone.
pub(super) const HOSTILE: &str = "Shop\u{1b}[2J|<script>\u{202e}@team ![x](y)";
/// The reason of the root failure.
pub(super) const MESSAGE: &str = "Resource handler returned message: \"deployment failed: tasks failed to start. |\u{9b}31m\n`rm -rf`\r\n日本語 \
    https://evil.example @team #1 <script>alert(1)</script>\" (RequestToken: 6c1f8b8e-0d4c-4f0e-9a3e-5b1d2c3e4f5a)";
/// A physical id that a spreadsheet would run.
pub(super) const FORMULA: &str = "=cmd|' /C calc'!A0";

fn arn(stack: &str) -> String {
    format!("arn:aws:cloudformation:eu-west-1:111122223333:stack/{stack}/0f0f0f0f-0000-11f1-8000-0aaaaaaaaaaa")
}

/// What a renderer writes.
pub(super) fn rendered(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A timeline of everything.
pub(super) fn with_timeline(stack: &str, check: impl FnOnce(&TimelineReport<'_>)) {
    with_evidence(stack, |evidence, _| {
        let question = Question { which: Which::All, ..Question::default() };
        let selection = select(evidence.timeline, evidence.history, &question).unwrap();
        check(&TimelineReport::new(evidence, &selection));
    });
}

/// The diagnosis of the newest story, after `edit`.
pub(super) fn with_diagnosis(
    stack: &str,
    edit: impl FnOnce(&mut diagnose::Diagnosis),
    check: impl FnOnce(&DiagnosisReport<'_>),
) {
    with_evidence(stack, |evidence, _| {
        let selection = select(evidence.timeline, evidence.history, &Question::default()).unwrap();
        let story = selection.story.clone().unwrap();
        let catalogue = Catalogue::embedded().unwrap();
        let mut diagnosis = diagnose::diagnose(evidence.timeline, evidence.history, &story, &catalogue);
        edit(&mut diagnosis);
        check(&DiagnosisReport::new(evidence, &selection, &diagnosis));
    });
}

/// The root-cause report of the newest story; the check may change it first.
pub(super) fn with_report(stack: &str, check: impl FnOnce(&mut RootCauseReport<'_>)) {
    with_report_of(stack, |_| {}, check);
}

/// The same of a diagnosis that `edit` changed.
pub(super) fn with_report_of(
    stack: &str,
    edit: impl FnOnce(&mut diagnose::Diagnosis),
    check: impl FnOnce(&mut RootCauseReport<'_>),
) {
    with_evidence(stack, |evidence, capture| {
        let selection = select(evidence.timeline, evidence.history, &Question::default()).unwrap();
        let story = selection.clone().of_story(evidence.history);
        let catalogue = Catalogue::embedded().unwrap();
        let newest = selection.story.as_ref().unwrap();
        let mut diagnosis = diagnose::diagnose(evidence.timeline, evidence.history, newest, &catalogue);
        edit(&mut diagnosis);
        let fingerprint = Some("0a1b".to_owned());
        check(&mut RootCauseReport::new(evidence, &selection, &story, &diagnosis, capture, fingerprint));
    });
}

/// Adds a theory without words of its own that is refuted.
pub(super) fn refute(diagnosis: &mut diagnose::Diagnosis) {
    let evidence = |event, decibans, says: &str| crate::rules::Evidence::of_event(event, decibans, says);
    diagnosis.refuted.push(diagnose::Hypothesis {
        cause: "changeset.state".to_owned(),
        rule: "change-set-executed".to_owned(),
        root: 0,
        score: -35.0,
        probability: 0.0,
        prior: -10.0,
        evidence: vec![evidence(0, 5.0, "the log says so"), evidence(1, -30.0, "CloudFormation began to work")],
        advice: crate::rules::Advice::default(),
    });
}

/// Leaves no cause that explains the failures.
pub(super) fn forget_causes(diagnosis: &mut diagnose::Diagnosis) {
    diagnosis.unexplained_failures = diagnosis.failing.iter().map(|failing| failing.event).collect();
    diagnosis.explanations.clear();
}

/// Pretends that nothing failed.
pub(super) fn succeed(diagnosis: &mut diagnose::Diagnosis) {
    diagnosis.failed = false;
}

/// The list of stacks.
pub(super) fn with_stacks(stack: &str, check: impl FnOnce(&StacksReport<'_>)) {
    with_evidence(stack, |evidence, _| check(&StacksReport::new(evidence, &StacksFilter::default())));
}

fn with_evidence(stack: &str, check: impl FnOnce(Evidence<'_>, &Capture)) {
    let capture = capture(stack);
    let timeline = timeline::build(&capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let actors = actor::actors(&timeline, &history);
    check(Evidence { timeline: &timeline, history: &history, actors: &actors }, &capture);
}

fn capture(stack: &str) -> Capture {
    Capture {
        manifest: None,
        files: vec![file("cloudtrail", &calls(stack)), file("stack_events", &stack_events(stack))],
        gaps: vec![
            Gap::new("ecs_tasks", "not collected").remedy("aws ecs describe-tasks"),
            Gap::new("log_events", "not collected"),
            Gap::new("rds_events", "refused \u{1b}[31m | AccessDenied: <b>no</b>\nhttps://evil.example")
                .at("12:00 to 13:00")
                .remedy("aws rds describe-events"),
        ],
    }
}

fn file(source: &'static str, records: &[Value]) -> RecordFile {
    let mut file =
        RecordFile { source, name: source.into(), form: Form::Json, text: String::new(), records: Vec::new() };
    for record in records {
        let start = file.text.len();
        file.text.push_str(&record.to_string());
        file.records.push(start..file.text.len());
    }
    file
}

/// Newest first, as AWS lists them.
fn stack_events(stack: &str) -> Vec<Value> {
    let own = "AWS::CloudFormation::Stack";
    let logical = "Api|\u{1b}]0;x\u{7}Service";
    let mut rows = vec![
        row(stack, "12:03:00.100", stack, own, "CREATE_IN_PROGRESS", "User Initiated"),
        row(stack, "12:03:04.000", "Queue", "AWS::SQS::Queue", "CREATE_IN_PROGRESS", ""),
        row(stack, "12:03:05.000", logical, "AWS::ECS::Service", "CREATE_IN_PROGRESS", ""),
        row(stack, "12:19:05.000", logical, "AWS::ECS::Service", "CREATE_FAILED", MESSAGE),
        row(stack, "12:19:05.300", "Queue", "AWS::SQS::Queue", "CREATE_FAILED", "Resource creation cancelled"),
        row(
            stack,
            "12:19:06.000",
            stack,
            own,
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [ApiService, Queue]. Rollback requested by user.",
        ),
        row(stack, "12:20:10.000", stack, own, "ROLLBACK_COMPLETE", ""),
    ];
    rows.reverse();
    rows
}

fn row(stack: &str, at: &str, logical_id: &str, kind: &str, status: &str, reason: &str) -> Value {
    let arn = arn(stack);
    let physical_id = if logical_id == stack { &arn } else { FORMULA };
    json!({
        "StackId": arn,
        "StackName": stack,
        "EventId": format!("{logical_id}-{status}-{at}"),
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": kind,
        "Timestamp": format!("2026-11-18T{at}Z"),
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ClientRequestToken": "token-1",
    })
}

fn calls(stack: &str) -> Vec<Value> {
    vec![json!({
        "eventVersion": "1.11",
        "eventID": "11111111-2222-3333-4444-555555555555",
        "eventTime": "2026-11-18T12:02:59Z",
        "eventSource": "cloudformation.amazonaws.com",
        "eventName": "CreateStack",
        "awsRegion": "eu-west-1",
        "readOnly": false,
        "userAgent": "aws-cli/2",
        "userIdentity": {"type": "IAMUser", "userName": "+deploy\u{202e}er", "accountId": "111122223333"},
        "requestParameters": {"stackName": stack, "clientRequestToken": "token-1"},
        "responseElements": {"stackId": arn(stack)},
    })]
}
