//! ListHookResults: what CloudFormation hooks said of a change set, which leaves no stack events.
//! Source: `HookResultSummary` in the CloudFormation API reference.
//! Hooks that judged a resource are told by the stack events too; the timeline keeps both.

use super::Sink;
use super::stack_events::hook_outcome;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Hook, RecordFile, arn};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HookResult<'a> {
    #[serde(borrow, default)]
    type_name: Str<'a>,
    #[serde(borrow, default)]
    status: Str<'a>,
    #[serde(borrow, default)]
    failure_mode: Str<'a>,
    #[serde(borrow, default)]
    hook_status_reason: Str<'a>,
    #[serde(default)]
    invoked_at: Stamp,
    #[serde(borrow, default)]
    target_id: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(result) = sink.parse::<HookResult<'_>>(&record, json) else {
            continue;
        };
        let Some(at) = sink.time(&record, result.invoked_at, "InvokedAt") else {
            continue;
        };
        let outcome = hook_outcome(&result.status, result.failure_mode.get());
        let action = sink.text("HOOK");
        let mut event = Event::new(at, "hook_results", record, action, outcome);
        event.status = sink.some(result.status.get());
        event.message = sink.some(result.hook_status_reason.get());
        event.physical_id = sink.some(result.target_id.get());
        if arn::stack_name(&result.target_id).is_some() {
            event.stack_id = sink.some(result.target_id.get());
            event.stack_name = sink.some(arn::stack_name(&result.target_id));
        }
        event.hook = Some(Box::new(Hook {
            name: sink.text(&result.type_name),
            status: sink.text(&result.status),
            failure_mode: sink.some(result.failure_mode.get()),
        }));
        sink.events.push(event);
    }
}
