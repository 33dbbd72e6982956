//! DescribeTasks: when a task ran, and by what it was stopped.
//! It joins what the task and its containers say of one stop; whether the stop caused the failure is for the rules.
//! Source: `Task` and `Container` in the ECS API reference; "Stopped tasks error messages" in the ECS developer guide.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile, RecordRef, Time};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task<'a> {
    #[serde(borrow, default)]
    task_arn: Str<'a>,
    #[serde(borrow, default)]
    cluster_arn: Str<'a>,
    /// `service:NAME` for a service's task.
    #[serde(borrow, default)]
    group: Str<'a>,
    #[serde(borrow, default)]
    last_status: Str<'a>,
    #[serde(borrow, default)]
    stop_code: Str<'a>,
    #[serde(borrow, default)]
    stopped_reason: Str<'a>,
    #[serde(default)]
    created_at: Stamp,
    #[serde(default)]
    started_at: Stamp,
    #[serde(default)]
    execution_stopped_at: Stamp,
    #[serde(default)]
    stopping_at: Stamp,
    #[serde(default)]
    stopped_at: Stamp,
    #[serde(borrow, default)]
    containers: Option<Vec<Container<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container<'a> {
    #[serde(borrow, default)]
    name: Str<'a>,
    /// Absent for a container that never ran or was lost with its host.
    #[serde(borrow, default)]
    exit_code: Str<'a>,
    #[serde(borrow, default)]
    reason: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(task) = sink.parse::<Task<'_>>(&record, json) else {
            continue;
        };
        let started = task.started_at != Stamp::Absent;
        if started && let Some(at) = sink.time(&record, task.started_at, "startedAt") {
            let event = event_of(&task, at, "START", Outcome::Noted, &record, sink);
            sink.events.push(event);
        }
        let stamp = stop_stamp(&task);
        if stamp != Stamp::Absent || has_stopped(&task) {
            push_stop(&task, stamp, &record, sink);
        } else if !started && task.created_at == Stamp::Absent {
            sink.skip(&record, "has no startedAt and no stoppedAt");
        }
    }
}

fn push_stop(task: &Task<'_>, stamp: Stamp, record: &RecordRef, sink: &mut Sink<'_>) {
    let Some(at) = sink.time(record, stamp, "stoppedAt") else {
        return;
    };
    let mut event = event_of(task, at, "STOP", outcome(task), record, sink);
    event.status = sink.some(task.stop_code.get());
    event.error = event.status.clone();
    event.message = sink.some(Some(&message(task)));
    sink.events.push(event);
}

/// When the task stopped, else when it was told to, else when its containers had ended.
fn stop_stamp(task: &Task<'_>) -> Stamp {
    let stamps = [task.stopped_at, task.stopping_at, task.execution_stopped_at];
    let read = stamps.into_iter().find(|stamp| stamp.at().is_some());
    let written = || stamps.into_iter().find(|stamp| *stamp != Stamp::Absent);
    read.or_else(written).unwrap_or_default()
}

/// True for a task that says of itself that it was stopped, whether or not it says when.
fn has_stopped(task: &Task<'_>) -> bool {
    &*task.last_status == "STOPPED" || task.stop_code.get().is_some() || task.stopped_reason.get().is_some()
}

/// The start or the stop of a task, with what both have in common.
fn event_of(
    task: &Task<'_>,
    at: Time,
    action: &str,
    outcome: Outcome,
    record: &RecordRef,
    sink: &mut Sink<'_>,
) -> Event {
    let verb = sink.text(action);
    let mut event = Event::new(at, "ecs_tasks", record.clone(), verb, outcome);
    // The task was described again each time the case was added to; its start is still one event.
    event.event_id = task.task_arn.get().map(|arn| format!("{arn}/{}", action.to_ascii_lowercase()).into());
    event.physical_id = sink.some(task.task_arn.get());
    event.group = sink.some(service(task).as_deref());
    event
}

/// The ARN of the task's service, `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`, since two clusters may have
/// services of one name; the bare name where the cluster is not told. Nothing for a task of no service.
fn service(task: &Task<'_>) -> Option<String> {
    let name = task.group.strip_prefix("service:").filter(|name| !name.is_empty())?;
    Some(match task.cluster_arn.split_once(":cluster/") {
        Some((account, cluster)) => format!("{account}:service/{cluster}/{name}"),
        None => name.to_owned(),
    })
}

/// Whether the stop tells a failure. A stop code that is not known yet is told by the reason and the exit codes.
fn outcome(task: &Task<'_>) -> Outcome {
    let failed = match &*task.stop_code {
        "TaskFailedToStart" | "InfrastructureHealth" => true,
        "EssentialContainerExited" => exited_badly(task),
        // The reason is whatever the caller of StopTask wrote.
        "UserInitiated" => false,
        // What the service does all day (scaling, replacing old tasks) is no failure; to kill the unhealthy is one.
        "ServiceSchedulerInitiated" => failed_health_check(&task.stopped_reason),
        "SpotInterruption" | "TerminationNotice" => false,
        _ => {
            failed_health_check(&task.stopped_reason)
                || names_an_error(&task.stopped_reason)
                || (task.stopped_reason.starts_with("Essential container") && exited_badly(task))
        }
    };
    if failed { Outcome::Failed } else { Outcome::Noted }
}

/// DescribeTasks does not tell which container is essential, so that each of them counts. One without an exit code
/// did not end by itself.
fn exited_badly(task: &Task<'_>) -> bool {
    let containers = task.containers.as_deref().unwrap_or_default();
    containers.is_empty() || containers.iter().any(|container| &*container.exit_code != "0")
}

/// "Task failed ELB health checks in (target-group ...)", "Task failed container health checks".
fn failed_health_check(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.split_once("failed").is_some_and(|(_, what)| what.contains("health check"))
}

/// "CannotPullContainerError: ...", "ResourceInitializationError: ...", "Timeout waiting for network interface ...".
fn names_an_error(reason: &str) -> bool {
    let first = reason.split([':', ' ']).next().unwrap_or_default();
    first.ends_with("Error") || reason.starts_with("Timeout waiting")
}

/// AWS's reason whole, then what the containers add to it.
fn message(task: &Task<'_>) -> String {
    let mut clauses: Vec<String> = task.stopped_reason.get().map(str::to_owned).into_iter().collect();
    clauses.extend(task.containers.iter().flatten().filter_map(|container| clause(container, task)));
    clauses.join("; ")
}

/// What a container adds: its exit code and its own reason. Nothing for one that ended well beside the one that did
/// not, and no reason that the task has told already.
fn clause(container: &Container<'_>, task: &Task<'_>) -> Option<String> {
    let exited = &*task.stop_code == "EssentialContainerExited" && !exited_badly(task);
    let code = container.exit_code.get().filter(|code| *code != "0" || exited);
    let reason = container.reason.get().filter(|reason| !task.stopped_reason.contains(reason));
    let name = container.name.get().unwrap_or("without a name");
    match (code, reason) {
        (Some(code), Some(reason)) => Some(format!("container {name} exited with code {code}: {reason}")),
        (Some(code), None) => Some(format!("container {name} exited with code {code}")),
        (None, Some(reason)) => Some(format!("container {name}: {reason}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, lines, reasons, told};
    use super::*;

    /// The only event of a stopped task with these further fields.
    fn stop(fields: &str) -> String {
        let json = format!(r#"{{"taskArn":"t","lastStatus":"STOPPED","stoppedAt":"2026-11-18T12:00:00Z",{fields}}}"#);
        let told = told(read, "ecs_tasks", &[&json]);
        assert_eq!(told.events.len(), 1, "{fields}");
        assert!(told.gaps.is_empty(), "{fields}");
        line(&told.events[0])
    }

    #[test]
    fn a_stop_tells_its_code_and_what_the_containers_say() {
        for (fields, expected) in [
            (
                r#""stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited","containers":[{"name":"web","exitCode":1},{"name":"sidecar","exitCode":0}]"#,
                "Failed EssentialContainerExited | Essential container in task exited; container web exited with code 1",
            ),
            (
                r#""stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited","containers":[{"name":"web","exitCode":137,"reason":"OutOfMemoryError: Container killed due to memory usage"}]"#,
                "Failed EssentialContainerExited | Essential container in task exited; container web exited with code 137: OutOfMemoryError: Container killed due to memory usage",
            ),
            (
                r#""stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited","containers":[{"name":"job","exitCode":0}]"#,
                "Noted EssentialContainerExited | Essential container in task exited; container job exited with code 0",
            ),
            (
                r#""stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited","containers":[{"name":"web","exitCode":null,"reason":"CannotStartContainerError: exec: \"/run.sh\": not found"}]"#,
                "Failed EssentialContainerExited | Essential container in task exited; container web: CannotStartContainerError: exec: \"/run.sh\": not found",
            ),
            (
                r#""stopCode":"EssentialContainerExited","stoppedReason":"Essential container in task exited""#,
                "Failed EssentialContainerExited | Essential container in task exited",
            ),
            (
                r#""stopCode":"TaskFailedToStart","stoppedReason":"CannotPullContainerError: pull image manifest has been retried 1 time(s): not found","containers":[{"name":"web","reason":"CannotPullContainerError: pull image manifest has been retried 1 time(s): not found"}]"#,
                "Failed TaskFailedToStart | CannotPullContainerError: pull image manifest has been retried 1 time(s): not found",
            ),
            (
                r#""stopCode":"InfrastructureHealth","stoppedReason":"Host retired""#,
                "Failed InfrastructureHealth | Host retired",
            ),
            (
                r#""stopCode":"ServiceSchedulerInitiated","stoppedReason":"Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1)","containers":[{"name":"web","exitCode":143}]"#,
                "Failed ServiceSchedulerInitiated | Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1); container web exited with code 143",
            ),
            (
                r#""stopCode":"ServiceSchedulerInitiated","stoppedReason":"Task failed container health checks""#,
                "Failed ServiceSchedulerInitiated | Task failed container health checks",
            ),
            (
                r#""stopCode":"ServiceSchedulerInitiated","stoppedReason":"Scaling activity initiated by (deployment ecs-svc/1)","containers":[{"name":"web","exitCode":0}]"#,
                "Noted ServiceSchedulerInitiated | Scaling activity initiated by (deployment ecs-svc/1)",
            ),
            (
                r#""stopCode":"UserInitiated","stoppedReason":"it failed my health check""#,
                "Noted UserInitiated | it failed my health check",
            ),
            (
                r#""stopCode":"SpotInterruption","stoppedReason":"Your Spot Task was interrupted.""#,
                "Noted SpotInterruption | Your Spot Task was interrupted.",
            ),
            (r#""stopCode":"TerminationNotice","stoppedReason":"n""#, "Noted TerminationNotice | n"),
            (
                r#""stopCode":"SomethingNew","stoppedReason":"ResourceInitializationError: unable to pull secrets or registry auth""#,
                "Failed SomethingNew | ResourceInitializationError: unable to pull secrets or registry auth",
            ),
            (
                r#""stoppedReason":"Timeout waiting for network interface provisioning to complete.""#,
                "Failed - | Timeout waiting for network interface provisioning to complete.",
            ),
            (
                r#""stoppedReason":"Essential container in task exited","containers":[{"exitCode":2}]"#,
                "Failed - | Essential container in task exited; container without a name exited with code 2",
            ),
            (r#""stopCode":null,"stoppedReason":null,"containers":null"#, "Noted - | -"),
        ] {
            assert_eq!(stop(fields), format!("12:00:00.000 STOP {expected}"), "{fields}");
        }
    }

    #[test]
    fn a_task_is_told_as_far_as_it_got() {
        for (json, expected) in [
            (
                r#"{"lastStatus":"RUNNING","createdAt":1795003190,"startedAt":1795003200}"#,
                &["12:00:00.000 START Noted - | -"][..],
            ),
            (
                r#"{"lastStatus":"STOPPED","startedAt":"2026-11-18T13:00:00+01:00","stoppingAt":"2026-11-18T12:01:00Z","stoppedAt":"2026-11-18T12:01:30Z"}"#,
                &["12:00:00.000 START Noted - | -", "12:01:30.000 STOP Noted - | -"],
            ),
            (
                r#"{"lastStatus":"DEPROVISIONING","stoppingAt":"2026-11-18T12:01:00Z","executionStoppedAt":"2026-11-18T12:01:20Z","stoppedReason":"r"}"#,
                &["12:01:00.000 STOP Noted - | r"],
            ),
            (r#"{"executionStoppedAt":"2026-11-18T12:01:20Z","stoppedAt":null}"#, &["12:01:20.000 STOP Noted - | -"]),
            (r#"{"lastStatus":"PENDING","createdAt":1795003190}"#, &[]),
        ] {
            let told = told(read, "ecs_tasks", &[json]);
            assert_eq!(lines(&told.events), expected, "{json}");
            assert!(told.gaps.is_empty(), "{json}");
        }
    }

    #[test]
    fn a_task_names_its_service() {
        for (fields, expected) in [
            (
                r#""clusterArn":"arn:aws:ecs:eu-west-1:111122223333:cluster/shop","group":"service:web""#,
                Some("arn:aws:ecs:eu-west-1:111122223333:service/shop/web"),
            ),
            (r#""group":"service:web""#, Some("web")),
            (r#""clusterArn":"shop","group":"service:web""#, Some("web")),
            (r#""clusterArn":"arn:aws:ecs:eu-west-1:111122223333:cluster/shop","group":"service:""#, None),
            (r#""group":"family:web""#, None),
            (r#""clusterArn":null,"group":null"#, None),
        ] {
            let json = format!(r#"{{"taskArn":"t",{fields},"startedAt":1795003200,"stoppedAt":1795003300}}"#);
            let told = told(read, "ecs_tasks", &[&json]);
            let groups: Vec<_> = told.events.iter().map(|event| event.group.as_deref()).collect();
            assert_eq!(groups, [expected, expected], "{fields}");
        }
    }

    #[test]
    fn both_ends_are_of_the_task_and_can_be_told_apart() {
        let json = r#"{"taskArn":"t","startedAt":1795003200,"stoppedAt":1795003300,"stopCode":"TaskFailedToStart"}"#;
        let told = told(read, "ecs_tasks", &[json]);
        let ids: Vec<_> = told.events.iter().map(|event| event.event_id.as_deref()).collect();
        assert_eq!(ids, [Some("t/start"), Some("t/stop")]);
        for event in &told.events {
            assert_eq!(event.physical_id.as_deref(), Some("t"));
            // CloudFormation makes no tasks.
            assert_eq!(event.resource_type, None);
        }
        assert_eq!(told.events[0].error, None);
        assert_eq!(told.events[1].error.as_deref(), Some("TaskFailedToStart"));
    }

    #[test]
    fn a_task_without_a_time_is_a_gap() {
        for (json, why) in [
            (r#"{"taskArn":"t"}"#, "has no startedAt and no stoppedAt"),
            (r#"{"taskArn":"t","lastStatus":"STOPPED"}"#, "has no stoppedAt"),
            (r#"{"taskArn":"t","stoppedAt":"then"}"#, "has no stoppedAt that can be read"),
            (r#"{"taskArn":"t","startedAt":"then"}"#, "has no startedAt that can be read"),
        ] {
            let told = told(read, "ecs_tasks", &[json]);
            assert!(told.events.is_empty());
            assert_eq!(reasons(&told.gaps), [format!("record left out: it {why}").as_str()], "{json}");
        }
    }
}
