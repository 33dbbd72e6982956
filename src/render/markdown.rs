//! The timeline as a page of Markdown: the operations and the events as tables, what could not be seen as a list.
//! Everything that is not ours is escaped, so that nothing in it comes alive where the page is pasted.
//! Pasted into tickets, pull requests and wikis.

use super::escape::{markdown, markdown_cell, markdown_code};
use super::{Zone, gaps};
use crate::model::{Gap, Outcome};
use crate::operation::Role;
use crate::report::words;
use crate::report::{EventEntry, FailureEntry, OperationEntry, TimelineReport};
use std::io::{self, Write};

/// The page.
pub(super) fn timeline(report: &TimelineReport<'_>, zone: Zone, out: &mut dyn Write) -> io::Result<()> {
    match report.stack {
        Some(stack) => writeln!(out, "# Timeline of {}", markdown(stack))?,
        None => writeln!(out, "# Timeline")?,
    }
    let operations = words::count(report.operations.len(), "operation");
    let events = words::count(report.count(), "event");
    writeln!(out, "\n{operations}, {events}; times in {zone}.")?;
    operations_table(report, zone, out)?;
    events_table(report, zone, out)?;
    gaps_list(report.gaps, out)
}

fn operations_table(report: &TimelineReport<'_>, zone: Zone, out: &mut dyn Write) -> io::Result<()> {
    if report.operations.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Operations\n")?;
    writeln!(out, "| Stack | Operation | Began | Ended | By | Failures | Id |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for operation in &report.operations {
        let stack = format!("{} (incarnation {})", operation.stack, operation.incarnation);
        let actor = operation.actor.as_ref().map(words::actor).unwrap_or_default();
        let ended = operation.ended_at.as_ref().map(|at| zone.moment(at)).unwrap_or_default();
        row(
            out,
            &[
                &markdown_cell(&stack),
                &outcome_cell(operation),
                &zone.moment(&operation.started_at),
                &ended,
                &markdown_cell(&actor),
                &failures_cell(operation),
                &markdown_code(operation.id),
            ],
        )?;
    }
    Ok(())
}

fn outcome_cell(operation: &OperationEntry<'_>) -> String {
    let cut_off = operation.cut_off_by.map(|id| format!("by {}", markdown_code(id)));
    let express = if operation.express { "express mode" } else { "" };
    let outcome = words::joined(&[&words::outcome(operation), cut_off.as_deref().unwrap_or_default()], " ");
    words::joined(&[&outcome, express], ", ")
}

/// The real failures in AWS's words.
fn failures_cell(operation: &OperationEntry<'_>) -> String {
    let failures: Vec<String> =
        operation.failures.iter().filter(|failure| failure.role.is_real()).map(failure_text).collect();
    failures.join("<br>")
}

fn failure_text(failure: &FailureEntry<'_>) -> String {
    let role = words::word(failure.role);
    let what = markdown_cell(&words::failure(failure));
    let reason = markdown_cell(failure.reason.unwrap_or("AWS gave no reason"));
    format!("**{role}** {what}: {reason} {}", markdown_code(&failure.event))
}

fn events_table(report: &TimelineReport<'_>, zone: Zone, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n## Events\n")?;
    if report.count() == 0 {
        return writeln!(out, "None.");
    }
    writeln!(out, "| Elapsed | Time | Record | What | Who | Outcome | Why |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |")?;
    for (at, event) in report.timed_events() {
        let elapsed = report.zero.map(|zero| words::elapsed(zero, at)).unwrap_or_default();
        let about = if event.approximate { "about " } else { "" };
        let time = format!("{about}{} {}", zone.date(at), zone.clock(at));
        let why = words::reason(event.error, event.message);
        row(
            out,
            &[
                &elapsed,
                &time,
                &markdown_code(&event.record),
                &what_cell(report, &event),
                &event.actor.map(markdown_code).unwrap_or_default(),
                sign(&event),
                &markdown_cell(&why),
            ],
        )?;
    }
    Ok(())
}

/// The deed, its object, and the stack where it is another.
fn what_cell(report: &TimelineReport<'_>, event: &EventEntry<'_>) -> String {
    let elsewhere = event
        .stack
        .filter(|stack| report.stack.is_some_and(|own| own != *stack) && !words::is_of_stack(event))
        .map(|stack| format!("in {}", markdown_cell(stack)))
        .unwrap_or_default();
    words::joined(&[&markdown_cell(&words::what(event)), &elsewhere], " ")
}

/// How an event ended, in a cell.
pub(super) fn sign(event: &EventEntry<'_>) -> &'static str {
    match (event.role, event.outcome) {
        (Some(Role::Root), _) => "**✗ ROOT**",
        (Some(Role::Independent), _) => "**✗ independent**",
        (_, Outcome::Failed) => "✗ failed",
        (_, Outcome::Cancelled) => "⊘ cancelled",
        (_, Outcome::Succeeded) => "✓",
        (_, Outcome::InProgress) => "…",
        (_, Outcome::Noted) => "·",
    }
}

/// Cells that are escaped already.
fn row(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    for cell in cells {
        write!(out, "| {cell} ")?;
    }
    writeln!(out, "|")
}

fn gaps_list(all: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## What could not be seen\n")?;
    let (missing, partial) = gaps::parted(all);
    for gap in partial {
        let why = markdown(&format!("{}: {}", gaps::place(gap), gap.why));
        let remedy = gap.remedy.as_deref().map(markdown_code);
        let remedy = remedy.map(|remedy| format!("; to fill it: {remedy}")).unwrap_or_default();
        writeln!(out, "- {why}{remedy}")?;
    }
    if !missing.is_empty() {
        writeln!(out, "- not collected: {}", markdown(&missing.join(", ")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    #[test]
    fn tables_stay_tables_and_nothing_comes_alive() {
        testing::with_timeline(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| timeline(report, Zone::Utc, out));
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
            let rows = text.lines().filter(|line| line.starts_with('|'));
            for line in rows.clone() {
                let bars = line.replace("\\|", "").matches('|').count();
                assert_eq!(bars, 8, "{line}");
            }
            assert_eq!(rows.count(), 4 + report.operations.len() + report.count());
            for alive in ["<script", "](http", "://", "@team", "![", "\u{1b}", "\u{202e}"] {
                assert!(!text.contains(alive), "{alive} in {text}");
            }
            assert!(text.contains("**✗ ROOT**"));
        });
    }

    #[test]
    fn times_are_in_the_zone_that_the_head_names() {
        testing::with_timeline("Shop", |report| {
            let zone: Zone = "Asia/Tokyo".parse().unwrap();
            let text = testing::rendered(|out| timeline(report, zone, out));
            assert!(text.contains("times in Asia/Tokyo") && text.contains("2026-11-18 21:03:00"), "{text}");
        });
    }
}
