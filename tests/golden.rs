//! Every fixture is a case is a test: what its `case.toml` says by hand must be found, and what the tool prints is in
//! `expected.md` beside it (`SNAPSHOTS=overwrite` writes it anew; the difference is for a person to judge).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixture;

use cfn_forensics::model::time;
use cfn_forensics::operation;
use cfn_forensics::render::{self, DiagnosisFormat, StacksFormat, Style, TimelineFormat};
use cfn_forensics::report::{DiagnosisReport, StacksFilter, StacksReport, TimelineReport};
use fixture::{ExpectedOperation, Fixture, fixtures};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;

impl Fixture {
    fn record(&self, event: usize) -> String {
        self.told.timeline.events[event].record.to_string()
    }

    fn operations(&self) -> Vec<ExpectedOperation> {
        let told = &self.told;
        let of_stack = |index: usize| {
            let incarnation = &told.history.incarnations[told.history.operations[index].incarnation];
            incarnation.parent.is_none() && *incarnation.name == *self.expected.stack
        };
        (0..told.history.operations.len())
            .filter(|index| of_stack(*index))
            .map(|index| {
                let operation = &told.history.operations[index];
                ExpectedOperation {
                    kind: word(&operation.kind),
                    outcome: word(&operation.ending),
                    started_at: time::text(operation.started_at),
                    actor: told.actors[index].name.as_deref().unwrap_or_default().to_owned(),
                    verdict: word(&told.actors[index].verdict),
                    root: operation.root().map(|root| self.record(root)).unwrap_or_default(),
                }
            })
            .collect()
    }
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap().trim_matches('"').to_owned()
}

#[test]
fn operations_are_cut_and_their_actors_found() {
    for fixture in fixtures() {
        assert!(fixture.expected.story.len() > 80, "{}: tell the story", fixture.name);
        assert_eq!(fixture.operations(), fixture.expected.operation, "{}", fixture.name);
    }
}

#[test]
fn the_cause_and_the_root_are_found() {
    for fixture in fixtures() {
        let expected = &fixture.expected;
        let first = fixture.told.diagnosis.hypotheses().next();
        let cause = first.map_or("", |first| first.cause.as_str());
        let root = first.map(|first| fixture.record(first.root)).unwrap_or_default();
        assert_eq!((cause, root.as_str()), (expected.cause.as_str(), expected.root.as_str()), "{}", fixture.name);
        let evidence = fixture.told.evidence();
        let blind = DiagnosisReport::new(evidence, &fixture.told.selection, &fixture.told.diagnosis).blind;
        let exit = match (fixture.told.diagnosis.failed, fixture.told.diagnosis.is_explained()) {
            (false, _) if blind => 3,
            (false, _) => 0,
            (true, true) => 10,
            (true, false) => 11,
        };
        assert_eq!(exit, expected.exit_code, "{}", fixture.name);
        let independent: Vec<String> = fixture
            .told
            .diagnosis
            .failing
            .iter()
            .filter(|failing| failing.role == operation::Role::Independent)
            .map(|failing| fixture.record(failing.event))
            .collect();
        assert_eq!(independent, expected.independent, "{}", fixture.name);
        let refuted: Vec<&str> = fixture.told.diagnosis.refuted.iter().map(|theory| theory.cause.as_str()).collect();
        assert_eq!(refuted, expected.refuted, "{}", fixture.name);
    }
}

/// What the three verbs print for the fixture, as a page.
fn page(fixture: &Fixture) -> String {
    let evidence = fixture.told.evidence();
    let style = Style::plain(120);
    let text = |render: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        render(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let diagnosis = DiagnosisReport::new(evidence, &fixture.told.selection, &fixture.told.diagnosis);
    let stacks = StacksReport::new(evidence, &StacksFilter::default());
    let timeline = TimelineReport::new(evidence, &fixture.told.selection);
    let diagnosis = text(&|out| render::diagnosis(&diagnosis, DiagnosisFormat::Text, &style, out).unwrap());
    let stacks = text(&|out| render::stacks(&stacks, StacksFormat::Table, &style, out).unwrap());
    let timeline = text(&|out| render::timeline(&timeline, TimelineFormat::Table, &style, out).unwrap());
    format!(
        "# {}\n\n## diagnose\n\n```text\n{diagnosis}```\n\n## stacks\n\n```text\n{stacks}```\n\n## timeline\n\n```text\n{timeline}```\n",
        fixture.name.trim_start_matches("fixtures/")
    )
}

#[test]
fn every_fixture_prints_what_it_printed() {
    for fixture in fixtures() {
        let expected = snapbox::Data::read_from(&Path::new(&fixture.name).join("expected.md"), None);
        snapbox::Assert::new().action_env("SNAPSHOTS").eq(page(&fixture), expected.raw());
    }
}

#[test]
fn every_claim_cites_a_record() {
    for fixture in fixtures() {
        let cited: BTreeSet<usize> = fixture
            .told
            .diagnosis
            .hypotheses()
            .chain(&fixture.told.diagnosis.refuted)
            .flat_map(|hypothesis| hypothesis.evidence.iter().filter_map(|evidence| evidence.ground.event()))
            .chain(fixture.told.selection.events.iter().copied())
            .collect();
        assert!(!cited.is_empty(), "{}", fixture.name);
        for event in cited {
            let reference = &fixture.told.timeline.events[event].record;
            assert!(fixture.told.capture.record(reference).is_some(), "{}: {reference} leads nowhere", fixture.name);
        }
    }
}
