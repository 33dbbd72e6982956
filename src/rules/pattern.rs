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
    /// For each literal the pattern that needs it, or one of several.
    of_literal: Vec<usize>,
    /// Patterns without a literal, which are always tried.
    always: Vec<usize>,
}

#[derive(Debug)]
struct Pattern {
    rule: usize,
    source: String,
    /// What every match contains, besides the literals that led here.
    required: Vec<Clause>,
    compiled: OnceLock<Option<Regex>>,
}

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
            let mut required = required_of(source);
            required.sort_by_key(shortest);
            match required.pop() {
                Some(best) => {
                    of_literal.extend(best.iter().map(|_| patterns.len()));
                    literals.extend(best);
                }
                None => always.push(patterns.len()),
            }
            patterns.push(Pattern { rule, source: source.clone(), required, compiled: OnceLock::new() });
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

    /// The rules that match `text`, in the catalogue's order, each once. `lower` is the text in lower case.
    pub fn find(&self, text: &str, lower: &str) -> Vec<Match> {
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
            let may_match = pattern.required.iter().all(|clause| clause.iter().any(|literal| lower.contains(literal)));
            if let Some(captures) = may_match.then(|| pattern.captures(text)).flatten() {
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
        if !self.source.contains("(?P<") {
            // To find whether there is a match is cheaper than to find where its groups are.
            return regex.is_match(text).then(BTreeMap::new);
        }
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

/// Literals in lower case, one of which is in every match.
type Clause = Vec<String>;

/// A shorter literal is in too many texts to spare anything.
const SHORTEST_LITERAL: usize = 3;

fn shortest(clause: &Clause) -> usize {
    clause.iter().map(String::len).min().unwrap_or(0)
}

/// What every match of the expression contains, as clauses that all hold. To read the expression's full syntax for this
/// would take longer than all the rest of loading it; what is not understood here only spares less.
fn required_of(expression: &str) -> Vec<Clause> {
    let mut rest = expression.chars().peekable();
    let mut clauses = alternation(&mut rest, 0);
    clauses.retain(|clause| shortest(clause) >= SHORTEST_LITERAL);
    clauses
}

/// Nobody nests deeper; hostile rules may.
const DEEPEST: usize = 20;

/// Up to the end, or the bracket that closes the group.
fn alternation(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Vec<Clause> {
    let mut branches = vec![sequence(rest, depth)];
    while rest.next_if_eq(&'|').is_some() {
        branches.push(sequence(rest, depth));
    }
    if branches.len() == 1 {
        return branches.pop().unwrap_or_default();
    }
    // One of the branches matches, so one of their best literals is there; if a branch has none, nothing is known.
    let best = |clauses: Vec<Clause>| clauses.into_iter().max_by_key(shortest);
    let merged: Option<Vec<Clause>> = branches.into_iter().map(best).collect();
    merged.map_or_else(Vec::new, |clauses| vec![clauses.concat()])
}

fn sequence(rest: &mut Peekable<Chars<'_>>, depth: usize) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut run = String::new();
    while let Some(c) = rest.next_if(|c| !matches!(c, '|' | ')')) {
        let literal = match c {
            '\\' => rest.next().filter(|escaped| !escaped.is_alphanumeric()),
            '[' => {
                skip_class(rest);
                None
            }
            '(' => {
                flush(&mut run, &mut clauses);
                skip_group_head(rest);
                let inner = if depth < DEEPEST { alternation(rest, depth + 1) } else { skip_group(rest) };
                rest.next_if_eq(&')');
                if !is_optional(rest) {
                    clauses.extend(inner);
                }
                continue;
            }
            '.' | '^' | '$' => None,
            // A case that ASCII does not know is looked for by the expression itself only.
            c if !c.is_ascii() => None,
            c => Some(c),
        };
        match literal {
            Some(c) => {
                let repeats = rest.peek() == Some(&'+');
                if is_optional(rest) {
                    flush(&mut run, &mut clauses);
                    continue;
                }
                run.push(c.to_ascii_lowercase());
                if repeats {
                    flush(&mut run, &mut clauses);
                }
            }
            None => {
                flush(&mut run, &mut clauses);
                is_optional(rest);
            }
        }
    }
    flush(&mut run, &mut clauses);
    clauses
}

fn flush(run: &mut String, clauses: &mut Vec<Clause>) {
    if run.len() >= SHORTEST_LITERAL {
        clauses.push(vec![std::mem::take(run)]);
    }
    run.clear();
}

/// Takes the quantifier behind an atom, if there is one; true where the atom may be left out.
fn is_optional(rest: &mut Peekable<Chars<'_>>) -> bool {
    let optional = match rest.peek() {
        Some('?' | '*') => {
            rest.next();
            true
        }
        Some('+') => {
            rest.next();
            false
        }
        Some('{') => {
            // How often is not read: it may be never.
            rest.by_ref().take_while(|c| *c != '}').for_each(drop);
            true
        }
        _ => return false,
    };
    rest.next_if_eq(&'?');
    optional
}

/// `?:`, `?P<name>`, `?i:`; groups are read alike.
fn skip_group_head(rest: &mut Peekable<Chars<'_>>) {
    if rest.next_if_eq(&'?').is_none() {
        return;
    }
    while let Some(c) = rest.next_if(|c| *c != ')') {
        if matches!(c, ':' | '>') {
            return;
        }
    }
}

fn skip_group(rest: &mut Peekable<Chars<'_>>) -> Vec<Clause> {
    let mut open = 0_usize;
    while let Some(c) = rest.next_if(|c| open > 0 || *c != ')') {
        match c {
            '\\' => drop(rest.next()),
            '[' => skip_class(rest),
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    Vec::new()
}

/// Skips to behind the class's closing bracket; the opening one has been read.
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
    fn what_every_match_contains_is_found() {
        for (source, expected) in [
            (r"bucket .+ is not empty", vec!["bucket ", " is not empty"]),
            (r"(?P<a>\w+) already exists( in stack)?", vec![" already exists"]),
            (r"left|right", vec!["left|right"]),
            (r"left|r.ght", vec!["left|ght"]),
            (r"left|r.g", vec![]),
            (r"\bBucketNotEmpty\b", vec!["bucketnotempty"]),
            (r"(?:optional)?x", vec![]),
            (r"(?:optional)?needed", vec!["needed"]),
            (r"exit ?code", vec!["exit", "code"]),
            (r"codes?: (?:1|2)", vec!["code"]),
            (r"is (?:not|never) (?:yet )?ready", vec!["is ", "not|never", "ready"]),
            (r"many+ of", vec!["many", " of"]),
            (r"a{2,3}bcd", vec!["bcd"]),
            (r"[^\]abc]def", vec!["def"]),
            (r"[]abc]def", vec!["def"]),
            (r"name\.of\(it\)", vec!["name.of(it)"]),
            (r"(?:in (?:deep|nested) group) out", vec!["in ", "deep|nested", " group", " out"]),
            (r"(?:a|bcd) efg", vec![" efg"]),
        ] {
            let found: Vec<String> = required_of(source).iter().map(|clause| clause.join("|")).collect();
            assert_eq!(found, expected, "{source}");
        }
        let deep = "(".repeat(10_000);
        assert!(required_of(&deep).is_empty());
    }
}
