//! Renderers: finished reports in, bytes out; one file for each format, one place for each kind of escaping.
//! They receive finished values and only format: they never choose, rank, fetch or ask the time.
//! Used by the verbs, which give them where to write to; a pipe that broke is reported to them as it came.

mod arithmetic;
mod comparison;
mod csv;
mod diagnosis;
pub mod escape;
mod gaps;
mod json;
mod markdown;
mod ndjson;
mod operations;
mod page;
mod root_cause;
mod rules;
mod stacks;
mod terminal;
#[cfg(test)]
mod testing;
mod timesketch;

mod zone;

use crate::compare::Comparison;
use crate::report::{DiagnosisReport, StacksReport, TimelineReport};
use crate::rules::Rule;
use page::Page;
use std::io::{self, BufWriter, Write};

pub use escape::{terminal as terminal_line, terminal_lines};
pub use root_cause::{Flavor, ReportFormat, ReportStyle, report};
pub use zone::{UnknownZone, Zone};

/// How an output for people looks. Those for machines do not go by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// In columns of a terminal. No line is longer, but for commands that must be copied whole.
    pub width: usize,
    /// With ANSI colours.
    pub colour: bool,
    /// Without any character of ours beyond ASCII.
    pub ascii: bool,
    /// The zone in which times are shown.
    pub zone: Zone,
}

impl Style {
    /// No colours, UTC.
    pub fn plain(width: usize) -> Self {
        Self { width, colour: false, ascii: false, zone: Zone::Utc }
    }
}

/// The formats of a timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum TimelineFormat {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line, told apart by `type`.
    Ndjson,
    /// The events as comma-separated values.
    Csv,
    /// A page of Markdown, for a ticket.
    Markdown,
    /// JSON lines for the import into Timesketch.
    Timesketch,
}

/// The formats of a diagnosis.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DiagnosisFormat {
    /// Words for people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// The formats of a list of stacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum StacksFormat {
    /// Every operation of every stack, with who began it and why it failed.
    #[default]
    Table,
    /// One line a stack: how it ended, who began it, and the resource that failed.
    Brief,
    /// One JSON document.
    Json,
}

/// The formats of a comparison.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ComparisonFormat {
    /// Words for people.
    #[default]
    Text,
    /// A page of Markdown, for a ticket.
    Markdown,
    /// One JSON document.
    Json,
}

/// Writes two deployments side by side.
///
/// # Errors
/// What `out` says.
pub fn comparison(
    comparison: &Comparison,
    format: ComparisonFormat,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    buffered(out, |out| match format {
        ComparisonFormat::Text => comparison::text(comparison, &mut Page::new(style, out)),
        ComparisonFormat::Markdown => comparison::as_markdown(comparison, out),
        ComparisonFormat::Json => json::pretty(comparison, out),
    })
}

/// Writes a timeline.
///
/// # Errors
/// What `out` says.
pub fn timeline(
    report: &TimelineReport<'_>,
    format: TimelineFormat,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    buffered(out, |out| match format {
        TimelineFormat::Table => terminal::timeline(report, &mut Page::new(style, out)),
        TimelineFormat::Json => json::timeline(report, out),
        TimelineFormat::Ndjson => ndjson::timeline(report, out),
        TimelineFormat::Csv => csv::timeline(report, out),
        TimelineFormat::Markdown => markdown::timeline(report, style.zone, out),
        TimelineFormat::Timesketch => timesketch::timeline(report, out),
    })
}

/// Writes a diagnosis.
///
/// # Errors
/// What `out` says.
pub fn diagnosis(
    report: &DiagnosisReport<'_>,
    format: DiagnosisFormat,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    buffered(out, |out| match format {
        DiagnosisFormat::Text => diagnosis::text(report, &mut Page::new(style, out)),
        DiagnosisFormat::Json => json::pretty(report, out),
    })
}

/// Writes how the probabilities of a diagnosis come about.
///
/// # Errors
/// What `out` says.
pub fn arithmetic(report: &DiagnosisReport<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| arithmetic::text(report, &mut Page::new(style, out)))
}

/// Writes a list of rules, by cause.
///
/// # Errors
/// What `out` says.
pub fn rule_list(rules: &[&Rule], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| rules::list(rules, style, out))
}

/// Writes all that a rule says.
///
/// # Errors
/// What `out` says.
pub fn rule(rule: &Rule, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| rules::one(rule, style, out))
}

/// Writes rules as one JSON list.
///
/// # Errors
/// What `out` says.
pub fn rules_json(rules: &[&Rule], out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| json::pretty(&rules, out))
}

/// Writes a list of stacks.
///
/// # Errors
/// What `out` says.
pub fn stacks(report: &StacksReport<'_>, format: StacksFormat, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    buffered(out, |out| match format {
        StacksFormat::Table => stacks::table(report, &mut Page::new(style, out)),
        StacksFormat::Brief => stacks::brief(report, &mut Page::new(style, out)),
        StacksFormat::Json => json::pretty(report, out),
    })
}

/// Rows are small and many; written one by one they would cost a system call each.
fn buffered(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 * 1024, out);
    write(&mut out)?;
    out.flush()
}
