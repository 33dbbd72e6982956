//! What must be gone from a redacted case, and what must still be there: planted secrets, innocent look-alikes, names that
//! keep their shape, and every fixture, which must be diagnosed as before.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixture;

use cfn_forensics::case;
use cfn_forensics::model::{Capture, Form, Manifest, RecordFile, Scope, Text};
use cfn_forensics::redact::{Options, Redactor};
use cfn_forensics::sources::{self, Layout};
use fixture::{Told, folders};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

const SECRETS: Options = Options { emails: false, ids: false };
const ALL: Options = Options { emails: true, ids: true };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planted {
    kind: String,
    parts: Vec<String>,
    context: String,
}

impl Planted {
    fn secret(&self) -> String {
        self.parts.concat()
    }

    fn text(&self) -> String {
        self.context.replace("{PRIVATE}", "PRIVATE").replace("{}", &self.secret())
    }

    /// The secret as a whole, and every piece of eight of what is random in it.
    fn traces(&self) -> Vec<String> {
        let longest: Vec<char> = self.parts.iter().max_by_key(|part| part.len()).unwrap().chars().collect();
        let pieces = longest.windows(8).map(|piece| piece.iter().collect::<String>());
        let pieces = pieces.filter(|piece| !piece.contains(['\n', '\\']));
        std::iter::once(self.secret()).chain(pieces).collect()
    }
}

static PLANTED: LazyLock<Vec<Planted>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        planted: Vec<Planted>,
    }
    toml::from_str::<File>(&fs::read_to_string("tests/redact/planted.toml").unwrap()).unwrap().planted
});

fn innocent() -> Vec<String> {
    fs::read_to_string("tests/redact/innocent.txt").unwrap().lines().map(str::to_owned).collect()
}

fn list(stem: &str) -> Option<&'static str> {
    sources::by_stem(stem).filter(|source| source.layout == Layout::Json)?.lists.first().copied()
}

fn redacted(text: &str) -> String {
    Redactor::new(SECRETS).text(text).into_owned()
}

#[test]
fn no_planted_secret_is_left() {
    let kinds: BTreeSet<&str> = PLANTED.iter().map(|planted| planted.kind.as_str()).collect();
    assert!(PLANTED.len() >= 80 && kinds.len() >= 60, "{} of {}", PLANTED.len(), kinds.len());
    let mut left = Vec::new();
    for planted in PLANTED.iter() {
        let text = planted.text();
        let out = redacted(&text);
        for trace in planted.traces() {
            if out.contains(&trace) {
                left.push(format!("{}: {trace} in {out}", planted.kind));
                break;
            }
        }
        assert_eq!(out.lines().count(), text.lines().count(), "{}: {out}", planted.kind);
        assert_eq!(redacted(&out), out, "{}: redacted again", planted.kind);
        assert!(out.contains("[redacted "), "{}: {out}", planted.kind);
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
}

#[test]
fn innocent_text_stays() {
    let lines = innocent();
    assert!(lines.len() >= 300, "{}", lines.len());
    let changed: Vec<String> = lines
        .iter()
        .filter_map(|line| Some((line, redacted(line))).filter(|(line, out)| *line != out))
        .map(|(line, out)| format!("{line}\n  became {out}"))
        .collect();
    assert!(changed.is_empty(), "{} changed:\n{}", changed.len(), changed.join("\n"));
    let whole = lines.join("\n");
    assert_eq!(redacted(&whole), whole);
}

/// Fixtures hold no secrets but the ids of access keys and the tokens of sessions.
#[test]
fn of_fixtures_only_access_keys_change() {
    let mut changed = BTreeSet::new();
    for path in folders() {
        let capture = case::read(&path).unwrap();
        let mut redactor = Redactor::new(SECRETS);
        let out = redactor.capture(&capture, "", list);
        for (pseudonym, original) in redactor
            .mapping()
            .filter(|(pseudonym, _)| !pseudonym.contains("access key") && !pseudonym.contains("session token"))
        {
            changed.insert(format!("{}: {pseudonym} for {original}", path.display()));
        }
        for (file, out) in capture.files.iter().zip(&out.files) {
            assert_eq!(file.records.len(), out.records.len(), "{}", file.name);
        }
    }
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn a_secret_is_the_same_everywhere() {
    let mut redactor = Redactor::new(SECRETS);
    assert_eq!(redactor.text("password=hunter2hunter2"), "password=[redacted password 1]");
    assert_eq!(redactor.text("connecting with hunter2hunter2!"), "connecting with [redacted password 1]!");
    assert_eq!(
        redactor.text("password=other7other7 password=hunter2hunter2"),
        "password=[redacted password 2] password=[redacted password 1]"
    );
    let key = ["AK", "IA", "QWERTYUIOPASDFGH"].concat();
    assert_eq!(redactor.text(&format!("by {key}.")), "by AKIA[redacted access key 1].");
    assert_eq!(redactor.counted(), ["1 access key", "2 passwords"]);
    let mapping: Vec<(&str, &str)> = redactor.mapping().collect();
    assert!(mapping.contains(&("[redacted password 1]", "hunter2hunter2")), "{mapping:?}");
}

#[test]
fn keys_tell_what_forms_do_not() {
    let mut value = json!({
        "masterUserPassword": "swordfish",
        "environment": [{"name": "DB_PASSWORD", "value": "marmalade"}, {"name": "STAGE", "value": "prod"}],
        "parameters": [{"ParameterKey": "DbPassword", "ParameterValue": "prod"}, {"ParameterKey": "License", "ParameterValue": "abc"}],
        "pin": {"password": 12345678, "passwordLength": 30},
        "clientRequestToken": "6d71e43b-6baa-4bfa-90c5-00cd9cb173e1",
        "CloudTrailEvent": "{\"requestParameters\":{\"secretString\":\"{\\\"user\\\":\\\"app\\\"}\"},\"z\":1,\"a\":1.50}",
        "secretBinary": null,
        "log": "prod said swordfish to License=abc",
    });
    let mut redactor = Redactor::new(SECRETS);
    redactor.learn_template("Parameters:\n  License:\n    NoEcho: true\n    Default: none-yet-42\n");
    redactor.value(&mut value);
    assert_eq!(value["masterUserPassword"], "[redacted password 1]");
    assert_eq!(value["environment"][0]["value"], "[redacted password 2]");
    assert_eq!(value["environment"][1]["value"], "prod");
    assert_eq!(value["parameters"][0]["ParameterValue"], "[redacted password 3]");
    assert_eq!(value["parameters"][1]["ParameterValue"], "[redacted NoEcho parameter 1]");
    assert_eq!(value["pin"], json!({"password": "[redacted password 4]", "passwordLength": 30}));
    assert_eq!(value["clientRequestToken"], "6d71e43b-6baa-4bfa-90c5-00cd9cb173e1");
    let event: Value = serde_json::from_str(value["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(event["requestParameters"]["secretString"], "[redacted secret 1]");
    assert!(value["CloudTrailEvent"].as_str().unwrap().ends_with("\"z\":1,\"a\":1.5}"));
    assert_eq!(value["log"], "prod said [redacted password 1] to License=[redacted NoEcho parameter 1]");
    assert_eq!(redactor.text("default none-yet-42"), "default [redacted NoEcho parameter 2]");
}

#[test]
fn emails_are_replaced_on_request() {
    let text = "arn:aws:sts::111122223333:assumed-role/Admin/ida.bergman@example.com by Ida.Bergman@example.com, git@github.com:a/b, x@2.1.0";
    assert_eq!(redacted(text), text);
    let mut redactor = Redactor::new(Options { emails: true, ids: false });
    assert_eq!(
        redactor.text(text),
        "arn:aws:sts::111122223333:assumed-role/Admin/[email 1] by [email 1], git@github.com:a/b, x@2.1.0"
    );
}

/// The same thing has the same name in an ARN, in a text and under a key.
#[test]
fn names_keep_their_shape() {
    let mut redactor = Redactor::new(ALL);
    let mut value = json!({
        "StackId": "arn:aws:cloudformation:us-east-1:444455556666:stack/harbor-invoices/0f1e2d3c-1111-4000-8000-000000000001",
        "StackName": "harbor-invoices",
        "LogicalResourceId": "WriterRole",
        "PhysicalResourceId": "harbor-invoices-WriterRole-W9klRc7POQwI",
        "ResourceType": "AWS::IAM::Role",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "User: arn:aws:sts::444455556666:assumed-role/cdk-hnb659fds-deploy-role-444455556666-us-east-1/aws-cdk-marta is not authorized to perform: iam:PassRole on harbor-invoices-WriterRole-W9klRc7POQwI (Request ID: 2f6c1a3e-8d0b-4b7e-9a55-1c2d3e4f5a6b)",
        "userIdentity": {"principalId": "AROAQWERTYUIOPASDFGHJ:aws-cdk-marta", "userName": "admin", "accountId": "444455556666"},
        "sourceIPAddress": "52.94.133.7",
        "userAgent": "aws-cli/2.31.9 Chrome/142.0.0.0 harbor-invoices",
        "message": "marta saw 52.94.133.7 and 2600:1f18:1:2::7 in the admin group of 444455556666, policy arn:aws:iam::aws:policy/ReadOnly",
        "vpc": {"PhysicalResourceId": "vpc-0d22d48a986e1a812"},
        "text": "vpc-0d22d48a986e1a812 has lambda.amazonaws.com and AWSServiceRoleForECS",
    });
    redactor.value(&mut value);
    let said = |pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    for (pointer, expected) in [
        (
            "/StackId",
            "arn:aws:cloudformation:us-east-1:000000000001:stack/stack-1/00000000-0000-4000-8000-000000000001",
        ),
        ("/StackName", "stack-1"),
        ("/LogicalResourceId", "WriterRole"),
        ("/PhysicalResourceId", "stack-1-WriterRole-x00000000001"),
        ("/ResourceType", "AWS::IAM::Role"),
        (
            "/ResourceStatusReason",
            "User: arn:aws:sts::000000000001:assumed-role/cdk-hnb659fds-deploy-role-000000000001-us-east-1/aws-cdk-session-1 is not authorized to perform: iam:PassRole on stack-1-WriterRole-x00000000001 (Request ID: 2f6c1a3e-8d0b-4b7e-9a55-1c2d3e4f5a6b)",
        ),
        ("/userIdentity/principalId", "AROA00000000000000001:aws-cdk-session-1"),
        ("/userIdentity/userName", "user-1"),
        ("/userIdentity/accountId", "000000000001"),
        ("/sourceIPAddress", "192.0.2.1"),
        ("/userAgent", "aws-cli/2.31.9 Chrome/142.0.0.0 harbor-invoices"),
        (
            "/message",
            "session-1 saw 192.0.2.1 and 2001:db8::2 in the admin group of 000000000001, policy arn:aws:iam::aws:policy/ReadOnly",
        ),
        ("/vpc/PhysicalResourceId", "vpc-00000000000000001"),
        ("/text", "vpc-00000000000000001 has lambda.amazonaws.com and AWSServiceRoleForECS"),
    ] {
        assert_eq!(said(pointer), expected, "{pointer}");
    }
    let again = value.clone();
    Redactor::new(ALL).value(&mut value);
    assert_eq!(value, again);
}

/// Tools wrap what does not fit into a column.
#[test]
fn what_a_line_end_cuts_is_found() {
    let text = "password=hunter2hunter2 for arn:aws:iam::444455556666:role/harbor-writer\nFAILED  Role  arn:aws:iam::44445555\n                      6666:role/harbor-w\n                      riter hunter2\n                      hunter2 end";
    let out = Redactor::new(ALL).text(text).into_owned();
    assert_eq!(
        out,
        "password=[redacted password 1] for arn:aws:iam::000000000001:role/role-1\nFAILED  Role  arn:aws:iam::00000000\n                      0001:role/role-1\n                       [redacted password 1]\n                       end"
    );
}

/// What is said of a case, without the names of things.
fn said(capture: &Capture, stack: Option<String>) -> Vec<String> {
    let told = Told::of(capture.clone(), stack);
    let record = |event: usize| told.timeline.events[event].record.index;
    let operations = told.history.operations.iter().map(|operation| {
        let root = operation.root().map(record);
        format!("{:?} {:?} {} {root:?}", operation.kind, operation.ending, operation.started_at)
    });
    let causes =
        told.diagnosis.hypotheses().map(|held| format!("{} {} {:.3}", held.cause, record(held.root), held.score));
    let refuted = told.diagnosis.refuted.iter().map(|held| format!("refuted {}", held.cause));
    operations.chain(causes).chain(refuted).collect()
}

#[test]
fn a_redacted_fixture_is_diagnosed_as_before() {
    let mut wrong = Vec::new();
    for path in folders() {
        let name = path.display().to_string();
        let expected: toml::Table = toml::from_str(&fs::read_to_string(path.join("case.toml")).unwrap()).unwrap();
        let stack = expected["stack"].as_str().unwrap().to_owned();
        let (mut capture, checks) = case::verify(&path).unwrap();
        capture.manifest =
            Some(Manifest { scope: Scope { stack: Some(stack.clone()), ..Scope::default() }, ..Manifest::default() });
        let mut redactor = Redactor::new(ALL);
        let redacted = redactor.capture(&capture, &case::fingerprint(&checks), list);
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("redacted");
        case::write(&redacted, &target).unwrap();
        let (again, checks) = case::verify(&target).unwrap();
        assert!(checks.iter().all(|check| check.hash == case::HashCheck::Fits || check.source.is_none()), "{name}");
        let pseudonym = again.manifest.as_ref().unwrap().scope.stack.clone();
        let (before, after) = (said(&capture, Some(stack.clone())), said(&again, pseudonym));
        if before != after {
            wrong.push(format!("{name}:\n  {before:#?}\n  {after:#?}"));
        }
        let mut names: BTreeSet<String> = BTreeSet::from([stack, "111122223333".to_owned()]);
        for operation in expected["operation"].as_array().unwrap() {
            let actor = operation["actor"].as_str().unwrap();
            let actor = actor.strip_prefix("aws-cdk-").unwrap_or(actor);
            if !["", "AWS CloudFormation", "GitHubActions", "root", "runner", "vsts"].contains(&actor)
                && !actor.starts_with("AWSCodeBuild-")
            {
                names.insert(actor.to_owned());
            }
        }
        for file in &again.files {
            for name in names.iter().filter(|name| !name.bytes().all(|byte| byte.is_ascii_digit()) || name.len() == 12)
            {
                for (at, _) in file.text.match_indices(name.as_str()) {
                    let whole = !file.text[..at].ends_with(char::is_alphanumeric)
                        && !file.text[at + name.len()..].starts_with(char::is_alphanumeric);
                    if whole {
                        wrong.push(format!(
                            "{}: {} still says {name}: {}",
                            path.display(),
                            file.name,
                            &file.text[at.saturating_sub(60)..(at + 60).min(file.text.len())]
                        ));
                        break;
                    }
                }
            }
        }
        // Redacted again it stays what it is.
        let twice = Redactor::new(ALL).capture(&again, "", list);
        for (file, other) in again.files.iter().zip(&twice.files) {
            if file.text != other.text {
                let (one, other) = file.text.lines().zip(other.text.lines()).find(|(one, other)| one != other).unwrap();
                wrong.push(format!("{name}: {} changes again:\n  {one}\n  {other}", file.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn file(source: &'static str, form: Form, records: &[&str]) -> RecordFile {
    let mut text = String::new();
    let mut spans = Vec::new();
    for record in records {
        spans.push(text.len()..text.len() + record.len());
        text.push_str(record);
        text.push('\n');
    }
    RecordFile { source, name: Text::from(source), form, text, records: spans }
}

#[test]
fn a_capture_is_learnt_from_as_a_whole() {
    // In pieces, so that no file holds what looks like a key.
    let (begin, end) = (&["-----BEGIN PRIV", "ATE KEY-----"].concat(), &["-----END PRIV", "ATE KEY-----"].concat());
    let files = vec![
        file("stack_events", Form::Json, &[r#"{"z":"says marmalade7","a":1}"#, r#"{"password": "x marmalade7"#]),
        file("deploy_log", Form::Lines, &["", "DB_PASSWORD=marmalade7", begin, &"QUJD".repeat(16), end, "end"]),
    ];
    let capture = Capture { files, ..Capture::default() };
    let out = Redactor::new(SECRETS).capture(&capture, "0af1", list);
    let records = |at: usize| out.files[at].iter().map(|(_, record)| record.to_owned()).collect::<Vec<_>>();
    assert_eq!(records(0), [r#"{"z":"says [redacted password 1]","a":1}"#]);
    assert_eq!(records(1)[..4], ["", "DB_PASSWORD=[redacted password 1]", begin, "[redacted private key 1]"]);
    assert_eq!(records(1)[4..], [end, "end"]);
    assert!(out.gaps.iter().any(|gap| gap.window.as_deref() == Some("stack_events#1")), "{:?}", out.gaps);
    let redacted = out.manifest.unwrap().redacted.unwrap();
    assert_eq!((redacted.of.as_str(), redacted.what), ("0af1", vec!["secrets".to_owned()]));
}

#[test]
fn a_leak_is_seen() {
    let mut redactor = Redactor::new(SECRETS);
    redactor.learn(&json!({"password": "marmalade7"}));
    assert_eq!(redactor.leak("says \"marmalade7\""), Some("password"));
    assert_eq!(redactor.leak("says [redacted password 1]"), None);
}

fn run(arguments: &[&Path]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_cfn-forensics")).args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_verb_writes_a_case_and_a_mapping() {
    let dir = tempfile::tempdir().unwrap();
    let (case, output, mapping) =
        (dir.path().join("case"), dir.path().join("out.zip"), dir.path().join("mapping.json"));
    fs::create_dir(&case).unwrap();
    fs::write(case.join("deploy_log.txt"), "password=hunter2hunter2\npassword=other7other7\n").unwrap();
    fs::write(case.join("rds_events.json"), "{\"Events\":[{\"SourceIdentifier\":\"shopdb\",\"Message\":\"by jane@example.com\",\"Date\":\"2026-11-18T12:00:00Z\"}]}").unwrap();
    let paths = [
        Path::new("case"),
        Path::new("redact"),
        &case,
        Path::new("--output"),
        &output,
        Path::new("--redact"),
        Path::new("emails,ids"),
        Path::new("--mapping"),
        &mapping,
    ];
    let (code, told) = run(&paths);
    assert_eq!((code, told.as_str()), (Some(0), "redacted: 1 email, 1 name, 2 passwords\n"));
    let written: Value = serde_json::from_str(&fs::read_to_string(&mapping).unwrap()).unwrap();
    assert_eq!(written["[redacted password 1]"], "hunter2hunter2");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&mapping).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let capture = case::read(&output).unwrap();
    let manifest = capture.manifest.unwrap();
    let (_, checks) = case::verify(&case).unwrap();
    assert_eq!(manifest.redacted.as_ref().map(|redacted| redacted.of.clone()), Some(case::fingerprint(&checks)));
    assert_eq!(manifest.redacted.unwrap().what, ["secrets", "emails", "ids"]);
    // Neither is overwritten.
    let other = dir.path().join("other.zip");
    let mut again = paths;
    again[4] = &other;
    let (code, told) = run(&again);
    assert_eq!(code, Some(1), "{told}");
    assert!(!other.exists());
    assert_eq!(run(&paths).0, Some(1));
}

/// What `sha256sum FILES | sha256sum` prints.
#[test]
fn a_fingerprint_can_be_made_by_anybody() {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("cloudtrail")).unwrap();
    fs::write(dir.path().join("cloudtrail/a.json"), "{\"Events\":[]}").unwrap();
    fs::write(dir.path().join("deploy_log.txt"), "one\n").unwrap();
    fs::write(dir.path().join("notes.md"), "no evidence").unwrap();
    let lines = format!("{}  cloudtrail/a.json\n{}  deploy_log.txt\n", hex(b"{\"Events\":[]}"), hex(b"one\n"));
    let (_, checks) = case::verify(dir.path()).unwrap();
    assert_eq!(case::fingerprint(&checks), hex(lines.as_bytes()));
}

fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| format!("{key:?}:{}", shape(value))).collect::<Vec<_>>().join(",")
        }
        Value::Array(items) => format!("[{}]", items.iter().map(shape).collect::<Vec<_>>().join(",")),
        _ => "_".to_owned(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let key = || {
        prop_oneof![
            Just("password".to_owned()),
            Just("token".to_owned()),
            Just("StackName".to_owned()),
            Just("name".to_owned()),
            Just("value".to_owned()),
            "[a-zA-Z]{1,8}"
        ]
    };
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        "[a-zA-Z0-9:=/@. \"{}\\[\\]-]{0,40}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner.clone(), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            inner.prop_map(|inner| Value::from(inner.to_string())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn redacting_again_changes_nothing(text in "(\\PC{0,20}|password[=:] ?|token|\"|'|://|:|@|--|secret=|[a-zA-Z0-9]{1,24}|\n| |AKIA|Bearer |10\\.1\\.2\\.3|arn:aws:iam::111122223333:role/){0,14}") {
        for options in [SECRETS, ALL] {
            let mut redactor = Redactor::new(options);
            let once = redactor.text(&text).into_owned();
            prop_assert_eq!(redactor.text(&once), once.as_str());
            prop_assert_eq!(once.split('\n').count(), text.split('\n').count());
        }
    }

    #[test]
    fn json_keeps_its_shape(value in any_json()) {
        for options in [SECRETS, ALL] {
            let mut once = value.clone();
            let mut redactor = Redactor::new(options);
            redactor.value(&mut once);
            prop_assert_eq!(shape(&once), shape(&value));
            let mut twice = once.clone();
            redactor.value(&mut twice);
            prop_assert_eq!(twice, once);
        }
    }

    #[test]
    fn a_planted_secret_is_gone_whatever_is_around(index in any::<prop::sample::Index>(), before in "(\\PC{0,40}\n){0,3}", after in "(\n\\PC{0,40}){0,3}", in_json in any::<bool>()) {
        let planted = index.get(&PLANTED);
        let text = format!("{before}{}{after}", planted.text());
        let text = if in_json { json!({"message": text}).to_string() } else { text };
        let out = redacted(&text);
        prop_assert!(!out.contains(&planted.secret()), "{}: {out}", planted.kind);
    }
}
