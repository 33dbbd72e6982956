//! `compare`: what differs between two deployments, of two cases or of one.

use super::error::{Exit, Failure};
use super::output::Target;
use super::rules::OwnRules;
use super::sharing::Sharing;
use super::told::Told;
use super::{Known, select};
use crate::compare::{Comparison, Deployment, compare};
use crate::model::Capture;
use crate::render::{self, ComparisonFormat, Zone};
use crate::report::select::{Question, Which, select as pick};
use crate::timeline;
use clap::Args;
use serde::Deserialize as _;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Show what differs between two deployments: outcome, cause, inputs, template, resources, durations
#[derive(Debug, Args)]
#[command(after_help = "\
Of one case, the newest deployment (B) is compared with the one before it (A), or the two that --operation names:
  cfn-forensics compare --case CASE
  cfn-forensics compare --case CASE --operation ID_A --operation ID_B
Of two cases, the newest deployment of each:
  cfn-forensics compare --case GOOD --case BAD
`cfn-forensics capture --stack NAME --operation all` collects a stack's deployments as a case.")]
pub struct Arguments {
    /// A case, a folder or a zip file; given twice, A and B
    #[arg(long, value_name = "CASE", required = true)]
    case: Vec<PathBuf>,
    /// The stack's name or ARN; may be left out where a case holds one stack name
    #[arg(long, value_name = "NAME|ARN")]
    stack: Option<String>,
    /// The id of a deployment's operation; given twice, of A and of B
    #[arg(long, value_name = "latest|ID", value_parser = select::which)]
    operation: Vec<Which>,
    /// The time zone of the times: local, UTC, or a name such as Europe/Berlin (text)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: Zone,
    /// How to write it
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Text)]
    format: ComparisonFormat,
    #[command(flatten)]
    sharing: Sharing,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    target: Target,
}

/// Reads the cases, makes a report of each deployment, and prints what differs.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (case_a, case_b) = match &arguments.case[..] {
        [only] => (only, only),
        [a, b] => (a, b),
        _ => return Err(Failure::Compare("more than two cases are given".to_owned())),
    };
    let catalogue = arguments.own.catalogue()?;
    let (capture_a, capture_b) = (crate::case::read(case_a)?, crate::case::read(case_b)?);
    let [known_a, known_b] = [&capture_a, &capture_b]
        .map(|capture| Known::from_timeline(timeline::build(capture, timeline::Options::default())));
    let (which_a, which_b) = arguments.which(&known_a)?;
    let question = |which| Question { stack: arguments.stack.clone(), which, ..Question::default() };
    let told_a = Told::new(&known_a, &question(which_a), &catalogue)?;
    let told_b = Told::new(&known_b, &question(which_b), &catalogue)?;
    let (report_a, report_b) = (told_a.report(&capture_a, None), told_b.report(&capture_b, None));
    let (templates_a, templates_b) = (templates(&capture_a), templates(&capture_b));
    let comparison = compare(
        Deployment { report: &report_a, templates: &templates_a },
        Deployment { report: &report_b, templates: &templates_b },
    );
    let shown = arguments.sharing.shown(&comparison, &[&capture_a, &capture_b])?;
    let comparison = Comparison::deserialize(&shown).map_err(Failure::Unwritten)?;
    let style = arguments.target.style(arguments.tz);
    arguments.target.write(|out| render::comparison(&comparison, arguments.format, &style, out))?;
    Ok(Exit::Fine)
}

impl Arguments {
    /// The two operations that are meant.
    fn which(&self, known: &Known) -> Result<(Which, Which), Failure> {
        match (&self.operation[..], self.case.len()) {
            ([a, b], _) => Ok((a.clone(), b.clone())),
            ([], 2) => Ok((Which::Latest, Which::Latest)),
            ([], _) => self.last_two(known),
            ([_], _) => Err(Failure::Compare("one operation is named; name two, or none".to_owned())),
            _ => Err(Failure::Compare("more than two operations are named".to_owned())),
        }
    }

    /// The deployment before the newest one, and the newest one.
    fn last_two(&self, known: &Known) -> Result<(Which, Which), Failure> {
        let question = Question { stack: self.stack.clone(), ..Question::default() };
        let name = pick(&known.timeline, &known.history, &question)?.name;
        let mut stories = known.history.stories.iter().rev().filter(|story| story.name == name);
        let mut next = || {
            let first = *stories.next()?.operations.first()?;
            Some(Which::Id(known.history.operations.get(first)?.id.to_string()))
        };
        match (next(), next()) {
            (Some(newest), Some(before)) => Ok((before, newest)),
            _ => Err(Failure::Compare(format!("the case tells of only one deployment of {name}"))),
        }
    }
}

/// The templates of a case by file.
fn templates(capture: &Capture) -> BTreeMap<String, String> {
    let files = capture.files.iter().filter(|file| file.source == "templates");
    files.map(|file| (file.name.to_string(), file.text.clone())).collect()
}
