//! What a large case costs: reading, ordering, cutting and writing it out as JSON, compared with parsing the same files
//! into `serde_json::Value` and doing nothing with it.
//!
//! `cargo bench --bench large_case` prints both for several sizes; the goal is a ratio of at most 1.6, and costs that grow
//! linearly. `LARGE_CASE=DIR cargo bench --bench large_case -- --list` leaves the largest case in DIR, to measure the
//! memory of the command itself: `/usr/bin/time -v cfn-forensics timeline --case DIR --operation all --format json`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::render::{self, Style, TimelineFormat, Zone};
use cfn_forensics::report::select::{Question, Which, select};
use cfn_forensics::report::{Evidence, TimelineReport};
use cfn_forensics::{actor, case, operation, timeline};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const SIZES: [usize; 4] = [50_000, 100_000, 200_000, 400_000];
const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/BigStack/5e3b2a10-0000-4000-8000-0a1b2c3d4e5f";
/// Resources in one operation; an account's history is many operations, not one of 100,000 resources.
const RESOURCES: usize = 500;

fn main() {
    if let Some(folder) = std::env::var_os("LARGE_CASE") {
        write_case(Path::new(&folder), 200_000);
    }
    divan::main();
}

static CASES: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fn case_of(size: usize) -> PathBuf {
    let folder = CASES.path().join(size.to_string());
    if !folder.exists() {
        write_case(&folder, size);
    }
    folder
}

fn bytes(folder: &Path) -> u64 {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn parse_into_values(bencher: Bencher, size: usize) {
    let folder = case_of(size);
    bencher.counter(BytesCount::new(bytes(&folder))).bench(|| {
        for name in ["stack_events.json", "cloudtrail.json"] {
            let text = fs::read(folder.join(name)).unwrap();
            black_box(serde_json::from_slice::<serde_json::Value>(&text).unwrap());
        }
    });
}

#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn timeline_as_json(bencher: Bencher, size: usize) {
    let folder = case_of(size);
    bencher.counter(BytesCount::new(bytes(&folder))).bench(|| {
        let capture = case::read(&folder).unwrap();
        let timeline = timeline::build(&capture, timeline::Options::default());
        drop(capture);
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        let evidence = Evidence { timeline: &timeline, history: &history, actors: &actors };
        let selection = select(&timeline, &history, &Question { which: Which::All, ..Question::default() }).unwrap();
        let report = TimelineReport::new(evidence, &selection);
        let style = Style { width: 120, colour: false, ascii: false, zone: Zone::Utc };
        let mut out = std::io::BufWriter::new(fs::File::create(folder.join("../out.json")).unwrap());
        render::timeline(&report, TimelineFormat::Json, &style, &mut out).unwrap();
    });
}

fn write_case(folder: &Path, size: usize) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("stack_events.json"), stack_events(size)).unwrap();
    fs::write(folder.join("cloudtrail.json"), cloudtrail(size)).unwrap();
}

fn at(millis: usize) -> String {
    let at = chrono::DateTime::from_timestamp_millis(1_795_000_000_000 + i64::try_from(millis).unwrap()).unwrap();
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// CloudTrail tells whole seconds.
fn whole_second(millis: usize) -> String {
    format!("{}Z", &at(millis)[..19])
}

/// Operations of 500 resources each, newest event first, as the AWS CLI prints them.
fn stack_events(size: usize) -> String {
    let mut rows: Vec<String> = Vec::with_capacity(size);
    let mut operation = 0;
    while rows.len() < size {
        let verb = if operation == 0 { "CREATE" } else { "UPDATE" };
        let mut push = |logical: &str, physical: &str, kind: &str, status: &str, reason: Option<&str>| {
            let millis = rows.len() * 7;
            let mut row = format!(
                "        {{\n            \"StackId\": \"{STACK}\",\n            \"EventId\": \"{logical}-{status}-{}\",\n            \"StackName\": \"BigStack\",\n            \"OperationId\": \"00000000-0000-4000-8000-{operation:012}\",\n            \"LogicalResourceId\": \"{logical}\",\n            \"PhysicalResourceId\": \"{physical}\",\n            \"ResourceType\": \"{kind}\",\n            \"Timestamp\": \"{}\",\n            \"ResourceStatus\": \"{status}\",\n            \"ClientRequestToken\": \"exec00000000-0000-4000-8000-{operation:012}\"",
                at(millis),
                at(millis)
            );
            if let Some(reason) = reason {
                write!(row, ",\n            \"ResourceStatusReason\": \"{reason}\"").unwrap();
            }
            if kind != "AWS::CloudFormation::Stack" {
                write!(row, ",\n            \"ResourceProperties\": \"{{\\\"QueueName\\\":\\\"{logical}\\\",\\\"Tags\\\":[{{\\\"Key\\\":\\\"team\\\",\\\"Value\\\":\\\"shop\\\"}}]}}\"").unwrap();
            }
            row.push_str("\n        }");
            rows.push(row);
        };
        push("BigStack", STACK, "AWS::CloudFormation::Stack", &format!("{verb}_IN_PROGRESS"), Some("User Initiated"));
        for resource in 0..RESOURCES {
            let (logical, physical) = (
                format!("Queue{resource}"),
                format!("https://sqs.us-east-1.amazonaws.com/111122223333/queue-{resource}"),
            );
            push(&logical, "", "AWS::SQS::Queue", &format!("{verb}_IN_PROGRESS"), None);
            push(
                &logical,
                &physical,
                "AWS::SQS::Queue",
                &format!("{verb}_IN_PROGRESS"),
                Some("Resource creation Initiated"),
            );
            push(&logical, &physical, "AWS::SQS::Queue", &format!("{verb}_COMPLETE"), None);
        }
        push("BigStack", STACK, "AWS::CloudFormation::Stack", &format!("{verb}_COMPLETE"), None);
        operation += 1;
    }
    rows.truncate(size);
    rows.reverse();
    format!("{{\n    \"StackEvents\": [\n{}\n    ]\n}}\n", rows.join(",\n"))
}

/// Nine reads for a write, as in a real trail.
fn cloudtrail(size: usize) -> String {
    let mut text = String::from("{\"Records\":[");
    for record in 0..size {
        let (name, read_only) = if record % 10 == 0 { ("SendMessage", "false") } else { ("DescribeInstances", "true") };
        let session = record % 97;
        if record > 0 {
            text.push(',');
        }
        write!(
            text,
            "{{\"eventVersion\":\"1.11\",\"userIdentity\":{{\"type\":\"AssumedRole\",\"principalId\":\"AROAEXAMPLE:session-{session}\",\"arn\":\"arn:aws:sts::111122223333:assumed-role/app/session-{session}\",\"accountId\":\"111122223333\",\"accessKeyId\":\"ASIAEXAMPLE{session:08}\",\"sessionContext\":{{\"sessionIssuer\":{{\"type\":\"Role\",\"principalId\":\"AROAEXAMPLE\",\"arn\":\"arn:aws:iam::111122223333:role/app\",\"accountId\":\"111122223333\",\"userName\":\"app\"}},\"attributes\":{{\"creationDate\":\"2026-11-18T11:00:00Z\",\"mfaAuthenticated\":\"false\"}}}}}},\"eventTime\":\"{}\",\"eventSource\":\"ec2.amazonaws.com\",\"eventName\":\"{name}\",\"awsRegion\":\"us-east-1\",\"sourceIPAddress\":\"198.51.100.23\",\"userAgent\":\"aws-sdk-java/2.29.1 Linux/6.1 OpenJDK_64-Bit_Server_VM/21\",\"requestParameters\":{{\"instancesSet\":{{\"items\":[{{\"instanceId\":\"i-{record:017}\"}}]}},\"filterSet\":{{}}}},\"responseElements\":null,\"requestID\":\"{record:08}-0000-4000-8000-000000000001\",\"eventID\":\"{record:08}-0000-4000-8000-000000000002\",\"readOnly\":{read_only},\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"111122223333\",\"eventCategory\":\"Management\",\"tlsDetails\":{{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"ec2.us-east-1.amazonaws.com\"}}}}",
            whole_second(record * 7)
        )
        .unwrap();
    }
    text.push_str("]}");
    text
}
