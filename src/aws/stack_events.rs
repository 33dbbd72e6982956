//! DescribeStackEvents: what became of a stack and its resources, newest first, deleted stacks by ARN.
//! It stops where the question reaches no further back.
//! Source: `StackEvent` in the CloudFormation API reference.

use super::api::DESCRIBE_STACK_EVENTS;
use super::desk::{Desk, pages};
use super::record::{Record, instant};
use crate::plan::{Answered, Depth, Question};
use aws_sdk_cloudformation::types::{ResourceStatus, StackEvent};

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, stack: &str, depth: Depth) -> Answered {
    let clients = desk.clients(&question.region);
    let describe = || clients.cloudformation.describe_stack_events().stack_name(stack);
    let mut deployments = 0;
    pages!(
        desk,
        question,
        |token| desk.call(DESCRIBE_STACK_EVENTS, &question.region, || describe().set_next_token(token.clone()).send()),
        |answer| {
            let events = answer.stack_events();
            desk.keep(question, "stack_events", events.iter().map(of_event));
            deployments += events.iter().filter(|event| begins_deployment(event)).count();
            let oldest = events.iter().filter_map(StackEvent::timestamp).filter_map(instant).min();
            depth.is_reached(deployments, oldest).then_some(Answered::Whole)
        }
    )
}

/// The row by which a stack says that somebody deploys to it. A rollback and a clean-up begin otherwise.
fn begins_deployment(event: &StackEvent) -> bool {
    let status = event.resource_status().map(ResourceStatus::as_str).unwrap_or_default();
    event.stack_id().is_some()
        && event.physical_resource_id() == event.stack_id()
        && matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "IMPORT_IN_PROGRESS")
}

fn of_event(event: &StackEvent) -> String {
    Record::default()
        .text("StackId", event.stack_id())
        .text("EventId", event.event_id())
        .text("StackName", event.stack_name())
        .text("OperationId", event.operation_id())
        .text("LogicalResourceId", event.logical_resource_id())
        .text("PhysicalResourceId", event.physical_resource_id())
        .text("ResourceType", event.resource_type())
        .time("Timestamp", event.timestamp())
        .text("ResourceStatus", event.resource_status())
        .text("ResourceStatusReason", event.resource_status_reason())
        .text("ResourceProperties", event.resource_properties())
        .text("ClientRequestToken", event.client_request_token())
        .text("HookType", event.hook_type())
        .text("HookStatus", event.hook_status())
        .text("HookStatusReason", event.hook_status_reason())
        .text("HookInvocationPoint", event.hook_invocation_point())
        .text("HookInvocationId", event.hook_invocation_id())
        .text("HookFailureMode", event.hook_failure_mode())
        .text("DetailedStatus", event.detailed_status())
        .json()
}
