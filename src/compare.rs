//! Two deployments side by side: what differs in outcome, cause, people, inputs, resources and durations.
//! It compares finished reports and knows nothing of how they came to be; what neither tells is not compared.
//! Used by the `compare` verb.

use crate::model::Outcome;
use crate::operation::Kind;
use crate::report::{OperationEntry, RootCauseReport, SCHEMA, SpanEntry, words};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use std::collections::{BTreeMap, BTreeSet};

/// One of the two deployments.
#[derive(Debug, Clone, Copy)]
pub struct Deployment<'r, 'a> {
    /// The report of its story.
    pub report: &'r RootCauseReport<'a>,
    /// The templates of its case by file; may be empty.
    pub templates: &'r BTreeMap<String, String>,
}

/// What differs between two deployments, A and B.
#[derive(Debug, Deserialize, Serialize)]
pub struct Comparison {
    /// The version of this output.
    pub schema: u32,
    /// The first deployment.
    pub a: Side,
    /// The second one.
    pub b: Side,
    /// What is told of both or of one and differs, in the order of a report.
    pub differences: Vec<Difference>,
    /// What is told of both and is the same.
    pub same: Vec<String>,
    /// The templates that differ, as unified diffs by file. Empty where the cases do not have both.
    pub templates: Vec<TemplateDiff>,
    /// The logical ids that only A touched, sorted.
    pub only_a: Vec<String>,
    /// The logical ids that only B touched, sorted.
    pub only_b: Vec<String>,
    /// Resources that ended otherwise, by logical id.
    pub ended_otherwise: Vec<Difference>,
    /// How long it took, the greatest difference first; the whole deployment before its resources.
    pub durations: Vec<DurationChange>,
}

/// A deployment in one line.
#[derive(Debug, Deserialize, Serialize)]
pub struct Side {
    /// The stack's name.
    pub stack: Option<String>,
    /// The id of the deployment's operation; none where the evidence tells of none.
    pub operation: Option<String>,
    /// When it began.
    pub started_at: Option<String>,
    /// How it ended, in words.
    pub outcome: Option<String>,
}

/// Something of which A and B tell different things.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Difference {
    /// What it is: `cause`, `parameter ImageTag`, or a logical id.
    pub what: String,
    /// What A says; null where it says nothing.
    pub a: Option<String>,
    /// What B says.
    pub b: Option<String>,
}

/// A template that differs.
#[derive(Debug, Deserialize, Serialize)]
pub struct TemplateDiff {
    /// Its file in both cases, or `A / B` where each has only one.
    pub file: String,
    /// The unified diff.
    pub diff: String,
}

/// How long something took in A and in B.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
pub struct DurationChange {
    /// The logical id; none of the whole deployment.
    pub logical_id: Option<String>,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Option<String>,
    /// In A, in seconds.
    pub a: f64,
    /// In B, in seconds.
    pub b: f64,
    /// How much longer B took, in seconds; negative where it was faster.
    pub longer: f64,
    /// It is worth a look: B took at least ten seconds and a fifth more or less.
    pub telling: bool,
}

/// A difference of less than this says nothing. In seconds, and as a part of the longer one.
const TELLING_SECONDS: f64 = 10.0;
const TELLING_PART: f64 = 0.2;

/// Puts two deployments side by side.
pub fn compare(a: Deployment<'_, '_>, b: Deployment<'_, '_>) -> Comparison {
    let (of_a, of_b) = (Told::of(a.report), Told::of(b.report));
    let mut differences = Vec::new();
    let mut same = Vec::new();
    for (what, says_a, says_b) in pairs(&of_a.facts, &of_b.facts) {
        match (says_a, says_b) {
            // Of what is not told nobody knows whether it is the same.
            (None, None) => {}
            (Some(a), Some(b)) if a == b => same.push(what),
            (a, b) => differences.push(Difference { what, a, b }),
        }
    }
    let names = |told: &Told<'_, '_>| told.spans.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    let (names_a, names_b) = (names(&of_a), names(&of_b));
    Comparison {
        schema: SCHEMA,
        a: side(a.report),
        b: side(b.report),
        differences,
        same,
        templates: template_diffs(a.templates, b.templates),
        only_a: names_a.difference(&names_b).cloned().collect(),
        only_b: names_b.difference(&names_a).cloned().collect(),
        ended_otherwise: ended_otherwise(&of_a, &of_b),
        durations: durations(&of_a, &of_b),
    }
}

/// The operation that deployed: the first of the story that is neither a rollback nor a delete, else the first.
fn deployment<'r, 'a>(report: &'r RootCauseReport<'a>) -> Option<&'r OperationEntry<'a>> {
    let own = || report.story.operations.iter().filter(|operation| operation.parent.is_none());
    own().find(|operation| !matches!(operation.kind, Kind::Rollback | Kind::Delete)).or(own().next())
}

fn side(report: &RootCauseReport<'_>) -> Side {
    let operation = deployment(report);
    Side {
        stack: report.stack.map(str::to_owned),
        operation: operation.map(|operation| operation.id.to_owned()),
        started_at: operation.map(|operation| operation.started_at.clone()),
        outcome: operation.map(words::outcome),
    }
}

/// What a report tells, as far as it can be compared.
struct Told<'r, 'a> {
    operation: Option<&'r OperationEntry<'a>>,
    /// In the order of a report; a fact that is not told is none.
    facts: Vec<(String, Option<String>)>,
    spans: BTreeMap<&'r str, &'r SpanEntry>,
}

impl<'r, 'a> Told<'r, 'a> {
    fn of(report: &'r RootCauseReport<'a>) -> Self {
        let operation = deployment(report);
        let spans = operation.iter().flat_map(|operation| &operation.resources);
        Self {
            operation,
            facts: facts(report, operation),
            spans: spans.map(|span| (&*span.logical_id, span)).collect(),
        }
    }
}

fn facts(report: &RootCauseReport<'_>, operation: Option<&OperationEntry<'_>>) -> Vec<(String, Option<String>)> {
    let actor = operation.and_then(|operation| operation.actor.as_ref());
    let root = report.root_cause.root.as_ref();
    let root = root.and_then(|root| report.root_cause.failures.iter().find(|failure| &failure.event == root));
    let inputs = &report.story.inputs;
    let some = |text: Option<&str>| text.map(str::to_owned);
    let mut facts = vec![
        ("stack".to_owned(), some(report.stack)),
        ("account".to_owned(), some(report.account)),
        ("region".to_owned(), some(report.region)),
        ("kind".to_owned(), operation.map(|operation| words::word(operation.kind))),
        ("outcome".to_owned(), operation.map(|operation| words::word(operation.outcome))),
        ("cause".to_owned(), cause(report)),
        ("failed first".to_owned(), root.map(|root| words::named(root.logical_id, root.resource_type))),
        ("left the stack in".to_owned(), some(left_in(report))),
        ("begun by".to_owned(), some(actor.and_then(|actor| actor.name))),
        ("tool".to_owned(), some(actor.and_then(|actor| actor.tool))),
        ("template".to_owned(), some(inputs.template_url.as_deref())),
        ("service role".to_owned(), some(inputs.role_arn.as_deref())),
        ("on failure".to_owned(), some(inputs.on_failure.as_deref())),
        ("capabilities".to_owned(), Some(inputs.capabilities.join(", ")).filter(|all| !all.is_empty())),
    ];
    let parameters = inputs.parameters.iter();
    facts.extend(parameters.map(|(name, value)| (format!("parameter {name}"), value.clone())));
    facts.extend(inputs.tags.iter().map(|(key, value)| (format!("tag {key}"), Some(value.clone()))));
    facts
}

/// The state in which the story left the stack, whatever became of it later.
fn left_in<'r>(report: &'r RootCauseReport<'_>) -> Option<&'r str> {
    let own = report.story.operations.iter().filter(|operation| operation.parent.is_none());
    own.filter_map(|operation| operation.status).next_back()
}

/// The cause in words, with its probability where it is not known for sure.
fn cause(report: &RootCauseReport<'_>) -> Option<String> {
    let first = report.root_cause.hypotheses.first().filter(|_| report.explained)?;
    Some(format!("{} ({})", first.title, first.cause))
}

/// Facts of the same name beside each other, in A's order, then what only B tells.
fn pairs(
    a: &[(String, Option<String>)],
    b: &[(String, Option<String>)],
) -> Vec<(String, Option<String>, Option<String>)> {
    let of_b: HashMap<&str, &Option<String>> = b.iter().map(|(what, says)| (what.as_str(), says)).collect();
    let in_a: BTreeSet<&str> = a.iter().map(|(what, _)| what.as_str()).collect();
    let mut pairs: Vec<_> = a
        .iter()
        .map(|(what, says)| (what.clone(), says.clone(), of_b.get(what.as_str()).and_then(|says| (*says).clone())))
        .collect();
    let only_b = b.iter().filter(|(what, _)| !in_a.contains(what.as_str()));
    pairs.extend(only_b.map(|(what, says)| (what.clone(), None, says.clone())));
    pairs
}

fn ended_otherwise(a: &Told<'_, '_>, b: &Told<'_, '_>) -> Vec<Difference> {
    let both = a.spans.iter().filter_map(|(name, a)| Some((name, a, b.spans.get(name)?)));
    let other = both.filter(|(_, a, b)| a.outcome != b.outcome || a.status != b.status);
    let says = |span: &SpanEntry| match (&span.status, span.outcome) {
        (Some(status), Outcome::Cancelled) => Some(format!("{status} (cancelled)")),
        (Some(status), _) => Some(status.clone()),
        (None, outcome) => Some(words::word(outcome)),
    };
    other.map(|(name, a, b)| Difference { what: (*name).to_owned(), a: says(a), b: says(b) }).collect()
}

/// Only what was carried out in both can be compared: a creation that failed early was not fast.
fn durations(a: &Told<'_, '_>, b: &Told<'_, '_>) -> Vec<DurationChange> {
    let whole =
        a.operation.and_then(|operation| operation.seconds).zip(b.operation.and_then(|operation| operation.seconds));
    let whole = whole.map(|(a, b)| change(None, None, a, b));
    let done = |span: &&SpanEntry| span.outcome == Outcome::Succeeded;
    let mut resources: Vec<DurationChange> = a
        .spans
        .iter()
        .filter_map(|(name, of_a)| {
            let (of_a, of_b) = (Some(*of_a).filter(done)?, b.spans.get(name).copied().filter(done)?);
            let (seconds_a, seconds_b) = (of_a.seconds?, of_b.seconds?);
            Some(change(Some(name), of_b.resource_type.as_deref(), seconds_a, seconds_b))
        })
        .collect();
    resources.sort_by(|x, y| y.longer.abs().total_cmp(&x.longer.abs()).then_with(|| x.logical_id.cmp(&y.logical_id)));
    whole.into_iter().chain(resources).collect()
}

fn change(logical_id: Option<&str>, resource_type: Option<&str>, a: f64, b: f64) -> DurationChange {
    let longer = b - a;
    DurationChange {
        logical_id: logical_id.map(str::to_owned),
        resource_type: resource_type.map(str::to_owned),
        a,
        b,
        longer,
        telling: longer.abs() >= TELLING_SECONDS && longer.abs() >= TELLING_PART * a.max(b),
    }
}

/// Files of one name, or the only file of each, that differ.
fn template_diffs(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<TemplateDiff> {
    let named = a.iter().filter_map(|(file, text)| Some((file.clone(), text, b.get(file)?)));
    let mut pairs: Vec<(String, &String, &String)> = named.collect();
    if let (true, Some((file_a, a)), Some((file_b, b))) = (pairs.is_empty(), only(a), only(b)) {
        pairs.push((format!("{file_a} / {file_b}"), a, b));
    }
    let differing = pairs.into_iter().filter(|(_, a, b)| a != b);
    differing.map(|(file, a, b)| TemplateDiff { diff: diff(a, b), file }).collect()
}

fn only(templates: &BTreeMap<String, String>) -> Option<(&String, &String)> {
    templates.iter().next().filter(|_| templates.len() == 1)
}

/// Lines of context around a change.
const CONTEXT: usize = 3;

fn diff(a: &str, b: &str) -> String {
    let (a, b) = (broken_up(a), broken_up(b));
    TextDiff::from_lines(&a, &b).unified_diff().context_radius(CONTEXT).header("A", "B").to_string()
}

/// JSON with a line for each value, also where a tool wrote it on one line.
fn broken_up(template: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(template).ok();
    let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok()).map(|pretty| pretty + "\n");
    pretty.unwrap_or_else(|| template.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_to_be_worth_a_look() {
        for (a, b, telling) in
            [(10.0, 10.0, false), (10.0, 19.9, false), (10.0, 21.0, true), (600.0, 615.0, false), (600.0, 300.0, true)]
        {
            let change = change(None, None, a, b);
            assert_eq!((change.telling, change.longer), (telling, b - a), "{a} {b}");
        }
    }

    #[test]
    fn templates_are_compared_by_lines_whatever_wrote_them() {
        let of = |files: &[(&str, &str)]| -> BTreeMap<String, String> {
            files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
        };
        let one_line = of(&[("templates/a.json", r#"{"Resources":{"Db":{"Type":"X","Size":1}}}"#)]);
        let larger = of(&[("templates/a.json", r#"{"Resources":{"Db":{"Type":"X","Size":2}}}"#)]);
        let renamed = of(&[("templates/b.json", r#"{"Resources":{"Db":{"Type":"X","Size":2}}}"#)]);
        assert!(template_diffs(&one_line, &one_line).is_empty());
        let diffs = template_diffs(&one_line, &larger);
        assert!(diffs[0].diff.contains("\"Size\": 2"), "{}", diffs[0].diff);
        assert_eq!(template_diffs(&one_line, &renamed)[0].file, "templates/a.json / templates/b.json");
        assert!(template_diffs(&one_line, &of(&[("x", "1"), ("y", "2")])).is_empty());
    }

    #[test]
    fn what_only_one_tells_is_a_difference() {
        let fact = |what: &str, says: &str| (what.to_owned(), Some(says.to_owned()));
        let pairs =
            pairs(&[fact("tool", "cdk"), ("role".to_owned(), None)], &[fact("tool", "sam"), fact("tag x", "1")]);
        let says = |text: &str| Some(text.to_owned());
        let expected = [
            ("tool".to_owned(), says("cdk"), says("sam")),
            ("role".to_owned(), None, None),
            ("tag x".to_owned(), None, says("1")),
        ];
        assert_eq!(pairs, expected);
    }
}
