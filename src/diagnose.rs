//! From findings to a diagnosis: the rules' answers for one cause and one failure are merged, scored and ranked.
//! The arithmetic fits on a page: a score is the prior plus the evidence in decibans, "none of these" stands at 0, and a
//! probability is 10^(score/10) over the sum of all. Used by the `diagnose` verb and the reports.

use crate::model::Event;
use crate::operation::{History, Role, Story};
use crate::rules::{self, Advice, Catalogue, Context, Decibans, Evidence, Failing, Finding};
use crate::timeline::Timeline;
use std::collections::BTreeMap;

/// All findings for one cause and one failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// The cause's code.
    pub cause: String,
    /// The id of the rule that speaks loudest for it.
    pub rule: String,
    /// The failure that it explains, as an index into `Timeline::events`.
    pub root: usize,
    /// Prior plus evidence.
    pub score: Decibans,
    /// Between 0 and 1. Those of all hypotheses and "none of these" add up to 1.
    pub probability: f64,
    /// What the cause is worth before any evidence.
    pub prior: Decibans,
    /// The heaviest first; each event once.
    pub evidence: Vec<Evidence>,
    /// The words of the loudest rule.
    pub advice: Advice,
}

/// What is known about why a story failed.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// The most probable first. Empty where nothing failed or no rule knows the failure.
    pub hypotheses: Vec<Hypothesis>,
    /// The probability of "none of these"; 1 where there is no hypothesis.
    pub unexplained: f64,
    /// Theories that the evidence contradicts, in the order in which they came up.
    pub refuted: Vec<Hypothesis>,
    /// The real failures of the story, the most important first.
    pub failing: Vec<Failing>,
    /// Those that no hypothesis explains.
    pub unexplained_failures: Vec<usize>,
    /// The story failed or was cut off.
    pub failed: bool,
}

impl Diagnosis {
    /// True when the first hypothesis beats "none of these".
    pub fn is_explained(&self) -> bool {
        self.hypotheses.first().is_some_and(|first| first.probability > self.unexplained)
    }
}

/// A theory is refuted when the evidence against it is at least this, and it is left with less than "none of these".
const REFUTED_BY: Decibans = -10.0;
/// What is less probable than this is not worth a reader's time.
const LEAST_PROBABLE: f64 = 0.001;

/// The diagnosis of one story.
pub fn diagnose(timeline: &Timeline, history: &History, story: &Story, catalogue: &Catalogue) -> Diagnosis {
    let failing = failing(history, story);
    let context = Context { timeline, history, story, catalogue, failing: &failing };
    let merged = merge(rules::findings(&context));
    let (refuted, mut hypotheses): (Vec<_>, Vec<_>) = merged.into_iter().partition(is_refuted);
    let refuted: Vec<Hypothesis> =
        refuted.into_iter().filter(|theory| theory.evidence.iter().any(|evidence| evidence.decibans > 0.0)).collect();
    hypotheses.retain(|hypothesis| hypothesis.evidence.iter().any(|evidence| evidence.decibans > 0.0));
    let sum: f64 = 1.0 + hypotheses.iter().map(|hypothesis| odds(hypothesis.score)).sum::<f64>();
    for hypothesis in &mut hypotheses {
        hypothesis.probability = odds(hypothesis.score) / sum;
    }
    hypotheses.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| a.root.cmp(&b.root)).then_with(|| a.cause.cmp(&b.cause))
    });
    // What is cut off here goes to "none of these", so that the sum stays one.
    hypotheses.retain(|hypothesis| hypothesis.probability >= LEAST_PROBABLE);
    let unexplained = 1.0 - hypotheses.iter().map(|hypothesis| hypothesis.probability).sum::<f64>();
    let unexplained_failures = failing
        .iter()
        .map(|failing| failing.event)
        .filter(|event| hypotheses.iter().all(|hypothesis| hypothesis.root != *event))
        .collect();
    Diagnosis {
        hypotheses,
        unexplained,
        refuted,
        unexplained_failures,
        failed: story.failed || !failing.is_empty(),
        failing,
    }
}

fn odds(score: Decibans) -> f64 {
    10_f64.powf(score / 10.0)
}

/// The real failures of a story: the roots in the order of the operations, then the independent ones.
pub fn failing(history: &History, story: &Story) -> Vec<Failing> {
    let mut found = Vec::new();
    for role in [Role::Root, Role::Independent] {
        for operation in &story.operations {
            let failures =
                history.operations.get(*operation).map(|operation| operation.failures.as_slice()).unwrap_or_default();
            let of_role = failures.iter().filter(|failure| failure.role == role);
            found.extend(of_role.map(|failure| Failing { event: failure.event, operation: *operation, role }));
        }
    }
    found.dedup_by_key(|failing| failing.event);
    found
}

/// Merges the findings of one cause and failure. The evidence of one event counts once: rules that read the same words
/// are no independent witnesses.
fn merge(findings: Vec<Finding>) -> Vec<Hypothesis> {
    let mut merged: BTreeMap<(usize, String), (Hypothesis, Decibans)> = BTreeMap::new();
    for finding in findings {
        let loudness: Decibans = finding.evidence.iter().map(|evidence| evidence.decibans).fold(f64::MIN, f64::max);
        let (hypothesis, loudest) = merged.entry((finding.root, finding.cause.clone())).or_insert_with(|| {
            let hypothesis = Hypothesis {
                cause: finding.cause.clone(),
                rule: finding.rule.clone(),
                root: finding.root,
                score: 0.0,
                probability: 0.0,
                prior: finding.prior,
                evidence: Vec::new(),
                advice: finding.advice.clone(),
            };
            (hypothesis, loudness)
        });
        if loudness > *loudest {
            *loudest = loudness;
            hypothesis.rule = finding.rule;
            hypothesis.advice = finding.advice;
            hypothesis.prior = finding.prior;
        }
        for evidence in finding.evidence {
            match hypothesis.evidence.iter_mut().find(|known| known.event == evidence.event) {
                Some(known) if known.decibans.abs() >= evidence.decibans.abs() => {}
                Some(known) => *known = evidence,
                None => hypothesis.evidence.push(evidence),
            }
        }
    }
    let mut hypotheses: Vec<Hypothesis> = merged.into_values().map(|(hypothesis, _)| hypothesis).collect();
    for hypothesis in &mut hypotheses {
        settle(hypothesis);
    }
    hypotheses
}

/// Texts that say the same thing in several records (the event, the call behind it, the tool's output) support each other
/// less than their sum: beyond the heaviest each further one counts at most this.
const FURTHER_SUPPORT: Decibans = 3.0;

fn settle(hypothesis: &mut Hypothesis) {
    hypothesis.evidence.sort_by(|a, b| b.decibans.total_cmp(&a.decibans).then_with(|| a.event.cmp(&b.event)));
    for evidence in hypothesis.evidence.iter_mut().skip(1).filter(|evidence| evidence.decibans > FURTHER_SUPPORT) {
        evidence.decibans = FURTHER_SUPPORT;
    }
    hypothesis.score =
        hypothesis.prior + hypothesis.evidence.iter().map(|evidence| evidence.decibans).sum::<Decibans>();
}

fn is_refuted(hypothesis: &Hypothesis) -> bool {
    let against: Decibans =
        hypothesis.evidence.iter().map(|evidence| evidence.decibans).filter(|decibans| *decibans < 0.0).sum();
    against <= REFUTED_BY && hypothesis.score < 0.0
}

/// The event that a hypothesis explains.
pub fn root<'t>(timeline: &'t Timeline, hypothesis: &Hypothesis) -> Option<&'t Event> {
    timeline.events.get(hypothesis.root)
}
