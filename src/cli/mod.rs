//! The command line: one file a verb, each its arguments and the few calls that are its story.
//! The shared flow from a capture to the evidence is here; errors and exit codes are in `error.rs`.
//! Used by the binary.

#[cfg(feature = "aws")]
mod capture;
mod case;
mod compare;
mod diagnose;
mod error;
mod job;
#[cfg(feature = "aws")]
mod live;
mod output;
#[cfg(feature = "aws")]
mod policy;
#[cfg(feature = "aws")]
mod progress;
mod reference;
mod report;
mod rules;
mod select;
mod sharing;
mod stacks;
mod timeline;
mod told;

use crate::actor::{self, Actor};
use crate::model::{Capture, Time};
use crate::operation::{self, History};
use crate::report::Evidence;
use crate::timeline::{Options, Timeline};
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

pub use error::Exit;

/// Says what happened to a CloudFormation deployment, why, who did it, and what to do now.
#[derive(Debug, Parser)]
#[command(name = "cfn-forensics", version, max_term_width = 100, after_help = error::EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Timeline(timeline::Arguments),
    Stacks(stacks::Arguments),
    Diagnose(diagnose::Arguments),
    Report(report::Arguments),
    Compare(compare::Arguments),
    #[cfg(feature = "aws")]
    Capture(capture::Arguments),
    #[cfg(feature = "aws")]
    Policy(policy::Arguments),
    Case(case::Arguments),
    Rules(rules::Arguments),
    Completions(reference::Completions),
    Man(reference::Man),
}

/// Runs the command line and answers its exit code. `now` is the only reading of the clock.
pub fn main(arguments: impl IntoIterator<Item = OsString>, now: Time) -> ExitCode {
    error::announce_bugs();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return error::usage(&error),
    };
    let result = match arguments.verb {
        Verb::Timeline(arguments) => timeline::run(&arguments, now),
        Verb::Stacks(arguments) => stacks::run(&arguments, now),
        Verb::Diagnose(arguments) => diagnose::run(&arguments, now),
        Verb::Report(arguments) => report::run(&arguments, now),
        Verb::Compare(arguments) => compare::run(&arguments),
        #[cfg(feature = "aws")]
        Verb::Capture(arguments) => capture::run(&arguments, now),
        #[cfg(feature = "aws")]
        Verb::Policy(arguments) => policy::run(&arguments),
        Verb::Case(arguments) => case::run(&arguments),
        Verb::Rules(arguments) => rules::run(&arguments),
        Verb::Completions(arguments) => reference::completions(&arguments),
        Verb::Man(arguments) => reference::man(&arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report().into(),
    }
}

/// The whole command line as clap knows it: what the manual pages and `docs/cli.md` are made from.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The evidence, read and understood.
struct Known {
    timeline: Timeline,
    history: History,
    actors: Vec<Actor>,
}

impl Known {
    /// Makes of a capture all that every verb needs.
    fn from_capture(capture: Capture, options: Options) -> Self {
        let timeline = crate::timeline::build(&capture, options);
        // The events hold what is still needed of the records.
        drop(capture);
        Self::from_timeline(timeline)
    }

    fn from_timeline(timeline: Timeline) -> Self {
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        Self { timeline, history, actors }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence { timeline: &self.timeline, history: &self.history, actors: &self.actors }
    }
}
