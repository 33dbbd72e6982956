//! What a rule is, and what it answers.
//! Plain data; matching is in `pattern.rs`, ranking in `diagnose.rs`.
//! A data rule is one `[[rule]]` block of a catalogue file; the vocabulary is closed, so that a misspelt key is an error.

use serde::Deserialize;

/// A weight: 10·log10 of a likelihood ratio. +10 makes a cause ten times as likely, -3 halves it.
pub type Decibans = f64;

/// One rule of the catalogue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Unique over all files, in kebab case.
    pub id: String,
    /// A code of [`super::CAUSES`].
    pub cause: String,
    /// The cause in one sentence; `{names}` are filled in from the text.
    pub title: String,
    /// Why it happens, in one to three sentences.
    pub explanation: String,
    /// Regular expressions, found anywhere in the text without regard to case; any of them.
    pub text: Vec<String>,
    /// What a match is worth against "none of these".
    pub weight: Decibans,
    /// What a cause is worth before any evidence.
    #[serde(default = "default_prior")]
    pub prior: Decibans,
    /// Resource types (`AWS::EC2::*` for a family) that make the rule more fitting; they never gate.
    #[serde(default)]
    pub resource_types: Vec<String>,
    /// Kinds of operation that make the rule more fitting; they never gate.
    #[serde(default)]
    pub operations: Vec<String>,
    /// How to find out whether it is so.
    #[serde(default)]
    pub confirm: Vec<String>,
    /// What to do, the safest first.
    #[serde(default)]
    pub fixes: Vec<String>,
    /// AWS's page on it.
    #[serde(default)]
    pub link: Option<String>,
    /// Texts that the rule must match, and win with.
    pub matches: Vec<String>,
    /// Texts that the rule must not match.
    pub rejects: Vec<String>,
}

/// Before any evidence every cause is ten times less likely than "none of these".
pub const PRIOR: Decibans = -10.0;

fn default_prior() -> Decibans {
    PRIOR
}

/// What a fitting resource type or kind of operation is worth: it sharpens the rank among rules whose text matches.
pub const FITTING_TYPE: Decibans = 3.0;
/// See [`FITTING_TYPE`].
pub const FITTING_OPERATION: Decibans = 2.0;

impl Rule {
    /// What the type and the kind of operation add.
    pub fn fit(&self, resource_type: Option<&str>, operation: &str) -> Decibans {
        let of_type = |pattern: &String| match pattern.strip_suffix('*') {
            Some(family) => resource_type.is_some_and(|kind| kind.starts_with(family)),
            None => resource_type == Some(pattern),
        };
        let kind = if self.resource_types.iter().any(of_type) { FITTING_TYPE } else { 0.0 };
        kind + if self.operations.iter().any(|fitting| fitting == operation) { FITTING_OPERATION } else { 0.0 }
    }
}

/// An event, what it says for or against a cause, and how much that weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Index into `Timeline::events`.
    pub event: usize,
    /// Positive for, negative against.
    pub decibans: Decibans,
    /// What the event says, as a sentence without a full stop.
    pub says: String,
}

/// The words that go with a cause: what it means and what to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// The cause in one sentence, names filled in.
    pub title: String,
    /// Why it happens.
    pub explanation: String,
    /// How to find out whether it is so. May be empty.
    pub confirm: Vec<String>,
    /// What to do, the safest first. May be empty.
    pub fixes: Vec<String>,
    /// AWS's page on it.
    pub link: Option<String>,
}

/// One rule's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// The cause's code.
    pub cause: String,
    /// The failure that it explains, as an index into `Timeline::events`.
    pub root: usize,
    /// What the cause is worth before any evidence.
    pub prior: Decibans,
    /// Not empty.
    pub evidence: Vec<Evidence>,
    /// The words for it.
    pub advice: Advice,
}
