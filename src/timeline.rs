//! From records to one timeline: events of all sources, unique, in order, physical ids linked to logical ids.
//! It decides nothing about causes; what it could not read is a gap.
//! Everything right of the capture stands on it.

use crate::link::link;
use crate::model::time::{self, Time};
use crate::model::{Capture, Event, Gap, Outcome, RecordFile, Text, denial, status};
use crate::sources::{self, KnownResource, Sink};
use chrono::{SubsecRound as _, TimeDelta};
use hashbrown::{HashMap, HashSet};
use std::cmp::Ordering;
use std::hash::BuildHasher as _;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
}

/// The timeline of a capture.
pub fn build(capture: &Capture, options: Options) -> Timeline {
    let mut timeline = Timeline { gaps: capture.gaps.clone(), ..Timeline::default() };
    let mut read = extract_all(&capture.files, options);
    let mut undated = Vec::new();
    let mut resources = Vec::new();
    timeline.events.reserve(read.iter().map(|extract| extract.events.len()).sum());
    for extract in &mut read {
        timeline.events.append(&mut extract.events);
        undated.append(&mut extract.undated);
        resources.append(&mut extract.resources);
        timeline.gaps.append(&mut extract.gaps);
    }
    date(&mut undated, &timeline.events, captured_at(capture));
    timeline.events.append(&mut undated);
    unique(&mut timeline.events);
    unique_resources(&mut resources);
    drop_echoes(&mut timeline.events);
    link(&mut timeline.events, &resources);
    drop_reads_of_others(&mut timeline.events, &resources, options);
    let oldest_first = files_oldest_first(capture);
    timeline.events.sort_by(|a, b| order(a, b, &oldest_first));
    timeline
}

/// What one file gave.
#[derive(Default)]
struct Extract {
    events: Vec<Event>,
    undated: Vec<Event>,
    resources: Vec<KnownResource>,
    gaps: Vec<Gap>,
}

/// Reads the files on all cores: they do not know of each other, and the large ones decide how long it takes.
fn extract_all(files: &[RecordFile], options: Options) -> Vec<Extract> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some((index, file)) = take_next(&next, files) {
            // A source that panics is our bug; the rest of the evidence must not be lost to it.
            let extract = panic::catch_unwind(|| extract(file, options)).unwrap_or_else(|_| broken(file));
            done.push((index, extract));
        }
        done
    };
    let mut extracts: Vec<(usize, Extract)> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        running.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    extracts.sort_by_key(|(index, _)| *index);
    extracts.into_iter().map(|(_, extract)| extract).collect()
}

fn take_next<'f>(next: &AtomicUsize, files: &'f [RecordFile]) -> Option<(usize, &'f RecordFile)> {
    let index = next.fetch_add(1, Relaxed);
    files.get(index).map(|file| (index, file))
}

fn extract(file: &RecordFile, options: Options) -> Extract {
    let mut sink = Sink::new(file.source, &file.name, options.reads);
    if let Some(source) = sources::by_stem(file.source) {
        (source.read)(file, &mut sink);
    }
    let (events, undated, resources, gaps) = sink.finish();
    Extract { events, undated, resources, gaps }
}

fn broken(file: &RecordFile) -> Extract {
    let why = "cfn-forensics failed on this file, which is its bug; the other files are used";
    Extract { gaps: vec![Gap::new(file.source, why).at(file.name.clone())], ..Extract::default() }
}

fn captured_at(capture: &Capture) -> Option<Time> {
    let manifest = capture.manifest.as_ref()?;
    time::parse(&manifest.captured_at).map(|written| written.at)
}

/// Gives undated events the time of the capture, else that of the last dated event: they tell how things stood then.
/// Those of a log that knows the time of day only keep their distances, the last one at that time.
fn date(undated: &mut [Event], dated: &[Event], captured_at: Option<Time>) {
    let Some(last) = undated.iter().map(|event| event.at).max() else { return };
    let at = captured_at.or_else(|| dated.iter().map(|event| event.at).max());
    for event in undated {
        event.at = at.map_or(event.at, |at| at - (last - event.at));
        event.approximate = true;
    }
}

/// Keeps the first of each event. What DescribeStackEvents and DescribeEvents both tell is one event, of the former,
/// which takes over what only the latter says.
fn unique(events: &mut Vec<Event>) {
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
fn unique_resources(resources: &mut Vec<KnownResource>) {
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

/// A deploy tool prints a stack event within this time of it.
const ECHO: TimeDelta = TimeDelta::minutes(10);

/// A row as CloudFormation told it: its stack, its time, its reason.
type Told = (Option<Text>, Time, Option<Text>);

/// Drops what a better source tells too: a deploy tool's copy of a stack event, and the ends of a stack's life in
/// ListStacks where its own events tell them.
fn drop_echoes(events: &mut Vec<Event>) {
    let mut rows: HashMap<(Text, Text), Vec<Told>> = HashMap::new();
    let mut last_rows: HashMap<Text, Time> = HashMap::new();
    for event in events.iter().filter(|event| event.is_stack_event()) {
        if let Some(stack) = &event.stack_id {
            let last = last_rows.entry(stack.clone()).or_insert(event.at);
            *last = event.at.max(*last);
        }
        if let (Some(logical), Some(status)) = (&event.logical_id, &event.status)
            && event.source == "stack_events"
        {
            let told = (event.stack_name.clone(), event.at, event.message.clone());
            rows.entry((logical.clone(), status.clone())).or_default().push(told);
        }
    }
    let echoes = echoes(events, &rows);
    let mut index = 0;
    events.retain(|event| {
        index += 1;
        let last = || event.stack_id.as_ref().and_then(|stack| last_rows.get(stack));
        match event.source {
            "stacks" => last().is_none_or(|last| event.at > *last + ECHO),
            "deploy_log" => !echoes.contains(&(index - 1)),
            _ => true,
        }
    });
}

/// The lines of deploy logs that repeat a row. A line without a time of its own comes after the row that the line before
/// it repeats, whose time is known better.
fn echoes(events: &mut [Event], rows: &HashMap<(Text, Text), Vec<Told>>) -> HashSet<usize> {
    let mut lines: Vec<usize> = (0..events.len())
        .filter(|index| events.get(*index).is_some_and(|event| event.source == "deploy_log"))
        .collect();
    let place = |index: &usize| events.get(*index).map(|event| event.record.clone());
    lines.sort_by_cached_key(place);
    let mut echoes = HashSet::new();
    let mut repeated: Option<(Text, Time)> = None;
    for index in lines {
        let Some(event) = events.get_mut(index) else { continue };
        if let Some((_, at)) =
            repeated.as_ref().filter(|(file, at)| event.approximate && *file == event.record.file && *at > event.at)
        {
            event.at = *at;
        }
        let key = event.logical_id.clone().zip(event.status.clone());
        let told = key.and_then(|key| rows.get(&key)).and_then(|told| repeats(event, told));
        if let Some(at) = told {
            echoes.insert(index);
            repeated = Some((event.record.file.clone(), at));
        }
    }
    echoes
}

/// The time of the row that a line repeats: the same stack, the same words, and about the same time.
fn repeats(event: &Event, told: &[Told]) -> Option<Time> {
    let fits = |(stack, at, reason): &&Told| {
        let same_stack = event.stack_name.is_none() || event.stack_name == *stack;
        // Where it gives a reason, a runner's clock may be in another zone.
        let same_time = event.approximate || (event.at - *at).abs() <= ECHO || event.message.is_some();
        same_stack && same_time && same_words(event.message.as_deref(), reason.as_deref())
    };
    told.iter().filter(fits).map(|(_, at, _)| *at).min_by_key(|at| (event.at - *at).abs())
}

/// True unless the line gives a reason that the row does not: tools wrap and cut what they print.
fn same_words(line: Option<&str>, row: Option<&str>) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).take(80).collect() };
    match (line.map(letters), row.map(letters)) {
        (None, _) => true,
        (Some(line), Some(row)) => line.starts_with(&row) || row.starts_with(&line),
        (Some(line), None) => line.is_empty(),
    }
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
    let service_roles: HashSet<Text> = of_cloudformation.filter_map(|call| call.role_arn.clone()).collect();
    let roles_of_stack: HashSet<&str> = resources
        .iter()
        .filter(|resource| &*resource.resource_type == "AWS::IAM::Role")
        .map(|resource| &*resource.physical_id)
        .collect();
    events.retain(|event| {
        let Some(call) = event.call.as_ref().filter(|call| call.read_only) else { return true };
        let role = call.identity.role_arn.as_ref();
        let refused = event.error.as_deref().is_some_and(denial);
        event.action.starts_with("AssumeRole") && (!refused || event.stack_id.is_some())
            || call.identity.is_cloudformation()
            || role.is_some_and(|role| service_roles.contains(role))
            || call.identity.role_name().is_some_and(|role| roles_of_stack.contains(role))
    });
}

/// The order of a timeline.
fn order(a: &Event, b: &Event, oldest_first: &HashSet<Text>) -> Ordering {
    a.at.cmp(&b.at)
        .then_with(|| phase(a).cmp(&phase(b)))
        .then_with(|| sources::rank(a.source).cmp(&sources::rank(b.source)))
        .then_with(|| a.record.file.cmp(&b.record.file))
        .then_with(|| match oldest_first.contains(&a.record.file) {
            true => a.record.index.cmp(&b.record.index),
            false => b.record.index.cmp(&a.record.index),
        })
}

/// AWS's lists are newest first, but a trail's records and logs are not: the files whose records run forwards.
fn files_oldest_first(capture: &Capture) -> HashSet<Text> {
    let runs_forwards = |file: &&RecordFile| {
        let newest_first = matches!(file.source, "stack_events" | "operation_events" | "scaling_activities");
        let of_trail = || file.iter().next().is_some_and(|(_, record)| !record.contains("\"EventName\""));
        !newest_first && (file.source != "cloudtrail" || of_trail())
    };
    capture.files.iter().filter(runs_forwards).map(|file| file.name.clone()).collect()
}

/// Among events of one instant: what begins, what ends well, what fails, what is cancelled for it, what sums it up, and
/// last what ends the whole.
fn phase(event: &Event) -> u8 {
    match event.source {
        // A call comes before what it sets off.
        "cloudtrail" => return 0,
        // A log tells of what has happened, and its lines stay in their own order.
        "deploy_log" => return 6,
        _ if event.is_of_stack_itself() && event.outcome == Outcome::Succeeded => return 5,
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
