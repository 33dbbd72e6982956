//! Cases that no fixture is: one in which every text is an attack on the page, and one that is as large as stacks get.
//! They are written as the AWS CLI prints its answers, and know nothing of what is made of them.
//! Used by the test of the report in a browser.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

const ARN: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";
const STACK: &str = "AWS::CloudFormation::Stack";

/// What would set `window.hacked`, if any of it were more than text.
const ATTACKS: &[&str] = &[
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "' onfocus='window.hacked=1' autofocus='",
    "</title></style><iframe srcdoc=\"<script>parent.hacked=1</script>\">",
    "javascript:window.hacked=1//https://evil.example",
    "{{ 7*7 }}<!--\u{202e}\u{1b}[31m\u{0}-->",
];

/// A stack whose names, ids and reasons are attacks.
pub fn hostile(folder: &Path) {
    let mut rows = vec![row(0, "Shop", STACK, "CREATE_IN_PROGRESS", "User Initiated")];
    for (index, attack) in ATTACKS.iter().enumerate() {
        rows.push(row(1_000 + index, attack, "AWS::SQS::Queue", "CREATE_IN_PROGRESS", attack));
    }
    for (index, attack) in ATTACKS.iter().enumerate() {
        let kind = format!("AWS::SQS::Queue{attack}");
        rows.push(row(60_000 + index * 1_000, attack, &kind, "CREATE_FAILED", &attack.repeat(index * 40 + 1)));
    }
    rows.push(row(70_000, "Shop", STACK, "ROLLBACK_IN_PROGRESS", &ATTACKS.join(" ")));
    rows.push(row(90_000, "Shop", STACK, "ROLLBACK_COMPLETE", ""));
    let calls: Vec<Value> = ATTACKS
        .iter()
        .enumerate()
        .map(|(index, attack)| {
            json!({
                "eventVersion": "1.11", "eventID": attack, "eventTime": at(index * 1_000), "eventName": "CreateStack",
                "eventSource": "cloudformation.amazonaws.com", "awsRegion": "us-east-1", "readOnly": false, "userAgent": attack,
                "userIdentity": {"type": "IAMUser", "userName": attack, "accountId": "111122223333"},
                "errorCode": attack, "errorMessage": attack, "requestParameters": {"stackName": "Shop"},
                "responseElements": {"stackId": ARN},
            })
        })
        .collect();
    write(folder, "cloudtrail.json", &json!({ "Records": calls }));
    write_rows(folder, rows);
}

/// 2,000 resources, the last of which fails; 20,000 events with the rollback.
pub fn large(folder: &Path) {
    const RESOURCES: usize = 2_000;
    let kinds = ["AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::Logs::LogGroup"];
    let mut rows = vec![row(0, "Shop", STACK, "CREATE_IN_PROGRESS", "User Initiated")];
    let mut push = |millis: usize, index: usize, status: &str, reason: &str| {
        rows.push(row(millis, &format!("Resource{index:04}"), kinds[index % kinds.len()], status, reason));
    };
    for index in 0..RESOURCES {
        let begun = 1_000 + index * 400;
        for (step, reason) in
            ["", "Resource creation Initiated", "", "Eventual consistency check initiated", ""].iter().enumerate()
        {
            push(begun + step * 900, index, "CREATE_IN_PROGRESS", reason);
        }
        match index + 1 {
            RESOURCES => push(
                begun + 5_000,
                index,
                "CREATE_FAILED",
                "Resource handler returned message: \"queue-1999 already exists\"",
            ),
            _ => push(begun + 5_000, index, "CREATE_COMPLETE", ""),
        }
    }
    let rollback = RESOURCES * 400 + 10_000;
    for index in 0..RESOURCES {
        let begun = rollback + 1_000 + (RESOURCES - index) * 300;
        for step in 0..3 {
            push(begun + step * 700, index, "DELETE_IN_PROGRESS", "");
        }
        push(begun + 4_000, index, "DELETE_COMPLETE", "");
    }
    let failed = "The following resource(s) failed to create: [Resource1999]. Rollback requested by user.";
    rows.push(row(rollback, "Shop", STACK, "ROLLBACK_IN_PROGRESS", failed));
    rows.push(row(rollback + RESOURCES * 300 + 10_000, "Shop", STACK, "ROLLBACK_COMPLETE", ""));
    write_rows(folder, rows);
}

fn at(millis: usize) -> String {
    let at = chrono::DateTime::from_timestamp_millis(1_795_000_000_000 + i64::try_from(millis).unwrap()).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn row(millis: usize, logical_id: &str, kind: &str, status: &str, reason: &str) -> Value {
    let physical_id = if logical_id == "Shop" { ARN } else { logical_id };
    json!({
        "StackId": ARN, "StackName": "Shop", "EventId": format!("{logical_id}-{status}-{millis}"), "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id, "ResourceType": kind, "Timestamp": at(millis), "ResourceStatus": status,
        "ResourceStatusReason": reason, "ClientRequestToken": "token-1",
    })
}

/// Newest first, as AWS lists them.
fn write_rows(folder: &Path, mut rows: Vec<Value>) {
    rows.sort_by(|a, b| b["Timestamp"].as_str().cmp(&a["Timestamp"].as_str()));
    write(folder, "stack_events.json", &json!({ "StackEvents": rows }));
}

fn write(folder: &Path, name: &str, value: &Value) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), value.to_string()).unwrap();
}
