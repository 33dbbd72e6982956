//! Finds the data rules whose text matches, without trying every expression on every text.
//! A rule's expression is compiled only when the longest literal that it cannot match without is in the text.
//! Used by the catalogue.

use super::rule::{Refused, Rule};
use crate::model::{Denier, Reason, Refusal};
use aho_corasick::AhoCorasick;
use regex_lite::{Regex, RegexBuilder};
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;
use std::sync::OnceLock;

/// A rule whose text matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Index of the rule among those that were searched.
    pub rule: usize,
    /// The named groups of the expression that matched.
    pub captures: BTreeMap<String, String>,
}

/// All expressions of a catalogue's file.
#[derive(Debug)]
pub(super) struct Patterns {
    patterns: Vec<Pattern>,
    literals: AhoCorasick,
    /// For each literal the pattern that needs it.
    of_literal: Vec<usize>,
    /// Patterns without a literal, which are always tried.
    always: Vec<usize>,
}

#[derive(Debug)]
struct Pattern {
    rule: usize,
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

/// A shorter literal is in too many texts to spare anything.
const SHORTEST_LITERAL: usize = 3;

impl Patterns {
    /// The expressions of `rules`, to be compiled when they are needed.
    pub fn new(rules: &[Rule]) -> Result<Self, aho_corasick::BuildError> {
        let mut patterns = Vec::new();
        let mut literals = Vec::new();
        let mut of_literal = Vec::new();
        let mut always = Vec::new();
        for (rule, source) in
            rules.iter().enumerate().flat_map(|(index, rule)| rule.text.iter().map(move |text| (index, text)))
        {
            match literal_of(source) {
                Some(literal) => {
                    literals.push(literal);
                    of_literal.push(patterns.len());
                }
                None => always.push(patterns.len()),
            }
            patterns.push(Pattern { rule, source: source.clone(), compiled: OnceLock::new() });
        }
        let literals = AhoCorasick::builder().ascii_case_insensitive(true).build(literals)?;
        Ok(Self { patterns, literals, of_literal, always })
    }

    /// Compiles every expression; an error names the rule by its index and says what is wrong with its expression.
    pub fn check(rules: &[Rule]) -> Result<(), (usize, String)> {
        for (index, text) in
            rules.iter().enumerate().flat_map(|(index, rule)| rule.text.iter().map(move |text| (index, text)))
        {
            Regex::new(text).map_err(|error| (index, error.to_string()))?;
        }
        Ok(())
    }

    /// The rules that match `text`, in the catalogue's order, each once.
    pub fn find(&self, text: &str) -> Vec<Match> {
        let mut tried: Vec<usize> = self.always.clone();
        let literals = self
            .literals
            .find_overlapping_iter(text)
            .filter_map(|found| self.of_literal.get(found.pattern().as_usize()));
        tried.extend(literals);
        tried.sort_unstable();
        tried.dedup();
        let mut found: Vec<Match> = Vec::new();
        for pattern in tried.into_iter().filter_map(|index| self.patterns.get(index)) {
            if found.last().is_some_and(|last| last.rule == pattern.rule) {
                continue;
            }
            if let Some(captures) = pattern.captures(text) {
                found.push(Match { rule: pattern.rule, captures });
            }
        }
        found
    }
}

impl Pattern {
    fn captures(&self, text: &str) -> Option<BTreeMap<String, String>> {
        // `Catalogue::check` compiles every expression; of the embedded ones a test has done so.
        let regex = self.compiled.get_or_init(|| RegexBuilder::new(&self.source).case_insensitive(true).build().ok());
        let regex = regex.as_ref()?;
        let found = regex.captures(text)?;
        let named = regex.capture_names().flatten();
        Some(named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect())
    }
}

/// True when a clause other than the text fits the parts of a reason.
pub(super) fn fits(rule: &Rule, reason: &Reason<'_>) -> bool {
    let code = reason.code.is_some_and(|code| rule.codes.iter().any(|glob| glob_fits(glob, code)));
    let handler = reason.handler_code.is_some_and(|code| rule.handler_codes.iter().any(|other| other == code));
    let status = reason.status.is_some_and(|status| rule.statuses.contains(&status));
    let refusal = reason.refusal.as_ref();
    let refused = refusal.is_some_and(|refusal| rule.refused.iter().any(|kind| refused_so(*kind, refusal)));
    code || handler || status || refused
}

fn refused_so(kind: Refused, refusal: &Refusal<'_>) -> bool {
    let guardrail = !matches!(refusal.by, None | Some(Denier::Identity | Denier::Resource));
    match kind {
        Refused::Action => true,
        Refused::Explicitly => refusal.explicit,
        Refused::ByGuardrail => guardrail && !refusal.explicit,
    }
}

/// `*LimitExceeded*`: the pieces between the stars, in their order, the first at the beginning, the last at the end.
fn glob_fits(glob: &str, code: &str) -> bool {
    let Some((first, rest)) = glob.split_once('*') else { return glob == code };
    let Some(mut left) = code.strip_prefix(first) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        let Some((_, after)) = left.split_once(piece) else { return false };
        left = after;
    }
    true
}

/// The longest piece of text that every match of the expression contains, as far as it stands outside of groups. Reading
/// the expression's full syntax for this would take longer than all the rest of loading it.
fn literal_of(expression: &str) -> Option<String> {
    let mut longest = String::new();
    let mut run = String::new();
    let mut depth = 0_usize;
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        let literal = match c {
            '\\' => rest.next().filter(|escaped| !escaped.is_alphanumeric()),
            '[' => {
                skip_class(&mut rest);
                None
            }
            '(' => {
                depth += 1;
                None
            }
            ')' => {
                depth = depth.saturating_sub(1);
                None
            }
            '|' if depth == 0 => return None,
            '?' | '*' | '{' => {
                // What stands before it may be missing.
                run.pop();
                if c == '{' {
                    rest.by_ref().find(|c| *c == '}');
                }
                None
            }
            '+' | '.' | '^' | '$' | '|' => None,
            c => Some(c),
        };
        match literal.filter(|_| depth == 0) {
            Some(c) => run.push(c),
            None => {
                if run.len() > longest.len() {
                    longest.clone_from(&run);
                }
                run.clear();
            }
        }
    }
    let longest = if run.len() > longest.len() { run } else { longest };
    Some(longest).filter(|longest| longest.len() >= SHORTEST_LITERAL)
}

/// Skips a class such as `[^\]a-z]` behind its bracket.
fn skip_class(rest: &mut Peekable<Chars<'_>>) {
    rest.next_if_eq(&'^');
    rest.next_if_eq(&']');
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            ']' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_letters() {
        for (glob, code, expected) in [
            ("Throttling", "Throttling", true),
            ("Throttling", "ThrottlingException", false),
            ("Throttling*", "ThrottlingException", true),
            ("*LimitExceeded*", "VpcLimitExceeded", true),
            ("*LimitExceeded*", "LimitExceededException", true),
            ("Invalid*.NotFound", "InvalidGroup.NotFound", true),
            ("Invalid*.NotFound", "InvalidGroup.InUse", false),
            ("*", "", true),
        ] {
            assert_eq!(glob_fits(glob, code), expected, "{glob} {code}");
        }
    }

    #[test]
    fn the_literal_is_in_every_match() {
        for (source, expected) in [
            (r"bucket .+ is not empty", Some(" is not empty")),
            (r"(?P<a>\w+) already exists( in stack)?", Some(" already exists")),
            (r"left|right", None),
            (r"\bBucketNotEmpty\b", Some("BucketNotEmpty")),
            (r"(?:optional)?x", None),
            (r"(?:optional)?needed", Some("needed")),
            (r"exit ?code", Some("exit")),
            (r"codes?: (?:1|2)", Some("code")),
            (r"many+ of", Some("many")),
            (r"a{2,3}bcd", Some("bcd")),
            (r"[^\]abc]def", Some("def")),
            (r"[]abc]def", Some("def")),
            (r"name\.of\(it\)", Some("name.of(it)")),
            (r"(?:in (?:deep) group) out", Some(" out")),
        ] {
            assert_eq!(literal_of(source).as_deref(), expected, "{source}");
        }
    }
}
