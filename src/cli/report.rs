//! `report`: the root-cause report that goes on the ticket.

use super::error::{Exit, Failure};
use super::output::write_each;
use super::rules::OwnRules;
use super::sharing::Sharing;
use super::told::Told;
use super::{Known, job, select};
use crate::model::Time;
use crate::redact;
use crate::render::{self, Flavor, ReportFormat, ReportStyle};
use crate::report::RootCauseReport;
use crate::report::select::Question;
use crate::timeline;
use clap::Args;
use serde::Deserialize as _;
use std::path::{Path, PathBuf};
use std::thread;

/// Write the root-cause report: what happened, why, who did it, what to do, and the evidence
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: select::Stack,
    /// How to write it; without it a file's ending tells it, and the standard output is Markdown
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    /// Write to FILE instead of the standard output; several times for several formats
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Where the Markdown will be read
    #[arg(long, value_enum, default_value_t = Flavor::Github)]
    flavor: Flavor,
    /// Only what fits into a pull request's comment or a message (Markdown)
    #[arg(long)]
    short: bool,
    #[command(flatten)]
    sharing: Sharing,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    origin: select::Origin,
}

/// Reads the case or asks AWS, diagnoses the story that was asked for, and writes the report.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    let outputs = arguments.outputs()?;
    // None needs the others, and a person waits for all.
    let (catalogue, read) = thread::scope(|scope| {
        let catalogue = scope.spawn(|| arguments.own.catalogue());
        scope.spawn(redact::prepare);
        let mut wanted = arguments.stack.wanted(None, None);
        let read = arguments.origin.fingerprinted(&mut wanted, now).map(|(capture, fingerprint)| {
            let known = Known::from_timeline(timeline::build(&capture, timeline::Options::default()));
            (known, capture, fingerprint, wanted)
        });
        (catalogue.join().unwrap_or_else(|_| arguments.own.catalogue()), read)
    });
    let (catalogue, (known, capture, fingerprint, wanted)) = (catalogue?, read?);
    let question =
        Question { incarnation: wanted.number(), stack: wanted.stack, which: wanted.which, ..Question::default() };
    let told = Told::new(&known, &question, &catalogue)?;
    let report = told.report(&capture, fingerprint);
    let shown = arguments.sharing.shown(&report, &[&capture])?;
    let report = RootCauseReport::deserialize(&shown).map_err(Failure::Unwritten)?;
    let style = ReportStyle { flavor: arguments.flavor, short: arguments.short };
    write_each(&outputs, |format, out| render::report(&report, format, style, out))?;
    job::tell(&report, &outputs.iter().map(|(_, format)| *format).collect::<Vec<_>>());
    Ok(Exit::Fine)
}

impl Arguments {
    /// Where to write, and in which format.
    fn outputs(&self) -> Result<Vec<(Option<&Path>, ReportFormat)>, Failure> {
        let mut files: Vec<&Path> = self.output.iter().map(PathBuf::as_path).chain(self.sharing.mapping()).collect();
        files.sort_unstable();
        let mut next = files.iter().skip(1);
        if let Some(twice) = files.iter().find(|file| next.next() == Some(file)) {
            return Err(Failure::SameFile(twice.display().to_string()));
        }
        if self.output.is_empty() {
            return Ok(vec![(None, self.format.unwrap_or_default())]);
        }
        let formats = self.output.iter().map(|path| match self.format.or_else(|| ReportFormat::of(path)) {
            Some(format) => Ok((Some(path.as_path()), format)),
            None => Err(Failure::NoFormat { path: path.display().to_string(), endings: ReportFormat::endings() }),
        });
        formats.collect()
    }
}
