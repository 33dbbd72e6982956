//! From records to one timeline: events of all sources, unique, in order, physical ids linked to logical ids.
//! It decides nothing about causes; what it could not read is a gap.
//! Everything right of the capture stands on it.

use crate::model::time::{self, Time};
use crate::model::{Capture, Event, Gap, Outcome, RecordFile, Text, status};
use crate::sources::{self, KnownResource, Sink};
use hashbrown::HashMap;
use std::cmp::Ordering;
use std::hash::BuildHasher as _;
use std::thread;

/// What a timeline is made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Keep the calls that only read, by anybody.
    pub reads: bool,
}

/// The events of a capture.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Unique, in order of time; among equal times IN_PROGRESS before its end, real failures before cancellations
    /// before summaries, then AWS's own order.
    pub events: Vec<Event>,
    /// The capture's gaps and those of records that could not be read; in the order in which they were found.
    pub gaps: Vec<Gap>,
    /// Every resource of which a physical id is known; in no order that matters, unique.
    pub resources: Vec<KnownResource>,
}

/// The timeline of a capture.
pub fn build(capture: &Capture, options: Options) -> Timeline {
    let mut read: Vec<Extract> = extract_all(&capture.files, options);
    let mut timeline = Timeline { gaps: capture.gaps.clone(), ..Timeline::default() };
    let mut undated = Vec::new();
    timeline.events.reserve(read.iter().map(|extract| extract.events.len()).sum());
    for extract in &mut read {
        timeline.events.append(&mut extract.events);
        undated.append(&mut extract.undated);
        timeline.resources.append(&mut extract.resources);
        timeline.gaps.append(&mut extract.gaps);
    }
    date(&mut undated, &timeline.events, captured_at(capture));
    timeline.events.append(&mut undated);
    unique(&mut timeline.events);
    timeline.resources = unique_resources(timeline.resources);
    drop_echoes(&mut timeline.events);
    crate::link::link(&mut timeline.events, &timeline.resources);
    drop_reads_of_others(&mut timeline.events, &timeline.resources, options);
    timeline.events.sort_by(order);
    timeline
}

/// What one file gave.
struct Extract {
    events: Vec<Event>,
    undated: Vec<Event>,
    resources: Vec<KnownResource>,
    gaps: Vec<Gap>,
}

/// Reads the files side by side: they do not know of each other, and the large ones decide how long it takes.
fn extract_all(files: &[RecordFile], options: Options) -> Vec<Extract> {
    thread::scope(|scope| {
        let running: Vec<_> = files.iter().map(|file| scope.spawn(move || extract(file, options))).collect();
        running.into_iter().zip(files).map(|(thread, file)| thread.join().unwrap_or_else(|_| broken(file))).collect()
    })
}

fn extract(file: &RecordFile, options: Options) -> Extract {
    let mut sink = Sink::new(file.source, &file.name, options.reads);
    if let Some(source) = sources::by_stem(file.source) {
        (source.read)(file, &mut sink);
    }
    let (events, undated, resources, gaps) = sink.finish();
    Extract { events, undated, resources, gaps }
}

/// A source that panics is our bug; the rest of the evidence must not be lost to it.
fn broken(file: &RecordFile) -> Extract {
    let why = "cfn-forensics failed on this file, which is its bug; the other files are used";
    Extract {
        events: Vec::new(),
        undated: Vec::new(),
        resources: Vec::new(),
        gaps: vec![Gap::new(file.source, why).at(file.name.clone())],
    }
}

fn captured_at(capture: &Capture) -> Option<Time> {
    let manifest = capture.manifest.as_ref()?;
    time::parse(&manifest.captured_at).map(|written| written.at)
}

/// Gives undated events the time of the capture, else that of the last dated event: they tell how things stood then.
fn date(undated: &mut [Event], dated: &[Event], captured_at: Option<Time>) {
    let at = captured_at.or_else(|| dated.iter().map(|event| event.at).max());
    for event in undated {
        event.at = at.unwrap_or(event.at);
        event.approximate = true;
    }
}

/// Keeps the first of each event. What DescribeStackEvents and DescribeEvents both tell is one event, of the former,
/// which takes over what only the latter says.
fn unique(events: &mut Vec<Event>) {
    let hash = Fingerprint::default();
    let mut seen = hashbrown::HashSet::with_capacity(events.len());
    events.retain(|event| seen.insert(hash.of(event)));
    if events.iter().any(|event| event.source == "operation_events") {
        merge_operation_events(events);
    }
}

fn merge_operation_events(events: &mut Vec<Event>) {
    type Row = (Option<Text>, Option<Text>, Option<Text>, Time);
    let row =
        |event: &Event| -> Row { (event.stack_id.clone(), event.logical_id.clone(), event.status.clone(), event.at) };
    let mut of_stack_events: HashMap<Row, usize> = HashMap::new();
    for (index, event) in events.iter().enumerate().filter(|(_, event)| event.source == "stack_events") {
        of_stack_events.insert(row(event), index);
    }
    let told_twice: Vec<(usize, usize)> = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.source == "operation_events" && event.validation.is_none())
        .filter_map(|(index, event)| Some((index, *of_stack_events.get(&row(event))?)))
        .collect();
    for (from, to) in &told_twice {
        let Some(from) = events.get(*from).cloned() else {
            continue;
        };
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

/// What makes two events the same, in 128 bits: AWS's own id where it gives one and all that the event says. The id alone
/// does not do: the two events of a hook's invocation share theirs. Of 2^32 events two would be taken for one by chance
/// once in 2^65 cases.
#[derive(Default)]
struct Fingerprint(hashbrown::DefaultHashBuilder, hashbrown::DefaultHashBuilder);

impl Fingerprint {
    fn of(&self, event: &Event) -> (u64, u64) {
        let hook = event.hook.as_ref().map(|hook| &hook.name);
        if let Some(id) = &event.event_id {
            let all = (event.source, id, event.at, &event.action, &event.status, hook);
            return (self.0.hash_one(all), self.1.hash_one(all));
        }
        let content = (event.source == "operation_events", event.at, &event.action, &event.status, &event.event_id);
        let resource = (&event.stack_id, &event.logical_id, &event.physical_id, &event.group, &event.message);
        let validation = event.validation.as_ref().map(|validation| (&validation.name, &validation.path));
        // A line of a log is itself: the same words twice are two lines. A state has no time by which to tell two apart.
        let itself = (event.source == "deploy_log" || event.source == "target_health").then_some(event.record.index);
        let all = (event.source, content, resource, hook, validation, itself);
        (self.0.hash_one(all), self.1.hash_one(all))
    }
}

fn unique_resources(resources: Vec<KnownResource>) -> Vec<KnownResource> {
    let mut seen = hashbrown::HashSet::with_capacity(resources.len());
    resources
        .into_iter()
        .filter(|resource| {
            seen.insert((resource.stack_id.clone(), resource.logical_id.clone(), resource.physical_id.clone()))
        })
        .collect()
}

/// Drops what a better source tells too: a deploy tool's copy of a stack event, and the ends of a stack's life in
/// ListStacks where its own events are there.
fn drop_echoes(events: &mut Vec<Event>) {
    let mut rows = hashbrown::HashSet::new();
    let mut stacks = hashbrown::HashSet::new();
    for event in events.iter().filter(|event| event.is_stack_event()) {
        stacks.insert(event.stack_id.clone());
        if let (Some(logical), Some(status)) = (&event.logical_id, &event.status) {
            rows.insert((logical.clone(), status.clone()));
        }
    }
    events.retain(|event| match event.source {
        "stacks" => !stacks.contains(&event.stack_id),
        "deploy_log" => match (&event.logical_id, &event.status) {
            (Some(logical), Some(status)) => !rows.contains(&(logical.clone(), status.clone())),
            _ => true,
        },
        _ => true,
    });
}

/// A refused read counts where CloudFormation, its service role or a role of the stack was refused; other people's
/// refused reads tell nothing about the deployment.
fn drop_reads_of_others(events: &mut Vec<Event>, resources: &[KnownResource], options: Options) {
    if options.reads {
        return;
    }
    let of_cloudformation = events
        .iter()
        .filter_map(|event| event.call.as_ref())
        .filter(|call| &*call.service == "cloudformation.amazonaws.com");
    let service_roles: hashbrown::HashSet<Text> = of_cloudformation.filter_map(|call| call.role_arn.clone()).collect();
    let roles_of_stack: hashbrown::HashSet<&str> = resources
        .iter()
        .filter(|resource| &*resource.resource_type == "AWS::IAM::Role")
        .map(|resource| &*resource.physical_id)
        .collect();
    events.retain(|event| {
        let Some(call) = event.call.as_ref().filter(|call| call.read_only) else { return true };
        let role = call.identity.role_arn.as_ref();
        event.action.starts_with("AssumeRole")
            || call.identity.is_cloudformation()
            || role.is_some_and(|role| service_roles.contains(role))
            || call.identity.role_name().is_some_and(|role| roles_of_stack.contains(role))
    });
}

/// The order of a timeline.
fn order(a: &Event, b: &Event) -> Ordering {
    a.at.cmp(&b.at)
        .then_with(|| phase(a).cmp(&phase(b)))
        .then_with(|| sources::rank(a.source).cmp(&sources::rank(b.source)))
        .then_with(|| a.record.file.cmp(&b.record.file))
        .then_with(|| {
            if newest_first(a.source) {
                b.record.index.cmp(&a.record.index)
            } else {
                a.record.index.cmp(&b.record.index)
            }
        })
}

/// AWS lists these newest first.
fn newest_first(source: &str) -> bool {
    matches!(source, "stack_events" | "operation_events" | "cloudtrail" | "scaling_activities")
}

/// Among events of one instant: what begins, what ends well, what fails, what is cancelled for it, what sums it up.
fn phase(event: &Event) -> u8 {
    match event.source {
        // A call comes before what it sets off.
        "cloudtrail" => return 0,
        // A log tells of what has happened, and its lines stay in their own order.
        "deploy_log" => return 5,
        _ if is_summary(event) => return 4,
        _ => {}
    }
    match event.outcome {
        Outcome::InProgress => 0,
        Outcome::Succeeded | Outcome::Noted => 1,
        Outcome::Failed => 2,
        Outcome::Cancelled => 3,
    }
}

/// True for a stack's own event that only sums up the failures of its resources.
/// Source: the wordings that CloudFormation prints; the API reference does not list them.
pub fn is_summary(event: &Event) -> bool {
    event.is_of_stack_itself()
        && (event.outcome == Outcome::Failed
            || is_summary_text(event.text())
            || status::rollback(event.status()) && event.message.is_some())
}

/// True for the texts by which CloudFormation sums up failures that it has told before.
pub fn is_summary_text(text: &str) -> bool {
    text.starts_with("The following resource(s) failed to ")
        || text.starts_with("Validation failed with ")
        || text.starts_with("Validation failure detected")
        || text.contains("See the operation's FAILED event for details")
        || text.starts_with("The following hook(s) failed")
}
