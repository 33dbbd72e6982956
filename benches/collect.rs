//! What live collection costs: time and calls for the reference incident with 80 ms a call, memory for a large stack.
//!
//! `cargo bench --bench collect` serves a fake AWS on loopback and runs the release binary against it. With
//! `CALLS=1` every call is listed with its beginning and duration, from which the longest chain can be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::disallowed_methods, missing_docs)]

#[path = "../tests/wire/mod.rs"]
mod wire;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wire::{Faults, Server, World};

const LATENCY: Duration = Duration::from_millis(80);

fn main() {
    let mut times: Vec<Duration> = (0..5).map(|_| reference_incident()).collect();
    times.sort();
    println!("reference incident, {LATENCY:?} a call: median {:?} of {times:?}", times[2]);
    large_stack();
}

fn run(server: &Server, arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cfn-forensics"))
        .args(["timeline", "--format", "json"])
        .args(arguments)
        .env_clear()
        .envs([
            ("AWS_ENDPOINT_URL", server.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        // The high-water mark only rises; the last reading before the end is the peak but for the last milliseconds.
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(mark.unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success());
    (began.elapsed(), peak)
}

fn summary(server: &Server) -> (usize, BTreeMap<String, usize>) {
    let mut counts = BTreeMap::new();
    let calls = server.calls();
    for call in &calls {
        *counts.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
    }
    (calls.len(), counts)
}

fn reference_incident() -> Duration {
    let server = Server::start(World::from_case(Path::new("fixtures/showboat")), Faults::none(), LATENCY);
    let (took, peak) = run(&server, &["--stack", "CourtCaseManagementStack"]);
    let (calls, counts) = summary(&server);
    println!(
        "{took:?}, {calls} calls, {} of LookupEvents, peak {} MiB",
        counts["cloudtrail:LookupEvents"],
        peak / 1024
    );
    if std::env::var_os("CALLS").is_some() {
        for call in server.calls() {
            let took = call.took.unwrap_or_default();
            println!("  {:>6} ms +{:>4} {}:{}", call.at.as_millis(), took.as_millis(), call.service, call.operation);
        }
    }
    took
}

fn large_stack() {
    let mut world = World::large(2000, 10, 12_000);
    // A page ends at 1 MB.
    world.page_size = 500;
    let stack = world.stacks[0].name().to_owned();
    let server = Server::start(world, Faults::none(), LATENCY);
    let (took, peak) = run(&server, &["--stack", &stack, "--operation", "all"]);
    let (calls, counts) = summary(&server);
    let all = server.calls();
    let mut unique: Vec<String> =
        all.iter().map(|call| format!("{} {} {:?}", call.operation, call.region, call.parameters)).collect();
    unique.sort();
    unique.dedup();
    println!(
        "2,000 resources, 10 nested stacks, 12,000 events: {took:?}, {calls} calls ({} twice), peak {} MiB",
        calls - unique.len(),
        peak / 1024
    );
    println!("{counts:?}");
}
