//! From findings to a diagnosis: the rules' answers for one cause and one failure are merged, scored and ranked.
//! The arithmetic fits on a page: a score is the prior plus the evidence in decibans, "none of these" stands at 0, and a
//! probability is 10^(score/10) over the sum of all. Used by the `diagnose` verb and the reports.

use crate::model::Outcome;
use crate::operation::{Ending, History, Role, Story};
use crate::rules::{self, Advice, Catalogue, Context, Decibans, Evidence, Failing, Finding};
use crate::timeline::Timeline;
use hashbrown::hash_map::Entry;
use hashbrown::{HashMap, HashSet};
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
/// What is this much less likely than the most likely is not worth a reader's time, but for the best word on a failure.
const NEGLIGIBLE: Decibans = 30.0;

/// The diagnosis of one story.
pub fn diagnose(timeline: &Timeline, history: &History, story: &Story, catalogue: &Catalogue) -> Diagnosis {
    let mut failing = failing(history, story);
    failing.extend(pasted(timeline, history, story, catalogue).filter(|_| failing.is_empty()));
    let context = Context { timeline, history, story, catalogue, failing: &failing };
    let merged = merge(rules::findings(&context)).into_iter().filter(Hypothesis::is_claimed);
    let (refuted, mut hypotheses): (Vec<_>, Vec<_>) = merged.partition(is_refuted);
    hypotheses.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then_with(|| a.root.cmp(&b.root)).then_with(|| a.cause.cmp(&b.cause))
    });
    let best = hypotheses.first().map_or(0.0, |first| first.score).max(0.0);
    let mut explained = HashSet::new();
    hypotheses.retain(|hypothesis| explained.insert(hypothesis.root) || hypothesis.score > best - NEGLIGIBLE);
    let unexplained = assign_probabilities(&mut hypotheses, best);
    let unexplained_failures =
        failing.iter().map(|failing| failing.event).filter(|event| !explained.contains(event)).collect();
    let failed = story.failed || !failing.is_empty();
    Diagnosis { hypotheses, unexplained, refuted, unexplained_failures, failed, failing }
}

/// Fills in the probabilities and answers that of "none of these". Scores are taken relative to the best, so that no
/// amount of evidence overflows.
fn assign_probabilities(hypotheses: &mut [Hypothesis], best: Decibans) -> f64 {
    let odds = |score: Decibans| 10_f64.powf((score - best) / 10.0);
    let sum: f64 = odds(0.0) + hypotheses.iter().map(|hypothesis| odds(hypothesis.score)).sum::<f64>();
    for hypothesis in hypotheses {
        hypothesis.probability = odds(hypothesis.score) / sum;
    }
    odds(0.0) / sum
}

/// The real failures of a story: the roots in the order of the operations, then the independent ones.
pub fn failing(history: &History, story: &Story) -> Vec<Failing> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for role in [Role::Root, Role::Independent] {
        for index in &story.operations {
            let Some(operation) = history.operations.get(*index) else { continue };
            if operation.ending == Ending::Succeeded && operation.root().is_none() {
                continue;
            }
            let of_role = operation.failures.iter().filter(|failure| failure.role == role);
            let new = of_role.filter(|failure| seen.insert(failure.event));
            found.extend(new.map(|failure| Failing { event: failure.event, operation: *index, role }));
        }
    }
    found
}

/// Somebody pasted what a tool printed, in a form that no tool marks as an error: the first line that a rule knows.
fn pasted(timeline: &Timeline, history: &History, story: &Story, catalogue: &Catalogue) -> Option<Failing> {
    let index = *story.operations.first()?;
    let operation = history.operations.get(index).filter(|operation| operation.ending == Ending::Unknown)?;
    let event = operation.events.iter().copied().find(|event| {
        timeline.events.get(*event).is_some_and(|event| {
            event.source == "deploy_log" && event.outcome == Outcome::Noted && !catalogue.find(event.text()).is_empty()
        })
    })?;
    Some(Failing { event, operation: index, role: Role::Root })
}

/// Merges the findings of one cause and failure. The evidence of one event counts once: rules that read the same words
/// are no independent witnesses.
fn merge(findings: Vec<Finding>) -> Vec<Hypothesis> {
    let mut merged: BTreeMap<(usize, String), (Hypothesis, Decibans)> = BTreeMap::new();
    let mut places: HashMap<(usize, String, usize), usize> = HashMap::new();
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
            match places.entry((finding.root, finding.cause.clone(), evidence.event)) {
                Entry::Vacant(place) => {
                    place.insert(hypothesis.evidence.len());
                    hypothesis.evidence.push(evidence);
                }
                Entry::Occupied(place) => {
                    if let Some(known) = hypothesis.evidence.get_mut(*place.get())
                        && known.decibans.abs() < evidence.decibans.abs()
                    {
                        *known = evidence;
                    }
                }
            }
        }
    }
    let mut hypotheses: Vec<Hypothesis> = merged.into_values().map(|(hypothesis, _)| hypothesis).collect();
    for hypothesis in &mut hypotheses {
        settle(hypothesis);
    }
    hypotheses
}

/// Texts that say the same thing in several records (the event, the call behind it, the tool's output, a retry) are no
/// independent witnesses: beyond the heaviest each further one counts at most this much ...
const FURTHER_SUPPORT: Decibans = 3.0;
/// ... and all of them together this much.
const ALL_FURTHER_SUPPORT: Decibans = 6.0;

fn settle(hypothesis: &mut Hypothesis) {
    hypothesis.evidence.sort_by(|a, b| b.decibans.total_cmp(&a.decibans).then_with(|| a.event.cmp(&b.event)));
    let mut left = ALL_FURTHER_SUPPORT;
    for evidence in hypothesis.evidence.iter_mut().skip(1).filter(|evidence| evidence.decibans > 0.0) {
        evidence.decibans = evidence.decibans.min(FURTHER_SUPPORT).min(left);
        left -= evidence.decibans;
    }
    // What counts nothing more is not shown: a thousand retries say what the first ones said.
    let heaviest = hypothesis.evidence.first().map(|evidence| evidence.event);
    hypothesis.evidence.retain(|evidence| evidence.decibans != 0.0 || Some(evidence.event) == heaviest);
    hypothesis.score =
        hypothesis.prior + hypothesis.evidence.iter().map(|evidence| evidence.decibans).sum::<Decibans>();
}

impl Hypothesis {
    /// Something speaks for it; a theory that nobody holds needs no refutation.
    fn is_claimed(&self) -> bool {
        self.evidence.iter().any(|evidence| evidence.decibans > 0.0)
    }
}

fn is_refuted(hypothesis: &Hypothesis) -> bool {
    let against: Decibans =
        hypothesis.evidence.iter().map(|evidence| evidence.decibans).filter(|decibans| *decibans < 0.0).sum();
    against <= REFUTED_BY && hypothesis.score < 0.0
}
