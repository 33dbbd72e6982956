//! From records to one timeline: events of all sources, unique, in order, physical ids linked to logical ids.
//! It decides nothing about causes; what it could not read is a gap.
//! Everything right of the capture stands on it.

mod echo;
mod order;
mod unique;

use crate::link::link;
use crate::model::time::{self, Time};
use crate::model::{Capture, Event, Gap, Outcome, RecordFile, Text, denial, status};
use crate::sources::{self, KnownResource, Sink};
use echo::drop_echoes;
use hashbrown::HashSet;
use order::put_in_order;
use std::collections::BTreeMap;
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
    /// Where CDK's constructs stand in their application, by logical id; empty where no template tells.
    pub constructs: BTreeMap<Text, Text>,
}

/// The timeline of a capture.
pub fn build(capture: &Capture, options: Options) -> Timeline {
    let mut timeline =
        Timeline { gaps: capture.gaps.clone(), constructs: sources::construct_paths(capture), ..Timeline::default() };
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
    put_in_order(&mut timeline.events, capture);
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
