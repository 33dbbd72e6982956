//! The timeline as a table for people: a head for each operation, then a row for each event, then what could not be seen.
//! Rows are laid out one by one in columns of fixed width, so that 400,000 of them need no memory; on a narrow page the
//! reason stands beneath its row. Read on terminals, in CI logs and in tickets.

use super::page::{Cell, Page, Paint};
use super::{gaps, operations};
use crate::model::{Outcome, Time};
use crate::operation::Role;
use crate::report::words;
use crate::report::{EventEntry, OperationEntry, SilenceEntry, TimelineReport};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::iter::Peekable;

/// From this width on who and why have columns of their own.
const WIDE: usize = 190;
/// From this width on the record stands in the place of the source, which it names.
const ROOMY: usize = 100;
/// Below this width a row is a line of times with the text beneath.
const NARROW: usize = 64;
/// Below this width there is no room for the time since the beginning.
const NARROWEST_WITH_ELAPSED: usize = 40;
/// The width of a time of day.
const CLOCK: usize = 8;
/// An unfailing event's text longer than this is cut; it is whole in the other formats.
const REASON_LINES: usize = 6;

/// The whole page.
pub(super) fn timeline(report: &TimelineReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    head(report, page)?;
    if report.count() == 0 {
        page.blank()?;
        page.say(0, Paint::Plain, "No events.")?;
    } else {
        Table::of(report, page).write(report, page)?;
    }
    gaps::section(report.gaps, page)
}

fn head(report: &TimelineReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let own: Vec<_> = report.incarnations.iter().filter(|incarnation| incarnation.parent.is_none()).collect();
    let title = format!(
        "{}: {}, {}; times in {}",
        report.stack.unwrap_or("No stack named"),
        words::count(report.operations.len(), "operation"),
        words::count(report.count(), "event"),
        page.zone(),
    );
    page.say(0, Paint::Bold, &title)?;
    if own.len() > 1 {
        for incarnation in &own {
            let deleted = incarnation.deleted_at.as_ref().map(|at| format!("deleted {}", page.zone().moment(at)));
            let known = format!("known since {}", page.zone().moment(&incarnation.created_at));
            let end = deleted.as_deref().or(incarnation.status).unwrap_or_default();
            let text = words::joined(&[&known, end], ", ");
            page.say(2, Paint::Plain, &format!("incarnation {}: {text}", incarnation.number))?;
        }
    }
    for family in operations::families(&report.operations) {
        page.blank()?;
        operations::head(&family, &report.operations, own.len() > 1, page)?;
    }
    Ok(())
}

/// How the rows are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Who, outcome and reason in columns.
    Wide,
    /// Who and reason in the text.
    Stacked,
    /// The text beneath the times.
    Narrow,
}

/// The widths of the columns, and what stands between the rows.
struct Table<'r> {
    layout: Layout,
    elapsed: usize,
    clock: usize,
    source: usize,
    who: usize,
    outcome: usize,
    gap: usize,
    several_stacks: bool,
    several_incarnations: bool,
    silences: Peekable<std::vec::IntoIter<(&'r SilenceEntry, &'r str)>>,
    beginnings: BTreeMap<&'r str, &'r OperationEntry<'r>>,
}

/// What one look over the events tells of the widths that they need.
#[derive(Default)]
struct Needs {
    elapsed: usize,
    clock: usize,
    source: usize,
    record: usize,
    who: usize,
}

fn needs(report: &TimelineReport<'_>) -> Needs {
    let mut needs = Needs { clock: CLOCK, ..Needs::default() };
    for (at, event) in report.timed_events() {
        if let Some(zero) = report.zero {
            needs.elapsed = needs.elapsed.max(words::elapsed_width(zero, at));
        }
        if event.approximate {
            needs.clock = CLOCK + 1;
        }
        needs.source = needs.source.max(event.source.len());
        needs.record = needs.record.max(event.record.len());
        needs.who = needs.who.max(event.actor.map_or(0, str::len));
    }
    needs
}

impl<'r> Table<'r> {
    fn of(report: &'r TimelineReport<'r>, page: &Page<'_>) -> Self {
        let width = page.width();
        let needs = needs(report);
        let layout = match width {
            WIDE.. => Layout::Wide,
            NARROW.. => Layout::Stacked,
            _ => Layout::Narrow,
        };
        let sign = page.glyphs.failed.chars().count();
        let on_top: Vec<&OperationEntry<'_>> =
            operations::families(&report.operations).iter().map(|family| family.top).collect();
        let beginnings = if on_top.len() > 1 {
            on_top.iter().map(|operation| (operation.id, *operation)).collect()
        } else {
            BTreeMap::new()
        };
        let stacks: BTreeSet<&str> = report.operations.iter().map(|operation| operation.stack).collect();
        let outcome = match layout {
            Layout::Wide => (page.glyphs.root.chars().count() + " INDEP".len()).max(sign),
            Layout::Stacked | Layout::Narrow => sign,
        };
        let elapsed = if width < NARROWEST_WITH_ELAPSED { 0 } else { needs.elapsed };
        let source = match layout {
            _ if width >= ROOMY => needs.record.min(26),
            Layout::Narrow => needs.source.min(width.saturating_sub(elapsed + needs.clock + outcome + 3)),
            _ => needs.source,
        };
        Self {
            layout,
            elapsed,
            clock: needs.clock,
            source,
            who: if layout == Layout::Wide { needs.who.clamp(4, 22) } else { 0 },
            outcome,
            gap: if width >= ROOMY { 2 } else { 1 },
            several_stacks: stacks.len() > 1,
            several_incarnations: on_top.iter().any(|operation| operation.incarnation > 1),
            silences: silences(report).into_iter().peekable(),
            beginnings,
        }
    }

    fn write(mut self, report: &TimelineReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
        page.blank()?;
        self.legend(page)?;
        page.blank()?;
        self.titles(page)?;
        let mut day = String::new();
        let mut first = None;
        for (at, event) in report.timed_events() {
            self.silences_before(&event.at, first.get_or_insert_with(|| event.at.clone()), page)?;
            let today = page.zone().date(at);
            if today != day {
                page.rule(0, Paint::Bold, &format!("{today}, {}", page.zone()))?;
                day = today;
            }
            if let Some(operation) = event.operation.and_then(|id| self.beginnings.remove(id)) {
                let (paint, glyph) = operations::sign(page, operation.outcome);
                let title = format!("{glyph} {}{}", words::outcome(operation), self.number(operation));
                page.rule(0, paint, &title)?;
            }
            self.row(report, at, &event, page)?;
        }
        Ok(())
    }

    fn legend(&self, page: &mut Page<'_>) -> io::Result<()> {
        let glyphs = page.glyphs;
        let sign = |glyph: &str, meaning: &str| format!("{glyph} {meaning}");
        let pieces = [
            sign(glyphs.root, "ROOT the first real failure"),
            sign(glyphs.root, "INDEP one that does not follow from it"),
            sign(glyphs.failed, "failed"),
            sign(glyphs.cancelled, "cancelled"),
            sign(glyphs.succeeded, "succeeded"),
            sign(glyphs.running, "in progress"),
            sign(glyphs.noted, "noted"),
            sign("~", "about then"),
        ];
        page.flow(0, Paint::Dim, &pieces)
    }

    fn titles(&self, page: &mut Page<'_>) -> io::Result<()> {
        let source = if page.width() >= ROOMY { "record" } else { "source" };
        let mut cells = self.times(page, "elapsed", "time", source);
        match self.layout {
            Layout::Wide => {
                let titles = ["what", "who", "outcome", "why"];
                let widths = self.wide(page);
                let titles = titles.into_iter().zip(widths);
                cells.extend(titles.map(|(title, width)| page.cell(width, Paint::Dim, title)));
            }
            Layout::Stacked => {
                cells.push(page.cell(self.outcome, Paint::Dim, ""));
                cells.push(page.cell(self.text(page), Paint::Dim, "what, by whom, and why"));
            }
            Layout::Narrow => {}
        }
        page.row(0, self.gap, &cells)
    }

    /// The first cells of every row: elapsed (if anything counts it), time of day, source.
    fn times(&self, page: &Page<'_>, elapsed: &str, clock: &str, source: &str) -> Vec<Cell> {
        let mut cells = Vec::with_capacity(7);
        if self.elapsed > 0 {
            cells.push(page.cell(self.elapsed, Paint::Dim, elapsed));
        }
        cells.push(page.cell(self.clock, Paint::Plain, clock));
        cells.push(page.cell(self.source, Paint::Dim, source));
        cells
    }

    /// The columns that the times leave.
    fn rest(&self, page: &Page<'_>) -> usize {
        let elapsed = if self.elapsed > 0 { self.elapsed + self.gap } else { 0 };
        page.width().saturating_sub(elapsed + self.clock + self.gap + self.source + self.gap)
    }

    /// What a stacked row's text has.
    fn text(&self, page: &Page<'_>) -> usize {
        self.rest(page).saturating_sub(self.outcome + self.gap)
    }

    /// What, who, outcome, why.
    fn wide(&self, page: &Page<'_>) -> [usize; 4] {
        let rest = self.rest(page).saturating_sub(self.who + self.outcome + 3 * self.gap);
        let what = rest * 3 / 5;
        [what, self.who, self.outcome, rest - what]
    }

    fn row(
        &self,
        report: &TimelineReport<'_>,
        at: Time,
        event: &EventEntry<'_>,
        page: &mut Page<'_>,
    ) -> io::Result<()> {
        let since = report.zero.map(|zero| words::elapsed(zero, at)).unwrap_or_default();
        let about = match (event.approximate, self.clock) {
            (true, _) => "~",
            (false, CLOCK) => "",
            // Where some times have a sign before them, the others stand under their digits.
            (false, _) => " ",
        };
        let clock = format!("{about}{}", page.zone().clock(at));
        let source = if page.width() >= ROOMY { &event.record } else { event.source };
        let mut cells = self.times(page, &since, &clock, source);
        let (paint, glyph) = sign(page, event);
        let loud = loudness(event);
        let label = label(event);
        let place = self.place(report, event);
        let what = words::joined(&[&words::what(event), &place], " ");
        let why = words::reason(event.error, event.message);
        match self.layout {
            Layout::Wide => {
                let [what_width, who, outcome, why_width] = self.wide(page);
                cells.push(page.cell(what_width, loud, &what));
                cells.push(page.cell(who, Paint::Plain, event.actor.unwrap_or_default()));
                cells.push(page.cell(outcome, paint, &words::joined(&[glyph, label], " ")));
                let why = page.cell(why_width, quiet(loud), &why);
                cells.push(shortened(why, event, page));
                page.row(0, self.gap, &cells)
            }
            Layout::Stacked => {
                cells.push(page.cell(self.outcome, paint, glyph));
                let text = page.cell(self.text(page), loud, &sentence(label, &what, event.actor));
                cells.push(with_reason(text, loud, &why, event, page));
                page.row(0, self.gap, &cells)
            }
            Layout::Narrow => {
                cells.push(page.cell(self.outcome, paint, glyph));
                page.row(0, self.gap, &cells)?;
                let room = page.width().saturating_sub(2);
                let text = page.cell(room, loud, &sentence(label, &what, event.actor));
                let text = with_reason(text, loud, &why, event, page);
                page.row(2, 0, &[text])
            }
        }
    }

    fn number(&self, operation: &OperationEntry<'_>) -> String {
        if self.several_incarnations { format!(", incarnation {}", operation.incarnation) } else { String::new() }
    }

    /// Which stack, where several are shown: without the beginning that it shares with its parent.
    fn place(&self, report: &TimelineReport<'_>, event: &EventEntry<'_>) -> String {
        let own = report.stack.unwrap_or_default();
        match event.stack {
            Some(stack) if self.several_stacks && stack != own && !words::is_of_stack(event) => {
                let short = stack.strip_prefix(own).and_then(|rest| rest.strip_prefix('-'));
                format!("in {}", short.unwrap_or(stack))
            }
            _ => String::new(),
        }
    }

    /// The silences that began before this event, each once. Those before the first event that is shown are not part
    /// of what was asked for.
    fn silences_before(&mut self, at: &str, first: &str, page: &mut Page<'_>) -> io::Result<()> {
        while let Some((silence, stack)) = self.silences.next_if(|(silence, _)| *silence.from < *at) {
            if *silence.from < *first {
                continue;
            }
            let of = if self.several_stacks { format!(" ({stack})") } else { String::new() };
            let dash = page.glyphs.dash;
            let text = format!("{dash} {}{of} {dash}", words::silence(silence));
            let indent = if self.elapsed > 0 { self.elapsed + self.gap } else { 0 };
            let indent = if self.layout == Layout::Narrow { 0 } else { indent };
            page.say(indent, Paint::Cyan, &text)?;
        }
        Ok(())
    }
}

/// All silences in order of time, each with its stack.
fn silences<'r>(report: &'r TimelineReport<'r>) -> Vec<(&'r SilenceEntry, &'r str)> {
    let mut silences: Vec<(&SilenceEntry, &str)> = report
        .operations
        .iter()
        .flat_map(|operation| operation.silences.iter().map(|silence| (silence, operation.stack)))
        .collect();
    // Instants are written in one width: their order is that of their texts.
    silences.sort_by(|a, b| a.0.from.cmp(&b.0.from));
    silences
}

/// How loud a row is.
fn loudness(event: &EventEntry<'_>) -> Paint {
    match (event.role, event.outcome) {
        (Some(Role::Root), _) => Paint::RedBold,
        (Some(Role::Independent), _) => Paint::Red,
        (Some(Role::Summary), _) => Paint::Yellow,
        (Some(Role::Cascade), _) | (_, Outcome::Cancelled) => Paint::Dim,
        (_, Outcome::Failed) => Paint::Red,
        _ if words::is_of_stack(event) => Paint::Bold,
        _ => Paint::Plain,
    }
}

/// Reasons of what did not fail stand back.
fn quiet(loud: Paint) -> Paint {
    match loud {
        Paint::Plain | Paint::Bold => Paint::Dim,
        other => other,
    }
}

fn sign(page: &Page<'_>, event: &EventEntry<'_>) -> (Paint, &'static str) {
    let glyphs = page.glyphs;
    match (event.role, event.outcome) {
        (Some(Role::Root | Role::Independent), _) => (loudness(event), glyphs.root),
        (_, Outcome::Failed) => (loudness(event), glyphs.failed),
        (_, Outcome::Cancelled) => (Paint::Dim, glyphs.cancelled),
        (_, Outcome::Succeeded) => (Paint::Green, glyphs.succeeded),
        (_, Outcome::InProgress) => (Paint::Cyan, glyphs.running),
        (_, Outcome::Noted) => (Paint::Dim, glyphs.noted),
    }
}

fn label(event: &EventEntry<'_>) -> &'static str {
    match event.role {
        Some(Role::Root) => "ROOT",
        Some(Role::Independent) => "INDEP",
        _ => "",
    }
}

fn sentence(label: &str, what: &str, actor: Option<&str>) -> String {
    let by = actor.map(|actor| format!("by {actor}")).unwrap_or_default();
    words::joined(&[label, what, &by], " ")
}

fn with_reason(mut text: Cell, loud: Paint, why: &str, event: &EventEntry<'_>, page: &Page<'_>) -> Cell {
    page.append(&mut text, quiet(loud), why);
    shortened(text, event, page)
}

/// Logs can be endless; failures are never cut.
fn shortened(text: Cell, event: &EventEntry<'_>, page: &Page<'_>) -> Cell {
    if matches!(event.outcome, Outcome::Failed | Outcome::Cancelled) {
        return text;
    }
    let note = format!("{} whole in {}", page.glyphs.cut, event.record);
    text.at_most(REASON_LINES, &note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::page::width_of;
    use crate::render::testing;
    use unicode_width::UnicodeWidthStr;

    fn table(report: &TimelineReport<'_>, style: &Style) -> String {
        testing::rendered(|out| timeline(report, &mut Page::new(style, out)))
    }

    #[test]
    fn no_line_is_wider_than_the_page() {
        testing::with_timeline(testing::HOSTILE, |report| {
            for width in [24, 30, 39, 40, 63, 64, 80, 99, 100, WIDE - 1, WIDE, 200] {
                for ascii in [false, true] {
                    let style = Style { ascii, ..Style::plain(width) };
                    let text = table(report, &style);
                    for line in text.lines() {
                        assert!(line.width() <= width && width_of(line) <= width, "{width}: {line}");
                        assert_eq!(line.trim_end(), line);
                    }
                    assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
                }
            }
        });
    }

    #[test]
    fn ascii_input_gives_ascii_output_and_colours_only_on_demand() {
        testing::with_timeline("Shop", |report| {
            for width in [40, 80, 200] {
                let style = Style { ascii: true, ..Style::plain(width) };
                // The root failure's text is the only one in the story that is not ASCII.
                let foreign = table(report, &style).replace(|c: char| "日本語".contains(c), "");
                assert!(foreign.is_ascii(), "{foreign}");
                let colourful = Style { colour: true, ..style };
                assert!(table(report, &colourful).contains("\u{1b}[1;31m"));
                assert!(!table(report, &style).contains('\u{1b}'));
            }
        });
    }

    #[test]
    fn the_table_tells_the_story() {
        testing::with_timeline("Shop", |report| {
            let text = table(report, &Style::plain(100));
            for expected in [
                "Shop: 2 operations, 8 events; times in UTC",
                "✗ Shop: create failed after 16 min 06 s",
                "ROOT failure   CREATE_FAILED Api|",
                "  │ ",
                "── 2026-11-18, UTC ──",
                "-00:00:01  12:02:59  cloudtrail#0",
                "✗  ROOT CREATE_FAILED Api|",
                "⊘  CREATE_FAILED Queue (AWS::SQS::Queue)",
                "— 16 min 00 s of silence; in progress: Queue, Api|",
                "rds_events, 12:00 to 13:00: refused \\u{1b}[31m | AccessDenied",
                "not collected: ecs_tasks, log_events",
            ] {
                assert!(text.contains(expected), "{expected} in {text}");
            }
        });
    }

    #[test]
    fn times_are_in_the_zone_that_the_head_names() {
        testing::with_timeline("Shop", |report| {
            let style = Style { zone: "Europe/Berlin".parse().unwrap(), ..Style::plain(100) };
            let text = table(report, &style);
            assert!(text.contains("times in Europe/Berlin") && text.contains("-00:00:01  13:02:59"), "{text}");
        });
    }
}
