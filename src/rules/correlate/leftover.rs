//! A leftover of an earlier incarnation: a stack of this name kept a resource when it was deleted, and the name is taken
//! now. Joined by the physical id; where the stack's own earlier rows say that it was kept, nothing is left to guess.

use super::super::rule::{Advice, Decibans, Evidence, Finding, PRIOR};
use super::super::words::shell_word;
use super::{Context, Failing, has_token};
use crate::model::{Event, Text};
use hashbrown::HashSet;

const KEPT: Decibans = 34.0;

pub(super) fn find(context: &Context<'_>) -> Vec<Finding> {
    context.joined().iter().filter_map(|failing| of_failing(context, failing)).collect()
}

fn of_failing(context: &Context<'_>, failing: &Failing) -> Option<Finding> {
    let failed = context.timeline.events.get(failing.event).filter(|event| event.is_stack_event())?;
    context.best_rule(failing).filter(|rule| rule.cause == "resource.already-exists")?;
    let operation = context.history.operations.get(failing.operation)?;
    let incarnation = context.history.incarnations.get(operation.incarnation)?;
    let earlier: HashSet<&Text> = context
        .history
        .incarnations
        .iter()
        .filter(|other| other.name == incarnation.name && other.number < incarnation.number)
        .filter_map(|other| other.stack_id.as_ref())
        .collect();
    let of_earlier = |event: &(usize, &Event)| {
        event.1.stack_id.as_ref().is_some_and(|stack| earlier.contains(stack)) && is_same(failed, event.1)
    };
    let rows = context.timeline.events.iter().enumerate().filter(|(_, event)| event.source == "stack_events");
    let rows: Vec<(usize, &Event)> = rows.filter(of_earlier).collect();
    let (index, last) = rows.last()?;
    let says = match last.status() {
        "DELETE_COMPLETE" => return None,
        "DELETE_SKIPPED" => "the earlier incarnation kept it when it was deleted",
        "DELETE_FAILED" => "the earlier incarnation could not delete it",
        _ if rows.iter().any(|(_, row)| row.status() == "CREATE_COMPLETE") => {
            "the earlier incarnation made it, and no row tells that it was deleted"
        }
        // That it was begun does not show that it was made.
        _ => return None,
    };
    let name = last.physical_id.as_deref().unwrap_or("the resource");
    Some(Finding {
        rule: "left-over-from-earlier-incarnation".to_owned(),
        cause: "resource.already-exists".to_owned(),
        root: failing.event,
        prior: PRIOR,
        evidence: vec![Evidence::of_event(*index, KEPT, says)],
        advice: advice(name, last.resource_type.as_deref().unwrap_or("resource"), &incarnation.name),
    })
}

/// The same type and physical name. Where the failed row has no physical id yet, its text has to name it.
fn is_same(failed: &Event, earlier: &Event) -> bool {
    let Some(id) = earlier.physical_id.as_deref().filter(|id| id.len() > 2) else { return false };
    failed.resource_type == earlier.resource_type
        && (failed.physical_id.as_deref() == Some(id) || has_token(failed.text(), id))
}

fn advice(name: &str, kind: &str, stack: &str) -> Advice {
    Advice {
        title: format!("{name} is left over from an earlier stack of the name {stack}"),
        explanation: format!("An earlier incarnation of {stack} made this {kind} and did not delete it (DeletionPolicy Retain, not empty, or its deletion failed). The new one wants to make it again under the same name."),
        confirm: vec![format!("cfn-forensics timeline --stack {} --incarnation all --operation all", shell_word(stack).unwrap_or_default())],
        fixes: vec![
            "If its content is wanted: import it into the stack (a change set of type IMPORT, or `cdk import`), then deploy".to_owned(),
            "If not: empty and delete it by hand, then deploy again".to_owned(),
            "For next time: leave the physical name out of the template, so that each incarnation gets its own; or set DeletionPolicy: RetainExceptOnCreate, so that a failed creation leaves nothing behind".to_owned(),
        ],
        link: Some("https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html".to_owned()),
    }
}
