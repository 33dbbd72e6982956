//! DescribeServices: what an ECS service says of its deployments, its tasks and their health.
//! It reads what each sentence tells and no more: the sentence stays whole in the event's message.
//! Source: `Service`, `ServiceEvent` and `Deployment` in the ECS API reference; "Service event messages" of its guide.

use super::Sink;
use super::wire::Str;
use super::wording::{Wording, first};
use crate::model::Outcome::{Failed, Noted, Succeeded};
use crate::model::time::{self, Stamp, Time};
use crate::model::{Event, Gap, Outcome, RecordFile, RecordRef};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service<'a> {
    #[serde(borrow, default)]
    service_arn: Str<'a>,
    #[serde(borrow, default)]
    service_name: Str<'a>,
    #[serde(borrow, default)]
    events: Option<Vec<Told<'a>>>,
    #[serde(borrow, default)]
    deployments: Option<Vec<Deployment<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    #[serde(borrow, default)]
    id: Str<'a>,
    #[serde(default)]
    created_at: Stamp,
    #[serde(borrow, default)]
    message: Str<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment<'a> {
    #[serde(borrow, default)]
    id: Str<'a>,
    #[serde(borrow, default)]
    rollout_state: Str<'a>,
    #[serde(borrow, default)]
    rollout_state_reason: Str<'a>,
    #[serde(default)]
    created_at: Stamp,
    #[serde(default)]
    updated_at: Stamp,
}

/// The latest events that DescribeServices tells; older ones are gone. Source: "Service event messages" of the ECS
/// guide.
const MOST_EVENTS: usize = 100;

/// What a service's sentences tell; the first that fits counts. They begin with "(service NAME) " or, in old ones,
/// "service NAME ". Failures stand first, since what AWS quotes in them could look like something else.
const WORDINGS: &[Wording] = &[
    ("DEPLOY", Failed, "*deployment failed"),
    ("ROLL_BACK", Noted, "*rolling back to "),
    ("PLACE", Failed, "*unable to place a task"),
    ("START", Failed, "*unable to consistently start tasks"),
    ("START", Failed, "*failed to launch a task"),
    ("START", Failed, "*unable to assume the role"),
    ("DEPLOY", Failed, "*unable to stop or start tasks during a deployment"),
    ("STEADY", Failed, "*unable to reach steady state"),
    ("CHECK_HEALTH", Failed, "* is unhealthy in "),
    ("CHECK_HEALTH", Failed, "* failed *health check"),
    ("CHECK_HEALTH", Failed, "*failed to describe target health"),
    ("DEREGISTER", Failed, "*failed to deregister "),
    ("REGISTER", Failed, "*failed to register "),
    ("THROTTLE", Failed, "*being throttled"),
    ("DEPLOY", Succeeded, "*deployment completed"),
    ("STEADY", Succeeded, "*has reached a steady state"),
    ("START", Noted, "*has started * task"),
    ("STOP", Noted, "*has stopped * task"),
    ("DEREGISTER", Noted, "* deregistered * target"),
    ("REGISTER", Noted, "* registered * target"),
    ("DRAIN", Noted, "*has begun draining"),
    // Sentences that nobody has listed, but that plainly tell a failure.
    ("FAIL", Failed, "* was unable to "),
    ("FAIL", Failed, "* failed to "),
];

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(service) = sink.parse::<Service<'_>>(&record, json) else {
            continue;
        };
        let told = service.events.as_deref().unwrap_or_default();
        // AWS lists the newest first; events of one record have nothing but our order to stand in.
        for event in told.iter().rev() {
            push_told(&service, event, &record, sink);
        }
        note_the_cut(told, &record, sink);
        for deployment in service.deployments.iter().flatten().rev() {
            push_deployment(&service, deployment, &record, sink);
        }
    }
}

fn push_told(service: &Service<'_>, told: &Told<'_>, record: &RecordRef, sink: &mut Sink<'_>) {
    let Some(at) = sink.time(record, told.created_at, "createdAt in events") else {
        return;
    };
    let (action, outcome, _) = *first(WORDINGS, &told.message).unwrap_or(&("NOTIFY", Noted, ""));
    let mut event = event_of(service, at, action, outcome, record, sink);
    event.event_id = told.id.get().map(Into::into);
    event.message = sink.some(told.message.get());
    sink.events.push(event);
}

/// Pushes how a rollout ended; one that goes on is told by the service's events.
fn push_deployment(service: &Service<'_>, deployment: &Deployment<'_>, record: &RecordRef, sink: &mut Sink<'_>) {
    let outcome = match &*deployment.rollout_state {
        "FAILED" => Failed,
        "COMPLETED" => Succeeded,
        _ => return,
    };
    let stamp = match deployment.updated_at {
        Stamp::Read(_) => deployment.updated_at,
        Stamp::Absent | Stamp::Unreadable => deployment.created_at,
    };
    let Some(at) = sink.time(record, stamp, "updatedAt in deployments") else {
        return;
    };
    let mut event = event_of(service, at, "DEPLOY", outcome, record, sink);
    let id = deployment.id.get();
    event.event_id = id.map(|id| format!("{id}/{}", &*deployment.rollout_state).into());
    event.status = sink.some(deployment.rollout_state.get());
    event.message = sink.some(deployment.rollout_state_reason.get());
    sink.events.push(event);
}

/// An event of the service, with what all have in common.
fn event_of(
    service: &Service<'_>,
    at: Time,
    action: &str,
    outcome: Outcome,
    record: &RecordRef,
    sink: &mut Sink<'_>,
) -> Event {
    let action = sink.text(action);
    let mut event = Event::new(at, "ecs_services", record.clone(), action, outcome);
    event.physical_id = sink.some(service.service_arn.get().or(service.service_name.get()));
    event.resource_type = Some(sink.text("AWS::ECS::Service"));
    event
}

/// A full list may have had more: what came before it cannot be known.
fn note_the_cut(told: &[Told<'_>], record: &RecordRef, sink: &mut Sink<'_>) {
    if told.len() < MOST_EVENTS {
        return;
    }
    let oldest = told.last().and_then(|event| event.created_at.at());
    let window = oldest.map_or_else(|| record.to_string(), |at| format!("before {}", time::text(at)));
    let why = format!("{record} tells the service's latest {MOST_EVENTS} events, and AWS keeps no older ones");
    sink.gap(Gap::new("ecs_services", why).at(window));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, reasons, told};
    use super::*;

    /// One sentence of each kind as AWS words it, in the order of the table.
    const SENTENCES: &[(&str, &str, Outcome)] = &[
        (
            "(service web) (deployment ecs-svc/9223370564341623665) deployment failed: tasks failed to start.",
            "DEPLOY",
            Failed,
        ),
        ("(service web) rolling back to deployment ecs-svc/1.", "ROLL_BACK", Noted),
        (
            "(service web) was unable to place a task because no container instance met all of its requirements.",
            "PLACE",
            Failed,
        ),
        (
            "(service web) is unable to consistently start tasks successfully. For more information, see the guide.",
            "START",
            Failed,
        ),
        ("(service web) failed to launch a task with (error ECS was unable to assume the role 'r').", "START", Failed),
        ("(service web) was unable to assume the role 'r'.", "START", Failed),
        (
            "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration.",
            "DEPLOY",
            Failed,
        ),
        (
            "(service web) was unable to reach steady state because task set (t) was unable to scale in.",
            "STEADY",
            Failed,
        ),
        (
            "(service web) (port 80) is unhealthy in (target-group arn:tg) due to (reason Health checks failed with these codes: [502]).",
            "CHECK_HEALTH",
            Failed,
        ),
        ("(service web) (task 8a2f) failed container health checks.", "CHECK_HEALTH", Failed),
        (
            "(service web) failed to describe target health on (target-group arn:tg) with (error AccessDenied).",
            "CHECK_HEALTH",
            Failed,
        ),
        ("(service web) failed to deregister targets in (target-group arn:tg).", "DEREGISTER", Failed),
        ("(service web) failed to register targets in (target-group arn:tg).", "REGISTER", Failed),
        ("(service web) operations are being throttled on ELB. Will try again later.", "THROTTLE", Failed),
        ("(service web) (deployment ecs-svc/1) deployment completed.", "DEPLOY", Succeeded),
        ("(service web) has reached a steady state.", "STEADY", Succeeded),
        ("(service web) has started 2 tasks: (task 8a2f) (task 9b3e).", "START", Noted),
        ("(service web) has stopped 1 running tasks: (task 8a2f).", "STOP", Noted),
        ("(service web) deregistered 1 targets in (target-group arn:tg)", "DEREGISTER", Noted),
        ("(service web) registered 1 targets in (target-group arn:tg)", "REGISTER", Noted),
        ("(service web, taskSet ecs-svc/1) has begun draining connections on 1 tasks.", "DRAIN", Noted),
        ("(service web) was unable to do what nobody has listed.", "FAIL", Failed),
        ("(service web) failed to do what nobody has listed.", "FAIL", Failed),
    ];

    #[test]
    fn every_wording_has_a_sentence() {
        assert_eq!(SENTENCES.len(), WORDINGS.len());
        for ((sentence, action, outcome), row) in SENTENCES.iter().zip(WORDINGS) {
            let found = first(WORDINGS, sentence);
            assert_eq!(found, Some(row), "{sentence}");
            assert_eq!(found.map(|found| (found.0, found.1)), Some((*action, *outcome)));
            assert_eq!(row.2, row.2.to_ascii_lowercase());
        }
    }

    #[test]
    fn further_sentences_are_understood() {
        for (sentence, action, outcome) in [
            ("service web has started 1 tasks: task 8a2f.", "START", Noted),
            (
                "service web was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.",
                "PLACE",
                Failed,
            ),
            (
                "(service web) (instance i-1) (port 8080) is unhealthy in (target-group arn:tg) due to (reason Request timed out)",
                "CHECK_HEALTH",
                Failed,
            ),
            ("(service web) (deployment ecs-svc/1) deployment failed: alarm detected.", "DEPLOY", Failed),
            (
                "(service web) has started 1 tasks: (task 8a2f). Amazon ECS replaced 1 tasks due to an unhealthy status.",
                "START",
                Noted,
            ),
            ("(service web) updated computedDesiredCount for taskSet ecs-svc/1 to 2.", "NOTIFY", Noted),
            ("", "NOTIFY", Noted),
        ] {
            let json =
                format!(r#"{{"events":[{{"createdAt":1795003200,"message":{}}}]}}"#, serde_json::Value::from(sentence));
            let told = told(read, "ecs_services", &[&json]);
            assert_eq!(told.events.len(), 1);
            assert_eq!((&*told.events[0].action, told.events[0].outcome), (action, outcome), "{sentence}");
            assert_eq!(told.events[0].text(), sentence);
        }
    }

    #[test]
    fn events_come_oldest_first_and_then_the_deployments() {
        let json = r#"{"serviceArn":"arn:s","serviceName":"web",
            "deployments":[
                {"id":"ecs-svc/2","status":"PRIMARY","rolloutState":"COMPLETED","rolloutStateReason":"ECS deployment ecs-svc/2 completed.","createdAt":1795003320,"updatedAt":1795003380},
                {"id":"ecs-svc/1","status":"ACTIVE","rolloutState":"FAILED","rolloutStateReason":"ECS deployment circuit breaker: tasks failed to start.","createdAt":1795003200,"updatedAt":null},
                {"id":"ecs-svc/0","rolloutState":"IN_PROGRESS","createdAt":1795003200},
                {"id":"ecs-svc/x"}],
            "events":[
                {"id":"e2","createdAt":"2026-11-18T13:01:00.5+01:00","message":"(service web) has reached a steady state."},
                {"id":"e1","createdAt":1795003200,"message":"(service web) has started 2 tasks: (task a) (task b)."}]}"#;
        let told = told(read, "ecs_services", &[json]);
        assert_eq!(
            lines(&told.events),
            [
                "12:00:00.000 START Noted - | (service web) has started 2 tasks: (task a) (task b).",
                "12:01:00.500 STEADY Succeeded - | (service web) has reached a steady state.",
                "12:00:00.000 DEPLOY Failed FAILED | ECS deployment circuit breaker: tasks failed to start.",
                "12:03:00.000 DEPLOY Succeeded COMPLETED | ECS deployment ecs-svc/2 completed.",
            ]
        );
        let ids: Vec<_> = told.events.iter().map(|event| event.event_id.as_deref()).collect();
        assert_eq!(ids, [Some("e1"), Some("e2"), Some("ecs-svc/1/FAILED"), Some("ecs-svc/2/COMPLETED")]);
        for event in &told.events {
            assert_eq!(event.physical_id.as_deref(), Some("arn:s"));
            assert_eq!(event.resource_type.as_deref(), Some("AWS::ECS::Service"));
            assert_eq!(event.record.to_string(), "ecs_services#0");
        }
        assert!(told.gaps.is_empty());
    }

    #[test]
    fn what_is_missing_costs_no_more_than_itself() {
        let told = told(
            read,
            "ecs_services",
            &[
                r#"{"serviceArn":"s"}"#,
                r#"{"serviceArn":"s","events":null,"deployments":null}"#,
                r#"{"serviceArn":"s","events":[],"deployments":[]}"#,
                r#"{"serviceName":"web","events":[{"message":null,"createdAt":1795003200},{"message":"m"}],"deployments":[{"rolloutState":"FAILED"}]}"#,
            ],
        );
        assert_eq!(lines(&told.events), ["12:00:00.000 NOTIFY Noted - | -"]);
        assert_eq!(told.events[0].physical_id.as_deref(), Some("web"));
        assert_eq!(
            reasons(&told.gaps),
            ["record left out: it has no createdAt in events", "record left out: it has no updatedAt in deployments",]
        );
    }

    #[test]
    fn a_full_list_is_a_cut_list() {
        let event = r#"{"createdAt":1795003200,"message":"(service web) has reached a steady state."}"#;
        for (count, gaps) in [(99, 0), (100, 1)] {
            let json = format!(r#"{{"events":[{}]}}"#, vec![event; count].join(","));
            let told = told(read, "ecs_services", &[&json]);
            assert_eq!((told.events.len(), told.gaps.len()), (count, gaps));
            if let Some(gap) = told.gaps.first() {
                assert_eq!(gap.window.as_deref(), Some("before 2026-11-18T12:00:00.000Z"));
            }
        }
    }
}
