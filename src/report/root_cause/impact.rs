//! What is left of the stack: the state it is in, what became of each resource, and what blocks the next deployment.
//! It goes by the last row of each resource in the stack's last incarnation; what no row tells it does not guess.
//! Part of the root-cause report.

use super::Material;
use crate::model::{Event, Outcome, RecordFile, Text, status};
use crate::report::Fact;
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The stack after the story.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Impact {
    /// The stack's last known status; none where no record tells it.
    pub status: Option<String>,
    /// Whether termination protection is on, as far as a record tells it.
    pub protected: Option<bool>,
    /// How many resources came to each fate; only those that some did.
    pub fates: BTreeMap<Fate, usize>,
    /// The resources, by fate, then by name. Those that the story's stack never touched are not known and not here.
    pub resources: Vec<ResourceState>,
    /// What blocks the next deployment, or will make it fail. May be empty.
    pub blockers: Vec<Fact>,
}

/// What became of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is no longer the stack's, but still there: it was retained, or could not be deleted.
    LeftBehind,
    /// A change of it failed and nothing tells that it was put back.
    Unsettled,
    /// Work on it was still going on when the evidence ends.
    InProgress,
    /// It was not made, or given up before it was.
    NotMade,
    /// Somebody removed it outside of CloudFormation, which takes it for the stack's still.
    Removed,
    /// It was deleted.
    Deleted,
    /// It is there and the stack's.
    Kept,
}

/// A resource after the story.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ResourceState {
    /// What became of it.
    pub fate: Fate,
    /// The name in the template.
    pub logical_id: String,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Option<String>,
    /// The id in the service; none where it was never made.
    pub physical_id: Option<String>,
    /// The stack that it belongs to.
    pub stack: Option<String>,
    /// AWS's last status of it.
    pub status: Option<String>,
    /// The record that tells it.
    pub record: String,
}

/// What is left after the story.
pub(super) fn impact(material: &Material<'_, '_>) -> Impact {
    let resources = resources(material);
    let mut fates = BTreeMap::new();
    for resource in &resources {
        *fates.entry(resource.fate).or_default() += 1;
    }
    let status = material.recovery().status.clone().or_else(|| material.status().map(str::to_owned));
    let protection = protection(material);
    let protected = protection.as_ref().map(|(on, _)| *on);
    let blockers = blockers(material, status.as_deref().unwrap_or_default(), protection, &resources);
    Impact { status, protected, fates, resources, blockers }
}

/// The last row of each resource of the stack and of those nested in it.
fn resources(material: &Material<'_, '_>) -> Vec<ResourceState> {
    let stacks = stacks(material);
    let timeline = material.evidence.timeline;
    let rows = timeline.events.iter().filter(|row| {
        let is_row =
            row.is_stack_event() && !row.is_of_stack_itself() && row.hook.is_none() && row.validation.is_none();
        is_row && row.stack_id.as_ref().is_some_and(|stack| stacks.contains(&stack))
    });
    // A replaced resource has two ids in its service; its old one is deleted after the new one is ready.
    let mut last: HashMap<(&Text, &Text), &Event> = HashMap::new();
    let mut never_made: HashSet<(&Text, &Text)> = HashSet::new();
    let mut left: Vec<&Event> = Vec::new();
    for row in rows {
        let (Some(stack), Some(logical_id)) = (&row.stack_id, &row.logical_id) else { continue };
        let known = last.get(&(stack, logical_id));
        let is_old = &*row.action == "DELETE"
            && known.is_some_and(|known| known.outcome == Outcome::Succeeded && known.physical_id != row.physical_id);
        // A creation begins twice: once before the resource has an id, and once it has begun to exist.
        let begins = &*row.action == "CREATE" && row.outcome == Outcome::InProgress;
        if begins && row.physical_id.is_none() && known.is_none() {
            never_made.insert((stack, logical_id));
        } else if row.outcome == Outcome::Succeeded && &*row.action != "DELETE" || begins {
            never_made.remove(&(stack, logical_id));
        }
        if !is_old {
            last.insert((stack, logical_id), row);
        } else if fate(row) == Some(Fate::LeftBehind) {
            left.push(row);
        }
    }
    let removed = removed_by_hand(material);
    let of_last = last.into_iter().filter_map(|(key, row)| {
        let mut state = state(row)?;
        if state.fate == Fate::Deleted && never_made.contains(&key) {
            state.fate = Fate::NotMade;
        }
        let id = row.physical_id.as_deref().filter(|_| matches!(state.fate, Fate::Kept | Fate::Unsettled));
        if let Some(call) = id.and_then(|id| removed.get(id)).filter(|call| call.at >= row.at) {
            (state.fate, state.record) = (Fate::Removed, call.record.to_string());
        }
        Some(state)
    });
    let mut states: Vec<ResourceState> = of_last.chain(left.into_iter().filter_map(state)).collect();
    states.sort_by(|a, b| {
        (a.fate, &a.stack, &a.logical_id, &a.physical_id).cmp(&(b.fate, &b.stack, &b.logical_id, &b.physical_id))
    });
    states
}

/// The calls that took something away without CloudFormation, by the ids that they name.
fn removed_by_hand<'a>(material: &Material<'_, 'a>) -> HashMap<&'a str, &'a Event> {
    let mut removed = HashMap::new();
    for event in &material.evidence.timeline.events {
        let Some(call) = event.call.as_ref().filter(|call| !call.read_only && !call.identity.is_cloudformation())
        else {
            continue;
        };
        let takes_away = event.action.starts_with("Delete") || event.action.starts_with("Terminate");
        if takes_away && event.outcome == Outcome::Succeeded {
            let ids = call.names.iter().chain(&event.physical_id);
            removed.extend(ids.map(|id| (&**id, event)));
        }
    }
    removed
}

fn state(row: &Event) -> Option<ResourceState> {
    let fate = fate(row)?;
    Some(ResourceState {
        fate,
        logical_id: row.logical_id.as_deref()?.to_owned(),
        resource_type: row.resource_type.as_deref().map(str::to_owned),
        physical_id: row.physical_id.as_deref().filter(|_| fate != Fate::NotMade).map(str::to_owned),
        stack: row.stack_name.as_deref().map(str::to_owned),
        status: row.status.as_deref().map(str::to_owned),
        record: row.record.to_string(),
    })
}

/// What a resource's last row says of it. Source: `ResourceStatus` in the CloudFormation API reference.
fn fate(row: &Event) -> Option<Fate> {
    let status = row.status.as_deref()?;
    Some(match (&*row.action, row.outcome) {
        _ if status == "DELETE_SKIPPED" => Fate::LeftBehind,
        (_, Outcome::InProgress) => Fate::InProgress,
        ("DELETE", Outcome::Succeeded) => Fate::Deleted,
        ("DELETE", _) => Fate::LeftBehind,
        (_, Outcome::Succeeded) => Fate::Kept,
        ("CREATE" | "IMPORT", Outcome::Failed | Outcome::Cancelled) => Fate::NotMade,
        (_, Outcome::Failed | Outcome::Cancelled) => Fate::Unsettled,
        (_, Outcome::Noted) => return None,
    })
}

/// The ARNs of the story's incarnation and of those nested in it.
fn stacks<'a>(material: &Material<'_, 'a>) -> Vec<&'a Text> {
    let history = material.evidence.history;
    let incarnations = &history.incarnations;
    let operations = material.selection.with_nested.iter().filter_map(|index| history.operations.get(*index));
    let mut stacks: Vec<&Text> =
        operations.filter_map(|operation| incarnations.get(operation.incarnation)?.stack_id.as_ref()).collect();
    // Of several incarnations only the last one can have left something that the next deployment meets.
    let own = material.stack_id();
    let is_older = |stack: &&Text| {
        let incarnation = incarnations.iter().find(|incarnation| incarnation.stack_id.as_ref() == Some(*stack));
        incarnation.is_some_and(|incarnation| incarnation.parent.is_none() && incarnation.stack_id.as_deref() != own)
    };
    stacks.retain(|stack| !is_older(stack));
    stacks.dedup();
    stacks
}

/// Whether the stack is protected, and the records that tell it: the last call that switched it, else what
/// DescribeStacks says (`EnableTerminationProtection`).
fn protection(material: &Material<'_, '_>) -> Option<(bool, Vec<String>)> {
    let stack = material.stack_id()?;
    let calls = material.evidence.timeline.events.iter().rev();
    let mut switches = calls.filter(|call| {
        &*call.action == "UpdateTerminationProtection"
            && call.outcome == Outcome::Succeeded
            && call.stack_id.as_deref() == Some(stack)
    });
    let switch = switches.next().map(|call| call.record.clone());
    let files = material.capture.files.iter();
    let described = files.filter(|file| file.source == "stacks").flat_map(RecordFile::iter).find(|(_, record)| {
        // The cheap look first: an account has thousands of stacks.
        record.contains("TerminationProtection") && record.contains(stack)
    });
    let flag = |record: &str, key: &str| -> Option<bool> {
        let value: serde_json::Value = serde_json::from_str(record).ok()?;
        flag_in(&value, key)
    };
    let of_call = switch.and_then(|reference| {
        let on = flag(material.capture.record(&reference)?, "enableTerminationProtection")?;
        Some((on, vec![reference.to_string()]))
    });
    let of_stack = || {
        let (reference, record) = described?;
        Some((flag(record, "EnableTerminationProtection")?, vec![reference.to_string()]))
    };
    of_call.or_else(of_stack)
}

/// The flag of this name, also within the call that LookupEvents returns as a string.
fn flag_in(value: &serde_json::Value, key: &str) -> Option<bool> {
    let parameters = value.get("requestParameters").and_then(|parameters| parameters.get(key));
    let told = value.get(key).or(parameters).and_then(serde_json::Value::as_bool);
    told.or_else(|| {
        let inner = value.get("CloudTrailEvent")?.as_str()?;
        flag_in(&serde_json::from_str(inner).ok()?, key)
    })
}

/// More left-behind resources than these are only counted.
const NAMED: usize = 8;

fn blockers(
    material: &Material<'_, '_>,
    status: &str,
    protection: Option<(bool, Vec<String>)>,
    resources: &[ResourceState],
) -> Vec<Fact> {
    let mut blockers = Vec::new();
    let own_row = material
        .selection
        .events
        .iter()
        .rev()
        .filter_map(|index| material.evidence.timeline.events.get(*index))
        .find(|event| event.is_of_stack_itself() && event.status.as_deref() == Some(status));
    if let (Some(says), Some(row)) = (blocked_by(status), own_row) {
        blockers.push(Fact { says: says.to_owned(), records: vec![row.record.to_string()] });
    }
    if let Some((true, records)) = protection.filter(|_| has_to_go(status)) {
        let says = "Termination protection is on: nobody can delete the stack, a deploy tool that wants to create it anew included";
        blockers.push(Fact { says: says.to_owned(), records });
    }
    let left: Vec<&ResourceState> = resources
        .iter()
        .filter(|resource| resource.fate == Fate::LeftBehind && resource.physical_id.is_some())
        .collect();
    for resource in left.iter().take(NAMED) {
        let says = format!(
            "{} was left behind as {}: where the template names it so, the next creation fails because it exists already",
            resource.logical_id,
            resource.physical_id.as_deref().unwrap_or_default(),
        );
        blockers.push(Fact { says, records: vec![resource.record.clone()] });
    }
    if let [_, .., last] = left.get(NAMED.saturating_sub(1)..).unwrap_or_default() {
        let says = format!("{} further resources were left behind, too", left.len() - NAMED);
        blockers.push(Fact { says, records: vec![last.record.clone()] });
    }
    blockers
}

/// A stack in this state has to be deleted before it can be deployed again, or waits for its deletion.
pub(super) fn has_to_go(stack_status: &str) -> bool {
    matches!(
        stack_status,
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "DELETE_FAILED" | "REVIEW_IN_PROGRESS"
    )
}

/// What the stack's state forbids. Source: CloudFormation user guide, "Stack status codes".
fn blocked_by(stack_status: &str) -> Option<&'static str> {
    Some(match stack_status {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => "The stack can only be deleted; it takes no update",
        "UPDATE_ROLLBACK_FAILED" => "The stack takes no update until its rollback was continued to its end",
        "DELETE_FAILED" => "The stack takes no update; its deletion has to be finished",
        "REVIEW_IN_PROGRESS" => {
            "The stack is no more than a change set: it waits for its execution or for its deletion"
        }
        busy if status::in_progress(busy) => {
            "CloudFormation is still at work on the stack: another operation is refused"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RecordRef;

    #[test]
    fn a_resources_last_row_tells_its_fate() {
        for (status, outcome, expected) in [
            ("CREATE_COMPLETE", Outcome::Succeeded, Fate::Kept),
            ("UPDATE_COMPLETE", Outcome::Succeeded, Fate::Kept),
            ("IMPORT_COMPLETE", Outcome::Succeeded, Fate::Kept),
            ("CREATE_FAILED", Outcome::Failed, Fate::NotMade),
            ("CREATE_FAILED", Outcome::Cancelled, Fate::NotMade),
            ("UPDATE_FAILED", Outcome::Failed, Fate::Unsettled),
            ("DELETE_COMPLETE", Outcome::Succeeded, Fate::Deleted),
            ("DELETE_SKIPPED", Outcome::Succeeded, Fate::LeftBehind),
            ("DELETE_FAILED", Outcome::Failed, Fate::LeftBehind),
            ("DELETE_IN_PROGRESS", Outcome::InProgress, Fate::InProgress),
        ] {
            let record = RecordRef { file: "stack_events".into(), index: 0 };
            let action = status.split('_').next().unwrap_or_default();
            let mut row = Event::new(chrono::DateTime::UNIX_EPOCH, "stack_events", record, action.into(), outcome);
            row.status = Some(status.into());
            assert_eq!(fate(&row), Some(expected), "{status}");
        }
    }

    #[test]
    fn a_call_tells_its_flag_however_it_was_recorded() {
        let call = r#"{"requestParameters":{"enableTerminationProtection":true}}"#;
        let looked_up = serde_json::json!({ "EventName": "UpdateTerminationProtection", "CloudTrailEvent": call });
        let call: serde_json::Value = serde_json::from_str(call).unwrap_or_default();
        for record in [&call, &looked_up] {
            assert_eq!(flag_in(record, "enableTerminationProtection"), Some(true), "{record}");
        }
        assert_eq!(flag_in(&call, "EnableTerminationProtection"), None);
    }
}
