//! Finds what looks like a secret in text: one pass for keywords, and expressions only on the lines that hold one.
//! It knows forms, not values: what was learnt from keys and templates is looked for elsewhere.
//! Used by the redactor. The forms are data in `patterns.toml`.

use super::keys;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::{Captures, Regex};
use serde::Deserialize;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is.
    pub span: Range<usize>,
    /// What the output calls it.
    pub kind: &'static str,
    /// How many of its bytes stay, because they say what it is and not which.
    pub keeps: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    name: String,
    keywords: Vec<String>,
    regex: String,
    #[serde(default)]
    keeps: usize,
    #[serde(default)]
    reach: Reach,
    #[serde(default)]
    loose: bool,
    #[serde(rename = "source")]
    _source: String,
    #[serde(skip)]
    compiled: OnceLock<Regex>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reach {
    #[default]
    Line,
    Lines,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    pattern: Vec<Pattern>,
}

struct Table {
    patterns: Vec<Pattern>,
    keywords: AhoCorasick,
    /// For each keyword its pattern and its place in it.
    of_keyword: Vec<(usize, usize)>,
}

/// Without the table nothing would be found: a broken one is a bug that must not pass for "no secrets".
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    load(include_str!("patterns.toml")).unwrap_or_else(|error| panic!("src/redact/patterns.toml: {error}"))
});

fn load(text: &str) -> Result<Table, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let patterns = file.pattern;
    let of_keyword = patterns.iter().enumerate();
    let of_keyword: Vec<(usize, usize)> =
        of_keyword.flat_map(|(at, pattern)| (0..pattern.keywords.len()).map(move |word| (at, word))).collect();
    let keywords = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(patterns.iter().flat_map(|pattern| &pattern.keywords))
        .map_err(|error| error.to_string())?;
    Ok(Table { patterns, keywords, of_keyword })
}

/// A match begins at most so far before its keyword.
const BEFORE: usize = 256;
/// And ends at most so far behind it.
const BEHIND: usize = 16 << 10;

/// The secrets that their form gives away, in no particular order; they may overlap.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut windows: Vec<(usize, Vec<Range<usize>>)> = Vec::new();
    for hit in TABLE.keywords.find_overlapping_iter(text) {
        let Some((at, pattern, word)) = TABLE.of_keyword.get(hit.pattern().as_usize()).and_then(|(at, word)| {
            let pattern = TABLE.patterns.get(*at)?;
            Some((*at, pattern, pattern.keywords.get(*word)?))
        }) else {
            continue;
        };
        let exact = word.bytes().any(|byte| byte.is_ascii_uppercase());
        if exact && text.get(hit.range()) != Some(word) {
            continue;
        }
        let of_pattern = match windows.iter().position(|(of, _)| *of == at) {
            Some(index) => index,
            None => {
                windows.push((at, Vec::new()));
                windows.len() - 1
            }
        };
        if let Some((_, windows)) = windows.get_mut(of_pattern) {
            widen(windows, text, hit.range(), pattern.reach);
        }
    }
    let mut found = Vec::new();
    for (at, windows) in windows {
        let Some(pattern) = TABLE.patterns.get(at) else { continue };
        for window in windows {
            pattern.find(text.get(window.clone()).unwrap_or_default(), window.start, &mut found);
        }
    }
    found
}

/// Adds the surroundings of a keyword to the windows of its pattern, in linear time however many there are.
fn widen(windows: &mut Vec<Range<usize>>, text: &str, hit: Range<usize>, reach: Reach) {
    let mut start = boundary(text, hit.start.saturating_sub(BEFORE));
    let mut end = boundary(text, hit.end.saturating_add(BEHIND));
    let last = windows.last_mut().filter(|last| hit.start < last.end);
    if reach == Reach::Line {
        if last.as_ref().is_some_and(|last| text.as_bytes().get(last.end) == Some(&b'\n')) {
            return;
        }
        let known = last.as_ref().map_or(hit.end, |last| last.end.max(hit.end));
        let line_end = text.get(known..end).and_then(|rest| rest.find('\n'));
        end = line_end.map_or(end, |length| known + length);
        let line_start = text.get(start..hit.start).and_then(|before| before.rfind('\n'));
        start = line_start.map_or(start, |length| start + length + 1);
    }
    match last {
        Some(last) => last.end = last.end.max(end),
        None => match windows.last_mut().filter(|last| start < last.end) {
            Some(last) => last.end = last.end.max(end),
            None => windows.push(start..end),
        },
    }
}

/// The place itself, or the nearest before it at which a character begins.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The expression with the classes of ASCII: secrets have no other letters, and Unicode's tables take most of the time that
/// compiling takes, which every run pays.
fn of_ascii(expression: &str) -> String {
    let mut ascii = String::with_capacity(expression.len() * 2);
    let mut in_class = false;
    let mut chars = expression.chars();
    while let Some(c) = chars.next() {
        let class = match (c, in_class) {
            ('[', false) => {
                in_class = true;
                None
            }
            (']', true) if !ascii.ends_with(['[', '^']) => {
                in_class = false;
                None
            }
            ('\\', _) => match chars.next() {
                Some('w') => Some("[:word:]"),
                Some('s') => Some("[:space:]"),
                Some('d') => Some("[:digit:]"),
                Some('b') if !in_class => {
                    ascii.push_str(r"(?-u:\b)");
                    continue;
                }
                other => {
                    ascii.push(c);
                    ascii.extend(other);
                    continue;
                }
            },
            _ => None,
        };
        match class {
            Some(class) if in_class => ascii.push_str(class),
            Some(class) => ascii.extend(["[", class, "]"]),
            None => ascii.push(c),
        }
    }
    ascii
}

impl Pattern {
    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let (flags, rest) =
                self.regex.strip_prefix("(?i)").map_or(("", self.regex.as_str()), |rest| ("(?i)", rest));
            // In JSON that nobody took apart `\n` stands before a line's first word.
            let expression = match rest.strip_prefix(r"\b") {
                Some(rest) => format!(r"{flags}(?:\b|\\[nrt]){rest}"),
                None => self.regex.clone(),
            };
            Regex::new(&of_ascii(&expression))
                .unwrap_or_else(|error| panic!("src/redact/patterns.toml: {}: {error}", self.name))
        })
    }

    fn find(&'static self, window: &str, base: usize, found: &mut Vec<Found>) {
        let regex = self.regex();
        for captures in regex.captures_iter(window) {
            let Some((secret, is_bare)) = self.secret(&captures) else { continue };
            let key = captures.name("key");
            let value = secret.as_str();
            let kind = match key {
                Some(key) => keys::kind_in_text(key.as_str(), value),
                None => Some(self.name.as_str()).filter(|_| !self.loose || !keys::is_placeholder(value)),
            };
            let Some(kind) = kind else { continue };
            let first_on_its_line = key.is_some_and(|key| {
                let before = window.get(..key.start()).unwrap_or_default();
                // In JSON that nobody took apart a line begins behind a quote or `\n`.
                let line = before.rsplit(['\n', '"']).next().unwrap_or_default();
                line.rsplit("\\n").next().unwrap_or_default().trim_start_matches(['-', ' ', '\t']).is_empty()
            });
            if is_bare && !first_on_its_line && is_word(value) {
                continue;
            }
            found.push(Found { span: base + secret.start()..base + secret.end(), kind, keeps: self.keeps });
        }
    }

    /// The secret among the groups, and whether it is a bare word.
    fn secret<'t>(&self, captures: &Captures<'t>) -> Option<(regex::Match<'t>, bool)> {
        let names = self.regex().capture_names();
        let mut groups = names.zip(captures.iter()).skip(1).filter(|(name, _)| *name != Some("key"));
        groups.find_map(|(name, group)| Some((group?, name == Some("bare"))))
    }
}

/// A word of prose, which no password that somebody wrote beside `password:` should be, and often is not.
fn is_word(value: &str) -> bool {
    let plain = value.trim_end_matches(['.', ',', ';', ':', '!', '?', ')']);
    plain.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_ascii() {
        for (expression, expected) in [
            (r"\bkey\s{0,3}[\w.-]+\d", r"(?-u:\b)key[[:space:]]{0,3}[[:word:].-]+[[:digit:]]"),
            (r"[^\s\x22']\\n\[w\]", r"[^[:space:]\x22']\\n\[w\]"),
            (r"[]a]\w", r"[]a][[:word:]]"),
        ] {
            assert_eq!(of_ascii(expression), expected);
        }
    }

    #[test]
    fn every_expression_compiles_and_has_a_source() {
        assert!(TABLE.patterns.len() >= 90, "{}", TABLE.patterns.len());
        for pattern in &TABLE.patterns {
            assert!(pattern.regex().captures_len() > 1, "{}: no group", pattern.name);
            assert!(pattern._source.starts_with("https://"), "{}", pattern.name);
            assert!(!pattern.keywords.is_empty() && pattern.keywords.iter().all(|word| word.len() > 1));
        }
    }

    #[test]
    fn a_broken_table_is_told() {
        assert!(load("[[pattern]]\nname = 1").is_err_and(|error| error.contains("line 2")));
    }

    #[test]
    fn a_window_is_the_line_of_the_keyword() {
        let text = "one\npassword=hunter2 and password=hunter3\nthree";
        let found: Vec<&str> = find(text).into_iter().map(|found| &text[found.span]).collect();
        assert_eq!(found, ["hunter2", "hunter3"]);
        let long = format!("{} password=hunter2 {}", "x".repeat(100_000), "password ".repeat(20_000));
        assert_eq!(find(&long).len(), 1);
    }
}
