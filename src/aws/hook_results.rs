//! ListHookResults: what hooks said of a change set or a stack; those that failed a change set leave no event.
//! Source: `HookResultSummary` in the CloudFormation API reference.
//! Asked only where an event or a change set points to a hook.

use super::api::LIST_HOOK_RESULTS;
use super::desk::{Desk, pages};
use super::record::Record;
use crate::plan::{Answered, Question};
use aws_sdk_cloudformation::types::{HookResultSummary, ListHookResultsTargetType};

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, target: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let kind = if target.contains(":changeSet/") {
        ListHookResultsTargetType::ChangeSet
    } else {
        ListHookResultsTargetType::Stack
    };
    let list = || clients.cloudformation.list_hook_results().target_type(kind.clone()).target_id(target);
    pages!(
        desk,
        question,
        |token| desk.call(LIST_HOOK_RESULTS, &question.region, || list().set_next_token(token.clone()).send()),
        |answer| {
            desk.keep(question, "hook_results", answer.hook_results().iter().map(of_result));
            None
        }
    )
}

fn of_result(result: &HookResultSummary) -> String {
    Record::default()
        .text("HookResultId", result.hook_result_id())
        .text("InvocationPoint", result.invocation_point())
        .text("FailureMode", result.failure_mode())
        .text("TypeName", result.type_name())
        .text("TypeVersionId", result.type_version_id())
        .text("Status", result.status())
        .text("HookStatusReason", result.hook_status_reason())
        .time("InvokedAt", result.invoked_at())
        .text("TargetType", result.target_type())
        .text("TargetId", result.target_id())
        .text("TypeArn", result.type_arn())
        .text("HookExecutionTarget", result.hook_execution_target())
        .json()
}
