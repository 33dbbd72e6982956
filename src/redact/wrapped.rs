//! Text that a tool wrapped to fill a table: a name that was cut at the end of a line goes on, indented, on the next.
//! It only undoes the cuts to look for things, and tells where their pieces are; the text keeps its lines.
//! Used by the redactor, for secrets and for names.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A line's end, and the next line's time stamp and indentation.
static CUT: LazyLock<Regex> = LazyLock::new(|| super::expression(r"\n(?:[0-9TZ:.+-]{8,40} )? {8,}"));

/// A text without its cuts.
pub(super) struct Whole {
    /// The lines put together.
    pub text: String,
    /// Where the cuts were in `text`, each with its length in the original.
    cuts: Vec<(usize, usize)>,
}

impl Whole {
    /// None where no line goes on.
    pub fn of(text: &str) -> Option<Self> {
        if !text.contains("        ") || !text.contains('\n') {
            return None;
        }
        let mut whole = Self { text: String::with_capacity(text.len()), cuts: Vec::new() };
        let mut done = 0;
        for cut in CUT.find_iter(text) {
            whole.text.push_str(text.get(done..cut.start()).unwrap_or_default());
            whole.cuts.push((whole.text.len(), cut.len()));
            done = cut.end();
        }
        whole.text.push_str(text.get(done..).unwrap_or_default());
        (!whole.cuts.is_empty()).then_some(whole)
    }

    /// The pieces in the original of what was cut; none of what was not.
    pub fn pieces(&self, span: &Range<usize>) -> Option<Vec<Range<usize>>> {
        let before = self.cuts.partition_point(|(at, _)| *at <= span.start);
        let within = self.cuts.get(before..)?.iter().take_while(|(at, _)| *at < span.end);
        let mut shift: usize = self.cuts.get(..before)?.iter().map(|(_, length)| length).sum();
        let mut start = span.start;
        let mut pieces = Vec::new();
        for (at, length) in within {
            pieces.push(start + shift..at + shift);
            shift += length;
            start = *at;
        }
        pieces.push(start + shift..span.end + shift);
        (pieces.len() > 1).then_some(pieces)
    }
}

/// What stands in each piece: as much as was there, so that the table keeps its form; in the last the rest.
pub(super) fn fill(pieces: Vec<Range<usize>>, replacement: &str) -> Vec<(Range<usize>, String)> {
    let mut rest = replacement.chars();
    let last = pieces.len().saturating_sub(1);
    let fill = |(at, piece): (usize, Range<usize>)| {
        let length = if at == last { usize::MAX } else { piece.len() };
        (piece, rest.by_ref().take(length).collect())
    };
    pieces.into_iter().enumerate().map(fill).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_is_found_in_its_pieces() {
        let text = "row  arn:1111\n             2222:x\n12:00:01.1          33 end";
        let whole = Whole::of(text).unwrap();
        assert_eq!(whole.text, "row  arn:11112222:x33 end");
        let at = whole.text.find("11112222").unwrap();
        let pieces = whole.pieces(&(at..at + 8)).unwrap();
        assert_eq!(pieces.iter().map(|piece| &text[piece.clone()]).collect::<Vec<_>>(), ["1111", "2222"]);
        let filled: Vec<String> = fill(pieces, "00000001").into_iter().map(|(_, part)| part).collect();
        assert_eq!(filled, ["0000", "0001"]);
        assert_eq!(whole.pieces(&(0..3)), None);
        assert!(Whole::of("one\ntwo").is_none());
    }
}
