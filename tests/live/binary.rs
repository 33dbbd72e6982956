//! Runs of the real binary against an emulator, in an environment that holds nothing but what the binary is told.
//! Neither the machine's AWS configuration nor its credentials can reach a run.
//! Used by the stories.
#![allow(clippy::disallowed_methods)]

use super::account::Account;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a run left.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
    pub took: Duration,
}

impl Account {
    /// Runs the binary with the account's credentials and region.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_at(&self.server.url(), arguments)
    }

    /// The same against another endpoint.
    pub fn run_at(&self, url: &str, arguments: &[&str]) -> Run {
        let mut command = command(arguments);
        command
            .env("AWS_ENDPOINT_URL", url)
            .env("AWS_ACCESS_KEY_ID", &self.key)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_REGION", &self.region);
        run(&mut command)
    }
}

/// Runs the binary for somebody who has no account.
pub fn offline(arguments: &[&str]) -> Run {
    run(&mut command(arguments))
}

fn command(arguments: &[&str]) -> Command {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cfn-forensics"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", &nowhere)
        .env("AWS_CONFIG_FILE", nowhere.join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", nowhere.join("credentials"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // No line is cut where a test looks for a sentence.
        .env("COLUMNS", "1000");
    command
}

fn run(command: &mut Command) -> Run {
    let began = Instant::now();
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code().unwrap_or(-1),
        took: began.elapsed(),
    }
}

impl Run {
    /// The run, which must have ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// The run, whose output must say all of these.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "{word:?} is not in the output of\n{self}");
        }
        self
    }

    /// The run, whose standard error must say all of these.
    #[track_caller]
    pub fn complains(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in the standard error of\n{self}");
        }
        self
    }

    /// The JSON document that was written.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stdout, stderr, code, took } = self;
        write!(f, "exit code {code} after {took:?}\n-- standard output\n{stdout}\n-- standard error\n{stderr}")
    }
}

/// What JSON documents say, in the words of the table.
pub trait Told {
    /// The operations in their order: `create failed`.
    fn operations(&self) -> Vec<String>;
    /// The stack events in their order: `CREATE_FAILED Thing`.
    fn rows(&self) -> Vec<String>;
    /// The calls that CloudTrail recorded, in their order: `CreateStack`.
    fn calls(&self) -> Vec<String>;
    /// The gaps that are more than a source nobody collected: `SOURCE: WHY`.
    fn gaps(&self) -> Vec<String>;
}

impl Told for Value {
    fn operations(&self) -> Vec<String> {
        list(self, "operations").map(|it| format!("{} {}", text(it, "kind"), text(it, "outcome"))).collect()
    }

    fn rows(&self) -> Vec<String> {
        let rows = list(self, "events").filter(|event| event["source"] == "stack_events");
        rows.map(|event| format!("{} {}", text(event, "status"), text(event, "logical_id"))).collect()
    }

    fn calls(&self) -> Vec<String> {
        let calls = list(self, "events").filter(|event| event["source"] == "cloudtrail");
        calls.map(|event| text(event, "action").to_owned()).collect()
    }

    fn gaps(&self) -> Vec<String> {
        let gaps = list(self, "gaps").filter(|gap| gap["why"] != "not collected");
        gaps.map(|gap| format!("{}: {}", text(gap, "source"), text(gap, "why"))).collect()
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().unwrap_or_else(|| panic!("no {name} in {value}")).iter()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}
