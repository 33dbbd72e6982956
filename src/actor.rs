//! Who started an operation, in what role, and what for. To be written.
use crate::model::{RecordRef, Text};
use crate::operation::History;
use crate::timeline::Timeline;
use serde::Serialize;
/// In what role somebody started an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// d
    Deploy,
    /// d
    CleanUp,
    /// d
    Destroy,
    /// d
    Console,
    /// d
    Probe,
    /// d
    ParentStack,
    /// d
    StackSet,
    /// d
    #[serde(rename = "cloudformation")]
    CloudFormation,
    /// d
    Unknown,
}
/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// d
    Token,
    /// d
    StackId,
    /// d
    NameAndTime,
    /// d
    EventsOnly,
    /// d
    Nothing,
}
/// a
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// d
    pub who: String,
    /// d
    pub how: String,
    /// d
    pub record: Option<RecordRef>,
}
/// a
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// d
    pub says: String,
}
/// a
#[derive(Debug, Clone, Serialize)]
pub struct Mark {
    /// d
    pub says: String,
    /// d
    pub record: Option<RecordRef>,
}
/// a
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// d
    pub verdict: Verdict,
    /// d
    pub odds: f64,
    /// d
    pub why: String,
}
/// a
#[derive(Debug, Clone)]
pub struct Actor {
    /// d
    pub name: Option<Text>,
    /// d
    pub verdict: Verdict,
    /// d
    pub basis: Basis,
    /// d
    pub tool: Option<&'static str>,
    /// d
    pub call: Option<usize>,
    /// d
    pub chain: Vec<Link>,
    /// d
    pub origin: Option<Origin>,
    /// d
    pub marks: Vec<Mark>,
    /// d
    pub alternatives: Vec<Alternative>,
    /// d
    pub odds: f64,
    /// d
    pub decides: Vec<String>,
}
/// Actors.
pub fn actors(_: &Timeline, history: &History) -> Vec<Actor> {
    history
        .operations
        .iter()
        .map(|_| Actor {
            name: None,
            verdict: Verdict::Unknown,
            basis: Basis::Nothing,
            tool: None,
            call: None,
            chain: vec![],
            origin: None,
            marks: vec![],
            alternatives: vec![],
            odds: 0.0,
            decides: vec![],
        })
        .collect()
}
