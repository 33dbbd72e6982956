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
