//! ListStackResources: every resource of a stack with its physical id; DescribeStackResources stops at a hundred.
//! The list does not name its stack, so that each record is given `StackId` and `StackName`, as that operation has them.
//! Source: `StackResourceSummary` in the CloudFormation API reference.

use super::api::LIST_STACK_RESOURCES;
use super::desk::{Desk, pages};
use super::record::Record;
use crate::plan::{Answered, Question, name_of};
use aws_sdk_cloudformation::types::StackResourceSummary;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, stack: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let list = || clients.cloudformation.list_stack_resources().stack_name(stack);
    pages!(
        desk,
        question,
        |token| desk.call(LIST_STACK_RESOURCES, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            desk.keep(
                question,
                "stack_resources",
                answer.stack_resource_summaries().iter().map(|one| of_resource(stack, one)),
            );
            None
        }
    )
}

fn of_resource(stack: &str, resource: &StackResourceSummary) -> String {
    Record::default()
        .text("StackId", Some(stack))
        .text("StackName", Some(name_of(stack)))
        .text("LogicalResourceId", resource.logical_resource_id())
        .text("PhysicalResourceId", resource.physical_resource_id())
        .text("ResourceType", resource.resource_type())
        .time("LastUpdatedTimestamp", resource.last_updated_timestamp())
        .text("ResourceStatus", resource.resource_status())
        .text("ResourceStatusReason", resource.resource_status_reason())
        .json()
}
