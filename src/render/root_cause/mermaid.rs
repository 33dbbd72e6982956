//! The operations as a mermaid gantt chart, which GitHub, GitLab and many wikis draw.
//! Mermaid's names know no escapes: what is not a plain character of a name is left out of them.
//! Part of the report as Markdown.

use crate::model::{Outcome, Time};
use crate::operation::{Ending, Role};
use crate::report::words;
use crate::report::{Chart, Lane, Track};
use std::io::{self, Write};

/// Mermaid draws nothing of a chart of more than 50,000 characters (`maxTextSize`). A line here has at most 130.
const MOST_LINES: usize = 250;
/// Characters of a name.
const NAME: usize = 60;
/// What takes no time would not be seen.
const SHORTEST: f64 = 1.0;

/// The chart, without the fence around it. Nothing where no operation is known.
pub(super) fn gantt(chart: &Chart<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(zero) = chart.from else { return Ok(()) };
    let axis = if chart.length >= 86_400.0 { "%m-%d %H:%M" } else { "%H:%M:%S" };
    writeln!(out, "gantt")?;
    writeln!(out, "    dateFormat x")?;
    writeln!(out, "    axisFormat {axis}")?;
    let mut lines = 0;
    for track in chart.tracks.iter().take(MOST_LINES / 4) {
        section(track, out)?;
        task(
            &format!("{} {}", sign_of(track.operation.outcome), words::outcome(track.operation)),
            "",
            zero,
            track.bar.from,
            track.bar.to,
            out,
        )?;
        lines += 2;
        let shown: Vec<&Lane<'_>> = track.lanes.iter().filter(|lane| lane.is_key).collect();
        for lane in shown.iter().take(MOST_LINES.saturating_sub(lines)) {
            resource(lane, zero, out)?;
            lines += 1;
        }
        let folded = track.lanes.len().saturating_sub(shown.len());
        if folded > 0 {
            let text = format!("and {} that took less", words::count(folded, "resource"));
            task(&format!("· {text}"), "done", zero, track.bar.from, track.bar.to, out)?;
        }
    }
    Ok(())
}

fn section(track: &Track<'_>, out: &mut dyn Write) -> io::Result<()> {
    let operation = track.operation;
    let kind = words::word(operation.kind);
    let nested = if track.depth > 0 { "nested " } else { "" };
    writeln!(out, "    section {nested}{} {kind} {}", name(operation.stack), operation.incarnation)
}

fn resource(lane: &Lane<'_>, zero: Time, out: &mut dyn Write) -> io::Result<()> {
    let (sign, tag, note) = match (lane.span.role, lane.span.outcome) {
        (Some(Role::Root), _) => ("✗", "crit", " ROOT"),
        (Some(Role::Independent), _) => ("✗", "crit", " independent"),
        (_, Outcome::Cancelled) => ("⊘", "", " cancelled"),
        (_, Outcome::Failed) => ("✗", "crit", " in consequence"),
        (_, Outcome::InProgress) => ("…", "active", " still in progress"),
        (_, Outcome::Succeeded | Outcome::Noted) => ("✓", "done", ""),
    };
    let text = format!("{sign} {}{note}", lane.span.logical_id);
    task(&text, tag, zero, lane.bar.from, lane.bar.to, out)
}

fn sign_of(ending: Ending) -> &'static str {
    match ending {
        Ending::Succeeded => "✓",
        Ending::Failed => "✗",
        Ending::CutOff => "⊘",
        Ending::InProgress => "…",
        Ending::Unknown => "·",
    }
}

/// One line. A sign stands first, so that no name can be taken for one of mermaid's words.
fn task(text: &str, tag: &str, zero: Time, from: f64, to: f64, out: &mut dyn Write) -> io::Result<()> {
    #[allow(clippy::cast_possible_truncation)] // milliseconds of a story fit
    let at = |seconds: f64| zero.timestamp_millis() + (seconds * 1000.0) as i64;
    let (sign, words) = text.split_once(' ').unwrap_or(("·", text));
    let tag = if tag.is_empty() { String::new() } else { format!("{tag}, ") };
    writeln!(out, "    {sign} {} :{tag}{}, {}", name(words), at(from), at(to.max(from + SHORTEST)))
}

/// The plain characters of a name.
fn name(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { ' ' });
    let words = plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(NAME).collect();
    if short.is_empty() { "unnamed".to_owned() } else { short }
}
