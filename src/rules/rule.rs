//! What a rule is, and what it answers.
//! Plain data; matching is in `pattern.rs`, ranking in `diagnose.rs`.
//! A data rule is one `[[rule]]` block of a catalogue file; the vocabulary is closed, so that a misspelt key is an error.

use serde::{Deserialize, Serialize};

/// A weight: 10·log10 of a likelihood ratio. +10 makes a cause ten times as likely, -3 halves it.
pub type Decibans = f64;

/// One rule of the catalogue.
#[derive(Debug, Clone, Deserialize, Serialize)]
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
    /// Regular expressions, found anywhere in the text without regard to case; any of them, or of the clauses below.
    #[serde(default)]
    pub text: Vec<String>,
    /// The service's error codes, as `Reason::code` has them; `*` stands for any letters.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The handler's error codes, as `Reason::handler_code` has them.
    #[serde(default)]
    pub handler_codes: Vec<String>,
    /// HTTP statuses.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// Kinds of refusal.
    #[serde(default)]
    pub refused: Vec<Refused>,
    /// How specific the wording is, on the scale of [`super::Calibration`]: 10 for a bare code that many failures
    /// share, 30 for a sentence that only this cause has. Among the rules that read one text the most specific decides.
    pub specificity: f64,
    /// The sources that say what these words leave open, where they only say that it failed. Empty for most rules.
    #[serde(default)]
    pub told_by: Vec<String>,
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

/// The sources that may say why where a failure's own words do not: what `told_by` may name.
pub const TELLING: [&str; 9] = [
    "cloudtrail",
    "log_events",
    "ecs_services",
    "ecs_tasks",
    "target_health",
    "scaling_activities",
    "rds_events",
    "operation_events",
    "stack_events",
];

/// A kind of access-denied message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    /// Any that names its action.
    Action,
    /// A statement denies it.
    Explicitly,
    /// Something that bounds what policies can grant (an organization's policy, a boundary, a session's or an endpoint's
    /// policy) does not allow it.
    ByGuardrail,
}

/// Before any evidence every cause is ten times less likely than "none of these".
pub const PRIOR: Decibans = -10.0;

/// What a fitting resource type or kind of operation adds to the specificity: it sharpens the rank among rules whose
/// text matches.
pub const FITTING_TYPE: f64 = 3.0;
/// See [`FITTING_TYPE`].
pub const FITTING_OPERATION: f64 = 2.0;

impl Rule {
    /// Its words say that it failed, not why.
    pub fn is_vague(&self) -> bool {
        !self.told_by.is_empty()
    }

    /// It has a clause besides its text.
    pub fn looks_at_parts(&self) -> bool {
        !(self.codes.is_empty() && self.handler_codes.is_empty() && self.statuses.is_empty() && self.refused.is_empty())
    }

    /// What the type and the kind of operation add.
    pub fn fit(&self, resource_type: Option<&str>, operation: &str) -> f64 {
        let of_type = |pattern: &String| match pattern.strip_suffix('*') {
            Some(family) => resource_type.is_some_and(|kind| kind.starts_with(family)),
            None => resource_type == Some(pattern),
        };
        let kind = if self.resource_types.iter().any(of_type) { FITTING_TYPE } else { 0.0 };
        kind + if self.operations.iter().any(|fitting| fitting == operation) { FITTING_OPERATION } else { 0.0 }
    }
}

/// What a piece of evidence rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ground {
    /// An event, as an index into `Timeline::events`.
    Event(usize),
    /// A source that was collected without a gap and does not show what it would show if the cause were another.
    Silence(&'static str),
    /// A source that could contradict, and was not or not wholly seen.
    Unseen(&'static str),
}

impl Ground {
    /// The event, if it is one.
    pub fn event(self) -> Option<usize> {
        match self {
            Self::Event(index) => Some(index),
            Self::Silence(_) | Self::Unseen(_) => None,
        }
    }
}

/// What speaks for or against a cause, and how much that weighs.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What it rests on.
    pub ground: Ground,
    /// Positive for, negative against.
    pub decibans: Decibans,
    /// What it says, as a sentence without a full stop.
    pub says: String,
}

impl Evidence {
    /// What an event says.
    pub fn of_event(index: usize, decibans: Decibans, says: impl Into<String>) -> Self {
        Self { ground: Ground::Event(index), decibans, says: says.into() }
    }

    /// What a source's silence says.
    pub fn of_silence(source: &'static str, decibans: Decibans, says: impl Into<String>) -> Self {
        Self { ground: Ground::Silence(source), decibans, says: says.into() }
    }
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

/// One rule's answer: a cause with its words, or evidence on a cause that another rule claims.
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

impl Finding {
    /// Evidence on a cause that another rule has the words for: a theory that nobody claims needs no evidence.
    pub fn on_theory(rule: &str, cause: &str, root: usize, evidence: Vec<Evidence>) -> Self {
        Self { rule: rule.to_owned(), cause: cause.to_owned(), root, prior: PRIOR, evidence, advice: Advice::default() }
    }
}
