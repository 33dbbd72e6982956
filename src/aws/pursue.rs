//! The pursuit of an inquiry: its questions are asked many at a time, until there are none left or time is up.
//! It knows which source answers which question, and remembers what was asked when and how it went.
//! Used by `collect` and `survey`.

use super::desk::{Desk, Note};
use super::gathered::Gathered;
use super::{
    change_sets, cloudtrail, ecs, hook_results, log_events, operation_events, rds, scaling_activities, stack_events,
    stack_resources, stack_sets, stacks, target_health, templates,
};
use crate::model::time::{self, Time};
use crate::model::{Asked, Gap};
use crate::plan::{Answered, Ask, Inquiry, Question, Questions};
use chrono::TimeDelta;
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Answers the questions of an inquiry, many at a time, until there are none left. Says why where it was cut short.
pub(super) async fn pursue(
    desk: &Desk<'_>,
    inquiry: &mut dyn Inquiry,
    home: &str,
    log: &mut Log,
    time: Duration,
    stop: impl Future<Output = ()>,
) -> Option<&'static str> {
    let mut stop = pin!(stop);
    let mut late = pin!(sleep(time));
    let mut caller = pin!(stacks::caller(desk, home));
    let mut identified = false;
    let mut open = FuturesUnordered::new();
    loop {
        for question in inquiry.next(&desk.gathered().borrow().capture) {
            open.push(ask(desk, question, log.now()));
        }
        if open.is_empty() && identified {
            return None;
        }
        tokio::select! {
            () = &mut stop => return Some("the collection was interrupted"),
            () = &mut late => return Some("the collection ran out of time (--timeout)"),
            who = &mut caller, if !identified => {
                identified = true;
                log.caller = who;
            }
            Some(answer) = open.next() => {
                inquiry.asked().answer(&answer.question, answer.answered);
                log.add(&answer);
                // What else is answered already changes the plan too: it is made once for all of it.
                while let Some(Some(answer)) = open.next().now_or_never() {
                    inquiry.asked().answer(&answer.question, answer.answered);
                    log.add(&answer);
                }
            }
        }
    }
}

/// A question with its answer.
struct Answer {
    question: Question,
    answered: Answered,
    at: Time,
    records: u64,
}

/// Answers a question: its records and gaps are at the desk, whether it ends or is dropped half-way.
async fn ask(desk: &Desk<'_>, question: Question, at: Time) -> Answer {
    desk.watch(Note::Asks(&question));
    let asked = &question;
    let answered = match &question.ask {
        Ask::StoppedTasks { cluster, services } => ecs::stopped_tasks(desk, asked, cluster, services).await,
        Ask::Stack { stack } => stacks::stack(desk, asked, stack).await,
        Ask::Stacks { since } => stacks::all(desk, asked, *since).await,
        Ask::DeletedStacks { name } => stacks::deleted(desk, asked, name).await,
        Ask::StackEvents { stack, depth } => stack_events::collect(desk, asked, stack, *depth).await,
        Ask::OperationEvents { stack, depth } => operation_events::collect(desk, asked, stack, *depth).await,
        Ask::Resources { stack } => stack_resources::collect(desk, asked, stack).await,
        Ask::Template { stack } => templates::collect(desk, asked, stack).await,
        Ask::ChangeSets { stack } => change_sets::collect(desk, asked, stack).await,
        Ask::HookResults { target } => hook_results::collect(desk, asked, target).await,
        Ask::StackSet { name, account } => stack_sets::collect(desk, asked, name, account).await,
        Ask::Calls { filter, window, pages } => cloudtrail::collect(desk, asked, filter, *window, *pages).await,
        Ask::RdsEvents { of, window } => rds::events(desk, asked, of.as_ref(), *window).await,
        Ask::DbInstance { identifier } => rds::instance(desk, asked, identifier).await,
        Ask::Services { cluster, services } => ecs::services(desk, asked, cluster, services).await,
        Ask::ServiceDeployments { cluster, service, window } => {
            ecs::deployments(desk, asked, cluster, service, *window).await
        }
        Ask::TaskDefinition { arn } => ecs::task_definition(desk, asked, arn).await,
        Ask::ScalingActivities { group, since } => scaling_activities::collect(desk, asked, group, *since).await,
        Ask::TargetHealth { target_group } => target_health::collect(desk, asked, target_group).await,
        Ask::LogEvents { group, streams, window, errors_only } => {
            log_events::collect(desk, asked, group, streams, *window, *errors_only).await
        }
    };
    if answered != Answered::Not {
        desk.gathered().borrow_mut().asked(question.ask.source());
    }
    let records = desk.kept(&question);
    desk.watch(Note::Answered(&question, answered));
    Answer { question, answered, at, records }
}

/// What was asked when, by whom.
pub(super) struct Log {
    began: Time,
    clock: Instant,
    pub caller: Option<stacks::Caller>,
    pub asked: Vec<Asked>,
}

impl Log {
    pub fn begin(now: Time) -> Self {
        Self { began: now, clock: Instant::now(), caller: None, asked: Vec::new() }
    }

    /// The wall clock was read once, when the collection began.
    pub fn now(&self) -> Time {
        self.began + TimeDelta::from_std(self.clock.elapsed()).unwrap_or_default()
    }

    fn add(&mut self, answer: &Answer) {
        let outcome = match answer.answered {
            Answered::Whole => "complete",
            Answered::Partly { .. } => "partial",
            Answered::Not => "failed",
        };
        self.asked.push(Asked {
            at: time::text(answer.at),
            question: answer.question.to_string(),
            records: answer.records,
            outcome: outcome.to_owned(),
        });
    }
}

/// Makes gaps of the questions that are still open.
pub(super) fn leave_open(
    desk: &Desk<'_>,
    gathered: &mut Gathered,
    asked: &Questions,
    log: &mut Log,
    cut_short: Option<&str>,
) {
    let at = time::text(log.now());
    for question in asked.open() {
        let why = cut_short.unwrap_or("it was not asked to the end");
        gathered.gap(Gap::new(question.ask.source(), why).at(question.ask.part()).remedy("ask again"));
        let (records, outcome) = (desk.kept(question), "partial".to_owned());
        log.asked.push(Asked { at: at.clone(), question: question.to_string(), records, outcome });
    }
}
