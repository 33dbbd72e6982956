//! Reads the texts of the story's failures, and of what its deploy tool printed, with the data rules.
//! The failing event's own text decides; a line of the log is hearsay and weighs less.
//! The bridge from the catalogue to findings.

use super::super::catalog::Catalogue;
use super::super::pattern::Match;
use super::super::rule::{Decibans, Evidence, Finding, PRIOR, Rule};
use super::super::words::{self, Names};
use super::{Context, Failing};
use crate::model::{Event, Outcome, Reason};
use hashbrown::HashSet;

/// What a tool printed is about the failure, but it is not the failure. Labelled failures have too few of both to fit it.
const HEARSAY: Decibans = -14.0;
/// Another record that says no more than that it failed adds little.
const VAGUE_SECOND_HAND: Decibans = -10.0;
/// The least that a text in the failure's own event says.
const WEAKEST: Decibans = 1.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for failing in context.failing {
        if let Some(event) = context.timeline.events.get(failing.event) {
            findings.extend(read(context, failing, failing.event, event, 0.0));
        }
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

/// The findings of the data rules in one event's text, about the failure `failing`. Adds `standing` to each weight.
pub(super) fn read(
    context: &Context<'_>,
    failing: &Failing,
    index: usize,
    event: &Event,
    standing: Decibans,
) -> Vec<Finding> {
    let text = text_of(event);
    let reason = Reason::read(&text);
    let is_root = index == failing.event;
    let catalogue = context.catalogue;
    let read;
    let found = if is_root {
        context.own_words(failing)
    } else {
        let failed = context.timeline.events.get(failing.event);
        let kind = failed.and_then(|event| event.resource_type.as_deref());
        read = matches(catalogue, &text, &reason, kind, context.kind_word(failing));
        &read
    };
    let names = if found.is_empty() { Names::new() } else { context.names(failing, &reason) };
    let finding = |known: &Known<'_>| {
        let Known { rule, specificity, matched } = known;
        let is_explained = found.iter().any(|other| other.rule.cause != rule.cause && other.specificity > *specificity);
        let explained = if is_explained { catalogue.calibration.explained_away } else { 0.0 };
        let second_hand = if is_root || !rule.is_vague() { 0.0 } else { VAGUE_SECOND_HAND };
        let decibans = catalogue.calibration.decibans(*specificity) + explained + second_hand + standing;
        // A weak wording in a weak place says nothing; it does not speak against.
        let decibans = if is_root { decibans.max(WEAKEST) } else { decibans };
        (decibans >= WEAKEST).then(|| Finding {
            rule: rule.id.clone(),
            cause: rule.cause.clone(),
            root: failing.event,
            prior: PRIOR,
            evidence: vec![Evidence::of_event(index, decibans, says(event, is_root))],
            advice: words::of_rule(rule, &matched.captures, &names),
        })
    };
    found.iter().filter_map(finding).collect()
}

/// A rule that knows a text.
#[derive(Debug)]
pub struct Known<'c> {
    rule: &'c Rule,
    /// The rule's own, and what the failure's type and operation add.
    specificity: f64,
    matched: Match,
}

/// The rules that know the text, for a failed resource of this type in an operation of this kind.
fn matches<'c>(
    catalogue: &'c Catalogue,
    text: &str,
    reason: &Reason<'_>,
    kind: Option<&str>,
    operation: &str,
) -> Vec<Known<'c>> {
    let known = |matched: Match| {
        let rule = catalogue.rules.get(matched.rule)?;
        Some(Known { rule, specificity: rule.specificity + rule.fit(kind, operation), matched })
    };
    let mut found: Vec<Known<'c>> = catalogue.find(text, reason).into_iter().filter_map(known).collect();
    yield_to_the_inner_cause(&mut found);
    found
}

/// What a custom resource reports is known by its inner error; that a function failed is only how it came.
fn yield_to_the_inner_cause(found: &mut [Known<'_>]) {
    const OF_THE_FUNCTION: &str = "custom-resource.failed";
    /// Less specific words are too general to be an error's own.
    const TELLING: f64 = 17.0;
    let inner = found.iter().filter(|known| known.rule.cause != OF_THE_FUNCTION).map(|known| known.specificity);
    let inner = inner.fold(0.0, f64::max);
    for known in found.iter_mut().filter(|known| inner >= TELLING && known.rule.cause == OF_THE_FUNCTION) {
        known.specificity = known.specificity.min(inner - 1.0);
    }
}

/// The rules that know a failure's own text.
pub(super) fn own_words<'c>(catalogue: &'c Catalogue, event: &Event, operation: &str) -> Vec<Known<'c>> {
    let text = text_of(event);
    matches(catalogue, &text, &Reason::read(&text), event.resource_type.as_deref(), operation)
}

/// The one of them that knows it best.
pub(super) fn best<'c>(known: &[Known<'c>]) -> Option<&'c Rule> {
    known.iter().max_by(|a, b| a.specificity.total_cmp(&b.specificity)).map(|known| known.rule)
}

/// The text that rules read: the error code belongs to it where AWS gives it apart.
pub fn text_of(event: &Event) -> String {
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
        ("log_events", _) => "its log says so".to_owned(),
        ("ecs_tasks", _) => "a stopped task says so".to_owned(),
        ("ecs_services" | "service_deployments", _) => "the ECS service's events say so".to_owned(),
        ("rds_events" | "db_instances", _) => "RDS's events say so".to_owned(),
        ("scaling_activities", _) => "a scaling activity says so".to_owned(),
        ("target_health", _) => "the target's health says so".to_owned(),
        (source, _) => format!("{source} says so"),
    }
}
