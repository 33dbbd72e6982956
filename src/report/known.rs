//! What the evidence tells for certain of a story, beyond its causes: what failed first and when, what was never tried,
//! what was still going on, whether it failed so before, who was refused meanwhile, what became of the stack.
//! Each fact cites its records. Read by people who have to write it down.

use super::Evidence;
use super::select::Selection;
use crate::actor::{Actor, Verdict};
use crate::diagnose::Diagnosis;
use crate::model::{Event, Outcome, Reason, Time, denial, status, time};
use crate::operation::{Ending, Kind, Operation, Role, Story, spans};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Fact {
    /// A sentence without a full stop.
    pub says: String,
    /// The records that tell it; not empty.
    pub records: Vec<String>,
}

/// More names than these make a sentence unreadable.
const NAMED: usize = 4;
/// A deleted stack's events can be read by its ARN for so long (CloudFormation user guide, "View deleted stacks").
const EVENTS_KEPT: TimeDelta = TimeDelta::days(90);
/// Minutes after which CI systems and pipelines commonly end a job (GitHub Actions: 360 unless set; CodeBuild and GitLab:
/// 60; rounder ones are set by people).
const JOB_LIMITS: [i64; 5] = [30, 45, 60, 120, 360];
/// Credentials of a role's session last an hour unless somebody asked for more (STS, AssumeRole, `DurationSeconds`).
const USUAL_SESSION: TimeDelta = TimeDelta::hours(1);

/// The facts, in the order in which they happened or matter.
pub(super) fn known(evidence: Evidence<'_>, selection: &Selection, diagnosis: &Diagnosis) -> Vec<Fact> {
    let Some(story) = &selection.story else { return Vec::new() };
    let known = Known { evidence, story, diagnosis };
    let mut facts = Vec::new();
    facts.extend(known.first_failure());
    facts.extend(known.same_as_before());
    facts.extend(known.never_tried());
    facts.extend(known.still_going_on());
    facts.extend(known.alibis());
    facts.extend(known.refused_meanwhile());
    facts.extend(known.session());
    facts.extend(known.job_limit());
    facts.extend(known.what_became_of_it());
    facts
}

struct Known<'a> {
    evidence: Evidence<'a>,
    story: &'a Story,
    diagnosis: &'a Diagnosis,
}

impl<'a> Known<'a> {
    fn event(&self, index: usize) -> Option<&'a Event> {
        self.evidence.timeline.events.get(index)
    }

    fn operations(&self) -> impl Iterator<Item = &'a Operation> {
        self.story.operations.iter().filter_map(|index| self.evidence.history.operations.get(*index))
    }

    fn actor(&self, index: usize) -> Option<&'a Actor> {
        self.evidence.actors.get(index)
    }

    fn fact(&self, says: String, events: &[usize]) -> Option<Fact> {
        let records: Vec<String> =
            events.iter().filter_map(|index| self.event(*index)).map(|event| event.record.to_string()).collect();
        (!records.is_empty()).then_some(Fact { says, records })
    }

    /// `Api failed first, 12 min 04 s after the operation had begun, after 9 min of its own`.
    fn first_failure(&self) -> Option<Fact> {
        let first = self.diagnosis.failing.first()?;
        let event = self.event(first.event).filter(|event| event.is_stack_event() && !event.is_of_stack_itself())?;
        // Where the day is not known, nothing is gained by its times.
        (!event.approximate).then_some(())?;
        let operation = self.evidence.history.operations.get(first.operation)?;
        let rows = self.evidence.timeline.events.iter().enumerate();
        let began = rows.filter(|(_, row)| {
            row.is_stack_event()
                && row.stack_id == event.stack_id
                && row.logical_id == event.logical_id
                && (operation.started_at..event.at).contains(&row.at)
        });
        let began = began.map(|(index, row)| (index, row.at)).next();
        let since = |from: Time| length(event.at - from);
        let own = began.map_or(String::new(), |(_, at)| format!(", after {} of its own", since(at)));
        let what = event.logical_id.as_deref().unwrap_or("the stack");
        let says = format!("{what} failed first, {} after the operation had begun{own}", since(operation.started_at));
        let mut records = vec![first.event];
        records.extend(began.map(|(index, _)| index));
        self.fact(says, &records)
    }

    /// An earlier story of the stack that failed at the same resource with the same words.
    fn same_as_before(&self) -> Option<Fact> {
        let root = self.event(self.diagnosis.failing.first()?.event)?;
        let began = self.operations().next()?.started_at;
        let history = self.evidence.history;
        let earlier = history.stories.iter().rev().filter(|story| story.name == self.story.name);
        let mut same = earlier
            .flat_map(|story| &story.operations)
            .filter_map(|index| history.operations.get(*index))
            .filter(|operation| operation.started_at < began)
            .filter_map(|operation| Some((operation, operation.root()?)))
            .filter(|(_, earlier)| self.event(*earlier).is_some_and(|event| is_alike(root, event)));
        let (operation, event) = same.next()?;
        let more = same.count();
        let times = if more == 0 { String::new() } else { format!(", and {more} times before that") };
        let at = time::text(operation.started_at);
        self.fact(format!("The same failure ended the {} of {at}{times}", operation.kind.word()), &[event])
    }

    /// Resources that were only cancelled: they may fail next time.
    fn never_tried(&self) -> Option<Fact> {
        let cancelled: Vec<usize> = self
            .operations()
            .filter(|operation| matches!(operation.kind, Kind::Create | Kind::Update | Kind::Import))
            .flat_map(|operation| &operation.failures)
            .filter(|failure| failure.role == Role::Cascade)
            .map(|failure| failure.event)
            .filter(|index| self.event(*index).is_some_and(|event| event.outcome == Outcome::Cancelled))
            .collect();
        let names = self.names(&cancelled);
        let were = match names.len() {
            0 => return None,
            1 => "was cancelled before it was",
            _ => "were cancelled before they were",
        };
        let says = format!("{} {were} tried to the end: a further failure may wait there", listed(&names));
        self.fact(says, cancelled.get(..NAMED).unwrap_or(&cancelled))
    }

    /// What was in progress when the story's end, or the end of the evidence, came.
    fn still_going_on(&self) -> Option<Fact> {
        let operation =
            self.operations().find(|operation| matches!(operation.ending, Ending::CutOff | Ending::InProgress))?;
        let last = operation.events.iter().filter_map(|index| self.event(*index)).map(|event| event.at).max()?;
        let end = operation.ended_at.unwrap_or(last).max(last);
        let open: Vec<_> = spans(self.evidence.timeline, operation)
            .into_iter()
            .filter(|span| span.outcome == Outcome::InProgress)
            .collect();
        let names: Vec<String> =
            open.iter().map(|span| format!("{} ({})", span.logical_id, length(end - span.started_at))).collect();
        let rows: Vec<usize> = open
            .iter()
            .filter_map(|span| {
                operation.events.iter().copied().rfind(|index| {
                    self.event(*index).is_some_and(|event| {
                        event.is_stack_event() && event.logical_id.as_ref() == Some(&span.logical_id)
                    })
                })
            })
            .take(NAMED)
            .collect();
        let when = if operation.ending == Ending::CutOff { "when it was cut off" } else { "when the evidence ends" };
        (!names.is_empty()).then(|| self.fact(format!("Still in progress {when}: {}", listed(&names)), &rows))?
    }

    /// Where nobody saw what failed: what its own service says was done, and so was not it.
    fn alibis(&self) -> Option<Fact> {
        if !self.diagnosis.failing.is_empty() {
            return None;
        }
        let done = self.operations().flat_map(|operation| &operation.events).copied().filter(|index| {
            self.event(*index).is_some_and(|event| {
                event.outcome == Outcome::Succeeded
                    && matches!(event.source, "rds_events" | "ecs_services")
                    && matches!(&*event.action, "CREATE" | "STEADY")
            })
        });
        let done: Vec<usize> = done.take(NAMED).collect();
        let named = done
            .iter()
            .filter_map(|index| self.event(*index))
            .filter_map(|event| event.logical_id.as_deref().or(event.physical_id.as_deref()));
        let names: BTreeSet<String> = named.map(str::to_owned).collect();
        let names: Vec<String> = names.into_iter().collect();
        self.fact(format!("Its own service says that it was done: {}", listed(&names)), &done)
    }

    /// Calls to CloudFormation by others that were refused while the story went on: two deployments of one stack.
    fn refused_meanwhile(&self) -> Option<Fact> {
        let index = *self.story.operations.first()?;
        let operation = self.evidence.history.operations.get(index)?;
        let starter = self.actor(index).and_then(|actor| actor.call).and_then(|call| self.event(call));
        let refused = operation.events.iter().copied().find(|index| {
            self.event(*index).is_some_and(|event| {
                // A call that lacked a permission did not meet anything.
                event.error.as_deref().is_some_and(|error| !denial(error))
                    && matches!(&*event.action, "CreateStack" | "UpdateStack" | "CreateChangeSet" | "ExecuteChangeSet")
                    && event.call.as_ref().is_some_and(|call| {
                        &*call.service == "cloudformation.amazonaws.com"
                            && !call.read_only
                            && starter
                                .and_then(|event| event.call.as_ref())
                                .is_none_or(|start| start.identity != call.identity)
                    })
            })
        })?;
        let event = self.event(refused)?;
        let who = event.actor.as_deref().unwrap_or("somebody");
        let says = format!(
            "{who} called {} on the stack while it was at work, and was refused: two deployments met",
            event.action
        );
        self.fact(says, &[refused])
    }

    /// How old the starter's session was when its credentials were refused.
    fn session(&self) -> Option<Fact> {
        let first = self.diagnosis.hypotheses().next().filter(|first| first.cause == "credentials.invalid")?;
        let failed = self.event(first.root)?;
        let call = self.story.operations.first().and_then(|index| self.actor(*index)).and_then(|actor| actor.call)?;
        let issued = self.event(call)?.call.as_ref()?.identity.session_since?;
        let age = failed.at - issued;
        let limit =
            if age >= USUAL_SESSION { ", longer than the hour that a role's session usually lasts" } else { "" };
        self.fact(
            format!("The session that began the operation was {} old then{limit}", length(age)),
            &[call, first.root],
        )
    }

    /// How long the operation had been going on when the tool or the job stopped waiting.
    fn job_limit(&self) -> Option<Fact> {
        let first = self.diagnosis.hypotheses().next().filter(|first| first.cause == "timeout.client-wait")?;
        let stopped = self.event(first.root).filter(|event| !event.approximate)?;
        let operation = self.operations().next()?;
        let begun = *operation.events.first()?;
        let waited = stopped.at - operation.started_at;
        // A job does other things before it deploys, so that the operation is somewhat shorter than the limit.
        let limit = JOB_LIMITS.into_iter().find(|limit| {
            let minutes = waited.num_minutes();
            (limit - limit / 5..=*limit).contains(&minutes)
        });
        let limit = match (told_minutes(stopped.text()), limit) {
            (Some(told), _) => format!("; the limit was {told} minutes for the whole job"),
            (None, Some(limit)) => format!(", which fits a limit of {limit} minutes for the job"),
            (None, None) => String::new(),
        };
        let says = format!("The operation had been going on for {} when its tool stopped{limit}", length(waited));
        (waited > TimeDelta::zero()).then(|| self.fact(says, &[begun, first.root]))?
    }

    fn what_became_of_it(&self) -> Option<Fact> {
        let (index, last) = self
            .story
            .operations
            .iter()
            .filter_map(|index| Some((*index, self.evidence.history.operations.get(*index)?)))
            .next_back()?;
        let row =
            last.events.iter().copied().rfind(|index| self.event(*index).is_some_and(Event::is_of_stack_itself))?;
        let status = self.event(row).filter(|row| !row.approximate)?.status.as_deref()?;
        let at = time::text(self.event(row)?.at);
        if status::in_progress(status) {
            return self.fact(format!("The last that is known of the stack is {status}, since {at}"), &[row]);
        }
        if last.kind != Kind::Delete || status != "DELETE_COMPLETE" {
            return self.fact(format!("The stack was left in {status} at {at}"), &[row]);
        }
        let by =
            self.actor(index).filter(|actor| actor.verdict != Verdict::Unknown).and_then(|actor| actor.name.as_deref());
        let by = by.map_or(String::new(), |by| format!(" by {by}"));
        let kept = time::text(self.event(row)?.at + EVENTS_KEPT);
        self.fact(format!("The stack was deleted{by} at {at}; its events can be read by its ARN until {kept}"), &[row])
    }

    /// The logical ids, each once, in order of name.
    fn names(&self, events: &[usize]) -> Vec<String> {
        let names: BTreeSet<&str> =
            events.iter().filter_map(|index| self.event(*index)?.logical_id.as_deref()).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

/// The number in "the maximum execution time of 45 minutes".
fn told_minutes(text: &str) -> Option<&str> {
    let (before, _) = text.split_once(" minutes")?;
    before.rsplit(' ').next().filter(|number| number.chars().all(|c| c.is_ascii_digit()) && !number.is_empty())
}

/// The same resource failed with the same words. The ids that AWS appends to them, and those within (a word with a digit
/// in it), differ each time.
fn is_alike(a: &Event, b: &Event) -> bool {
    fn words(event: &Event) -> Vec<&str> {
        let message = Reason::read(event.text()).message;
        let said = message.split(" (Service: ").next().unwrap_or(message);
        said.split_whitespace().filter(|word| !word.contains(|c: char| c.is_ascii_digit())).collect()
    }
    a.logical_id == b.logical_id && a.logical_id.is_some() && words(a) == words(b)
}

fn listed(names: &[String]) -> String {
    match names.len() {
        0..=NAMED => names.join(", "),
        count => format!("{} and {} more", names.get(..NAMED).unwrap_or_default().join(", "), count - NAMED),
    }
}

fn length(delta: TimeDelta) -> String {
    #[allow(clippy::cast_precision_loss)] // whole seconds of an operation
    time::length(delta.num_seconds() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RecordRef;

    fn failed(logical_id: &str, reason: &str) -> Event {
        let record = RecordRef { file: "stack_events".into(), index: 0 };
        let mut event =
            Event::new(chrono::DateTime::UNIX_EPOCH, "stack_events", record, "CREATE".into(), Outcome::Failed);
        event.logical_id = Some(logical_id.into());
        event.message = Some(reason.into());
        event
    }

    #[test]
    fn the_same_failure_is_known_again_whatever_its_ids() {
        let first = "Resource handler returned message: \"CIDR block 10.0.0.0/99 is malformed (Service: Ec2, Status Code: 400, Request ID: 0a1b2c3d-aaaa-4000-8000-00000000000f) (SDK Attempt Count: 1)\" (RequestToken: ffee, HandlerErrorCode: InvalidRequest)";
        let again = "Resource handler returned message: \"CIDR block 10.0.0.0/99 is malformed (Service: Ec2, Status Code: 400, Request ID: 9f8e7d6c-bcde-4000-8000-0000000000a1) (SDK Attempt Count: 1)\" (RequestToken: abcd, HandlerErrorCode: InvalidRequest)";
        let other = "Resource handler returned message: \"The maximum number of rules has been reached (Service: Ec2, Status Code: 400, Request ID: 9f8e7d6c-bcde-4000-8000-0000000000a2)\" (RequestToken: abcd, HandlerErrorCode: ServiceLimitExceeded)";
        for (logical_id, reason, expected) in [
            ("Ingress", again, true),
            ("Ingress", other, false),
            ("Egress", again, false),
            ("Ingress", "CIDR block 10.0.0.0/99 is malformed", true),
        ] {
            assert_eq!(is_alike(&failed("Ingress", first), &failed(logical_id, reason)), expected, "{reason}");
        }
    }
}
