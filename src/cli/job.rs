//! What a CI job shows of a report by itself: GitHub Actions' annotations, and the job's summary.
//! The job's environment is asked here and nowhere else.

use super::error::Failure;
use crate::render::{self, ReportFormat, ReportStyle};
use crate::report::RootCauseReport;
use std::fs::OpenOptions;
use std::io::{self, Write as _};

/// Tells the job of a failure, where GitHub Actions runs it: annotations on the standard error, which the runner reads as
/// it does the standard output, and the short page in the job's summary.
///
/// # Errors
/// Where the summary cannot be written.
pub fn tell(report: &RootCauseReport<'_>) -> Result<(), Failure> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("GITHUB_ACTIONS").is_none_or(|value| value != "true") || !report.failed {
        return Ok(());
    }
    let style = ReportStyle { short: true, ..ReportStyle::default() };
    let annotated = render::report(report, ReportFormat::Annotations, style, &mut io::stderr().lock());
    annotated.map_err(|source| Failure::Output { target: "the standard error".to_owned(), source })?;
    let Some(path) = set("GITHUB_STEP_SUMMARY") else { return Ok(()) };
    let mut page = Vec::new();
    let written = render::report(report, ReportFormat::Markdown, style, &mut page)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
        .and_then(|mut summary| summary.write_all(&page));
    written.map_err(|source| Failure::Output { target: path.to_string_lossy().into_owned(), source })
}
