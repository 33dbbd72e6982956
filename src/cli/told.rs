//! A story of a case with what the rules say of it: what the verbs that write something to be shared start from.

use super::Known;
use super::error::Failure;
use crate::diagnose::{Diagnosis, diagnose};
use crate::model::Capture;
use crate::report::RootCauseReport;
use crate::report::select::{Question, Selection, select};
use crate::rules::Catalogue;
use crate::sources::TemplatePlaces;

/// A story, diagnosed.
pub struct Told<'k> {
    known: &'k Known,
    capture: &'k Capture,
    /// All that is shown.
    selection: Selection,
    /// The story that is diagnosed.
    story: Selection,
    diagnosis: Diagnosis,
}

impl<'k> Told<'k> {
    /// Picks the story that was asked for, and diagnoses it.
    ///
    /// # Errors
    /// Where the question fits several stacks, or nothing.
    pub fn new(
        known: &'k Known,
        capture: &'k Capture,
        question: &Question,
        catalogue: &Catalogue,
    ) -> Result<Self, Failure> {
        let selection = select(&known.timeline, &known.history, question)?;
        let story = selection.clone().of_story(&known.history);
        let diagnosis = match &selection.story {
            Some(told) => diagnose(&known.timeline, &known.history, told, catalogue),
            None => Diagnosis::default(),
        };
        Ok(Self { known, capture, selection, story, diagnosis })
    }

    /// The root-cause report of it. `fingerprint` identifies the case.
    pub fn report(&self, fingerprint: Option<String>) -> RootCauseReport<'_> {
        let evidence = self.known.evidence();
        let (selection, story) = (&self.selection, &self.story);
        let mut report = RootCauseReport::new(evidence, selection, story, &self.diagnosis, self.capture, fingerprint);
        let places = TemplatePlaces::of(self.capture);
        report.locate(|failure, stack_id| {
            places.find(failure.stack, stack_id, failure.logical_id?, failure.property_path)
        });
        report
    }
}
