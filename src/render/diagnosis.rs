//! The diagnosis in words, for a person in a hurry: the verdict first, then AWS's own words, who did it, the causes with
//! what speaks for and against each, what is refuted, what to do. The order and the numbers are the report's.
//! Read on terminals and in CI logs.

use super::page::{Page, Paint, Said};
use super::{gaps, operations};
use crate::actor::Verdict;
use crate::operation::Role;
use crate::report::words;
use crate::report::{
    ActorEntry, DiagnosisReport, EvidenceEntry, ExplanationEntry, FailureEntry, HypothesisEntry, OperationEntry,
    command_of,
};
use std::io;

/// A record's own words are shortened to this, where they are evidence; they are whole in the JSON document.
const QUOTED_LINES: usize = 3;
/// The length of a bar that stands for certainty.
const BAR: usize = 10;
/// Room for a probability.
const PERCENT: usize = 5;
/// Room for a weight in decibans.
const WEIGHT: usize = 6;

/// The whole page.
pub(super) fn text(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    verdict(report, page)?;
    failures(report, page)?;
    people(report, page)?;
    causes(report, page)?;
    unexplained(report, page)?;
    refuted(report, page)?;
    known(report, page)?;
    unknown(report, page)?;
    advice(report, page)?;
    recovery(report, page)?;
    marks(report, page)?;
    gaps::section(report.gaps, page)
}

/// The operations of the stack itself.
fn on_top<'r, 'a>(report: &'r DiagnosisReport<'a>) -> impl DoubleEndedIterator<Item = &'r OperationEntry<'a>> {
    operations::families(&report.operations).into_iter().map(|family| family.top)
}

/// The operations that the verdict is about.
fn subjects<'r, 'a>(report: &'r DiagnosisReport<'a>) -> Vec<&'r OperationEntry<'a>> {
    report.operations.iter().filter(|operation| report.subjects.contains(&operation.id)).collect()
}

fn verdict(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let stack = report.stack.unwrap_or("No stack named");
    let subjects = subjects(report);
    if subjects.is_empty() {
        page.say(0, Paint::Bold, &format!("{stack}: the evidence tells of no operation"))?;
        return last_failed(report, page);
    }
    let mut said: Vec<String> = subjects
        .iter()
        .map(|operation| words::outcome(operation) + &cut_off_by(operation, &report.operations))
        .collect();
    let paint = if report.failed {
        said.push(cause(report));
        Paint::RedBold
    } else if report.blind {
        said.push("whether anything failed is not known, since the stack's events were not seen".to_owned());
        said.extend(
            report
                .hypotheses
                .first()
                .map(|first| format!("at best a guess: {} ({})", title(first), words::percent(first.probability))),
        );
        Paint::Yellow
    } else {
        said.push("nothing failed".to_owned());
        Paint::Bold
    };
    page.say(0, paint, &format!("{stack}: {}", said.join("; ")))?;
    for operation in subjects {
        let kind = words::word(operation.kind);
        let when = operations::when(operation, page);
        let text = format!("{kind} {when} {}, --operation {}", page.zone(), operation.id);
        page.say(0, Paint::Dim, &text)?;
    }
    last_failed(report, page)
}

/// `cause: The role may not create roles (91 %)`.
fn cause(report: &DiagnosisReport<'_>) -> String {
    match report.hypotheses.first() {
        Some(first) if report.explained => {
            format!("cause: {} ({})", title(first), words::percent(first.probability))
        }
        Some(first) if first.root != report.root => "cause not known to any rule".to_owned(),
        Some(first) => format!("cause not known; at best: {} ({})", title(first), words::percent(first.probability)),
        None => "cause not known to any rule".to_owned(),
    }
}

/// A theory that only speaks against has no words of its own, only a code.
fn title<'a>(hypothesis: &HypothesisEntry<'a>) -> &'a str {
    if hypothesis.title.is_empty() { hypothesis.cause } else { hypothesis.title }
}

fn cut_off_by(operation: &OperationEntry<'_>, among: &[OperationEntry<'_>]) -> String {
    let Some(id) = operation.cut_off_by else {
        return String::new();
    };
    among
        .iter()
        .find(|other| other.id == id)
        .and_then(|delete| delete.actor.as_ref())
        .map_or_else(|| format!(" by the delete {id}"), |actor| format!(" by the delete of {}", words::actor(actor)))
}

fn last_failed(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    match &report.last_failed {
        Some(last) => {
            let began = page.zone().moment(&last.started_at);
            let text = format!("The last one that failed began {began}; to see why:");
            page.say(0, Paint::Plain, &text)?;
            page.whole(2, Paint::Cyan, &format!("--operation {}", last.operation))
        }
        None => Ok(()),
    }
}

/// What AWS said, whole. What follows from it is only counted.
fn failures(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let mut following = 0;
    for failure in &report.failures {
        match failure.role {
            Role::Root => quoted_failure("Root failure", Paint::RedBold, failure, report, page)?,
            Role::Independent => quoted_failure("Independent failure", Paint::Red, failure, report, page)?,
            Role::Cascade | Role::Summary => following += 1,
        }
    }
    if following > 0 {
        let events = words::count(following, "further event");
        page.blank()?;
        let text = if following == report.failures.len() {
            format!("No resource failed by itself: {events} of cancellation or summary")
        } else {
            format!("{events} of cancellation or summary, only in consequence")
        };
        page.say(0, Paint::Dim, &text)?;
    }
    Ok(())
}

fn quoted_failure(
    head: &str,
    paint: Paint,
    failure: &FailureEntry<'_>,
    report: &DiagnosisReport<'_>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    page.blank()?;
    let stack = failure
        .stack
        .filter(|stack| report.stack != Some(*stack))
        .map(|stack| format!("in {stack}"))
        .unwrap_or_default();
    let place = format!("at {} [{}]", page.zone().clock_of(&failure.at), failure.event);
    let said = words::joined(&[&words::failure(failure), &stack, &place], " ");
    page.say(0, paint, &format!("{head}: {said}"))?;
    match failure.reason {
        Some(reason) => page.quote(2, Paint::Plain, reason, None),
        None => page.say(2, Paint::Dim, "AWS gave no reason"),
    }?;
    if let Some(path) = failure.construct_path {
        page.say(2, Paint::Dim, &format!("CDK construct {path}"))?;
    }
    let is_unexplained = report.unexplained_failures.iter().any(|other| other.event == failure.event);
    if is_unexplained {
        page.say(2, Paint::Yellow, "No rule explains this failure.")?;
    }
    Ok(())
}

/// True for a failure that is quoted whole at the top of the page.
fn is_quoted(record: &str, report: &DiagnosisReport<'_>) -> bool {
    report.failures.iter().any(|failure| failure.event == record && failure.role.is_real())
}

/// Each operation of the stack with who began it.
fn begun<'r, 'a>(report: &'r DiagnosisReport<'a>) -> Vec<(&'r OperationEntry<'a>, &'r ActorEntry<'a>)> {
    on_top(report).filter_map(|operation| Some((operation, operation.actor.as_ref()?))).collect()
}

/// Who, in a line for each operation; what that rests on comes after the advice.
fn people(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let begun = begun(report);
    if begun.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, "Who")?;
    let room = "rolled back by".len();
    for (operation, actor) in begun {
        let label = (Paint::Dim, words::began(operation));
        page.labelled(2, label, room, &Said::one(Paint::Plain, operations::who(actor)))?;
    }
    Ok(())
}

/// What the answers to "who" rest on, and what else they might be.
fn marks(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let mut said: Vec<(&OperationEntry<'_>, &ActorEntry<'_>)> = begun(report);
    said.retain(|(_, actor)| actor.verdict != Verdict::CloudFormation && !actor.marks.is_empty());
    for (operation, actor) in said {
        page.blank()?;
        let name = actor.name.unwrap_or("somebody unknown");
        let verdict = words::verdict(actor.verdict);
        let head = format!("How it is known: {} {name}, {verdict}", words::began(operation));
        page.say(0, Paint::Bold, &head)?;
        marks_of(actor, page)?;
    }
    Ok(())
}

fn marks_of(actor: &ActorEntry<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let bullet = (Paint::Dim, page.glyphs.noted);
    if !actor.chain.is_empty() {
        let links: Vec<String> = actor.chain.iter().map(link).collect();
        let text = format!("chain: {}", links.join(page.glyphs.back));
        page.labelled(2, bullet, 1, &Said::one(Paint::Plain, text))?;
    }
    for mark in actor.marks.iter() {
        let text = format!("{}{}", mark.says, cited(mark.record.as_ref()));
        page.labelled(2, bullet, 1, &Said::one(Paint::Plain, text))?;
    }
    for other in actor.alternatives.iter() {
        let (verdict, odds) = (words::verdict(other.verdict), words::percent(other.odds));
        let text = format!("or {verdict} ({odds}): {}", other.why);
        page.labelled(2, bullet, 1, &Said::one(Paint::Yellow, text))?;
    }
    for decides in actor.decides.iter() {
        let text = format!("would decide it: {decides}");
        page.labelled(2, bullet, 1, &Said::one(Paint::Dim, text))?;
    }
    Ok(())
}

/// `aws-cdk-marta (AssumeRole, cdk-deploy-role) [cloudtrail#3]`.
fn link(link: &crate::actor::Link) -> String {
    let how = words::joined(&[&link.how, link.role.as_deref().unwrap_or_default()], ", ");
    format!("{} ({how}){}", link.who, cited(link.record.as_ref()))
}

fn cited(record: Option<&crate::model::RecordRef>) -> String {
    record.map(|record| format!(" [{record}]")).unwrap_or_default()
}

/// The hypotheses of each failure that a rule knows, in the report's order.
fn explained<'r, 'a>(
    report: &'r DiagnosisReport<'a>,
) -> impl Iterator<Item = (&'r ExplanationEntry, Vec<&'r HypothesisEntry<'a>>)> {
    report.explanations.iter().map(|explanation| {
        let of_it = report.hypotheses.iter().filter(|held| held.root.as_deref() == Some(&*explanation.root));
        (explanation, of_it.collect())
    })
}

/// What a failure is called: its name in the template, else its record.
fn called<'r>(report: &'r DiagnosisReport<'_>, record: &'r str) -> &'r str {
    let failure = report.failures.iter().find(|failure| failure.event == record);
    failure.and_then(|failure| failure.logical_id).unwrap_or(record)
}

fn causes(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let several = report.explanations.len() > 1;
    for (explanation, hypotheses) in explained(report) {
        page.blank()?;
        let head = if several {
            format!("Causes of {} [{}], the most probable first", called(report, &explanation.root), explanation.root)
        } else {
            "Causes, the most probable first".to_owned()
        };
        page.say(0, Paint::Bold, &head)?;
        if !explanation.also.is_empty() {
            let names: Vec<&str> = explanation.also.iter().map(|record| called(report, record)).collect();
            page.say(2, Paint::Dim, &format!("shared by {}", names.join(", ")))?;
        }
        for (place, hypothesis) in hypotheses.into_iter().enumerate() {
            probability(hypothesis.probability, Paint::Bold, title(hypothesis), page)?;
            if !hypothesis.is_told_in_full(place) {
                continue;
            }
            let indent = PERCENT + 1 + BAR + 2;
            let indent = if page.width() < 70 { 2 } else { indent };
            page.say(indent, Paint::Plain, hypothesis.explanation)?;
            page.say(indent, Paint::Dim, &arithmetic(hypothesis))?;
            for piece in &hypothesis.evidence {
                evidence(indent, piece, report, page)?;
            }
        }
        probability(explanation.unexplained, Paint::Plain, "none of these", page)?;
    }
    Ok(())
}

/// `91 %  █████████░  title`.
fn probability(probability: f64, paint: Paint, title: &str, page: &mut Page<'_>) -> io::Result<()> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 10
    let full = (probability.clamp(0.0, 1.0) * 10.0).floor() as usize;
    let bar = page.glyphs.full.repeat(full) + &page.glyphs.empty.repeat(BAR.saturating_sub(full));
    let percent = format!("{:>PERCENT$}", words::percent(probability));
    let label = format!("{percent} {bar}");
    page.labelled(0, (paint, &label), PERCENT + 1 + BAR + 1, &Said::one(paint, title))
}

/// What a reader needs to do the sum again.
fn arithmetic(hypothesis: &HypothesisEntry<'_>) -> String {
    let explains = hypothesis.root.as_ref().map(|root| format!("explains {root}")).unwrap_or_default();
    let rule = format!("rule {} ({}) {explains}", hypothesis.rule, hypothesis.cause);
    let (before, with) = (words::signed(hypothesis.prior), words::signed(hypothesis.score));
    format!("{}: {before} decibans before, {with} with the evidence", rule.trim_end())
}

fn evidence(
    indent: usize,
    piece: &EvidenceEntry<'_>,
    report: &DiagnosisReport<'_>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let (paint, speaks) = if piece.decibans < 0.0 { (Paint::Red, "against") } else { (Paint::Green, "for") };
    let label = format!("{:>WEIGHT$}", words::signed(piece.decibans));
    let place = piece.record.as_deref().unwrap_or(piece.source);
    let text = format!("{speaks}: {} [{place}]", piece.says);
    page.labelled(indent, (paint, &label), WEIGHT, &Said::one(Paint::Plain, text))?;
    match piece.text {
        // What is quoted whole above needs no second quotation.
        Some(text) if !is_quoted(place, report) => {
            page.quote(indent + WEIGHT + 1, Paint::Dim, text, Some(QUOTED_LINES))
        }
        _ => Ok(()),
    }
}

fn unexplained(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    for failure in &report.unexplained_failures {
        if !is_quoted(&failure.event, report) {
            quoted_failure("Failure", Paint::Red, failure, report, page)?;
        }
    }
    Ok(())
}

fn refuted(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if report.refuted.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, "Refuted")?;
    for theory in &report.refuted {
        let cross = (Paint::Red, page.glyphs.failed);
        let room = page.glyphs.failed.chars().count();
        let said = words::joined(&[theory.cause, theory.title], ": ");
        let said = Said::one(Paint::Plain, format!("not {said}"));
        page.labelled(2, cross, room, &said)?;
        let (against, speaks_for): (Vec<_>, Vec<_>) = theory.evidence.iter().partition(|piece| piece.decibans < 0.0);
        for piece in against.into_iter().chain(speaks_for) {
            evidence(4, piece, report, page)?;
        }
    }
    Ok(())
}

/// What to do about each failure, and how to make sure of its first cause.
fn advice(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let several = report.explanations.len() > 1;
    for (explanation, hypotheses) in explained(report) {
        let Some(first) = hypotheses.first() else { continue };
        let about = if several { format!(" about {}", called(report, &explanation.root)) } else { String::new() };
        if !first.fixes.is_empty() {
            page.blank()?;
            page.say(0, Paint::Bold, &format!("What to do{about}"))?;
            for (index, fix) in first.fixes.iter().enumerate() {
                let number = format!("{}.", index + 1);
                step(&number, fix, page)?;
            }
        }
        if !first.confirm.is_empty() {
            page.blank()?;
            page.say(0, Paint::Bold, &format!("How to make sure{about}"))?;
            for confirm in first.confirm.iter() {
                step(page.glyphs.noted, confirm, page)?;
            }
        }
        if let Some(link) = first.link {
            page.blank()?;
            page.whole(0, Paint::Dim, &format!("More: {link}"))?;
        }
    }
    Ok(())
}

/// What is certain, each fact with its records.
fn known(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if report.known.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, "What is known")?;
    for fact in &report.known {
        let text = format!("{} [{}]", fact.says, fact.records.join(", "));
        page.labelled(2, (Paint::Dim, page.glyphs.noted), 1, &Said::one(Paint::Plain, text))?;
    }
    Ok(())
}

/// What is open, with how to find it out now, or what would have kept it.
fn unknown(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if report.unknown.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.say(0, Paint::Bold, "What is not known, and how to find out")?;
    for question in &report.unknown {
        page.labelled(2, (Paint::Yellow, "?"), 1, &Said::one(Paint::Plain, question.asks.as_str()))?;
        // What makes sure of a first cause is printed with it.
        let elsewhere = |way: &String| report.hypotheses.iter().any(|held| held.confirm.contains(way));
        for way in question.find_out.iter().filter(|way| !elsewhere(way)) {
            step_at(4, page.glyphs.noted, way, page)?;
        }
        if question.find_out.iter().any(elsewhere) {
            page.labelled(4, (Paint::Dim, page.glyphs.noted), 1, &Said::one(Paint::Plain, "see \"How to make sure\""))?;
        }
        if let Some(setting) = &question.next_time {
            page.labelled(4, (Paint::Dim, "next time:"), 10, &Said::one(Paint::Plain, &**setting))?;
        }
    }
    Ok(())
}

/// The ways on from the state that the stack is in.
fn recovery(report: &DiagnosisReport<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let recovery = &report.recovery;
    if recovery.steps.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let state = recovery.status.as_deref().unwrap_or("in an unknown state");
    page.say(0, Paint::Bold, &format!("The stack now: {state}"))?;
    for step in &recovery.steps {
        page.labelled(2, (Paint::Dim, page.glyphs.noted), 1, &Said::one(Paint::Plain, step.does.as_str()))?;
        if let Some(command) = &step.command {
            step_at(4, "", command, page)?;
        }
        if let Some(risk) = &step.risk {
            page.labelled(4, (Paint::Yellow, "risk:"), 5, &Said::one(Paint::Plain, &**risk))?;
        }
    }
    Ok(())
}

/// A sentence, or a command that stays on one line to be copied.
fn step(label: &str, text: &str, page: &mut Page<'_>) -> io::Result<()> {
    step_at(2, label, text, page)
}

fn step_at(indent: usize, label: &str, text: &str, page: &mut Page<'_>) -> io::Result<()> {
    if let Some((command, remark)) = command_of(text) {
        page.whole(indent, Paint::Cyan, &format!("$ {command}"))?;
        return remark.map_or(Ok(()), |remark| page.say(indent + 4, Paint::Dim, remark));
    }
    page.labelled(indent, (Paint::Dim, label), label.chars().count(), &Said::one(Paint::Plain, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::page::width_of;
    use crate::render::testing;

    fn written(report: &DiagnosisReport<'_>, style: &Style) -> String {
        testing::rendered(|out| text(report, &mut Page::new(style, out)))
    }

    #[test]
    fn the_verdict_comes_first_and_the_failure_is_verbatim() {
        testing::with_diagnosis("Shop", testing::refute, |report| {
            let text = written(report, &Style::plain(100));
            let first = text.lines().next().unwrap();
            assert!(first.starts_with("Shop: create failed after 16 min 06 s; cause: "), "{first}");
            for expected in [
                "Root failure: CREATE_FAILED Api|",
                "│ Resource handler returned message: \"deployment failed: tasks failed to start. |\\u{9b}31m",
                "Causes, the most probable first",
                "none of these",
                "✗ not changeset.state\n       -30 against: CloudFormation began to work [stack_events#6]\n",
                "        +5 for: the log says so [cloudtrail#0]\n",
                "What to do",
                "not collected: ecs_tasks, log_events",
            ] {
                assert!(text.contains(expected), "{expected} in {text}");
            }
            assert_eq!(text.matches("tasks failed to start. |").count(), 1, "quoted once: {text}");
        });
    }

    #[test]
    fn what_no_rule_explains_is_said_and_stays_verbatim() {
        testing::with_diagnosis("Shop", testing::forget_causes, |report| {
            let text = written(report, &Style::plain(100));
            assert!(text.contains("cause not known to any rule"), "{text}");
            assert!(text.contains("No rule explains this failure.") && text.contains("│ `rm -rf`"), "{text}");
        });
    }

    #[test]
    fn where_nothing_failed_the_last_failure_is_named() {
        testing::with_diagnosis("Shop", testing::succeed, |report| {
            let text = written(report, &Style::plain(100));
            assert!(text.contains("nothing failed"), "{text}");
            let last = "The last one that failed began 2026-11-18 12:03:00; to see why:\n  --operation create-";
            assert!(text.contains(last), "{text}");
        });
    }

    #[test]
    fn only_what_is_copied_whole_is_wider_than_the_page_and_nothing_acts() {
        testing::with_diagnosis(testing::HOSTILE, testing::refute, |report| {
            for width in [40, 80, 200] {
                let text = written(report, &Style::plain(width));
                let is_whole = |line: &&str| line.trim_start().starts_with("$ ") || line.starts_with("More: ");
                for line in text.lines().filter(|line| !is_whole(line)) {
                    assert!(width_of(line) <= width, "{width}: {line}");
                }
                assert!(!text.chars().any(|c| c != '\n' && crate::render::escape::is_hidden(c)));
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
            }
        });
    }

    #[test]
    fn ascii_is_ascii() {
        testing::with_diagnosis("Shop", testing::refute, |report| {
            let style = Style { ascii: true, ..Style::plain(80) };
            let text = written(report, &style).replace(|c: char| "日本語".contains(c), "");
            assert!(text.is_ascii(), "{text}");
        });
    }
}
