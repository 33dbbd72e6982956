//! DescribeStackEvents: what CloudFormation says of a stack and of each of its resources.
//! It classifies an event only as far as the event's own status and reason go.
//! Source: `StackEvent` in the CloudFormation API reference.

use super::wire::Str;
use super::{KnownResource, Sink};
use crate::model::time::Stamp;
use crate::model::{Event, Hook, Outcome, RecordFile, RecordRef, arn, status};
use serde::Deserialize;

/// The fields that StackEvent and OperationEvent share.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Row<'a> {
    #[serde(borrow, default)]
    pub stack_id: Str<'a>,
    #[serde(borrow, default)]
    pub stack_name: Str<'a>,
    #[serde(borrow, default)]
    pub operation_id: Str<'a>,
    #[serde(borrow, default)]
    pub logical_resource_id: Str<'a>,
    #[serde(borrow, default)]
    pub physical_resource_id: Str<'a>,
    #[serde(borrow, default)]
    pub resource_type: Str<'a>,
    #[serde(default)]
    pub timestamp: Stamp,
    #[serde(borrow, default)]
    pub resource_status: Str<'a>,
    #[serde(borrow, default)]
    pub resource_status_reason: Str<'a>,
    #[serde(borrow, default)]
    pub client_request_token: Str<'a>,
    #[serde(borrow, default)]
    pub hook_type: Str<'a>,
    #[serde(borrow, default)]
    pub hook_status: Str<'a>,
    #[serde(borrow, default)]
    pub hook_status_reason: Str<'a>,
    #[serde(borrow, default)]
    pub hook_failure_mode: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    sink.events.reserve(file.records.len());
    for (record, json) in file.iter() {
        let Some(row) = sink.parse::<Row<'_>>(&record, json) else {
            continue;
        };
        let Some(at) = sink.time(&record, row.timestamp, "Timestamp") else {
            continue;
        };
        let event = event_of(&row, at, record, file.source, sink);
        remember(&event, sink);
        sink.events.push(event);
    }
}

/// The event that a row tells, with everything that the two operations have in common.
pub(super) fn event_of(
    row: &Row<'_>,
    at: crate::model::Time,
    record: RecordRef,
    source: &'static str,
    sink: &mut Sink<'_>,
) -> Event {
    let state = row.resource_status.get().unwrap_or_default();
    let action = sink.text(status::verb(state));
    let reason = row.resource_status_reason.get();
    let mut event = Event::new(at, source, record, action, outcome(state, reason));
    event.status = sink.some(row.resource_status.get());
    event.stack_id = sink.some(row.stack_id.get());
    event.stack_name = sink.some(row.stack_name.get().or_else(|| arn::stack_name(&row.stack_id)));
    event.logical_id = sink.some(row.logical_resource_id.get());
    event.physical_id = sink.some(row.physical_resource_id.get());
    event.resource_type = sink.some(row.resource_type.get());
    event.message = sink.some(reason);
    event.token = sink.some(row.client_request_token.get());
    event.operation_id = sink.some(row.operation_id.get());
    if let Some(hook) = row.hook_type.get() {
        event.hook = Some(Box::new(Hook {
            name: sink.text(hook),
            status: sink.text(&row.hook_status),
            failure_mode: sink.some(row.hook_failure_mode.get()),
        }));
        event.action = sink.text("HOOK");
        event.outcome = hook_outcome(&row.hook_status, row.hook_failure_mode.get());
        event.status = sink.some(row.hook_status.get());
        if let Some(reason) = row.hook_status_reason.get() {
            event.message = Some(sink.text(reason));
        }
    }
    event
}

/// A row with a physical id tells which resource has it, and since when it is known.
pub(super) fn remember(event: &Event, sink: &mut Sink<'_>) {
    let (Some(logical_id), Some(physical_id), Some(resource_type)) =
        (&event.logical_id, &event.physical_id, &event.resource_type)
    else {
        return;
    };
    if event.hook.is_none() && event.validation.is_none() && !event.is_of_stack_itself() {
        sink.resources.push(KnownResource {
            stack_id: event.stack_id.clone(),
            stack_name: event.stack_name.clone(),
            logical_id: logical_id.clone(),
            physical_id: physical_id.clone(),
            resource_type: resource_type.clone(),
            since: Some(event.at),
            until: Some(event.at),
        });
    }
}

/// What a status says, told apart by its reason: a cancelled resource has not failed by itself.
pub(super) fn outcome(state: &str, reason: Option<&str>) -> Outcome {
    if status::failed(state) {
        if reason.is_some_and(is_cancellation) { Outcome::Cancelled } else { Outcome::Failed }
    } else if status::in_progress(state) {
        Outcome::InProgress
    } else if status::complete(state) {
        Outcome::Succeeded
    } else {
        Outcome::Noted
    }
}

/// "Resource creation cancelled", "Resource update cancelled": given up because of another failure or of a delete.
/// Source: the wordings that CloudFormation prints; the API reference does not list them.
fn is_cancellation(reason: &str) -> bool {
    let reason = reason.trim().trim_end_matches('.');
    let Some(first) = reason.get(..9) else { return false };
    first.eq_ignore_ascii_case("resource ") && {
        let rest = reason.get(9..).unwrap_or_default().to_ascii_lowercase();
        matches!(
            rest.as_str(),
            "creation cancelled"
                | "update cancelled"
                | "deletion cancelled"
                | "delete cancelled"
                | "import cancelled"
                | "operation cancelled"
                | "creation canceled"
                | "update canceled"
                | "deletion canceled"
                | "delete canceled"
                | "import canceled"
                | "operation canceled"
        )
    }
}

pub(super) fn hook_outcome(state: &str, failure_mode: Option<&str>) -> Outcome {
    match state {
        "HOOK_COMPLETE_FAILED" | "HOOK_FAILED" if failure_mode != Some("WARN") => Outcome::Failed,
        "HOOK_COMPLETE_SUCCEEDED" => Outcome::Succeeded,
        "HOOK_IN_PROGRESS" => Outcome::InProgress,
        _ => Outcome::Noted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_follow_status_and_reason() {
        for (state, reason, expected) in [
            ("CREATE_FAILED", Some("Resource creation cancelled"), Outcome::Cancelled),
            ("UPDATE_FAILED", Some("Resource update cancelled."), Outcome::Cancelled),
            ("CREATE_FAILED", Some("The order was cancelled by the buyer"), Outcome::Failed),
            ("CREATE_FAILED", None, Outcome::Failed),
            ("DELETE_SKIPPED", None, Outcome::Succeeded),
            (
                "UPDATE_IN_PROGRESS",
                Some("Requested update requires the creation of a new physical resource; hence creating one."),
                Outcome::InProgress,
            ),
            ("SOMETHING_NEW", None, Outcome::Noted),
        ] {
            assert_eq!(outcome(state, reason), expected, "{state} {reason:?}");
        }
    }
}
