//! What could not be seen, for people: everything that was not collected on one line, each other gap on its own.
//! It leaves nothing out and judges nothing.
//! Shared by the timeline's table, the list of stacks, the diagnosis and the formats of the report.

use super::page::{Page, Paint, Said};
use crate::model::Gap;
use crate::report::words;
use std::io;

/// The sources of which nothing was collected, and the gaps in the others.
pub(super) fn parted(gaps: &[Gap]) -> (Vec<&str>, Vec<&Gap>) {
    let (missing, partial): (Vec<&Gap>, Vec<&Gap>) = gaps.iter().partition(|gap| gap.is_whole_source());
    (missing.into_iter().map(|gap| &*gap.source).collect(), partial)
}

/// Each gap with the number of those of its source that say the same of other parts.
fn grouped(gaps: Vec<&Gap>) -> Vec<(&Gap, usize)> {
    let mut groups: Vec<(&Gap, usize)> = Vec::new();
    for gap in gaps {
        let alike = |other: &Gap| (&other.source, &other.why, &other.remedy) == (&gap.source, &gap.why, &gap.remedy);
        match groups.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, more)) => *more += 1,
            None => groups.push((gap, 0)),
        }
    }
    groups
}

/// `cloudtrail, 11:00 to 12:00`.
pub(super) fn place(gap: &Gap) -> String {
    words::joined(&[&gap.source, gap.window.as_deref().unwrap_or_default()], ", ")
}

/// `cloudtrail, 11:00 to 12:00: access denied`.
pub(super) fn said(gap: &Gap) -> String {
    format!("{}: {}", place(gap), gap.why)
}

/// The section at the end of a page; nothing where everything was seen.
pub(super) fn section(gaps: &[Gap], page: &mut Page<'_>) -> io::Result<()> {
    if gaps.is_empty() {
        return Ok(());
    }
    let (missing, partial) = parted(gaps);
    page.blank()?;
    page.say(0, Paint::Bold, "What could not be seen")?;
    let bullet = page.glyphs.noted;
    for (gap, more) in grouped(partial) {
        let more = if more == 0 { String::new() } else { format!(" (and {more} more like it)") };
        let said = Said::one(Paint::Plain, format!("{}{more}", said(gap)));
        let said = match &gap.remedy {
            Some(remedy) => said.and(Paint::Dim, format!("to fill it: {remedy}")),
            None => said,
        };
        page.labelled(2, (Paint::Yellow, bullet), 1, &said)?;
    }
    if !missing.is_empty() {
        let text = format!("{}: {}", Gap::NOT_COLLECTED, missing.join(", "));
        page.labelled(2, (Paint::Dim, bullet), 1, &Said::one(Paint::Dim, text))?;
    }
    Ok(())
}
