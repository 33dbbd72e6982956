//! Exit codes, and how every module's error is told: what could not be done, why, and what to do next.
//! The only place that knows them all.
//! Used by every verb.

#[cfg(feature = "aws")]
use crate::aws::CollectError;
use crate::case::CaseError;
use crate::report::select::SelectError;
use crate::rules::CatalogueError;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing failed, or the output was made.
    Fine = 0,
    /// The command line was wrong.
    Usage = 2,
    /// A failure was found and explained. For `case verify`: a file is not the one that was captured.
    Explained = 10,
    /// A failure was found and not explained.
    Unexplained = 11,
    /// Nothing could be collected from AWS, or too little to say whether something failed.
    Uncollected = 3,
    /// Nothing of the case or of a rule file could be read.
    Unreadable = 4,
    /// The output could not be written.
    Unwritable = 1,
    /// A bug of cfn-forensics.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
   0  nothing failed, or the output was made
   1  the output could not be written
   2  wrong usage
   3  nothing could be collected from AWS, or too little to say whether it failed (diagnose)
   4  nothing of the case or of a rule file could be read
  10  a failure was found and explained (diagnose); a file differs (case verify); a rule is at fault (rules test)
  11  a failure was found and not explained (diagnose)
  70  a bug of cfn-forensics";

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The question.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// AWS.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// Neither a stack nor a case was named.
    #[error("ask AWS: no stack is named")]
    NoStack,
    /// No stack can be named so.
    #[cfg(feature = "aws")]
    #[error("ask AWS: {0:?} is neither a stack's name nor a stack's ARN")]
    BadStack(String),
    /// Two deployments cannot be told.
    #[error("compare two deployments: {0}")]
    Compare(String),
    /// Two outputs go into one file.
    #[error("write {0} twice: each output needs a file of its own")]
    SameFile(String),
    /// A file whose name tells no format.
    #[error("tell the format of {path} by its name: it ends in none of {endings}")]
    NoFormat {
        /// The file.
        path: String,
        /// The endings that tell one.
        endings: String,
    },
    /// The rules.
    #[error(transparent)]
    Rules(#[from] CatalogueError),
    /// A redacted case still holds what it must not: it is not written.
    #[error("redact {file}: a {kind} would still be in it; nothing was written")]
    Leak {
        /// What of secret it is.
        kind: &'static str,
        /// The file in the case.
        file: String,
    },
    /// A finished report cannot be written as JSON, or not be read back: a bug.
    #[error("write the report: {0}; this is a bug of cfn-forensics")]
    Unwritten(serde_json::Error),
    /// The output.
    #[error("write {target}: {source}")]
    Output {
        /// A file's name, or the standard output.
        target: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// Tells the failure on the standard error and answers its exit code. A reader that went away is no failure.
    pub fn report(&self) -> Exit {
        if let Self::Output { source, .. } = self
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return Exit::Fine;
        }
        // Names in it are somebody else's: every line of it is escaped.
        let mut message = format!("cfn-forensics: failed to {self}\n");
        if let Some(hint) = self.hint() {
            let _ = writeln!(message, "  {hint}");
        }
        // Where even the standard error is gone, the exit code still tells.
        let _ = io::stderr().write_all(crate::render::terminal_lines(&message).as_bytes());
        self.exit()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unwritten(_) => Exit::Bug,
            Self::Case(CaseError::Write { .. }) | Self::Output { .. } | Self::Leak { .. } => Exit::Unwritable,
            Self::Rules(CatalogueError::NoSuchRule { .. }) => Exit::Usage,
            Self::Case(_) | Self::Rules(_) => Exit::Unreadable,
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::NoCredentials(_) | CollectError::NoAnswer { .. }) => Exit::Uncollected,
            #[cfg(feature = "aws")]
            Self::Collect(_) => Exit::Usage,
            #[cfg(feature = "aws")]
            Self::BadStack(_) => Exit::Usage,
            Self::SameFile(_) | Self::Select(_) | Self::NoStack | Self::Compare(_) | Self::NoFormat { .. } => {
                Exit::Usage
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoStack => {
                "Name it with --stack, or give saved evidence with --case; `cfn-forensics stacks` lists what failed lately."
            }
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::NoRegion) => "Name it with --region, or set AWS_REGION.",
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::NoCredentials(_)) => {
                "Sign in (`aws sso login`, `aws login`), or check the profile, the role and the region that are used."
            }
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::OtherRegion { .. }) => {
                "Name one of them with --region, or give the stack's ARN."
            }
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::UnknownStack { .. }) => {
                "CloudFormation tells of deleted stacks for 90 days. `cfn-forensics stacks` lists what failed lately; --region and --profile look elsewhere."
            }
            #[cfg(feature = "aws")]
            Self::Collect(CollectError::NoAnswer { .. }) => {
                "`-v` shows every call; `cfn-forensics policy` prints the permissions that are needed."
            }
            Self::Case(CaseError::Open { .. }) => "Give --case the folder or zip file that holds the evidence.",
            Self::Case(CaseError::Nothing { .. }) => {
                "Make a case by hand: save `aws cloudformation describe-stack-events --stack-name STACK_ARN` as stack_events.json in a folder."
            }
            Self::Select(SelectError::NoSuchStack { .. }) => {
                "`cfn-forensics stacks --case CASE` lists them with their operations."
            }
            Self::Select(SelectError::NoSuchOperation { .. }) => {
                "`cfn-forensics stacks --case CASE` lists the operations; `latest` and `all` work too."
            }
            Self::NoFormat { .. } => "Say it with --format.",
            Self::Compare(_) => {
                "Give --case twice, or one case and --operation twice; `cfn-forensics stacks --case CASE` lists the operations."
            }
            _ => return None,
        })
    }
}

/// Tells a wrong command line, or prints the help that was asked for.
pub fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    match error.kind() {
        clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion => Exit::Fine.into(),
        _ => Exit::Usage.into(),
    }
}

/// A panic is a bug of ours: it ends with a code of its own, and says where to tell of it.
pub fn announce_bugs() {
    std::panic::set_hook(Box::new(|panic| {
        let _ = writeln!(io::stderr(), "cfn-forensics: this is a bug in cfn-forensics: {panic}");
        let _ = writeln!(io::stderr(), "  Please report it with the command line and, if you can share it, the case.");
        if std::thread::current().name() == Some("main") {
            std::process::exit(Exit::Bug as i32);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_documented() {
        for exit in [
            Exit::Fine,
            Exit::Unwritable,
            Exit::Usage,
            Exit::Uncollected,
            Exit::Unreadable,
            Exit::Explained,
            Exit::Unexplained,
            Exit::Bug,
        ] {
            let code = format!("{:>4}  ", exit as u8);
            assert!(EXIT_CODES.lines().any(|line| line.starts_with(&code)), "{exit:?}");
        }
    }
}
