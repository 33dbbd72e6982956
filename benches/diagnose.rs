//! What a diagnosis costs beyond reading: all rules on the reference incident, and the loading of the catalogue, which
//! every run of the command pays once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::rules::Catalogue;
use cfn_forensics::{case, diagnose, operation, timeline};
use divan::Bencher;
use std::path::Path;

fn main() {
    divan::main();
}

#[divan::bench]
fn load_the_catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

#[divan::bench]
fn diagnose_the_reference_incident(bencher: Bencher) {
    let capture = case::read(Path::new("fixtures/showboat")).unwrap();
    let timeline = timeline::build(&capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let catalogue = Catalogue::embedded().unwrap();
    let story = history.stories.last().unwrap();
    bencher.bench(|| diagnose::diagnose(&timeline, &history, story, &catalogue));
}
