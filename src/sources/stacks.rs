//! DescribeStacks and ListStacks: that a stack exists or existed, since when, and how it stands.
//! It tells the ends of a stack's life only; what happened between them is told by the stack events.
//! Source: `Stack` and `StackSummary` in the CloudFormation API reference.

use super::Sink;
use super::stack_events::outcome;
use super::wire::Str;
use crate::model::time::{Stamp, Time};
use crate::model::{Event, Outcome, RecordFile, RecordRef, arn, status};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stack<'a> {
    #[serde(borrow, default)]
    stack_id: Str<'a>,
    #[serde(borrow, default)]
    stack_name: Str<'a>,
    #[serde(borrow, default)]
    stack_status: Str<'a>,
    #[serde(borrow, default)]
    stack_status_reason: Str<'a>,
    #[serde(default)]
    creation_time: Stamp,
    #[serde(default)]
    last_updated_time: Stamp,
    #[serde(default)]
    deletion_time: Stamp,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(stack) = sink.parse::<Stack<'_>>(&record, json) else {
            continue;
        };
        let Some(created) = sink.time(&record, stack.creation_time, "CreationTime") else {
            continue;
        };
        let begun = event_of(&stack, created, &record, "CREATE", sink);
        sink.events.push(Event { outcome: Outcome::InProgress, ..begun });
        let last = stack.deletion_time.at().or(stack.last_updated_time.at()).unwrap_or(created);
        let state = stack.stack_status.get().unwrap_or_default();
        let mut ended = event_of(&stack, last, &record, status::verb(state), sink);
        ended.outcome = outcome(state, None);
        ended.status = sink.some(Some(state));
        ended.message = sink.some(stack.stack_status_reason.get());
        sink.events.push(ended);
    }
}

fn event_of(stack: &Stack<'_>, at: Time, record: &RecordRef, action: &str, sink: &mut Sink<'_>) -> Event {
    let action = sink.text(action);
    let mut event = Event::new(at, "stacks", record.clone(), action, Outcome::Noted);
    event.stack_id = sink.some(stack.stack_id.get());
    event.stack_name = sink.some(stack.stack_name.get().or_else(|| arn::stack_name(&stack.stack_id)));
    event.logical_id = event.stack_name.clone();
    event.physical_id = event.stack_id.clone();
    event.resource_type = Some(sink.text(status::STACK_TYPE));
    event
}
