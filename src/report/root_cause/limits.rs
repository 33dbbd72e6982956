//! What the report rests on: the sources that were asked, how much each told and of what time, what was refused, and how
//! the evidence can be known again. It says what is missing as plainly as what is there.
//! Part of the root-cause report.

use super::Material;
use crate::model::{Event, Gap, Time, time};
use chrono::TimeDelta;
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// What the evidence is, and what it lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// When it was collected; none of a case made by hand.
    pub collected_at: Option<String>,
    /// Who collected it: an ARN.
    pub collected_by: Option<String>,
    /// The collection was interrupted: what is not there may still exist.
    pub partial: bool,
    /// How many API calls were made, by `service:Operation`. Empty of a case made by hand.
    pub calls: BTreeMap<String, u64>,
    /// SHA-256 that identifies the case (`docs/cases.md`, "Fingerprint"); none where the evidence was not kept.
    pub fingerprint: Option<String>,
    /// The sources that told something, in the order of the case format.
    pub sources: Vec<SourceSeen>,
    /// What could not be seen, and why.
    pub gaps: Vec<Gap>,
    /// IAM actions that were refused to whoever collected, sorted.
    pub permissions: Vec<String>,
    /// What may still have been under way when the evidence was collected, as sentences without a full stop.
    pub lag: Vec<String>,
}

/// What one source told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SourceSeen {
    /// The stem of its file: `stack_events`.
    pub source: String,
    /// How many records there are; 0 where it was asked and had none.
    pub records: usize,
    /// The time of its first event; none where no record tells of a moment.
    pub from: Option<String>,
    /// The time of its last event.
    pub to: Option<String>,
}

/// CloudTrail typically delivers within about 5 minutes, and says that it may take 15.
/// Source: CloudTrail user guide, "How CloudTrail works".
const CLOUDTRAIL_LAG: TimeDelta = TimeDelta::minutes(15);

/// What the evidence is.
pub(super) fn limits(material: &Material<'_, '_>, fingerprint: Option<String>) -> Limits {
    let manifest = material.capture.manifest.as_ref();
    let gaps = material.evidence.timeline.gaps.clone();
    Limits {
        collected_at: manifest.map(|manifest| manifest.captured_at.clone()).filter(|at| !at.is_empty()),
        collected_by: manifest.and_then(|manifest| manifest.caller.clone()),
        partial: manifest.is_some_and(|manifest| manifest.partial),
        calls: manifest.map(|manifest| manifest.calls.clone()).unwrap_or_default(),
        fingerprint,
        sources: sources(material),
        permissions: refused(&gaps),
        gaps,
        lag: lag(material),
    }
}

fn sources(material: &Material<'_, '_>) -> Vec<SourceSeen> {
    let mut times: BTreeMap<&str, (Time, Time)> = BTreeMap::new();
    for event in material.evidence.timeline.events.iter().filter(|event| !event.approximate) {
        let (first, last) = times.entry(event.source).or_insert((event.at, event.at));
        (*first, *last) = (event.at.min(*first), event.at.max(*last));
    }
    let mut seen: Vec<SourceSeen> = Vec::new();
    for file in &material.capture.files {
        match seen.last_mut().filter(|last| last.source == file.source) {
            Some(last) => last.records += file.records.len(),
            None => seen.push(SourceSeen {
                source: file.source.to_owned(),
                records: file.records.len(),
                from: times.get(file.source).map(|(first, _)| time::text(*first)),
                to: times.get(file.source).map(|(_, last)| time::text(*last)),
            }),
        }
    }
    seen
}

/// The actions in gaps such as `ecs:DescribeTasks was refused: AccessDenied`.
fn refused(gaps: &[Gap]) -> Vec<String> {
    static ACTION: OnceLock<Option<Regex>> = OnceLock::new();
    let action = ACTION.get_or_init(|| Regex::new(r"^([a-z0-9-]+:[A-Z][A-Za-z0-9]+) was refused").ok());
    let named = |gap: &Gap| Some(action.as_ref()?.captures(&gap.why)?.get(1)?.as_str().to_owned());
    gaps.iter().filter_map(named).collect::<BTreeSet<_>>().into_iter().collect()
}

fn lag(material: &Material<'_, '_>) -> Vec<String> {
    let captured = material.capture.manifest.as_ref().and_then(|manifest| time::parse(&manifest.captured_at));
    let Some(captured) = captured.map(|written| written.at) else { return Vec::new() };
    let events = material.selection.events.iter().filter_map(|index| material.evidence.timeline.events.get(*index));
    let last = events.filter(|event| !event.approximate && Event::is_stack_event(event)).map(|event| event.at).max();
    let Some(last) = last.filter(|last| captured - *last < CLOUDTRAIL_LAG) else { return Vec::new() };
    #[allow(clippy::cast_precision_loss)] // minutes
    let after = time::length((captured - last).num_seconds() as f64);
    vec![format!(
        "The evidence was collected {after} after the stack's last event, and CloudTrail may tell of a call up to 15 minutes late: collect again for the last calls"
    )]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_actions_are_named_once() {
        let gaps = [
            Gap::new("ecs_tasks", "ecs:DescribeTasks was refused: AccessDenied: no"),
            Gap::new("ecs_services", "ecs:DescribeTasks was refused: AccessDenied: no"),
            Gap::new("cloudtrail", "cloudtrail:LookupEvents was throttled to the end"),
            Gap::new("log_events", Gap::NOT_COLLECTED),
        ];
        assert_eq!(refused(&gaps), ["ecs:DescribeTasks"]);
    }
}
