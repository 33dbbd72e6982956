//! The list of stacks for people: each incarnation, then a row for each operation on it with who began it and what failed.
//! It shows the ids whole, since they are what `--operation` takes.
//! Read on terminals.

use super::page::{Page, Paint};
use super::{gaps, operations};
use crate::model::{Gap, time};
use crate::operation::Ending;
use crate::report::words;
use crate::report::{ActorEntry, FailureEntry, StackEntry, StackSummary, StacksReport};
use std::io;

/// A moment's width.
const MOMENT: usize = 19;
/// `change set in progress`, with its sign.
const DEED: usize = 24;
/// `12 min 04 s`.
const LASTED: usize = 11;

/// The whole page.
pub(super) fn table(report: &StacksReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let title = format!("{}; times in {}", words::count(report.stacks.len(), "incarnation"), page.zone());
    page.say(0, Paint::Bold, &title)?;
    for stack in &report.stacks {
        page.blank()?;
        incarnation(stack, page)?;
    }
    gaps::section(report.gaps, page)
}

/// One line a stack, newest first.
pub(super) fn brief(report: &StacksReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let lines: Vec<Brief<'_>> = report.summaries().iter().map(Brief::of).collect();
    if lines.is_empty() {
        page.say(
            0,
            Paint::Bold,
            "no stack fits: none failed or was deleted in the time and place that were asked about",
        )?;
    }
    let room = |least: usize, most: usize, widths: &mut dyn Iterator<Item = usize>| {
        widths.max().unwrap_or(least).clamp(least, most)
    };
    let stack = room(5, 40, &mut lines.iter().map(|line| line.stack.chars().count()));
    let actor = room(3, 24, &mut lines.iter().map(|line| line.actor.chars().count()));
    for line in &lines {
        line.write(stack, actor, page)?;
    }
    // A survey looks at few sources; which ones it leaves out is no news.
    let partial: Vec<Gap> = report.gaps.iter().filter(|gap| !gap.is_whole_source()).cloned().collect();
    gaps::section(&partial, page)
}

/// A stack in one line, in words.
struct Brief<'a> {
    at: &'a str,
    outcome: Ending,
    deed: String,
    stack: String,
    actor: &'a str,
    why: String,
}

impl<'a> Brief<'a> {
    fn of(summary: &StackSummary<'a>) -> Self {
        let deed = match summary.kind {
            Some(kind) => format!("{} {}", words::word(kind), words::word(summary.outcome)),
            None => summary.stack.status.unwrap_or("unknown").to_owned(),
        };
        let undone = match summary.rollback {
            Some(Ending::Failed) => "rollback failed",
            Some(Ending::InProgress) => "rolling back",
            _ => "",
        };
        let gone = if summary.deleted { "deleted" } else { "" };
        let why = match (summary.root, summary.deleted_by) {
            (Some(root), _) => format!("{}: {}", root.logical_id.unwrap_or("?"), root.reason.unwrap_or("no reason")),
            (None, Some(by)) => format!("deleted by {by}"),
            (None, None) => String::new(),
        };
        Self {
            at: summary.at,
            outcome: summary.outcome,
            deed: words::joined(&[&deed, undone, gone], ", "),
            stack: words::joined(&[summary.stack.stack, summary.stack.region.unwrap_or_default()], " "),
            actor: summary.actor.unwrap_or("-"),
            why,
        }
    }

    fn write(&self, stack: usize, actor: usize, page: &mut Page<'_>) -> io::Result<()> {
        const DEED: usize = 32;
        let (paint, glyph) = operations::sign(page, self.outcome);
        let rest = page.width().saturating_sub(MOMENT + DEED + stack + actor + 8).max(20);
        let cells = [
            page.line(MOMENT, Paint::Plain, &page.zone().moment(self.at)),
            page.line(DEED, paint, &format!("{glyph} {}", self.deed)),
            page.line(stack, Paint::Bold, &self.stack),
            page.line(actor, Paint::Plain, self.actor),
            page.line(rest, Paint::Red, &self.why),
        ];
        page.row(0, 2, &cells)
    }
}

fn incarnation(stack: &StackEntry<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let name = if stack.stack.is_empty() { "(no name known)" } else { stack.stack };
    let number = format!("incarnation {}", stack.incarnation);
    let nested = stack.parent.map(|parent| format!("nested in {parent}")).unwrap_or_default();
    let title = words::joined(&[name, &number, stack.status.unwrap_or_default(), &nested], ", ");
    page.say(0, Paint::Bold, &title)?;
    let known = format!("known since {}", page.zone().moment(&stack.created_at));
    let deleted = stack.deleted_at.as_ref().map(|at| format!("deleted {}", page.zone().moment(at))).unwrap_or_default();
    page.say(2, Paint::Dim, &words::joined(&[&known, &deleted], ", "))?;
    page.say(2, Paint::Dim, stack.stack_id.unwrap_or_default())?;
    for operation in &stack.operations {
        let row = Row {
            id: operation.id,
            deed: format!("{} {}", words::word(operation.kind), words::word(operation.outcome)),
            outcome: operation.outcome,
            started_at: &operation.started_at,
            lasted: lasted(&operation.started_at, operation.ended_at.as_deref()),
            actor: operation.actor.as_ref(),
            root: operation.root.as_ref(),
        };
        row.write(page)?;
    }
    Ok(())
}

/// An operation in a row.
struct Row<'a> {
    id: &'a str,
    deed: String,
    outcome: Ending,
    started_at: &'a str,
    lasted: String,
    actor: Option<&'a ActorEntry<'a>>,
    root: Option<&'a FailureEntry<'a>>,
}

impl Row<'_> {
    fn write(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (paint, glyph) = operations::sign(page, self.outcome);
        let deed = format!("{glyph} {}", self.deed);
        let began = page.zone().moment(self.started_at);
        let taken = 2 + MOMENT + 2 + DEED + 2 + LASTED + 2;
        let room = page.width().saturating_sub(taken);
        if room < LASTED * 3 {
            let line = words::joined(&[&began, &deed, &self.lasted], "  ");
            page.say(2, paint, &line)?;
            let text = page.cell(page.width().saturating_sub(4), Paint::Plain, "");
            let text = self.text(text, page);
            return page.row(4, 0, &[text]);
        }
        let text = self.text(page.cell(room, Paint::Plain, ""), page);
        let cells = [
            page.cell(MOMENT, Paint::Plain, &began),
            page.cell(DEED, paint, &deed),
            page.cell(LASTED, Paint::Plain, &self.lasted),
            text,
        ];
        page.row(2, 2, &cells)
    }

    /// Who, the root failure, the id.
    fn text(&self, mut cell: super::page::Cell, page: &Page<'_>) -> super::page::Cell {
        if let Some(actor) = self.actor {
            page.add(&mut cell, Paint::Plain, &words::actor(actor));
        }
        if let Some(root) = self.root {
            let reason = root.reason.unwrap_or("AWS gave no reason");
            let text = format!("{}: {reason} [{}]", words::failure(root), root.event);
            page.add(&mut cell, Paint::Red, &text);
        }
        page.add(&mut cell, Paint::Dim, self.id);
        cell
    }
}

fn lasted(started_at: &str, ended_at: Option<&str>) -> String {
    let instant = |text: &str| time::parse(text).map(|read| read.at);
    match (instant(started_at), ended_at.and_then(instant)) {
        (Some(start), Some(end)) => {
            #[allow(clippy::cast_precision_loss)] // milliseconds of an operation fit
            let seconds = (end - start).num_milliseconds() as f64 / 1000.0;
            words::duration(seconds)
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::page::width_of;
    use crate::render::testing;

    #[test]
    fn every_stack_and_operation_is_listed_within_the_width() {
        testing::with_stacks(testing::HOSTILE, |report| {
            for width in [40, 80, 200] {
                let style = Style::plain(width);
                let text = testing::rendered(|out| table(report, &mut Page::new(&style, out)));
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
                assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
                for line in text.lines() {
                    assert!(width_of(line) <= width, "{width}: {line}");
                }
                for stack in &report.stacks {
                    for operation in &stack.operations {
                        let id: String = operation.id.chars().take(20).collect();
                        assert!(text.contains(&id), "{text}");
                    }
                }
            }
        });
    }
}
