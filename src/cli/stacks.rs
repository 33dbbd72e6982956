//! `stacks`: every stack and incarnation in a case, its operations, how each ended, who began it.

use super::error::{Exit, Failure};
use super::output::Target;
use super::{Known, select};
use crate::render::{self, StacksFormat, Zone};
use crate::report::StacksReport;
use crate::timeline;
use clap::Args;

/// List every stack and incarnation, its operations, how each ended and who began it
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    case: select::Case,
    /// The time zone of the times: local, UTC, or a name such as Europe/Berlin (table)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: Zone,
    /// How to write it
    #[arg(long, value_enum, default_value_t = StacksFormat::Table)]
    format: StacksFormat,
    #[command(flatten)]
    target: Target,
}

/// Reads the case and prints its stacks.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let known = Known::from_case(&arguments.case.case, timeline::Options::default())?;
    let report = StacksReport::new(known.evidence());
    let style = arguments.target.style(arguments.tz);
    arguments.target.write(|out| render::stacks(&report, arguments.format, &style, out))?;
    Ok(Exit::Fine)
}
