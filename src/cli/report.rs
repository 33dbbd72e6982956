//! `report`: the root-cause report that goes on the ticket.

use super::error::{Exit, Failure};
use super::output::Target;
use super::rules::OwnRules;
use super::told::Told;
use super::{Known, select};
use crate::model::Time;
use crate::render::{self, Flavor, ReportFormat, ReportStyle};
use crate::report::select::Question;
use crate::timeline;
use clap::Args;
use std::thread;

/// Write the root-cause report: what happened, why, who did it, what to do, and the evidence
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: select::Stack,
    /// How to write it
    #[arg(long, value_enum, default_value_t = ReportFormat::Markdown)]
    format: ReportFormat,
    /// Where the Markdown will be read
    #[arg(long, value_enum, default_value_t = Flavor::Github)]
    flavor: Flavor,
    /// Only what fits into a pull request's comment or a message (Markdown)
    #[arg(long)]
    short: bool,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    origin: select::Origin,
}

/// Reads the case or asks AWS, diagnoses the story that was asked for, and writes the report.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    // Neither needs the other, and a person waits for both.
    let (catalogue, read) = thread::scope(|scope| {
        let catalogue = scope.spawn(|| arguments.own.catalogue());
        let mut wanted = arguments.stack.wanted(None, None);
        let capture = arguments.origin.capture(&mut wanted, now);
        let read = capture.map(|capture| {
            (Known::from_timeline(timeline::build(&capture, timeline::Options::default())), capture, wanted)
        });
        (catalogue.join().unwrap_or_else(|_| arguments.own.catalogue()), read)
    });
    let (catalogue, (known, capture, wanted)) = (catalogue?, read?);
    let question =
        Question { incarnation: wanted.number(), stack: wanted.stack, which: wanted.which, ..Question::default() };
    let told = Told::new(&known, &capture, &question, &catalogue)?;
    let report = told.report(None);
    let style = ReportStyle { flavor: arguments.flavor, short: arguments.short };
    arguments.target.write(|out| render::report(&report, arguments.format, style, out))?;
    Ok(Exit::Fine)
}
