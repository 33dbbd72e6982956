//! A line of a console log as a person saw it: without colours, cursor movements and the stamps before it.
//! It knows no tool and no failure; what the line says is the business of its siblings.
//! Source: ECMA-48 for the escapes; the runners' own logs for what they put before a line.

use super::clock::{self, Stamp};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// One line.
pub(super) struct Line<'a> {
    /// The time that stands before the text.
    pub stamp: Option<Stamp>,
    /// The text without what stands before it and without white space at its end; its indentation stays.
    pub text: Cow<'a, str>,
    /// The line shows a command that is about to run, not what came of it.
    pub echo: bool,
}

impl Line<'_> {
    /// True for a line on which nothing is to be seen.
    pub fn is_blank(&self) -> bool {
        self.text.trim_start().is_empty()
    }
}

/// How GitHub Actions colours the lines of the script that it is about to run.
const ECHO: &str = "\u{1b}[36;1m";

/// The line in the log's own writing, made readable.
pub(super) fn parse(raw: &str) -> Line<'_> {
    let raw = raw.trim_start_matches('\u{feff}').trim_end();
    let (stamp, rest) = clock::split_stamps(raw);
    let echo = rest.starts_with(ECHO);
    match visible(rest) {
        // Colours may stand before the stamp, too.
        Cow::Owned(text) if stamp.is_none() => {
            let (stamp, rest) = clock::split_stamps(&text);
            Line { stamp, text: Cow::Owned(rest.to_owned()), echo }
        }
        text => Line { stamp, text, echo },
    }
}

/// The text without escape sequences; where the cursor went back, what was written last.
fn visible(text: &str) -> Cow<'_, str> {
    static ORPHANS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:\x{fffd}|\^\[)?\[(?:\d{1,3}(?:;\d{1,3})*)?m").ok());

    let bytes = text.as_bytes();
    if bytes.contains(&b'\x1b') || bytes.contains(&b'\r') {
        let plain = without_escapes(text);
        let last = plain.split('\r').rfind(|part| !part.trim().is_empty());
        return Cow::Owned(last.unwrap_or_default().trim_end().to_owned());
    }
    // Copied from a browser, the colours have lost their escape character. What ends in a reset is no prose.
    let colours = || ["[0m", "[39m", "[22m"].iter().any(|reset| text.contains(reset));
    match ORPHANS.as_ref() {
        Some(orphans) if bytes.contains(&b'[') && colours() => {
            Cow::Owned(orphans.replace_all(text, "").trim_end().to_owned())
        }
        _ => Cow::Borrowed(text),
    }
}

/// Leaves the escape sequences out; one that moves the cursor back or clears the line becomes a carriage return.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        let (length, moves) = escape(after);
        if moves {
            plain.push('\r');
        }
        rest = after.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}

/// How many bytes behind the escape character belong to it, and whether it leads back to the line's start.
fn escape(after: &str) -> (usize, bool) {
    let bytes = after.as_bytes();
    match bytes.first() {
        Some(b'[') => {
            let end = bytes.iter().skip(1).position(|byte| matches!(byte, 0x40..=0x7E));
            let Some(end) = end.map(|end| end + 1) else {
                return (after.len(), false);
            };
            let moves = match bytes.get(end) {
                Some(b'A' | b'B' | b'E' | b'F' | b'G' | b'H' | b'J' | b'f') => true,
                // Without a number it only clears what stands to the right, as grep and gcc do after each colour.
                Some(b'K') => matches!(bytes.get(1..end), Some(b"1" | b"2")),
                _ => false,
            };
            (end + 1, moves)
        }
        // Links, titles and Buildkite's times: up to the bell or the string terminator.
        Some(b']' | b'_' | b'P' | b'^') => {
            let end = match (after.find('\u{7}'), after.find("\u{1b}\\")) {
                (Some(bell), Some(terminator)) if bell > terminator => terminator + 2,
                (Some(bell), _) => bell + 1,
                (None, Some(terminator)) => terminator + 2,
                (None, None) => 1,
            };
            (end, false)
        }
        Some(b'(' | b')') => (after.chars().take(2).map(char::len_utf8).sum(), false),
        Some(_) => (after.chars().next().map_or(0, char::len_utf8), false),
        None => (0, false),
    }
}

/// True for a frame of a stack trace: JavaScript's, Python's, Java's, and the CDK's of a construct.
pub(super) fn is_trace(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("\\_ ")
        || text.starts_with("File \"")
        || text.starts_with("... ") && text.contains(" more")
        || text.starts_with("at ") && text.contains(['(', ':', '.'])
        || text.starts_with("new ") && text.contains('(')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_what_a_person_saw() {
        for (raw, expected) in [
            ("plain text", "plain text"),
            ("  indented\r", "  indented"),
            ("\u{1b}[31m\u{1b}[1mred\u{1b}[22m and\u{1b}[39m plain", "red and plain"),
            ("error\u{1b}[K: from \u{1b}[01;31m\u{1b}[Kgrep\u{1b}[m\u{1b}[K", "error: from grep"),
            ("\u{1b}[2K\u{1b}[1G⠋ Updating resources...\u{1b}[2K\u{1b}[1GCREATE_FAILED Table", "CREATE_FAILED Table"),
            ("10 %\r50 %\r100 %", "100 %"),
            ("\u{1b}]8;;https://example.com\u{7}a link\u{1b}]8;;\u{1b}\\ here", "a link here"),
            ("\u{1b}_bk;t=1763467361000\u{7}from Buildkite", "from Buildkite"),
            ("[31m ❌  Shop failed[39m", " ❌  Shop failed"),
            ("it took [12m 3s]", "it took [12m 3s]"),
            ("cut in an escape \u{1b}[3", "cut in an escape"),
            ("é\u{1b}é", "é"),
            ("2026-11-18T12:02:41.1234567Z   two spaces", "  two spaces"),
            ("\u{1b}[0m2026-11-18T12:02:41Z text", "text"),
            ("deploy\tcdk deploy\t2026-11-18T12:02:41.1234567Z ##[error]no", "##[error]no"),
        ] {
            assert_eq!(parse(raw).text, expected, "{raw:?}");
        }
        assert!(parse("2026-11-18T12:02:41Z \u{1b}[36;1mcdk deploy\u{1b}[0m").echo);
    }
}
