//! Reads the texts of the story's failures, and of what its deploy tool printed, with the data rules.
//! The failing event's own text decides; a line of the log is hearsay and weighs less.
//! The bridge from the catalogue to findings; `words` fills in what a text tells.

use super::super::rule::{Advice, Decibans, Evidence, Finding, Rule};
use super::{Context, Failing};
use crate::model::{Event, Outcome};
use crate::operation::Role;
use hashbrown::HashSet;
use std::collections::BTreeMap;

/// A further failure is less likely to be what is asked for than the root.
const NOT_THE_ROOT: Decibans = -8.0;
/// The failures of the automatic rollback or the clean-up come after the deployment's own.
const AFTERWARDS: Decibans = -12.0;
/// The least that a text in the failure's own event says.
const WEAKEST: Decibans = 1.0;
/// What a tool printed is about the failure, but it is not the failure.
const HEARSAY: Decibans = -14.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for failing in context.failing {
        let Some(event) = context.timeline.events.get(failing.event) else {
            continue;
        };
        findings.extend(read(context, failing, failing.event, event, standing(context, failing)));
    }
    let Some(first) = context.failing.first() else {
        return findings;
    };
    let of_failures: HashSet<usize> = context.failing.iter().map(|failing| failing.event).collect();
    let told = context.events().filter(|(index, event)| {
        event.source == "deploy_log" && event.outcome == Outcome::Failed && !of_failures.contains(index)
    });
    for (index, event) in told {
        findings.extend(read(context, first, index, event, HEARSAY));
    }
    findings
}

/// What a failure's place in the story is worth.
fn standing(context: &Context<'_>, failing: &Failing) -> Decibans {
    let role = if failing.role == Role::Root { 0.0 } else { NOT_THE_ROOT };
    let first = context.failing.first().map(|first| first.operation);
    role + if first == Some(failing.operation) { 0.0 } else { AFTERWARDS }
}

/// The findings of the data rules in one event's text, about the failure `failing`. Adds `standing` to each weight.
pub(super) fn read(
    context: &Context<'_>,
    failing: &Failing,
    index: usize,
    event: &Event,
    standing: Decibans,
) -> Vec<Finding> {
    let text = text_of(event);
    let is_root = index == failing.event;
    let failed = context.timeline.events.get(failing.event);
    context
        .catalogue
        .find(&text)
        .into_iter()
        .filter_map(|found| {
            let rule = context.catalogue.rules.get(found.rule)?;
            let fit = rule.fit(failed.and_then(|event| event.resource_type.as_deref()), context.kind_word(failing));
            // A weak wording in a weak place says nothing; it does not speak against.
            let decibans = rule.weight + fit + standing;
            let decibans = if is_root { decibans.max(WEAKEST) } else { decibans };
            (decibans >= WEAKEST).then(|| Finding {
                rule: rule.id.clone(),
                cause: rule.cause.clone(),
                root: failing.event,
                prior: rule.prior,
                evidence: vec![Evidence { event: index, decibans, says: says(event, is_root) }],
                advice: words(rule, &found.captures),
            })
        })
        .collect()
}

/// The text that rules read: the error code belongs to it where AWS gives it apart.
fn text_of(event: &Event) -> String {
    let mut text = String::new();
    if let Some(validation) = &event.validation {
        text.extend([validation.name.as_deref().unwrap_or_default(), " "]);
    }
    if let Some(error) = event.error.as_deref().filter(|error| !event.text().contains(error)) {
        text.extend([error, ": "]);
    }
    if let Some(hook) = &event.hook {
        text.extend(["The following hook(s) failed: [", &hook.name, "] "]);
    }
    text.push_str(event.text());
    text
}

fn says(event: &Event, is_root: bool) -> String {
    match (event.source, is_root) {
        ("deploy_log", _) => "the deploy tool printed it".to_owned(),
        ("cloudtrail", _) => format!("CloudTrail recorded that {} was refused", event.action),
        (_, true) => "the failure's own text says so".to_owned(),
        _ => format!("{} says so", event.source),
    }
}

/// The rule's words with the names filled in.
pub(super) fn words(rule: &Rule, captures: &BTreeMap<String, String>) -> Advice {
    let fill = |text: &String| {
        captures.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    Advice {
        title: fill(&rule.title),
        explanation: fill(&rule.explanation),
        confirm: rule.confirm.iter().map(fill).collect(),
        fixes: rule.fixes.iter().map(fill).collect(),
        link: rule.link.clone(),
    }
}
