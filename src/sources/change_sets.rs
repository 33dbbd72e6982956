//! DescribeChangeSet and ListChangeSets: a change set and whether it could be made.
//! A failed change set leaves no stack events; its `StatusReason` is all that AWS says.
//! Source: DescribeChangeSet and `ChangeSetSummary` in the CloudFormation API reference.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile, arn, status};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeSet<'a> {
    #[serde(borrow, default)]
    change_set_name: Str<'a>,
    #[serde(borrow, default)]
    change_set_id: Str<'a>,
    #[serde(borrow, default)]
    stack_id: Str<'a>,
    #[serde(borrow, default)]
    stack_name: Str<'a>,
    #[serde(borrow, default)]
    status: Str<'a>,
    #[serde(borrow, default)]
    status_reason: Str<'a>,
    #[serde(default)]
    creation_time: Stamp,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(set) = sink.parse::<ChangeSet<'_>>(&record, json) else {
            continue;
        };
        let Some(at) = sink.time(&record, set.creation_time, "CreationTime") else {
            continue;
        };
        let state = set.status.get().unwrap_or_default();
        let outcome = match state {
            "FAILED" | "DELETE_FAILED" => Outcome::Failed,
            "CREATE_COMPLETE" | "DELETE_COMPLETE" => Outcome::Succeeded,
            _ if state.ends_with("_IN_PROGRESS") || state.ends_with("_PENDING") => Outcome::InProgress,
            _ => Outcome::Noted,
        };
        let action = sink.text("CREATE");
        let mut event = Event::new(at, "change_sets", record, action, outcome);
        event.status = sink.some(set.status.get());
        event.stack_id = sink.some(set.stack_id.get());
        event.stack_name = sink.some(set.stack_name.get().or_else(|| arn::stack_name(&set.stack_id)));
        event.logical_id = sink.some(set.change_set_name.get());
        event.physical_id = sink.some(set.change_set_id.get());
        event.resource_type = Some(sink.text(status::CHANGE_SET_TYPE));
        event.message = sink.some(set.status_reason.get());
        sink.events.push(event);
    }
}
