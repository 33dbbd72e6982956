//! The report as one HTML file that needs nothing else: no network, no font, and no script to be read.
//! Every value passes the escape of `render/escape.rs`, as the template engine is told to (`askama.toml`); what the
//! page's own policy does not know by its hash does not run. Attached to tickets and opened in browsers.

use super::super::{Zone, gaps};
use super::anchor::{self, Anchors};
use super::gantt::Gantt;
use super::wording::{self, QUOTED, clipped, fate_word, is_quoted};
use crate::model::Outcome;
use crate::operation::{Ending, Role};
use crate::report::words;
use crate::report::{
    EventEntry, EvidenceEntry, ExplanationEntry, FailureEntry, HypothesisEntry, MomentKind, OperationEntry,
    RootCauseReport,
};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// How the page looks.
const STYLE: &str = include_str!("html/report.css");
/// What it can do besides being read.
const SCRIPT: &str = include_str!("html/report.js");
/// Rows that are opened at once.
const CHUNK: usize = 500;
/// More rows than these are not printed; they are for a screen.
const PRINTED: usize = 400;
/// Characters of a message in the timeline; one may be a whole log.
const LONGEST: usize = 2_000;

/// The whole page.
pub(super) fn page(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let anchors = Anchors::of(report);
    let gantt = Gantt::of(report, &report.chart(), &anchors);
    Page { report, anchors, gantt, policy: policy() }.write_into(out)
}

/// Nothing may be loaded, and only this style and this script have an effect.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'r, 'a> {
    report: &'r RootCauseReport<'a>,
    anchors: Anchors<'r>,
    gantt: Gantt<'r>,
    policy: String,
}

/// Rows of the timeline that are folded together.
struct Chunk<'r, 'a> {
    title: String,
    /// The place of its first row in the timeline.
    start: usize,
    rows: &'r [EventEntry<'a>],
}

impl<'r, 'a> Page<'r, 'a> {
    /// How it went: a class, a sign and a word.
    fn badge(&self) -> (&'static str, &'static str, &'static str) {
        let last = self.report.subjects().last().map(|operation| operation.outcome);
        match last {
            _ if self.report.failed => ("failed", "✗", "Failed"),
            Some(Ending::InProgress) => ("open", "…", "In progress"),
            Some(Ending::Succeeded) if !self.report.blind => ("done", "✓", "Succeeded"),
            _ => ("unknown", "?", "Not known"),
        }
    }

    fn real_failures(&self) -> impl Iterator<Item = &'r FailureEntry<'a>> {
        let real = |failure: &&FailureEntry<'_>| failure.role.is_real();
        self.report.root_cause.failures.iter().filter(real)
    }

    /// Those that no rule explains and that are not told above.
    fn further_failures(&self) -> impl Iterator<Item = &'r FailureEntry<'a>> {
        let told = |failure: &&FailureEntry<'_>| failure.role.is_real();
        self.report.root_cause.unexplained_failures.iter().filter(move |failure| !told(failure))
    }

    fn causes_title(&self, explanation: &ExplanationEntry) -> String {
        if self.report.root_cause.explanations.len() > 1 {
            format!("Causes of {}", self.report.called(&explanation.root))
        } else {
            "Causes".to_owned()
        }
    }

    fn names(&self, records: &[String]) -> String {
        records.iter().map(|record| self.report.called(record)).collect::<Vec<_>>().join(", ")
    }

    /// The hypotheses that are told in full.
    fn told(&self, explanation: &'r ExplanationEntry) -> impl Iterator<Item = &'r HypothesisEntry<'a>> {
        let held = self.report.hypotheses_of(explanation).enumerate();
        held.filter(|(place, held)| held.is_told_in_full(*place)).map(|(_, held)| held)
    }

    fn quoted(&self, piece: &EvidenceEntry<'_>) -> Option<String> {
        piece.text.filter(|_| !is_quoted(self.report, piece)).map(|text| clipped(text, QUOTED))
    }

    /// `1 left behind, 36 deleted`.
    fn fates(&self) -> String {
        let fates = self.report.impact.fates.iter();
        fates.map(|(fate, count)| format!("{count} {}", fate_word(*fate))).collect::<Vec<_>>().join(", ")
    }

    /// The stack of what happened elsewhere than in the report's own.
    fn elsewhere(&self, stack: Option<&'r str>) -> Option<&'r str> {
        stack.filter(|stack| self.report.stack != Some(*stack))
    }

    fn place_of(&self, event: &'r EventEntry<'_>) -> Option<&'r str> {
        self.elsewhere(event.stack).filter(|_| !words::is_of_stack(event))
    }

    fn resources(&self) -> usize {
        self.report.story.operations.iter().map(|operation| operation.resources.len()).sum()
    }

    /// The timeline in pieces that a browser opens at once.
    fn chunks(&self) -> Vec<Chunk<'r, 'a>> {
        let rows = self.report.timeline.as_slice();
        let size = if rows.len() <= PRINTED { PRINTED } else { CHUNK };
        let chunk = |(index, rows): (usize, &'r [EventEntry<'a>])| {
            let at =
                |event: Option<&EventEntry<'_>>| event.map(|event| Zone::Utc.moment(&event.at)).unwrap_or_default();
            let start = index * size;
            let title =
                format!("Events {} to {}: {} to {}", start + 1, start + rows.len(), at(rows.first()), at(rows.last()));
            Chunk { title, start, rows }
        };
        rows.chunks(size).enumerate().map(chunk).collect()
    }

    /// `79.00%`, for an attribute.
    fn share(probability: f64) -> String {
        format!("{:.2}%", probability.clamp(0.0, 1.0) * 100.0)
    }

    /// Not every system's fonts have the circled letter of the other pages.
    fn sign(kind: MomentKind) -> &'static str {
        if kind == MomentKind::Evidence { "◆" } else { wording::sign_of(kind) }
    }

    /// How an event ended, as the filter knows it.
    fn outcome(event: &EventEntry<'_>) -> &'static str {
        match event.outcome {
            Outcome::Failed => "failed",
            Outcome::Cancelled => "cancelled",
            Outcome::Succeeded => "succeeded",
            Outcome::InProgress => "in progress",
            Outcome::Noted => "noted",
        }
    }

    fn verdict(event: &EventEntry<'_>) -> &'static str {
        match (event.role, event.outcome) {
            (Some(Role::Root), _) => "✗ root",
            (Some(Role::Independent), _) => "✗ independent",
            (_, Outcome::Failed) => "✗ failed",
            (_, Outcome::Cancelled) => "⊘ cancelled",
            (_, Outcome::Succeeded) => "✓",
            (_, Outcome::InProgress) => "…",
            (_, Outcome::Noted) => "·",
        }
    }

    fn why(event: &EventEntry<'_>) -> String {
        clipped(&words::reason(event.error, event.message), LONGEST)
    }

    fn ending_class(operation: &OperationEntry<'_>) -> &'static str {
        match operation.outcome {
            Ending::Failed | Ending::CutOff => "failed",
            _ => "",
        }
    }

    /// A record as it was returned.
    fn pretty(raw: &serde_json::Value) -> String {
        serde_json::to_string_pretty(raw).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;

    fn hostile_page() -> String {
        let mut whole = String::new();
        testing::with_report_of(testing::HOSTILE, testing::refute, |report| {
            whole = testing::rendered(|out| page(report, out));
        });
        whole
    }

    fn between<'t>(text: &'t str, begin: &str, end: &str) -> Vec<&'t str> {
        text.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
    }

    #[test]
    fn the_policy_knows_the_style_and_the_script_of_the_page() {
        let page = hostile_page();
        let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text.as_bytes())));
        let [style] = between(&page, "<style>", "</style>")[..] else { panic!("one style") };
        let [script] = between(&page, "<script>", "</script>")[..] else { panic!("one script") };
        let [policy] = between(&page, "Content-Security-Policy\" content=\"", "\">")[..] else { panic!("one policy") };
        assert!(policy.contains(&format!("style-src {}", hash(style)).replace('\'', "&#39;")), "{policy}");
        assert!(policy.contains(&format!("script-src {}", hash(script)).replace('\'', "&#39;")), "{policy}");
        assert_eq!((style, script), (STYLE, SCRIPT));
    }

    #[test]
    fn hostile_text_is_shown_and_does_nothing() {
        let page = hostile_page();
        let shown = "Shop\\u{1b}[2J|&lt;script&gt;\\u{202e}@team ![x](y)";
        assert!(page.contains(&format!("<title>{shown}: ")), "as text");
        assert!(page.contains(&format!("<b>{shown}</b>")), "in the chart");
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "in a reason");
        assert!(page.contains("=cmd|&#39; /C calc&#39;!A0"), "ids");
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(!page.chars().any(|c| c != '\n' && crate::render::escape::is_hidden(c)));
    }

    #[test]
    fn the_badge_says_how_it_went() {
        // Nobody who says that nothing failed can make a success of an operation that failed.
        for (edit, expected) in [(testing::refute as fn(&mut _), "Failed"), (testing::succeed, "Not known")] {
            testing::with_report_of("Shop", edit, |report| {
                let page = testing::rendered(|out| page(report, out));
                assert!(page.contains(&format!("</span> {expected}</p>")), "{expected}");
            });
        }
    }

    #[test]
    fn a_timeline_is_folded_in_chunks_that_miss_nothing() {
        testing::with_report_of("Shop", testing::succeed, |report| {
            let anchors = Anchors::of(report);
            let page = Page { report, anchors, gantt: Gantt::default(), policy: String::new() };
            let chunks = page.chunks();
            assert_eq!(chunks.iter().map(|chunk| chunk.rows.len()).sum::<usize>(), report.timeline.len());
            assert!(chunks[0].title.starts_with("Events 1 to "), "{}", chunks[0].title);
        });
    }
}
