//! Every fixture is a case is a test: what its `case.toml` says by hand must be found.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::model::time;
use cfn_forensics::{case, operation, timeline};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Expected {
    story: String,
    stack: String,
    exit_code: u8,
    cause: String,
    root: String,
    #[serde(default)]
    independent: Vec<String>,
    #[serde(default)]
    refuted: Vec<String>,
    #[serde(default)]
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

fn fixtures() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("fixtures")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

#[test]
fn operations_are_cut_as_the_fixtures_say() {
    let mut wrong = 0;
    for fixture in fixtures() {
        let expected: Expected = toml::from_str(&std::fs::read_to_string(fixture.join("case.toml")).unwrap()).unwrap();
        let capture = case::read(&fixture).unwrap();
        let timeline = timeline::build(&capture, timeline::Options::default());
        let history = operation::cut(&timeline);
        let word = |value: &dyn erased| value.word();
        let found: Vec<_> = history
            .operations
            .iter()
            .filter(|operation| history.incarnations[operation.incarnation].parent.is_none())
            .filter(|operation| *history.incarnations[operation.incarnation].name == *expected.stack)
            .map(|operation| {
                (
                    word(&operation.kind),
                    word(&operation.ending),
                    time::text(operation.started_at),
                    operation.root().map(|root| timeline.events[root].record.to_string()).unwrap_or_default(),
                )
            })
            .collect();
        let wanted: Vec<_> = expected
            .operation
            .iter()
            .map(|o| (o.kind.clone(), o.outcome.clone(), o.started_at.clone(), o.root.clone()))
            .collect();
        if found != wanted {
            wrong += 1;
            println!(
                "{}\n found  {found:#?}\n wanted {wanted:#?}\n gaps {:?}",
                fixture.display(),
                timeline.gaps.iter().filter(|g| &*g.why != "not collected").collect::<Vec<_>>()
            );
        }
    }
    assert_eq!(wrong, 0);
}

#[allow(non_camel_case_types)]
trait erased {
    fn word(&self) -> String;
}
impl<T: serde::Serialize> erased for T {
    fn word(&self) -> String {
        serde_json::to_string(self).unwrap().trim_matches('"').to_owned()
    }
}
