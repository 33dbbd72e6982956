//! From records to one timeline: events of all sources, unique, in order, physical ids linked to logical ids.
//! It decides nothing about causes; what it could not read is a gap.
//! Everything right of the capture stands on it.

mod echo;
mod unique;

use crate::link::link;
use crate::model::time::{self, Time};
use crate::model::{Capture, Event, Gap, Outcome, RecordFile, Text, denial, status};
use crate::sources::{self, KnownResource, Sink};
use echo::drop_echoes;
use hashbrown::HashSet;
use std::cmp::Ordering;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use unique::{unique, unique_resources};

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
