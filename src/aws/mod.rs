//! The wall before AWS: the only place that names the SDK, and no type of it leaves.
//! [`collect`] answers the questions of a plan until it has none left; what cannot be had becomes a gap.
//! Nothing here changes anything in AWS. Used by the verbs when no case is given.

mod api;
mod change_sets;
mod clients;
mod cloudtrail;
mod desk;
mod ecs;
mod gathered;
mod hook_results;
mod log_events;
mod network;
mod operation_events;
mod pace;
mod pursue;
mod rds;
mod record;
mod scaling_activities;
mod stack_events;
mod stack_resources;
mod stack_sets;
mod stacks;
mod target_health;
mod templates;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trouble;

use crate::model::{Capture, Manifest, Scope as Asking, arn, time};
use crate::plan::{Inquiry as _, Plan, Scope, Survey, regions_beside};
use crate::sources;
use clients::Clients;
use desk::Desk;
use gathered::Gathered;
use pursue::{Log, leave_open, pursue};
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

pub use api::{ALL as APIS, Api, Resource};
pub use clients::Access;
pub use desk::Note;

/// How much a collection may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// API calls in all.
    pub calls: u64,
    /// Time in all; what is still open then becomes a gap.
    pub time: Duration,
}

/// Why nothing was collected.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CollectError {
    /// Nobody said where.
    #[error("ask AWS: no region is set")]
    NoRegion,
    /// AWS does not let us in.
    #[error("ask AWS: {0}")]
    NoCredentials(String),
    /// Not a single answer came.
    #[error("learn anything of {stack} from AWS: {}", .why.join("; "))]
    NoAnswer {
        /// What was asked for.
        stack: String,
        /// What went wrong, each once.
        why: Vec<String>,
    },
    /// There is no such stack, and there has been none for 90 days.
    #[error("find stack {stack} in {}, nor does another region tell of it{}", .regions.join(", "), suggest(.near))]
    UnknownStack {
        /// What was asked for.
        stack: String,
        /// Where it was looked for.
        regions: Vec<String>,
        /// Names of stacks there that are like it, best first; live and deleted ones.
        near: Vec<String>,
    },
    /// The stack is not where it was looked for, or in several places.
    #[error("choose the region of {stack}: it is in {}", .regions.join(", "))]
    OtherRegion {
        /// What was asked for.
        stack: String,
        /// Where there is a stack of the name; not empty.
        regions: Vec<String>,
    },
}

fn suggest(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("; there is {}", names.join(", ")) }
}

/// Collects what AWS tells of a stack. `regions` of the scope may be empty: then the configured one is meant.
/// `stop` ends the collection early; what is there by then is kept, and the manifest says that it is partial.
///
/// # Errors
/// Only where nothing was learned.
pub async fn collect(
    access: &Access,
    scope: Scope,
    limits: Limits,
    watch: &dyn Fn(Note<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Capture, CollectError> {
    let clients = Clients::load(access).await;
    collect_with(&clients, scope, limits, watch, stop).await
}

async fn collect_with(
    clients: &Clients,
    mut scope: Scope,
    limits: Limits,
    watch: &dyn Fn(Note<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Capture, CollectError> {
    if let Some(region) = arn::region(&scope.stack) {
        scope.regions = vec![region.to_owned()];
    }
    if scope.regions.is_empty() {
        scope.regions = vec![clients.region().ok_or(CollectError::NoRegion)?];
    }
    let desk = Desk::new(clients, limits.calls, watch);
    let mut log = Log::begin(scope.now);
    let mut plan = Plan::new(scope.clone());
    let home = scope.regions.first().cloned().unwrap_or_default();
    let cut_short = pursue(&desk, &mut plan, &home, &mut log, limits.time, stop).await;
    let capture = finish(&desk, plan, &scope, log, cut_short).await;
    watch(Note::Done { calls: &desk.calls() });
    capture
}

/// Collects which stacks of an account failed or were deleted lately. `regions` of the survey may be empty: then the
/// configured one is meant, or with `everywhere` all regions that every account has.
///
/// # Errors
/// Only where nothing was learned.
pub async fn survey(
    access: &Access,
    survey: Survey,
    everywhere: bool,
    limits: Limits,
    watch: &dyn Fn(Note<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Capture, CollectError> {
    let clients = Clients::load(access).await;
    survey_with(&clients, survey, everywhere, limits, watch, stop).await
}

async fn survey_with(
    clients: &Clients,
    mut survey: Survey,
    everywhere: bool,
    limits: Limits,
    watch: &dyn Fn(Note<'_>),
    stop: impl Future<Output = ()>,
) -> Result<Capture, CollectError> {
    if survey.regions.is_empty() {
        survey.regions = vec![clients.region().ok_or(CollectError::NoRegion)?];
    }
    let home = survey.regions.first().cloned().unwrap_or_default();
    if everywhere {
        survey.regions = regions_beside(&home);
    }
    let desk = Desk::new(clients, limits.calls, watch);
    let mut log = Log::begin(survey.now);
    let cut_short = pursue(&desk, &mut survey, &home, &mut log, limits.time, stop).await;
    watch(Note::Done { calls: &desk.calls() });
    let mut gathered = desk.gathered().take();
    if !survey.is_answered() {
        let why = reasons(&gathered.capture, cut_short);
        return Err(if desk.locked_out(&home) {
            CollectError::NoCredentials(why.into_iter().next().unwrap_or_default())
        } else {
            CollectError::NoAnswer { stack: "the account's stacks".to_owned(), why }
        });
    }
    for gap in survey.gaps(&gathered.capture) {
        gathered.gap(gap);
    }
    leave_open(&desk, &mut gathered, survey.asked(), &mut log, cut_short);
    let mut capture = gathered.finish();
    let asking = Asking { region: (!everywhere).then_some(home), ..Asking::default() };
    capture.manifest = Some(manifest(&desk, asking, log, cut_short.is_some()));
    Ok(capture)
}

/// The capture with its manifest and its last gaps, or why there is none.
async fn finish(
    desk: &Desk<'_>,
    mut plan: Plan,
    scope: &Scope,
    mut log: Log,
    cut_short: Option<&str>,
) -> Result<Capture, CollectError> {
    let mut gathered = desk.gathered().take();
    let found = plan.found_in(&gathered.capture);
    if let Some(error) = nothing(desk, &plan, &gathered.capture, scope, &found, cut_short).await {
        return Err(error);
    }
    leave_open(desk, &mut gathered, plan.asked(), &mut log, cut_short);
    for gap in plan.gaps(&gathered.capture) {
        gathered.gap(gap);
    }
    if cut_short.is_none() && plan.is_complete() && !desk.is_out_of_calls() {
        nothing_of_the_kind(&plan, &mut gathered);
    }
    let mut capture = gathered.finish();
    let region = found.first().or(scope.regions.first()).cloned();
    let partial = cut_short.is_some() || found.iter().any(|region| desk.locked_out(region));
    let asking = Asking { stack: Some(scope.stack.clone()), account: None, region };
    capture.manifest = Some(manifest(desk, asking, log, partial));
    Ok(capture)
}

/// What no event points to was not asked for, and that is an answer: the stack has nothing of the kind. Not so where
/// what would have pointed to it was not seen.
fn nothing_of_the_kind(plan: &Plan, gathered: &mut Gathered) {
    const LEADS_TO: &[(&str, &str)] =
        &[("ecs_tasks", "task_definitions"), ("ecs_tasks", "log_events"), ("change_sets", "hook_results")];
    let unseen = |stem: &str| gathered.capture.gaps.iter().any(|gap| &*gap.source == stem);
    let blind = |stem: &str| {
        plan.leaves_out(stem) || unseen(stem) || LEADS_TO.iter().any(|(from, to)| *to == stem && unseen(from))
    };
    let empty: Vec<&str> = sources::ALL.iter().map(|source| source.stem).filter(|stem| !blind(stem)).collect();
    for stem in empty {
        gathered.asked(stem);
    }
}

fn manifest(desk: &Desk<'_>, asking: Asking, log: Log, partial: bool) -> Manifest {
    let (account, caller) = log.caller.clone().map(|caller| (caller.account, caller.arn)).unwrap_or_default();
    Manifest {
        scope: Asking { account, ..asking },
        captured_at: time::text(log.now()),
        partial,
        caller,
        calls: desk.calls(),
        asked: log.asked,
        ..Manifest::default()
    }
}

/// What went wrong, each once, as far as an error can name it.
fn reasons(capture: &Capture, cut_short: Option<&str>) -> Vec<String> {
    let mut why: Vec<String> = Vec::new();
    let told = capture.gaps.iter().map(|gap| &*gap.why);
    // Which stacks there are decides everything else.
    let of_stacks = capture.gaps.iter().filter(|gap| &*gap.source == "stacks").map(|gap| &*gap.why);
    for reason in cut_short.into_iter().chain(of_stacks).chain(told) {
        if why.len() < MOST_REASONS && !why.iter().any(|known| known == reason) {
            why.push(reason.to_owned());
        }
    }
    why
}

/// Why there is nothing to tell, if there is nothing.
async fn nothing(
    desk: &Desk<'_>,
    plan: &Plan,
    capture: &Capture,
    scope: &Scope,
    found: &[String],
    cut_short: Option<&str>,
) -> Option<CollectError> {
    let stack = || scope.stack.clone();
    let here = found.iter().filter(|region| scope.regions.contains(region));
    match (here.count(), found.len()) {
        (1, _) => return None,
        (_, 1..) => return Some(CollectError::OtherRegion { stack: stack(), regions: found.to_vec() }),
        _ => {}
    }
    let why = reasons(capture, cut_short);
    if scope.regions.iter().all(|region| desk.locked_out(region)) {
        return Some(CollectError::NoCredentials(why.into_iter().next().unwrap_or_default()));
    }
    if !plan.knows_whereabouts() || cut_short.is_some() {
        return Some(CollectError::NoAnswer { stack: stack(), why });
    }
    let near = timeout(SUGGESTION, stacks::near(desk, scope)).await.unwrap_or_default();
    Some(CollectError::UnknownStack { stack: stack(), regions: scope.regions.clone(), near })
}

/// A suggestion is worth so much waiting.
const SUGGESTION: Duration = Duration::from_secs(5);
/// An error names so many reasons.
const MOST_REASONS: usize = 3;
