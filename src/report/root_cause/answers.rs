//! The failures that need an answer, each with the best one there is: what formats for machines list one by one.
//! It joins what the diagnosis found and judges nothing anew.
//! Part of the root-cause report.

use super::RootCauseReport;
use crate::operation::Role;
use crate::report::{EventEntry, ExplanationEntry, FailureEntry, HypothesisEntry, words};
use hashbrown::{HashMap, HashSet};

/// A failure that follows from no other, and why it failed.
#[derive(Debug, Clone)]
pub struct Answer<'r> {
    /// The failure: root or independent.
    pub failure: FailureEntry<'r>,
    /// Its most probable cause, or that of the failure which it shares its cause with; none where no rule knows it.
    pub hypothesis: Option<&'r HypothesisEntry<'r>>,
    /// The probability that it has none of the causes that were thought of; 1 where no rule knows it.
    pub unexplained: f64,
}

impl<'r> Answer<'r> {
    /// The cause, where it is more probable than "none of these".
    pub fn cause(&self) -> Option<&'r HypothesisEntry<'r>> {
        self.hypothesis.filter(|held| held.probability > self.unexplained)
    }

    /// AWS's words.
    pub fn reason(&self) -> &'r str {
        self.failure.reason.map(str::trim).filter(|reason| !reason.is_empty()).unwrap_or("AWS gave no reason")
    }

    /// `Most probable cause (94 %): ...`: our words.
    pub fn says(&self) -> String {
        let title = |held: &HypothesisEntry<'r>| {
            let title = if held.title.is_empty() { held.cause } else { held.title };
            format!("({}): {}", words::percent(held.probability), title.trim_end_matches('.'))
        };
        match (self.cause(), self.hypothesis) {
            (Some(cause), _) => format!("Most probable cause {}", title(cause)),
            (None, Some(guess)) => format!("The cause is not known; at best {}", title(guess)),
            (None, None) => "No rule knows the cause".to_owned(),
        }
    }
}

/// The failures of the stack's own operations, and what else an explanation is about: failures in nested stacks, and what
/// only a log or a call tells.
pub(super) fn answers<'r>(report: &'r RootCauseReport<'_>) -> Vec<Answer<'r>> {
    let cause = &report.root_cause;
    let mut first: HashMap<&str, &HypothesisEntry<'_>> = HashMap::new();
    for held in &cause.hypotheses {
        if let Some(root) = held.root.as_deref() {
            first.entry(root).or_insert(held);
        }
    }
    let explained = cause.explanations.iter().flat_map(|explanation| {
        let records = explanation.also.iter().chain([&explanation.root]);
        records.map(move |record| (record.as_str(), explanation))
    });
    let explained: HashMap<&str, &ExplanationEntry> = explained.collect();
    let own = cause.failures.iter().filter(|failure| failure.role.is_real());
    let nested = report.story.operations.iter().flat_map(|operation| &operation.failures);
    let nested = nested.filter(|failure| explained.contains_key(&*failure.event));
    let listed = own.chain(&cause.unexplained_failures).chain(nested).cloned();
    // Where nothing is known to have failed, an explanation is no more than a guess at what was not seen.
    let events = report.exhibits.iter().filter(|_| report.failed).filter_map(|exhibit| exhibit.event.as_ref());
    let elsewhere = events.filter(|event| explained.contains_key(&*event.record));
    let elsewhere = elsewhere.map(|event| told_by(event, cause.root.as_ref() == Some(&event.record)));
    let mut seen: HashSet<String> = HashSet::new();
    let mut answers: Vec<Answer<'r>> = listed
        .chain(elsewhere)
        .filter(|failure| seen.insert(failure.event.clone()))
        .map(|failure| {
            let explanation = explained.get(&*failure.event);
            Answer {
                hypothesis: explanation.and_then(|explanation| first.get(&*explanation.root)).copied(),
                unexplained: explanation.map_or(1.0, |explanation| explanation.unexplained),
                failure,
            }
        })
        .collect();
    let is_root = |answer: &Answer<'_>| cause.root.as_ref() == Some(&answer.failure.event);
    answers.sort_by(|a, b| is_root(b).cmp(&is_root(a)).then_with(|| a.failure.at.cmp(&b.failure.at)));
    answers
}

/// A failure that belongs to no operation: a job that was stopped, a call that was refused.
fn told_by<'r>(event: &'r EventEntry<'_>, is_root: bool) -> FailureEntry<'r> {
    FailureEntry {
        event: event.record.clone(),
        role: event.role.unwrap_or(if is_root { Role::Root } else { Role::Independent }),
        logical_id: event.logical_id,
        resource_type: event.resource_type,
        status: event.status,
        reason: event.message,
        at: event.at.clone(),
        stack: event.stack,
        operation: event.operation,
        property_path: None,
        construct_path: None,
        template: None,
    }
}
