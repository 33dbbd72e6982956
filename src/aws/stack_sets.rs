//! ListStackSetOperations and their results: why a stack set left its instance as it is.
//! Only the administrator's account is told; elsewhere the answer is a gap that says so.
//! Sources: `StackSetOperationSummary` and `StackSetOperationResultSummary` in the CloudFormation API reference.

use super::api::{LIST_STACK_SET_OPERATION_RESULTS, LIST_STACK_SET_OPERATIONS};
use super::desk::{Desk, pages};
use super::record::Record;
use crate::plan::{Answered, Question};
use aws_sdk_cloudformation::types::{CallAs, StackSetOperationResultSummary, StackSetOperationSummary};

/// The newest operations; the instance is what one of them left.
const MOST_OPERATIONS: i32 = 3;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, name: &str, account: &str) -> Answered {
    // A delegated administrator is told only when asking as one.
    let mut refused = None;
    for caller in [CallAs::SelfValue, CallAs::DelegatedAdmin] {
        let clients = desk.clients(&question.region);
        let list = clients.cloudformation.list_stack_set_operations().stack_set_name(name).call_as(caller.clone());
        let list = list.max_results(MOST_OPERATIONS);
        match desk.call(LIST_STACK_SET_OPERATIONS, &question.region, || list.clone().send()).await {
            Ok(answer) => {
                let mut answered = Answered::Whole;
                for operation in answer.summaries() {
                    let one = results(desk, question, name, account, &caller, operation).await;
                    answered = if one == Answered::Whole { answered } else { one };
                }
                return answered;
            }
            Err(trouble) => _ = refused.get_or_insert(trouble),
        }
    }
    let remedy = "ask in the account and region that administer the stack set";
    let why = refused.map(|trouble| trouble.why()).unwrap_or_default();
    desk.gap_because(question, why, Some(remedy.to_owned()));
    Answered::Not
}

async fn results(
    desk: &Desk<'_>,
    question: &Question,
    name: &str,
    account: &str,
    caller: &CallAs,
    operation: &StackSetOperationSummary,
) -> Answered {
    let clients = desk.clients(&question.region);
    let list = || {
        let request = clients.cloudformation.list_stack_set_operation_results().stack_set_name(name);
        request.call_as(caller.clone()).set_operation_id(operation.operation_id().map(str::to_owned))
    };
    let is_here = |result: &&StackSetOperationResultSummary| {
        result.region() == Some(question.region.as_str()) && result.account() == Some(account)
    };
    pages!(
        desk,
        question,
        |token| desk
            .call(LIST_STACK_SET_OPERATION_RESULTS, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            let mut here = answer.summaries().iter().filter(is_here).peekable();
            // An account and region has one result.
            let found = here.peek().is_some();
            desk.keep(question, "stack_set_operations", here.map(|result| of_result(operation, result)));
            found.then_some(Answered::Whole)
        }
    )
}

/// A result with the times and the action of its operation, which it does not repeat.
fn of_result(operation: &StackSetOperationSummary, result: &StackSetOperationResultSummary) -> String {
    Record::default()
        .text("OperationId", operation.operation_id())
        .text("Action", operation.action())
        .time("CreationTimestamp", operation.creation_timestamp())
        .time("EndTimestamp", operation.end_timestamp())
        .text("Account", result.account())
        .text("Region", result.region())
        .text("Status", result.status())
        .text("StatusReason", result.status_reason())
        .text("OrganizationalUnitId", result.organizational_unit_id())
        .json()
}
