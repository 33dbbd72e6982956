//! An ECS service that did not come up: its tasks say why. A container that exits or cannot be started is another
//! cause than an application that does not pass its health checks.
//! Joined by the service; log lines of the same operation strengthen it.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR, Rule};
use super::super::words;
use super::refused_call::first_rows;
use super::{Context, Failing};
use crate::model::{Event, Outcome, Reason};

/// What the first stopped task is worth, and each further one: they are hardly independent.
const FIRST_TASK: Decibans = 24.0;
const FURTHER_TASK: Decibans = 2.0;
const MOST_FURTHER_TASKS: usize = 3;
const LOG_LINE: Decibans = 2.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    context.joined().iter().filter_map(|failing| of_failing(context, failing)).collect()
}

fn of_failing(context: &Context<'_>, failing: &Failing) -> Option<Finding> {
    let failed = context
        .timeline
        .events
        .get(failing.event)
        .filter(|event| event.resource_type.as_deref() == Some("AWS::ECS::Service"))?;
    // Where its own words say why, tasks of it may have stopped for any reason.
    context.best_rule(failing).is_none_or(Rule::is_vague).then_some(())?;
    let began = first_rows(context).get(&(&failed.stack_id, &failed.logical_id)).copied().unwrap_or(failed.at);
    let stopped: Vec<(usize, &Event)> = context
        .events()
        .filter(|(_, event)| {
            event.source == "ecs_tasks"
                && event.outcome == Outcome::Failed
                && (began..=failed.at).contains(&event.at)
                && !by_health_check(event)
                && event.logical_id == failed.logical_id
                && event.stack_id == failed.stack_id
        })
        .collect();
    let (_, first) = stopped.first()?;
    let mut evidence: Vec<Evidence> = stopped
        .iter()
        .take(1 + MOST_FURTHER_TASKS)
        .enumerate()
        .map(|(count, (index, _))| {
            let decibans = if count == 0 { FIRST_TASK } else { FURTHER_TASK };
            Evidence::of_event(*index, decibans, "a task of the service stopped by itself")
        })
        .collect();
    let line = context.events().find(|(_, event)| {
        event.source == "log_events"
            && event.outcome == Outcome::Failed
            && (began..=failed.at).contains(&event.at)
            && event.logical_id == failed.logical_id
            && event.stack_id == failed.stack_id
    });
    evidence.extend(line.map(|(index, _)| Evidence::of_event(index, LOG_LINE, "its log has an error at that time")));
    let service = failed.logical_id.as_deref().unwrap_or("the service");
    Some(Finding {
        rule: "ecs-tasks-stopped".to_owned(),
        cause: "health.container".to_owned(),
        root: failing.event,
        prior: PRIOR,
        evidence,
        advice: words::of_advice(&Advice {
            title: format!("The containers of {service} stopped by themselves or could not be started"),
            explanation: format!(
                "ECS gave up because task after task ended before the service was stable. The last reason that a task gave: {}",
                first.text()
            ),
            confirm: vec![
                "aws ecs describe-tasks --cluster {cluster} --tasks TASK_ARN   # stopped tasks are kept for about an hour".to_owned(),
                "Read the container's log from the minute before the task stopped".to_owned(),
            ],
            fixes: vec![
                "Mend what the container's last log lines name (configuration, a dependency that is not reachable, a crash), run the image with the same environment once outside of the deployment, then deploy again".to_owned(),
                "Keep the log group on failure (DeletionPolicy: Retain) so that the next failure keeps its log".to_owned(),
            ],
            link: Some("https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-errors.html".to_owned()),
        }, &context.names(failing, &Reason::default())),
    })
}

/// A task that the load balancer found unhealthy ran; that is the other cause.
fn by_health_check(event: &Event) -> bool {
    event.text().contains("health check")
}
