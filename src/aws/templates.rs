//! GetTemplate: the template as it was given, of deleted stacks too.
//! It is kept as it is, one file a stack.
//! Source: GetTemplate in the CloudFormation API reference.

use super::api::GET_TEMPLATE;
use super::desk::Desk;
use crate::plan::{Answered, Question, name_of};
use aws_sdk_cloudformation::types::TemplateStage;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, stack: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let get = clients.cloudformation.get_template().stack_name(stack).template_stage(TemplateStage::Original);
    match desk.call(GET_TEMPLATE, &question.region, || get.clone().send()).await {
        Ok(answer) => {
            if let Some(body) = answer.template_body().filter(|body| !body.is_empty()) {
                let ending = if body.trim_start().starts_with('{') { "json" } else { "yaml" };
                // Each incarnation of a name has its own template.
                let id = stack.rsplit('/').next().filter(|_| stack.starts_with("arn:")).unwrap_or_default();
                let name = [name_of(stack), id].join("-");
                desk.keep_whole(question, "templates", &format!("{}.{ending}", name.trim_end_matches('-')), body);
            }
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}
