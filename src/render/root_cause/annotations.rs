//! Workflow commands of GitHub Actions: each failure stands at its line of the template, and on the page of the run.
//! Printed into a job's log, in which text of others must not become a command: everything goes through `escape.rs`.
//! Source: GitHub Actions, "Workflow commands for GitHub Actions", "Setting an error message".

use super::super::escape::{workflow_message, workflow_property};
use crate::report::{Answer, RootCauseReport, command_of, words};
use std::io::{self, Write};

/// GitHub shows so many errors of a step and drops the others.
const MOST: usize = 10;

/// One command a failure.
pub(super) fn commands(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let answers = report.answers();
    let shown = if answers.len() > MOST { MOST - 1 } else { MOST };
    for answer in answers.iter().take(shown) {
        command(report, answer, out)?;
    }
    match answers.len().saturating_sub(shown) {
        0 => Ok(()),
        more => {
            let title = workflow_property(&report.title);
            writeln!(out, "::error title={title}::and {}", words::count(more, "further failure"))
        }
    }
}

fn command(report: &RootCauseReport<'_>, answer: &Answer<'_>, out: &mut dyn Write) -> io::Result<()> {
    let failure = &answer.failure;
    let stack = failure.stack.or(report.stack).unwrap_or("a deployment");
    let title = format!("{stack}: {}", words::failure(failure));
    write!(out, "::error title={}", workflow_property(&title))?;
    if let Some(place) = &failure.template {
        write!(out, ",file={},line={},col={}", workflow_property(&place.file), place.line, place.column)?;
    }
    let mut message = format!("{}\n{}.", answer.reason(), answer.says());
    if let Some(fix) = answer.cause().and_then(|cause| cause.fixes.iter().find(|fix| command_of(fix).is_none())) {
        message.push_str(&format!("\nTo do now: {fix}"));
    }
    writeln!(out, "::{}", workflow_message(&message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    #[test]
    fn hostile_text_cannot_begin_a_command() {
        testing::with_report(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| commands(report, out));
            assert_eq!(text.lines().count(), report.answers().len(), "{text}");
            for line in text.lines() {
                assert!(line.starts_with("::error title=Shop\\u{1b}[2J|<script>"), "{line}");
                assert!(!line.contains("##[") && !line.contains('\r'), "{line}");
                // No second property, and nothing that ends the properties early.
                let properties = line.trim_start_matches("::error ").split_once("::").unwrap().0;
                assert!(!properties.contains([',', ':']), "{line}");
            }
        });
    }

    #[test]
    fn no_more_than_github_shows() {
        testing::with_report("Shop", |report| {
            let failure = report.root_cause.failures[0].clone();
            for index in 0..20 {
                let event = format!("stack_events#{}", 100 + index);
                report.root_cause.unexplained_failures.push(crate::report::FailureEntry { event, ..failure.clone() });
            }
            let text = testing::rendered(|out| commands(report, out));
            assert_eq!(text.lines().count(), MOST);
            assert!(text.ends_with("::and 12 further failures\n"), "{text}");
        });
    }
}
