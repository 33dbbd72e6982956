//! The story as spans of OpenTelemetry: the deployment, in it its operations, in them their resources, nested stacks
//! in the resource that stands for them. The same story has the same ids, so that sending it twice adds nothing.
//! Source: OTLP 1.x, "JSON Protobuf Encoding"; OpenTelemetry semantic conventions, `deployment`, `cloud`, `exception`,
//! `user`.

use super::super::{gaps, json};
use crate::actor::Verdict;
use crate::model::{Outcome, Time, status, time};
use crate::operation::Ending;
use crate::report::{Answer, Chart, KeyMoment, Lane, RootCauseReport, Track, words};
use hashbrown::HashMap;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Write};

/// The version of the semantic conventions that the attributes' names are from.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.27.0";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'r> {
    resource_spans: [ResourceSpans<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'r> {
    resource: Resource<'r>,
    scope_spans: [ScopeSpans<'r>; 1],
    schema_url: &'static str,
}

#[derive(Serialize)]
struct Resource<'r> {
    attributes: Vec<Attribute<'r>>,
}

#[derive(Serialize)]
struct ScopeSpans<'r> {
    scope: Scope,
    spans: Vec<Span<'r>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'r> {
    trace_id: &'r str,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: String,
    /// Internal: nothing was called over a network by what the span stands for.
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'r>>,
    events: Vec<SpanEvent<'r>>,
    status: Status<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpanEvent<'r> {
    time_unix_nano: String,
    name: &'r str,
    attributes: Vec<Attribute<'r>>,
}

/// 1 is OK, 2 an error; without a code it is not set.
#[derive(Default, Serialize)]
struct Status<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'r, str>>,
}

#[derive(Serialize)]
struct Attribute<'r> {
    key: &'static str,
    value: Value<'r>,
}

#[derive(Serialize)]
enum Value<'r> {
    #[serde(rename = "stringValue")]
    Text(Cow<'r, str>),
    #[serde(rename = "doubleValue")]
    Number(f64),
    /// As a text: JSON's numbers hold no 64 bits.
    #[serde(rename = "intValue")]
    Count(String),
}

/// One span a line.
pub(super) fn document(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let chart = report.chart();
    let trace_id = trace_id(report);
    let spans = Teller::new(report, &trace_id, &chart).spans();
    let resource = [
        text("service.name", report.stack.or(Some("unknown_service"))),
        text("cloud.provider", Some("aws")),
        text("cloud.account.id", report.account),
        text("cloud.region", report.region),
    ];
    let document = Document {
        resource_spans: [ResourceSpans {
            resource: Resource { attributes: resource.into_iter().flatten().collect() },
            scope_spans: [ScopeSpans {
                scope: Scope { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") },
                spans,
            }],
            schema_url: CONVENTIONS,
        }],
    };
    json::document(&document, DEPTH_OF_SPANS, out)
}

/// So many brackets are around a span.
const DEPTH_OF_SPANS: usize = 6;

/// 16 bytes in hexadecimal: of the stack and the story's first operation.
fn trace_id(report: &RootCauseReport<'_>) -> String {
    let first = report.story.operations.first().map(|operation| operation.id);
    let stack = report.stack_id.or(report.stack).unwrap_or_default();
    digest(&[stack, first.unwrap_or_default()], 16)
}

fn digest(parts: &[&str], bytes: usize) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    let hash = hash.finalize();
    super::hexadecimal(hash.get(..bytes).unwrap_or_default())
}

fn text<'r>(key: &'static str, value: Option<&'r str>) -> Option<Attribute<'r>> {
    value.map(|value| Attribute { key, value: Value::Text(value.into()) })
}

fn owned<'r>(key: &'static str, value: String) -> Option<Attribute<'r>> {
    Some(Attribute { key, value: Value::Text(value.into()) })
}

struct Teller<'t, 'r> {
    report: &'r RootCauseReport<'r>,
    trace_id: &'r str,
    chart: &'t Chart<'r>,
    zero: Time,
    root: String,
    /// By the record that tells the failure.
    answers: HashMap<String, Answer<'r>>,
    /// AWS's words for each failure, by record.
    reasons: HashMap<&'r str, &'r str>,
    /// The logical id under which an operation (by its id) holds a nested stack (by its ARN).
    nested: HashMap<(&'r str, &'r str), &'r str>,
}

impl<'t, 'r> Teller<'t, 'r> {
    fn new(report: &'r RootCauseReport<'r>, trace_id: &'r str, chart: &'t Chart<'r>) -> Self {
        let nested = report.timeline.iter().filter(|event| event.resource_type == Some(status::STACK_TYPE));
        let failures = report.story.operations.iter().flat_map(|operation| &operation.failures);
        let told = report.story.moments.iter().find_map(|moment| time::parse(&moment.at));
        Self {
            report,
            trace_id,
            chart,
            zero: chart.from.or(told.map(|told| told.at)).unwrap_or_default(),
            root: digest(&[trace_id, "deployment"], 8),
            answers: report.answers().into_iter().map(|answer| (answer.failure.event.clone(), answer)).collect(),
            reasons: failures.filter_map(|failure| Some((&*failure.event, failure.reason?))).collect(),
            nested: nested
                .filter_map(|event| Some(((event.operation?, event.physical_id?), event.logical_id?)))
                .collect(),
        }
    }

    fn spans(mut self) -> Vec<Span<'r>> {
        let mut inner = Vec::new();
        // The first span of a resource in an operation stands for the nested stack.
        let mut resources: HashMap<(&str, &str), String> = HashMap::new();
        for (at, track) in self.chart.tracks.iter().enumerate() {
            let own = digest(&[self.trace_id, "operation", track.operation.id, &at.to_string()], 8);
            let parent = self.parent(track, &resources);
            let lanes: Vec<Span<'r>> =
                track.lanes.iter().enumerate().map(|(index, lane)| self.resource(track, lane, &own, index)).collect();
            for (lane, span) in track.lanes.iter().zip(&lanes) {
                resources.entry((track.operation.id, &lane.span.logical_id)).or_insert_with(|| span.span_id.clone());
            }
            resources.entry((track.operation.id, "")).or_insert_with(|| own.clone());
            inner.push(self.operation(track, own, parent));
            inner.extend(lanes);
        }
        let mut spans = vec![self.deployment()];
        spans.append(&mut inner);
        spans
    }

    /// The resource that a nested stack is to its parent, else the parent's operation, else the deployment.
    fn parent(&self, track: &Track<'r>, resources: &HashMap<(&str, &str), String>) -> String {
        let found = track.operation.parent.and_then(|parent| {
            let logical_id = track.operation.stack_id.and_then(|id| self.nested.get(&(parent, id)));
            let resource = logical_id.and_then(|logical_id| resources.get(&(parent, *logical_id)));
            resource.or(resources.get(&(parent, "")))
        });
        found.unwrap_or(&self.root).clone()
    }

    /// The story as a whole, with its key moments and the failures that no other span tells.
    fn deployment(&mut self) -> Span<'r> {
        let report = self.report;
        let mut events: Vec<(i64, SpanEvent<'r>)> = report.story.moments.iter().filter_map(moment).collect();
        let mut left: Vec<Answer<'r>> = self.answers.drain().map(|(_, answer)| answer).collect();
        left.sort_by(|a, b| a.failure.event.cmp(&b.failure.event));
        events.extend(left.iter().filter_map(failure));
        events.sort_by_key(|(at, _)| *at);
        let zero = self.zero.timestamp_millis();
        let from = events.first().map_or(zero, |(at, _)| zero.min(*at));
        let end = self.millis(self.chart.length);
        let to = events.last().map_or(end, |(at, _)| end.max(*at));
        let not_seen: Vec<String> = report.limits.gaps.iter().map(gaps::said).collect();
        let attributes = [
            text("deployment.name", report.stack),
            text("deployment.id", report.story.operations.first().map(|operation| operation.id)),
            text("deployment.status", Some(self.outcome())),
            text("cloud.resource_id", report.stack_id),
            text("cfn.title", Some(&report.title)),
            owned("cfn.summary", report.summary.join(" ")),
            owned("cfn.not_seen", not_seen.join("; ")).filter(|_| !not_seen.is_empty()),
        ];
        let status = match (report.failed, report.blind) {
            (true, _) => Status { code: Some(2), message: Some(Cow::Borrowed(&report.title)) },
            (false, false) => Status { code: Some(1), message: None },
            (false, true) => Status::default(),
        };
        Span {
            trace_id: self.trace_id,
            span_id: self.root.clone(),
            parent_span_id: None,
            name: format!("deployment of {}", report.stack.unwrap_or("a stack")),
            kind: 1,
            start_time_unix_nano: nanos(from),
            end_time_unix_nano: nanos(to),
            attributes: attributes.into_iter().flatten().collect(),
            events: events.into_iter().map(|(_, event)| event).collect(),
            status,
        }
    }

    fn outcome(&self) -> &'static str {
        match (self.report.failed, self.report.blind) {
            (true, _) => "failed",
            (false, false) => "succeeded",
            (false, true) => "unknown",
        }
    }

    fn operation(&mut self, track: &Track<'r>, span_id: String, parent: String) -> Span<'r> {
        let operation = track.operation;
        let own = operation.failures.iter().filter(|failure| failure.operation.is_none_or(|id| id == operation.id));
        let left: Vec<Answer<'r>> = own.filter_map(|failure| self.answers.remove(&*failure.event)).collect();
        let actor = operation.actor.as_ref();
        let attributes = [
            text("deployment.id", Some(operation.id)),
            owned("deployment.name", format!("{} {}", words::word(operation.kind), operation.stack)),
            owned("deployment.status", words::code(operation.outcome)),
            text("cloud.resource_id", operation.stack_id),
            text("user.name", actor.filter(|actor| !is_automatic(actor.verdict)).and_then(|actor| actor.name)),
            actor.and_then(|actor| owned("cfn.actor.verdict", words::code(actor.verdict))),
            text("cfn.stack.name", Some(operation.stack)),
            text("cfn.stack.status", operation.status),
            Some(Attribute { key: "cfn.stack.incarnation", value: Value::Count(operation.incarnation.to_string()) }),
            owned("cfn.operation.kind", words::code(operation.kind)),
        ];
        let status = match operation.outcome {
            Ending::Failed | Ending::CutOff => {
                Status { code: Some(2), message: Some(words::outcome(operation).into()) }
            }
            Ending::Succeeded => Status { code: Some(1), message: None },
            Ending::InProgress | Ending::Unknown => Status::default(),
        };
        Span {
            trace_id: self.trace_id,
            span_id,
            parent_span_id: Some(parent),
            name: format!("{} {}", words::word(operation.kind), operation.stack),
            kind: 1,
            start_time_unix_nano: nanos(self.millis(track.bar.from)),
            end_time_unix_nano: nanos(self.millis(track.bar.to)),
            attributes: attributes.into_iter().flatten().collect(),
            events: left.iter().filter_map(failure).map(|(_, event)| event).collect(),
            status,
        }
    }

    fn resource(&mut self, track: &Track<'r>, lane: &Lane<'r>, parent: &str, index: usize) -> Span<'r> {
        let span = lane.span;
        let answer = self.answers.remove(&*span.record);
        let reason = self.reasons.get(&*span.record).copied();
        let attributes = [
            text("cfn.logical_id", Some(&span.logical_id)),
            text("cfn.resource_type", span.resource_type.as_deref()),
            text("cfn.stack.name", Some(track.operation.stack)),
            text("cfn.status", span.status.as_deref()),
            owned("cfn.outcome", words::code(span.outcome)),
            span.role.and_then(|role| owned("cfn.role", words::code(role))),
            text("cfn.reason", reason),
            text("cfn.waited_for", span.waited_for.as_deref()),
            text("cfn.record", Some(&span.record)),
        ];
        let status = match span.outcome {
            Outcome::Failed => Status { code: Some(2), message: reason.or(span.status.as_deref()).map(Cow::Borrowed) },
            Outcome::Succeeded => Status { code: Some(1), message: None },
            Outcome::Cancelled | Outcome::InProgress | Outcome::Noted => Status::default(),
        };
        Span {
            trace_id: self.trace_id,
            span_id: digest(&[parent, &span.logical_id, &index.to_string()], 8),
            parent_span_id: Some(parent.to_owned()),
            name: span.logical_id.clone(),
            kind: 1,
            start_time_unix_nano: nanos(self.millis(lane.bar.from)),
            end_time_unix_nano: nanos(self.millis(lane.bar.to)),
            attributes: attributes.into_iter().flatten().collect(),
            events: answer.iter().filter_map(failure).map(|(_, event)| event).collect(),
            status,
        }
    }

    /// Milliseconds since 1970.
    #[allow(clippy::cast_possible_truncation)] // milliseconds of a story fit
    fn millis(&self, seconds: f64) -> i64 {
        self.zero.timestamp_millis() + (seconds * 1000.0).round() as i64
    }
}

/// What CloudFormation does by itself no user did.
fn is_automatic(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::CloudFormation | Verdict::ParentStack)
}

/// AWS tells milliseconds.
fn nanos(millis: i64) -> String {
    if millis <= 0 { "0".to_owned() } else { format!("{millis}000000") }
}

fn at(text: &str) -> Option<i64> {
    Some(time::parse(text)?.at.timestamp_millis())
}

fn moment<'r>(moment: &'r KeyMoment) -> Option<(i64, SpanEvent<'r>)> {
    let at = at(&moment.at)?;
    let attributes = [
        owned("cfn.moment", words::code(moment.kind)),
        text("cfn.reason", moment.why.as_deref()),
        text("cfn.record", moment.record.as_deref()),
    ];
    let attributes = attributes.into_iter().flatten().collect();
    Some((at, SpanEvent { time_unix_nano: nanos(at), name: &moment.says, attributes }))
}

/// A failure as the conventions want exceptions.
fn failure<'r>(answer: &Answer<'r>) -> Option<(i64, SpanEvent<'r>)> {
    let at = at(&answer.failure.at)?;
    let cause = answer.cause();
    let attributes = [
        text("exception.type", Some(cause.map_or("unexplained", |cause| cause.cause))),
        text("exception.message", Some(answer.reason())),
        owned("cfn.cause", answer.says()),
        cause.map(|cause| Attribute { key: "cfn.cause.probability", value: Value::Number(cause.probability) }),
        text("cfn.property_path", answer.failure.property_path),
        text("cfn.construct_path", answer.failure.construct_path),
        owned("cfn.record", answer.failure.event.clone()),
    ];
    let attributes = attributes.into_iter().flatten().collect();
    Some((at, SpanEvent { time_unix_nano: nanos(at), name: "exception", attributes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    #[test]
    fn the_same_story_has_the_same_ids() {
        let written = |stack: &str| {
            let mut text = String::new();
            testing::with_report(stack, |report| text = testing::rendered(|out| document(report, out)));
            text
        };
        assert_eq!(written("Shop"), written("Shop"));
        let id = |text: &str| text.split("\"traceId\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_ne!(id(&written("Shop")), id(&written("Shop2")));
        let hostile = written(testing::HOSTILE);
        assert!(!hostile.chars().any(|c| c != '\n' && crate::render::escape::is_hidden(c)), "{hostile}");
        assert!(hostile.contains("\"exception.message\""), "{hostile}");
    }
}
