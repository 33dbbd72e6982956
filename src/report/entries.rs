//! The parts that all reports share: events, operations, actors, failures, as they are written out.
//! Every key is always present; what is unknown is null.
//! Built by the reports, formatted by the renderers.

use super::Evidence;
use super::recovery::last_state;
use crate::actor::{Actor, Alternative, Basis, Link, Mark, Origin, Verdict};
use crate::model::time;
use crate::model::{Event, Outcome, TemplatePlace};
use crate::operation::{self, Ending, Failure, Kind, Operation, Role};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One event.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EventEntry<'a> {
    /// `2026-11-18T12:38:16.000Z`.
    pub at: String,
    /// The stem of the case file.
    pub source: &'a str,
    /// CloudTrail's eventName, else our verb.
    pub action: &'a str,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's status.
    #[serde(borrow)]
    pub status: Option<&'a str>,
    /// The name in the template.
    #[serde(borrow)]
    pub logical_id: Option<&'a str>,
    /// The id in the service.
    #[serde(borrow)]
    pub physical_id: Option<&'a str>,
    /// `AWS::RDS::DBInstance`.
    #[serde(borrow)]
    pub resource_type: Option<&'a str>,
    /// The user or session name as CloudTrail prints it.
    #[serde(borrow)]
    pub actor: Option<&'a str>,
    /// AWS's text, whole.
    #[serde(borrow)]
    pub message: Option<&'a str>,
    /// The record that tells it.
    pub record: String,
    /// The id of the operation that it belongs to.
    #[serde(borrow)]
    pub operation: Option<&'a str>,
    /// AWS's error code.
    #[serde(borrow)]
    pub error: Option<&'a str>,
    /// The stack's name.
    #[serde(borrow)]
    pub stack: Option<&'a str>,
    /// The stack's ARN.
    #[serde(borrow)]
    pub stack_id: Option<&'a str>,
    /// What it is among the failures of its operation.
    pub role: Option<Role>,
    /// The time is that of the record before it.
    pub approximate: bool,
}

impl<'a> EventEntry<'a> {
    /// The entry of an event.
    pub fn of(evidence: Evidence<'a>, index: usize, event: &'a Event) -> Self {
        let operation = evidence
            .history
            .operation_of
            .get(index)
            .copied()
            .flatten()
            .and_then(|operation| evidence.history.operations.get(operation));
        let incarnation = operation.and_then(|operation| evidence.history.incarnations.get(operation.incarnation));
        Self {
            at: time::text(event.at),
            source: event.source,
            action: &event.action,
            outcome: event.outcome,
            status: event.status.as_deref(),
            logical_id: event.logical_id.as_deref(),
            physical_id: event.physical_id.as_deref(),
            resource_type: event.resource_type.as_deref(),
            actor: event.actor.as_deref(),
            message: event.message.as_deref(),
            record: event.record.to_string(),
            operation: operation.map(|operation| &*operation.id),
            error: event.error.as_deref(),
            stack: event.stack_name.as_deref().or(incarnation.map(|incarnation| &*incarnation.name)),
            stack_id: event.stack_id.as_deref().or(incarnation.and_then(|incarnation| incarnation.stack_id.as_deref())),
            role: operation.and_then(|operation| role_of(operation, index)),
            approximate: event.approximate,
        }
    }
}

/// What the event is among the operation's failures, which are in order.
fn role_of(operation: &Operation, index: usize) -> Option<Role> {
    let at = operation.failures.binary_search_by_key(&index, |failure| failure.event).ok()?;
    operation.failures.get(at).map(|failure| failure.role)
}

/// One failure, in the one form that all outputs use.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FailureEntry<'a> {
    /// The record that tells it.
    pub event: String,
    /// Root, independent, cascade or summary.
    pub role: Role,
    /// The name in the template.
    #[serde(borrow)]
    pub logical_id: Option<&'a str>,
    /// `AWS::RDS::DBInstance`.
    #[serde(borrow)]
    pub resource_type: Option<&'a str>,
    /// AWS's status.
    #[serde(borrow)]
    pub status: Option<&'a str>,
    /// AWS's text, whole.
    #[serde(borrow)]
    pub reason: Option<&'a str>,
    /// When.
    pub at: String,
    /// The stack's name; for a failure in a nested stack the nested one's.
    #[serde(borrow)]
    pub stack: Option<&'a str>,
    /// The id of the operation that it is an event of.
    #[serde(borrow)]
    pub operation: Option<&'a str>,
    /// The property that a validation or a hook refused: `/Resources/Bucket/Properties/BucketName`.
    #[serde(borrow)]
    pub property_path: Option<&'a str>,
    /// Where CDK's construct stands in its application: `Shop/Db/Resource`.
    #[serde(borrow)]
    pub construct_path: Option<&'a str>,
    /// Where the resource, or the property that was refused, stands in its template; only the root-cause report looks.
    pub template: Option<TemplatePlace>,
}

impl<'a> FailureEntry<'a> {
    /// The entry of a failure.
    pub fn of(evidence: Evidence<'a>, failure: &Failure) -> Option<Self> {
        let event = evidence.timeline.events.get(failure.event)?;
        let operation = evidence.history.operation_of.get(failure.event).copied().flatten();
        let operation = operation.and_then(|operation| evidence.history.operations.get(operation));
        Some(Self {
            event: event.record.to_string(),
            role: failure.role,
            logical_id: event.logical_id.as_deref(),
            resource_type: event.resource_type.as_deref(),
            status: event.status.as_deref(),
            reason: event.message.as_deref(),
            at: time::text(event.at),
            stack: event.stack_name.as_deref(),
            operation: operation.map(|operation| &*operation.id),
            property_path: event.validation.as_ref().and_then(|validation| validation.path.as_deref()),
            construct_path: event
                .logical_id
                .as_ref()
                .and_then(|logical_id| evidence.timeline.constructs.get(logical_id))
                .map(|path| &**path),
            template: None,
        })
    }
}

/// Who started an operation.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ActorEntry<'a> {
    /// The user or session name as CloudTrail prints it; `AWS CloudFormation` for what it does by itself.
    #[serde(borrow)]
    pub name: Option<&'a str>,
    /// In what role.
    pub verdict: Verdict,
    /// How probable the verdict is among the alternatives, 0 to 1.
    pub odds: f64,
    /// How the call was found.
    pub basis: Basis,
    /// The tool that called.
    #[serde(borrow)]
    pub tool: Option<&'a str>,
    /// The record of the call.
    pub record: Option<String>,
    /// Person, CI or service behind the session.
    pub origin: Option<Cow<'a, Origin>>,
    /// From the caller back to the origin.
    pub chain: Cow<'a, [Link]>,
    /// What the verdict rests on.
    pub marks: Cow<'a, [Mark]>,
    /// The other readings, the most probable first.
    pub alternatives: Cow<'a, [Alternative]>,
    /// What would decide between them.
    pub decides: Cow<'a, [String]>,
}

impl<'a> ActorEntry<'a> {
    /// The entry of an actor.
    pub fn of(evidence: Evidence<'a>, actor: &'a Actor) -> Self {
        Self {
            name: actor.name.as_deref(),
            verdict: actor.verdict,
            odds: actor.odds,
            basis: actor.basis,
            tool: actor.tool,
            record: actor
                .call
                .and_then(|call| evidence.timeline.events.get(call))
                .map(|event| event.record.to_string()),
            origin: actor.origin.as_ref().map(Cow::Borrowed),
            chain: Cow::Borrowed(&actor.chain),
            marks: Cow::Borrowed(&actor.marks),
            alternatives: Cow::Borrowed(&actor.alternatives),
            decides: Cow::Borrowed(&actor.decides),
        }
    }
}

/// A resource's way through an operation.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SpanEntry {
    /// The name in the template.
    pub logical_id: String,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Option<String>,
    /// Its first event.
    pub started_at: String,
    /// Its last event.
    pub ended_at: Option<String>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's last status.
    pub status: Option<String>,
    /// What its end is among the failures of the operation.
    pub role: Option<Role>,
    /// The record of its end, else of its beginning.
    pub record: String,
    /// The resource whose end it waited for.
    pub waited_for: Option<String>,
}

/// More slow resources than these tell nothing new.
const SLOWEST: usize = 5;

/// The resources that took longest, the slowest first.
fn slowest(resources: &[SpanEntry]) -> Vec<SpanEntry> {
    let mut slowest: Vec<SpanEntry> =
        resources.iter().filter(|span| span.seconds.is_some_and(|seconds| seconds > 0.0)).cloned().collect();
    slowest.sort_by(|a, b| b.seconds.unwrap_or_default().total_cmp(&a.seconds.unwrap_or_default()));
    slowest.truncate(SLOWEST);
    slowest
}

/// A time in which nothing was heard.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SilenceEntry {
    /// From the last event before it.
    pub from: String,
    /// To the first event after it.
    pub to: String,
    /// How long it was.
    pub seconds: f64,
    /// The record of the event before it.
    pub after: String,
    /// What was in progress meanwhile.
    pub in_progress: Vec<String>,
}

/// One attempt on a stack.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OperationEntry<'a> {
    /// Unique in the case.
    pub id: &'a str,
    /// What it tried to do.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Ending,
    /// The stack's first event of it.
    pub started_at: String,
    /// Null while it is in progress.
    pub ended_at: Option<String>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's ARN.
    #[serde(borrow)]
    pub stack_id: Option<&'a str>,
    /// The number of the incarnation.
    pub incarnation: usize,
    /// The stack's last status in it.
    #[serde(borrow)]
    pub status: Option<&'a str>,
    /// The client request token.
    #[serde(borrow)]
    pub token: Option<&'a str>,
    /// Express mode: COMPLETE is reported before the resources are ready.
    pub express: bool,
    /// The id of the parent stack's operation.
    #[serde(borrow)]
    pub parent: Option<&'a str>,
    /// The id of the delete that cut it off.
    #[serde(borrow)]
    pub cut_off_by: Option<&'a str>,
    /// Who started it.
    #[serde(borrow)]
    pub actor: Option<ActorEntry<'a>>,
    /// In order of time.
    #[serde(borrow)]
    pub failures: Vec<FailureEntry<'a>>,
    /// In the order in which they began.
    pub resources: Vec<SpanEntry>,
    /// At most five of them, the slowest first.
    pub slowest: Vec<SpanEntry>,
    /// The logical ids that decided how long it took, first to last.
    pub critical_path: Vec<String>,
    /// Longer than a tenth of the operation.
    pub silences: Vec<SilenceEntry>,
}

#[allow(clippy::cast_precision_loss)] // milliseconds of an operation fit
fn seconds(span: chrono::TimeDelta) -> f64 {
    span.num_milliseconds() as f64 / 1000.0
}

impl<'a> OperationEntry<'a> {
    /// The entry of an operation.
    pub fn of(evidence: Evidence<'a>, index: usize) -> Option<Self> {
        let operation = evidence.history.operations.get(index)?;
        let incarnation = evidence.history.incarnations.get(operation.incarnation)?;
        let id = |index: Option<usize>| {
            index.and_then(|index| evidence.history.operations.get(index)).map(|operation| &*operation.id)
        };
        let spans = operation::spans(evidence.timeline, operation);
        let failed = operation
            .root()
            .and_then(|root| evidence.timeline.events.get(root))
            .and_then(|event| event.logical_id.as_deref());
        let critical_path =
            operation::critical_path(&spans, failed).into_iter().map(|span| span.logical_id.to_string()).collect();
        let silences = operation::silences(evidence.timeline, operation).into_iter().map(|silence| SilenceEntry {
            from: time::text(silence.from),
            to: time::text(silence.to),
            seconds: seconds(silence.to - silence.from),
            after: evidence
                .timeline
                .events
                .get(silence.after)
                .map(|event| event.record.to_string())
                .unwrap_or_default(),
            in_progress: silence.in_progress.iter().map(ToString::to_string).collect(),
        });
        let resources: Vec<SpanEntry> = spans
            .iter()
            .map(|span| (span, evidence.timeline.events.get(span.row)))
            .map(|(span, row)| SpanEntry {
                status: row.and_then(|row| row.status.as_deref()).map(str::to_owned),
                role: role_of(operation, span.row),
                record: row.map(|row| row.record.to_string()).unwrap_or_default(),
                logical_id: span.logical_id.to_string(),
                resource_type: span.resource_type.as_ref().map(ToString::to_string),
                started_at: time::text(span.started_at),
                ended_at: span.ended_at.map(time::text),
                seconds: span.duration().map(seconds),
                outcome: span.outcome,
                waited_for: span.waited_for.as_ref().map(ToString::to_string),
            })
            .collect();
        Some(Self {
            id: &operation.id,
            kind: operation.kind,
            outcome: operation.ending,
            started_at: time::text(operation.started_at),
            ended_at: operation.ended_at.map(time::text),
            seconds: operation.ended_at.map(|ended| seconds(ended - operation.started_at)),
            stack: &incarnation.name,
            stack_id: incarnation.stack_id.as_deref(),
            incarnation: incarnation.number,
            status: operation.status.as_deref(),
            token: operation.token.as_deref(),
            express: operation.express,
            parent: id(operation.parent),
            cut_off_by: id(operation.cut_off_by),
            actor: evidence.actors.get(index).map(|actor| ActorEntry::of(evidence, actor)),
            failures: operation.failures.iter().filter_map(|failure| FailureEntry::of(evidence, failure)).collect(),
            slowest: slowest(&resources),
            resources,
            critical_path,
            silences: silences.collect(),
        })
    }
}

/// One stack id that the name has had.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct IncarnationEntry<'a> {
    /// From 1, oldest first.
    pub number: usize,
    /// The stack's name.
    pub stack: &'a str,
    /// The stack's ARN.
    #[serde(borrow)]
    pub stack_id: Option<&'a str>,
    /// The parent's ARN, for a nested stack.
    #[serde(borrow)]
    pub parent: Option<&'a str>,
    /// The first that is known of it.
    pub created_at: String,
    /// When its deletion was complete.
    pub deleted_at: Option<String>,
    /// Its last known status.
    #[serde(borrow)]
    pub status: Option<&'a str>,
    /// The ids of its operations, oldest first.
    #[serde(borrow)]
    pub operations: Vec<&'a str>,
}

impl<'a> IncarnationEntry<'a> {
    /// The entry of an incarnation.
    pub fn of(evidence: Evidence<'a>, index: usize) -> Option<Self> {
        let incarnation = evidence.history.incarnations.get(index)?;
        let parent = incarnation.parent.and_then(|parent| evidence.history.incarnations.get(parent));
        Some(Self {
            number: incarnation.number,
            stack: &incarnation.name,
            stack_id: incarnation.stack_id.as_deref(),
            parent: parent.and_then(|parent| parent.stack_id.as_deref()),
            created_at: time::text(incarnation.created_at),
            deleted_at: incarnation.deleted_at.map(time::text),
            status: incarnation.status.as_deref().or_else(|| last_state(evidence, incarnation.stack_id.as_deref())),
            operations: incarnation
                .operations
                .iter()
                .filter_map(|operation| evidence.history.operations.get(*operation))
                .map(|operation| &*operation.id)
                .collect(),
        })
    }
}
