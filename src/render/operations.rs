//! The head of each operation, for people: how it ended, when, who began it, what failed first, what took long.
//! It says what the report says in the report's order; nested stacks' operations stand beneath their parents'.
//! Shared by the timeline's table and the diagnosis.

use super::page::{Page, Paint, Said};
use crate::operation::{Ending, Role};
use crate::report::words;
use crate::report::{ActorEntry, FailureEntry, OperationEntry};
use hashbrown::HashMap;
use std::collections::BTreeMap;
use std::io;

/// Room for the labels of a head.
const LABEL: usize = 14;
/// Below this width labels stand before the text instead of beside it.
const NARROW: usize = 64;
/// The sign and colour of an ending.
pub(super) fn sign(page: &Page<'_>, ending: Ending) -> (Paint, &'static str) {
    match ending {
        Ending::Succeeded => (Paint::Green, page.glyphs.succeeded),
        Ending::Failed => (Paint::RedBold, page.glyphs.failed),
        Ending::CutOff => (Paint::Yellow, page.glyphs.cancelled),
        Ending::InProgress => (Paint::Cyan, page.glyphs.running),
        Ending::Unknown => (Paint::Plain, page.glyphs.noted),
    }
}

/// An operation of a stack with those of its nested stacks.
pub(super) struct Family<'o, 'a> {
    /// Part of no other one that is shown.
    pub top: &'o OperationEntry<'a>,
    /// Part of it, directly or through others, in the report's order. May be empty.
    pub nested: Vec<&'o OperationEntry<'a>>,
}

/// The operations in the report's order, nested stacks' under those that they are part of.
pub(super) fn families<'o, 'a>(operations: &'o [OperationEntry<'a>]) -> Vec<Family<'o, 'a>> {
    let by_id: HashMap<&str, usize> =
        operations.iter().enumerate().map(|(index, operation)| (operation.id, index)).collect();
    let above = |index: usize| operations.get(index)?.parent.and_then(|parent| by_id.get(parent).copied());
    let mut families: BTreeMap<usize, Family<'o, 'a>> = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        if above(index).is_none() {
            families.insert(index, Family { top: operation, nested: Vec::new() });
        }
    }
    for (index, operation) in operations.iter().enumerate() {
        // A chain that is longer than there are operations would be a circle.
        let chain = std::iter::successors(above(index), |parent| above(*parent)).take(operations.len());
        if let Some(family) = chain.last().and_then(|top| families.get_mut(&top)) {
            family.nested.push(operation);
        }
    }
    families.into_values().collect()
}

/// The head of an operation, with those of the nested stacks beneath it. `several` incarnations need their numbers;
/// `among` is searched for the delete that cut it off.
pub(super) fn head(
    family: &Family<'_, '_>,
    among: &[OperationEntry<'_>],
    several: bool,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let operation = family.top;
    let (paint, glyph) = sign(page, operation.outcome);
    let incarnation = if several { format!(" (incarnation {})", operation.incarnation) } else { String::new() };
    let title = format!("{glyph} {}: {}{incarnation}", operation.stack, words::outcome(operation));
    page.say(0, paint, &title)?;
    field(page, "when", &when(operation, page))?;
    if let Some(actor) = &operation.actor {
        field(page, words::began(operation), &who(actor))?;
    }
    cut_off(operation, among, page)?;
    for failure in &operation.failures {
        failed(failure, operation, page)?;
    }
    if operation.express {
        let note =
            "COMPLETE was reported before the resources were ready; what failed later shows in their own services";
        field(page, "express mode", note)?;
    }
    durations(operation, page)?;
    for nested in &family.nested {
        let text = format!("{}: {}", nested.stack, words::outcome(nested));
        let (paint, glyph) = sign(page, nested.outcome);
        let label = (Paint::Dim, "nested stack");
        labelled(page, label, paint, &format!("{glyph} {text}"))?;
    }
    labelled(page, (Paint::Dim, "id"), Paint::Dim, operation.id)
}

fn field(page: &mut Page<'_>, label: &str, text: &str) -> io::Result<()> {
    labelled(page, (Paint::Dim, label), Paint::Plain, text)
}

/// Behind its label, or on a narrow page after it.
fn labelled(page: &mut Page<'_>, label: (Paint, &str), paint: Paint, text: &str) -> io::Result<()> {
    if page.width() < NARROW {
        return page.say(2, paint, &format!("{}: {text}", label.1));
    }
    page.labelled(2, label, LABEL, &Said::one(paint, text))
}

/// Where the text behind a label begins.
fn text_indent(page: &Page<'_>) -> usize {
    if page.width() < NARROW { 4 } else { 2 + LABEL + 1 }
}

/// `2026-11-18 12:03:00 to 12:31:05`; the day is written again only where it is another.
pub(super) fn when(operation: &OperationEntry<'_>, page: &Page<'_>) -> String {
    let zone = page.zone();
    let start = zone.moment(&operation.started_at);
    let Some(ended_at) = &operation.ended_at else {
        return format!("since {start}");
    };
    let end = zone.moment(ended_at);
    let day = |moment: &str| moment.split(' ').next().unwrap_or_default().to_owned();
    if day(&start) == day(&end) {
        format!("{start} to {}", zone.clock_of(ended_at))
    } else {
        format!("{start} to {end}")
    }
}

/// The actor, the record of the call, and the other readings.
pub(super) fn who(actor: &ActorEntry<'_>) -> String {
    let call = actor.record.as_ref().map(|record| format!("[{record}]")).unwrap_or_default();
    let others: Vec<String> = actor
        .alternatives
        .iter()
        .map(|other| format!("{} ({})", words::verdict(other.verdict), words::percent(other.odds)))
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("or {}", others.join(" or ")) };
    let said = words::joined(&[&words::actor(actor), &others], "; ");
    words::joined(&[&said, &call], " ")
}

/// The delete that ended the operation, and who asked for it.
fn cut_off(operation: &OperationEntry<'_>, among: &[OperationEntry<'_>], page: &mut Page<'_>) -> io::Result<()> {
    let Some(id) = operation.cut_off_by else {
        return Ok(());
    };
    let delete = among.iter().find(|other| other.id == id);
    let by =
        delete.and_then(|delete| delete.actor.as_ref()).map(|actor| format!(" of {}", who(actor))).unwrap_or_default();
    let at = delete.map(|delete| format!(" at {}", page.zone().clock_of(&delete.started_at))).unwrap_or_default();
    let text = format!("the delete{at}{by}");
    labelled(page, (Paint::Yellow, "cut off by"), Paint::Yellow, &text)
}

/// The real failures, whole and in AWS's words; what follows from them is in the table.
fn failed(failure: &FailureEntry<'_>, operation: &OperationEntry<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let (paint, label) = match failure.role {
        Role::Root => (Paint::RedBold, "ROOT failure"),
        Role::Independent => (Paint::Red, "independent"),
        Role::Cascade | Role::Summary => return Ok(()),
    };
    let at = page.zone().clock_of(&failure.at);
    let stack =
        failure.stack.filter(|stack| *stack != operation.stack).map(|stack| format!("in {stack}")).unwrap_or_default();
    let place = format!("at {at} [{}]", failure.event);
    let said = words::joined(&[&words::failure(failure), &stack, &place], " ");
    labelled(page, (paint, label), paint, &said)?;
    let indent = text_indent(page);
    match failure.reason {
        Some(reason) => page.quote(indent, paint, reason, None),
        None => page.say(indent, Paint::Dim, "AWS gave no reason"),
    }
}

/// What took long, where that is worth a line: the operation did not succeed, or it has more resources than one sees.
fn durations(operation: &OperationEntry<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let is_telling = operation.outcome != Ending::Succeeded || operation.resources.len() > operation.slowest.len();
    if !is_telling || operation.slowest.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = operation
        .slowest
        .iter()
        .filter_map(|span| Some(format!("{} {}", span.logical_id, words::duration(span.seconds?))))
        .collect();
    field(page, "slowest", &named.join(", "))?;
    if operation.critical_path.len() > 1 {
        field(page, "critical path", &operation.critical_path.join(page.glyphs.arrow))?;
    }
    Ok(())
}
