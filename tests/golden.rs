//! Every fixture is a case is a test: what its `case.toml` says by hand must be found, and what the tool prints is in
//! `expected.md` beside it (`SNAPSHOTS=overwrite` writes it anew; the difference is for a person to judge).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::actor::{self, Actor};
use cfn_forensics::case;
use cfn_forensics::diagnose::{Diagnosis, diagnose};
use cfn_forensics::model::{Capture, time};
use cfn_forensics::operation::{self, History};
use cfn_forensics::render::{self, DiagnosisFormat, StacksFormat, Style, TimelineFormat};
use cfn_forensics::report::select::{Question, Selection, select};
use cfn_forensics::report::{DiagnosisReport, Evidence, StacksFilter, StacksReport, TimelineReport};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::timeline::{self, Timeline};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

/// `case.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    story: String,
    stack: String,
    exit_code: u8,
    cause: String,
    root: String,
    independent: Vec<String>,
    refuted: Vec<String>,
    operation: Vec<ExpectedOperation>,
}

#[derive(Deserialize, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct ExpectedOperation {
    kind: String,
    outcome: String,
    started_at: String,
    actor: String,
    verdict: String,
    root: String,
}

/// A fixture, read and understood.
struct Fixture {
    name: String,
    expected: Expected,
    capture: Capture,
    timeline: Timeline,
    history: History,
    actors: Vec<Actor>,
    selection: Selection,
    diagnosis: Diagnosis,
}

impl Fixture {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path.join("case.toml")).unwrap();
        let expected: Expected = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let capture = case::read(path).unwrap();
        let timeline = timeline::build(&capture, timeline::Options::default());
        let history = operation::cut(&timeline);
        let actors = actor::actors(&timeline, &history);
        let question = Question { stack: Some(expected.stack.clone()), ..Question::default() };
        let selection = select(&timeline, &history, &question).unwrap_or_else(|error| panic!("{name}: {error}"));
        let story = selection.story.as_ref().unwrap_or_else(|| panic!("{name}: no story"));
        let diagnosis = diagnose(&timeline, &history, story, &CATALOGUE);
        Self { name, expected, capture, timeline, history, actors, selection, diagnosis }
    }

    fn record(&self, event: usize) -> String {
        self.timeline.events[event].record.to_string()
    }

    fn operations(&self) -> Vec<ExpectedOperation> {
        let of_stack = |index: usize| {
            let incarnation = &self.history.incarnations[self.history.operations[index].incarnation];
            incarnation.parent.is_none() && *incarnation.name == *self.expected.stack
        };
        (0..self.history.operations.len())
            .filter(|index| of_stack(*index))
            .map(|index| {
                let operation = &self.history.operations[index];
                ExpectedOperation {
                    kind: word(&operation.kind),
                    outcome: word(&operation.ending),
                    started_at: time::text(operation.started_at),
                    actor: self.actors[index].name.as_deref().unwrap_or_default().to_owned(),
                    verdict: word(&self.actors[index].verdict),
                    root: operation.root().map(|root| self.record(root)).unwrap_or_default(),
                }
            })
            .collect()
    }
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap().trim_matches('"').to_owned()
}

fn fixtures() -> Vec<Fixture> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir("fixtures").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    assert!(paths.len() >= 12);
    paths.iter().map(|path| Fixture::read(path)).collect()
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
        let first = fixture.diagnosis.hypotheses().next();
        let cause = first.map_or("", |first| first.cause.as_str());
        let root = first.map(|first| fixture.record(first.root)).unwrap_or_default();
        assert_eq!((cause, root.as_str()), (expected.cause.as_str(), expected.root.as_str()), "{}", fixture.name);
        let evidence = Evidence { timeline: &fixture.timeline, history: &fixture.history, actors: &fixture.actors };
        let blind = DiagnosisReport::new(evidence, &fixture.selection, &fixture.diagnosis).blind;
        let exit = match (fixture.diagnosis.failed, fixture.diagnosis.is_explained()) {
            (false, _) if blind => 3,
            (false, _) => 0,
            (true, true) => 10,
            (true, false) => 11,
        };
        assert_eq!(exit, expected.exit_code, "{}", fixture.name);
        let independent: Vec<String> = fixture
            .diagnosis
            .failing
            .iter()
            .filter(|failing| failing.role == operation::Role::Independent)
            .map(|failing| fixture.record(failing.event))
            .collect();
        assert_eq!(independent, expected.independent, "{}", fixture.name);
        let refuted: Vec<&str> = fixture.diagnosis.refuted.iter().map(|theory| theory.cause.as_str()).collect();
        assert_eq!(refuted, expected.refuted, "{}", fixture.name);
    }
}

/// What the three verbs print for the fixture, as a page.
fn page(fixture: &Fixture) -> String {
    let evidence = Evidence { timeline: &fixture.timeline, history: &fixture.history, actors: &fixture.actors };
    let style = Style::plain(120);
    let text = |render: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = Vec::new();
        render(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let diagnosis = DiagnosisReport::new(evidence, &fixture.selection, &fixture.diagnosis);
    let stacks = StacksReport::new(evidence, &StacksFilter::default());
    let timeline = TimelineReport::new(evidence, &fixture.selection);
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
            .diagnosis
            .hypotheses()
            .chain(&fixture.diagnosis.refuted)
            .flat_map(|hypothesis| hypothesis.evidence.iter().filter_map(|evidence| evidence.ground.event()))
            .chain(fixture.selection.events.iter().copied())
            .collect();
        assert!(!cited.is_empty(), "{}", fixture.name);
        for event in cited {
            let reference = &fixture.timeline.events[event].record;
            assert!(fixture.capture.record(reference).is_some(), "{}: {reference} leads nowhere", fixture.name);
        }
    }
}
