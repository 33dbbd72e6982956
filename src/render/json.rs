//! JSON: one document, in UTC, with every key; a timeline has one event on each line.
//! Characters that act unseen are written as `\u` escapes, which changes no value. Nothing is collected in memory.
//! The line formats (ndjson, timesketch) write their objects through here too.

use super::escape;
use crate::report::TimelineReport;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The document with a line for each value.
pub(super) fn pretty(report: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    document(report, usize::MAX, out)
}

/// The document with a line for each operation, event and gap.
pub(super) fn timeline(report: &TimelineReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    document(report, 2, out)
}

/// One object on one line.
pub(super) fn line(object: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    document(object, 0, out)
}

/// The document with lines down to a depth, and what is deeper on the line of what holds it.
pub(super) fn document(report: &impl Serialize, broken_to: usize, out: &mut dyn Write) -> io::Result<()> {
    let formatter = Lines { broken_to, depth: 0, is_empty: false };
    report.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Breaks lines down to a depth and leaves what is deeper compact.
struct Lines {
    broken_to: usize,
    depth: usize,
    is_empty: bool,
}

impl Lines {
    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        let was_broken = self.is_broken() && !self.is_empty;
        self.depth = self.depth.saturating_sub(1);
        self.is_empty = false;
        if was_broken {
            self.indent(writer)?;
        }
        writer.write_all(bracket)
    }

    fn next<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.is_empty = false;
        if self.is_broken() { self.indent(writer) } else { Ok(()) }
    }

    fn is_broken(&self) -> bool {
        self.depth <= self.broken_to
    }

    fn indent<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        for _ in 0..self.depth {
            writer.write_all(b"  ")?;
        }
        Ok(())
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.next(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(if self.is_broken() { b": " } else { b":" })
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        writer.write_all(escape::json(fragment).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing;
    use serde_json::{Value, json};

    fn written(value: &Value, broken_to: usize) -> String {
        let mut out = Vec::new();
        document(value, broken_to, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_broken_down_to_the_depth() {
        let value = json!({"a": [{"b": 1}, {}], "c": []});
        assert_eq!(written(&value, 0), "{\"a\":[{\"b\":1},{}],\"c\":[]}\n");
        assert_eq!(written(&value, 2), "{\n  \"a\": [\n    {\"b\":1},\n    {}\n  ],\n  \"c\": []\n}\n");
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        assert_eq!(written(&value, usize::MAX), pretty + "\n");
    }

    #[test]
    fn a_timeline_is_one_document_with_an_event_on_each_line() {
        testing::with_timeline(testing::HOSTILE, |report| {
            let text = testing::rendered(|out| timeline(report, out));
            let document: Value = serde_json::from_str(&text).unwrap();
            let events = document["events"].as_array().unwrap();
            assert_eq!(events.len(), report.count());
            let lines = text.lines().filter(|line| line.starts_with("    {\"at\":")).count();
            assert_eq!(lines, events.len());
            assert_eq!(document["stack"], testing::HOSTILE);
            assert!(!text.chars().any(|c| c != '\n' && escape::is_hidden(c)), "{text}");
        });
    }
}
