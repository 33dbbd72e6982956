//! The list of stacks for people: each incarnation, then a row for each operation on it with who began it and what failed.
//! It shows the ids whole, since they are what `--operation` takes.
//! Read on terminals.

use super::page::{Page, Paint};
use super::{gaps, operations, words};
use crate::model::time;
use crate::operation::Ending;
use crate::report::{ActorEntry, FailureEntry, StackEntry, StacksReport};
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
