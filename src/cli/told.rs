//! A story with what the rules say of it: what every verb that says why starts from.

use super::Known;
use super::error::Failure;
use crate::diagnose::{Diagnosis, diagnose};
use crate::model::Capture;
use crate::report::select::{Question, Selection, select};
use crate::report::{DiagnosisReport, RootCauseReport};
use crate::rules::Catalogue;
use crate::sources::TemplatePlaces;

/// A story, diagnosed.
pub struct Told<'k> {
    known: &'k Known,
    /// All that is shown.
    selection: Selection,
    /// The story that is diagnosed.
    story: Selection,
    /// What the rules say.
    pub diagnosis: Diagnosis,
}

impl<'k> Told<'k> {
    /// Picks the story that was asked for, and diagnoses it.
    ///
    /// # Errors
    /// Where the question fits several stacks, or nothing.
    pub fn new(known: &'k Known, question: &Question, catalogue: &Catalogue) -> Result<Self, Failure> {
        let selection = select(&known.timeline, &known.history, question)?;
        let story = selection.clone().of_story(&known.history);
        let diagnosis = match &selection.story {
            Some(told) => diagnose(&known.timeline, &known.history, told, catalogue),
            None => Diagnosis::default(),
        };
        Ok(Self { known, selection, story, diagnosis })
    }

    /// The diagnosis as it is printed.
    pub fn answer(&self) -> DiagnosisReport<'_> {
        DiagnosisReport::new(self.known.evidence(), &self.story, &self.diagnosis)
    }

    /// The root-cause report, with the records of the capture that it cites. `fingerprint` identifies the case.
    pub fn report<'t>(&'t self, capture: &'t Capture, fingerprint: Option<String>) -> RootCauseReport<'t> {
        let (evidence, story) = (self.known.evidence(), &self.story);
        let mut report = RootCauseReport::new(evidence, &self.selection, story, &self.diagnosis, capture, fingerprint);
        let places = TemplatePlaces::of(capture);
        report.locate(|failure, stack_id| {
            places.find(failure.stack, stack_id, failure.logical_id?, failure.property_path)
        });
        report
    }
}
