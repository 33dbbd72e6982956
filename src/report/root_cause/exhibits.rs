//! The records that the report cites, each as AWS returned it and with its page in the console.
//! Everything that is said anywhere in the report is looked up here; nothing is cited that is not.
//! Printed in the appendix, linked from every claim.

use super::super::entries::EventEntry;
use super::super::{Evidence, HypothesisEntry};
use super::{RootCauseReport, console};
use crate::model::{Capture, RecordRef};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// A cited record.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Exhibit<'a> {
    /// `cloudtrail#41`.
    pub record: String,
    /// What it tells; none of a record that tells of no moment.
    #[serde(borrow)]
    pub event: Option<EventEntry<'a>>,
    /// Its page in the AWS console, for who has the account open and while AWS keeps it.
    pub link: Option<String>,
    /// The record; null where it is too long, or is a line of text. JSON within its strings is shown as JSON.
    pub raw: Value,
    /// The line of text, or the beginning of a record that is too long.
    pub text: Option<String>,
}

/// A record is shown whole up to so many bytes; most have 2,000.
const WHOLE: usize = 20_000;

/// All records that the report cites.
pub(super) fn exhibits<'a>(
    report: &RootCauseReport<'a>,
    evidence: Evidence<'a>,
    capture: &'a Capture,
) -> Vec<Exhibit<'a>> {
    let cited = cited(report);
    let mut events: HashMap<&RecordRef, usize> = HashMap::new();
    for (index, event) in evidence.timeline.events.iter().enumerate() {
        // A record may tell of two moments, such as a stack's beginning and its state; the first stands for both.
        events.entry(&event.record).or_insert(index);
    }
    let mut exhibits: Vec<Exhibit<'a>> = cited
        .iter()
        .filter_map(|record| {
            let reference = RecordRef::parse(record)?;
            let (raw, text) = shown(capture.record(&reference)?);
            let index = events.get(&reference).copied();
            let event = index.and_then(|index| Some((index, evidence.timeline.events.get(index)?)));
            Some(Exhibit {
                record: record.clone(),
                link: event.and_then(|(_, event)| console::link(event, report.region)),
                event: event.map(|(index, event)| EventEntry::of(evidence, index, event)),
                raw,
                text,
            })
        })
        .collect();
    let at = |exhibit: &Exhibit<'_>| exhibit.event.as_ref().map(|event| event.at.clone());
    exhibits.sort_by_cached_key(|exhibit| (at(exhibit).is_none(), at(exhibit)));
    exhibits
}

/// Every reference that stands somewhere in the report, but for its timeline.
fn cited(report: &RootCauseReport<'_>) -> BTreeSet<String> {
    let mut cited = BTreeSet::new();
    let mut cite = |record: &str| {
        cited.insert(record.to_owned());
    };
    let failures = report.root_cause.failures.iter().chain(&report.root_cause.unexplained_failures);
    failures.for_each(|failure| cite(&failure.event));
    for hypothesis in report.root_cause.hypotheses.iter().chain(&report.root_cause.refuted) {
        records_of(hypothesis).for_each(&mut cite);
    }
    let inputs = &report.story.inputs;
    inputs.record.iter().chain(&inputs.values_record).for_each(|record| cite(record));
    report.known.iter().flat_map(|fact| &fact.records).for_each(|record| cite(record));
    report.impact.blockers.iter().flat_map(|fact| &fact.records).for_each(|record| cite(record));
    report.story.moments.iter().filter_map(|moment| moment.record.as_deref()).for_each(&mut cite);
    for actor in report.story.operations.iter().filter_map(|operation| operation.actor.as_ref()) {
        actor.record.as_deref().into_iter().for_each(&mut cite);
        let marks = actor.marks.iter().filter_map(|mark| mark.record.as_ref());
        let links = actor.chain.iter().filter_map(|link| link.record.as_ref());
        marks.chain(links).for_each(|record| cite(&record.to_string()));
    }
    cited
}

fn records_of<'h>(hypothesis: &'h HypothesisEntry<'_>) -> impl Iterator<Item = &'h str> {
    let of_evidence = hypothesis.evidence.iter().filter_map(|piece| piece.record.as_deref());
    hypothesis.root.as_deref().into_iter().chain(of_evidence)
}

/// A record as JSON, or as text where it is none or is too long.
fn shown(record: &str) -> (Value, Option<String>) {
    if record.len() > WHOLE {
        let end = (0..=WHOLE).rev().find(|end| record.is_char_boundary(*end)).unwrap_or_default();
        let beginning = record.get(..end).unwrap_or_default();
        return (Value::Null, Some(format!("{beginning}\n[{} bytes more]", record.len() - end)));
    }
    match serde_json::from_str::<Value>(record) {
        Ok(mut value) if value.is_object() || value.is_array() => {
            unfold(&mut value);
            (value, None)
        }
        _ => (Value::Null, Some(record.to_owned())),
    }
}

/// LookupEvents returns the call itself as JSON in a string (`CloudTrailEvent`), which nobody can read.
fn unfold(value: &mut Value) {
    if let Some(event) = value.get_mut("CloudTrailEvent")
        && let Some(Ok(unfolded)) = event.as_str().map(serde_json::from_str::<Value>)
    {
        *event = unfolded;
    }
}
