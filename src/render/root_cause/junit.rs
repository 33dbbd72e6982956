//! JUnit XML, which every CI system shows as tests: a suite for each operation, a case for each resource. A root or
//! independent failure is a failed test, what was given up because of it a skipped one; failures that belong to no
//! resource are cases of their own, so that nothing is lost.

use super::super::escape::{terminal, xml};
use super::super::gaps;
use crate::model::{Outcome, Time, time};
use crate::operation::{Ending, Role};
use crate::report::{Answer, FailureEntry, OperationEntry, RootCauseReport, SpanEntry, words};
use hashbrown::{HashMap, HashSet};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use std::io::{self, Write};
use std::time::Duration;

/// The document.
pub(super) fn document(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let answers = report.answers();
    let mut sheet = Sheet {
        report,
        answers: answers.iter().map(|answer| (&*answer.failure.event, answer)).collect(),
        told: HashSet::new(),
    };
    let mut document = Report::new(line(&report.title));
    let mut suites: Vec<TestSuite> = report.story.operations.iter().map(|operation| sheet.suite(operation)).collect();
    for (suite, operation) in suites.iter_mut().zip(&report.story.operations) {
        sheet.others(suite, operation);
    }
    suites.extend(sheet.rest(&answers));
    if let Some(first) = suites.first_mut() {
        first.set_system_out(xml(&summary(report)));
    }
    document.add_test_suites(suites);
    let text = document.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// The summary, and a line for each gap.
fn summary(report: &RootCauseReport<'_>) -> String {
    let gaps = report.limits.gaps.iter().map(|gap| format!("\nNot seen: {}", gaps::said(gap)));
    format!("{}{}", report.summary.join(" "), gaps.collect::<String>())
}

/// Text of one line, for an attribute.
fn line(text: &str) -> String {
    xml(&terminal(text))
}

struct Sheet<'r, 'a> {
    report: &'r RootCauseReport<'a>,
    /// By record.
    answers: HashMap<&'r str, &'r Answer<'r>>,
    /// The records of failures that have a case.
    told: HashSet<&'r str>,
}

impl<'r> Sheet<'r, '_> {
    fn suite(&mut self, operation: &'r OperationEntry<'_>) -> TestSuite {
        let mut suite = TestSuite::new(line(&format!("{} {}", operation.stack, words::word(operation.kind))));
        if let Some(at) = instant(&operation.started_at) {
            suite.set_timestamp(at);
        }
        if let Some(length) = operation.seconds.and_then(length) {
            suite.set_time(length);
        }
        let outcome = words::word(operation.outcome);
        let described =
            [("operation", Some(operation.id)), ("stack_id", operation.stack_id), ("status", operation.status)];
        let described = described.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let described = described.chain([("outcome", &*outcome)]);
        suite.add_properties(described.map(|(name, value)| Property::new(name, line(value))));
        let reasons: HashMap<&str, &'r FailureEntry<'_>> =
            operation.failures.iter().map(|failure| (&*failure.event, failure)).collect();
        for span in &operation.resources {
            suite.add_test_case(self.resource(operation, span, reasons.get(&*span.record).copied()));
        }
        suite
    }

    fn resource(
        &mut self,
        operation: &OperationEntry<'_>,
        span: &'r SpanEntry,
        failure: Option<&'r FailureEntry<'_>>,
    ) -> TestCase {
        let reason = failure.and_then(|failure| failure.reason);
        let status = match (self.answers.get(&*span.record), span.outcome) {
            (Some(answer), _) => {
                self.told.insert(&span.record);
                failed(answer)
            }
            (None, Outcome::Failed) if matches!(span.role, Some(Role::Root | Role::Independent) | None) => {
                self.told.insert(&span.record);
                unanswered(reason.or(span.status.as_deref()), &span.record)
            }
            (None, Outcome::Failed) => skipped("in consequence of another failure", reason),
            (None, Outcome::Cancelled) => skipped("cancelled", reason),
            (None, Outcome::InProgress) => skipped("had not ended", reason),
            (None, Outcome::Succeeded | Outcome::Noted) => TestCaseStatus::success(),
        };
        let mut case = case(operation.stack, Some(&span.logical_id), span.resource_type.as_deref(), status);
        if let Some(at) = instant(&span.started_at) {
            case.set_timestamp(at);
        }
        if let Some(length) = span.seconds.and_then(length) {
            case.set_time(length);
        }
        case
    }

    /// Failures of the operation that no resource's case tells: of its change set, its validation, its log; and where
    /// nothing says what failed, the operation itself.
    fn others(&mut self, suite: &mut TestSuite, operation: &'r OperationEntry<'_>) {
        let mut failed_by_itself = false;
        for failure in &operation.failures {
            if !failure.role.is_real() {
                continue;
            }
            failed_by_itself = true;
            if self.told.insert(&failure.event) {
                let status = match self.answers.get(&*failure.event) {
                    Some(answer) => failed(answer),
                    None => unanswered(failure.reason, &failure.event),
                };
                suite.add_test_case(case(
                    failure.stack.unwrap_or(operation.stack),
                    failure.logical_id,
                    failure.resource_type,
                    status,
                ));
            }
        }
        let has_failed = matches!(operation.outcome, Ending::Failed | Ending::CutOff);
        if has_failed && !failed_by_itself {
            let status = unanswered(Some(&words::outcome(operation)), operation.id);
            suite.add_test_case(case(operation.stack, Some(operation.stack), None, status));
        }
    }

    /// Failures of no operation that is shown.
    fn rest(&self, answers: &[Answer<'_>]) -> Option<TestSuite> {
        let mut suite = TestSuite::new(line(self.report.stack.unwrap_or("deployment")));
        for answer in answers.iter().filter(|answer| !self.told.contains(&*answer.failure.event)) {
            let failure = &answer.failure;
            let stack = failure.stack.or(self.report.stack).unwrap_or_default();
            suite.add_test_case(case(stack, failure.logical_id, failure.resource_type, failed(answer)));
        }
        (!suite.test_cases.is_empty()).then_some(suite)
    }
}

fn case(stack: &str, name: Option<&str>, kind: Option<&str>, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(line(name.unwrap_or(stack)), status);
    case.set_classname(line(&words::joined(&[stack, kind.unwrap_or_default()], ".")));
    case
}

fn failed(answer: &Answer<'_>) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(line(answer.cause().map_or("unexplained", |cause| cause.cause)));
    status.set_message(line(answer.reason()));
    status.set_description(xml(&format!("{}\n{}.\nRecord: {}", answer.reason(), answer.says(), answer.failure.event)));
    status
}

fn unanswered(reason: Option<&str>, record: &str) -> TestCaseStatus {
    let reason = reason.unwrap_or("AWS gave no reason");
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status
        .set_type("unexplained")
        .set_message(line(reason))
        .set_description(xml(&format!("{reason}\nRecord: {record}")));
    status
}

fn skipped(why: &str, reason: Option<&str>) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(line(&words::joined(&[why, reason.unwrap_or_default()], ": ")));
    status
}

fn instant(text: &str) -> Option<Time> {
    time::parse(text).map(|written| written.at)
}

fn length(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    #[test]
    fn hostile_text_stays_text() {
        let stack = format!("{}\u{0}\u{ffff}]]>", testing::HOSTILE);
        testing::with_report(&stack, |report| {
            let text = testing::rendered(|out| document(report, out));
            let mut reader = quick_xml::Reader::from_str(&text);
            let (mut names, mut cases) = (std::collections::BTreeSet::new(), 0);
            loop {
                match reader.read_event().unwrap() {
                    quick_xml::events::Event::Eof => break,
                    quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                        cases += usize::from(tag.name().as_ref() == b"testcase");
                        names.insert(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                        for attribute in tag.attributes() {
                            attribute.unwrap().normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap();
                        }
                    }
                    _ => {}
                }
            }
            let expected =
                ["failure", "properties", "property", "skipped", "system-out", "testcase", "testsuite", "testsuites"];
            assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected);
            let resources: usize = report.story.operations.iter().map(|operation| operation.resources.len()).sum();
            assert!(cases >= resources && text.contains("\\u{0}\\u{ffff}]]&gt;"), "{text}");
            assert!(!text.chars().any(|c| c != '\n' && crate::render::escape::is_hidden(c)), "{text}");
        });
    }
}
