//! The formats of the root-cause report, one file each. All of them show the same finished value.
//! Nothing is chosen here but how much room a format has; every text goes through the escapes of `render/escape.rs`.
//! Used by the `report` verb.

mod markdown;
mod mermaid;

use super::{buffered, json};
use crate::report::RootCauseReport;
use std::io::{self, Write};

/// The formats of a root-cause report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// A page of Markdown, for a ticket or a pull request.
    #[default]
    Markdown,
    /// One JSON document, described by docs/report.schema.json.
    Json,
}

/// Where a page of Markdown will be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Flavor {
    /// GitHub, GitLab and what else folds sections and draws mermaid.
    #[default]
    Github,
    /// Jira, mail, chat: headings and tables only.
    Plain,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportStyle {
    /// Of Markdown.
    pub flavor: Flavor,
    /// Of Markdown: what fits into a comment or a message.
    pub short: bool,
}

/// Writes a root-cause report.
///
/// # Errors
/// What `out` says.
pub fn report(
    report: &RootCauseReport<'_>,
    format: ReportFormat,
    style: ReportStyle,
    out: &mut dyn Write,
) -> io::Result<()> {
    buffered(out, |out| match format {
        ReportFormat::Markdown if style.short => markdown::short(report, out),
        ReportFormat::Markdown => markdown::page(report, style.flavor, out),
        ReportFormat::Json => json::pretty(report, out),
    })
}
