//! The report as HTML, read back by a tokenizer of real HTML: whatever stands in a record stays text, no claim leads
//! nowhere, and the page keeps the rules that its own policy sets. What it looks like and does is `tests/browser.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::diagnose::diagnose;
use cfn_forensics::model::{Capture, Form, RecordFile, Text};
use cfn_forensics::render::{self, ReportFormat, ReportStyle};
use cfn_forensics::report::select::{Question, Which, select};
use cfn_forensics::report::{Evidence, RootCauseReport};
use cfn_forensics::rules::Catalogue;
use cfn_forensics::{actor, case, operation, timeline};
use html5gum::{DefaultEmitter, Token, Tokenizer};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

/// All that a page may be made of.
const TAGS: &str = "html head meta title style body header nav main section h1 h2 h3 h4 p a b strong em small br span div \
    ul ol li dl dt dd table caption thead tbody tr th td time code pre blockquote details summary button label input select \
    option output svg rect line text defs pattern lineargradient stop script";
/// Of these, what is not closed.
const VOID: [&str; 3] = ["meta", "br", "input"];

/// A page in pieces.
#[derive(Default)]
struct Read {
    text: String,
    tags: BTreeMap<String, usize>,
    ids: Vec<String>,
    links: Vec<String>,
    /// Bars of resources in the chart.
    bars: usize,
}

/// Reads a page; what a page must never have is refused here.
fn read(page: &str) -> Read {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut read = Read::default();
    let mut open: Vec<String> = Vec::new();
    let allowed: BTreeSet<&str> = TAGS.split_whitespace().collect();
    for Ok(token) in Tokenizer::new_with_emitter(page, emitter) {
        match token {
            Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                assert!(allowed.contains(&*name), "<{name}>");
                for (key, value) in &tag.attributes {
                    let (key, value) = (String::from_utf8_lossy(key), String::from_utf8_lossy(value).into_owned());
                    assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "{key:?}");
                    assert!(!key.starts_with("on") && key != "style" && key != "src", "<{name} {key}={value:?}>");
                    match &*key {
                        "id" => read.ids.push(value),
                        "href" => read.links.push(value),
                        "width" if name == "rect" && value.ends_with('%') => {
                            assert!(
                                value
                                    .trim_end_matches('%')
                                    .parse::<f64>()
                                    .is_ok_and(|width| (0.0..=100.0).contains(&width)),
                                "{value}"
                            );
                        }
                        "class" if name == "rect" && value.starts_with("bar ") => {
                            read.bars += usize::from(open.iter().rev().nth(1).is_some_and(|around| around == "a"));
                        }
                        _ => {}
                    }
                }
                *read.tags.entry(name.clone()).or_default() += 1;
                if !tag.self_closing && !VOID.contains(&&*name) {
                    open.push(name);
                }
            }
            Token::EndTag(tag) => assert_eq!(open.pop().as_deref(), Some(&*String::from_utf8_lossy(&tag.name))),
            Token::String(text) => read.text.push_str(&String::from_utf8_lossy(&text)),
            Token::Comment(comment) => panic!("a comment: {comment:?}"),
            Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    read
}

/// Each claim has its record, each id is there once, and there is one style and one script.
fn check(read: &Read) {
    assert_eq!((read.tags["style"], read.tags["script"]), (1, 1));
    let ids: BTreeSet<&String> = read.ids.iter().collect();
    assert_eq!(ids.len(), read.ids.len(), "an id stands twice");
    for link in &read.links {
        match link.strip_prefix('#') {
            Some(id) => assert!(ids.contains(&id.to_owned()), "{link} leads nowhere"),
            None => assert!(link.starts_with("https://"), "{link}"),
        }
    }
}

/// The page of everything that a capture tells of its newest story's stack, and how many resources its operations have.
fn page(capture: &Capture, stack: Option<String>) -> Option<(String, usize)> {
    let timeline = timeline::build(capture, timeline::Options::default());
    let history = operation::cut(&timeline);
    let actors = actor::actors(&timeline, &history);
    let selection = select(&timeline, &history, &Question { stack, which: Which::All, ..Question::default() }).ok()?;
    let story = selection.clone().of_story(&history);
    let diagnosis = selection.story.as_ref().map(|story| diagnose(&timeline, &history, story, &CATALOGUE));
    let evidence = Evidence { timeline: &timeline, history: &history, actors: &actors };
    let diagnosis = diagnosis.unwrap_or_default();
    let report = RootCauseReport::new(evidence, &selection, &story, &diagnosis, capture, None);
    let mut bytes = Vec::new();
    render::report(&report, ReportFormat::Html, ReportStyle::default(), &mut bytes).unwrap();
    let resources = report.story.operations.iter().map(|operation| operation.resources.len()).sum();
    Some((String::from_utf8(bytes).unwrap(), resources))
}

#[test]
fn every_fixture_is_a_sound_page_with_a_bar_for_each_resource() {
    for folder in std::fs::read_dir("fixtures").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let capture = case::read(Path::new(&folder)).unwrap();
        let Some((page, resources)) = page(&capture, None) else { continue };
        let read = read(&page);
        check(&read);
        assert_eq!(read.bars, resources, "{}", folder.display());
        assert!(read.links.iter().any(|link| link.starts_with("#r-")), "{}: no claim", folder.display());
    }
}

/// Text as an attacker, a broken log or another language has it.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{1,30}",
        "[<>&\"'/=! a-z]{1,40}",
        "[\\x00-\\x1f\\x7f-\\u{9f}\\u{200b}-\\u{202e}\\u{2066}\\u{feff}\\u{e0041}a<&]{1,20}",
        prop::sample::select(vec![
            "</script><script>window.hacked=1</script>",
            "</title></style><!--",
            "]]><![CDATA[",
            "\"><img src=x onerror=window.hacked=1>",
            "' onfocus='window.hacked=1' autofocus='",
            "javascript:window.hacked=1",
            "{{ 7*7 }}{% raw %}",
            "&lt;&#60;&amp;lt;",
            "\r\n\r<br>\t",
        ])
        .prop_map(str::to_owned),
    ]
}

/// What a person reads of a text, without its white space.
fn essence(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && *c != '⏎').collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stands_in_a_record_stays_text(texts in prop::collection::vec((hostile(), hostile(), hostile()), 1..6), stack in hostile()) {
        let id = format!("arn:aws:cloudformation:us-east-1:111122223333:stack/{stack}/0f1e2d3c-0000-4000-8000-000000000001");
        let row = |second: usize, logical_id: &str, kind: &str, status: &str, reason: &str| serde_json::json!({
            "StackId": id, "StackName": stack, "EventId": second.to_string(), "LogicalResourceId": logical_id, "PhysicalResourceId": if logical_id == stack { &id } else { reason },
            "ResourceType": kind, "Timestamp": format!("2026-11-18T12:00:{second:02}Z"), "ResourceStatus": status, "ResourceStatusReason": reason,
        }).to_string();
        let mut records = vec![row(0, &stack, "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", "User Initiated")];
        for (index, (logical_id, kind, reason)) in texts.iter().enumerate() {
            records.push(row(2 * index + 1, logical_id, kind, "CREATE_IN_PROGRESS", ""));
            records.push(row(2 * index + 2, logical_id, kind, "CREATE_FAILED", reason));
        }
        records.push(row(50, &stack, "AWS::CloudFormation::Stack", "ROLLBACK_COMPLETE", ""));
        records.reverse();
        let mut text = String::new();
        let mut spans = Vec::new();
        for record in &records {
            spans.push(text.len()..text.len() + record.len());
            text.push_str(record);
        }
        let file = RecordFile { source: "stack_events", name: Text::from("stack_events"), form: Form::Json, text, records: spans };
        let capture = Capture { files: vec![file], ..Capture::default() };
        if let Some((page, _)) = page(&capture, None) {
            let read = read(&page);
            check(&read);
            let whole = essence(&read.text);
            for (_, _, reason) in &texts {
                let expected = essence(&render::terminal_line(reason.trim()));
                prop_assert!(whole.contains(&expected), "{expected:?} is lost");
            }
        }
    }
}
