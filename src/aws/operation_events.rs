//! DescribeEvents: the events by operation, and alone those of pre-deployment validation.
//! An older endpoint does not know it; then the stack events are all there is.
//! Source: `OperationEvent` in the CloudFormation API reference.

use super::api::DESCRIBE_EVENTS;
use super::desk::{Desk, pages};
use super::record::{Record, instant};
use crate::plan::{Answered, Depth, Question};
use aws_sdk_cloudformation::types::OperationEvent;
use std::collections::HashSet;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, stack: &str, depth: Depth) -> Answered {
    let clients = desk.clients(&question.region);
    let describe = || clients.cloudformation.describe_events().stack_name(stack);
    let mut deployments: HashSet<String> = HashSet::new();
    pages!(
        desk,
        question,
        |token| desk.call(DESCRIBE_EVENTS, &question.region, || describe().set_next_token(token.clone()).send()),
        |answer| {
            let events = answer.operation_events();
            desk.keep(question, "operation_events", events.iter().map(of_event));
            let deploys = events.iter().filter(|event| is_of_deployment(event));
            deployments.extend(deploys.filter_map(|event| event.operation_id().map(str::to_owned)));
            let times = events.iter().filter_map(|event| event.timestamp().or(event.start_time()));
            let oldest = times.filter_map(instant).min();
            // The last one seen may go on on the next page.
            depth.is_reached(deployments.len().saturating_sub(1), oldest).then_some(Answered::Whole)
        }
    )
}

fn is_of_deployment(event: &OperationEvent) -> bool {
    event.operation_type().is_some_and(|kind| matches!(kind.as_str(), "CREATE_STACK" | "UPDATE_STACK"))
}

fn of_event(event: &OperationEvent) -> String {
    Record::default()
        .text("EventId", event.event_id())
        .text("StackId", event.stack_id())
        .text("OperationId", event.operation_id())
        .text("OperationType", event.operation_type())
        .text("OperationStatus", event.operation_status())
        .text("EventType", event.event_type())
        .text("LogicalResourceId", event.logical_resource_id())
        .text("PhysicalResourceId", event.physical_resource_id())
        .text("ResourceType", event.resource_type())
        .time("Timestamp", event.timestamp())
        .time("StartTime", event.start_time())
        .time("EndTime", event.end_time())
        .text("ResourceStatus", event.resource_status())
        .text("ResourceStatusReason", event.resource_status_reason())
        .text("ResourceProperties", event.resource_properties())
        .text("ClientRequestToken", event.client_request_token())
        .text("HookType", event.hook_type())
        .text("HookStatus", event.hook_status())
        .text("HookStatusReason", event.hook_status_reason())
        .text("HookInvocationPoint", event.hook_invocation_point())
        .text("HookFailureMode", event.hook_failure_mode())
        .text("DetailedStatus", event.detailed_status())
        .text("ValidationFailureMode", event.validation_failure_mode())
        .text("ValidationName", event.validation_name())
        .text("ValidationStatus", event.validation_status())
        .text("ValidationStatusReason", event.validation_status_reason())
        .text("ValidationPath", event.validation_path())
        .json()
}
