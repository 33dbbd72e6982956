//! `stacks`: which stacks failed or were deleted lately; of a case, every stack and its operations.

use super::Known;
use super::error::{Exit, Failure};
use super::output::Target;
use super::select::{self, Moment, at};
use crate::model::{Capture, Time};
use crate::render::{self, StacksFormat, Zone};
use crate::report::{StacksFilter, StacksReport};
use crate::timeline;
use clap::Args;

/// List the stacks that failed or were deleted lately: how each ended, who began it, what failed
///
/// Of a case: every stack and incarnation, all of its operations.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only stacks of this name, or the stack of this ARN
    #[arg(long, value_name = "NAME|ARN")]
    stack: Option<String>,
    /// Only stacks that were deleted; with --failed, those and the others
    #[arg(long)]
    deleted: bool,
    /// Only stacks with an operation that failed
    #[arg(long)]
    failed: bool,
    /// Only stacks to which something happened since: 7d, 12h, 2026-11-18; from AWS 7d if left out
    #[arg(long, value_name = "TIME", value_parser = select::since)]
    since: Option<Moment>,
    /// Look in all regions that every account has
    #[cfg(feature = "aws")]
    #[arg(long, conflicts_with_all = ["case", "region"])]
    all_regions: bool,
    /// The time zone of the times: local, UTC, or a name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: Zone,
    /// How to write it; of a case as table if left out, else brief
    #[arg(long, value_enum)]
    format: Option<StacksFormat>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    origin: select::Origin,
}

/// Longer than any reason that AWS gives.
const WIDTH_OF_A_LINE: usize = 2000;

/// Reads the case or surveys the account, and prints the stacks.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    let (capture, filter, format) = arguments.found(now)?;
    let known = Known::from_capture(capture, timeline::Options::default());
    let report = StacksReport::new(known.evidence(), &filter);
    let mut style = arguments.target.style(arguments.tz);
    let format = arguments.format.unwrap_or(format);
    if format == StacksFormat::Brief && !arguments.target.is_terminal() {
        // A line that is searched or mailed is whole.
        style.width = style.width.max(WIDTH_OF_A_LINE);
    }
    arguments.target.write(|out| render::stacks(&report, format, &style, out))?;
    Ok(Exit::Fine)
}

impl Arguments {
    /// What there is, what of it is wanted, and how it is best shown.
    fn found(&self, now: Time) -> Result<(Capture, StacksFilter, StacksFormat), Failure> {
        let since = at(self.since, now);
        let filter = StacksFilter { stack: self.stack.clone(), deleted: self.deleted, failed: self.failed, since };
        #[cfg(feature = "aws")]
        if self.origin.case.is_none() {
            return self.survey(filter, now);
        }
        Ok((self.origin.capture(&mut select::Wanted::default(), now)?, filter, StacksFormat::Table))
    }

    /// Of a whole account those that went well are of no interest.
    #[cfg(feature = "aws")]
    fn survey(&self, mut filter: StacksFilter, now: Time) -> Result<(Capture, StacksFilter, StacksFormat), Failure> {
        const LATELY: chrono::TimeDelta = chrono::TimeDelta::days(7);
        if !filter.deleted && !filter.failed && filter.stack.is_none() {
            (filter.deleted, filter.failed) = (true, true);
        }
        filter.since = filter.since.or(Some(now - LATELY));
        let capture = self.origin.survey(&filter, self.all_regions, now)?;
        Ok((capture, filter, StacksFormat::Brief))
    }
}
