//! The summary: what was deployed, what happened, the cause, who did what, what to do now, in three to six sentences.
//! Plain words for people who read nothing else; each number in it stands elsewhere in the report with its record.
//! Part of the root-cause report.

use super::Material;
use super::impact::{Fate, Impact};
use super::moments::shortened;
use crate::actor::Verdict;
use crate::model::{Reason, Time, arn, time};
use crate::operation::{Ending, Kind};
use crate::report::{HypothesisEntry, OperationEntry, words};

/// `Shop: create failed after 16 min 06 s`.
pub(super) fn title(material: &Material<'_, '_>) -> String {
    let answer = material.answer;
    let stack = answer.stack.unwrap_or("A deployment");
    // Where nothing failed, the whole story is told: a change set that was made and deleted is no deletion.
    let all = answer.operations.iter().filter(|operation| operation.parent.is_none());
    let mut subjects: Vec<String> = match answer.failed || answer.blind {
        true => subjects(material).map(words::outcome).collect(),
        false => all.map(words::outcome).collect(),
    };
    subjects.truncate(MOST_SUBJECTS);
    if answer.failed && !subjects_failed(material) {
        subjects.extend(answer.root.as_deref().map(words::failed_elsewhere));
    }
    match (subjects.is_empty(), answer.blind) {
        (true, _) => format!("{stack}: the evidence tells of no operation"),
        (false, true) => format!("{stack}: {}; whether anything failed is not known", subjects.join("; ")),
        (false, false) => format!("{stack}: {}", subjects.join("; ")),
    }
}

/// More operations than these make no title.
const MOST_SUBJECTS: usize = 3;

/// One of the operations that the report is about failed by itself.
fn subjects_failed(material: &Material<'_, '_>) -> bool {
    subjects(material).any(|operation| matches!(operation.outcome, Ending::Failed | Ending::CutOff))
}

/// The sentences.
pub(super) fn summary(material: &Material<'_, '_>, impact: &Impact) -> Vec<String> {
    if material.answer.operations.is_empty() {
        return vec!["The evidence tells of no operation on the stack.".to_owned()];
    }
    let mut sentences = Vec::new();
    sentences.extend(what_was_tried(material));
    sentences.extend(what_failed(material));
    sentences.push(why(material));
    sentences.extend(further_failures(material));
    sentences.extend(what_became_of_it(material, impact));
    sentences.extend(what_to_do(material));
    sentences
}

fn subjects<'m>(material: &'m Material<'_, '_>) -> impl Iterator<Item = &'m OperationEntry<'m>> {
    let answer = material.answer;
    answer.operations.iter().filter(|operation| answer.subjects.contains(&operation.id))
}

/// `2026-11-18 12:03:00 UTC`.
fn moment(at: &str) -> String {
    let read: Option<Time> = time::parse(at).map(|written| written.at);
    read.map_or_else(|| at.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

/// The first operation of the story: who tried what where, and how it ended.
fn what_was_tried(material: &Material<'_, '_>) -> Option<String> {
    let operations = &material.answer.operations;
    let first = operations.iter().find(|operation| operation.parent.is_none()).or(operations.first())?;
    let verb = match first.kind {
        Kind::Create => "create",
        Kind::Update => "update",
        Kind::Delete => "delete",
        Kind::Import => "import resources into",
        Kind::Rollback => "roll back",
        Kind::ChangeSet => "make a change set for",
        Kind::Unknown => "change",
    };
    let who = first.actor.as_ref().filter(|actor| actor.name.is_some());
    let who = who.map_or_else(
        || "Somebody whom the evidence does not name".to_owned(),
        |actor| {
            let name = actor.name.unwrap_or_default();
            let tool = actor.tool.map(|tool| format!("{tool}, "));
            let origin = actor.origin.as_ref().map(|origin| origin.says.clone());
            let role = actor.chain.first().and_then(|link| link.role.as_deref()).filter(|_| is_opaque(name));
            let role = role.map(|role| format!("role {role}")).unwrap_or_default();
            let with = words::joined(
                &[tool.unwrap_or_default().trim_end_matches(", "), &origin.unwrap_or_default(), &role],
                "; ",
            );
            if with.is_empty() { name.to_owned() } else { format!("{name} ({with})") }
        },
    );
    let stack_id = material.stack_id();
    let place = stack_id.and_then(arn::region).map(|region| {
        let account = stack_id.and_then(arn::account).map(|account| format!(", account {account}"));
        format!(" in {region}{}", account.unwrap_or_default())
    });
    let ending = ending(first);
    let stack = material.answer.stack.unwrap_or("a stack that nothing names");
    let place = place.unwrap_or_default();
    Some(format!("{who} began to {verb} {stack}{place} at {}; {ending}.", moment(&first.started_at)))
}

/// A session's name that says nothing to a reader: a number, or a service's own id.
fn is_opaque(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit()) || name.starts_with("AWSCodeBuild-")
}

fn ending(operation: &OperationEntry<'_>) -> String {
    let after = operation.seconds.filter(|seconds| *seconds > 0.0).map(words::duration);
    let after = |word: &str| after.as_ref().map(|after| format!(" {word} {after}")).unwrap_or_default();
    match operation.outcome {
        Ending::Succeeded => format!("it succeeded{}", after("in")),
        Ending::Failed => format!("it failed{}", after("after")),
        Ending::CutOff => format!("it was cut off by a delete{}", after("after")),
        Ending::InProgress => "it is still in progress".to_owned(),
        Ending::Unknown => "how it ended is not known".to_owned(),
    }
}

/// The root failure in AWS's words.
fn what_failed(material: &Material<'_, '_>) -> Option<String> {
    let answer = material.answer;
    let root = answer.failures.iter().chain(&answer.unexplained_failures);
    let Some(root) = root.into_iter().find(|failure| Some(&failure.event) == answer.root.as_ref()) else {
        return said_elsewhere(material);
    };
    let what = words::named(root.logical_id, root.resource_type);
    let what = if what.is_empty() { "The deployment".to_owned() } else { what };
    // Some handlers say "null" where they have nothing to say.
    let says = |reason: &&str| !matches!(Reason::read(reason).message.trim(), "" | "null");
    let Some(reason) = root.reason.filter(says) else {
        return Some(format!("{what} failed first; AWS gave no reason."));
    };
    Some(format!("{what} failed first: {}.", quoted(reason)))
}

/// What failed is no row of the stack, but a call that was refused or a line of the deploy tool.
fn said_elsewhere(material: &Material<'_, '_>) -> Option<String> {
    let failing = material.diagnosis.failing.first()?;
    let event = material.evidence.timeline.events.get(failing.event)?;
    let said = quoted(event.message.as_deref().or(event.error.as_deref())?);
    Some(match &event.call {
        Some(_) => {
            let who = event.actor.as_deref().unwrap_or("somebody");
            format!("A call of {} by {who} was refused: {said}.", event.action)
        }
        None if event.source == "deploy_log" => format!("The deploy tool said {said}."),
        None => format!("{} says {said}.", event.source),
    })
}

/// AWS's words in quotation marks, without the ids and wrappers around them, which tell nothing to who reads a summary.
fn quoted(reason: &str) -> String {
    let message = Reason::read(reason).message;
    let said = shortened(message.split(" (Service: ").next().unwrap_or(message));
    format!("\u{201c}{}\u{201d}", said.trim().trim_end_matches('.'))
}

/// The text with a full stop, unless it ends in one of its own.
fn ended(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?', '…']) { text.to_owned() } else { format!("{text}.") }
}

fn why(material: &Material<'_, '_>) -> String {
    let answer = material.answer;
    let said = |held: &HypothesisEntry<'_>| {
        let title = if held.title.is_empty() { held.cause } else { held.title };
        format!("{} ({})", title.trim_end_matches('.'), words::percent(held.probability))
    };
    match answer.hypotheses.first() {
        _ if !answer.failed && !answer.blind => nothing_failed(material),
        Some(first) if answer.explained => format!("The most probable cause: {}{}.", said(first), decisive(first)),
        Some(first) if answer.blind => {
            format!("The stack's events were not seen, so that this is at best a guess: {}.", said(first))
        }
        Some(first) if first.root == answer.root => format!("The cause is not known; at best: {}.", said(first)),
        _ if answer.blind => "The stack's events were not seen, so that nothing says whether it failed.".to_owned(),
        _ => "No rule knows the cause; AWS's own words are below.".to_owned(),
    }
}

/// A message's beginning and its end, which often says why.
fn both_ends(text: &str) -> String {
    const END: usize = 140;
    let message = Reason::read(text).message;
    let said = message.split(" (Service: ").next().unwrap_or(message).trim().trim_end_matches('.');
    let words: Vec<&str> = said.split_whitespace().collect();
    let count = said.chars().count();
    if count <= 2 * END {
        return words.join(" ");
    }
    let end: String = said.chars().skip(count - END).collect();
    let whole = end.split_once(' ').map_or(&*end, |(_, words)| words);
    format!(
        "{} … {}",
        said.chars().take(END).collect::<String>().trim_end(),
        whole.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

/// Nothing did, and what it was where it was no deployment.
fn nothing_failed(material: &Material<'_, '_>) -> String {
    let actors = material.answer.operations.iter().filter_map(|operation| operation.actor.as_ref());
    match actors.into_iter().find(|actor| actor.verdict == Verdict::Probe) {
        Some(probe) => format!(
            "Nothing was deployed: it was a {} ({}).",
            words::verdict(probe.verdict),
            words::percent(probe.odds)
        ),
        None => "Nothing failed.".to_owned(),
    }
}

/// What speaks loudest for a cause, where that is another record than the failure itself.
fn decisive(held: &HypothesisEntry<'_>) -> String {
    let heaviest = held.evidence.iter().max_by(|a, b| a.decibans.total_cmp(&b.decibans));
    let other = heaviest.filter(|piece| piece.decibans > 0.0 && piece.record != held.root);
    let told = other.and_then(|piece| piece.text);
    told.map(|text| format!("; the decisive evidence: \u{201c}{}\u{201d}", both_ends(text))).unwrap_or_default()
}

/// Failures with a cause of their own, and resources that were never tried.
fn further_failures(material: &Material<'_, '_>) -> Option<String> {
    let answer = material.answer;
    let independent: Vec<String> = answer
        .explanations
        .iter()
        .skip(1)
        .filter_map(|explanation| {
            let held = answer.hypotheses.iter().find(|held| held.root.as_ref() == Some(&explanation.root))?;
            let failure = answer.failures.iter().find(|failure| failure.event == explanation.root);
            let name =
                failure.and_then(|failure| failure.logical_id).unwrap_or_else(|| words::told_by(&explanation.root));
            Some(format!("{name}: {} ({})", held.title.trim_end_matches('.'), words::percent(held.probability)))
        })
        .collect();
    (!independent.is_empty()).then(|| format!("Independently of that failed {}.", independent.join("; ")))
}

/// The rollback, the delete and who asked for it, and where that leaves the stack.
fn what_became_of_it(material: &Material<'_, '_>, impact: &Impact) -> Option<String> {
    let own = material.answer.operations.iter().filter(|operation| operation.parent.is_none());
    let mut parts: Vec<String> = Vec::new();
    for operation in own.skip(1) {
        let name = operation.actor.as_ref().filter(|actor| actor.verdict != Verdict::CloudFormation);
        let name = name.and_then(|actor| actor.name).map(|name| format!(" by {name}")).unwrap_or_default();
        let done = match (operation.kind, operation.outcome) {
            (Kind::Rollback, Ending::Succeeded) => "CloudFormation rolled it back".to_owned(),
            (Kind::Rollback, Ending::Failed) => "the rollback failed, too".to_owned(),
            (Kind::Delete, Ending::Succeeded) => {
                format!("the deletion of the stack{name} began at {}", moment(&operation.started_at))
            }
            (Kind::Delete, Ending::Failed) if operation.resources.is_empty() => format!("a delete{name} was refused"),
            (Kind::Delete, Ending::Failed) => format!("a delete{name} failed"),
            _ => continue,
        };
        parts.push(done);
    }
    if let Some(status) = impact.status.as_deref() {
        parts.push(format!("it is now {status}"));
    }
    let left = impact.fates.get(&Fate::LeftBehind).copied().unwrap_or_default();
    if left > 0 {
        parts.push(format!("{} left behind", words::count(left, "resource")));
    }
    let going_on = impact.fates.get(&Fate::InProgress).copied().unwrap_or_default();
    if going_on > 0 {
        parts.push(format!("{} still in progress", words::count(going_on, "resource")));
    }
    let said = parts.join("; ");
    let mut chars = said.chars();
    let first = chars.next()?;
    Some(format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

fn what_to_do(material: &Material<'_, '_>) -> Option<String> {
    let first = material.answer.hypotheses.first().filter(|_| material.answer.failed)?;
    let fix = first.fixes.iter().find(|fix| crate::report::command_of(fix).is_none())?;
    Some(format!("To do now: {}", ended(fix)))
}
