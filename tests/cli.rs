//! Real runs of the binary: the console examples of README and docs, exit codes, pipes, files.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::fs;
use std::io::Read as _;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cfn-forensics"));
    command.args(arguments).env_remove("COLUMNS").env("LC_ALL", "C.UTF-8").env("NO_COLOR", "1");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn the_console_examples_of_the_documents_are_true() {
    trycmd::TestCases::new().case("README.md").case("docs/cases.md").env("LC_ALL", "C.UTF-8").env("COLUMNS", "120");
}

#[test]
fn exit_codes_say_the_outcome() {
    let empty = tempfile::tempdir().unwrap();
    let unexplained = tempfile::tempdir().unwrap();
    let events = r#"{"StackEvents":[{"StackId":"arn:aws:cloudformation:us-east-1:111122223333:stack/A/1","StackName":"A","EventId":"1","LogicalResourceId":"R","Timestamp":"2026-11-18T12:00:00Z","ResourceStatus":"CREATE_FAILED","ResourceStatusReason":"zorgle blip"}]}"#;
    fs::write(unexplained.path().join("stack_events.json"), events).unwrap();
    let two = tempfile::tempdir().unwrap();
    fs::write(
        two.path().join("stack_events.json"),
        format!("{events}{}", events.replace("stack/A", "stack/B").replace("\"A\"", "\"B\"")),
    )
    .unwrap();
    let changed = tempfile::tempdir().unwrap();
    fs::write(changed.path().join("stack_events.json"), events).unwrap();
    let manifest = format!(
        r#"{{"format_version":"1.0","captured_at":"2026-11-18T12:00:00Z","tool_version":"0","files":{{"stack_events.json":"{}"}}}}"#,
        "0".repeat(64)
    );
    fs::write(changed.path().join("manifest.json"), manifest).unwrap();
    let path = |dir: &tempfile::TempDir| dir.path().display().to_string();
    for (arguments, code, told) in [
        (vec!["diagnose", "--case", "fixtures/showboat"], 10, ""),
        (vec!["diagnose", "--case", &path(&unexplained)], 11, ""),
        (vec!["diagnose", "--case", "fixtures/update-in-progress"], 0, ""),
        (vec!["timeline", "--case", "fixtures/showboat"], 0, ""),
        (vec!["stacks", "--case", "fixtures/showboat"], 0, ""),
        (vec!["timeline", "--case", &path(&empty)], 4, "it is empty"),
        (vec!["timeline", "--case", "no/such/case"], 4, "open the case no/such/case"),
        (vec!["timeline", "--case", &path(&two)], 2, "the case holds A, B; name one with --stack"),
        (
            vec!["timeline", "--case", "fixtures/showboat", "--stack", "Nope"],
            2,
            "the case holds CourtCaseManagementStack",
        ),
        (vec!["timeline", "--case", "fixtures/showboat", "--operation", "nope"], 2, "find operation nope"),
        (vec!["timeline", "--case", "fixtures/showboat", "--incarnation", "7"], 2, "the stack has 2"),
        (vec!["timeline", "--case", "fixtures/showboat", "--source", "nope"], 2, "possible values"),
        (vec!["timeline", "--case", "fixtures/showboat", "--since", "yesterday"], 2, "write it as 2026-11-18"),
        (vec!["timeline", "--case", "fixtures/showboat", "--tz", "Nowhere/City"], 2, "Europe/Berlin"),
        (vec!["timeline"], 2, "--case"),
        (vec!["nonsense"], 2, "unrecognized subcommand"),
        (vec!["--help"], 0, ""),
        (vec!["case", "verify", "fixtures/showboat"], 0, ""),
        (vec!["case", "verify", &path(&changed)], 10, ""),
        (vec!["timeline", "--case", "fixtures/showboat", "--output", "no/such/folder/x"], 1, "write no/such/folder/x"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn a_broken_pipe_is_quiet() {
    let mut child = command(&["timeline", "--case", "fixtures/showboat", "--format", "ndjson", "--operation", "all"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
}

#[test]
fn the_same_case_gives_the_same_bytes() {
    for format in ["table", "json", "ndjson", "csv", "markdown", "timesketch"] {
        let arguments =
            ["timeline", "--case", "fixtures/ecs-circuit-breaker", "--operation", "all", "--format", format];
        let first = run(&arguments);
        assert!(first.status.success() && !first.stdout.is_empty());
        let elsewhere = command(&arguments).env("TZ", "Asia/Tokyo").env("COLUMNS", "120").output().unwrap();
        assert_eq!(first.stdout, elsewhere.stdout, "{format}");
    }
}

#[test]
fn an_output_file_holds_what_the_terminal_would_show() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("timeline.csv");
    let arguments = ["timeline", "--case", "fixtures/showboat", "--format", "csv"];
    let printed = run(&arguments);
    let written = run(&[&arguments[..], &["--output", file.to_str().unwrap()]].concat());
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(fs::read(file).unwrap(), printed.stdout);
}

#[test]
fn json_is_one_value_with_every_key() {
    for (arguments, keys) in [
        (
            vec!["timeline", "--case", "fixtures/showboat", "--format", "json"],
            vec!["schema", "stack", "incarnations", "operations", "events", "gaps"],
        ),
        (
            vec!["diagnose", "--case", "fixtures/showboat", "--format", "json"],
            vec!["schema", "stack", "failures", "hypotheses", "unexplained", "refuted", "gaps"],
        ),
        (
            vec!["diagnose", "--case", "fixtures/update-in-progress", "--format", "json"],
            vec!["schema", "failures", "hypotheses", "unexplained"],
        ),
        (vec!["stacks", "--case", "fixtures/showboat", "--format", "json"], vec!["schema", "stacks", "gaps"]),
    ] {
        let value: serde_json::Value = serde_json::from_slice(&run(&arguments).stdout).unwrap();
        assert_eq!(value["schema"], 1);
        for key in keys {
            assert!(value.get(key).is_some(), "{arguments:?} lacks {key}");
        }
        for event in value["events"].as_array().into_iter().flatten() {
            for key in [
                "at",
                "source",
                "action",
                "outcome",
                "status",
                "logical_id",
                "physical_id",
                "resource_type",
                "actor",
                "message",
                "record",
                "operation",
            ] {
                assert!(event.get(key).is_some(), "{event} lacks {key}");
            }
        }
        for operation in value["operations"].as_array().into_iter().flatten() {
            for key in ["id", "kind", "outcome", "started_at", "ended_at", "actor", "failures"] {
                assert!(operation.get(key).is_some(), "{operation} lacks {key}");
            }
        }
    }
}

#[test]
fn hostile_text_reaches_no_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let events = r#"{"StackEvents":[{"StackId":"arn:aws:cloudformation:us-east-1:111122223333:stack/A/1","StackName":"A","EventId":"1","LogicalResourceId":"R\u001b[2J","Timestamp":"2026-11-18T12:00:00Z","ResourceStatus":"CREATE_FAILED","ResourceStatusReason":"\u001b]0;owned\u0007 \u202etxt =cmd|' /C calc'!A0 | <script>alert(1)</script>"}]}"#;
    fs::write(dir.path().join("stack_events.json"), events).unwrap();
    let case = dir.path().display().to_string();
    for arguments in [
        vec!["timeline", "--case", &case],
        vec!["diagnose", "--case", &case],
        vec!["stacks", "--case", &case],
        vec!["timeline", "--case", &case, "--format", "markdown"],
    ] {
        let text = stdout(&run(&arguments));
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{arguments:?}: {text:?}");
        assert!(!text.contains("<script>") || arguments.len() == 3, "{arguments:?}: {text}");
    }
}

#[test]
fn completions_and_manuals_are_made() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(stdout(&run(&["completions", shell])).contains("cfn-forensics"), "{shell}");
    }
    assert!(stdout(&run(&["man"])).contains(".TH cfn-forensics 1"));
    let dir = tempfile::tempdir().unwrap();
    assert!(run(&["man", "--output", dir.path().to_str().unwrap()]).status.success());
    assert!(dir.path().join("cfn-forensics-timeline.1").exists());
}

#[test]
fn rules_are_listed_shown_and_tested() {
    let listed = stdout(&run(&["rules", "list", "--cause", "throttling"]));
    assert!(listed.starts_with("throttling: too many requests") && listed.contains("throttled"), "{listed}");
    assert!(!listed.contains("permission.denied"), "{listed}");
    let shown = stdout(&run(&["rules", "show", "bucket-name-taken"]));
    for part in
        ["bucket-name-taken (resource.already-exists)", "How to make sure", "What to do", "But not", "More: https://"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&run(&["rules", "show", "throttled", "--format", "json"]))).unwrap();
    assert_eq!(json[0]["id"], "throttled");
    assert_eq!(run(&["rules", "show", "nope"]).status.code(), Some(2));
    let tested = run(&["rules", "test"]);
    assert!(tested.status.success() && stdout(&tested).contains("; faults: 0"), "{}", stdout(&tested));
    let of_case = stdout(&run(&["rules", "test", "fixtures/two-roots"]));
    assert!(of_case.contains("code-object-unreadable (asset.missing)"), "{of_case}");
}

#[test]
fn rules_of_ones_own_are_used_tested_and_their_faults_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let rules = dir.path().display().to_string();
    let made = run(&["rules", "new", "acme-token", "--cause", "credentials.invalid", "--output", &path("acme.toml")]);
    assert!(made.status.success(), "{}", stderr(&made));
    let tested = run(&["rules", "test", &rules]);
    assert!(
        tested.status.success() && stdout(&tested).contains("rules held against their examples: 1; faults: 0"),
        "{tested:?}"
    );

    let case = tempfile::tempdir().unwrap();
    let events = r#"{"StackEvents":[{"StackId":"arn:aws:cloudformation:us-east-1:111122223333:stack/A/1","StackName":"A","EventId":"1","LogicalResourceId":"R","ResourceType":"Custom::Acme","Timestamp":"2026-11-18T12:00:00Z","ResourceStatus":"CREATE_FAILED","ResourceStatusReason":"the token of Zorgle is expired"}]}"#;
    fs::write(case.path().join("stack_events.json"), events).unwrap();
    let case = case.path().display().to_string();
    let found = stdout(&run(&["diagnose", "--case", &case, "--rules", &rules]));
    assert!(found.contains("The token of Zorgle has expired"), "{found}");

    for (from, to, told) in [
        ("specificity = 27", "specifity = 27", "unknown field `specifity`"),
        ("specificity = 27", "specificity = 99", "specificity is between 0 and 40"),
        ("{vendor}", "{vendr}", "{vendr} is not captured by"),
        ("id = \"acme-token\"", "id = \"throttled\"", "another rule has this id"),
        ("# told_by = [\"log_events\"]", "told_by = [\"nowhere\"]", "told_by: \"nowhere\" is none of"),
    ] {
        let good = stdout(&run(&["rules", "new", "acme-token"]));
        assert!(good.contains(from), "{from}");
        fs::write(dir.path().join("acme.toml"), good.replacen(from, to, 1)).unwrap();
        let output = run(&["diagnose", "--case", &case, "--rules", &rules]);
        assert_eq!(output.status.code(), Some(4), "{to}");
        assert!(stderr(&output).contains(told) && stderr(&output).contains("acme.toml"), "{to}: {}", stderr(&output));
    }
    fs::write(
        dir.path().join("acme.toml"),
        stdout(&run(&["rules", "new", "acme-token"])).replace("Message returned: token", "Message returned: tokn"),
    )
    .unwrap();
    let faulty = run(&["rules", "test", &rules]);
    assert_eq!(faulty.status.code(), Some(10));
    assert!(stdout(&faulty).contains("missing: acme-token does not know"), "{}", stdout(&faulty));
    let empty = tempfile::tempdir().unwrap();
    let none = run(&["diagnose", "--case", &case, "--rules", &empty.path().display().to_string()]);
    assert!(stderr(&none).contains("it holds no *.toml file"), "{}", stderr(&none));
}

#[test]
fn the_arithmetic_can_be_done_again_by_hand() {
    let text = stdout(&run(&["diagnose", "--case", "fixtures/two-roots", "--explain"]));
    let (_, arithmetic) = text.split_once("The arithmetic for stack_events#17").expect(&text);
    let number = |line: &str| line.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
    let mut sum = 0.0;
    let mut checked = 0;
    for line in arithmetic.lines().take_while(|line| !line.contains("none of these")) {
        match (number(line), line.contains("the sum; odds")) {
            (Some(total), true) => {
                assert!((total - sum).abs() < 0.11, "{total} is not {sum} in {arithmetic}");
                sum = 0.0;
                checked += 1;
            }
            (Some(decibans), false) if line.starts_with("    ") => sum += decibans,
            _ => {}
        }
    }
    assert!(checked >= 2, "{arithmetic}");
}

/// The reasons of a failure in which a password and a command of a CI system are planted.
fn hostile_case(dir: &std::path::Path) {
    let row = |second: u32, logical: &str, kind: &str, status: &str, reason: &str| {
        serde_json::json!({
            "StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001",
            "StackName": "Shop", "EventId": second.to_string(), "LogicalResourceId": logical, "ResourceType": kind,
            "PhysicalResourceId": if logical == "Shop" { "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001" } else { "db" },
            "Timestamp": format!("2026-11-18T12:00:{second:02}Z"), "ResourceStatus": status, "ResourceStatusReason": reason,
        })
    };
    let reason = "Resource handler returned message: \"connect postgres://app:pa55-w0rd-9xq@db.example failed\n::error::planted, 50 %\" (RequestToken: 6c1f8b8e-0d4c-4f0e-9a3e-5b1d2c3e4f5a, HandlerErrorCode: InvalidRequest)";
    let own = "AWS::CloudFormation::Stack";
    let rows = [
        row(9, "Shop", own, "ROLLBACK_COMPLETE", ""),
        row(6, "Shop", own, "ROLLBACK_IN_PROGRESS", ""),
        row(5, "Db", "AWS::RDS::DBInstance", "CREATE_FAILED", reason),
        row(2, "Db", "AWS::RDS::DBInstance", "CREATE_IN_PROGRESS", ""),
        row(1, "Shop", own, "CREATE_IN_PROGRESS", "User Initiated"),
    ];
    fs::write(dir.join("stack_events.json"), serde_json::json!({ "StackEvents": rows }).to_string()).unwrap();
}

#[test]
fn one_reading_writes_every_format_without_the_secrets() {
    let case = tempfile::tempdir().unwrap();
    hostile_case(case.path());
    let out = tempfile::tempdir().unwrap();
    let path = |name: &str| out.path().join(name).display().to_string();
    let names =
        ["a.md", "a.html", "a.json", "a.sarif", "b.sarif.json", "a.xml", "a.trace.json", "a.otlp.json", "B.MARKDOWN"];
    let files: Vec<String> = names.iter().map(|name| path(name)).collect();
    let mut arguments = vec!["report", "--case", case.path().to_str().unwrap()];
    arguments.extend(files.iter().flat_map(|file| ["--output", file.as_str()]));
    let output = run(&arguments);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", stderr(&output));
    for (name, file) in names.iter().zip(&files) {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("pa55-w0rd-9xq"), "{name}");
        assert!(text.contains("redacted password 1"), "{name}: {text}");
    }
    assert_eq!(fs::read(path("a.md")).unwrap(), fs::read(path("B.MARKDOWN")).unwrap());
    let plain = run(&["report", "--case", case.path().to_str().unwrap(), "--no-redact"]);
    assert!(stdout(&plain).contains("pa55-w0rd-9xq"));
}

#[test]
fn what_a_report_cannot_do_is_said_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let existing = dir.path().join("map.json");
    fs::write(&existing, "kept").unwrap();
    let map = existing.to_str().unwrap();
    for (arguments, code, told) in [
        (vec!["--output", "report.doc"], 2, "it ends in none of .md"),
        (vec!["--output", "a.md", "--output", "a.md"], 2, "write a.md twice"),
        (vec!["--redact", "ids", "--mapping", "a.md", "--output", "a.md"], 2, "write a.md twice"),
        (vec!["--redact", "names"], 2, "possible values: emails, ids"),
        (vec!["--redact", "ids", "--no-redact"], 2, "cannot be used with"),
        (vec!["--redact", "ids", "--mapping", map], 1, "exists"),
        (vec!["--output", "no/such/folder/a.md"], 1, "write no/such/folder/a.md"),
        (vec!["--operation", "nope"], 2, "find operation nope"),
    ] {
        let mut all = vec!["report", "--case", "fixtures/two-roots"];
        all.extend(&arguments);
        let output = run(&all);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(told), "{arguments:?}: {}", stderr(&output));
    }
    assert_eq!(fs::read_to_string(existing).unwrap(), "kept");
}

#[test]
fn a_job_of_github_actions_is_told_of_a_failure() {
    let case = tempfile::tempdir().unwrap();
    hostile_case(case.path());
    let summary = case.path().join("summary.md");
    fs::write(&summary, "before\n").unwrap();
    let job = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary).output().unwrap()
    };
    let output = job(&["report", "--case", case.path().to_str().unwrap(), "--format", "json"]);
    let told = stderr(&output);
    assert!(told.starts_with("::error title=Shop%3A CREATE_FAILED Db (AWS%3A%3ARDS%3A%3ADBInstance)::"), "{told}");
    assert!(told.contains("%0A:\\u{3a}error::planted, 50 %25") && told.lines().count() == 1, "{told}");
    let page = fs::read_to_string(&summary).unwrap();
    assert!(page.starts_with("before\n## Shop: create failed"), "{page}");
    assert!(!told.contains("pa55-w0rd-9xq") && !page.contains("pa55-w0rd-9xq"));
    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    let output = job(&["report", "--case", case.path().to_str().unwrap(), "--format", "annotations"]);
    assert_eq!((stdout(&output).lines().count(), stderr(&output).as_str()), (1, ""), "told once");
    fs::write(&summary, "").unwrap();
    let output = job(&["report", "--case", "fixtures/update-in-progress"]);
    assert_eq!((stderr(&output).as_str(), fs::read_to_string(&summary).unwrap().as_str()), ("", ""));
}

#[test]
fn two_deployments_are_compared() {
    for (arguments, code, expected) in [
        (vec!["--case", "fixtures/showboat"], 0, "A  cut off"),
        (vec!["--case", "fixtures/showboat", "--format", "markdown"], 0, "| outcome | cut off | failed |"),
        (vec!["--case", "fixtures/two-roots", "--case", "fixtures/nested-kms-refused"], 0, "Only in B"),
        (vec!["--case", "fixtures/two-roots"], 2, "tells of only one deployment of order-worker"),
        (vec!["--case", "fixtures/showboat", "--operation", "latest"], 2, "name two, or none"),
        (vec!["--case", "a", "--case", "b", "--case", "c"], 2, "more than two cases"),
    ] {
        let mut all = vec!["compare"];
        all.extend(&arguments);
        let output = run(&all);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        let told = stdout(&output) + &stderr(&output);
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
}
