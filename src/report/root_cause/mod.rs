//! The root-cause report: the finished value that goes on the ticket, in the words and order that all its formats show.
//! It is built from a diagnosis, written to JSON and read back from it, so that redaction sees every text of it once.
//! Formatted by the `report` verb's renderers.

mod actions;
mod answers;
mod chart;
mod console;
mod exhibits;
mod impact;
mod inputs;
mod limits;
mod moments;
mod summary;
#[cfg(test)]
mod tests;

pub use actions::{Stage, When};
pub use answers::Answer;
pub use chart::{Bar, Chart, Lane, Track};
pub use exhibits::Exhibit;
pub use impact::{Fate, Impact, ResourceState};
pub use inputs::{Inputs, TemplateSeen};
pub use limits::{Limits, SourceSeen};
pub use moments::{KeyMoment, MomentKind};

use super::entries::{EventEntry, FailureEntry, IncarnationEntry, OperationEntry};
use super::recovery::last_state;
use super::select::Selection;
use super::{
    DiagnosisReport, Evidence, ExplanationEntry, Fact, HypothesisEntry, Question, Recovery, SCHEMA, TimelineReport,
    words,
};
use crate::diagnose::Diagnosis;
use crate::model::{Capture, TemplatePlace, arn};
use crate::operation::Incarnation;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// What happened to a stack, why, who did it, and what to do now.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RootCauseReport<'a> {
    /// The version of this output.
    pub schema: u32,
    /// The tool that wrote it, with its version: `cfn-forensics 0.1.0`.
    pub tool: String,
    /// One line: the stack and what became of it.
    pub title: String,
    /// The stack's name.
    #[serde(borrow)]
    pub stack: Option<&'a str>,
    /// The stack's ARN.
    #[serde(borrow)]
    pub stack_id: Option<&'a str>,
    /// Its account, of the ARN.
    #[serde(borrow)]
    pub account: Option<&'a str>,
    /// Its region, of the ARN.
    #[serde(borrow)]
    pub region: Option<&'a str>,
    /// The story failed or was cut off.
    pub failed: bool,
    /// Nothing that was seen failed, but the stack's own rows, which would tell, were not seen.
    pub blind: bool,
    /// The first hypothesis beats "none of these".
    pub explained: bool,
    /// What a manager reads: three to six sentences.
    pub summary: Vec<String>,
    /// What happened, by operations, with the key moments.
    #[serde(borrow)]
    pub story: Story<'a>,
    /// Why, with the evidence.
    #[serde(borrow)]
    pub root_cause: RootCause<'a>,
    /// What the evidence tells for certain.
    pub known: Vec<Fact>,
    /// What it does not tell, and how to find out.
    pub unknown: Vec<Question>,
    /// What to do, by when.
    pub plan: Vec<Stage>,
    /// What is left of the stack.
    pub impact: Impact,
    /// What was asked and what could not be seen.
    pub limits: Limits,
    /// All events of the story, in order.
    #[serde(borrow)]
    pub timeline: Vec<EventEntry<'a>>,
    /// The records that are cited, in order of time; those without a time last.
    #[serde(borrow)]
    pub exhibits: Vec<Exhibit<'a>>,
    /// What was replaced before this was written to be shared, by kind: `2 passwords`. Empty where nothing was.
    pub redacted: Vec<String>,
}

/// What happened.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Story<'a> {
    /// The stack's incarnations and those of its nested stacks, oldest first by name.
    #[serde(borrow)]
    pub incarnations: Vec<IncarnationEntry<'a>>,
    /// Oldest first, nested stacks' among them.
    #[serde(borrow)]
    pub operations: Vec<OperationEntry<'a>>,
    /// The ids of the stack's own operations that the report is about: those that failed, else the last.
    #[serde(borrow)]
    pub subjects: Vec<&'a str>,
    /// What the deployment was asked for with.
    pub inputs: Inputs,
    /// At most fifteen, in order of time.
    pub moments: Vec<KeyMoment>,
    /// How many events of the timeline are not among them.
    pub folded: usize,
}

/// Why it failed.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RootCause<'a> {
    /// The record of the most important failure; none where nothing failed.
    pub root: Option<String>,
    /// The failures of the stack's own operations, in order of time.
    #[serde(borrow)]
    pub failures: Vec<FailureEntry<'a>>,
    /// The most probable first, by explanation.
    #[serde(borrow)]
    pub hypotheses: Vec<HypothesisEntry<'a>>,
    /// The probability that none of the hypotheses explains the most important failure.
    pub unexplained: f64,
    /// For each failure that a rule knows, in the order of the hypotheses.
    pub explanations: Vec<ExplanationEntry>,
    /// Theories that the evidence contradicts.
    #[serde(borrow)]
    pub refuted: Vec<HypothesisEntry<'a>>,
    /// Failures that no hypothesis explains.
    #[serde(borrow)]
    pub unexplained_failures: Vec<FailureEntry<'a>>,
}

/// What the parts of the report are made from.
struct Material<'m, 'a> {
    evidence: Evidence<'a>,
    /// All that is shown.
    selection: &'a Selection,
    diagnosis: &'a Diagnosis,
    capture: &'a Capture,
    answer: &'m DiagnosisReport<'a>,
}

impl<'a> RootCauseReport<'a> {
    /// The report of a story: the part of what is shown (`selection`) that was diagnosed. `fingerprint` identifies the case,
    /// where there is one.
    pub fn new(
        evidence: Evidence<'a>,
        selection: &'a Selection,
        story: &'a Selection,
        diagnosis: &'a Diagnosis,
        capture: &'a Capture,
        fingerprint: Option<String>,
    ) -> Self {
        let answer = DiagnosisReport::new(evidence, story, diagnosis);
        let timeline = TimelineReport::new(evidence, selection);
        let material = Material { evidence, selection, diagnosis, capture, answer: &answer };
        let stack_id = material.stack_id();
        let impact = impact::impact(&material);
        let summary = summary::summary(&material, &impact);
        let moments = moments::moments(&material);
        let mut report = Self {
            schema: SCHEMA,
            tool: concat!("cfn-forensics ", env!("CARGO_PKG_VERSION")).to_owned(),
            title: summary::title(&material),
            stack: answer.stack,
            stack_id,
            account: stack_id.and_then(arn::account),
            region: stack_id.and_then(arn::region),
            failed: answer.failed,
            blind: answer.blind,
            explained: answer.explained,
            plan: actions::plan(&material, &impact),
            limits: limits::limits(&material, fingerprint),
            summary,
            impact,
            story: Story {
                incarnations: timeline.incarnations,
                folded: selection.events.len().saturating_sub(moments.len()),
                moments,
                inputs: inputs::inputs(&material),
                subjects: answer.subjects,
                operations: timeline.operations,
            },
            root_cause: RootCause {
                root: answer.root,
                failures: answer.failures,
                hypotheses: answer.hypotheses,
                unexplained: answer.unexplained,
                explanations: answer.explanations,
                refuted: answer.refuted,
                unexplained_failures: answer.unexplained_failures,
            },
            known: answer.known,
            unknown: answer.unknown,
            timeline: selection
                .events
                .iter()
                .filter_map(|index| Some(EventEntry::of(evidence, *index, evidence.timeline.events.get(*index)?)))
                .collect(),
            exhibits: Vec::new(),
            redacted: Vec::new(),
        };
        report.exhibits = exhibits::exhibits(&report, evidence, capture);
        report
    }

    /// Looks up where in their templates the failures stand: `find` is asked with each failure and its stack's ARN.
    pub fn locate(&mut self, find: impl Fn(&FailureEntry<'a>, Option<&str>) -> Option<TemplatePlace>) {
        let operations = &self.story.operations;
        let stacks: HashMap<&str, &str> =
            operations.iter().filter_map(|operation| Some((operation.id, operation.stack_id?))).collect();
        let own = self.root_cause.failures.iter_mut().chain(&mut self.root_cause.unexplained_failures);
        let listed = self.story.operations.iter_mut().flat_map(|operation| &mut operation.failures);
        for failure in own.chain(listed) {
            let stack_id = failure.operation.and_then(|id| stacks.get(id)).copied();
            failure.template = find(failure, stack_id);
        }
    }

    /// The resources of all operations as lanes over time.
    pub fn chart(&self) -> Chart<'_> {
        Chart::of(&self.story, self.timeline.last().map(|event| event.at.as_str()))
    }

    /// The failures that need an answer, with the best one there is; the root first, then in order of time.
    pub fn answers(&self) -> Vec<Answer<'_>> {
        answers::answers(self)
    }

    /// The operations that the report is about.
    pub fn subjects(&self) -> impl Iterator<Item = &OperationEntry<'a>> {
        self.story.operations.iter().filter(|operation| self.story.subjects.contains(&operation.id))
    }

    /// The cited record.
    pub fn exhibit(&self, record: &str) -> Option<&Exhibit<'a>> {
        self.exhibits.iter().find(|exhibit| exhibit.record == record)
    }

    /// The hypotheses of an explanation, the most probable first.
    pub fn hypotheses_of<'r>(
        &'r self,
        explanation: &'r ExplanationEntry,
    ) -> impl Iterator<Item = &'r HypothesisEntry<'a>> {
        let of_it = |held: &&HypothesisEntry<'_>| held.root.as_deref() == Some(&*explanation.root);
        self.root_cause.hypotheses.iter().filter(of_it)
    }

    /// What a failure is called: its name in the template, else its record.
    pub fn called<'r>(&'r self, record: &'r str) -> &'r str {
        let failure = self.root_cause.failures.iter().find(|failure| failure.event == record);
        failure.and_then(|failure| failure.logical_id).unwrap_or_else(|| words::told_by(record))
    }
}

impl<'a> Material<'_, 'a> {
    /// The incarnation that the story is about.
    fn incarnation(&self) -> Option<&'a Incarnation> {
        let history = self.evidence.history;
        let last = self.selection.operations.last().and_then(|index| history.operations.get(*index))?;
        history.incarnations.get(last.incarnation)
    }

    /// Its ARN.
    fn stack_id(&self) -> Option<&'a str> {
        self.incarnation()?.stack_id.as_deref()
    }

    /// Its last known status.
    fn status(&self) -> Option<&'a str> {
        let of_rows = || last_state(self.evidence, self.stack_id());
        self.incarnation()?.status.as_deref().or_else(of_rows)
    }

    fn recovery(&self) -> &Recovery {
        &self.answer.recovery
    }
}
