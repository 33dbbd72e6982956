//! The binary against the fake AWS on the loopback interface: real sockets, real TLS-less HTTP, real signals.
//! What is learned and what each fault costs is tested with paused time in `src/aws/tests.rs`; here it is that the
//! binary as a whole behaves: exit codes, what is printed where, cases that are kept.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod wire;

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use wire::{Fault, Faults, Server, World};

const STACK: &str = "CourtCaseManagementStack";

fn showboat(faults: Faults) -> Server {
    Server::start(World::from_case(Path::new("fixtures/showboat")), faults, Duration::ZERO)
}

/// The binary with this server as all of AWS, and nothing of this machine's configuration.
fn binary(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cfn-forensics"));
    command.args(arguments).env_clear().envs([
        ("AWS_ENDPOINT_URL", server.url.as_str()),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ]);
    command
}

fn run(server: &Server, arguments: &[&str]) -> Output {
    binary(server, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_name_tells_the_whole_story() {
    let server = showboat(Faults::none());
    let output = run(&server, &["timeline", "--stack", STACK]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for part in
        ["create failed after 28 min", "ApiServiceC9037CF0", "rolled back by AWS CloudFormation", "aws-cdk-showboat"]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert_eq!(stderr(&output), "", "what is not a terminal is not told of progress");
    let output = run(&server, &["diagnose", "--stack", STACK, "--format", "json"]);
    assert_eq!(output.status.code(), Some(10));
    let diagnosis: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert!(diagnosis["hypotheses"].as_array().is_some_and(|all| !all.is_empty()));
}

#[test]
fn what_is_kept_says_the_same_as_what_was_seen() {
    let server = showboat(Faults::none());
    let folder = tempfile::tempdir().unwrap();
    for name in ["case", "case.zip"] {
        let case = folder.path().join(name);
        let case = case.to_str().unwrap();
        let seen = run(&server, &["timeline", "--stack", STACK, "--save", case, "--format", "json"]);
        let kept = run(&server, &["timeline", "--case", case, "--stack", STACK, "--format", "json"]);
        assert_eq!(stdout(&seen), stdout(&kept));
        assert!(stderr(&seen).contains("saved the case as"));
        assert_eq!(run(&server, &["case", "verify", case]).status.code(), Some(0));
        let again = run(&server, &["timeline", "--stack", STACK, "--save", case]);
        assert_eq!(again.status.code(), Some(1), "{}", stderr(&again));
        assert!(stderr(&again).contains("name a new one"), "{}", stderr(&again));
    }
}

#[test]
fn a_capture_says_what_it_holds_and_who_asked() {
    let server = showboat(Faults::none());
    let folder = tempfile::tempdir().unwrap();
    let output = binary(&server, &["capture", "--stack", STACK]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [case] = made.as_slice() else { panic!("{made:?}") };
    assert!(case.file_name().unwrap().to_str().unwrap().starts_with("CourtCaseManagementStack-20"), "{case:?}");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(case.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["scope"]["account"], "111122223333");
    assert_eq!(manifest["scope"]["region"], "us-east-1");
    assert!(manifest["caller"].as_str().unwrap().starts_with("arn:aws:"));
    let calls: u64 = manifest["calls"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(calls, server.calls().len() as u64);
    assert!(manifest["asked"].as_array().unwrap().iter().all(|asked| asked["outcome"] != "partial"));
}

#[test]
fn every_call_is_logged_where_it_is_asked_for() {
    let server = showboat(Faults::none());
    let output = run(&server, &["stacks", "--since", "2026-11-01", "-v"]);
    let log = stderr(&output);
    let calls = log.lines().filter(|line| line.starts_with("call ")).count();
    assert_eq!(calls, server.calls().len(), "{log}");
    assert!(log.lines().last().unwrap().starts_with(&format!("calls   {calls}: ")), "{log}");
    assert_eq!(stdout(&output).lines().filter(|line| line.contains(STACK)).count(), 2, "{}", stdout(&output));
}

#[test]
fn faults_of_the_wire_are_survived() {
    for fault in [Fault::Reset, Fault::Truncated, Fault::Garbage, Fault::error(503, "ServiceUnavailable", "later")] {
        let said = format!("{fault:?}");
        let server = showboat(Faults::none().on("cloudformation", "DescribeStackEvents", 0..1, fault));
        let output = run(&server, &["timeline", "--stack", STACK, "--only", "stack_events"]);
        assert_eq!(output.status.code(), Some(0), "{said}: {}", stderr(&output));
        assert!(stdout(&output).contains("create failed after 28 min"), "{said}");
    }
}

#[test]
fn what_cannot_be_had_decides_the_exit_code_only_where_nothing_is_left() {
    let expired = || Fault::error(403, "ExpiredToken", "The security token included in the request is expired");
    let output = run(&showboat(Faults::none().on("*", "*", .., expired())), &["timeline", "--stack", STACK]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("expired") && stderr(&output).contains("Sign in"), "{}", stderr(&output));

    let denied = Fault::access_denied("cloudformation", "ListStacks");
    let server = showboat(Faults::none().on("cloudformation", "ListStacks", .., denied));
    let output = run(&server, &["timeline", "--stack", STACK]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("cloudformation:ListStacks"), "{}", stderr(&output));

    // That nothing failed can be said only by who saw the stack's events.
    let denied = Fault::access_denied("cloudformation", "DescribeStackEvents");
    let server = showboat(Faults::none().on("cloudformation", "DescribeStackEvents", .., denied));
    let output = run(&server, &["diagnose", "--stack", STACK]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    assert!(
        stdout(&output).contains("not known") && !stdout(&output).contains("nothing failed"),
        "{}",
        stdout(&output)
    );

    let server = showboat(Faults::none().on("cloudtrail", "*", .., expired()));
    let output = run(&server, &["timeline", "--stack", STACK]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("cloudtrail"), "the gap is shown");

    for (stack, says) in [("CourtCaseManagementStak", STACK), ("nothing-of-the-kind", "90 days")] {
        let output = run(&showboat(Faults::none()), &["timeline", "--stack", stack]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(says), "{}", stderr(&output));
    }
    let output = run(&showboat(Faults::none()), &["timeline", "--stack", STACK, "--region", "eu-west-1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("us-east-1"), "{}", stderr(&output));
    for stack in ["", "a*b", "arn:aws:s3:::shop"] {
        let output = run(&showboat(Faults::none()), &["timeline", "--stack", stack]);
        assert_eq!(output.status.code(), Some(2), "{stack}");
        assert!(stderr(&output).contains("neither a stack's name nor"), "{}", stderr(&output));
    }
    let output = run(&showboat(Faults::none()), &["timeline"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--stack"), "{}", stderr(&output));
}

#[test]
fn an_endpoint_that_hangs_is_left_when_time_is_up() {
    let server = showboat(Faults::none().on("cloudtrail", "*", .., Fault::Hang));
    let output = run(&server, &["timeline", "--stack", STACK, "--timeout", "3s"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("ran out of time"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_signal_keeps_what_is_there() {
    for signal in ["INT", "TERM"] {
        let server = showboat(Faults::none().on("cloudtrail", "*", .., Fault::Hang));
        let folder = tempfile::tempdir().unwrap();
        let case = folder.path().join("case");
        let arguments = ["capture", "--stack", STACK, "--output", case.to_str().unwrap()];
        let mut command = binary(&server, &arguments);
        let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // All that does not hang is answered once no further call comes.
        let mut calls = 0;
        while calls == 0 || server.calls().len() > calls {
            calls = server.calls().len();
            std::thread::sleep(Duration::from_millis(1200));
        }
        assert!(Command::new("kill").args(["-s", signal, &running.id().to_string()]).status().unwrap().success());
        let output = running.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {}", stderr(&output));
        assert!(stdout(&output).contains("PARTIAL"), "{}", stdout(&output));
        let manifest = std::fs::read_to_string(case.join("manifest.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&manifest).unwrap()["partial"], true);
        let output = run(&server, &["timeline", "--case", case.to_str().unwrap()]);
        assert!(stdout(&output).contains("interrupted"), "{}", stdout(&output));
    }
}
