//! DescribeEvents: the same events by operation, and alone those of pre-deployment validation.
//! It does not trust EventType: which fields are filled decides.
//! Source: `OperationEvent` in the CloudFormation API reference.

use super::Sink;
use super::stack_events::{Row, event_of, remember};
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Outcome, RecordFile, Validation, status};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Extra<'a> {
    #[serde(borrow, default)]
    event_type: Str<'a>,
    #[serde(borrow, default)]
    operation_type: Str<'a>,
    #[serde(borrow, default)]
    operation_status: Str<'a>,
    #[serde(default)]
    start_time: Stamp,
    #[serde(default)]
    end_time: Stamp,
    #[serde(borrow, default)]
    validation_failure_mode: Str<'a>,
    #[serde(borrow, default)]
    validation_name: Str<'a>,
    #[serde(borrow, default)]
    validation_status: Str<'a>,
    #[serde(borrow, default)]
    validation_status_reason: Str<'a>,
    #[serde(borrow, default)]
    validation_path: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(row) = sink.parse::<Row<'_>>(&record, json) else {
            continue;
        };
        let Some(extra) = sink.parse::<Extra<'_>>(&record, json) else {
            continue;
        };
        let stamp = [row.timestamp, extra.end_time, extra.start_time].into_iter().find(|stamp| *stamp != Stamp::Absent);
        let Some(at) = sink.time(&record, stamp.unwrap_or_default(), "Timestamp") else {
            continue;
        };
        let mut event = event_of(&row, at, record, file.source, sink);
        if let Some(state) = extra.validation_status.get() {
            event.action = sink.text("VALIDATE");
            event.status = Some(sink.text(state));
            event.message = sink.some(extra.validation_status_reason.get());
            event.outcome = match (state, extra.validation_failure_mode.get()) {
                ("FAILED", mode) if mode != Some("WARN") => Outcome::Failed,
                _ => Outcome::Noted,
            };
            event.validation = Some(Box::new(Validation {
                operation: sink.some(extra.operation_type.get()),
                name: sink.some(extra.validation_name.get()),
                path: sink.some(extra.validation_path.get()),
                failure_mode: sink.some(extra.validation_failure_mode.get()),
            }));
        } else if event.status.is_none() {
            // A row of the operation itself: it has an operation status instead of a resource status.
            let Some(state) = extra.operation_status.get() else {
                continue;
            };
            event.action = sink.text(operation_verb(&extra.operation_type).unwrap_or("OPERATION"));
            event.status = Some(sink.text(state));
            event.outcome = match state {
                "IN_PROGRESS" => Outcome::InProgress,
                "SUCCEEDED" => Outcome::Succeeded,
                "FAILED" => Outcome::Failed,
                _ => Outcome::Noted,
            };
            if event.resource_type.is_none() {
                let kind = if &*extra.operation_type == "CREATE_CHANGESET" {
                    status::CHANGE_SET_TYPE
                } else {
                    status::STACK_TYPE
                };
                event.resource_type = Some(sink.text(kind));
                event.physical_id = event.stack_id.clone();
                event.logical_id = event.stack_name.clone();
            }
        }
        if event.resource_type.is_none() && event.logical_id.is_none() && &*extra.event_type == "STACK_EVENT" {
            event.resource_type = Some(sink.text(status::STACK_TYPE));
            event.physical_id = event.stack_id.clone();
            event.logical_id = event.stack_name.clone();
        }
        remember(&event, sink);
        sink.events.push(event);
    }
}

/// Our verb for an `OperationType`.
fn operation_verb(operation_type: &str) -> Option<&'static str> {
    Some(match operation_type {
        "CREATE_STACK" | "CREATE_CHANGESET" => "CREATE",
        "UPDATE_STACK" => "UPDATE",
        "DELETE_STACK" => "DELETE",
        "ROLLBACK" | "CONTINUE_ROLLBACK" => "ROLLBACK",
        _ => return None,
    })
}
