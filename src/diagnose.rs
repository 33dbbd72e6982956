//! From findings to a diagnosis: the rules' answers for one cause and one failure are merged, scored and ranked.
//! The arithmetic fits on a page: a score is the prior plus the evidence in decibans, "none of these" stands at 0, and a
//! probability is 10^(score/10) over the sum of all. Used by the `diagnose` verb and the reports.

use crate::model::{Event, Outcome, Reason, status};
use crate::operation::{Ending, History, Role, Story};
use crate::rules::{self, Advice, Catalogue, Context, Decibans, Evidence, Failing, Finding, Ground, Rule, TELLING};
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
    /// Between 0 and 1. Those of all hypotheses for one failure and of "none of these" add up to 1.
    pub probability: f64,
    /// What the cause is worth before any evidence.
    pub prior: Decibans,
    /// The heaviest first; each event once.
    pub evidence: Vec<Evidence>,
    /// The words of the loudest rule.
    pub advice: Advice,
}

/// What may explain one failure, and those that share its cause.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The failure, as an index into `Timeline::events`.
    pub root: usize,
    /// Further failures that the first hypothesis explains as well, in order of importance. May be empty.
    pub also: Vec<usize>,
    /// The most probable first; not empty.
    pub hypotheses: Vec<Hypothesis>,
    /// The probability of "none of these".
    pub unexplained: f64,
}

impl Explanation {
    /// True when the first hypothesis beats "none of these".
    pub fn explains(&self) -> bool {
        self.hypotheses.first().is_some_and(|first| first.probability > self.unexplained)
    }
}

/// What is known about why a story failed.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// One for each failure that a rule knows, or for several that share a cause; the most important first. Failures of
    /// different causes do not compete: each may be true.
    pub explanations: Vec<Explanation>,
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
    /// The hypotheses of all failures: those of the most important failure first, the most probable of each first.
    pub fn hypotheses(&self) -> impl Iterator<Item = &Hypothesis> {
        self.explanations.iter().flat_map(|explanation| &explanation.hypotheses)
    }

    /// The probability that none of the hypotheses explains the most important failure; 1 where there is none.
    pub fn unexplained(&self) -> f64 {
        self.explanations.first().map_or(1.0, |explanation| explanation.unexplained)
    }

    /// True when a hypothesis for the most important failure beats "none of these".
    pub fn is_explained(&self) -> bool {
        let first = self.explanations.first().filter(|first| {
            self.failing
                .first()
                .is_none_or(|failing| first.root == failing.event || first.also.contains(&failing.event))
        });
        first.is_some_and(Explanation::explains)
    }
}

/// A theory is refuted when the evidence against it is at least this, and it is left with less than "none of these".
const REFUTED_BY: Decibans = -10.0;
/// What is this much less likely than the most likely is not worth a reader's time.
const NEGLIGIBLE: Decibans = 30.0;

/// The diagnosis of one story.
pub fn diagnose(timeline: &Timeline, history: &History, story: &Story, catalogue: &Catalogue) -> Diagnosis {
    let mut failing = failing(history, story);
    if failing.is_empty() {
        failing.extend(told_by_the_tool(timeline, history, story, catalogue));
    }
    let merged = {
        let context = Context::new(timeline, history, story, catalogue, &failing);
        let mut merged = merge(rules::findings(&context));
        bound(&mut merged, &context);
        merged.into_iter().filter(Hypothesis::is_claimed)
    };
    let (refuted, hypotheses): (Vec<_>, Vec<_>) = merged.partition(is_refuted);
    let explanations = grouped(explained_apart(hypotheses, &failing), catalogue);
    let explained: HashSet<usize> = explanations
        .iter()
        .flat_map(|explanation| std::iter::once(explanation.root).chain(explanation.also.iter().copied()))
        .collect();
    let unexplained_failures =
        failing.iter().map(|failing| failing.event).filter(|event| !explained.contains(event)).collect();
    let failed = story.failed || !failing.is_empty();
    Diagnosis { explanations, refuted, unexplained_failures, failed, failing }
}

/// An explanation for each failure, in the failures' order.
fn explained_apart(hypotheses: Vec<Hypothesis>, failing: &[Failing]) -> Vec<Explanation> {
    let mut of_root: BTreeMap<(usize, usize), Vec<Hypothesis>> = BTreeMap::new();
    for hypothesis in hypotheses {
        let place = failing.iter().position(|failing| failing.event == hypothesis.root).unwrap_or(failing.len());
        of_root.entry((place, hypothesis.root)).or_default().push(hypothesis);
    }
    let explanation = |((_, root), mut hypotheses): ((usize, usize), Vec<Hypothesis>)| {
        hypotheses.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.cause.cmp(&b.cause)));
        let unexplained = assign_probabilities(&mut hypotheses);
        Explanation { root, also: Vec::new(), hypotheses, unexplained }
    };
    of_root.into_iter().map(explanation).collect()
}

/// Failures that share one cause become one explanation: several resources refused the same action, or over one quota.
fn grouped(explanations: Vec<Explanation>, catalogue: &Catalogue) -> Vec<Explanation> {
    let mut groups: Vec<Explanation> = Vec::new();
    for explanation in explanations {
        let shared = groups.iter_mut().find(|group| share_a_cause(catalogue, group, &explanation));
        match shared {
            Some(group) => group.also.push(explanation.root),
            None => groups.push(explanation),
        }
    }
    groups
}

/// The same rule says the same of both, names and all. That two only failed somehow is no shared cause.
fn share_a_cause(catalogue: &Catalogue, a: &Explanation, b: &Explanation) -> bool {
    let (Some(first), Some(second)) = (a.hypotheses.first(), b.hypotheses.first()) else { return false };
    let is_vague = catalogue.rules.iter().any(|rule| rule.id == first.rule && rule.is_vague());
    a.explains() && b.explains() && !is_vague && first.rule == second.rule && first.advice.title == second.advice.title
}

/// Fills in the probabilities, drops what is negligible, and answers the probability of "none of these". Scores are taken
/// relative to the best, so that no amount of evidence overflows.
fn assign_probabilities(hypotheses: &mut Vec<Hypothesis>) -> f64 {
    let best = hypotheses.first().map_or(0.0, |first| first.score).max(0.0);
    let mut place = 0;
    hypotheses.retain(|hypothesis| {
        place += 1;
        place == 1 || hypothesis.score > best - NEGLIGIBLE
    });
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

/// What went wrong although no row of the stack failed: somebody pasted what a tool printed, in a form that no tool marks
/// as an error, or the tool gave up (credentials, a job's time limit, another deployment) while the operation went on.
fn told_by_the_tool(timeline: &Timeline, history: &History, story: &Story, catalogue: &Catalogue) -> Option<Failing> {
    story.operations.iter().find_map(|index| {
        let operation = history.operations.get(*index)?;
        let is_it = |event: &usize| {
            timeline.events.get(*event).is_some_and(|event| went_wrong(timeline, catalogue, operation.ending, event))
        };
        let event = operation.events.iter().copied().find(is_it)?;
        Some(Failing { event, operation: *index, role: Role::Root })
    })
}

/// True where an event tells what went wrong in an operation that did not fail by its own rows.
fn went_wrong(timeline: &Timeline, catalogue: &Catalogue, ending: Ending, event: &Event) -> bool {
    /// Less specific words are in many lines that tell of no failure.
    const GENERAL: f64 = 17.0;
    /// So specific are words that only a refusal has.
    const PLAIN: f64 = 25.0;
    /// Causes that end the tool's run without ending the operation.
    const OF_THE_TOOL: [&str; 3] = ["credentials.invalid", "timeout.client-wait", "stack.state"];
    let known_by = |is_fitting: &dyn Fn(&Rule) -> bool| {
        let found = catalogue.find(event.text(), &Reason::read(event.text()));
        found.iter().filter_map(|found| catalogue.rules.get(found.rule)).any(is_fitting)
    };
    let of_log = event.source == "deploy_log";
    let of_stack = event.resource_type.as_deref() == Some(status::STACK_TYPE);
    match (ending, event.outcome) {
        (Ending::Unknown, Outcome::Noted) if of_log => {
            known_by(&|rule| rule.specificity >= GENERAL) && !got_over_it(timeline, event)
        }
        (Ending::InProgress | Ending::Succeeded, Outcome::Failed) if of_log => {
            known_by(&|rule| OF_THE_TOOL.contains(&&*rule.cause) && rule.specificity >= GENERAL)
                && !got_over_it(timeline, event)
        }
        // A stack that stays as it is, and says in its row what it was refused: a delete, an update.
        (_, Outcome::Succeeded) if of_stack => known_by(&|rule| rule.specificity >= PLAIN),
        _ => false,
    }
}

/// A tool that goes on to say that it succeeded had no more than trouble.
fn got_over_it(timeline: &Timeline, line: &Event) -> bool {
    timeline.events.iter().any(|event| {
        event.source == "deploy_log"
            && event.outcome == Outcome::Succeeded
            && event.record.file == line.record.file
            && event.record.index > line.record.index
    })
}

/// Merges the findings of one cause and failure. The evidence of one event counts once: rules that read the same words
/// are no independent witnesses.
fn merge(findings: Vec<Finding>) -> Vec<Hypothesis> {
    let mut merged: BTreeMap<(usize, String), (Hypothesis, Decibans)> = BTreeMap::new();
    let mut places: HashMap<(usize, String, Ground), usize> = HashMap::new();
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
            match places.entry((finding.root, finding.cause.clone(), evidence.ground)) {
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
    hypothesis.evidence.sort_by(|a, b| b.decibans.total_cmp(&a.decibans).then_with(|| a.ground.cmp(&b.ground)));
    let mut left = ALL_FURTHER_SUPPORT;
    for evidence in hypothesis.evidence.iter_mut().skip(1).filter(|evidence| evidence.decibans > 0.0) {
        evidence.decibans = evidence.decibans.min(FURTHER_SUPPORT).min(left);
        left -= evidence.decibans;
    }
    // Two records that take the same away take it once.
    let mut objections: HashSet<String> = HashSet::new();
    hypothesis.evidence.retain(|evidence| evidence.decibans >= 0.0 || objections.insert(evidence.says.clone()));
    // What counts nothing more is not shown: a thousand retries say what the first ones said.
    let heaviest = hypothesis.evidence.first().map(|evidence| evidence.ground);
    hypothesis.evidence.retain(|evidence| evidence.decibans != 0.0 || Some(evidence.ground) == heaviest);
    hypothesis.score =
        hypothesis.prior + hypothesis.evidence.iter().map(|evidence| evidence.decibans).sum::<Decibans>();
}

/// The most that vague words can score while a source that could contradict them was not seen: 5 to 1. Labelled failures
/// have no other sources, so they cannot tell.
const UNSEEN: Decibans = 7.0;

/// Bounds what vague words can be worth while a source that could contradict them was not seen. Those of one failure keep
/// their distances.
fn bound(hypotheses: &mut [Hypothesis], context: &Context<'_>) {
    let seen: HashSet<&str> = context.events().map(|(_, event)| event.source).collect();
    let unseen_by = |hypothesis: &Hypothesis| {
        let rule = context.catalogue.rules.iter().find(|rule| rule.id == hypothesis.rule)?;
        let is_unseen = |source: &&String| !context.is_whole(source) && !seen.contains(source.as_str());
        let unseen = rule.told_by.iter().find(is_unseen)?;
        TELLING.into_iter().find(|telling| telling == unseen)
    };
    let mut highest: HashMap<usize, Decibans> = HashMap::new();
    for hypothesis in hypotheses.iter().filter(|hypothesis| unseen_by(hypothesis).is_some()) {
        let highest = highest.entry(hypothesis.root).or_insert(f64::MIN);
        *highest = highest.max(hypothesis.score);
    }
    for hypothesis in hypotheses {
        let excess = highest.get(&hypothesis.root).map_or(0.0, |highest| highest - UNSEEN);
        if let Some(source) = unseen_by(hypothesis).filter(|_| excess > 0.0) {
            let says = "not seen; it could name another cause behind these words".to_owned();
            hypothesis.evidence.push(Evidence { ground: Ground::Unseen(source), decibans: -excess, says });
            hypothesis.score -= excess;
        }
    }
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
