//! DescribeStacks and ListStacks: which stacks there are, live and deleted.
//! A deleted stack is found by its name only in the list; the list keeps 90 days.
//! Sources: `Stack` and `StackSummary` in the CloudFormation API reference.

use super::api::{DESCRIBE_STACKS, GET_CALLER_IDENTITY, LIST_STACKS};
use super::desk::{Desk, pages};
use super::record::Record;
use crate::model::Time;
use crate::plan::{Answered, Question, Scope, name_of};
use aws_sdk_cloudformation::types::{OperationEntry, Stack, StackStatus, StackSummary};

/// A stack by name or ARN. That there is none is an answer.
pub(super) async fn stack(desk: &Desk<'_>, question: &Question, stack: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let request = clients.cloudformation.describe_stacks().stack_name(stack);
    match desk.call(DESCRIBE_STACKS, &question.region, || request.clone().send()).await {
        Ok(answer) => {
            desk.keep(question, "stacks", answer.stacks().iter().map(of_stack));
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

/// Every stack that something happened to since then, live and deleted, without nested ones.
pub(super) async fn all(desk: &Desk<'_>, question: &Question, since: Time) -> Answered {
    let clients = desk.clients(&question.region);
    let list = || clients.cloudformation.list_stacks();
    let wanted = |stack: &&StackSummary| {
        let last = stack.deletion_time().or(stack.last_updated_time()).or(stack.creation_time());
        let lately = last.is_some_and(|last| last.secs() >= since.timestamp());
        // When a delete failed is not told here; its rows tell.
        let stuck = stack.stack_status() == Some(&StackStatus::DeleteFailed);
        stack.parent_id().is_none() && (lately || stuck)
    };
    pages!(
        desk,
        question,
        |token| desk.call(LIST_STACKS, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            desk.keep(question, "stacks", answer.stack_summaries().iter().filter(wanted).map(of_summary));
            None
        }
    )
}

/// The deleted stacks of a name.
pub(super) async fn deleted(desk: &Desk<'_>, question: &Question, name: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let list = || clients.cloudformation.list_stacks().stack_status_filter(StackStatus::DeleteComplete);
    pages!(
        desk,
        question,
        |token| desk.call(LIST_STACKS, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            let named = answer.stack_summaries().iter().filter(|stack| stack.stack_name() == Some(name));
            desk.keep(question, "stacks", named.map(of_summary));
            None
        }
    )
}

fn of_stack(stack: &Stack) -> String {
    Record::default()
        .text("StackId", stack.stack_id())
        .text("StackName", stack.stack_name())
        .text("ChangeSetId", stack.change_set_id())
        .text("Description", stack.description())
        .time("CreationTime", stack.creation_time())
        .time("DeletionTime", stack.deletion_time())
        .time("LastUpdatedTime", stack.last_updated_time())
        .text("StackStatus", stack.stack_status())
        .text("StackStatusReason", stack.stack_status_reason())
        .plain("DisableRollback", stack.disable_rollback())
        .plain("TimeoutInMinutes", stack.timeout_in_minutes())
        .words("Capabilities", stack.capabilities())
        .text("RoleARN", stack.role_arn())
        .list(
            "Tags",
            stack.tags().iter().map(|tag| Record::default().text("Key", tag.key()).text("Value", tag.value())),
        )
        .plain("EnableTerminationProtection", stack.enable_termination_protection())
        .text("ParentId", stack.parent_id())
        .text("RootId", stack.root_id())
        .plain("RetainExceptOnCreate", stack.retain_except_on_create())
        .text("DeletionMode", stack.deletion_mode())
        .text("DetailedStatus", stack.detailed_status())
        .list("LastOperations", stack.last_operations().iter().map(of_operation))
        .json()
}

pub(super) fn of_summary(stack: &StackSummary) -> String {
    Record::default()
        .text("StackId", stack.stack_id())
        .text("StackName", stack.stack_name())
        .text("TemplateDescription", stack.template_description())
        .time("CreationTime", stack.creation_time())
        .time("DeletionTime", stack.deletion_time())
        .time("LastUpdatedTime", stack.last_updated_time())
        .text("StackStatus", stack.stack_status())
        .text("StackStatusReason", stack.stack_status_reason())
        .text("ParentId", stack.parent_id())
        .text("RootId", stack.root_id())
        .list("LastOperations", stack.last_operations().iter().map(of_operation))
        .json()
}

fn of_operation(entry: &OperationEntry) -> Record {
    Record::default().text("OperationType", entry.operation_type()).text("OperationId", entry.operation_id())
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub account: Option<String>,
    pub arn: Option<String>,
}

/// GetCallerIdentity needs no permission. None where even that has no answer; then everything else says why.
pub(super) async fn caller(desk: &Desk<'_>, region: &str) -> Option<Caller> {
    let clients = desk.clients(region);
    let answer = desk.call(GET_CALLER_IDENTITY, region, || clients.sts.get_caller_identity().send()).await.ok()?;
    Some(Caller { account: answer.account().map(str::to_owned), arn: answer.arn().map(str::to_owned) })
}

/// Names that are suggested.
const MOST_NEAR: usize = 5;
/// As alike as `shop-prod` and `shop-prd`.
const ALIKE: f64 = 0.85;
/// Pages of the list of stacks that are looked through for a suggestion.
const MOST_PAGES: usize = 10;

/// The names of stacks that are like the one that was asked for, best first.
pub(super) async fn near(desk: &Desk<'_>, scope: &Scope) -> Vec<String> {
    let wanted = name_of(&scope.stack).to_lowercase();
    let mut found: Vec<(f64, String)> = Vec::new();
    for region in &scope.regions {
        let clients = desk.clients(region);
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let request = clients.cloudformation.list_stacks().set_next_token(token);
            let Ok(answer) = desk.call(LIST_STACKS, region, || request.clone().send()).await else { break };
            for name in answer.stack_summaries().iter().filter_map(StackSummary::stack_name) {
                let lower = name.to_lowercase();
                let part = lower.contains(&wanted) || (wanted.contains(&lower) && lower.len() > 3);
                let likeness = if part { 1.0 } else { strsim::jaro_winkler(&lower, &wanted) };
                if likeness >= ALIKE && !found.iter().any(|(_, known)| known == name) {
                    found.push((likeness, name.to_owned()));
                }
            }
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.into_iter().map(|(_, name)| name).take(MOST_NEAR).collect()
}
