//! The story as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing draw: a process for each incarnation of a
//! stack, a thread for each resource, a slice for the time it waited and the time it was worked on, an instant for
//! each key moment. Source: the Trace Event Format, JSON Object Format.

use super::super::{gaps, json};
use crate::model::{Outcome, Time, time};
use crate::operation::{Ending, Role};
use crate::report::{Bar, Chart, Lane, OperationEntry, RootCauseReport, Track, words};
use hashbrown::HashMap;
use serde::Serialize;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'r> {
    trace_events: Vec<TraceEvent<'r>>,
    display_time_unit: &'static str,
    other_data: OtherData<'r>,
}

#[derive(Serialize)]
struct OtherData<'r> {
    title: &'r str,
    tool: &'r str,
    stack: Option<&'r str>,
    stack_id: Option<&'r str>,
    not_seen: Vec<String>,
}

/// Times are microseconds since 1970, in whole numbers.
#[derive(Serialize)]
struct TraceEvent<'r> {
    name: &'r str,
    ph: &'static str,
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<i64>,
    pid: usize,
    tid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    /// The scope of an instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cname: Option<&'static str>,
    args: Arguments<'r>,
}

#[derive(Default, Serialize)]
struct Arguments<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sort_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_for: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'r str>,
}

/// One event a line.
pub(super) fn document(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let chart = report.chart();
    let failures = report.story.operations.iter().flat_map(|operation| &operation.failures);
    let mut sheet = Sheet {
        reasons: failures.filter_map(|failure| Some((&*failure.event, failure.reason?))).collect(),
        ..Sheet::default()
    };
    if let Some(zero) = chart.from {
        chart.tracks.iter().for_each(|track| sheet.track(track, zero));
    }
    sheet.moments(report, &chart);
    let document = Document {
        trace_events: sheet.events,
        display_time_unit: "ms",
        other_data: OtherData {
            title: &report.title,
            tool: &report.tool,
            stack: report.stack,
            stack_id: report.stack_id,
            not_seen: report.limits.gaps.iter().map(gaps::said).collect(),
        },
    };
    json::document(&document, 2, out)
}

#[derive(Default)]
struct Sheet<'r> {
    events: Vec<TraceEvent<'r>>,
    /// AWS's words for each failure, by record.
    reasons: HashMap<&'r str, &'r str>,
    /// The process of each stack id, or name where the id is not known.
    processes: HashMap<&'r str, usize>,
    /// The threads of each name in a process, each with the time from which it is free.
    threads: HashMap<(usize, &'r str), Vec<(usize, i64)>>,
    last_thread: usize,
}

impl<'r> Sheet<'r> {
    fn track(&mut self, track: &Track<'r>, zero: Time) {
        let operation = track.operation;
        let pid = self.process(operation);
        let (from, to) = micros(zero, track.bar);
        let tid = self.thread(pid, OPERATIONS, from, to);
        let arguments = Arguments {
            status: operation.status,
            outcome: Some(words::code(operation.outcome)),
            operation: Some(operation.id),
            ..Arguments::default()
        };
        let colour = matches!(operation.outcome, Ending::Failed | Ending::CutOff).then_some("bad");
        self.slice(operation.kind.word(), "operation", (pid, tid), (from, to), colour, arguments);
        for lane in &track.lanes {
            self.lane(lane, operation.id, pid, zero);
        }
    }

    fn lane(&mut self, lane: &Lane<'r>, operation: &'r str, pid: usize, zero: Time) {
        let span = lane.span;
        let (from, to) = micros(zero, lane.bar);
        let waited_from = lane.waited_from.map(|seconds| micro(zero, seconds)).filter(|waited| *waited < from);
        let at = (pid, self.thread(pid, &span.logical_id, waited_from.unwrap_or(from), to));
        if let Some(waited) = waited_from {
            let arguments = Arguments {
                waited_for: span.waited_for.as_deref(),
                operation: Some(operation),
                ..Arguments::default()
            };
            self.slice("waiting", "waiting", at, (waited, from), Some("grey"), arguments);
        }
        let arguments = Arguments {
            status: span.status.as_deref(),
            outcome: Some(words::code(span.outcome)),
            role: span.role.map(words::code),
            reason: self.reasons.get(&*span.record).copied(),
            resource_type: span.resource_type.as_deref(),
            operation: Some(operation),
            record: Some(&span.record),
            ..Arguments::default()
        };
        let colour = match (span.role, span.outcome) {
            (Some(Role::Root | Role::Independent), _) => Some("terrible"),
            (_, Outcome::Failed) => Some("bad"),
            (_, Outcome::Cancelled) => Some("grey"),
            (_, Outcome::InProgress) => Some("yellow"),
            (_, Outcome::Succeeded | Outcome::Noted) => None,
        };
        self.slice(&span.logical_id, "resource", at, (from, to), colour, arguments);
    }

    fn slice(
        &mut self,
        name: &'r str,
        cat: &'static str,
        (pid, tid): (usize, usize),
        (from, to): (i64, i64),
        cname: Option<&'static str>,
        args: Arguments<'r>,
    ) {
        let dur = Some(to - from);
        self.events.push(TraceEvent { name, ph: "X", ts: from, dur, pid, tid, cat: Some(cat), s: None, cname, args });
    }

    /// The key moments, beside the story's first operation.
    fn moments(&mut self, report: &'r RootCauseReport<'_>, chart: &Chart<'r>) {
        let told = report.story.moments.iter().filter_map(|moment| Some((moment, time::parse(&moment.at)?.at)));
        let told: Vec<_> = told.collect();
        if told.is_empty() {
            return;
        }
        let pid = match chart.tracks.first() {
            Some(track) => self.process(track.operation),
            None => self.named_process(report.stack.unwrap_or_default(), report.title.clone()),
        };
        let tid = self.thread(pid, MOMENTS, i64::MIN, i64::MAX);
        for (moment, at) in told {
            let args = Arguments {
                outcome: Some(words::code(moment.kind)),
                reason: moment.why.as_deref(),
                record: moment.record.as_deref(),
                ..Arguments::default()
            };
            let (name, ts) = (&*moment.says, at.timestamp_micros());
            let (ph, cat, s) = ("i", Some("moment"), Some("p"));
            self.events.push(TraceEvent { name, ph, ts, dur: None, pid, tid, cat, s, cname: None, args });
        }
    }

    fn process(&mut self, operation: &'r OperationEntry<'r>) -> usize {
        let name = format!("{} (incarnation {})", operation.stack, operation.incarnation);
        self.named_process(operation.stack_id.unwrap_or(operation.stack), name)
    }

    /// The process of a stack; named when it is first asked for.
    fn named_process(&mut self, key: &'r str, name: String) -> usize {
        let next = self.processes.len() + 1;
        let pid = *self.processes.entry(key).or_insert(next);
        if pid == next {
            self.describe(PROCESS, (pid, 0), name, pid);
        }
        pid
    }

    /// A thread of this name that is free from `from` on: slices of one thread must not overlap.
    fn thread(&mut self, pid: usize, name: &'r str, from: i64, to: i64) -> usize {
        let threads = self.threads.entry((pid, name)).or_default();
        if let Some((tid, free)) = threads.iter_mut().find(|(_, free)| *free <= from) {
            *free = to;
            return *tid;
        }
        self.last_thread += 1;
        let tid = self.last_thread;
        threads.push((tid, to));
        self.describe(THREAD, (pid, tid), name.to_owned(), tid);
        tid
    }

    /// What a process or a thread is called and where it stands.
    fn describe(
        &mut self,
        (named, sorted): (&'static str, &'static str),
        (pid, tid): (usize, usize),
        name: String,
        place: usize,
    ) {
        let mut push = |event: &'static str, args: Arguments<'r>| {
            let (ph, ts, dur) = ("M", 0, None);
            self.events.push(TraceEvent { name: event, ph, ts, dur, pid, tid, cat: None, s: None, cname: None, args });
        };
        push(named, Arguments { name: Some(name), ..Arguments::default() });
        push(sorted, Arguments { sort_index: Some(place), ..Arguments::default() });
    }
}

/// The events that name and sort processes and threads.
const PROCESS: (&str, &str) = ("process_name", "process_sort_index");
const THREAD: (&str, &str) = ("thread_name", "thread_sort_index");
/// The thread of the operations of a stack, and that of the moments; no logical id has a blank.
const OPERATIONS: &str = "the stack";
const MOMENTS: &str = "key moments";

fn micros(zero: Time, bar: Bar) -> (i64, i64) {
    (micro(zero, bar.from), micro(zero, bar.to))
}

#[allow(clippy::cast_possible_truncation)] // microseconds of a story fit
fn micro(zero: Time, seconds: f64) -> i64 {
    zero.timestamp_micros() + (seconds * 1_000_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use crate::render::testing;
    use serde_json::Value;

    #[test]
    fn hostile_names_are_only_names() {
        testing::with_report(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| super::document(report, out));
            let trace: Value = serde_json::from_str(&text).unwrap();
            let events = trace["traceEvents"].as_array().unwrap();
            assert!(
                events.iter().any(|event| event["cname"] == "terrible" && event["args"]["reason"] == testing::MESSAGE)
            );
            assert!(events.iter().any(|event| event["ph"] == "i"));
            assert!(!text.chars().any(|c| c != '\n' && crate::render::escape::is_hidden(c)), "{text}");
        });
    }
}
