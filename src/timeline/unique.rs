//! Each event and each resource once: pages that overlap, deliveries that repeat, two operations that tell the same.
//! It keeps the first and loses nothing that only a later one says.
//! Used by the timeline.

use crate::model::{Event, Text, Time};
use crate::sources::KnownResource;
use chrono::SubsecRound as _;
use hashbrown::{HashMap, HashSet};
use std::hash::BuildHasher as _;

/// Keeps the first of each event. What DescribeStackEvents and DescribeEvents both tell is one event, of the former,
/// which takes over what only the latter says.
pub(super) fn unique(events: &mut Vec<Event>) {
    let hash = Fingerprint::default();
    let mut seen = HashSet::with_capacity(events.len());
    events.retain(|event| seen.insert(hash.of(event)));
    if events.iter().any(|event| event.source == "operation_events") {
        merge_operation_events(events);
    }
}

fn merge_operation_events(events: &mut Vec<Event>) {
    type Row = (Option<Text>, Option<Text>, Option<Text>, Option<Text>, Option<Text>, Time);
    let row = |event: &Event, at: Time| -> Row {
        let hook = event.hook.as_ref().map(|hook| hook.name.clone());
        let ids = (event.stack_id.clone(), event.logical_id.clone(), event.physical_id.clone());
        (ids.0, ids.1, ids.2, event.status.clone(), hook, at)
    };
    let mut of_stack_events: HashMap<Row, usize> = HashMap::new();
    for (index, event) in events.iter().enumerate().filter(|(_, event)| event.source == "stack_events") {
        // One of the two may have been printed in whole seconds.
        of_stack_events.entry(row(event, event.at.trunc_subsecs(0))).or_insert(index);
        of_stack_events.insert(row(event, event.at), index);
    }
    let told_twice: Vec<(usize, usize)> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.source == "operation_events" && event.validation.is_none())
        .filter_map(|(index, event)| Some((index, *of_stack_events.get(&row(event, event.at))?)))
        .collect();
    for (from, to) in &told_twice {
        let Some(from) = events.get(*from).cloned() else { continue };
        let Some(to) = events.get_mut(*to) else { continue };
        to.operation_id = to.operation_id.take().or(from.operation_id);
        to.token = to.token.take().or(from.token);
        to.message = to.message.take().or(from.message);
    }
    let mut index = 0;
    events.retain(|_| {
        index += 1;
        told_twice.binary_search_by_key(&(index - 1), |(from, _)| *from).is_err()
    });
}

/// What makes two events the same, in 128 bits: AWS's own id where the source keeps one, else all that the event says.
/// Of 2^32 events two would be taken for one by chance once in 2^65 cases.
#[derive(Default)]
struct Fingerprint(hashbrown::DefaultHashBuilder, hashbrown::DefaultHashBuilder);

impl Fingerprint {
    fn of(&self, event: &Event) -> (u64, u64) {
        if let Some(id) = &event.event_id {
            let all = (event.source, id, event.at, &event.action, &event.status);
            return (self.0.hash_one(all), self.1.hash_one(all));
        }
        let hook = event.hook.as_ref().map(|hook| &hook.name);
        let validation = event.validation.as_ref().map(|validation| (&validation.name, &validation.path));
        let content = (event.source, event.at, &event.action, &event.status, &event.message, &event.error, hook);
        let resource = (&event.stack_id, &event.logical_id, &event.physical_id, &event.group, validation);
        let call = event.call.as_ref().map(|call| (&call.service, &call.request_id, &call.names));
        // A line of a log is itself: the same words twice are two lines. A state has no time by which to tell two apart.
        let itself = matches!(event.source, "deploy_log" | "target_health").then_some(&event.record);
        let all = (content, resource, call, &event.actor, itself);
        (self.0.hash_one(all), self.1.hash_one(all))
    }
}

/// Keeps the first that is heard of each resource, in an order that no file decides.
pub(super) fn unique_resources(resources: &mut Vec<KnownResource>) {
    resources.sort_by(|a, b| {
        let a_is = (&a.stack_id, &a.logical_id, &a.physical_id, a.since.is_none(), a.since);
        a_is.cmp(&(&b.stack_id, &b.logical_id, &b.physical_id, b.since.is_none(), b.since))
    });
    resources.dedup_by(|later, first| {
        let ids = |resource: &KnownResource| (resource.stack_id.clone(), resource.logical_id.clone());
        let same = later.physical_id == first.physical_id && ids(later) == ids(first);
        if same {
            first.until = first.until.max(later.until);
        }
        same
    });
    // ListStackResources does not say of which stack; where the rows do, they know better.
    let named: HashSet<(Text, Text)> = resources
        .iter()
        .filter(|resource| resource.stack_id.is_some())
        .map(|resource| (resource.logical_id.clone(), resource.physical_id.clone()))
        .collect();
    resources.retain(|resource| {
        resource.stack_id.is_some() || !named.contains(&(resource.logical_id.clone(), resource.physical_id.clone()))
    });
}
