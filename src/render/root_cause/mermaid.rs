//! The operations as a mermaid gantt chart, which GitHub, GitLab and many wikis draw.
//! Mermaid's names know no escapes: what is not a plain character of a name is left out of them.
//! Part of the report as Markdown.

use crate::model::{Outcome, Time};
use crate::operation::{Ending, Role};
use crate::report::words;
use crate::report::{Bar, Chart, Lane, Track};
use std::io::{self, Write};

/// Mermaid draws nothing of a chart of more than 50,000 characters (`maxTextSize`). A line here has at most 170.
const MOST_LINES: usize = 250;
/// Characters of a name.
const NAME: usize = 60;
/// What takes less than this part of the chart would not be seen: mermaid rounds to pixels.
const THINNEST: f64 = 400.0;

/// When the axis begins, and how long a bar is at least. In seconds.
struct Scale {
    zero: Time,
    shortest: f64,
}

/// The chart, without the fence around it. Nothing where no operation is known.
pub(super) fn gantt(chart: &Chart<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Some(zero) = chart.from else { return Ok(()) };
    let axis = if chart.length >= 86_400.0 { "%m-%d %H:%M" } else { "%H:%M:%S" };
    writeln!(out, "gantt")?;
    writeln!(out, "    dateFormat x")?;
    writeln!(out, "    axisFormat {axis}")?;
    let scale = Scale { zero, shortest: (chart.length / THINNEST).max(1.0) };
    let mut lines = 0;
    for (index, track) in chart.tracks.iter().take(MOST_LINES / 4).enumerate() {
        operation(index + 1, track, &scale, out)?;
        lines += 2;
        let shown: Vec<&Lane<'_>> = track.lanes.iter().filter(|lane| lane.is_key).collect();
        for lane in shown.iter().take(MOST_LINES.saturating_sub(lines)) {
            resource(lane, &scale, out)?;
            lines += 1;
        }
        let folded = track.lanes.len().saturating_sub(shown.len());
        if folded > 0 {
            let text = name(&format!("and {} that took less", words::count(folded, "resource")));
            scale.task(&format!("· {text}"), "done", track.bar, out)?;
        }
    }
    Ok(())
}

/// A section of its own. Mermaid has little room for a section's name and takes equal ones for one, so that it is a number
/// and a word; whose operation it is stands at the bar.
fn operation(number: usize, track: &Track<'_>, scale: &Scale, out: &mut dyn Write) -> io::Result<()> {
    let operation = track.operation;
    writeln!(out, "    section {number} {}", words::word(operation.kind))?;
    let nested = if track.depth > 0 { "nested " } else { "" };
    let text = format!("{nested}{} {}", name(operation.stack), words::outcome(operation));
    scale.task(&format!("{} {text}", sign_of(operation.outcome)), "", track.bar, out)
}

fn resource(lane: &Lane<'_>, scale: &Scale, out: &mut dyn Write) -> io::Result<()> {
    let (sign, tag, note) = match (lane.span.role, lane.span.outcome) {
        (Some(Role::Root), _) => ("✗", "crit", " ROOT"),
        (Some(Role::Independent), _) => ("✗", "crit", " independent"),
        (_, Outcome::Cancelled) => ("⊘", "", " cancelled"),
        (_, Outcome::Failed) => ("✗", "crit", " in consequence"),
        (_, Outcome::InProgress) => ("…", "active", " still in progress"),
        (_, Outcome::Succeeded | Outcome::Noted) => ("✓", "done", ""),
    };
    scale.task(&format!("{sign} {}{note}", name(&lane.span.logical_id)), tag, lane.bar, out)
}

impl Scale {
    /// One line. A sign stands first, so that no name can be taken for one of mermaid's words.
    fn task(&self, text: &str, tag: &str, bar: Bar, out: &mut dyn Write) -> io::Result<()> {
        #[allow(clippy::cast_possible_truncation)] // milliseconds of a story fit
        let at = |seconds: f64| self.zero.timestamp_millis() + (seconds * 1000.0) as i64;
        let tag = if tag.is_empty() { String::new() } else { format!("{tag}, ") };
        writeln!(out, "    {text} :{tag}{}, {}", at(bar.from), at(bar.to.max(bar.from + self.shortest)))
    }
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

/// The plain characters of a name.
fn name(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ') { c } else { ' ' });
    let words = plain.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(NAME).collect();
    if short.is_empty() { "unnamed".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    #[test]
    fn every_bar_is_to_be_seen_and_no_name_is_markup() {
        testing::with_report_of(testing::HOSTILE, testing::succeed, |report| {
            let chart = report.chart();
            let drawn = testing::rendered(|out| gantt(&chart, out));
            let bars = drawn.lines().filter_map(|line| line.split_once(" :"));
            for (name, times) in bars {
                let plain = |c: char| c.is_alphanumeric() || "-_. ✓✗⊘…·".contains(c);
                assert!(name.chars().all(plain), "{name}");
                let [to, from] =
                    times.rsplit(", ").take(2).map(|at| at.parse::<i64>().unwrap()).collect::<Vec<_>>()[..]
                else {
                    panic!("{times}")
                };
                assert!((to - from) as f64 / 1000.0 >= chart.length / THINNEST, "{name} {times}");
            }
            assert!(drawn.contains("    section 1 create\n    ✗ Shop 2J script team x y create failed"), "{drawn}");
        });
    }
}
