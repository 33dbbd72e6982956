//! What a diagnosis costs beyond reading: all rules on the reference incident, and the loading of the catalogue, which
//! every run of the command pays once.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::model::Reason;
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

/// A handler's refusal, about as long as reasons get.
const REASON: &str = "Resource handler returned message: \"User: arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation is not authorized to perform: sqs:TagQueue on resource: arn:aws:sqs:eu-west-1:111122223333:orders because no identity-based policy allows the sqs:TagQueue action (Service: Sqs, Status Code: 403, Request ID: 0a1b2c3d-0000-4000-8000-000000000001) (SDK Attempt Count: 1)\" (RequestToken: 4d5e6f70-0000-4000-8000-000000000002, HandlerErrorCode: AccessDenied)";

#[divan::bench]
fn take_a_reason_apart() -> usize {
    Reason::read(divan::black_box(REASON)).names().len()
}

#[divan::bench]
fn find_the_rules_of_a_reason(bencher: Bencher) {
    let catalogue = Catalogue::embedded().unwrap();
    let reason = Reason::read(REASON);
    bencher.bench(|| catalogue.find(divan::black_box(REASON), &reason).len());
}
