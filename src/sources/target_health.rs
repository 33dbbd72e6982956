//! DescribeTargetHealth: whether a target passed its health check when the case was collected.
//! A state has no time, so that it gives undated events only; it vanishes with the target group.
//! Source: `TargetHealthDescription` in the Elastic Load Balancing v2 API reference.

use super::Sink;
use super::wire::Str;
use crate::model::{Event, Outcome, RecordFile, Time};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description<'a> {
    #[serde(borrow, default)]
    target: Option<Target<'a>>,
    #[serde(borrow, default)]
    target_health: Option<Health<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target<'a> {
    #[serde(borrow, default)]
    id: Str<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health<'a> {
    #[serde(borrow, default)]
    state: Str<'a>,
    #[serde(borrow, default)]
    reason: Str<'a>,
    #[serde(borrow, default)]
    description: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(described) = sink.parse::<Description<'_>>(&record, json) else {
            continue;
        };
        let Some((health, state)) = described.target_health.as_ref().and_then(with_state) else {
            sink.skip(&record, "has no TargetHealth.State");
            continue;
        };
        let action = sink.text("CHECK_HEALTH");
        let mut event = Event::new(Time::UNIX_EPOCH, file.source, record, action, outcome(state));
        event.status = Some(sink.text(state));
        event.error = sink.some(health.reason.get());
        event.message = sink.some(health.description.get());
        event.physical_id = sink.some(described.target.as_ref().and_then(|target| target.id.get()));
        sink.undated.push(event);
    }
}

fn with_state<'h, 'a>(health: &'h Health<'a>) -> Option<(&'h Health<'a>, &'h str)> {
    health.state.get().map(|state| (health, state))
}

/// `unhealthy` has a second form, `unhealthy.draining`.
fn outcome(state: &str) -> Outcome {
    if state.starts_with("unhealthy") || state == "unavailable" { Outcome::Failed } else { Outcome::Noted }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, reasons, told};
    use super::*;

    #[test]
    fn health_is_told_without_a_time() {
        for (health, expected) in [
            (r#"{"State":"healthy"}"#, "undated CHECK_HEALTH Noted healthy | -"),
            (
                r#"{"State":"initial","Reason":"Elb.RegistrationInProgress","Description":"Target registration is in progress"}"#,
                "undated CHECK_HEALTH Noted initial | Target registration is in progress",
            ),
            (
                r#"{"State":"unhealthy","Reason":"Target.ResponseCodeMismatch","Description":"Health checks failed with these codes: [500]"}"#,
                "undated CHECK_HEALTH Failed unhealthy | Health checks failed with these codes: [500]",
            ),
            (r#"{"State":"unhealthy.draining"}"#, "undated CHECK_HEALTH Failed unhealthy.draining | -"),
            (
                r#"{"State":"unavailable","Reason":"Elb.InternalError","Description":null}"#,
                "undated CHECK_HEALTH Failed unavailable | -",
            ),
            (
                r#"{"State":"draining","Reason":"Target.DeregistrationInProgress"}"#,
                "undated CHECK_HEALTH Noted draining | -",
            ),
            (r#"{"State":"something-new"}"#, "undated CHECK_HEALTH Noted something-new | -"),
        ] {
            let json =
                format!(r#"{{"Target":{{"Id":"10.0.1.7","Port":80}},"HealthCheckPort":"80","TargetHealth":{health}}}"#);
            let told = told(read, "target_health", &[&json]);
            assert_eq!(lines(&told.undated), [expected], "{health}");
            assert_eq!(told.undated[0].physical_id.as_deref(), Some("10.0.1.7"));
            assert!(told.events.is_empty() && told.gaps.is_empty());
        }
    }

    #[test]
    fn the_reason_is_the_error_code() {
        let json = r#"{"Target":{"Id":"i-1"},"TargetHealth":{"State":"unhealthy","Reason":"Target.Timeout"}}"#;
        let told = told(read, "target_health", &[json]);
        assert_eq!(told.undated[0].error.as_deref(), Some("Target.Timeout"));
    }

    #[test]
    fn what_is_missing_costs_no_more_than_itself() {
        let told = told(
            read,
            "target_health",
            &[
                r#"{"Target":null,"TargetHealth":{"State":"healthy"}}"#,
                r#"{"Target":{"Id":"i-1"},"TargetHealth":null}"#,
                r#"{"Target":{"Id":"i-1"},"TargetHealth":{"State":null}}"#,
                r"{}",
            ],
        );
        assert_eq!(lines(&told.undated), ["undated CHECK_HEALTH Noted healthy | -"]);
        assert_eq!(reasons(&told.gaps), ["record left out: it has no TargetHealth.State"; 3]);
    }
}
