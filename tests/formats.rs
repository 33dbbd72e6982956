//! The machine-readable formats of the root-cause report, for every fixture: each as the document that defines it
//! says, and two of them whole beside their cases (`SNAPSHOTS=overwrite` writes them anew; the difference is for a
//! person to judge).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixture;

use cfn_forensics::render::{self, ReportFormat, ReportStyle};
use cfn_forensics::report::RootCauseReport;
use cfn_forensics::report::select::{Question, Which};
use fixture::{Fixture, Told, fixtures};
use jsonschema::Validator;
use quick_xml::events::Event;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each fixture's report, of its newest story and of all stories.
fn every_report(check: impl Fn(&str, &RootCauseReport<'_>)) {
    for Fixture { name, expected, told } in fixtures() {
        check(&name, &told.report());
        let question = Question { stack: Some(expected.stack), which: Which::All, ..Question::default() };
        check(&format!("{name}, all"), &Told::asked(told.capture, &question).report());
    }
}

fn written(report: &RootCauseReport<'_>, format: ReportFormat) -> String {
    let mut bytes = Vec::new();
    render::report(report, format, ReportStyle::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn json(report: &RootCauseReport<'_>, format: ReportFormat) -> Value {
    serde_json::from_str(&written(report, format)).unwrap()
}

fn schema(path: &str) -> Validator {
    let mut schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    // SARIF's pattern of a language has a bracket too many, which not every reader of expressions takes; nothing here has one.
    for of in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{of}/properties/language"));
        language.and_then(Value::as_object_mut).and_then(|language| language.remove("pattern"));
    }
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_valid(schema: &Validator, document: &Value, name: &str) {
    let faults: Vec<String> =
        schema.iter_errors(document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}");
}

/// A page without its style and its script, which stand in files of their own.
fn without_dress(page: &str) -> String {
    let style = include_str!("../src/render/root_cause/html/report.css");
    let script = include_str!("../src/render/root_cause/html/report.js");
    page.replace(style, "").replace(script, "")
}

#[test]
fn two_fixtures_are_written_as_they_were() {
    for fixture in ["two-roots", "nested-kms-refused"] {
        let path = Path::new("fixtures").join(fixture);
        let told = Fixture::read(&path).told;
        for (file, format) in [
            ("report.json", ReportFormat::Json),
            ("report.html", ReportFormat::Html),
            ("report.sarif.json", ReportFormat::Sarif),
            ("report.junit.xml", ReportFormat::Junit),
            ("report.annotations.txt", ReportFormat::Annotations),
            ("report.trace.json", ReportFormat::Trace),
            ("report.otlp.json", ReportFormat::Otlp),
        ] {
            // As text: what is compared is the bytes, not the values.
            let expected = snapbox::Data::read_from(&path.join(file), Some(snapbox::data::DataFormat::Text));
            snapbox::Assert::new()
                .action_env("SNAPSHOTS")
                .eq(without_dress(&written(&told.report(), format)), expected.raw());
        }
    }
}

#[test]
fn the_report_as_json_fits_its_schema_and_can_be_read_back() {
    let schema = schema("docs/report.schema.json");
    every_report(|name, report| {
        let document = json(report, ReportFormat::Json);
        assert_valid(&schema, &document, name);
        // From the value, not from the text: the report borrows its texts, and those in JSON have escapes.
        let back = RootCauseReport::deserialize(&document).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(&back).unwrap(), document, "{name}");
    });
}

#[test]
fn sarif_fits_its_schema_and_tells_every_failure() {
    let schema = schema("tests/schemas/sarif-2.1.0.json");
    let mut placed = 0;
    for Fixture { name, told, .. } in fixtures() {
        let report = told.report();
        let document = json(&report, ReportFormat::Sarif);
        assert_valid(&schema, &document, &name);
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.answers().len(), "{name}");
        assert!(!report.failed || !results.is_empty(), "{name}");
        let prints: BTreeSet<&str> =
            results.iter().map(|result| result["partialFingerprints"]["cfnFailure/v1"].as_str().unwrap()).collect();
        assert_eq!(prints.len(), results.len(), "{name}");
        for result in results {
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
            assert_eq!(rule["id"], result["ruleId"], "{name}");
            let place = &result["locations"][0]["physicalLocation"];
            if let Some(line) = place["region"]["startLine"].as_u64() {
                placed += 1;
                let file = Path::new(&name).join(place["artifactLocation"]["uri"].as_str().unwrap());
                let text = fs::read_to_string(file).unwrap();
                let line = text.lines().nth(line as usize - 1).unwrap();
                let logical = result["locations"][0]["logicalLocations"].as_array().unwrap();
                let names = logical.iter().map(|place| place["name"].as_str().unwrap());
                assert!(names.into_iter().any(|name| line.contains(name)), "{name}: {line}");
            }
        }
    }
    assert!(placed >= 8, "{placed}");
}

#[test]
fn junit_is_xml_in_which_nothing_is_lost() {
    every_report(|name, report| {
        let text = written(report, ReportFormat::Junit);
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut counted: BTreeMap<String, usize> = BTreeMap::new();
        let mut told: BTreeMap<String, usize> = BTreeMap::new();
        let mut words = String::new();
        loop {
            match reader.read_event().unwrap_or_else(|error| panic!("{name}: {error}")) {
                Event::Eof => break,
                Event::Start(tag) | Event::Empty(tag) => {
                    let of = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
                    for attribute in tag.attributes().map(Result::unwrap) {
                        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).unwrap();
                        if of == "testsuites" && value.parse::<usize>().is_ok() {
                            let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                            told.insert(key, value.parse().unwrap());
                        }
                    }
                    *counted.entry(of).or_default() += 1;
                }
                Event::Text(text) => words.push_str(&text.decode().unwrap()),
                _ => {}
            }
        }
        let of = |tag: &str| counted.get(tag).copied().unwrap_or_default();
        assert_eq!(
            (told["tests"], told["failures"], told["skipped"]),
            (of("testcase"), of("failure"), of("skipped")),
            "{name}"
        );
        assert!(of("testsuite") >= report.story.operations.len(), "{name}");
        for answer in report.answers() {
            assert!(words.contains(&format!("Record: {}", answer.failure.event)), "{name}: {}", answer.failure.event);
        }
        assert!(!report.failed || of("failure") > 0, "{name}");
        assert!(!report.blind || of("failure") == 0, "{name}");
    });
}

#[test]
fn annotations_are_commands_and_few() {
    every_report(|name, report| {
        let text = written(report, ReportFormat::Annotations);
        assert!(text.lines().count() <= 10, "{name}");
        assert_eq!(text.lines().count(), report.answers().len().min(10), "{name}");
        assert!(text.lines().all(|line| line.starts_with("::error title=")), "{name}: {text}");
    });
}

#[test]
fn traces_keep_to_their_format() {
    every_report(|name, report| {
        let document = json(report, ReportFormat::Trace);
        assert_eq!(document["displayTimeUnit"], "ms");
        let mut slices: BTreeMap<(u64, u64), Vec<(i64, i64)>> = BTreeMap::new();
        let mut named = BTreeSet::new();
        for event in document["traceEvents"].as_array().unwrap() {
            let place = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
            let ts = event["ts"].as_i64().unwrap();
            match event["ph"].as_str().unwrap() {
                "X" => {
                    let dur = event["dur"].as_i64().unwrap();
                    assert!(dur >= 0 && event["name"].is_string() && event["cat"].is_string(), "{name}: {event}");
                    slices.entry(place).or_default().push((ts, ts + dur));
                }
                "i" => assert!(event["s"] == "p" && event["name"].is_string(), "{name}: {event}"),
                "M" => {
                    named.insert((event["name"].as_str().unwrap().to_owned(), place));
                }
                other => panic!("{name}: {other}"),
            }
        }
        for ((pid, tid), mut slices) in slices {
            assert!(named.contains(&("thread_name".to_owned(), (pid, tid))), "{name}: {pid} {tid}");
            assert!(named.contains(&("process_name".to_owned(), (pid, 0))), "{name}: {pid}");
            slices.sort_unstable();
            let overlap = slices.windows(2).find(|pair| pair[1].0 < pair[0].1 && pair[1].1 > pair[0].1);
            assert!(overlap.is_none(), "{name}: {pid} {tid} {overlap:?}");
        }
        let shown: usize = report.chart().tracks.iter().map(|track| track.lanes.len() + 1).sum();
        let told = document["traceEvents"].as_array().unwrap();
        let told = told.iter().filter(|event| event["cat"] == "operation" || event["cat"] == "resource").count();
        assert_eq!(told, shown, "{name}");
    });
}

#[test]
fn spans_keep_to_otlp() {
    every_report(|name, report| {
        let document = json(report, ReportFormat::Otlp);
        let resource = &document["resourceSpans"][0];
        let spans = resource["scopeSpans"][0]["spans"].as_array().unwrap();
        let hexadecimal = |id: &Value, length: usize| {
            let id = id.as_str().unwrap();
            id.len() == length && id.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) && id.chars().any(|c| c != '0')
        };
        let nanos = |time: &Value| time.as_str().unwrap().parse::<u64>().unwrap();
        let ids: BTreeSet<&str> = spans.iter().map(|span| span["spanId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), spans.len(), "{name}");
        let roots = spans.iter().filter(|span| span.get("parentSpanId").is_none()).count();
        assert_eq!(roots, 1, "{name}");
        let mut failures = 0;
        for span in spans {
            assert!(hexadecimal(&span["traceId"], 32) && hexadecimal(&span["spanId"], 16), "{name}: {span}");
            assert_eq!(span["traceId"], spans[0]["traceId"], "{name}");
            assert!(span.get("parentSpanId").is_none_or(|parent| ids.contains(parent.as_str().unwrap())), "{name}");
            assert!(nanos(&span["endTimeUnixNano"]) >= nanos(&span["startTimeUnixNano"]), "{name}: {span}");
            assert!(span["kind"] == 1 && !span["name"].as_str().unwrap().is_empty(), "{name}: {span}");
            let code = span["status"].get("code").and_then(Value::as_u64);
            assert!(matches!(code, None | Some(1 | 2)), "{name}: {span}");
            for event in span["events"].as_array().unwrap() {
                nanos(&event["timeUnixNano"]);
                failures += usize::from(event["name"] == "exception");
                check_attributes(&event["attributes"], name);
            }
            check_attributes(&span["attributes"], name);
        }
        check_attributes(&resource["resource"]["attributes"], name);
        assert_eq!(failures, report.answers().len(), "{name}");
        let shown: usize = report.chart().tracks.iter().map(|track| track.lanes.len() + 1).sum();
        assert_eq!(spans.len(), shown + 1, "{name}");
    });
}

fn check_attributes(attributes: &Value, name: &str) {
    let mut keys = BTreeSet::new();
    for attribute in attributes.as_array().unwrap() {
        assert!(keys.insert(attribute["key"].as_str().unwrap()), "{name}: {attributes}");
        let value = attribute["value"].as_object().unwrap();
        assert_eq!(value.len(), 1, "{name}: {attribute}");
        for (kind, value) in value {
            match kind.as_str() {
                "stringValue" => assert!(value.is_string(), "{name}: {attribute}"),
                "doubleValue" => assert!(value.is_number(), "{name}: {attribute}"),
                "intValue" => assert!(value.as_str().unwrap().parse::<i64>().is_ok(), "{name}: {attribute}"),
                other => panic!("{name}: {other}"),
            }
        }
    }
}

/// A nested stack's operation stands in the resource that it is to its parent.
#[test]
fn nested_stacks_are_in_their_resources() {
    let told = Fixture::read(Path::new("fixtures/nested-kms-refused")).told;
    let document = json(&told.report(), ReportFormat::Otlp);
    let spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let nested = |span: &&Value| span["name"].as_str().unwrap().contains("wholesale-orders-");
    for span in spans.iter().filter(nested) {
        let parent = spans.iter().find(|parent| parent["spanId"] == span["parentSpanId"]).unwrap();
        let logical = parent["name"].as_str().unwrap();
        assert!(logical.ends_with("Stack") && span["name"].as_str().unwrap().contains(logical), "{span}");
    }
    assert_eq!(spans.iter().filter(nested).count(), 4);
}
