//! `diagnose`: why it failed, ranked, with the evidence for and against.

use super::error::{Exit, Failure};
use super::output::Target;
use super::rules::OwnRules;
use super::told::Told;
use super::{Known, select};
use crate::model::Time;
use crate::render::{self, DiagnosisFormat, Zone};
use crate::report::select::Question;
use crate::timeline;
use clap::Args;
use std::thread;

/// Say why a deployment failed: ranked causes with probabilities, and the evidence for and against
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    stack: select::Stack,
    /// The time zone of the times: local, UTC, or a name such as Europe/Berlin (text)
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: Zone,
    /// How to write it
    #[arg(long, value_enum, default_value_t = DiagnosisFormat::Text)]
    format: DiagnosisFormat,
    /// Print the arithmetic: prior, each piece of evidence, the sum, the probability (text)
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    own: OwnRules,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    origin: select::Origin,
}

/// Reads the case or asks AWS, applies the rules to the story that was asked for, and prints what they found.
pub fn run(arguments: &Arguments, now: Time) -> Result<Exit, Failure> {
    // Neither needs the other, and a person waits for both.
    let (catalogue, known) = thread::scope(|scope| {
        let catalogue = scope.spawn(|| arguments.own.catalogue());
        let mut wanted = arguments.stack.wanted(None, None);
        let capture = arguments.origin.capture(&mut wanted, now);
        let known = capture.map(|capture| (Known::from_capture(capture, timeline::Options::default()), wanted));
        (catalogue.join().unwrap_or_else(|_| arguments.own.catalogue()), known)
    });
    let (catalogue, (known, wanted)) = (catalogue?, known?);
    let question =
        Question { incarnation: wanted.number(), stack: wanted.stack, which: wanted.which, ..Question::default() };
    let told = Told::new(&known, &question, &catalogue)?;
    let report = told.answer();
    let style = arguments.target.style(arguments.tz);
    arguments.target.write(|out| {
        render::diagnosis(&report, arguments.format, &style, out)?;
        if arguments.explain && arguments.format == DiagnosisFormat::Text {
            render::arithmetic(&report, &style, out)?;
        }
        Ok(())
    })?;
    Ok(match (told.diagnosis.failed, told.diagnosis.is_explained()) {
        (false, _) if report.blind => Exit::Uncollected,
        (false, _) => Exit::Fine,
        (true, true) => Exit::Explained,
        (true, false) => Exit::Unexplained,
    })
}
