//! A page of text of a given width: paragraphs, quotations and rows of cells, wrapped, coloured and escaped here.
//! Everything that is handed in is escaped, so that no renderer can forget it; nothing is written beyond the width.
//! Used by the renderers for people: the timeline's table, the list of stacks, the diagnosis.

use super::escape;
use super::{Style, Zone};
use std::borrow::Cow;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Bold,
    Dim,
    Red,
    RedBold,
    Yellow,
    Green,
    Cyan,
}

impl Paint {
    /// The numbers of the escape sequence (ECMA-48, SGR).
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Red => Some("31"),
            Self::RedBold => Some("1;31"),
            Self::Yellow => Some("33"),
            Self::Green => Some("32"),
            Self::Cyan => Some("36"),
        }
    }
}

/// The signs that a page is drawn with.
#[derive(Debug)]
pub(super) struct Glyphs {
    pub succeeded: &'static str,
    pub failed: &'static str,
    pub root: &'static str,
    pub running: &'static str,
    pub cancelled: &'static str,
    pub noted: &'static str,
    pub dash: &'static str,
    pub rule: &'static str,
    pub quote: &'static str,
    pub arrow: &'static str,
    pub back: &'static str,
    pub cut: &'static str,
    pub full: &'static str,
    pub empty: &'static str,
}

const UNICODE: Glyphs = Glyphs {
    succeeded: "✓",
    failed: "✗",
    root: "✗",
    running: "…",
    cancelled: "⊘",
    noted: "·",
    dash: "—",
    rule: "─",
    quote: "│",
    arrow: " → ",
    back: " ← ",
    cut: "…",
    full: "█",
    empty: "░",
};

const ASCII: Glyphs = Glyphs {
    succeeded: "ok",
    failed: "FAIL",
    root: ">>",
    running: "..",
    cancelled: "x",
    noted: "-",
    dash: "--",
    rule: "-",
    quote: "|",
    arrow: " -> ",
    back: " <- ",
    cut: "...",
    full: "#",
    empty: ".",
};

/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 24;

/// One cell of a row: wrapped lines of one width.
#[derive(Debug)]
pub(super) struct Cell {
    width: usize,
    lines: Vec<Line>,
}

/// Pieces that stand behind one another, a space between them.
type Line = Vec<(Paint, String)>;

fn line_width(line: &Line) -> usize {
    line.iter().map(|(_, text)| width_of(text) + 1).sum::<usize>().saturating_sub(1)
}

impl Cell {
    /// Keeps the first lines; `note` tells what is missing.
    pub fn at_most(mut self, lines: usize, note: &str) -> Self {
        if self.lines.len() > lines {
            self.lines.truncate(lines);
            let noted = wrap(note, self.width).into_iter().map(|line| vec![(Paint::Dim, line.to_owned())]);
            self.lines.extend(noted);
        }
        self
    }

    /// Keeps the first lines and the last, which often says why; `note` tells between them what is missing.
    pub fn shortened(mut self, lines: usize, note: &str) -> Self {
        let last = self.lines.pop().filter(|_| self.lines.len() >= lines);
        let mut short = self.at_most(lines.saturating_sub(1), note);
        short.lines.extend(last);
        short
    }
}

/// A page that is being written.
pub(super) struct Page<'a> {
    style: &'a Style,
    pub glyphs: &'static Glyphs,
    out: &'a mut dyn Write,
    buffer: String,
}

impl<'a> Page<'a> {
    pub fn new(style: &'a Style, out: &'a mut dyn Write) -> Self {
        Self { style, glyphs: if style.ascii { &ASCII } else { &UNICODE }, out, buffer: String::new() }
    }

    pub fn width(&self) -> usize {
        self.style.width.max(NARROWEST)
    }

    pub fn zone(&self) -> Zone {
        self.style.zone
    }

    /// A cell with one paragraph.
    pub fn cell(&self, width: usize, paint: Paint, text: &str) -> Cell {
        let mut cell = Cell { width: width.max(1), lines: Vec::new() };
        self.add(&mut cell, paint, text);
        cell
    }

    /// A cell of one line; what is longer is cut.
    pub fn line(&self, width: usize, paint: Paint, text: &str) -> Cell {
        let escaped = self.escaped(text);
        let more = if self.style.ascii { "" } else { "…" };
        let end = fitting(&escaped, width.max(1));
        let line = match escaped.get(..end) {
            Some(whole) if end == escaped.len() => whole.to_owned(),
            _ => {
                let end = fitting(&escaped, width.saturating_sub(width_of(more)).max(1));
                format!("{}{more}", escaped.get(..end).unwrap_or_default().trim_end())
            }
        };
        Cell { width: width.max(1), lines: vec![vec![(paint, line)]] }
    }

    /// A further paragraph for a cell; empty text adds nothing.
    pub fn add(&self, cell: &mut Cell, paint: Paint, text: &str) {
        let escaped = self.escaped(text);
        if !escaped.is_empty() {
            let lines = wrap(&escaped, cell.width).into_iter();
            cell.lines.extend(lines.map(|line| vec![(paint, line.to_owned())]));
        }
    }

    /// The same, but behind a dash on the last line where there is room for all of it.
    pub fn append(&self, cell: &mut Cell, paint: Paint, text: &str) {
        if text.is_empty() {
            return;
        }
        let escaped = format!("{} {}", self.glyphs.dash, self.escaped(text));
        let width = width_of(&escaped);
        match cell.lines.last_mut() {
            Some(last) if line_width(last) + 1 + width <= cell.width => {
                last.push((paint, escaped));
            }
            _ => self.add(cell, paint, text),
        }
    }

    /// Text whose own line ends stay line ends.
    pub fn add_verbatim(&self, cell: &mut Cell, paint: Paint, text: &str) {
        for line in text.trim_end().lines() {
            self.add(cell, paint, line.trim_end());
        }
    }

    fn escaped<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.style.ascii && text.contains('\n') {
            return Cow::Owned(escape::terminal(&text.replace("\r\n", " ").replace('\n', " ")).into_owned());
        }
        escape::terminal(text)
    }

    /// A row of cells, `gap` spaces between them.
    pub fn row(&mut self, indent: usize, gap: usize, cells: &[Cell]) -> io::Result<()> {
        let height = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or_default();
        self.buffer.clear();
        for index in 0..height {
            // Blanks are written when something follows them, so that no line ends in one.
            let mut owed = indent;
            for cell in cells {
                let Some(line) = cell.lines.get(index) else {
                    owed += cell.width + gap;
                    continue;
                };
                for (paint, text) in line {
                    self.buffer.extend(std::iter::repeat_n(' ', owed));
                    self.buffer_painted(*paint, text);
                    owed = 1;
                }
                owed = cell.width.saturating_sub(line_width(line)) + gap;
            }
            self.buffer.push('\n');
        }
        self.out.write_all(self.buffer.as_bytes())
    }

    fn buffer_painted(&mut self, paint: Paint, text: &str) {
        match paint.code().filter(|_| self.style.colour) {
            Some(code) => {
                for part in ["\u{1b}[", code, "m", text, "\u{1b}[0m"] {
                    self.buffer.push_str(part);
                }
            }
            None => self.buffer.push_str(text),
        }
    }

    /// A paragraph.
    pub fn say(&mut self, indent: usize, paint: Paint, text: &str) -> io::Result<()> {
        let cell = self.cell(self.width().saturating_sub(indent), paint, text);
        self.row(indent, 0, &[cell])
    }

    /// Short pieces one behind another, each whole on its line where the page is wide enough.
    pub fn flow(&mut self, indent: usize, paint: Paint, pieces: &[String]) -> io::Result<()> {
        let room = self.width().saturating_sub(indent);
        let mut lines: Vec<String> = Vec::new();
        for piece in pieces {
            match lines.last_mut() {
                Some(last) if width_of(last) + 2 + width_of(piece) <= room => {
                    last.push_str("  ");
                    last.push_str(piece);
                }
                _ => lines.push(piece.clone()),
            }
        }
        for line in lines {
            self.say(indent, paint, &line)?;
        }
        Ok(())
    }

    /// A paragraph behind a label; its further lines stand under its first.
    pub fn labelled(&mut self, indent: usize, label: (Paint, &str), room: usize, text: &Said<'_>) -> io::Result<()> {
        let lead = self.cell(room, label.0, label.1);
        let mut body = self.cell(self.width().saturating_sub(indent + room + 1), Paint::Plain, "");
        for (paint, paragraph) in &text.paragraphs {
            self.add(&mut body, *paint, paragraph);
        }
        self.row(indent, 1, &[lead, body])
    }

    /// Somebody else's words, line by line, with a bar before them.
    pub fn quote(&mut self, indent: usize, paint: Paint, text: &str, most: Option<usize>) -> io::Result<()> {
        let mut body = self.cell(self.width().saturating_sub(indent + 2), paint, "");
        self.add_verbatim(&mut body, paint, text);
        if let Some(most) = most.filter(|most| body.lines.len() > *most) {
            let note = format!("{} ({} characters in all)", self.glyphs.cut, text.chars().count());
            body = body.shortened(most, &note);
        }
        let bar = Cell { width: 1, lines: vec![vec![(Paint::Dim, self.glyphs.quote.to_owned())]; body.lines.len()] };
        self.row(indent, 1, &[bar, body])
    }

    /// A line across the page, with a title in it.
    pub fn rule(&mut self, indent: usize, paint: Paint, title: &str) -> io::Result<()> {
        let room = self.width().saturating_sub(indent);
        let title = self.escaped(title).into_owned();
        let lead = if title.is_empty() { String::new() } else { format!("{} {title} ", self.glyphs.rule.repeat(2)) };
        let mut lines = wrap(&lead, room).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let last = lines.last().map_or(0, |line| width_of(line) + 1);
        let rest = self.glyphs.rule.repeat(room.saturating_sub(last));
        match lines.last_mut().filter(|line| !line.is_empty()) {
            Some(line) if !rest.is_empty() => *line = format!("{line} {rest}"),
            Some(_) => {}
            None => lines = vec![self.glyphs.rule.repeat(room)],
        }
        let cell = Cell { width: room, lines: lines.into_iter().map(|line| vec![(paint, line)]).collect() };
        self.row(indent, 0, &[cell])
    }

    /// Text escaped but not wrapped: for commands and addresses, which must be copied whole.
    pub fn whole(&mut self, indent: usize, paint: Paint, text: &str) -> io::Result<()> {
        let cell = Cell { width: 0, lines: vec![vec![(paint, self.escaped(text).into_owned())]] };
        self.row(indent, 0, &[cell])
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }
}

/// Paragraphs to be said.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    paragraphs: Vec<(Paint, Cow<'a, str>)>,
}

impl<'a> Said<'a> {
    pub fn one(paint: Paint, text: impl Into<Cow<'a, str>>) -> Self {
        Self::default().and(paint, text)
    }

    pub fn and(mut self, paint: Paint, text: impl Into<Cow<'a, str>>) -> Self {
        self.paragraphs.push((paint, text.into()));
        self
    }
}

/// How many columns a terminal needs for it. Never less than terminals take, so that no line grows too long.
pub(super) fn width_of(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.chars().map(width_of_char).sum::<usize>().max(text.width())
}

fn width_of_char(c: char) -> usize {
    // The selector that makes an emoji of a symbol makes it twice as wide.
    if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) }
}

/// Lines of at most `width` columns, broken at spaces, and only where a word is too long within it.
pub(super) fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text.trim_end();
    while !rest.is_empty() {
        let end = fitting(rest, width);
        let cut = if end == rest.len() { end } else { best_cut(rest, end) };
        let (line, further) = rest.split_at_checked(cut).unwrap_or((rest, ""));
        lines.push(line.trim_end());
        rest = further.trim_start();
    }
    lines
}

/// The end of the longest beginning that fits; at least one character.
fn fitting(text: &str, width: usize) -> usize {
    if text.len() <= width {
        return text.len();
    }
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += width_of_char(c);
        if used > width && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Where to break a text of which the bytes before `end` fit: at the last space; within the word where that would waste
/// most of the line.
fn best_cut(text: &str, end: usize) -> usize {
    let (fits, further) = text.split_at_checked(end).unwrap_or((text, ""));
    if further.starts_with(' ') && !binds(fits, further) {
        return end;
    }
    let space = last_space(fits, further).map_or(0, |at| at + 1);
    // A word that fits on a line of its own is not torn, however short the line before it gets.
    let word = further.find(' ').map_or(text.len(), |at| end + at) - space;
    if space > 0 && word <= end {
        return space;
    }
    let inside = fits.rfind(['/', ':', '-', '_', '.', ',', ';', '=', '&', '?', ')']).map_or(0, |at| at + 1);
    if inside > space && inside * 2 > end { inside } else { end }
}

/// The last space at which a line may end.
fn last_space(fits: &str, further: &str) -> Option<usize> {
    let mut end = fits.trim_end().len();
    while let Some(at) = fits.get(..end)?.rfind(' ') {
        let (before, after) = fits.split_at_checked(at)?;
        let is_whole = after.trim_start().contains(' ');
        let after = if is_whole { after.to_owned() } else { format!("{after}{further}") };
        if !binds(before, &after) {
            return Some(at);
        }
        end = at;
    }
    None
}

/// True for the spaces within `12 min 04 s` and `74 %`.
fn binds(before: &str, after: &str) -> bool {
    let after = after.trim_start();
    let unit = after.split([' ', ',', ';', ')']).next().unwrap_or_default();
    let last = before.rsplit([' ', '(']).next().unwrap_or_default();
    before.ends_with(|c: char| c.is_ascii_digit()) && matches!(unit, "%" | "s" | "min" | "h" | "d")
        || matches!(last, "min" | "h" | "d") && after.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page_of(style: &Style, write: impl Fn(&mut Page<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(style, &mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_broken_where_it_hurts_least() {
        for (text, width, expected) in [
            ("", 10, &[] as &[&str]),
            ("short", 10, &["short"]),
            ("one two three", 8, &["one two", "three"]),
            ("one two", 3, &["one", "two"]),
            ("arn:aws:iam::111122223333:role/deploy", 16, &["arn:aws:iam::", "111122223333:", "role/deploy"]),
            ("aaaaaaaaaa", 4, &["aaaa", "aaaa", "aa"]),
            ("日本語日本", 4, &["日本", "語日", "本"]),
            ("in Subnet12345", 11, &["in", "Subnet12345"]),
            ("Database 12 min 04 s, Cache", 15, &["Database", "12 min 04 s,", "Cache"]),
            ("certain (74 %) or", 11, &["certain", "(74 %) or"]),
        ] {
            let lines = wrap(text, width);
            assert_eq!(lines, expected, "{text:?}");
            assert!(lines.iter().all(|line| width_of(line) <= width), "{text:?}");
        }
    }

    #[test]
    fn rows_align_and_end_without_blanks() {
        let style = Style::plain(20);
        let text = page_of(&style, |page| {
            let cells = [
                page.cell(4, Paint::Plain, "ab"),
                page.cell(8, Paint::Red, "some words"),
                page.cell(3, Paint::Plain, "z"),
            ];
            page.row(1, 1, &cells)
        });
        assert_eq!(text, " ab   some     z\n      words\n");
    }

    #[test]
    fn what_is_written_is_escaped_and_coloured_only_on_demand() {
        let hostile = "a\u{1b}[2Jb";
        let plain = page_of(&Style::plain(40), |page| page.say(0, Paint::Red, hostile));
        assert_eq!(plain, "a\\u{1b}[2Jb\n");
        let style = Style { colour: true, ..Style::plain(40) };
        let coloured = page_of(&style, |page| page.say(0, Paint::Red, hostile));
        assert_eq!(coloured, "\u{1b}[31ma\\u{1b}[2Jb\u{1b}[0m\n");
    }

    #[test]
    fn quotations_keep_their_lines_and_tell_what_is_left_out() {
        let text = page_of(&Style::plain(40), |page| page.quote(2, Paint::Plain, "one\ntwo\nthree\n", Some(2)));
        assert_eq!(text, "  │ one\n  │ … (14 characters in all)\n  │ three\n");
    }

    #[test]
    fn rules_fill_the_page() {
        let style = Style::plain(30);
        for title in ["", "2026-11-18", "a title that is far too long for this page"] {
            let text = page_of(&style, |page| page.rule(0, Paint::Dim, title));
            assert!(text.lines().all(|line| width_of(line) <= 30), "{text}");
        }
        let text = page_of(&style, |page| page.rule(0, Paint::Dim, "day"));
        assert_eq!(width_of(text.trim_end()), 30);
    }
}
