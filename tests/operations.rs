//! How rows become operations, stories and failures: small tables, one for each thing that once went wrong or easily could.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::needless_pass_by_value, missing_docs)]

use cfn_forensics::model::{Capture, Event, Form, RecordFile, Text};
use cfn_forensics::operation::{self, History, Role};
use cfn_forensics::report::select::{Question, Which, select};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::timeline::{Options, Timeline};
use cfn_forensics::{diagnose, timeline};
use serde_json::{Value, json};

fn arn(stack: &str) -> String {
    let (name, id) = stack.split_once('/').unwrap_or((stack, "1"));
    format!("arn:aws:cloudformation:us-east-1:111122223333:stack/{name}/{id}")
}

fn at(seconds: f64) -> String {
    let millis = (seconds * 1000.0) as i64;
    chrono::DateTime::from_timestamp_millis(1_795_000_000_000 + millis).unwrap().to_rfc3339()
}

/// A row: seconds, `stack` or `stack:Logical` or `stack:Child=child-stack`, status, reason.
type Row<'a> = (f64, &'a str, &'a str, &'a str);

fn stack_event((seconds, what, status, reason): &Row<'_>) -> Value {
    let (stack, resource) = what.split_once(':').map_or((*what, None), |(stack, resource)| (stack, Some(resource)));
    let name = stack.split('/').next().unwrap();
    let (logical, physical, kind) = match resource {
        None => (name, arn(stack), "AWS::CloudFormation::Stack"),
        Some(resource) => match resource.split_once('=') {
            Some((logical, child)) => (logical, arn(child), "AWS::CloudFormation::Stack"),
            None => (resource, format!("{name}-{resource}-physical"), "AWS::SQS::Queue"),
        },
    };
    let mut row = json!({
        "StackId": arn(stack), "StackName": name, "EventId": format!("{what}{seconds}{status}"), "LogicalResourceId": logical,
        "PhysicalResourceId": physical, "ResourceType": kind, "Timestamp": at(*seconds), "ResourceStatus": status,
    });
    if !reason.is_empty() {
        row["ResourceStatusReason"] = json!(reason);
    }
    row
}

/// A CloudTrail record of a call to CloudFormation: seconds, name, error code and message or nothing, parameters, answer.
fn call(seconds: f64, name: &str, error: &str, parameters: Value, answer: Value) -> Value {
    let mut record = json!({
        "eventName": name, "eventSource": "cloudformation.amazonaws.com", "eventTime": at(seconds.floor()), "eventID": format!("{name}{seconds}"),
        "readOnly": false, "userIdentity": {"type": "IAMUser", "userName": "alice", "arn": "arn:aws:iam::111122223333:user/alice"},
        "requestParameters": parameters, "responseElements": answer,
    });
    if let Some((code, message)) = error.split_once(": ") {
        record["errorCode"] = json!(code);
        record["errorMessage"] = json!(message);
    }
    record
}

fn file(source: &'static str, records: &[Value]) -> RecordFile {
    let mut text = String::new();
    let mut spans = Vec::new();
    for record in records {
        let record = record.as_str().map_or_else(|| record.to_string(), str::to_owned);
        spans.push(text.len()..text.len() + record.len());
        text.push_str(&record);
        text.push('\n');
    }
    let form = if source == "deploy_log" { Form::Lines } else { Form::Json };
    RecordFile { source, name: Text::from(source), form, text, records: spans }
}

fn understand(files: Vec<RecordFile>) -> (Timeline, History) {
    let timeline = timeline::build(&Capture { files, ..Capture::default() }, Options::default());
    let history = operation::cut(&timeline);
    (timeline, history)
}

/// Rows are given oldest first, and listed newest first as AWS does.
fn of_rows(rows: &[Row<'_>]) -> (Timeline, History) {
    let records: Vec<Value> = rows.iter().rev().map(stack_event).collect();
    understand(vec![file("stack_events", &records)])
}

/// `app 1 create failed: R1` for each operation.
fn told(timeline: &Timeline, history: &History) -> Vec<String> {
    let of = |operation: &operation::Operation| {
        let incarnation = &history.incarnations[operation.incarnation];
        let ending = serde_json::to_string(&operation.ending).unwrap();
        let root = operation.root().map(|root| timeline.events[root].logical_id.clone().unwrap_or_default());
        let root = root.map_or(String::new(), |root| format!(": {root}"));
        format!(
            "{} {} {} {}{root}",
            incarnation.name,
            incarnation.number,
            operation.kind.word(),
            ending.trim_matches('"')
        )
    };
    history.operations.iter().map(of).collect()
}

const CANCELLED: &str = "Resource creation cancelled";

#[test]
fn rows_become_operations() {
    let failed = "The following resource(s) failed to create: [Q]. Rollback requested by user.";
    let cases: &[(&str, &[Row<'_>], &[&str])] = &[
        (
            "a create and its rollback",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (1.0, "app:Q", "CREATE_IN_PROGRESS", ""),
                (2.0, "app:Q", "CREATE_FAILED", "Q already exists"),
                (2.0, "app:R", "CREATE_FAILED", CANCELLED),
                (3.0, "app", "ROLLBACK_IN_PROGRESS", failed),
                (4.0, "app", "ROLLBACK_COMPLETE", ""),
            ],
            &["app 1 create failed: Q", "app 1 rollback succeeded"],
        ),
        (
            "all in one second",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (0.0, "app:Q", "CREATE_FAILED", "Q already exists"),
                (0.0, "app:R", "CREATE_FAILED", CANCELLED),
                (0.0, "app", "ROLLBACK_IN_PROGRESS", failed),
                (0.0, "app", "ROLLBACK_COMPLETE", ""),
            ],
            &["app 1 create failed: Q", "app 1 rollback succeeded"],
        ),
        (
            "a delete in the middle",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (1.0, "app:Q", "CREATE_IN_PROGRESS", ""),
                (5.0, "app", "DELETE_IN_PROGRESS", "User Initiated"),
                (6.0, "app:Q", "CREATE_FAILED", CANCELLED),
                (9.0, "app", "DELETE_COMPLETE", ""),
            ],
            &["app 1 create cut_off", "app 1 delete succeeded"],
        ),
        (
            "CloudFormation deletes by itself (OnFailure)",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (2.0, "app:Q", "CREATE_FAILED", "Q already exists"),
                (
                    3.0,
                    "app",
                    "DELETE_IN_PROGRESS",
                    "The following resource(s) failed to create: [Q]. Delete requested by user.",
                ),
                (9.0, "app", "DELETE_COMPLETE", ""),
            ],
            &["app 1 create failed: Q", "app 1 delete succeeded"],
        ),
        (
            "the rollback alone tells why",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (2.0, "app:Q", "CREATE_FAILED", CANCELLED),
                (
                    3.0,
                    "app",
                    "ROLLBACK_IN_PROGRESS",
                    "Stack creation time exceeded the specified timeout. Rollback requested by user.",
                ),
                (4.0, "app", "ROLLBACK_COMPLETE", ""),
            ],
            &["app 1 create failed: app", "app 1 rollback succeeded"],
        ),
        (
            "an update whose clean-up fails has succeeded",
            &[
                (0.0, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
                (2.0, "app:Q", "UPDATE_COMPLETE", ""),
                (3.0, "app", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
                (4.0, "app:Old", "DELETE_FAILED", "Old is in use"),
                (5.0, "app", "UPDATE_COMPLETE", ""),
            ],
            &["app 1 update succeeded"],
        ),
        (
            "an update, its rollback, and the rollback's failure",
            &[
                (0.0, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
                (2.0, "app:Q", "UPDATE_FAILED", "bad value"),
                (3.0, "app", "UPDATE_ROLLBACK_IN_PROGRESS", failed),
                (4.0, "app:R", "UPDATE_FAILED", "R is gone"),
                (5.0, "app", "UPDATE_ROLLBACK_FAILED", ""),
            ],
            &["app 1 update failed: Q", "app 1 rollback failed: R"],
        ),
        (
            "a change set that was executed is no operation of its own",
            &[
                (0.0, "app", "REVIEW_IN_PROGRESS", "User Initiated"),
                (60.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (90.0, "app", "CREATE_COMPLETE", ""),
            ],
            &["app 1 create succeeded"],
        ),
        (
            "re-creation is a new incarnation",
            &[
                (0.0, "app/1", "CREATE_IN_PROGRESS", ""),
                (1.0, "app/1", "CREATE_FAILED", ""),
                (2.0, "app/1", "DELETE_IN_PROGRESS", ""),
                (3.0, "app/1", "DELETE_COMPLETE", ""),
                (9.0, "app/2", "CREATE_IN_PROGRESS", ""),
                (10.0, "app/2", "CREATE_COMPLETE", ""),
            ],
            &["app 1 create failed: app", "app 1 delete succeeded", "app 2 create succeeded"],
        ),
        (
            "the evidence begins with the rollback",
            &[(3.0, "app", "UPDATE_ROLLBACK_IN_PROGRESS", failed), (4.0, "app", "UPDATE_ROLLBACK_COMPLETE", "")],
            &["app 1 rollback succeeded: app"],
        ),
        (
            "a nested stack fails within seconds",
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", ""),
                (1.0, "app:Child=child", "CREATE_IN_PROGRESS", ""),
                (2.0, "child", "CREATE_IN_PROGRESS", ""),
                (3.0, "child:Q", "CREATE_FAILED", "Q already exists"),
                (3.2, "child", "CREATE_FAILED", failed),
                (4.0, "app:Child=child", "CREATE_FAILED", "Embedded stack was not successfully created: "),
                (4.5, "app", "ROLLBACK_IN_PROGRESS", failed),
                (9.0, "app", "ROLLBACK_COMPLETE", ""),
            ],
            &["app 1 create failed: Q", "child 1 create failed: Q", "app 1 rollback succeeded"],
        ),
    ];
    for (what, rows, expected) in cases {
        let (timeline, history) = of_rows(rows);
        assert_eq!(told(&timeline, &history), *expected, "{what}");
    }
}

#[test]
fn stacks_that_contain_each_other_end() {
    let rows: &[Row<'_>] = &[
        (0.0, "a", "CREATE_IN_PROGRESS", ""),
        (1.0, "a:B=b", "CREATE_IN_PROGRESS", ""),
        (2.0, "b", "CREATE_IN_PROGRESS", ""),
        (3.0, "b:A=a", "CREATE_IN_PROGRESS", ""),
    ];
    let (timeline, history) = of_rows(rows);
    let question = Question { which: Which::All, stack: Some("a".to_owned()), ..Question::default() };
    assert!(select(&timeline, &history, &question).is_ok());
}

#[test]
fn describe_events_is_cut_by_its_operation_ids() {
    let row = |seconds: f64, kind: &str, status: &str, id: &str, resource: Option<(&str, &str, &str)>| {
        let mut row = json!({"StackId": arn("app"), "EventId": format!("{seconds}{status}"), "EventType": "STACK_EVENT", "OperationId": id, "OperationType": kind, "Timestamp": at(seconds)});
        match resource {
            None => row["OperationStatus"] = json!(status),
            Some((logical, state, reason)) => {
                row["LogicalResourceId"] = json!(logical);
                row["ResourceType"] = json!("AWS::SQS::Queue");
                row["ResourceStatus"] = json!(state);
                row["ResourceStatusReason"] = json!(reason);
            }
        }
        row
    };
    let mut records = vec![
        row(0.0, "CREATE_STACK", "IN_PROGRESS", "op-1", None),
        row(1.0, "CREATE_STACK", "", "op-1", Some(("Q", "CREATE_FAILED", "Q already exists"))),
        row(2.0, "ROLLBACK", "IN_PROGRESS", "op-2", None),
        row(3.0, "ROLLBACK", "SUCCEEDED", "op-2", None),
        row(4.0, "CREATE_STACK", "FAILED", "op-1", None),
    ];
    records.reverse();
    let (timeline, history) = understand(vec![file("operation_events", &records)]);
    assert_eq!(told(&timeline, &history), ["app 1 create failed: Q", "app 1 rollback succeeded"]);
    let (timeline, history) = understand(vec![file("operation_events", &records[4..])]);
    assert_eq!(told(&timeline, &history), ["app 1 create in_progress"]);
}

#[test]
fn calls_tell_of_stacks_without_rows() {
    let rows: Vec<Value> = [(0.0, "app/1", "CREATE_IN_PROGRESS", ""), (9.0, "app/1", "CREATE_COMPLETE", "")]
        .iter()
        .map(stack_event)
        .collect();
    let calls = [
        call(1000.0, "CreateStack", "", json!({"stackName": "app"}), json!({"stackId": arn("app/2")})),
        call(2000.0, "DeleteStack", "", json!({"stackName": arn("app/2")}), Value::Null),
        call(
            3000.0,
            "UpdateStack",
            "ValidationException: No updates are to be performed.",
            json!({"stackName": "other"}),
            Value::Null,
        ),
    ];
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("cloudtrail", &calls)]);
    assert_eq!(
        told(&timeline, &history),
        ["app 1 create succeeded", "app 2 create unknown", "app 2 delete unknown", "other 1 update failed: "]
    );
}

#[test]
fn calls_by_name_and_by_arn_are_about_one_stack() {
    let calls = [
        call(0.0, "CreateStack", "", json!({"stackName": "app"}), json!({"stackId": arn("app/1")})),
        call(100.0, "DeleteStack", "", json!({"stackName": "app"}), Value::Null),
        call(200.0, "CreateStack", "", json!({"stackName": "app"}), json!({"stackId": arn("app/2")})),
    ];
    let (timeline, history) = understand(vec![file("cloudtrail", &calls)]);
    assert_eq!(told(&timeline, &history), ["app 1 create unknown", "app 1 delete unknown", "app 2 create unknown"]);
}

#[test]
fn a_refused_call_does_not_hide_a_failed_deployment() {
    let rows: Vec<Value> = [
        (0.0, "app", "CREATE_IN_PROGRESS", ""),
        (1.0, "app:Q", "CREATE_FAILED", "Q already exists"),
        (2.0, "app", "ROLLBACK_IN_PROGRESS", "x"),
        (3.0, "app", "ROLLBACK_COMPLETE", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    let refused = call(
        5000.0,
        "UpdateStack",
        "AccessDenied: User: x is not authorized to perform: cloudformation:UpdateStack",
        json!({"stackName": "app"}),
        Value::Null,
    );
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("cloudtrail", &[refused])]);
    let selection = select(&timeline, &history, &Question::default()).unwrap();
    let kinds: Vec<&str> =
        selection.operations.iter().map(|operation| history.operations[*operation].kind.word()).collect();
    assert_eq!(kinds, ["create", "rollback"]);
}

#[test]
fn the_log_of_another_attempt_is_not_taken_for_this_one() {
    let mut rows: Vec<Value> = [
        (0.0, "app", "CREATE_IN_PROGRESS", ""),
        (1.0, "app:Q", "CREATE_FAILED", "Q already exists"),
        (2.0, "app", "ROLLBACK_IN_PROGRESS", "x"),
        (3.0, "app", "ROLLBACK_COMPLETE", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    rows.reverse();
    let line = |seconds: f64, text: &str| json!(format!("{} {text}", at(seconds).replace("+00:00", "Z")));
    let of_this = [line(1.5, "app | 1/2 | 12:00:00 PM | CREATE_FAILED | AWS::SQS::Queue | Q Q already exists")];
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("deploy_log", &of_this)]);
    assert_eq!(timeline.events.len(), 4, "a copy of a stack event is no further event");
    assert_eq!(history.operations.len(), 2);
    let of_another =
        [line(7200.0, "app | 1/2 | 12:00:00 PM | CREATE_FAILED | AWS::SQS::Queue | Q The name is not valid")];
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("deploy_log", &of_another)]);
    assert_eq!(timeline.events.len(), 5);
    assert_eq!(
        told(&timeline, &history),
        ["app 1 create failed: Q", "app 1 rollback succeeded", "app 1 create failed: Q"]
    );
}

#[test]
fn a_name_that_is_used_again_leads_to_the_stack_of_the_time() {
    let rows: Vec<Value> = [
        (0.0, "app/1", "CREATE_IN_PROGRESS", ""),
        (1.0, "app/1:Orders", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        (9.0, "app/1", "CREATE_FAILED", ""),
        (10.0, "app/1", "DELETE_IN_PROGRESS", ""),
        (20.0, "app/1", "DELETE_COMPLETE", ""),
        (3600.0, "app/2", "CREATE_IN_PROGRESS", ""),
        (3601.0, "app/2:Orders", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
    ]
    .iter()
    .map(stack_event)
    .collect();
    let log = |seconds: f64| json!({"timestamp": (1_795_000_000.0 + seconds) * 1000.0, "message": "[ERROR] boom", "logGroupName": "app-Orders-physical", "logStreamName": "s", "eventId": seconds.to_string()});
    let (timeline, _) = understand(vec![file("stack_events", &rows), file("log_events", &[log(5.0), log(3700.0)])]);
    let stacks: Vec<String> = timeline
        .events
        .iter()
        .filter(|event| event.source == "log_events")
        .map(|event| event.stack_id.clone().unwrap_or_default().to_string())
        .collect();
    assert_eq!(stacks, [arn("app/1"), arn("app/2")]);
}

#[test]
fn a_thousand_retries_are_one_witness() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut rows: Vec<Value> = [
        (0.0, "app", "CREATE_IN_PROGRESS", ""),
        (1.0, "app:Q", "CREATE_FAILED", "Q already exists"),
        (2.0, "app", "ROLLBACK_IN_PROGRESS", "x"),
        (3.0, "app", "ROLLBACK_COMPLETE", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    rows.reverse();
    let calls = [call(-1.0, "ExecuteChangeSet", "", json!({"stackName": "app", "changeSetName": "c"}), Value::Null)];
    let lines: Vec<Value> = (0..1200).map(|n| json!(format!("InvalidChangeSetStatusException: ChangeSet [c] cannot be executed in its current execution status of [OBSOLETE] (attempt {n})"))).collect();
    let (timeline, history) =
        understand(vec![file("stack_events", &rows), file("cloudtrail", &calls), file("deploy_log", &lines)]);
    let diagnosis = diagnose::diagnose(&timeline, &history, history.stories.last().unwrap(), &catalogue);
    assert_eq!(diagnosis.hypotheses().next().map(|first| first.cause.as_str()), Some("resource.already-exists"));
    assert_eq!(diagnosis.refuted.first().map(|theory| theory.cause.as_str()), Some("changeset.state"));
    assert!(diagnosis.hypotheses().all(|hypothesis| hypothesis.probability.is_finite()));
}

#[test]
fn every_wording_of_cloudformation_has_its_role() {
    let stack = "app";
    for (what, status, reason, expected) in [
        ("app:Q", "CREATE_FAILED", "Resource creation cancelled", Role::Cascade),
        ("app:Q", "UPDATE_FAILED", "Resource update cancelled", Role::Cascade),
        (
            "app:Q",
            "CREATE_FAILED",
            "Resource handler returned message: \"x\" (RequestToken: r, HandlerErrorCode: null)",
            Role::Independent,
        ),
        (
            "app:Q",
            "CREATE_FAILED",
            "q already exists in stack arn:aws:cloudformation:us-east-1:111122223333:stack/x/y",
            Role::Independent,
        ),
        ("app:Q", "CREATE_FAILED", "Exceeded attempts to wait", Role::Independent),
        (
            "app:Q",
            "CREATE_FAILED",
            "Received response status [FAILED] from custom resource. Message returned: m (RequestId: r)",
            Role::Independent,
        ),
        (
            "app:Q",
            "CREATE_FAILED",
            "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [r].",
            Role::Independent,
        ),
        (
            "app:Q",
            "CREATE_FAILED",
            "Failed to receive 1 resource signal(s) within the specified duration",
            Role::Independent,
        ),
        ("app:Q", "DELETE_FAILED", "Export x cannot be deleted as it is in use by y", Role::Independent),
        (stack, "CREATE_FAILED", "The following resource(s) failed to create: [A, B]. ", Role::Summary),
        (stack, "UPDATE_FAILED", "The following resource(s) failed to update: [A]. ", Role::Summary),
        (stack, "DELETE_FAILED", "The following resource(s) failed to delete: [A]. ", Role::Summary),
        (
            stack,
            "CREATE_FAILED",
            "Validation failed with 2 error(s). Call DescribeEvents to retrieve the full list of issues",
            Role::Summary,
        ),
    ] {
        let verb = status.split('_').next().unwrap();
        let begin = format!("{verb}_IN_PROGRESS");
        // Another failure is the root, so that the role of this one is its own.
        let failed = format!("{verb}_FAILED");
        let rows: Vec<Row<'_>> = vec![
            (0.0, stack, &begin, "User Initiated"),
            (1.0, "app:First", &failed, "the first real failure"),
            (2.0, what, status, reason),
        ];
        let (timeline, history) = of_rows(&rows);
        let failures = &history.operations[0].failures;
        let role =
            failures.iter().find(|failure| timeline.events[failure.event].text() == reason).map(|failure| failure.role);
        assert_eq!(role, Some(expected), "{status} {reason}");
    }
    // What begins a replacement is no failure at all.
    let (_, history) = of_rows(&[
        (0.0, stack, "UPDATE_IN_PROGRESS", "User Initiated"),
        (
            1.0,
            "app:Q",
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        ),
    ]);
    assert!(history.operations[0].failures.is_empty());
}

#[test]
fn what_follows_an_operation_is_not_given_to_the_next() {
    let mut rows: Vec<Value> = [
        (0.0, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
        (1.0, "app:Q", "UPDATE_FAILED", "bad value"),
        (2.0, "app", "UPDATE_ROLLBACK_IN_PROGRESS", "x"),
        (3.0, "app", "UPDATE_ROLLBACK_COMPLETE", ""),
        (720.0, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
        (730.0, "app", "UPDATE_COMPLETE", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    rows.reverse();
    let line = json!(format!("{} ❌ app failed: Error: it did not work", at(4.0).replace("+00:00", "Z")));
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("deploy_log", &[line])]);
    let event = timeline.events.iter().position(|event| event.source == "deploy_log").unwrap();
    let operation = history.operation_of[event].unwrap();
    assert_eq!(history.operations[operation].kind.word(), "rollback");
}

#[test]
fn a_call_whose_rows_are_missing_is_an_operation() {
    let rows: Vec<Value> =
        [(0.0, "app", "CREATE_IN_PROGRESS", ""), (9.0, "app", "CREATE_COMPLETE", "")].iter().map(stack_event).collect();
    let calls = [
        call(-1.0, "CreateStack", "", json!({"stackName": "app"}), json!({"stackId": arn("app")})),
        call(600.0, "DeleteStack", "", json!({"stackName": "app"}), Value::Null),
    ];
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("cloudtrail", &calls)]);
    assert_eq!(told(&timeline, &history), ["app 1 create succeeded", "app 1 delete unknown"]);
}

#[test]
fn a_line_with_another_reason_is_no_echo() {
    let mut rows: Vec<Value> = [
        (0.0, "app", "UPDATE_IN_PROGRESS", ""),
        (1.0, "app:Fn", "UPDATE_FAILED", "Code too big"),
        (2.0, "app", "UPDATE_FAILED", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    rows.reverse();
    for (reason, expected) in [("Code too big", 3), ("Code too", 3), ("Handler missing", 4)] {
        let line = json!(format!("app | 1/2 | 12:00:00 PM | UPDATE_FAILED | AWS::Lambda::Function | Fn {reason}"));
        let (timeline, _) = understand(vec![file("stack_events", &rows), file("deploy_log", &[line])]);
        assert_eq!(timeline.events.len(), expected, "{reason}");
    }
}

#[test]
fn a_failed_change_set_and_a_good_one_are_two() {
    let rows: Vec<Value> = [(30.0, "app", "UPDATE_IN_PROGRESS", ""), (40.0, "app", "UPDATE_COMPLETE", "")]
        .iter()
        .map(stack_event)
        .collect();
    let set = |seconds: f64, name: &str, status: &str| json!({"StackId": arn("app"), "StackName": "app", "ChangeSetName": name, "ChangeSetId": name, "CreationTime": at(seconds), "Status": status, "StatusReason": "why"});
    let (timeline, history) = understand(vec![
        file("stack_events", &rows),
        file("change_sets", &[set(0.0, "bad", "FAILED"), set(20.0, "good", "CREATE_COMPLETE")]),
    ]);
    assert_eq!(told(&timeline, &history), ["app 1 change_set failed: bad", "app 1 update succeeded"]);
}

#[test]
fn a_late_row_goes_where_its_token_says() {
    let mut rows: Vec<Value> = [
        (0.0, "app", "UPDATE_IN_PROGRESS", ""),
        (3.0, "app", "UPDATE_COMPLETE", ""),
        (10.0, "app", "UPDATE_IN_PROGRESS", ""),
        (11.0, "app:Old", "DELETE_FAILED", "in use"),
        (12.0, "app", "UPDATE_COMPLETE", ""),
    ]
    .iter()
    .map(stack_event)
    .collect();
    for (row, token) in rows.iter_mut().zip(["t1", "t1", "t2", "t1", "t2"]) {
        row["ClientRequestToken"] = json!(token);
    }
    rows.reverse();
    let (_, history) = understand(vec![file("stack_events", &rows)]);
    let events: Vec<usize> = history.operations.iter().map(|operation| operation.events.len()).collect();
    assert_eq!(events, [3, 2]);
}

#[test]
fn a_nested_stacks_operation_can_be_asked_for() {
    let rows: &[Row<'_>] = &[
        (0.0, "app", "CREATE_IN_PROGRESS", ""),
        (1.0, "app:Child=child", "CREATE_IN_PROGRESS", ""),
        (2.0, "child", "CREATE_IN_PROGRESS", ""),
        (3.0, "child", "CREATE_COMPLETE", ""),
        (4.0, "app", "CREATE_COMPLETE", ""),
    ];
    let (timeline, history) = of_rows(rows);
    for operation in &history.operations {
        let question = Question { which: Which::Id(operation.id.to_string()), ..Question::default() };
        assert!(select(&timeline, &history, &question).is_ok(), "{}", operation.id);
    }
    let backwards =
        Question { since: Some(timeline.events[4].at), until: Some(timeline.events[0].at), ..Question::default() };
    assert!(select(&timeline, &history, &backwards).is_err());
}

#[test]
fn every_failure_of_a_selection_is_shown() {
    let rows: &[Row<'_>] = &[
        (0.0, "app", "CREATE_IN_PROGRESS", ""),
        (1.0, "app:Q", "CREATE_FAILED", "Q already exists"),
        (
            2.0,
            "app",
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [Q]. Rollback requested by user.",
        ),
        (3.0, "app", "ROLLBACK_COMPLETE", ""),
    ];
    let (timeline, history) = of_rows(rows);
    let question =
        Question { which: Which::Id(history.operations[0].id.to_string()), failed: true, ..Question::default() };
    let selection = select(&timeline, &history, &question).unwrap();
    for failure in &history.operations[0].failures {
        assert!(selection.events.contains(&failure.event), "{}", timeline.events[failure.event].text());
    }
}

#[test]
fn rows_of_one_instant_keep_the_order_of_aws_list() {
    for (rows, expected) in [
        (
            &[
                (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated"),
                (0.0, "app:R1", "CREATE_IN_PROGRESS", ""),
                (0.0, "app:R1", "CREATE_FAILED", "name taken"),
                (0.0, "app", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [R1]. "),
                (0.0, "app:R1", "DELETE_IN_PROGRESS", ""),
                (0.0, "app:R1", "DELETE_COMPLETE", ""),
                (0.0, "app", "ROLLBACK_COMPLETE", ""),
                (0.0, "app", "DELETE_IN_PROGRESS", ""),
                (0.0, "app", "DELETE_COMPLETE", ""),
            ][..],
            &["app 1 create failed: R1", "app 1 rollback succeeded", "app 1 delete succeeded"][..],
        ),
        (
            &[
                (0.0, "app", "UPDATE_IN_PROGRESS", "User Initiated"),
                (0.0, "app:R1", "UPDATE_IN_PROGRESS", ""),
                (0.0, "app:R1", "UPDATE_FAILED", "name taken"),
                (0.0, "app", "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: [R1]. "),
                (0.0, "app:R1", "UPDATE_COMPLETE", ""),
                (0.0, "app", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", ""),
                (0.0, "app", "UPDATE_ROLLBACK_COMPLETE", ""),
            ],
            &["app 1 update failed: R1", "app 1 rollback succeeded"],
        ),
    ] {
        let (timeline, history) = of_rows(rows);
        let statuses: Vec<&str> = timeline.events.iter().map(Event::status).collect();
        assert_eq!(statuses, rows.iter().map(|row| row.2).collect::<Vec<_>>());
        assert_eq!(told(&timeline, &history), expected);
    }
}

#[test]
fn a_refused_delete_is_not_the_newer_story() {
    let rows: Vec<Value> = [(4.0, "app", "CREATE_COMPLETE", ""), (0.0, "app", "CREATE_IN_PROGRESS", "User Initiated")]
        .iter()
        .map(stack_event)
        .collect();
    let refused = "AccessDenied: User: dana is not authorized to perform: cloudformation:DeleteStack";
    let calls = [call(3600.0, "DeleteStack", refused, json!({"stackName": "app"}), Value::Null)];
    let (timeline, history) = understand(vec![file("stack_events", &rows), file("cloudtrail", &calls)]);
    let story = select(&timeline, &history, &Question::default()).unwrap().story.unwrap();
    assert!(!story.failed);
    assert_eq!(history.operations[story.operations[0]].kind, operation::Kind::Create);
}
