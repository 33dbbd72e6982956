//! ListStackSetOperationResults: what became of a stack set's operation in one account and region.
//! It tells the end of the operation there, with the reason that the stack itself may never have learnt.
//! Source: `StackSetOperationResultSummary` in the CloudFormation API reference, with the times of its operation.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OperationResult<'a> {
    #[serde(borrow, default)]
    operation_id: Str<'a>,
    #[serde(borrow, default)]
    action: Str<'a>,
    #[serde(default)]
    creation_timestamp: Stamp,
    #[serde(default)]
    end_timestamp: Stamp,
    #[serde(borrow, default)]
    account: Str<'a>,
    #[serde(borrow, default)]
    region: Str<'a>,
    #[serde(borrow, default)]
    status: Str<'a>,
    #[serde(borrow, default)]
    status_reason: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(result) = sink.parse::<OperationResult<'_>>(&record, json) else {
            continue;
        };
        let stamp = [result.end_timestamp, result.creation_timestamp].into_iter().find(|stamp| *stamp != Stamp::Absent);
        let Some(at) = sink.time(&record, stamp.unwrap_or_default(), "EndTimestamp") else {
            continue;
        };
        let outcome = match &*result.status {
            "SUCCEEDED" => Outcome::Succeeded,
            "FAILED" => Outcome::Failed,
            "CANCELLED" => Outcome::Cancelled,
            "RUNNING" | "PENDING" => Outcome::InProgress,
            _ => Outcome::Noted,
        };
        let action = sink.text(result.action.get().unwrap_or("OPERATION"));
        let mut event = Event::new(at, file.source, record, action, outcome);
        // Each account and region has a result of its own.
        let id = [&*result.operation_id, &*result.account, &*result.region].join("/");
        event.event_id = Some(id.into());
        event.status = sink.some(result.status.get());
        event.message = sink.some(result.status_reason.get());
        sink.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, reasons, told};
    use super::*;

    #[test]
    fn a_result_tells_how_the_operation_ended_here() {
        for (fields, expected) in [
            (
                r#""Status":"FAILED","StatusReason":"Account 1 should have 'AWSControlTowerExecution' role","EndTimestamp":"2026-11-18T12:05:00Z""#,
                "12:05:00.000 UPDATE Failed FAILED | Account 1 should have 'AWSControlTowerExecution' role",
            ),
            (r#""Status":"SUCCEEDED""#, "12:00:00.000 UPDATE Succeeded SUCCEEDED | -"),
            (r#""Status":"CANCELLED""#, "12:00:00.000 UPDATE Cancelled CANCELLED | -"),
            (r#""Status":"QUEUED""#, "12:00:00.000 UPDATE Noted QUEUED | -"),
        ] {
            let json = format!(
                r#"{{"OperationId":"o","Action":"UPDATE","CreationTimestamp":"2026-11-18T12:00:00Z",{fields}}}"#
            );
            let told = told(read, "stack_set_operations", &[&json]);
            assert_eq!(lines(&told.events), [expected], "{fields}");
        }
    }

    #[test]
    fn a_result_without_a_time_is_a_gap() {
        let told = told(read, "stack_set_operations", &[r#"{"OperationId":"o","Status":"FAILED"}"#]);
        assert_eq!(reasons(&told.gaps), ["record left out: it has no EndTimestamp"]);
    }
}
