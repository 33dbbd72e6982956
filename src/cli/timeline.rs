//! `timeline`: everything that happened, in order.

use super::Known;
use super::error::{Exit, Failure};
use super::output::Target;
use super::select::{self, Wanted, at};
use crate::model::Time;
use crate::render::{self, TimelineFormat, Zone};
use crate::report::TimelineReport;
use crate::report::select::{Question, select as pick};
use crate::{sources, timeline};
use clap::Args;
use clap::builder::PossibleValuesParser;

/// Show everything that happened to a stack, from all sources, in order
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: select::Stack,
    /// Nothing earlier than this
    #[arg(long, value_name = "TIME", value_parser = select::since)]
    since: Option<select::Moment>,
    /// Nothing later than this
    #[arg(long, value_name = "TIME", value_parser = select::until)]
    until: Option<select::Moment>,
    /// Only these sources; several with commas or repeated
    #[arg(long, value_delimiter = ',', value_name = "SOURCE", value_parser = PossibleValuesParser::new(sources::ALL.iter().map(|source| source.stem)))]
    source: Vec<String>,
    /// Only failures
    #[arg(long)]
    failed: bool,
    /// Show calls that only read, too
    #[arg(long)]
    reads: bool,
    /// The time zone of the times: local, UTC, or a name such as Europe/Berlin (table and Markdown)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: Zone,
    /// How to write it
    #[arg(long, value_enum, default_value_t = TimelineFormat::Table)]
    format: TimelineFormat,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    origin: select::Origin,
}

/// Reads the case or asks AWS, picks what was asked for, and prints it.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    let mut wanted = arguments.stack.wanted(at(arguments.since, now), at(arguments.until, now));
    let capture = arguments.origin.capture(&mut wanted, now)?;
    let known = Known::from_capture(capture, timeline::Options { reads: arguments.reads });
    let question = arguments.question(&wanted);
    let selection = pick(&known.timeline, &known.history, &question)?;
    let report = TimelineReport::new(known.evidence(), &selection);
    let style = arguments.target.style(arguments.tz);
    arguments.target.write(|out| render::timeline(&report, arguments.format, &style, out))?;
    Ok(Exit::Fine)
}

impl Arguments {
    fn question(&self, wanted: &Wanted) -> Question {
        Question {
            stack: wanted.stack.clone(),
            which: wanted.which.clone(),
            incarnation: wanted.number(),
            since: wanted.since,
            until: wanted.until,
            sources: self.source.clone(),
            failed: self.failed,
            reads: self.reads,
        }
    }
}
