//! The formats of the root-cause report, one file each. All of them show the same finished value.
//! Nothing is chosen here but how much room a format has; every text goes through the escapes of `render/escape.rs`.
//! Used by the `report` verb.

mod anchor;
mod annotations;
mod gantt;
mod html;
mod junit;
mod markdown;
mod mermaid;
mod otlp;
mod sarif;
mod trace;
mod wording;

use super::{buffered, json};
use crate::report::RootCauseReport;
use std::io::{self, Write};
use std::path::Path;

/// The formats of a root-cause report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// A page of Markdown, for a ticket or a pull request.
    #[default]
    Markdown,
    /// One HTML file that needs nothing else: chart, timeline, every cited record.
    Html,
    /// One JSON document, described by docs/report.schema.json.
    Json,
    /// SARIF 2.1.0: the failures at their lines of the template, for code scanning and editors.
    Sarif,
    /// JUnit XML: a suite for each operation, a test for each resource, for a CI system's page of tests.
    Junit,
    /// Errors as GitHub Actions reads them from a job's log, at most ten.
    Annotations,
    /// A trace for ui.perfetto.dev or chrome://tracing.
    Trace,
    /// Spans for OpenTelemetry, as OTLP's JSON.
    Otlp,
}

impl ReportFormat {
    /// The format that a file's name tells by its ending; none where it tells none.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| *format)
    }

    /// The endings by which formats are known, for a message.
    pub fn endings() -> String {
        let endings: Vec<&str> = ENDINGS.iter().map(|(ending, _)| *ending).collect();
        endings.join(", ")
    }
}

/// Longer endings first.
const ENDINGS: &[(&str, ReportFormat)] = &[
    (".md", ReportFormat::Markdown),
    (".markdown", ReportFormat::Markdown),
    (".html", ReportFormat::Html),
    (".htm", ReportFormat::Html),
    (".sarif", ReportFormat::Sarif),
    (".sarif.json", ReportFormat::Sarif),
    (".xml", ReportFormat::Junit),
    (".trace.json", ReportFormat::Trace),
    (".otlp.json", ReportFormat::Otlp),
    (".json", ReportFormat::Json),
];

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
        ReportFormat::Html => html::page(report, out),
        ReportFormat::Json => json::pretty(report, out),
        ReportFormat::Sarif => sarif::document(report, out),
        ReportFormat::Junit => junit::document(report, out),
        ReportFormat::Annotations => annotations::commands(report, out),
        ReportFormat::Trace => trace::document(report, out),
        ReportFormat::Otlp => otlp::document(report, out),
    })
}

/// Bytes in lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
