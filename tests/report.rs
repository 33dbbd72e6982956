//! The root-cause report as Markdown: what it prints for every fixture is in `report.md` beside it (`SNAPSHOTS=overwrite`
//! writes it anew; the difference is for a person to judge), and a real renderer sees the tables and links that were meant.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod fixture;

use cfn_forensics::compare::{Deployment, compare};
use cfn_forensics::model::{Capture, RecordFile};
use cfn_forensics::render::{self, ComparisonFormat, Flavor, ReportFormat, ReportStyle, Style};
use cfn_forensics::report::RootCauseReport;
use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use fixture::{Fixture, Told, fixtures};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

const STYLES: [ReportStyle; 3] = [
    ReportStyle { flavor: Flavor::Github, short: false },
    ReportStyle { flavor: Flavor::Plain, short: false },
    ReportStyle { flavor: Flavor::Github, short: true },
];

fn markdown(report: &RootCauseReport<'_>, style: ReportStyle) -> String {
    let mut page = Vec::new();
    render::report(report, ReportFormat::Markdown, style, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn every_fixture_reports_what_it_reported() {
    for fixture in fixtures() {
        let expected = snapbox::Data::read_from(&Path::new(&fixture.name).join("report.md"), None);
        let page = markdown(&fixture.told.report(), STYLES[0]);
        snapbox::Assert::new().action_env("SNAPSHOTS").eq(page, expected.raw());
    }
}

/// What a renderer makes of a page.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rendered {
    rows: usize,
    cells_by_table: Vec<(usize, Vec<usize>)>,
    links: Vec<String>,
    images: usize,
    html: Vec<String>,
    code_blocks: usize,
    text: String,
}

fn rendered(page: &str) -> Rendered {
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.math_dollars = true;
    options.extension.footnotes = true;
    let root = parse_document(&arena, page, &options);
    let mut rendered = Rendered::default();
    for node in root.descendants() {
        look_at(node, &mut rendered);
    }
    rendered
}

fn look_at<'n>(node: &'n AstNode<'n>, rendered: &mut Rendered) {
    match &node.data.borrow().value {
        NodeValue::Table(table) => rendered.cells_by_table.push((table.num_columns, Vec::new())),
        NodeValue::TableRow(_) => {
            rendered.rows += 1;
            rendered.cells_by_table.last_mut().unwrap().1.push(node.children().count());
        }
        NodeValue::Link(link) => rendered.links.push(link.url.clone()),
        NodeValue::Image(_) => rendered.images += 1,
        NodeValue::HtmlInline(html) => rendered.html.push(html.clone()),
        NodeValue::HtmlBlock(html) => rendered.html.push(html.literal.clone()),
        NodeValue::CodeBlock(_) => rendered.code_blocks += 1,
        NodeValue::Text(text) => rendered.text.push_str(text),
        NodeValue::Code(code) => rendered.text.push_str(&code.literal),
        _ => {}
    }
}

/// What must hold for every page, whatever its story says.
fn check(page: &str, style: ReportStyle, name: &str) -> Rendered {
    let mut rendered = rendered(page);
    let written = page.lines().filter(|line| line.starts_with("| ")).count();
    // The line below the head of a table makes it one, and is no row.
    assert_eq!(rendered.rows, written - rendered.cells_by_table.len(), "{name}: a table broke\n{page}");
    for (columns, rows) in &rendered.cells_by_table {
        assert!(rows.iter().all(|cells| cells == columns), "{name}: a row of another width\n{page}");
    }
    // An address in plain text can be clicked on where mail is read, and may be.
    let is_mail = |link: &&String| style.flavor == Flavor::Plain && link.starts_with("mailto:");
    rendered.links.retain(|link| !is_mail(&link));
    for link in &rendered.links {
        assert!(link.starts_with("https://") && link.contains("aws.amazon.com"), "{name}: {link}");
    }
    assert_eq!(rendered.images, 0, "{name}");
    let ours = |html: &str| {
        let html = html.trim();
        html == "<br>" || html == "</details>" || html.starts_with("<details><summary>")
    };
    assert!(rendered.html.iter().all(|html| ours(html)), "{name}: {:?}", rendered.html);
    if style.flavor == Flavor::Plain {
        assert_eq!((rendered.code_blocks, rendered.html.len(), rendered.links.len()), (0, 0, 0), "{name}");
    }
    let hidden = |c: char| c != '\n' && c != '\u{fe0f}' && render::escape::is_hidden(c);
    assert!(!page.chars().any(hidden), "{name}");
    let command = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    assert!(!page.lines().any(command), "{name}: a line that a CI system takes for a command");
    assert!(page.ends_with('\n') && !page.contains("\n\n\n"), "{name}: blank lines\n{page}");
    rendered
}

#[test]
fn tables_are_tables_and_links_lead_to_the_console() {
    for fixture in fixtures() {
        let report = fixture.told.report();
        for style in STYLES {
            let mut page = markdown(&report, style);
            if style.flavor == Flavor::Plain {
                // Where references are no links, the address stands in the table of records for people to click on.
                page = page
                    .lines()
                    .map(|line| line.replace("https://", ""))
                    .fold(String::new(), |page, line| page + &line + "\n");
            }
            check(&page, style, &fixture.name);
        }
    }
}

#[test]
fn every_reference_is_a_cited_record() {
    for fixture in fixtures() {
        let report = fixture.told.report();
        let page = markdown(&report, STYLES[0]);
        let records: Vec<&str> = report.exhibits.iter().map(|exhibit| exhibit.record.as_str()).collect();
        for exhibit in &report.exhibits {
            assert!(exhibit.text.is_some() || exhibit.raw.is_object(), "{}: {}", fixture.name, exhibit.record);
        }
        // A reference that has no address would be printed with its brackets.
        for (at, _) in page.match_indices("[`") {
            let record = page[at + 2..].split('`').next().unwrap();
            assert!(records.contains(&record), "{}: {record}", fixture.name);
            assert!(page.contains(&format!("\n[`{record}`]: https://")), "{}: {record}", fixture.name);
        }
    }
}

#[test]
fn the_summary_and_the_moments_are_short() {
    for Fixture { name, told, .. } in fixtures() {
        let report = told.report();
        assert!((3..=6).contains(&report.summary.len()), "{name}: {:#?}", report.summary);
        assert!((1..=15).contains(&report.story.moments.len()), "{name}");
        let times: Vec<&str> = report.story.moments.iter().map(|moment| moment.at.as_str()).collect();
        assert!(times.is_sorted(), "{name}");
        let short = markdown(&report, STYLES[2]);
        assert!(short.chars().count() < 20_000, "{name}: {}", short.len());
    }
}

const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";

/// A story with a text in every place that somebody else writes.
fn story(text: &str) -> Capture {
    let mut rows = RecordFile::list("stack_events", None, "StackEvents");
    let own = "AWS::CloudFormation::Stack";
    for (second, logical, kind, status) in [
        (9, "Shop", own, "ROLLBACK_COMPLETE"),
        (8, text, text, "DELETE_SKIPPED"),
        (5, "Shop", own, "ROLLBACK_IN_PROGRESS"),
        (4, text, text, "CREATE_FAILED"),
        (2, text, text, "CREATE_IN_PROGRESS"),
        (1, "Shop", own, "CREATE_IN_PROGRESS"),
    ] {
        let row = serde_json::json!({
            "StackId": STACK, "StackName": "Shop", "EventId": format!("e{second}"), "LogicalResourceId": logical,
            "PhysicalResourceId": if kind == own { STACK } else { text }, "ResourceType": kind,
            "Timestamp": format!("2026-11-18T12:00:0{second}Z"), "ResourceStatus": status, "ResourceStatusReason": text,
        });
        rows.push(&row.to_string());
    }
    let mut calls = RecordFile::list("cloudtrail", None, "Records");
    let call = serde_json::json!({
        "eventVersion": "1.11", "eventID": text, "eventTime": "2026-11-18T12:00:00Z",
        "eventSource": "cloudformation.amazonaws.com", "eventName": "CreateStack", "awsRegion": "us-east-1",
        "readOnly": false, "userAgent": text, "sourceIPAddress": text,
        "userIdentity": {"type": "IAMUser", "userName": text, "accountId": "111122223333"},
        "requestParameters": {"stackName": "Shop", "templateURL": text, "roleARN": text, "capabilities": [text],
            "parameters": [{"parameterKey": text, "parameterValue": text}], "tags": [{"key": text, "value": text}]},
        "responseElements": {"stackId": STACK},
    });
    calls.push(&call.to_string());
    Capture { manifest: None, files: vec![calls, rows], gaps: Vec::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_comes_alive_whatever_the_records_say(text in prop_oneof![
        "[ -~\n\t]{1,60}",
        ".{1,40}",
        prop::sample::select(vec![
            "a|b\n|---|\n| x |", "```\n</details><script>alert(1)</script>", "[x](https://evil.example)", "![x](https://evil.example/x.png)",
            "<img src=x onerror=alert(1)>", "::error::x\n##[group]x", "\u{1b}[2J\u{202e}\u{200b}", "| --- | --- |", "# head\n\n- item\n1. one",
            "x\n===\n", "[`stack_events#1`]: https://evil.example", "[^1]: note", "$$x$$ $y$", "https://evil.example www.evil.example a@b.example",
            "@everyone #1 acme/shop#2", "<!-- -->", "a\r\nb\rc", "\\|", "`", "    code", "&lt;b&gt; &amp;", "{{resolve:x}} %%{init}%%", "~~x~~ **y** _z_",
        ]).prop_map(str::to_owned),
    ]) {
        let told = Told::of(story(&text), None);
        let report = told.report();
        for style in STYLES {
            let page = markdown(&report, style).replace("us-east-1.console.aws.amazon.com", "console.aws.amazon.com");
            let page = if style.flavor == Flavor::Plain { page.replace("https://console", "console") } else { page };
            check(&page, style, &text);
        }
        let page = compared(&told, &Told::of(story("plain"), None));
        check(&page, STYLES[0], &text);
    }
}

/// Two deployments side by side as Markdown.
fn compared(a: &Told, b: &Told) -> String {
    let none = BTreeMap::new();
    let (report_a, report_b) = (a.report(), b.report());
    let [a, b] = [&report_a, &report_b].map(|report| Deployment { report, templates: &none });
    let mut page = Vec::new();
    let style = Style::plain(120);
    render::comparison(&compare(a, b), ComparisonFormat::Markdown, &style, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn a_short_page_stays_short() {
    let told = Told::of(story(&"very long | words\n".repeat(20_000)), None);
    let page = markdown(&told.report(), STYLES[2]);
    assert!(page.chars().count() < 60_000, "{}", page.chars().count());
    check(&page, STYLES[2], "long");
}
