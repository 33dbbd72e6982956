//! Fits what the rules' words weigh to labelled failures, and says how far the result can be believed.
//!
//! ```sh
//! cargo run --release --no-default-features --example calibrate -- corpus.jsonl > target/calibration.toml
//! mv target/calibration.toml src/rules/
//! ```
//!
//! A corpus has one failure a line: `events` (oldest first: `logical_id`, `resource_type`, `status`, `reason`, `timestamp`),
//! `cause` and `also_accept`. What is fitted is the sum of the logarithms of the probabilities that the true causes got,
//! or "none of these" where no hypothesis names a true one: nothing is gained by saying more than one knows. Five parts,
//! cut by a hash of `id`, are each scored with the numbers that the other four gave; the figures go to standard error.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::cast_precision_loss)]

use cfn_forensics::case;
use cfn_forensics::diagnose::diagnose;
use cfn_forensics::operation::{self, History, Story};
use cfn_forensics::report::select::{Question, select};
use cfn_forensics::rules::{Calibration, Catalogue, Point};
use cfn_forensics::timeline::{self, Timeline};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

/// One line of a corpus.
#[derive(Deserialize)]
struct Row {
    id: String,
    events: Vec<Posted>,
    cause: String,
    #[serde(default)]
    also_accept: Vec<String>,
}

#[derive(Deserialize)]
struct Posted {
    logical_id: Option<String>,
    resource_type: Option<String>,
    status: Option<String>,
    reason: Option<String>,
    timestamp: Option<String>,
}

/// A failure that is understood as far as possible without the rules.
struct Labelled {
    part: u8,
    causes: BTreeSet<String>,
    timeline: Timeline,
    history: History,
    story: Option<Story>,
}

/// What a diagnosis says of a labelled failure.
struct Answer {
    /// The first probability; 0 where there is no hypothesis.
    first: f64,
    /// The first cause is a true one.
    right: bool,
    /// The probability that went to the truth.
    given_to_truth: f64,
}

const PARTS: u8 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut failures = Vec::new();
    for file in std::env::args().skip(1) {
        for line in std::fs::read_to_string(&file)?.lines().filter(|line| !line.trim().is_empty()) {
            failures.push(understand(&serde_json::from_str(line)?)?);
        }
    }
    if failures.is_empty() {
        return Err("no failures given: name one or more corpus files".into());
    }
    let mut catalogue = Catalogue::embedded()?;
    let everything: Vec<&Labelled> = failures.iter().collect();

    let mut unseen = Vec::new();
    for part in 0..PARTS {
        let (left_out, others): (Vec<&Labelled>, Vec<&Labelled>) = failures.iter().partition(|row| row.part == part);
        fit(&mut catalogue, &others);
        unseen.extend(left_out.iter().map(|row| answer(&catalogue, row)));
    }
    eprintln!("each part with the numbers of the other four:");
    tell(&unseen);

    fit(&mut catalogue, &everything);
    eprintln!("everything with its own numbers:");
    tell(&everything.iter().map(|row| answer(&catalogue, row)).collect::<Vec<_>>());
    println!("# Made by examples/calibrate.rs from {} labelled failures; do not edit.", failures.len());
    let Calibration { explained_away, point } = &catalogue.calibration;
    println!("explained_away = {explained_away:?}");
    for point in point {
        println!("\n[[point]]\nspecificity = {:?}\ndecibans = {:?}", point.specificity, point.decibans);
    }
    Ok(())
}

/// Makes a case of a row, as somebody who saved the posted lines would.
fn understand(row: &Row) -> Result<Labelled, Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    write_case(row, dir.path())?;
    let capture = case::read(dir.path())?;
    let timeline = timeline::build(&capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let selection = select(&timeline, &history, &Question::default())?.of_story(&history);
    let part = row.id.bytes().fold(7_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % PARTS;
    let causes = row.also_accept.iter().cloned().chain([row.cause.clone()]).collect();
    Ok(Labelled { part, causes, story: selection.story, timeline, history })
}

fn write_case(row: &Row, dir: &Path) -> Result<(), Box<dyn Error>> {
    const STACK: &str =
        "arn:aws:cloudformation:us-east-1:111122223333:stack/Corpus/5e3b2a10-0000-11ee-8000-0a1b2c3d4e5f";
    let mut rows: Vec<Value> = Vec::new();
    let mut log = String::new();
    for (index, posted) in row.events.iter().enumerate() {
        let reason = posted.reason.as_deref().unwrap_or_default();
        let status = posted.status.as_deref().unwrap_or_default();
        let is_status = ["_FAILED", "_IN_PROGRESS", "_COMPLETE", "_SKIPPED"].iter().any(|end| status.ends_with(end));
        if !is_status {
            log.push_str(&format!("{status} {}", reason.replace('\n', " ")).trim_start().replace('\r', " "));
            log.push('\n');
            continue;
        }
        let of_stack = posted.resource_type.as_deref() == Some("AWS::CloudFormation::Stack")
            && (posted.logical_id.is_none()
                || status.contains("ROLLBACK")
                || reason.starts_with("The following resource"));
        let logical = posted.logical_id.clone().unwrap_or_else(|| format!("Resource{index}"));
        rows.push(json!({
            "StackId": STACK,
            "EventId": format!("ev-{index}"),
            "StackName": "Corpus",
            "LogicalResourceId": if of_stack { "Corpus".to_owned() } else { logical },
            "PhysicalResourceId": if of_stack { STACK } else { "" },
            "ResourceType": posted.resource_type,
            "ResourceStatus": status,
            "ResourceStatusReason": posted.reason,
            "Timestamp": posted.timestamp.clone().unwrap_or_else(|| format!("2026-03-04T10:{:02}:{:02}Z", index * 7 / 60 % 60, index * 7 % 60)),
        }));
    }
    if !rows.is_empty() {
        rows.reverse();
        std::fs::write(dir.join("stack_events.json"), json!({ "StackEvents": rows }).to_string())?;
    }
    if !log.is_empty() {
        std::fs::write(dir.join("deploy_log.txt"), log)?;
    }
    Ok(())
}

fn answer(catalogue: &Catalogue, row: &Labelled) -> Answer {
    let diagnosis = row.story.as_ref().map(|story| diagnose(&row.timeline, &row.history, story, catalogue));
    let first = diagnosis.as_ref().and_then(|diagnosis| diagnosis.explanations.first());
    // To say nothing claims nothing, but it does not help either.
    const SILENCE: f64 = 0.1;
    let Some(first) = first else { return Answer { first: 0.0, right: false, given_to_truth: SILENCE } };
    let is_true = |cause: &String| row.causes.contains(cause);
    let of_truth: f64 = first.hypotheses.iter().filter(|held| is_true(&held.cause)).map(|held| held.probability).sum();
    Answer {
        first: first.hypotheses.first().map_or(0.0, |held| held.probability),
        right: first.hypotheses.first().is_some_and(|held| is_true(&held.cause)),
        given_to_truth: if of_truth > 0.0 { of_truth } else { first.unexplained },
    }
}

/// The mean surprise at the truth, in nats.
fn loss(catalogue: &Catalogue, rows: &[&Labelled]) -> f64 {
    rows.iter().map(|row| -answer(catalogue, row).given_to_truth.max(1e-6).ln()).sum::<f64>() / rows.len().max(1) as f64
}

/// Numbers that know nothing of any corpus: each part begins from them, or it would know the part that was left out.
fn neutral(places: &[Point]) -> Calibration {
    let point = |place: &Point| Point { specificity: place.specificity, decibans: place.specificity.min(MOST) };
    Calibration { explained_away: 0.0, point: places.iter().map(point).collect() }
}

/// Moves one number after the other, by ever smaller steps, as long as that helps.
fn fit(catalogue: &mut Catalogue, rows: &[&Labelled]) {
    catalogue.calibration = neutral(&catalogue.calibration.point);
    let mut best = loss(catalogue, rows);
    for step in [4.0, 2.0, 1.0, 0.5] {
        for _ in 0..3 {
            let before = best;
            for number in 0..1 + catalogue.calibration.point.len() {
                for change in [step, -step] {
                    let kept = catalogue.calibration.clone();
                    move_by(&mut catalogue.calibration, number, change);
                    let tried = if is_sound(&catalogue.calibration) { loss(catalogue, rows) } else { f64::MAX };
                    if tried + 1e-9 < best {
                        best = tried;
                    } else {
                        catalogue.calibration = kept;
                    }
                }
            }
            if before - best < 1e-6 {
                break;
            }
        }
    }
}

fn move_by(calibration: &mut Calibration, number: usize, change: f64) {
    match number {
        0 => calibration.explained_away += change,
        _ => {
            if let Some(point) = calibration.point.get_mut(number - 1) {
                point.decibans += change;
            }
        }
    }
}

/// Some hundred failures without an error do not show that there is none in ten thousand: odds of 63 to 1 are the most.
const MOST: f64 = 28.0;

/// More specific words never weigh less, and nothing that weighs less turns into more.
fn is_sound(calibration: &Calibration) -> bool {
    calibration.point.is_sorted_by(|a, b| a.decibans <= b.decibans)
        && calibration.point.iter().all(|point| point.decibans <= MOST)
        && (-30.0..=0.0).contains(&calibration.explained_away)
}

fn tell(answers: &[Answer]) {
    let count = answers.len().max(1) as f64;
    let surprise = answers.iter().map(|answer| -answer.given_to_truth.max(1e-6).ln()).sum::<f64>() / count;
    let right = answers.iter().filter(|answer| answer.right).count() as f64 / count;
    let over = answers.iter().filter(|answer| !answer.right && answer.first >= 0.9).count() as f64 / count;
    let mut error = 0.0;
    eprintln!("  said        failures  said on average  right");
    for bin in 0..10 {
        let (low, high) = (f64::from(bin) / 10.0, f64::from(bin + 1) / 10.0);
        let within = |answer: &&Answer| answer.first >= low && (answer.first < high || bin == 9);
        let of_bin: Vec<&Answer> = answers.iter().filter(within).collect();
        if of_bin.is_empty() {
            continue;
        }
        let size = of_bin.len() as f64;
        let said = of_bin.iter().map(|answer| answer.first).sum::<f64>() / size;
        let were = of_bin.iter().filter(|answer| answer.right).count() as f64 / size;
        error += size / count * (said - were).abs();
        eprintln!("  {low:.1} to {high:.1}  {:8}  {said:15.3}  {were:.3}", of_bin.len());
    }
    eprintln!(
        "  first right {right:.3}, calibration error {error:.3}, wrong with 0.9 or more {over:.3}, surprise {surprise:.3}"
    );
}
