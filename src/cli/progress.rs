//! What is told on the standard error while AWS is asked: a line a source on a terminal, every call with `-v`.
//! It never touches the standard output, and is silent where nobody looks.
//! Used by the verbs that collect.

use super::live::Voice;
use crate::aws::Note;
use crate::plan::Answered;
use crate::render::terminal_line;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

/// Who watches.
enum Audience {
    /// Nobody.
    Nobody,
    /// A person at a terminal.
    Terminal(MultiProgress, RefCell<BTreeMap<&'static str, Line>>),
    /// Who asked for every call.
    Log,
}

/// A source's line.
struct Line {
    bar: ProgressBar,
    open: usize,
    records: usize,
    calls: usize,
}

/// The progress of a collection.
pub struct Progress {
    audience: Audience,
}

impl Progress {
    /// Begins to tell, in the voice that was asked for.
    pub fn begin(voice: Voice) -> Self {
        let audience = if voice.verbose {
            Audience::Log
        } else if voice.quiet || !io::stderr().is_terminal() {
            Audience::Nobody
        } else {
            Audience::Terminal(MultiProgress::new(), RefCell::default())
        };
        Self { audience }
    }

    /// Tells what goes on.
    pub fn note(&self, note: &Note<'_>) {
        match &self.audience {
            Audience::Nobody => {}
            Audience::Log => log(note),
            Audience::Terminal(bars, lines) => draw(bars, &mut lines.borrow_mut(), note),
        }
    }

    /// Says that a signal was heard.
    pub fn say_stopping(&self) {
        let says = "stopping; what was collected so far is used";
        match &self.audience {
            Audience::Nobody => {}
            Audience::Log => write_line(says),
            // Where the bars are drawn, another line would be drawn over.
            Audience::Terminal(bars, _) => _ = bars.println(says),
        }
    }

    /// One sentence, unless silence was asked for.
    pub fn say(voice: Voice, sentence: &str) {
        if !voice.quiet {
            write_line(sentence);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Audience::Terminal(bars, _) = &self.audience {
            // The answer follows; how it came is of no more interest.
            let _ = bars.clear();
        }
    }
}

fn write_line(text: &str) {
    // Where even the standard error is gone, nobody is there to be told.
    let _ = writeln!(io::stderr(), "{}", terminal_line(text));
}

fn log(note: &Note<'_>) {
    match note {
        Note::Asks(question) => write_line(&format!("ask     {question}")),
        Note::Waits { action, wait } => write_line(&format!("wait    {:>6} ms for {action}", wait.as_millis())),
        Note::Called { action, region, took, trouble: None } => {
            write_line(&format!("call    {:>6} ms {action} ({region})", took.as_millis()));
        }
        Note::Called { action, region, took, trouble: Some(trouble) } => {
            write_line(&format!("call    {:>6} ms {action} ({region}): {trouble}", took.as_millis()));
        }
        Note::Records { .. } => {}
        Note::Answered(question, answered) => {
            let word = match answered {
                Answered::Whole => "whole  ",
                Answered::Partly { .. } => "partly ",
                Answered::Not => "not    ",
            };
            write_line(&format!("{word} {question}"));
        }
        Note::Done { calls } => {
            let all: u64 = calls.values().sum();
            let each: Vec<String> = calls.iter().map(|(action, count)| format!("{action} {count}")).collect();
            write_line(&format!("calls   {all}: {}", each.join(", ")));
        }
    }
}

fn draw(bars: &MultiProgress, lines: &mut BTreeMap<&'static str, Line>, note: &Note<'_>) {
    match note {
        Note::Asks(question) => {
            let line = lines.entry(question.ask.source()).or_insert_with(|| Line::begin(bars, question.ask.source()));
            line.open += 1;
            line.tell("");
        }
        Note::Records { source, count } => {
            if let Some(line) = lines.get_mut(source) {
                line.records += count;
                line.calls += 1;
                line.tell("");
            }
        }
        Note::Waits { action, wait } if wait.as_millis() >= 300 => {
            let source = if action.starts_with("cloudtrail:") { "cloudtrail" } else { "" };
            if let Some(line) = lines.get_mut(source) {
                line.tell(", waiting for its rate");
            }
        }
        Note::Answered(question, _) => {
            if let Some(line) = lines.get_mut(question.ask.source()) {
                line.open = line.open.saturating_sub(1);
                line.tell("");
            }
        }
        Note::Waits { .. } | Note::Called { .. } | Note::Done { .. } => {}
    }
}

impl Line {
    fn begin(bars: &MultiProgress, source: &'static str) -> Self {
        let bar = bars.add(ProgressBar::new_spinner());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<22} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(source);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, open: 0, records: 0, calls: 0 }
    }

    fn tell(&self, more: &str) {
        let state = if self.open == 0 { "done" } else { "asking" };
        let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
        let (pages, records) = (count(self.calls, "page"), count(self.records, "record"));
        self.bar.set_message(format!("{state}: {pages}, {records}{more}"));
        if self.open == 0 {
            self.bar.tick();
        }
    }
}
