//! The finished diagnosis: the story, its failures, the ranked causes with their evidence, and what is not known.
//! Probabilities are rounded here, once, so that every renderer prints the same number.
//! Formatted by the `diagnose` verb's renderers.

use super::entries::{FailureEntry, OperationEntry};
use super::select::{self, Selection};
use super::{Evidence, SCHEMA};
use crate::diagnose::{Diagnosis, Hypothesis};
use crate::model::{Event, Gap, time};
use crate::operation::{Failure, Operation};
use hashbrown::HashSet;
use serde::Serialize;

/// What is known about why a story failed.
#[derive(Debug, Serialize)]
pub struct DiagnosisReport<'a> {
    /// The version of this output.
    pub schema: u32,
    /// The stack's name.
    pub stack: Option<&'a str>,
    /// The story failed or was cut off.
    pub failed: bool,
    /// Nothing that was seen failed, but the stack's own rows, which would tell, were not seen.
    pub blind: bool,
    /// The first hypothesis beats "none of these".
    pub explained: bool,
    /// The operations of the story, oldest first, nested stacks' among them.
    pub operations: Vec<OperationEntry<'a>>,
    /// The ids of the stack's own operations that the verdict is about: those that failed, else the last.
    pub subjects: Vec<&'a str>,
    /// The failures of the stack's own operations, in order of time.
    pub failures: Vec<FailureEntry<'a>>,
    /// The most probable first.
    pub hypotheses: Vec<HypothesisEntry<'a>>,
    /// The probability of "none of these".
    pub unexplained: f64,
    /// Theories that the evidence contradicts.
    pub refuted: Vec<HypothesisEntry<'a>>,
    /// Failures that no hypothesis explains.
    pub unexplained_failures: Vec<FailureEntry<'a>>,
    /// Where the newest story did not fail: the newest one that did.
    pub last_failed: Option<LastFailed<'a>>,
    /// What could not be seen.
    pub gaps: &'a [Gap],
}

/// The newest story that failed, for who asked about one that did not.
#[derive(Debug, Serialize)]
pub struct LastFailed<'a> {
    /// The id of its first operation, for `--operation`.
    pub operation: &'a str,
    /// When that began.
    pub started_at: String,
}

/// One possible cause.
#[derive(Debug, Serialize)]
pub struct HypothesisEntry<'a> {
    /// The cause's code.
    pub cause: &'a str,
    /// 0 to 1.
    pub probability: f64,
    /// The record of the failure that it explains.
    pub root: Option<String>,
    /// The id of the rule that speaks loudest for it.
    pub rule: &'a str,
    /// The cause in one sentence.
    pub title: &'a str,
    /// Why it happens.
    pub explanation: &'a str,
    /// What to do, the safest first.
    pub fixes: &'a [String],
    /// How to find out whether it is so.
    pub confirm: &'a [String],
    /// AWS's page on it.
    pub link: Option<&'a str>,
    /// Decibans before any evidence.
    pub prior: f64,
    /// Prior plus evidence, in decibans.
    pub score: f64,
    /// The heaviest first.
    pub evidence: Vec<EvidenceEntry<'a>>,
}

/// A record that speaks for or against a cause.
#[derive(Debug, Serialize)]
pub struct EvidenceEntry<'a> {
    /// Where it is.
    pub record: String,
    /// What it weighs; negative speaks against.
    pub decibans: f64,
    /// What it says.
    pub says: &'a str,
    /// The record's own words.
    pub text: Option<&'a str>,
}

impl<'a> DiagnosisReport<'a> {
    /// The report of a diagnosis.
    pub fn new(evidence: Evidence<'a>, selection: &'a Selection, diagnosis: &'a Diagnosis) -> Self {
        let history = evidence.history;
        let own: Vec<&Operation> =
            selection.operations.iter().filter_map(|index| history.operations.get(*index)).collect();
        let failures = own.iter().flat_map(|operation| operation.failures.iter());
        let failed: Vec<&str> =
            own.iter().filter(|operation| operation.failed()).map(|operation| &*operation.id).collect();
        let last = || own.last().map(|operation| &*operation.id).into_iter().collect();
        let entry = |hypothesis: &'a Hypothesis| HypothesisEntry::of(evidence, hypothesis);
        let unexplained: HashSet<usize> = diagnosis.unexplained_failures.iter().copied().collect();
        let unexplained = diagnosis.failing.iter().filter(|failing| unexplained.contains(&failing.event));
        let unexplained = unexplained.map(|failing| Failure { event: failing.event, role: failing.role });
        let last_failed = if diagnosis.failed { None } else { select::last_failed(history, &selection.name) };
        let last_failed = last_failed.and_then(|story| history.operations.get(*story.operations.first()?));
        Self {
            schema: SCHEMA,
            stack: Some(&*selection.name).filter(|name| !name.is_empty()),
            failed: diagnosis.failed,
            blind: !diagnosis.failed && is_blind(evidence, &own),
            explained: diagnosis.is_explained(),
            operations: selection.with_nested.iter().filter_map(|index| OperationEntry::of(evidence, *index)).collect(),
            subjects: if failed.is_empty() { last() } else { failed },
            failures: failures.filter_map(|failure| FailureEntry::of(evidence, failure)).collect(),
            hypotheses: diagnosis.hypotheses.iter().map(entry).collect(),
            unexplained: rounded(diagnosis.unexplained),
            refuted: diagnosis.refuted.iter().map(entry).collect(),
            unexplained_failures: unexplained.filter_map(|failure| FailureEntry::of(evidence, &failure)).collect(),
            last_failed: last_failed
                .map(|operation| LastFailed { operation: &operation.id, started_at: time::text(operation.started_at) }),
            gaps: &evidence.timeline.gaps,
        }
    }
}

impl<'a> HypothesisEntry<'a> {
    fn of(evidence: Evidence<'a>, hypothesis: &'a Hypothesis) -> Self {
        let events = &evidence.timeline.events;
        Self {
            cause: &hypothesis.cause,
            probability: rounded(hypothesis.probability),
            root: events.get(hypothesis.root).map(|event| event.record.to_string()),
            rule: &hypothesis.rule,
            title: &hypothesis.advice.title,
            explanation: &hypothesis.advice.explanation,
            fixes: &hypothesis.advice.fixes,
            confirm: &hypothesis.advice.confirm,
            link: hypothesis.advice.link.as_deref(),
            prior: rounded(hypothesis.prior),
            score: rounded(hypothesis.score),
            evidence: hypothesis
                .evidence
                .iter()
                .filter_map(|piece| {
                    let event = events.get(piece.event)?;
                    Some(EvidenceEntry {
                        record: event.record.to_string(),
                        decibans: rounded(piece.decibans),
                        says: &piece.says,
                        text: event.message.as_deref(),
                    })
                })
                .collect(),
        }
    }
}

/// True where no row tells of these operations, and it is known that rows are missing.
fn is_blind(evidence: Evidence<'_>, operations: &[&Operation]) -> bool {
    let mut events = operations
        .iter()
        .flat_map(|operation| &operation.events)
        .filter_map(|index| evidence.timeline.events.get(*index));
    let rows_missing = evidence.timeline.gaps.iter().any(|gap| &*gap.source == "stack_events");
    rows_missing && !events.any(Event::is_stack_event)
}

/// To four places: finer differences mean nothing, and the same number must come out on every machine.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
