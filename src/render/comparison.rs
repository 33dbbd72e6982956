//! Two deployments side by side, for people: what differs, what took longer, and the templates' differences.
//! It shows all that the comparison holds but durations that say nothing, which it counts.
//! Read on terminals, and as Markdown on tickets.

use super::escape::{markdown, markdown_cell, markdown_code, markdown_fence};
use super::page::{Page, Paint, Said};
use crate::compare::{Comparison, Difference, DurationChange, Side};
use crate::report::words;
use std::io::{self, Write};

/// Room for what is compared.
const WHAT: usize = 24;
/// More lines of a template's difference are cut on a terminal.
const DIFF_LINES: usize = 200;

/// For a terminal.
pub(super) fn text(comparison: &Comparison, page: &mut Page<'_>) -> io::Result<()> {
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        page.labelled(0, (Paint::Bold, name), 1, &Said::one(Paint::Plain, title(side, |at| page.zone().moment(at))))?;
    }
    differences("What differs", &comparison.differences, page)?;
    differences("Ended otherwise", &comparison.ended_otherwise, page)?;
    only("Only in A", &comparison.only_a, page)?;
    only("Only in B", &comparison.only_b, page)?;
    durations(&comparison.durations, page)?;
    for template in &comparison.templates {
        page.blank()?;
        page.say(0, Paint::Bold, &format!("Template {}", template.file))?;
        diff(&template.diff, page)?;
    }
    if !comparison.same.is_empty() {
        page.blank()?;
        page.say(0, Paint::Dim, &format!("The same: {}", comparison.same.join(", ")))?;
    }
    Ok(())
}

fn title(side: &Side, moment: impl Fn(&str) -> String) -> String {
    let stack = side.stack.as_deref().unwrap_or("no stack named");
    let outcome = side.outcome.as_deref().unwrap_or("the evidence tells of no operation");
    let at = side.started_at.as_deref().map(|at| format!(", began {}", moment(at))).unwrap_or_default();
    let id = side.operation.as_deref().map(|id| format!(", --operation {id}")).unwrap_or_default();
    format!("{stack}: {outcome}{at}{id}")
}

fn differences(head: &str, differences: &[Difference], page: &mut Page<'_>) -> io::Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, head)?;
    for difference in differences {
        let says = |side: &Option<String>| side.clone().unwrap_or_else(|| "(not told)".to_owned());
        let said = Said::one(Paint::Plain, format!("A  {}", says(&difference.a)));
        let said = said.and(Paint::Plain, format!("B  {}", says(&difference.b)));
        page.labelled(2, (Paint::Dim, &difference.what), WHAT, &said)?;
    }
    Ok(())
}

fn only(head: &str, names: &[String], page: &mut Page<'_>) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, head)?;
    page.say(2, Paint::Plain, &names.join(", "))
}

fn durations(changes: &[DurationChange], page: &mut Page<'_>) -> io::Result<()> {
    let (telling, rest): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.telling);
    if changes.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, "How long it took")?;
    for change in telling {
        let paint = if change.longer > 0.0 { Paint::Yellow } else { Paint::Green };
        let what = change.logical_id.as_deref().unwrap_or("the whole deployment");
        page.labelled(2, (paint, what), WHAT, &Said::one(Paint::Plain, took(change)))?;
    }
    match rest.len() {
        0 => Ok(()),
        count => page.say(2, Paint::Dim, &format!("{} took about as long in both", words::count(count, "measure"))),
    }
}

/// `A 2 min 03 s, B 9 min 10 s: 7 min 07 s longer (4.5 times)`.
fn took(change: &DurationChange) -> String {
    let (a, b) = (words::duration(change.a), words::duration(change.b));
    let by = words::duration(change.longer.abs());
    let word = if change.longer > 0.0 { "longer" } else { "shorter" };
    let (less, more) = (change.a.min(change.b), change.a.max(change.b));
    let times = if less > 0.0 { format!(" ({:.1} times as long)", more / less) } else { String::new() };
    format!("A {a}, B {b}: {by} {word}{times}")
}

fn diff(diff: &str, page: &mut Page<'_>) -> io::Result<()> {
    let lines: Vec<&str> = diff.lines().collect();
    for line in lines.iter().take(DIFF_LINES) {
        let paint = match line.chars().next() {
            Some('+') => Paint::Green,
            Some('-') => Paint::Red,
            Some('@') => Paint::Cyan,
            _ => Paint::Plain,
        };
        // A line of a template must not be wrapped: what stands where is what it says.
        page.whole(2, paint, line)?;
    }
    match lines.len().saturating_sub(DIFF_LINES) {
        0 => Ok(()),
        more => page.say(2, Paint::Dim, &format!("{} more; --format json has all", words::count(more, "line"))),
    }
}

/// For a ticket.
pub(super) fn as_markdown(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Two deployments compared\n")?;
    for (name, side) in [("A", &comparison.a), ("B", &comparison.b)] {
        writeln!(out, "- **{name}** {}", markdown(&title(side, |at| super::Zone::Utc.moment(at))))?;
    }
    differences_table("What differs", &comparison.differences, out)?;
    differences_table("Ended otherwise", &comparison.ended_otherwise, out)?;
    for (head, names) in [("Only in A", &comparison.only_a), ("Only in B", &comparison.only_b)] {
        // A name of blanks shows nothing.
        let names: Vec<String> = names.iter().map(|name| markdown_code(name)).filter(|name| !name.is_empty()).collect();
        if !names.is_empty() {
            writeln!(out, "\n## {head}\n\n{}", names.join(", "))?;
        }
    }
    durations_table(&comparison.durations, out)?;
    for template in &comparison.templates {
        writeln!(out, "\n## Template {}\n\n{}", markdown(&template.file), markdown_fence("diff", &template.diff, ""))?;
    }
    if !comparison.same.is_empty() {
        writeln!(out, "\nThe same: {}.", markdown(&comparison.same.join(", ")))?;
    }
    Ok(())
}

fn differences_table(head: &str, differences: &[Difference], out: &mut dyn Write) -> io::Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {head}\n\n| What | A | B |\n| --- | --- | --- |")?;
    let cell = |side: &Option<String>| side.as_deref().map(markdown_cell).unwrap_or_default();
    for difference in differences {
        writeln!(out, "| {} | {} | {} |", markdown_cell(&difference.what), cell(&difference.a), cell(&difference.b))?;
    }
    Ok(())
}

fn durations_table(changes: &[DurationChange], out: &mut dyn Write) -> io::Result<()> {
    let telling: Vec<&DurationChange> = changes.iter().filter(|change| change.telling).collect();
    if telling.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## How long it took\n\n| What | A | B | B took |\n| --- | --- | --- | --- |")?;
    for change in telling {
        let what = words::named(change.logical_id.as_deref(), change.resource_type.as_deref());
        let what = if what.is_empty() { "the whole deployment" } else { &what };
        let word = if change.longer > 0.0 { "longer" } else { "shorter" };
        let (a, b) = (words::duration(change.a), words::duration(change.b));
        let by = words::duration(change.longer.abs());
        writeln!(out, "| {} | {a} | {b} | {by} {word} |", markdown_cell(what))?;
    }
    Ok(())
}
