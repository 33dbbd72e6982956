//! The command line: one file a verb, each its arguments and the few calls that are its story.
//! The shared flow from a case to the evidence is here; errors and exit codes are in `error.rs`.
//! Used by the binary.

mod case;
mod diagnose;
mod error;
mod output;
mod reference;
mod select;
mod stacks;
mod timeline;

use crate::actor::{self, Actor};
use crate::model::Capture;
use crate::operation::{self, History};
use crate::report::Evidence;
use crate::timeline::{Options, Timeline};
use clap::{CommandFactory, Parser, Subcommand};
use error::Failure;
use std::ffi::OsString;
use std::path::Path;
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
    Case(case::Arguments),
    Completions(reference::Completions),
    Man(reference::Man),
}

/// Runs the command line and answers its exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    error::announce_bugs();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return error::usage(&error),
    };
    let result = match arguments.verb {
        Verb::Timeline(arguments) => timeline::run(&arguments),
        Verb::Stacks(arguments) => stacks::run(&arguments),
        Verb::Diagnose(arguments) => diagnose::run(&arguments),
        Verb::Case(arguments) => case::run(&arguments),
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

/// A case, read and understood.
struct Known {
    timeline: Timeline,
    history: History,
    actors: Vec<Actor>,
}

impl Known {
    /// Reads the case and makes of it all that every verb needs.
    fn from_case(path: &Path, options: Options) -> Result<Self, Failure> {
        let capture = crate::case::read(path)?;
        Ok(Self::from_capture(capture, options))
    }

    fn from_capture(capture: Capture, options: Options) -> Self {
        let timeline = crate::timeline::build(&capture, options);
        // The events hold what is still needed of the records.
        drop(capture);
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        Self { timeline, history, actors }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence { timeline: &self.timeline, history: &self.history, actors: &self.actors }
    }
}
