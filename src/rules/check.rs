//! Holds rules against their own examples: *missing* (a rule does not claim what it must), *noisy* (it claims what it must
//! not), *stolen* (a rule of another cause is as specific on its example).
//! Used by the tests for the rules that come with cfn-forensics, and by `rules test` for a user's own.

use super::catalog::Catalogue;
use super::rule::Rule;
use crate::model::Reason;
use std::fmt;

/// What is wrong with a rule, on which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The rule's id.
    pub rule: String,
    /// The example.
    pub line: String,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It has no line that it must match, or none that it must reject.
    NoExamples,
    /// It does not claim what it must.
    Missing,
    /// It claims what it must not.
    Noisy,
    /// This rule of another cause is as specific, or more; or one of the same cause is more specific, and would give its
    /// own words.
    Stolen(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, line, fault } = self;
        match fault {
            Fault::NoExamples => write!(out, "{rule} needs at least one line in `matches` and one in `rejects`"),
            Fault::Missing => write!(out, "missing: {rule} does not know {line:?}"),
            Fault::Noisy => write!(out, "noisy: {rule} must not know {line:?}"),
            Fault::Stolen(by) => write!(out, "stolen: {by} takes from {rule} {line:?}"),
        }
    }
}

/// What is wrong with the rules from `first` on, in their order. Empty where all is well.
pub fn check(catalogue: &Catalogue, first: usize) -> Vec<Wrong> {
    catalogue.rules.iter().enumerate().skip(first).flat_map(|(index, rule)| check_one(catalogue, index, rule)).collect()
}

fn check_one(catalogue: &Catalogue, index: usize, rule: &Rule) -> Vec<Wrong> {
    let wrong = |line: &str, fault| Wrong { rule: rule.id.clone(), line: line.to_owned(), fault };
    if rule.matches.is_empty() || rule.rejects.is_empty() {
        return vec![wrong("", Fault::NoExamples)];
    }
    let mut found = Vec::new();
    for line in &rule.matches {
        let matches = catalogue.find(line, &Reason::read(line));
        if !matches.iter().any(|found| found.rule == index) {
            found.push(wrong(line, Fault::Missing));
        }
        let others = matches.iter().filter_map(|found| catalogue.rules.get(found.rule));
        let mut others = others.filter(|other| other.id != rule.id);
        let thief = others.find(|other| {
            other.specificity > rule.specificity || other.specificity >= rule.specificity && other.cause != rule.cause
        });
        found.extend(thief.map(|thief| wrong(line, Fault::Stolen(thief.id.clone()))));
    }
    for line in &rule.rejects {
        if catalogue.find(line, &Reason::read(line)).iter().any(|found| found.rule == index) {
            found.push(wrong(line, Fault::Noisy));
        }
    }
    found
}
