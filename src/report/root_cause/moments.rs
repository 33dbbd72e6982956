//! The key moments of a story: the few events by which a person retells it, in order, out of thousands.
//! It picks by what an event is to the story (asked for, failed, given up, ended), never by its wording.
//! Part of the root-cause report.

use super::Material;
use crate::model::{Event, Outcome, RecordRef, Time, status, time};
use crate::operation::{Operation, Role};
use crate::report::EventEntry;
use crate::report::words;
use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

/// One of the moments by which the story is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeyMoment {
    /// When: `2026-11-18T12:38:16.000Z`.
    pub at: String,
    /// Since the story's first operation began: `+00:12:03`.
    pub elapsed: String,
    /// What it is to the story.
    pub kind: MomentKind,
    /// What happened, in one line.
    pub says: String,
    /// AWS's words for it, shortened; none where it has none.
    pub why: Option<String>,
    /// The record that tells it.
    pub record: Option<String>,
}

/// What a moment is to the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum MomentKind {
    /// Somebody asked for it.
    Asked,
    /// A call was refused.
    Refused,
    /// A resource or the stack failed by itself.
    Failed,
    /// Resources were given up because of a failure.
    Cancelled,
    /// A record of another source that speaks for the cause.
    Evidence,
    /// Nothing was heard for long.
    Silence,
    /// The stack entered another state.
    State,
    /// An operation ended.
    Ended,
}

/// A table of more rows is not read.
const MOST: usize = 15;
/// Failures of one operation beyond these are folded.
const MOST_FAILURES: usize = 4;
/// Characters of AWS's words.
const WORDS: usize = 300;
/// Names in one line.
const NAMED: usize = 5;

/// A moment that may be told; the lower its class, the more it matters.
struct Candidate {
    class: u8,
    at: Time,
    event: usize,
    moment: KeyMoment,
}

/// The moments, in order of time.
pub(super) fn moments(material: &Material<'_, '_>) -> Vec<KeyMoment> {
    let teller = Teller { material, zero: zero(material) };
    let mut told: HashMap<usize, Candidate> = HashMap::new();
    for candidate in teller.candidates() {
        match told.get(&candidate.event) {
            Some(other) if other.class <= candidate.class => {}
            _ => {
                told.insert(candidate.event, candidate);
            }
        }
    }
    let mut told: Vec<Candidate> = told.into_values().collect();
    told.sort_by_key(|candidate| (candidate.class, candidate.at, candidate.event));
    told.truncate(MOST);
    told.sort_by_key(|candidate| (candidate.at, candidate.event));
    told.into_iter().map(|candidate| candidate.moment).collect()
}

/// When the story's first operation began: what relative times count from.
fn zero(material: &Material<'_, '_>) -> Time {
    let operations = &material.evidence.history.operations;
    let first = material.selection.operations.iter().filter_map(|index| operations.get(*index));
    first.map(|operation| operation.started_at).min().unwrap_or_default()
}

struct Teller<'t, 'm, 'a> {
    material: &'t Material<'m, 'a>,
    zero: Time,
}

impl<'a> Teller<'_, '_, 'a> {
    fn event(&self, index: usize) -> Option<&'a Event> {
        self.material.evidence.timeline.events.get(index)
    }

    fn candidates(&self) -> Vec<Candidate> {
        let mut all = Vec::new();
        for index in &self.material.selection.operations {
            let Some(operation) = self.material.evidence.history.operations.get(*index) else { continue };
            all.extend(self.asked(*index));
            all.extend(self.failures(operation));
            all.extend(self.cancelled(operation));
            all.extend(self.states(operation));
        }
        all.extend(self.calls());
        all.extend(self.evidence());
        all.extend(self.silences());
        all
    }

    fn candidate(&self, class: u8, event: usize, kind: MomentKind, says: String) -> Option<Candidate> {
        let told = self.event(event)?;
        Some(Candidate {
            class,
            at: told.at,
            event,
            moment: KeyMoment {
                at: time::text(told.at),
                elapsed: words::elapsed(self.zero, told.at),
                kind,
                says,
                why: None,
                record: Some(told.record.to_string()),
            },
        })
    }

    /// The same, with AWS's words.
    fn quoted(&self, class: u8, event: usize, kind: MomentKind, says: String) -> Option<Candidate> {
        let mut candidate = self.candidate(class, event, kind, says)?;
        let told = self.event(event)?;
        let why = words::reason(told.error.as_deref(), told.message.as_deref());
        candidate.moment.why = Some(shortened(&why)).filter(|why| !why.is_empty());
        Some(candidate)
    }

    /// The call that began an operation.
    fn asked(&self, operation: usize) -> Option<Candidate> {
        let actor = self.material.evidence.actors.get(operation)?;
        let call = actor.call?;
        let event = self.event(call)?;
        let who = actor.name.as_deref().unwrap_or("somebody");
        let by = actor.tool.map(|tool| format!(" ({tool})")).unwrap_or_default();
        if event.outcome == Outcome::Failed {
            let says = format!("{who}{by} calls {}, and is refused", event.action);
            return self.quoted(0, call, MomentKind::Refused, says);
        }
        self.candidate(0, call, MomentKind::Asked, format!("{who}{by} calls {}", event.action))
    }

    fn failures(&self, operation: &Operation) -> Vec<Candidate> {
        let real = operation.failures.iter().filter(|failure| failure.role.is_real());
        let told = real.take(MOST_FAILURES).filter_map(|failure| {
            let class = if failure.role == Role::Root { 0 } else { 1 };
            self.quoted(class, failure.event, MomentKind::Failed, self.what(failure.event))
        });
        told.collect()
    }

    /// All that were given up, at the moment of the first.
    fn cancelled(&self, operation: &Operation) -> Option<Candidate> {
        let given_up: Vec<usize> = operation
            .failures
            .iter()
            .filter(|failure| failure.role == Role::Cascade)
            .map(|failure| failure.event)
            .filter(|event| self.event(*event).is_some_and(|event| event.outcome == Outcome::Cancelled))
            .collect();
        let names: Vec<&str> =
            given_up.iter().filter_map(|event| self.event(*event)?.logical_id.as_deref()).take(NAMED).collect();
        let more = given_up.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let count = words::count(given_up.len(), "resource");
        let says = format!("{count} cancelled in consequence: {}{more}", names.join(", "));
        self.candidate(3, *given_up.first()?, MomentKind::Cancelled, says)
    }

    /// The states that the stack went through: the first and the last of an operation.
    fn states(&self, operation: &Operation) -> Vec<Candidate> {
        let own: Vec<usize> = operation
            .events
            .iter()
            .copied()
            .filter(|index| {
                self.event(*index).is_some_and(|event| event.is_stack_event() && event.is_of_stack_itself())
            })
            .collect();
        let mut told = Vec::new();
        if let Some(first) = own.first() {
            told.extend(self.candidate(4, *first, MomentKind::State, self.state(*first)));
        }
        if let Some(last) = own.last().filter(|_| own.len() > 1) {
            let rests = self.event(*last).is_some_and(|event| status::at_rest(event.status()));
            let (class, kind) = if rests { (1, MomentKind::Ended) } else { (4, MomentKind::State) };
            told.extend(self.candidate(class, *last, kind, self.state(*last)));
        }
        told
    }

    fn state(&self, index: usize) -> String {
        let event = self.event(index);
        let of = event.and_then(|event| event.logical_id.as_deref()).unwrap_or("the stack");
        format!("{of} is {}", event.map(Event::status).unwrap_or_default())
    }

    /// What else was asked of CloudFormation about the stack.
    fn calls(&self) -> Vec<Candidate> {
        let calls = self.material.selection.events.iter().copied().filter_map(|index| {
            let event = self.event(index)?;
            let call = event.call.as_ref()?;
            let is_control = &*call.service == "cloudformation.amazonaws.com" && !call.read_only;
            let who = event.actor.as_deref().unwrap_or("somebody");
            match event.outcome {
                Outcome::Failed if is_control => {
                    let says = format!("{who} calls {}, and is refused", event.action);
                    self.quoted(2, index, MomentKind::Refused, says)
                }
                _ if is_control => self.candidate(3, index, MomentKind::Asked, format!("{who} calls {}", event.action)),
                _ => None,
            }
        });
        calls.collect()
    }

    /// What speaks for the first hypothesis of each failure, from other records than the failure itself.
    fn evidence(&self) -> Vec<Candidate> {
        let first =
            self.material.diagnosis.explanations.iter().filter_map(|explanation| explanation.hypotheses.first());
        // The heaviest come first; what the same record says again is folded.
        let mut records: HashSet<&RecordRef> = HashSet::new();
        let pieces = first.flat_map(|hypothesis| hypothesis.evidence.iter()).filter(|piece| piece.decibans > 0.0);
        let told = pieces.filter_map(|piece| {
            let index = piece.ground.event()?;
            records
                .insert(&self.event(index)?.record)
                .then(|| self.quoted(2, index, MomentKind::Evidence, self.what(index)))?
        });
        told.collect()
    }

    /// The longest silence of each operation.
    fn silences(&self) -> Vec<Candidate> {
        let operations = self.material.answer.operations.iter().filter(|operation| operation.parent.is_none());
        // Where nothing is known to have gone on, nobody was silent.
        let longest = operations.filter_map(|operation| {
            let heard = operation.silences.iter().filter(|silence| !silence.in_progress.is_empty());
            heard.max_by(|a, b| a.seconds.total_cmp(&b.seconds))
        });
        let told = longest.filter_map(|silence| {
            let reference = RecordRef::parse(&silence.after)?;
            let events = &self.material.selection.events;
            let after = events
                .iter()
                .copied()
                .find(|index| self.event(*index).is_some_and(|event| event.record == reference))?;
            let mut candidate = self.candidate(4, after, MomentKind::Silence, words::silence(silence))?;
            // It is told beside the event that it follows, not instead of it.
            candidate.event = usize::MAX - after;
            Some(candidate)
        });
        told.collect()
    }

    fn what(&self, index: usize) -> String {
        let entry = self.event(index).map(|event| EventEntry::of(self.material.evidence, index, event));
        entry.map(|entry| words::what(&entry)).unwrap_or_default()
    }
}

/// The beginning of a long text, up to the end of a word.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(WORDS) else { return line };
    let cut = line.get(..end).unwrap_or_default();
    let whole = cut.rsplit_once(' ').map_or(cut, |(words, _)| words);
    format!("{whole} …")
}
