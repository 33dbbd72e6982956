//! An operation that a delete ended has no root failure, but a culprit.
//! The delete itself is the cause; who asked for it is for the actor to say.
//! Speaks only where no resource failed by itself.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR};
use super::Context;
use crate::model::status;

const DELETE_BEGAN: Decibans = 26.0;
const DELETE_CALLED: Decibans = 6.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    if !context.failing.is_empty() {
        return Vec::new();
    }
    context.story.operations.iter().filter_map(|index| of_operation(context, *index)).collect()
}

fn of_operation(context: &Context<'_>, index: usize) -> Option<Finding> {
    let operation = context.history.operations.get(index)?;
    let delete = context.history.operations.get(operation.cut_off_by?)?;
    let event = |index: &usize| context.timeline.events.get(*index);
    let began = *delete.events.iter().find(|index| {
        event(index).is_some_and(|event| event.is_of_stack_itself() && status::in_progress(event.status()))
    })?;
    let says = "the stack's deletion began while the operation was in progress";
    let mut evidence = vec![Evidence::of_event(began, DELETE_BEGAN, says)];
    let call = delete
        .events
        .iter()
        .find(|index| event(index).is_some_and(|event| &*event.action == "DeleteStack" && event.error.is_none()));
    evidence.extend(call.map(|call| Evidence::of_event(*call, DELETE_CALLED, "DeleteStack was called")));
    let who = call
        .and_then(event)
        .and_then(|event| event.actor.as_deref())
        .map_or(String::new(), |actor| format!(" by {actor}"));
    Some(Finding {
        rule: "cut-off-by-delete".to_owned(),
        cause: "other".to_owned(),
        root: began,
        prior: PRIOR,
        evidence,
        advice: Advice {
            title: format!("The stack was deleted{who} while the operation was still in progress"),
            explanation:
                "No resource failed by itself: what was in progress was cancelled because the stack was being deleted"
                    .to_owned(),
            confirm: vec!["Ask who called DeleteStack, and why: the actor of the delete is in this answer".to_owned()],
            fixes: vec![
                "Deploy again, and leave the stack alone until the operation has ended".to_owned(),
                "Turn on termination protection while a deployment runs: it refuses DeleteStack".to_owned(),
            ],
            link: Some(
                "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html"
                    .to_owned(),
            ),
        },
    })
}
