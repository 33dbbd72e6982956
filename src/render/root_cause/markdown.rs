//! The report as a page of Markdown: whole, with folded sections and a mermaid chart where they are understood, or short
//! enough for a comment. Everything that is not ours is escaped, so that nothing in it comes alive where it is pasted.
//! Pasted into tickets, pull requests, wikis, mails and job summaries.

use super::super::Zone;
use super::super::escape::{markdown, markdown_cell, markdown_code, markdown_fence, markdown_plain};
use super::super::gaps;
use super::wording::{self, QUOTED, clipped, fate_word, is_quoted, sign_of, title_of};
use super::{Flavor, mermaid};
use crate::model::Gap;
use crate::operation::Role;
use crate::report::words;
use crate::report::{
    EventEntry, EvidenceEntry, Exhibit, ExplanationEntry, FailureEntry, HypothesisEntry, RootCauseReport, Stage, Step,
    When,
};
use std::io::{self, Write};

/// GitHub refuses comments of more than 65,536 characters; with the addresses of its references the page stays under 60,000.
const LONGEST_SHORT: usize = 40_000;
/// What a short page has room for.
const SHORT_REASON: usize = 1_000;
const SHORT_CAUSES: usize = 3;
const SHORT_STEPS: usize = 6;

/// The whole page.
pub(super) fn page(report: &RootCauseReport<'_>, flavor: Flavor, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Sheet::new(report, flavor, out);
    page.head()?;
    page.story()?;
    page.root_cause()?;
    page.known_and_unknown()?;
    page.plan()?;
    page.impact()?;
    page.limits()?;
    page.appendix()?;
    if page.is_plain() { Ok(()) } else { page.addresses(|_| true) }
}

/// What fits into a comment or a message: the summary, AWS's own words, the causes, what to do.
pub(super) fn short(report: &RootCauseReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut body = Vec::new();
    Sheet::new(report, Flavor::Github, &mut body).short()?;
    let text = String::from_utf8_lossy(&body);
    let kept = match text.char_indices().nth(LONGEST_SHORT) {
        None => &*text,
        // Cut at a line's end, so that no markup stays open.
        Some((end, _)) => text.get(..end).and_then(|cut| cut.rsplit_once('\n')).map_or("", |(lines, _)| lines),
    };
    out.write_all(kept.as_bytes())?;
    if kept.len() < text.len() {
        writeln!(out, "\n\n*Cut here: the report is longer than a comment may be.*\n")?;
    }
    Sheet::new(report, Flavor::Github, out).addresses(|reference| kept.contains(reference))
}

/// Makes somebody's text harmless.
type Escape = fn(&str) -> String;

struct Sheet<'r, 'a, 'o> {
    report: &'r RootCauseReport<'a>,
    flavor: Flavor,
    /// Escapes a piece of a line.
    text: Escape,
    /// Escapes a cell of a table: line ends stay line ends where HTML is understood.
    cell: Escape,
    out: &'o mut dyn Write,
}

impl<'r, 'a, 'o> Sheet<'r, 'a, 'o> {
    fn new(report: &'r RootCauseReport<'a>, flavor: Flavor, out: &'o mut dyn Write) -> Self {
        let (text, cell): (Escape, Escape) = match flavor {
            Flavor::Github => (markdown, markdown_cell),
            Flavor::Plain => (markdown_plain, markdown_plain),
        };
        Self { report, flavor, text, cell, out }
    }

    fn is_plain(&self) -> bool {
        self.flavor == Flavor::Plain
    }

    // Pieces.

    /// Advice in a cell: a command as code, a sentence as text.
    fn advice(&self, advice: &str) -> String {
        match crate::report::command_of(advice) {
            Some((command, remark)) => {
                let remark = remark.map(|remark| (self.cell)(remark)).unwrap_or_default();
                words::joined(&[&markdown_code(command), &remark], " ")
            }
            None => with_code(advice, self.cell),
        }
    }

    fn heading(&mut self, level: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "{} {text}\n", "#".repeat(level))
    }

    fn paragraph(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}\n", with_code(text, self.text))
    }

    /// A table of cells that are escaped already; nothing where it has no row.
    fn table(&mut self, heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "| {} |", heads.join(" | "))?;
        writeln!(self.out, "|{}", " --- |".repeat(heads.len()))?;
        for row in rows {
            writeln!(self.out, "| {} |", row.join(" | "))?;
        }
        writeln!(self.out)
    }

    /// Folded where that is understood.
    fn folded(&mut self, title: &str, body: impl FnOnce(&mut Self) -> io::Result<()>) -> io::Result<()> {
        if self.is_plain() {
            self.heading(3, title)?;
            return body(self);
        }
        writeln!(self.out, "<details><summary>{title}</summary>\n")?;
        body(self)?;
        writeln!(self.out, "</details>\n")
    }

    /// Somebody else's words, whole, line by line.
    fn quote(&mut self, text: &str) -> io::Result<()> {
        for line in text.trim_end().lines() {
            // Two blanks at the end keep the line end.
            writeln!(self.out, "> {}  ", (self.text)(line))?;
        }
        writeln!(self.out)
    }

    /// A reference to a record, which leads to its page in the console where it has one: `[`cloudtrail#5`]`, with the address
    /// at the end of the page, so that the page can be read before it is rendered, too.
    fn cite(&self, record: &str) -> String {
        let code = markdown_code(record);
        if self.is_plain() || self.report.exhibit(record).and_then(linked).is_none() {
            code
        } else {
            format!("[{code}]")
        }
    }

    /// Where the references lead that stand on the page.
    fn addresses(&mut self, stands: impl Fn(&str) -> bool) -> io::Result<()> {
        for exhibit in &self.report.exhibits {
            let reference = format!("[{}]", markdown_code(&exhibit.record));
            if let Some(link) = linked(exhibit).filter(|_| stands(&reference)) {
                writeln!(self.out, "{reference}: {link}")?;
            }
        }
        Ok(())
    }

    fn cites(&self, records: &[String]) -> String {
        records.iter().map(|record| self.cite(record)).collect::<Vec<_>>().join(", ")
    }

    fn moment(&self, at: &str) -> String {
        Zone::Utc.moment(at)
    }

    // The page, from top to bottom.

    fn head(&mut self) -> io::Result<()> {
        writeln!(self.out, "# {}\n", (self.text)(&self.report.title))?;
        self.paragraph(&self.report.summary.join(" "))?;
        let mut rows = Vec::new();
        let mut row = |head: &str, cell: String| {
            if !cell.is_empty() {
                rows.push(vec![head.to_owned(), cell]);
            }
        };
        row("Stack", self.report.stack_id.or(self.report.stack).map(markdown_code).unwrap_or_default());
        let operations: Vec<String> = self.report.subjects().map(|operation| markdown_code(operation.id)).collect();
        row("Operation", operations.join(", "));
        row("Root event", self.report.root_cause.root.as_deref().map(|root| self.cite(root)).unwrap_or_default());
        row("Evidence", self.provenance());
        row("Redacted", (self.cell)(&self.report.redacted.join(", ")));
        self.table(&["", ""], &rows)
    }

    /// Where the evidence comes from, in one cell.
    fn provenance(&self) -> String {
        let limits = &self.report.limits;
        let at = limits.collected_at.as_deref().map(|at| format!("collected {} UTC", self.moment(at)));
        let hash = limits.fingerprint.as_deref().map(|hash| format!("case {}", markdown_code(hash)));
        let told = words::joined(&[&at.unwrap_or_default(), &hash.unwrap_or_default()], ", ");
        words::joined(&[&told, &(self.cell)(&self.report.tool)], ", ")
    }

    fn story(&mut self) -> io::Result<()> {
        self.heading(2, "What happened")?;
        let rows: Vec<Vec<String>> = self
            .report
            .story
            .operations
            .iter()
            .map(|operation| {
                let actor = operation.actor.as_ref().map(words::actor).unwrap_or_default();
                let record = operation.actor.as_ref().and_then(|actor| actor.record.as_deref());
                let ended = operation.ended_at.as_deref().map(|at| self.moment(at)).unwrap_or_default();
                vec![
                    (self.cell)(&format!("{} (incarnation {})", operation.stack, operation.incarnation)),
                    (self.cell)(&words::outcome(operation)),
                    self.moment(&operation.started_at),
                    ended,
                    words::joined(
                        &[&(self.cell)(&actor), &record.map(|call| self.cite(call)).unwrap_or_default()],
                        " ",
                    ),
                ]
            })
            .collect();
        self.table(&["Stack", "Operation", "Began (UTC)", "Ended", "By"], &rows)?;
        self.inputs()?;
        self.chart()?;
        self.moments()
    }

    /// What the deployment was asked for with.
    fn inputs(&mut self) -> io::Result<()> {
        let inputs = &self.report.story.inputs;
        let row = |(what, told): (&'static str, Vec<String>)| {
            let told: Vec<String> = told.iter().map(|told| markdown_code(told)).collect();
            vec![what.to_owned(), told.join(", ")]
        };
        let rows: Vec<Vec<String>> = wording::inputs(inputs).into_iter().map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.heading(3, "What was deployed")?;
        self.table(&["", ""], &rows)?;
        let asked = inputs.record.as_deref().map(|record| format!("Asked for by {}.", self.cite(record)));
        let values = inputs.values_record.as_deref();
        let values = values.map(|record| format!("The values of parameters are those of {}.", self.cite(record)));
        let told = words::joined(&[&asked.unwrap_or_default(), &values.unwrap_or_default()], " ");
        if told.is_empty() { Ok(()) } else { writeln!(self.out, "{told}\n") }
    }

    fn chart(&mut self) -> io::Result<()> {
        let chart = self.report.chart();
        if self.is_plain() || chart.tracks.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "```mermaid")?;
        mermaid::gantt(&chart, self.out)?;
        writeln!(self.out, "```\n")
    }

    fn moments(&mut self) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self
            .report
            .story
            .moments
            .iter()
            .map(|moment| {
                let says = format!("{} {}", sign_of(moment.kind), (self.cell)(&moment.says));
                vec![
                    moment.elapsed.clone(),
                    self.moment(&moment.at),
                    says,
                    moment.why.as_deref().map(self.cell).unwrap_or_default(),
                    moment.record.as_deref().map(|record| self.cite(record)).unwrap_or_default(),
                ]
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.heading(3, "Key moments")?;
        self.table(&["Elapsed", "Time (UTC)", "What", "Why", "Record"], &rows)?;
        match self.report.story.folded {
            0 => Ok(()),
            folded => {
                let events = words::count(folded, "further event");
                let are = if folded == 1 { "is" } else { "are" };
                writeln!(self.out, "{events} {are} in the timeline at the end.\n")
            }
        }
    }

    fn root_cause(&mut self) -> io::Result<()> {
        self.heading(2, "Root cause")?;
        let cause = &self.report.root_cause;
        if self.report.story.operations.is_empty() {
            return writeln!(self.out, "The evidence tells of no operation.\n");
        }
        if !self.report.failed && !self.report.blind {
            return writeln!(self.out, "Nothing failed.\n");
        }
        for failure in &cause.failures {
            match failure.role {
                Role::Root => self.failure("Root failure", failure)?,
                Role::Independent => self.failure("Independent failure", failure)?,
                Role::Cascade | Role::Summary => {}
            }
        }
        for explanation in &cause.explanations {
            self.explanation(explanation)?;
        }
        let quoted = |failure: &&FailureEntry<'_>| !failure.role.is_real();
        for failure in cause.unexplained_failures.iter().filter(quoted) {
            self.failure("Failure", failure)?;
        }
        if !cause.unexplained_failures.is_empty() {
            let names: Vec<String> =
                cause.unexplained_failures.iter().map(|failure| self.cite(&failure.event)).collect();
            writeln!(self.out, "No rule explains {}.\n", names.join(", "))?;
        }
        self.refuted()
    }

    fn failure(&mut self, head: &str, failure: &FailureEntry<'_>) -> io::Result<()> {
        let stack = failure.stack.filter(|stack| self.report.stack != Some(*stack));
        let stack = stack.map(|stack| format!(" in {}", (self.text)(stack))).unwrap_or_default();
        let what = (self.text)(&words::failure(failure));
        let cite = self.cite(&failure.event);
        writeln!(self.out, "**{head}:** {what}{stack} at {} UTC, {cite}\n", self.moment(&failure.at))?;
        match failure.reason.filter(|reason| !reason.trim().is_empty()) {
            Some(reason) => self.quote(reason)?,
            None => writeln!(self.out, "AWS gave no reason.\n")?,
        }
        if let Some(place) = &failure.template {
            writeln!(self.out, "In the template: {}, line {}\n", markdown_code(&place.file), place.line)?;
        }
        match failure.construct_path {
            Some(path) => writeln!(self.out, "CDK construct {}\n", markdown_code(path)),
            None => Ok(()),
        }
    }

    fn explanation(&mut self, explanation: &'r ExplanationEntry) -> io::Result<()> {
        let report = self.report;
        let title = if report.root_cause.explanations.len() > 1 {
            format!("Causes of {}", (self.text)(report.called(&explanation.root)))
        } else {
            "Causes".to_owned()
        };
        self.heading(3, &title)?;
        if !explanation.also.is_empty() {
            let names: Vec<&str> = explanation.also.iter().map(|record| report.called(record)).collect();
            self.paragraph(&format!("Shared by {}.", names.join(", ")))?;
        }
        let mut rows: Vec<Vec<String>> = report
            .hypotheses_of(explanation)
            .map(|held| vec![words::percent(held.probability), (self.cell)(title_of(held)), markdown_code(held.cause)])
            .collect();
        rows.push(vec![words::percent(explanation.unexplained), "none of these".to_owned(), String::new()]);
        self.table(&["Probability", "Cause", "Code"], &rows)?;
        for (place, held) in report.hypotheses_of(explanation).enumerate() {
            if held.is_told_in_full(place) {
                self.hypothesis(held)?;
            }
        }
        Ok(())
    }

    fn hypothesis(&mut self, held: &HypothesisEntry<'_>) -> io::Result<()> {
        let more = held.link.map(|link| match self.flavor {
            Flavor::Github => format!(" [AWS on it]({link})."),
            Flavor::Plain => format!(" See {link}"),
        });
        let more = more.unwrap_or_default();
        writeln!(self.out, "**{}** {}{more}\n", (self.text)(title_of(held)), with_code(held.explanation, self.text))?;
        self.evidence(&held.evidence)
    }

    fn evidence(&mut self, pieces: &[EvidenceEntry<'_>]) -> io::Result<()> {
        let rows: Vec<Vec<String>> = pieces
            .iter()
            .map(|piece| {
                let speaks = if piece.decibans < 0.0 { "against" } else { "for" };
                let place =
                    piece.record.as_deref().map_or_else(|| (self.cell)(piece.source), |record| self.cite(record));
                let quoted = piece.text.filter(|_| !is_quoted(self.report, piece)).map(|text| clipped(text, QUOTED));
                vec![
                    format!("{} {speaks}", words::signed(piece.decibans)),
                    (self.cell)(piece.says),
                    quoted.as_deref().map(self.cell).unwrap_or_default(),
                    place,
                ]
            })
            .collect();
        self.table(&["Decibans", "Evidence", "In its own words", "Record"], &rows)
    }

    fn refuted(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.root_cause.refuted.is_empty() {
            return Ok(());
        }
        self.heading(3, "Refuted")?;
        for theory in &report.root_cause.refuted {
            let said = words::joined(&[&markdown_code(theory.cause), &(self.text)(theory.title)], ": ");
            writeln!(self.out, "**Not** {said}\n")?;
            self.evidence(&theory.evidence)?;
        }
        Ok(())
    }

    fn known_and_unknown(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.known.is_empty() && report.unknown.is_empty() {
            return Ok(());
        }
        self.heading(2, "Known and not known")?;
        let known: Vec<Vec<String>> =
            report.known.iter().map(|fact| vec![(self.cell)(&fact.says), self.cites(&fact.records)]).collect();
        self.table(&["Known", "Records"], &known)?;
        let unknown: Vec<Vec<String>> = report
            .unknown
            .iter()
            .map(|question| {
                let ways: Vec<String> = question.find_out.iter().map(|way| self.advice(way)).collect();
                let next = question.next_time.as_deref().map(self.cell).unwrap_or_default();
                let between = if self.is_plain() { "; " } else { "<br>" };
                vec![(self.cell)(&question.asks), ways.join(between), next]
            })
            .collect();
        self.table(&["Not known", "How to find out", "What would have kept it"], &unknown)
    }

    fn plan(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.plan.is_empty() {
            return Ok(());
        }
        self.heading(2, "Action plan")?;
        for stage in &report.plan {
            self.heading(3, stage.when.title())?;
            self.stage(stage)?;
        }
        Ok(())
    }

    fn stage(&mut self, stage: &Stage) -> io::Result<()> {
        if self.is_plain() {
            let rows: Vec<Vec<String>> = stage
                .steps
                .iter()
                .map(|step| {
                    let command = step.command.as_deref().map(markdown_code).unwrap_or_default();
                    vec![
                        with_code(&step.does, self.cell),
                        command,
                        step.risk.as_deref().map(self.cell).unwrap_or_default(),
                    ]
                })
                .collect();
            return self.table(&["Do", "Command", "Risk"], &rows);
        }
        for (index, step) in stage.steps.iter().enumerate() {
            self.step(index + 1, step)?;
        }
        // A step with a command ends in a blank line by itself.
        match stage.steps.last() {
            Some(Step { command: None, .. }) => writeln!(self.out),
            _ => Ok(()),
        }
    }

    fn step(&mut self, number: usize, step: &Step) -> io::Result<()> {
        let does = if step.does.is_empty() { "Run".to_owned() } else { with_code(&step.does, self.text) };
        let risk = step.risk.as_deref().map(|risk| format!(" *Risk: {}.*", (self.text)(risk))).unwrap_or_default();
        let indent = " ".repeat(number.to_string().len() + 2);
        match &step.command {
            Some(command) => {
                writeln!(self.out, "{number}. {does}:{risk}\n")?;
                writeln!(self.out, "{}", markdown_fence("sh", command, &indent))
            }
            None => writeln!(self.out, "{number}. {does}.{risk}"),
        }
    }

    fn impact(&mut self) -> io::Result<()> {
        let impact = &self.report.impact;
        self.heading(2, "Impact on the stack")?;
        let status = impact.status.as_deref().map_or_else(|| "not known".to_owned(), markdown_code);
        let protected = match impact.protected {
            Some(true) => ", termination protection is on",
            Some(false) => ", termination protection is off",
            None => "",
        };
        let fates: Vec<String> =
            impact.fates.iter().map(|(fate, count)| format!("{count} {}", fate_word(*fate))).collect();
        let fates = if fates.is_empty() { String::new() } else { format!("; resources: {}", fates.join(", ")) };
        writeln!(self.out, "The stack is {status}{protected}{fates}.\n")?;
        let blockers: Vec<Vec<String>> =
            impact.blockers.iter().map(|fact| vec![(self.cell)(&fact.says), self.cites(&fact.records)]).collect();
        self.table(&["Blocks the next deployment", "Records"], &blockers)?;
        let rows: Vec<Vec<String>> = impact
            .resources
            .iter()
            .map(|resource| {
                vec![
                    fate_word(resource.fate).to_owned(),
                    (self.cell)(&words::named(Some(&resource.logical_id), resource.resource_type.as_deref())),
                    resource.physical_id.as_deref().map(markdown_code).unwrap_or_default(),
                    resource.stack.as_deref().map(self.cell).unwrap_or_default(),
                    resource.status.as_deref().map(markdown_code).unwrap_or_default(),
                    markdown_code(&resource.record),
                ]
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        let title = format!("What became of {}", words::count(rows.len(), "resource"));
        self.folded(&title, |page| page.table(&["Now", "Resource", "Id", "Stack", "Status", "Record"], &rows))
    }

    fn limits(&mut self) -> io::Result<()> {
        let limits = &self.report.limits;
        self.heading(2, "Evidence and limits")?;
        let rows: Vec<Vec<String>> = limits
            .sources
            .iter()
            .map(|source| {
                let at = |at: &Option<String>| at.as_deref().map(|at| self.moment(at)).unwrap_or_default();
                vec![markdown_code(&source.source), source.records.to_string(), at(&source.from), at(&source.to)]
            })
            .collect();
        self.table(&["Source", "Records", "First event (UTC)", "Last event"], &rows)?;
        self.gaps(&limits.gaps)?;
        let mut said: Vec<String> = limits.lag.iter().map(|lag| format!("{}.", (self.text)(lag))).collect();
        if !limits.permissions.is_empty() {
            let actions: Vec<String> = limits.permissions.iter().map(|action| markdown_code(action)).collect();
            said.push(format!("Permissions that were missing: {}.", actions.join(", ")));
        }
        if limits.partial {
            said.push("The collection was interrupted: what is not there may still exist.".to_owned());
        }
        if !limits.calls.is_empty() {
            let calls: Vec<String> =
                limits.calls.iter().map(|(call, count)| format!("{} {count}", markdown_code(call))).collect();
            said.push(format!("API calls that were made to collect it: {}.", calls.join(", ")));
        }
        said.push(match (&limits.collected_at, &limits.collected_by) {
            (Some(at), Some(by)) => format!("Collected at {} UTC by {}.", self.moment(at), markdown_code(by)),
            (Some(at), None) => format!("Collected at {} UTC.", self.moment(at)),
            (None, _) => "Nothing tells when the evidence was collected.".to_owned(),
        });
        said.push(match &limits.fingerprint {
            Some(hash) => {
                format!("The case's fingerprint (SHA-256 over the hashes of its files) is {}.", markdown_code(hash))
            }
            None => "The evidence was not kept as a case.".to_owned(),
        });
        said.push(format!("Written by {}; times are UTC.", (self.text)(&self.report.tool)));
        for sentence in said {
            writeln!(self.out, "{sentence}\n")?;
        }
        Ok(())
    }

    fn gaps(&mut self, all: &[Gap]) -> io::Result<()> {
        let (missing, partial) = gaps::parted(all);
        let rows: Vec<Vec<String>> = partial
            .into_iter()
            .map(|gap| {
                let remedy = gap.remedy.as_deref().map(|way| self.advice(way)).unwrap_or_default();
                vec![(self.cell)(&gaps::place(gap)), (self.cell)(&gap.why), remedy]
            })
            .collect();
        self.table(&["Not seen", "Why", "To fill it"], &rows)?;
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = missing.into_iter().map(markdown_code).collect();
        writeln!(self.out, "Not collected: {}.\n", names.join(", "))
    }

    fn appendix(&mut self) -> io::Result<()> {
        let report = self.report;
        self.heading(2, "Appendix")?;
        let events = words::count(report.timeline.len(), "event");
        self.folded(&format!("Timeline, {events}"), Sheet::timeline)?;
        if report.story.operations.iter().any(|operation| !operation.resources.is_empty()) {
            self.folded("Durations", Sheet::durations)?;
        }
        let records = words::count(report.exhibits.len(), "cited record");
        let title = records.to_string();
        self.folded(&title, Sheet::exhibits)
    }

    fn timeline(&mut self) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self.report.timeline.iter().map(|event| self.event_row(event)).collect();
        self.table(&["Time (UTC)", "Record", "What", "Who", "Outcome", "Why"], &rows)
    }

    fn event_row(&self, event: &EventEntry<'_>) -> Vec<String> {
        let about = if event.approximate { "about " } else { "" };
        let elsewhere = event.stack.filter(|stack| self.report.stack != Some(*stack) && !words::is_of_stack(event));
        let elsewhere = elsewhere.map(|stack| format!("in {}", (self.cell)(stack))).unwrap_or_default();
        vec![
            format!("{about}{}", self.moment(&event.at)),
            markdown_code(&event.record),
            words::joined(&[&(self.cell)(&words::what(event)), &elsewhere], " "),
            event.actor.map(self.cell).unwrap_or_default(),
            super::super::markdown::sign(event).to_owned(),
            (self.cell)(&words::reason(event.error, event.message)),
        ]
    }

    fn durations(&mut self) -> io::Result<()> {
        let several = self.report.story.operations.len() > 1;
        let mut rows = Vec::new();
        for operation in &self.report.story.operations {
            let of = format!("{} {}", operation.stack, words::word(operation.kind));
            for span in &operation.resources {
                let mut row = vec![
                    (self.cell)(&words::named(Some(&span.logical_id), span.resource_type.as_deref())),
                    self.moment(&span.started_at),
                    span.seconds.map_or_else(|| "not ended".to_owned(), words::duration),
                    span.status.as_deref().map(markdown_code).unwrap_or_default(),
                    span.waited_for.as_deref().map(self.cell).unwrap_or_default(),
                ];
                if several {
                    row.insert(0, (self.cell)(&of));
                }
                rows.push(row);
            }
        }
        let heads = ["Operation", "Resource", "Began (UTC)", "Took", "Ended as", "Began right after"];
        self.table(heads.get(usize::from(!several)..).unwrap_or_default(), &rows)
    }

    fn exhibits(&mut self) -> io::Result<()> {
        let report = self.report;
        let rows: Vec<Vec<String>> = report.exhibits.iter().map(|exhibit| self.exhibit_row(exhibit)).collect();
        let heads = if self.is_plain() { 4 } else { 3 };
        self.table(["Record", "Time (UTC)", "What", "In the console"].get(..heads).unwrap_or_default(), &rows)?;
        if self.is_plain() {
            return writeln!(self.out, "The records as AWS returned them are in the report as JSON and as HTML.\n");
        }
        for exhibit in &report.exhibits {
            writeln!(self.out, "{}\n", markdown_code(&exhibit.record))?;
            let fence = match &exhibit.text {
                Some(text) => markdown_fence("text", text, ""),
                None => markdown_fence("json", &serde_json::to_string_pretty(&exhibit.raw)?, ""),
            };
            writeln!(self.out, "{fence}")?;
        }
        Ok(())
    }

    fn exhibit_row(&self, exhibit: &Exhibit<'_>) -> Vec<String> {
        let event = exhibit.event.as_ref();
        let mut row = vec![
            self.cite(&exhibit.record),
            event.map(|event| self.moment(&event.at)).unwrap_or_default(),
            event.map(|event| (self.cell)(&words::what(event))).unwrap_or_default(),
        ];
        // Where references are no links, the address itself is what people click on.
        row.extend(self.is_plain().then(|| exhibit.link.clone().unwrap_or_default()));
        row
    }

    // The short page.

    fn short(&mut self) -> io::Result<()> {
        let report = self.report;
        writeln!(self.out, "## {}\n", (self.text)(&report.title))?;
        self.paragraph(&clipped(&report.summary.join(" "), 2 * SHORT_REASON))?;
        let real = |failure: &&FailureEntry<'_>| failure.role.is_real();
        for failure in report.root_cause.failures.iter().filter(real).take(SHORT_CAUSES) {
            let cite = self.cite(&failure.event);
            writeln!(self.out, "**{}** {cite}\n", (self.text)(&clipped(&words::failure(failure), SHORT_REASON)))?;
            let reason = failure.reason.filter(|reason| !reason.trim().is_empty());
            self.quote(&clipped(reason.unwrap_or("AWS gave no reason"), SHORT_REASON))?;
        }
        for explanation in report.root_cause.explanations.iter().take(SHORT_CAUSES) {
            self.short_causes(explanation)?;
        }
        self.short_plan()?;
        let tool = (self.text)(&report.tool);
        let hash = report.limits.fingerprint.as_deref().map(|hash| format!(", case {}", markdown_code(hash)));
        writeln!(self.out, "*{tool}{}*\n", hash.unwrap_or_default())
    }

    fn short_causes(&mut self, explanation: &'r ExplanationEntry) -> io::Result<()> {
        let report = self.report;
        let several = report.root_cause.explanations.len() > 1;
        let of = if several { format!(" of {}", (self.text)(report.called(&explanation.root))) } else { String::new() };
        let mut rows: Vec<Vec<String>> = report
            .hypotheses_of(explanation)
            .take(SHORT_CAUSES)
            .map(|held| vec![words::percent(held.probability), (self.cell)(&clipped(title_of(held), SHORT_REASON))])
            .collect();
        rows.push(vec![words::percent(explanation.unexplained), "none of these".to_owned()]);
        self.table(&["", &format!("Cause{of}")], &rows)
    }

    fn short_plan(&mut self) -> io::Result<()> {
        // What mends it comes first, then what brings the stack into order; what makes sure is in the whole report.
        let of =
            |when: When| self.report.plan.iter().filter(move |stage| stage.when == when).flat_map(|stage| &stage.steps);
        let in_order: Vec<&Step> = of(When::Now).collect();
        let last = in_order.len().saturating_sub(SHORT_STEPS / 2);
        let steps: Vec<&Step> = of(When::BeforeDeploying)
            .take(SHORT_STEPS / 2)
            .chain(in_order.get(last..).unwrap_or_default().iter().copied())
            .collect();
        for step in &steps {
            let command = step.command.as_deref().map(|command| markdown_code(&clipped(command, SHORT_REASON)));
            let does = with_code(&clipped(&step.does, SHORT_REASON), self.text);
            writeln!(self.out, "- {}", words::joined(&[&does, &command.unwrap_or_default()], " "))?;
        }
        if steps.is_empty() { Ok(()) } else { writeln!(self.out) }
    }
}

/// A record's page in the console, where its reference can stand as a link's name.
fn linked<'e>(exhibit: &'e Exhibit<'_>) -> Option<&'e str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./%~#".contains(c);
    exhibit.link.as_deref().filter(|_| exhibit.record.chars().all(is_plain))
}

/// Our own words, in which commands stand between backticks.
fn with_code(text: &str, escape: Escape) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escape(text);
    }
    let mut said = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        if !index.is_multiple_of(2) {
            said.push_str(&markdown_code(piece));
            continue;
        }
        // The escape trims; the blanks around code stay.
        let (before, after) = (piece.starts_with(' ') && index > 0, piece.ends_with(' ') && !piece.trim().is_empty());
        said.push_str(if before { " " } else { "" });
        said.push_str(&escape(piece));
        said.push_str(if after && index + 1 < pieces.len() { " " } else { "" });
    }
    said
}
