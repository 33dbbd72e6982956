//! SARIF 2.1.0, which code scanning and editors show: one result for each failure that needs an answer, at its line of
//! the template where the case holds one. The same failure has the same fingerprint in every run. Source: OASIS,
//! Static Analysis Results Interchange Format Version 2.1.0.

use super::super::{gaps, json};
use crate::model::{Gap, TemplatePlace};
use crate::operation::Role;
use crate::report::{Answer, FailureEntry, HypothesisEntry, RootCauseReport, words};
use crate::rules::CAUSES;
use hashbrown::HashMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::io::{self, Write};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The rule of failures whose cause is not known.
const UNEXPLAINED: &str = "unexplained";

#[derive(Serialize)]
struct Log<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'r> {
    tool: Tool<'r>,
    automation_details: AutomationDetails,
    invocations: [Invocation<'r>; 1],
    results: Vec<SarifResult<'r>>,
    column_kind: &'static str,
    properties: RunProperties<'r>,
}

#[derive(Serialize)]
struct Tool<'r> {
    driver: Driver<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'r> {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<&'static str>,
    rules: Vec<SarifRule<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRule<'r> {
    id: &'r str,
    name: &'r str,
    short_description: Message<'r>,
    full_description: Message<'r>,
    help: Message<'r>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'r str>,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Message<'r> {
    text: Cow<'r, str>,
}

#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

/// That the tool did its work, and what it could not see.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'r> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'r>>,
}

#[derive(Serialize)]
struct Notification<'r> {
    level: &'static str,
    message: Message<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'r> {
    rule_id: &'r str,
    rule_index: usize,
    level: &'static str,
    kind: &'static str,
    message: Message<'r>,
    locations: [Location<'r>; 1],
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<f64>,
    properties: ResultProperties<'r>,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "cfnFailure/v1")]
    failure: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<PhysicalLocation>,
    logical_locations: Vec<LogicalLocation<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'r> {
    name: &'r str,
    fully_qualified_name: Cow<'r, str>,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultProperties<'r> {
    cause: Option<&'r str>,
    probability: Option<f64>,
    unexplained: f64,
    role: Role,
    status: Option<&'r str>,
    at: &'r str,
    stack: Option<&'r str>,
    operation: Option<&'r str>,
    property_path: Option<&'r str>,
    record: &'r str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunProperties<'r> {
    title: &'r str,
    stack: Option<&'r str>,
    stack_id: Option<&'r str>,
    fingerprint: Option<&'r str>,
}

/// The document.
pub(super) fn document(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let answers = report.answers();
    let mut rules = Rules::default();
    let results = answers.iter().map(|answer| result(report, answer, &mut rules)).collect();
    let version = env!("CARGO_PKG_VERSION");
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: env!("CARGO_PKG_NAME"),
                    version,
                    semantic_version: version,
                    information_uri: Some(env!("CARGO_PKG_REPOSITORY")).filter(|uri| uri.starts_with("https://")),
                    rules: rules.used,
                },
            },
            // With a slash at its end it names the category of runs that belong together.
            automation_details: AutomationDetails {
                id: format!("cfn-forensics/{}/", report.stack.unwrap_or_default()),
            },
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: report.limits.gaps.iter().map(not_seen).collect(),
            }],
            results,
            column_kind: "unicodeCodePoints",
            properties: RunProperties {
                title: &report.title,
                stack: report.stack,
                stack_id: report.stack_id,
                fingerprint: report.limits.fingerprint.as_deref(),
            },
        }],
    };
    json::pretty(&log, out)
}

fn not_seen<'r>(gap: &Gap) -> Notification<'r> {
    let level = if gap.is_whole_source() { "note" } else { "warning" };
    Notification { level, message: Message { text: gaps::said(gap).into() } }
}

/// The rules that results refer to, each once.
#[derive(Default)]
struct Rules<'r> {
    used: Vec<SarifRule<'r>>,
    index: HashMap<&'r str, usize>,
}

impl<'r> Rules<'r> {
    fn index_of(&mut self, cause: Option<&'r HypothesisEntry<'r>>) -> usize {
        let id = cause.map_or(UNEXPLAINED, |cause| cause.rule);
        if let Some(index) = self.index.get(id) {
            return *index;
        }
        self.index.insert(id, self.used.len());
        self.used.push(cause.map_or_else(unexplained, rule));
        self.used.len() - 1
    }
}

fn rule<'r>(cause: &'r HypothesisEntry<'r>) -> SarifRule<'r> {
    let meaning = CAUSES.iter().find(|(code, _)| *code == cause.cause).map(|(_, meaning)| *meaning);
    let list = |head: &str, lines: &[String]| {
        let lines: String = lines.iter().map(|line| format!("\n- {line}")).collect();
        if lines.is_empty() { lines } else { format!("{head}:{lines}") }
    };
    let help = words::joined(
        &[cause.explanation, &list("What to do", &cause.fixes), &list("How to make sure", &cause.confirm)],
        "\n\n",
    );
    SarifRule {
        id: cause.rule,
        name: cause.cause,
        short_description: Message { text: meaning.unwrap_or(cause.title).into() },
        full_description: Message {
            text: words::joined(&[cause.title.trim_end_matches('.'), cause.explanation], ". ").into(),
        },
        help: Message { text: help.into() },
        help_uri: cause.link,
        default_configuration: Configuration { level: "error" },
    }
}

fn unexplained<'r>() -> SarifRule<'r> {
    SarifRule {
        id: UNEXPLAINED,
        name: UNEXPLAINED,
        short_description: Message { text: "No rule explains the failure".into() },
        full_description: Message {
            text: "No rule knows AWS's words, or none is more probable than another cause.".into(),
        },
        help: Message {
            text: "Read AWS's own words, and what the report says is not known and how to find out.".into(),
        },
        help_uri: None,
        default_configuration: Configuration { level: "error" },
    }
}

fn result<'r>(report: &'r RootCauseReport<'_>, answer: &'r Answer<'r>, rules: &mut Rules<'r>) -> SarifResult<'r> {
    let failure = &answer.failure;
    let cause = answer.cause();
    SarifResult {
        rule_id: cause.map_or(UNEXPLAINED, |cause| cause.rule),
        rule_index: rules.index_of(cause),
        level: "error",
        kind: "fail",
        message: Message { text: format!("{}\n{}.", answer.reason(), answer.says()).into() },
        locations: [Location {
            physical_location: failure.template.as_ref().map(physical),
            logical_locations: logical(failure, report.stack),
        }],
        partial_fingerprints: Fingerprints { failure: fingerprint(report.stack, answer) },
        rank: cause.map(|cause| (cause.probability * 10_000.0).round() / 100.0),
        properties: ResultProperties {
            cause: cause.map(|cause| cause.cause),
            probability: cause.map(|cause| cause.probability),
            unexplained: answer.unexplained,
            role: failure.role,
            status: failure.status,
            at: &failure.at,
            stack: failure.stack,
            operation: failure.operation,
            property_path: failure.property_path,
            record: &failure.event,
        },
    }
}

/// What stays as it is in a path: the unreserved characters of RFC 3986, and what parts it.
const REST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

fn physical(place: &TemplatePlace) -> PhysicalLocation {
    PhysicalLocation {
        artifact_location: ArtifactLocation { uri: utf8_percent_encode(&place.file, REST).to_string() },
        region: Region { start_line: place.line, start_column: place.column },
    }
}

fn logical<'r>(failure: &'r FailureEntry<'r>, stack: Option<&'r str>) -> Vec<LogicalLocation<'r>> {
    let stack = failure.stack.or(stack).unwrap_or_default();
    let last = |path: &'r str| path.rsplit('/').next().unwrap_or(path);
    let resource = failure.logical_id.map(|name| LogicalLocation {
        name,
        fully_qualified_name: format!("{stack}/{name}").into(),
        kind: "resource",
    });
    let construct = failure.construct_path.map(|path| LogicalLocation {
        name: last(path),
        fully_qualified_name: path.into(),
        kind: "object",
    });
    let kind =
        failure.resource_type.map(|name| LogicalLocation { name, fully_qualified_name: name.into(), kind: "type" });
    let property = failure.property_path.map(|path| LogicalLocation {
        name: last(path),
        fully_qualified_name: path.into(),
        kind: "property",
    });
    [resource, construct, kind, property].into_iter().flatten().collect()
}

/// The same for the same failure of the same resource, however often it is deployed.
fn fingerprint(stack: Option<&str>, answer: &Answer<'_>) -> String {
    let failure = &answer.failure;
    // A nested stack's name ends in letters and digits that CloudFormation draws anew each time.
    let nested = failure.stack.filter(|name| Some(*name) != stack);
    let nested = nested.map(|name| name.rsplit_once('-').map_or(name, |(fixed, _)| fixed));
    let cause = answer.cause().map_or(UNEXPLAINED, |cause| cause.cause);
    let mut hash = Sha256::new();
    for part in [stack.unwrap_or_default(), nested.unwrap_or_default(), failure.logical_id.unwrap_or_default(), cause] {
        hash.update(part);
        hash.update([0]);
    }
    super::hexadecimal(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;
    use serde_json::Value;

    fn written(report: &RootCauseReport<'_>) -> Value {
        serde_json::from_str(&testing::rendered(|out| document(report, out))).unwrap()
    }

    #[test]
    fn a_failure_is_known_again_in_the_next_run() {
        let print = |stack: &str, nested: Option<&'static str>, name: &'static str| {
            let mut print = String::new();
            testing::with_report(stack, |report| {
                let failure = &mut report.root_cause.failures[0];
                failure.logical_id = Some(name);
                failure.stack = nested;
                failure.at.clear();
                let sarif = written(report);
                print =
                    sarif["runs"][0]["results"][0]["partialFingerprints"]["cfnFailure/v1"].as_str().unwrap().to_owned();
            });
            print
        };
        let first = print("Shop", Some("Shop-Data-1ABCDEF"), "Db");
        assert_eq!((first.len(), &first), (64, &print("Shop", Some("Shop-Data-2XYZ"), "Db")));
        for (stack, nested, name) in
            [("Shop2", Some("Shop-Data-1ABCDEF"), "Db"), ("Shop", Some("Shop-Web-1ABC"), "Db"), ("Shop", None, "Db")]
        {
            assert_ne!(first, print(stack, nested, name));
        }
    }

    #[test]
    fn a_place_in_the_template_is_an_address_in_the_case() {
        testing::with_report(testing::HOSTILE, |report| {
            let failure = &mut report.root_cause.failures[0];
            failure.template = Some(TemplatePlace { file: "templates/a%2F b.yaml".to_owned(), line: 7, column: 3 });
            let sarif = written(report);
            let result = &sarif["runs"][0]["results"][0];
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "templates/a%252F%20b.yaml");
            assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&7.into(), &3.into()));
            assert!(result["message"]["text"].as_str().unwrap().starts_with(testing::MESSAGE));
        });
    }

    #[test]
    fn what_nobody_explains_has_a_rule_of_its_own() {
        testing::with_report("Shop", |report| {
            report.root_cause.explanations.clear();
            let run = &written(report)["runs"][0];
            assert_eq!(
                (&run["results"][0]["ruleId"], &run["tool"]["driver"]["rules"][0]["id"]),
                (&UNEXPLAINED.into(), &UNEXPLAINED.into())
            );
            assert!(run["results"][0]["rank"].is_null());
        });
    }
}
