//! Finds the data rules whose text matches, without trying every expression on every text.
//! A rule's expression is compiled only when the longest literal that it cannot match without is in the text.
//! Used by the catalogue.

use super::rule::Rule;
use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::{Ast, RepetitionKind, RepetitionRange, parse::Parser};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A rule whose text matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Index of the rule in the catalogue.
    pub rule: usize,
    /// The named groups of the expression that matched.
    pub captures: BTreeMap<String, String>,
}

/// All expressions of a catalogue.
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
    /// The expressions of `rules`, whose literals have been found.
    pub fn new(rules: &[Rule]) -> Result<Self, aho_corasick::BuildError> {
        let mut patterns = Vec::new();
        let mut literals = Vec::new();
        let mut of_literal = Vec::new();
        let mut always = Vec::new();
        for (rule, (source, literal)) in rules
            .iter()
            .enumerate()
            .flat_map(|(index, rule)| rule.text.iter().zip(&rule.literals).map(move |text| (index, text)))
        {
            match literal {
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
        // The expression was parsed when the catalogue was loaded, so that only its size could make this fail.
        let regex = self.compiled.get_or_init(|| RegexBuilder::new(&self.source).case_insensitive(true).build().ok());
        let regex = regex.as_ref()?;
        let found = regex.captures(text)?;
        let named = regex.capture_names().flatten();
        Some(named.filter_map(|name| Some((name.to_owned(), found.name(name)?.as_str().to_owned()))).collect())
    }
}

/// The longest piece of text that every match of the expression contains, if there is one worth looking for; an error says
/// what is wrong with the expression.
pub(super) fn literal_of(expression: &str) -> Result<Option<String>, String> {
    let ast = Parser::new().parse(expression).map_err(|error| error.to_string())?;
    Ok(longest_literal(&ast).filter(|literal| literal.len() >= SHORTEST_LITERAL))
}

/// It goes by the syntax alone, which is read in a fraction of the
/// time that the character classes behind it take to build.
fn longest_literal(ast: &Ast) -> Option<String> {
    match ast {
        Ast::Literal(literal) => Some(literal.c.to_string()),
        Ast::Concat(concat) => {
            let mut found: Vec<String> = vec![String::new()];
            for part in &concat.asts {
                match (part, found.last_mut()) {
                    (Ast::Literal(literal), Some(run)) => run.push(literal.c),
                    _ => found.extend([longest_literal(part).unwrap_or_default(), String::new()]),
                }
            }
            found.into_iter().max_by_key(String::len)
        }
        Ast::Group(group) => longest_literal(&group.ast),
        Ast::Repetition(repeated) => match &repeated.op.kind {
            RepetitionKind::OneOrMore => longest_literal(&repeated.ast),
            RepetitionKind::Range(
                RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n) | RepetitionRange::Bounded(n, _),
            ) if *n > 0 => longest_literal(&repeated.ast),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_is_in_every_match() {
        for (source, expected) in [
            (r"bucket .+ is not empty", Some(" is not empty")),
            (r"(?P<a>\w+) already exists( in stack)?", Some(" already exists")),
            (r"a|b", None),
            (r"\bBucketNotEmpty\b", Some("BucketNotEmpty")),
            (r"(?:optional)?x", None),
            (r"(?:optional)?needed", Some("needed")),
            (r"exit ?code", Some("code")),
            (r"(?:again ){2,}no", Some("again ")),
        ] {
            assert_eq!(literal_of(source).expect("parses").as_deref(), expected, "{source}");
        }
    }
}
