//! DescribeServiceDeployments: one deployment of an ECS service, from its start to its end or its rollback.
//! It tells how the deployment went, not why its tasks failed: that is told by the tasks and the service's events.
//! Source: `ServiceDeployment` in the ECS API reference.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile, RecordRef, Time};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment<'a> {
    #[serde(borrow, default)]
    service_deployment_arn: Str<'a>,
    #[serde(borrow, default)]
    service_arn: Str<'a>,
    #[serde(borrow, default)]
    status: Str<'a>,
    #[serde(borrow, default)]
    status_reason: Str<'a>,
    #[serde(default)]
    created_at: Stamp,
    #[serde(default)]
    started_at: Stamp,
    #[serde(default)]
    finished_at: Stamp,
    #[serde(default)]
    stopped_at: Stamp,
    #[serde(default)]
    updated_at: Stamp,
    #[serde(borrow, default)]
    deployment_circuit_breaker: Option<CircuitBreaker<'a>>,
    #[serde(borrow, default)]
    rollback: Option<Rollback<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CircuitBreaker<'a> {
    #[serde(borrow, default)]
    status: Str<'a>,
    #[serde(borrow, default)]
    failure_count: Str<'a>,
    #[serde(borrow, default)]
    threshold: Str<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rollback<'a> {
    #[serde(borrow, default)]
    reason: Str<'a>,
    #[serde(default)]
    started_at: Stamp,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(deployment) = sink.parse::<Deployment<'_>>(&record, json) else {
            continue;
        };
        let stamp = first_known([deployment.started_at, deployment.created_at]);
        let Some(begun) = sink.time(&record, stamp, "startedAt") else {
            continue;
        };
        let start = event_of(&deployment, begun, "DEPLOY", Outcome::InProgress, &record, "start", sink);
        sink.events.push(start);
        push_rollback(&deployment, &record, sink);
        push_end(&deployment, begun, &record, sink);
    }
}

/// When the rollback began is when the deployment had failed; its end is much later.
fn push_rollback(deployment: &Deployment<'_>, record: &RecordRef, sink: &mut Sink<'_>) {
    let Some(rollback) = &deployment.rollback else { return };
    if rollback.started_at == Stamp::Absent {
        return;
    }
    let Some(at) = sink.time(record, rollback.started_at, "rollback.startedAt") else {
        return;
    };
    let mut event = event_of(deployment, at, "ROLL_BACK", Outcome::Noted, record, "rollback", sink);
    event.message = sink.some(rollback.reason.get());
    sink.events.push(event);
}

fn push_end(deployment: &Deployment<'_>, begun: Time, record: &RecordRef, sink: &mut Sink<'_>) {
    let outcome = outcome(&deployment.status);
    let stamp = match outcome {
        // AWS fills `finishedAt` at every end and `stoppedAt` for those that a person stopped.
        Some(_) => first_known([deployment.finished_at, deployment.stopped_at, deployment.updated_at]),
        None if deployment.finished_at == Stamp::Absent => return,
        None => deployment.finished_at,
    };
    let ended = match stamp {
        // It is over without an end: its failure must not be lost for that.
        Stamp::Absent | Stamp::Unreadable => None,
        Stamp::Read(_) => sink.time(record, stamp, "finishedAt"),
    };
    let at = ended.unwrap_or(begun);
    let outcome = outcome.unwrap_or(Outcome::Noted);
    let mut event = event_of(deployment, at, "DEPLOY", outcome, record, "end", sink);
    event.approximate = ended.is_none();
    event.status = sink.some(deployment.status.get());
    event.message = sink.some(Some(&message(deployment)));
    sink.events.push(event);
}

/// The first stamp that can be read, in the order given; the first one where none can.
fn first_known<const N: usize>(stamps: [Stamp; N]) -> Stamp {
    let read = stamps.into_iter().find(|stamp| stamp.at().is_some());
    read.or(stamps.first().copied()).unwrap_or_default()
}

/// One step of a deployment, with what all have in common.
fn event_of(
    deployment: &Deployment<'_>,
    at: Time,
    action: &str,
    outcome: Outcome,
    record: &RecordRef,
    step: &str,
    sink: &mut Sink<'_>,
) -> Event {
    let action = sink.text(action);
    let mut event = Event::new(at, "service_deployments", record.clone(), action, outcome);
    let arn = deployment.service_deployment_arn.get();
    event.event_id = arn.map(|arn| format!("{arn}/{step}").into());
    event.physical_id = sink.some(deployment.service_arn.get());
    event.resource_type = Some(sink.text("AWS::ECS::Service"));
    event
}

/// AWS's reason, else that of the rollback, and what the circuit breaker counted if it was triggered.
fn message(deployment: &Deployment<'_>) -> String {
    let rollback = deployment.rollback.as_ref();
    let reason = deployment.status_reason.get().or(rollback.and_then(|rollback| rollback.reason.get()));
    let counted = deployment.deployment_circuit_breaker.as_ref().and_then(counted);
    let clauses: Vec<&str> = reason.into_iter().chain(counted.as_deref()).collect();
    clauses.join("; ")
}

fn counted(breaker: &CircuitBreaker<'_>) -> Option<String> {
    let (failures, threshold) = (breaker.failure_count.get()?, breaker.threshold.get()?);
    (&*breaker.status == "TRIGGERED")
        .then(|| format!("circuit breaker triggered by {failures} failed tasks (threshold {threshold})"))
}

/// What a `status` says of the deployment's end; nothing for those that are no end.
fn outcome(status: &str) -> Option<Outcome> {
    Some(match status {
        "SUCCESSFUL" => Outcome::Succeeded,
        "ROLLBACK_SUCCESSFUL" | "ROLLBACK_FAILED" | "STOPPED" => Outcome::Failed,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, reasons, told};
    use super::*;

    #[test]
    fn a_deployment_is_told_from_start_to_end() {
        for (json, expected) in [
            (
                r#"{"status":"SUCCESSFUL","createdAt":"2026-11-18T12:00:00Z","startedAt":"2026-11-18T14:00:01+02:00","finishedAt":"2026-11-18T12:05:00Z"}"#,
                &["12:00:01.000 DEPLOY InProgress - | -", "12:05:00.000 DEPLOY Succeeded SUCCESSFUL | -"][..],
            ),
            (
                r#"{"status":"ROLLBACK_SUCCESSFUL","statusReason":"Service deployment rolled back because of the circuit breaker.","createdAt":1795003200,"finishedAt":1795003500,"deploymentCircuitBreaker":{"status":"TRIGGERED","failureCount":3,"threshold":3},"rollback":{"reason":"Circuit breaker.","startedAt":1795003400}}"#,
                &[
                    "12:00:00.000 DEPLOY InProgress - | -",
                    "12:03:20.000 ROLL_BACK Noted - | Circuit breaker.",
                    "12:05:00.000 DEPLOY Failed ROLLBACK_SUCCESSFUL | Service deployment rolled back because of the circuit breaker.; circuit breaker triggered by 3 failed tasks (threshold 3)",
                ],
            ),
            (
                r#"{"status":"ROLLBACK_FAILED","startedAt":"2026-11-18T12:00:00Z","finishedAt":"2026-11-18T12:05:00Z","rollback":{"reason":"Alarm."},"deploymentCircuitBreaker":{"status":"MONITORING","failureCount":0,"threshold":3}}"#,
                &["12:00:00.000 DEPLOY InProgress - | -", "12:05:00.000 DEPLOY Failed ROLLBACK_FAILED | Alarm."],
            ),
            (
                r#"{"status":"STOPPED","startedAt":"2026-11-18T12:00:00Z","finishedAt":null,"stoppedAt":"2026-11-18T12:05:00Z","rollback":null,"deploymentCircuitBreaker":null}"#,
                &["12:00:00.000 DEPLOY InProgress - | -", "12:05:00.000 DEPLOY Failed STOPPED | -"],
            ),
            (
                r#"{"status":"IN_PROGRESS","startedAt":"2026-11-18T12:00:00Z","updatedAt":"2026-11-18T12:05:00Z"}"#,
                &["12:00:00.000 DEPLOY InProgress - | -"],
            ),
            (
                r#"{"status":"SOMETHING_NEW","startedAt":"2026-11-18T12:00:00Z","finishedAt":"2026-11-18T12:05:00Z"}"#,
                &["12:00:00.000 DEPLOY InProgress - | -", "12:05:00.000 DEPLOY Noted SOMETHING_NEW | -"],
            ),
        ] {
            let told = told(read, "service_deployments", &[json]);
            assert_eq!(lines(&told.events), expected, "{json}");
            assert!(told.gaps.is_empty());
        }
    }

    #[test]
    fn a_failure_without_an_end_stays_a_failure() {
        let json = r#"{"status":"ROLLBACK_FAILED","statusReason":"r","startedAt":"2026-11-18T12:00:00Z"}"#;
        let told = told(read, "service_deployments", &[json]);
        assert_eq!(lines(&told.events)[1], "12:00:00.000 DEPLOY Failed ROLLBACK_FAILED | r");
        assert!(told.events[1].approximate);
    }

    #[test]
    fn every_step_is_of_the_service_and_can_be_told_apart() {
        let json = r#"{"serviceDeploymentArn":"d","serviceArn":"s","status":"ROLLBACK_FAILED","startedAt":1795003200,"finishedAt":1795003500,"rollback":{"startedAt":1795003400}}"#;
        let told = told(read, "service_deployments", &[json]);
        let ids: Vec<_> = told.events.iter().map(|event| event.event_id.as_deref()).collect();
        assert_eq!(ids, [Some("d/start"), Some("d/rollback"), Some("d/end")]);
        for event in &told.events {
            assert_eq!(event.physical_id.as_deref(), Some("s"));
            assert_eq!(event.resource_type.as_deref(), Some("AWS::ECS::Service"));
        }
    }

    #[test]
    fn a_record_without_a_start_is_a_gap() {
        let told = told(read, "service_deployments", &[r#"{"status":"PENDING"}"#, "null"]);
        assert!(told.events.is_empty());
        assert_eq!(reasons(&told.gaps)[0], "record left out: it has no startedAt");
        assert_eq!(told.gaps.len(), 2);
    }
}
