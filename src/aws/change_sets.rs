//! ListChangeSets and DescribeChangeSet: what was to be changed, and why a change set failed.
//! Executed and deleted ones are gone; only those that failed are described.
//! Sources: `ChangeSetSummary` and DescribeChangeSet in the CloudFormation API reference.

use super::api::{DESCRIBE_CHANGE_SET, LIST_CHANGE_SETS};
use super::desk::{Desk, pages};
use super::record::Record;
use crate::plan::{Answered, Question};
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{ChangeSetStatus, ChangeSetSummary, ResourceChange};

/// Of those that failed; an application that makes one an hour has hundreds.
const MOST_DESCRIBED: usize = 5;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, stack: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let list = || clients.cloudformation.list_change_sets().stack_name(stack);
    let mut failed: Vec<ChangeSetSummary> = Vec::new();
    let listed = pages!(
        desk,
        question,
        |token| desk.call(LIST_CHANGE_SETS, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            let is_failed = |set: &&ChangeSetSummary| set.status() == Some(&ChangeSetStatus::Failed);
            desk.keep(question, "change_sets", answer.summaries().iter().filter(|set| !is_failed(set)).map(of_summary));
            failed.extend(answer.summaries().iter().filter(is_failed).cloned());
            None
        }
    );
    for (index, set) in failed.iter().enumerate() {
        let described = match set.change_set_id().filter(|_| index < MOST_DESCRIBED) {
            Some(id) => describe(desk, question, id).await,
            None => None,
        };
        desk.keep(question, "change_sets", [described.as_ref().map_or_else(|| of_summary(set), of_description)]);
    }
    listed
}

async fn describe(desk: &Desk<'_>, question: &Question, change_set: &str) -> Option<DescribeChangeSetOutput> {
    let clients = desk.clients(&question.region);
    let request = clients.cloudformation.describe_change_set().change_set_name(change_set);
    let answer = desk.call(DESCRIBE_CHANGE_SET, &question.region, || request.clone().send()).await;
    answer.inspect_err(|trouble| desk.gap(question, trouble)).ok()
}

fn of_summary(set: &ChangeSetSummary) -> String {
    Record::default()
        .text("StackId", set.stack_id())
        .text("StackName", set.stack_name())
        .text("ChangeSetId", set.change_set_id())
        .text("ChangeSetName", set.change_set_name())
        .text("ExecutionStatus", set.execution_status())
        .text("Status", set.status())
        .text("StatusReason", set.status_reason())
        .time("CreationTime", set.creation_time())
        .text("Description", set.description())
        .plain("IncludeNestedStacks", set.include_nested_stacks())
        .text("ParentChangeSetId", set.parent_change_set_id())
        .text("RootChangeSetId", set.root_change_set_id())
        .plain("ImportExistingResources", set.import_existing_resources())
        .json()
}

fn of_description(set: &DescribeChangeSetOutput) -> String {
    Record::default()
        .text("StackId", set.stack_id())
        .text("StackName", set.stack_name())
        .text("ChangeSetId", set.change_set_id())
        .text("ChangeSetName", set.change_set_name())
        .text("Description", set.description())
        .time("CreationTime", set.creation_time())
        .text("ExecutionStatus", set.execution_status())
        .text("Status", set.status())
        .text("StatusReason", set.status_reason())
        .text("OnStackFailure", set.on_stack_failure())
        .plain("IncludeNestedStacks", set.include_nested_stacks())
        .text("ParentChangeSetId", set.parent_change_set_id())
        .text("RootChangeSetId", set.root_change_set_id())
        .plain("ImportExistingResources", set.import_existing_resources())
        .list("Changes", set.changes().iter().filter_map(|change| change.resource_change()).map(of_change))
        .json()
}

fn of_change(change: &ResourceChange) -> Record {
    let change = Record::default()
        .text("Action", change.action())
        .text("LogicalResourceId", change.logical_resource_id())
        .text("PhysicalResourceId", change.physical_resource_id())
        .text("ResourceType", change.resource_type())
        .text("Replacement", change.replacement());
    Record::default().inner("ResourceChange", Some(change))
}
