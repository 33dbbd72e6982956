//! The finished diagnosis: the story, its failures, the ranked causes with their evidence, and what is not known.
//! Probabilities are rounded here, once, so that every renderer prints the same number.
//! Formatted by the `diagnose` verb's renderers.

use super::entries::{FailureEntry, OperationEntry};
use super::known::{Fact, known};
use super::recovery::{Recovery, recovery};
use super::select::{self, Selection};
use super::unknown::{Question, unknown};
use super::{Evidence, SCHEMA};
use crate::diagnose::{Diagnosis, Explanation, Hypothesis};
use crate::model::{Event, Gap, time};
use crate::operation::{Ending, Failure, Kind, Operation};
use crate::rules::Ground;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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
    /// The record of the most important failure; none where nothing failed.
    pub root: Option<String>,
    /// The failures of the stack's own operations, in order of time.
    pub failures: Vec<FailureEntry<'a>>,
    /// The most probable first.
    pub hypotheses: Vec<HypothesisEntry<'a>>,
    /// The probability that none of the hypotheses explains the most important failure.
    pub unexplained: f64,
    /// For each failure that a rule knows, in the order of the hypotheses: what else shares its cause, and how probable it
    /// is that none of its hypotheses is right.
    pub explanations: Vec<ExplanationEntry>,
    /// Theories that the evidence contradicts.
    pub refuted: Vec<HypothesisEntry<'a>>,
    /// Failures that no hypothesis explains.
    pub unexplained_failures: Vec<FailureEntry<'a>>,
    /// What the evidence tells for certain.
    pub known: Vec<Fact>,
    /// What it does not tell, and how to find out.
    pub unknown: Vec<Question>,
    /// What can be done with the stack as it stands.
    pub recovery: Recovery,
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

/// What is explained, and how well.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ExplanationEntry {
    /// The record of the failure.
    pub root: String,
    /// The records of further failures that its first hypothesis explains as well.
    pub also: Vec<String>,
    /// The probability of "none of these".
    pub unexplained: f64,
}

/// One possible cause.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
    pub fixes: Cow<'a, [String]>,
    /// How to find out whether it is so.
    pub confirm: Cow<'a, [String]>,
    /// AWS's page on it.
    #[serde(borrow)]
    pub link: Option<&'a str>,
    /// Decibans before any evidence.
    pub prior: f64,
    /// Prior plus evidence, in decibans.
    pub score: f64,
    /// The heaviest first.
    #[serde(borrow)]
    pub evidence: Vec<EvidenceEntry<'a>>,
}

/// A record that speaks for or against a cause.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EvidenceEntry<'a> {
    /// Where it is; none where a source is silent or was not seen.
    pub record: Option<String>,
    /// The source that says it, is silent, or was not seen.
    pub source: &'a str,
    /// What it weighs; negative speaks against.
    pub decibans: f64,
    /// What it says.
    pub says: &'a str,
    /// The record's own words.
    #[serde(borrow)]
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
        let not_explained: HashSet<usize> = diagnosis.unexplained_failures.iter().copied().collect();
        let unexplained = diagnosis.failing.iter().filter(|failing| not_explained.contains(&failing.event));
        let unexplained = unexplained.map(|failing| Failure { event: failing.event, role: failing.role });
        let blind = !diagnosis.failed && is_blind(evidence, &own);
        // Where nobody saw what happened, the guesses need their questions all the more.
        let has_answer = diagnosis.failed || blind && !diagnosis.explanations.is_empty();
        let last_failed = if diagnosis.failed { None } else { select::last_failed(history, &selection.name) };
        let last_failed = last_failed.and_then(|story| history.operations.get(*story.operations.first()?));
        Self {
            schema: SCHEMA,
            stack: Some(&*selection.name).filter(|name| !name.is_empty()),
            failed: diagnosis.failed,
            blind,
            explained: diagnosis.is_explained(),
            operations: selection.with_nested.iter().filter_map(|index| OperationEntry::of(evidence, *index)).collect(),
            subjects: match (failed.is_empty(), blind) {
                (false, _) => failed,
                (true, true) => own.iter().map(|operation| &*operation.id).collect(),
                (true, false) => last(),
            },
            failures: failures.filter_map(|failure| FailureEntry::of(evidence, failure)).collect(),
            root: diagnosis
                .failing
                .first()
                .and_then(|failing| evidence.timeline.events.get(failing.event))
                .map(|event| event.record.to_string()),
            hypotheses: diagnosis.hypotheses().map(entry).collect(),
            unexplained: rounded(diagnosis.unexplained()),
            explanations: diagnosis.explanations.iter().map(|explanation| explained(evidence, explanation)).collect(),
            refuted: diagnosis.refuted.iter().map(entry).collect(),
            unexplained_failures: unexplained.filter_map(|failure| FailureEntry::of(evidence, &failure)).collect(),
            known: if has_answer { known(evidence, selection, diagnosis) } else { Vec::new() },
            unknown: if has_answer { unknown(evidence, selection, diagnosis) } else { Vec::new() },
            recovery: if has_answer { recovery(evidence, selection, diagnosis) } else { Recovery::default() },
            last_failed: last_failed
                .map(|operation| LastFailed { operation: &operation.id, started_at: time::text(operation.started_at) }),
            gaps: &evidence.timeline.gaps,
        }
    }
}

/// What is less probable than this, and not the first, is only named: its arithmetic is in `--explain` and in JSON.
const IMPROBABLE: f64 = 0.05;

impl<'a> HypothesisEntry<'a> {
    /// Pages for people tell it in full; `place` is that among the hypotheses of its failure, from 0.
    pub fn is_told_in_full(&self, place: usize) -> bool {
        place == 0 || self.probability >= IMPROBABLE
    }

    fn of(evidence: Evidence<'a>, hypothesis: &'a Hypothesis) -> Self {
        let events = &evidence.timeline.events;
        Self {
            cause: &hypothesis.cause,
            probability: rounded(hypothesis.probability),
            root: events.get(hypothesis.root).map(|event| event.record.to_string()),
            rule: &hypothesis.rule,
            title: &hypothesis.advice.title,
            explanation: &hypothesis.advice.explanation,
            fixes: Cow::Borrowed(&hypothesis.advice.fixes),
            confirm: Cow::Borrowed(&hypothesis.advice.confirm),
            link: hypothesis.advice.link.as_deref().filter(|link| is_web_address(link)),
            prior: rounded(hypothesis.prior),
            score: rounded(hypothesis.score),
            evidence: hypothesis
                .evidence
                .iter()
                .map(|piece| {
                    let event = piece.ground.event().and_then(|index| events.get(index));
                    EvidenceEntry {
                        record: event.map(|event| event.record.to_string()),
                        source: match piece.ground {
                            Ground::Event(_) => event.map_or("", |event| event.source),
                            Ground::Silence(source) | Ground::Unseen(source) => source,
                        },
                        decibans: rounded(piece.decibans),
                        says: &piece.says,
                        text: event.and_then(|event| event.message.as_deref()),
                    }
                })
                .collect(),
        }
    }
}

/// Rules of one's own may link to anything; only the web's addresses become links, and nothing that could break out of one.
fn is_web_address(link: &str) -> bool {
    let breaks_out = |c: char| c.is_whitespace() || c.is_control() || "()<>\\\"`|[]".contains(c);
    link.starts_with("https://") && !link.contains(breaks_out)
}

fn explained(evidence: Evidence<'_>, explanation: &Explanation) -> ExplanationEntry {
    let record = |event: &usize| evidence.timeline.events.get(*event).map(|event| event.record.to_string());
    ExplanationEntry {
        root: record(&explanation.root).unwrap_or_default(),
        also: explanation.also.iter().filter_map(record).collect(),
        unexplained: rounded(explanation.unexplained),
    }
}

/// True where no row tells of these operations, and it is known that rows are missing.
fn is_blind(evidence: Evidence<'_>, operations: &[&Operation]) -> bool {
    let mut events = operations
        .iter()
        .flat_map(|operation| &operation.events)
        .filter_map(|index| evidence.timeline.events.get(*index));
    let missing = |source: &str| evidence.timeline.gaps.iter().any(|gap| &*gap.source == source);
    // The stack's rows do not tell how its change set ended.
    let only_change_sets = operations.iter().all(|operation| {
        operation.kind == Kind::ChangeSet && !matches!(operation.ending, Ending::Succeeded | Ending::Failed)
    });
    missing("stack_events") && !events.any(Event::is_stack_event)
        || !operations.is_empty() && only_change_sets && missing("change_sets")
}

/// To four places: finer differences mean nothing, and the same number must come out on every machine.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_become_links() {
        for (link, expected) in [
            ("https://docs.aws.amazon.com/x#y", true),
            ("http://docs.aws.amazon.com/", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("https://x/)[a](http://evil", false),
            ("https://x/ y", false),
        ] {
            assert_eq!(is_web_address(link), expected, "{link}");
        }
    }
}
