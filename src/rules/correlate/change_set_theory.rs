//! The change-set theory: a deploy tool prints an error about the state of a change set, often from a retry after the
//! deployment had failed. Where CloudTrail shows that a change set of the story was executed, that was not the cause.
//! Gives evidence against, never for.

use super::super::rule::{Decibans, Evidence, Finding};
use super::Context;
use crate::model::Outcome;

/// An accepted ExecuteChangeSet contradicts the theory; an accepted CreateChangeSet only weakens it.
const EXECUTED: Decibans = -30.0;
const CREATED: Decibans = -6.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    let Some(first) = context.failing.first() else { return Vec::new() };
    // The theory is about a deployment that ran; where no resource failed it may well be right.
    let failed = context.timeline.events.get(first.event).filter(|event| event.is_stack_event());
    let Some(failed) = failed else { return Vec::new() };
    let accepted = |action: &str, decibans: Decibans, says: &str| {
        let call = context.events().find(|(_, event)| {
            event.source == "cloudtrail"
                && &*event.action == action
                && event.outcome == Outcome::Succeeded
                && event.at <= failed.at
        });
        call.map(|(index, _)| Evidence::of_event(index, decibans, says))
    };
    let evidence: Vec<Evidence> = [
        accepted("ExecuteChangeSet", EXECUTED, "CloudFormation accepted ExecuteChangeSet and began to work"),
        accepted("CreateChangeSet", CREATED, "CloudFormation accepted CreateChangeSet"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if evidence.is_empty() {
        return Vec::new();
    }
    let against = |cause: &str| Finding::on_theory("change-set-executed", cause, first.event, evidence.clone());
    vec![against("changeset.state"), against("changeset.empty")]
}
