//! The arguments for asking AWS, and the flow from them to a capture: collect, show progress, keep what came.
//! It decides nothing about AWS; the plan and the wall do.
//! Used by every verb that is not given a case.

use super::error::Failure;
use super::progress::Progress;
use super::select::{self, Incarnation, Wanted};
use crate::aws::{self, Access, CollectError, Limits};
use crate::case;
use crate::model::{Capture, Time, arn};
use crate::plan::{Ask, Deployments, Incarnations, Questions, Scope, Sources, Survey, name_of};
use crate::report::StacksFilter;
use crate::report::select::Which;
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The names of the arguments that mean nothing for a case.
pub const ARGUMENTS: [&str; 9] =
    ["region", "profile", "role_arn", "save", "only", "without", "log_group", "max_calls", "timeout"];

/// Above the arguments in `--help`.
pub const HEADING: &str = "Asking AWS";

/// How AWS is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub struct Live {
    /// Where to look for the stack; the region of the AWS configuration if left out. May be repeated
    #[arg(long, value_name = "REGION", value_delimiter = ',')]
    pub region: Vec<String>,
    /// The profile of the AWS configuration files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Assume this role first, to look into another account
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    #[command(flatten)]
    pub extent: Extent,
    #[command(flatten)]
    pub voice: Voice,
}

/// How much is asked.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub struct Extent {
    /// Ask only these sources (and which stacks there are, and the stack's events, which lead to the others); several
    /// with commas or repeated
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = sources())]
    pub only: Vec<String>,
    /// Do not ask these sources
    #[arg(long, value_name = "SOURCE", value_delimiter = ',', value_parser = sources())]
    pub without: Vec<String>,
    /// Read this log group too; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub log_group: Vec<String>,
    /// Stop asking after so many API calls
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub max_calls: u64,
    /// Stop asking after this time: 90s, 5m. What is there by then is shown
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

impl Extent {
    fn sources(&self) -> Sources {
        Sources { only: self.only.clone(), without: self.without.clone() }
    }

    fn limits(&self) -> Limits {
        Limits { calls: self.max_calls, time: self.timeout }
    }
}

/// What is told meanwhile.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = HEADING)]
pub struct Voice {
    /// Log every question and call with its duration to the standard error
    #[arg(short, long)]
    pub verbose: bool,
    /// Show no progress
    #[arg(long, conflicts_with = "verbose")]
    pub quiet: bool,
}

fn sources() -> PossibleValuesParser {
    PossibleValuesParser::new(Ask::SOURCES)
}

fn duration(text: &str) -> Result<Duration, String> {
    let time = select::time_span(text).and_then(|time| time.to_std().ok()).filter(|time| !time.is_zero());
    time.ok_or_else(|| "write it as 90s, 5m or 2h".to_owned())
}

impl Live {
    /// Collects what is wanted.
    ///
    /// # Errors
    /// Where nothing was learned.
    pub fn collect(&self, wanted: &Wanted, now: Time) -> Result<Capture, Failure> {
        let stack = wanted.stack.clone().ok_or(Failure::NoStack)?;
        if !is_stack(&stack) {
            return Err(Failure::BadStack(stack));
        }
        let scope = Scope {
            stack,
            regions: self.region.clone(),
            incarnations: match (wanted.incarnation, &wanted.which) {
                (Some(Incarnation::Number(number)), _) => Incarnations::Number(number),
                (Some(Incarnation::All), _) => Incarnations::All,
                (None, Which::Latest) => Incarnations::Recent,
                (None, Which::All | Which::Id(_)) => Incarnations::All,
            },
            deployments: match &wanted.which {
                Which::Latest => Deployments::Latest,
                Which::All => Deployments::All,
                Which::Id(id) => Deployments::Operation(id.clone()),
            },
            since: wanted.since,
            until: wanted.until,
            sources: self.extent.sources(),
            log_groups: self.extent.log_group.clone(),
            now,
        };
        let (access, limits) = (self.access(arn::region(&scope.stack)), self.extent.limits());
        let mut capture = self.ask(async |watch, stop| aws::collect(&access, scope, limits, watch, stop).await)?;
        self.complete(&mut capture);
        Ok(capture)
    }

    /// Collects which stacks of the account pass the filter.
    ///
    /// # Errors
    /// Where nothing was learned.
    pub fn survey(&self, filter: &StacksFilter, everywhere: bool, now: Time) -> Result<Capture, Failure> {
        let survey = Survey {
            regions: self.region.clone(),
            name: filter.stack.as_deref().map(name_of).map(str::to_owned),
            since: filter.since.unwrap_or(Time::UNIX_EPOCH),
            deleted: filter.deleted,
            failed: filter.failed,
            sources: self.extent.sources(),
            now,
            asked: Questions::default(),
        };
        let (access, limits) = (self.access(None), self.extent.limits());
        let mut capture =
            self.ask(async |watch, stop| aws::survey(&access, survey, everywhere, limits, watch, stop).await)?;
        self.complete(&mut capture);
        Ok(capture)
    }

    /// Makes the capture what it will be when it is read back, and says where it is not whole.
    fn complete(&self, capture: &mut Capture) {
        case::complete(capture);
        if capture.manifest.as_ref().is_some_and(|manifest| manifest.partial) {
            self.say("PARTIAL: the collection did not come to its end; the gaps say what is missing");
        }
    }

    /// Runs the asynchronous part: with progress, until it ends or a signal comes.
    fn ask(
        &self,
        work: impl AsyncFnOnce(&dyn Fn(aws::Note<'_>), Interruption) -> Result<Capture, CollectError>,
    ) -> Result<Capture, CollectError> {
        let progress = Rc::new(Progress::begin(self.voice));
        let told = Rc::clone(&progress);
        let stop: Interruption = Box::pin(async move {
            interrupted().await;
            told.say_stopping();
        });
        let watch = |note: aws::Note<'_>| progress.note(&note);
        runtime().block_on(work(&watch, stop))
    }

    /// Says something on the standard error, unless silence was asked for.
    pub fn say(&self, sentence: &str) {
        Progress::say(self.voice, sentence);
    }

    /// How AWS is reached; a stack's ARN names the region best.
    fn access(&self, region: Option<&str>) -> Access {
        let region = region.map(str::to_owned).or_else(|| self.region.first().cloned());
        Access { profile: self.profile.clone(), region, role_arn: self.role_arn.clone() }
    }
}

/// What is collected, kept there as a case; that it can be kept is made sure of before anything is asked.
///
/// # Errors
/// Where nothing was learned, or it cannot be kept.
pub fn keep(target: &Path, collect: impl FnOnce() -> Result<Capture, Failure>) -> Result<Capture, Failure> {
    case::check_target(target)?;
    let capture = collect()?;
    case::write(&capture, target)?;
    Ok(capture)
}

/// True for what can be a stack's name or ARN. Source: `StackName` of CreateStack in the CloudFormation API reference.
pub fn is_stack(text: &str) -> bool {
    let name = name_of(text);
    let is_arn = text.starts_with("arn:");
    let named = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    named && (!is_arn || text.contains(":cloudformation:") && text.contains(":stack/"))
}

/// What ends when a signal comes.
type Interruption = Pin<Box<dyn Future<Output = ()>>>;

#[allow(clippy::expect_used)] // without a runtime there is nothing that could be done
fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a thread can wait for the network")
}

/// Ends with the first Ctrl-C, or when CI tells us to end.
async fn interrupted() {
    let asked = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut told) => {
                tokio::select! {
                    _ = asked => {}
                    _ = told.recv() => {}
                }
            }
            Err(_) => _ = asked.await,
        }
    }
    #[cfg(not(unix))]
    let _ = asked.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_a_name_or_its_arn() {
        for stack in ["shop", "Shop-1", "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/0f1e"] {
            assert!(is_stack(stack), "{stack}");
        }
        for other in ["", "1shop", "a*b", "shop prod", "arn:aws:s3:::shop", "arn:aws:cloudformation:x:1:changeSet/a/b"]
        {
            assert!(!is_stack(other), "{other}");
        }
    }
}
