//! `capture`: collects what AWS tells of a stack, and keeps it as a case.

use super::error::{Exit, Failure};
use super::live::{Live, keep};
use super::select::{self, at};
use crate::model::{Capture, Time};
use crate::plan::name_of;
use crate::render::terminal_line;
use clap::Args;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Collect what AWS tells of a stack, and keep it as a case: evidence that can be read, verified and shared
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: select::Stack,
    /// Reach back so far, also where the deployment began later
    #[arg(long, value_name = "TIME", value_parser = select::since)]
    since: Option<select::Moment>,
    /// Reach so far, also where the deployment ended earlier
    #[arg(long, value_name = "TIME", value_parser = select::until)]
    until: Option<select::Moment>,
    /// Where to keep it: a new folder, or a new file that ends in .zip; STACK-TIME in this folder if left out
    #[arg(long, value_name = "DIR|FILE.zip")]
    output: Option<PathBuf>,
    #[command(flatten)]
    live: Live,
}

/// Collects, writes the case and says what is in it.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    let wanted = arguments.stack.wanted(at(arguments.since, now), at(arguments.until, now));
    let stack = wanted.stack.as_deref().ok_or(Failure::NoStack)?;
    let own_name = || PathBuf::from(format!("{}-{}", name_of(stack), now.format("%Y%m%dT%H%M%SZ")));
    let target = arguments.output.clone().unwrap_or_else(own_name);
    let capture = keep(&target, || arguments.live.collect(&wanted, now))?;
    let summary = summary(&capture, &target);
    let error = |source| Failure::Output { target: "the standard output".to_owned(), source };
    io::stdout().write_all(summary.as_bytes()).map_err(error)?;
    Ok(Exit::Fine)
}

fn summary(capture: &Capture, target: &Path) -> String {
    let mut text = String::new();
    let partial = capture.manifest.as_ref().is_some_and(|manifest| manifest.partial);
    let calls: u64 = capture.manifest.iter().flat_map(|manifest| manifest.calls.values()).sum();
    let state = if partial { " (PARTIAL: the collection did not come to its end)" } else { "" };
    let _ = writeln!(text, "{}: {calls} calls{state}", terminal_line(&target.display().to_string()));
    for file in capture.files.iter().filter(|file| !file.records.is_empty()) {
        let _ = writeln!(text, "{:>8}  {}", file.records.len(), terminal_line(&file.name));
    }
    for gap in capture.gaps.iter().filter(|gap| !gap.is_whole_source()) {
        let window = gap.window.as_deref().map(|window| format!(" {window}")).unwrap_or_default();
        let _ = writeln!(text, "     gap  {}", terminal_line(&format!("{}{window}: {}", gap.source, gap.why)));
    }
    let _ = writeln!(
        text,
        "Read it with `cfn-forensics timeline --case {}`.",
        terminal_line(&target.display().to_string())
    );
    text
}
