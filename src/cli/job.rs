//! What a CI job shows of a report by itself: GitHub Actions' annotations, and the job's summary.
//! The job's environment is asked here and nowhere else.

use crate::render::{self, ReportFormat, ReportStyle};
use crate::report::RootCauseReport;
use std::fs::OpenOptions;
use std::io::{self, Write as _};

/// Tells the job of a failure, where GitHub Actions runs it: annotations on the standard error, which the runner reads as
/// it does the standard output, unless they are among what was `asked` for; and the short page in the job's summary. What
/// was asked for is written by then, so that what cannot be told here is no more than a warning.
pub fn tell(report: &RootCauseReport<'_>, asked: &[ReportFormat]) {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if set("GITHUB_ACTIONS").is_none_or(|value| value != "true") || !report.failed {
        return;
    }
    let style = ReportStyle { short: true, ..ReportStyle::default() };
    if !asked.contains(&ReportFormat::Annotations) {
        // Where even the standard error is gone, nobody reads it.
        let _ = render::report(report, ReportFormat::Annotations, style, &mut io::stderr().lock());
    }
    let Some(path) = set("GITHUB_STEP_SUMMARY") else { return };
    let mut page = Vec::new();
    let written = render::report(report, ReportFormat::Markdown, style, &mut page)
        .and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
        .and_then(|mut summary| summary.write_all(&page));
    if let Err(error) = written {
        let told = format!("the job's summary {} cannot be written: {error}", path.to_string_lossy());
        let _ = writeln!(io::stderr(), "cfn-forensics: {}", render::terminal_line(&told));
    }
}
