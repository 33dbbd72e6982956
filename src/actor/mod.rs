//! Who started each operation, in what role and what for, with the odds of it and what would decide between the readings.
//! Pure and total: no IO, no clock, no guess that is not stated as one; it knows nothing of causes.
//! Used by the rules, the plan and every output.

mod calls;
mod chain;
mod circumstances;
mod scene;
mod signatures;
#[cfg(test)]
mod testing;
mod verdict;

use crate::model::{RecordRef, Text};
use crate::operation::History;
use crate::timeline::Timeline;
use calls::Calls;
use scene::Scene;
use serde::{Deserialize, Serialize};
use verdict::Judgement;

/// What an operation was started for, and by what kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A deployment, by a tool, a script or a person's command.
    Deploy,
    /// A tool deleted what a failed attempt had left, before it created it anew or because it gave up; nobody asked for it.
    CleanUp,
    /// Somebody asked for the delete.
    Destroy,
    /// A person at the console.
    Console,
    /// A tool only looked: `cdk diff` and `cdk validate` make a change set and delete it again.
    Probe,
    /// CloudFormation, for the parent of a nested stack.
    ParentStack,
    /// CloudFormation StackSets.
    StackSet,
    /// CloudFormation by itself: an automatic rollback, OnFailure=DELETE.
    #[serde(rename = "cloudformation")]
    CloudFormation,
    /// The evidence does not tell.
    Unknown,
}

/// How an operation was joined with the call that started it, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The call carries the client request token of the operation's events.
    Token,
    /// The call names the stack's ARN, and comes just before the operation's first event.
    StackId,
    /// The call names the stack, and comes just before the operation's first event.
    NameAndTime,
    /// No call was found; the stack's own events tell what they can.
    EventsOnly,
    /// Neither a call nor an event tells anything.
    Nothing,
}

/// What stands at the beginning of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OriginKind {
    /// A person who signed in.
    Person,
    /// A job of a CI system.
    Ci,
    /// An AWS service, or a machine in its role.
    Service,
    /// A user's long-lived access key: a person's or a machine's.
    StaticKey,
    /// The account's root user.
    Root,
    /// The evidence does not tell.
    Unknown,
}

/// Who or what stands at the beginning of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origin {
    /// What it is.
    pub kind: OriginKind,
    /// In words, as a noun phrase: `GitHub Actions, repository acme/shop, branch main`.
    pub says: String,
}

/// One link of a chain: somebody, and how they came by their credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// The user or session, as CloudTrail prints it.
    #[cfg_attr(test, schemars(with = "String"))]
    pub who: Text,
    /// The call that gave them their credentials (`AssumeRole`), or at the end of the chain what they are (`IAM user`).
    #[cfg_attr(test, schemars(with = "String"))]
    pub how: Text,
    /// The name of the role, if they act in one.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub role: Option<Text>,
    /// The record that tells it.
    pub record: Option<RecordRef>,
    /// The id of their access key.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub key: Option<Text>,
}

/// What a mark is worth for one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Weight {
    /// For or against this verdict.
    pub verdict: Verdict,
    /// 10·log10 of the likelihood ratio.
    pub decibans: i32,
}

/// One thing that the verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mark {
    /// In words, as a clause.
    pub says: String,
    /// The record that tells it; none where an absence tells it.
    pub record: Option<RecordRef>,
    /// The same as an index into `Timeline::events`; outside of the program only the record counts.
    #[serde(skip)]
    pub event: Option<usize>,
    /// What it is worth. Empty for what only explains.
    pub weights: Vec<Weight>,
}

/// Another reading of the same evidence.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Alternative {
    /// What it would be.
    pub verdict: Verdict,
    /// From 0 to 1, to two decimals.
    pub odds: f64,
    /// What speaks for it, as clauses.
    pub why: String,
}

/// Who started an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Actor {
    /// The user or session name as CloudTrail prints it; `AWS CloudFormation` for what CloudFormation does by itself.
    pub name: Option<Text>,
    /// What it was started for.
    pub verdict: Verdict,
    /// From 0 to 1, to two decimals. What is missing to 1 in the sum with the alternatives is unknown.
    pub odds: f64,
    /// How the operation was joined with the call.
    pub basis: Basis,
    /// The tool that made the call: `AWS CDK CLI`, `console`.
    pub tool: Option<&'static str>,
    /// The call that started it, as an index into `Timeline::events`.
    pub call: Option<usize>,
    /// From the caller back to the origin. Empty where there is no call; of a nested stack, the chain of its parent.
    pub chain: Vec<Link>,
    /// What stands at the end of the chain.
    pub origin: Option<Origin>,
    /// What the verdict rests on: how the call was found, then its marks, then what came before and after.
    pub marks: Vec<Mark>,
    /// Other readings, best first, without the verdict itself and without `unknown`; those too improbable are left out.
    pub alternatives: Vec<Alternative>,
    /// What evidence would decide between them, as noun phrases. Empty where nothing is left to decide.
    pub decides: Vec<String>,
}

/// What CloudFormation does by itself is done by this name.
pub const CLOUDFORMATION: &str = "AWS CloudFormation";

/// Who started each operation, in the order of `history.operations`.
pub fn actors(timeline: &Timeline, history: &History) -> Vec<Actor> {
    let calls = Calls::of(timeline);
    let starts = calls.starts(history);
    let mut actors: Vec<Actor> = history
        .operations
        .iter()
        .enumerate()
        .map(|(index, _)| Scene::of(&calls, history, &starts, index).map_or_else(nobody, |scene| actor(&scene)))
        .collect();
    lend_origins(history, &mut actors);
    actors
}

fn actor(scene: &Scene<'_, '_>) -> Actor {
    let Judgement { verdict, odds, alternatives, marks, tool, decides } = scene.judge();
    let by_itself = matches!(verdict, Verdict::CloudFormation | Verdict::ParentStack);
    let call = scene.start.map(|(asked, _)| asked);
    let (chain, origin) = match (verdict, call) {
        (Verdict::CloudFormation, _) => (Vec::new(), Some(itself())),
        (_, Some(asked)) => chain::walk(scene.calls, asked.index),
        (_, None) => (Vec::new(), None),
    };
    let caller = call.and_then(|asked| {
        let of_event = asked.event.actor.clone();
        of_event.or_else(|| asked.call.identity.name().map(Text::from))
    });
    let of_cloudformation = || Some(Text::from(CLOUDFORMATION));
    Actor {
        name: match verdict {
            _ if by_itself => of_cloudformation(),
            Verdict::StackSet => caller.or_else(of_cloudformation),
            _ => caller,
        },
        verdict,
        odds,
        basis: scene.basis(),
        tool: tool.filter(|_| !by_itself),
        call: call.map(|asked| asked.index),
        chain,
        origin,
        marks,
        alternatives,
        decides,
    }
}

fn itself() -> Origin {
    Origin { kind: OriginKind::Service, says: format!("{CLOUDFORMATION}, by itself") }
}

/// An operation whose incarnation is not in the history; there is nothing to tell.
fn nobody() -> Actor {
    Actor {
        name: None,
        verdict: Verdict::Unknown,
        odds: 0.0,
        basis: Basis::Nothing,
        tool: None,
        call: None,
        chain: Vec::new(),
        origin: None,
        marks: Vec::new(),
        alternatives: Vec::new(),
        decides: Vec::new(),
    }
}

/// Parents of parents of parents: CloudFormation's own limit is far below.
const DEEPEST: usize = 64;

/// Behind an operation on a nested stack stands whoever started that on the topmost stack.
fn lend_origins(history: &History, actors: &mut [Actor]) {
    for index in 0..actors.len() {
        if actors.get(index).is_none_or(|actor| actor.verdict != Verdict::ParentStack) {
            continue;
        }
        let Some(top) = topmost(history, index) else { continue };
        let Some((chain, origin)) = actors.get(top).map(|actor| (actor.chain.clone(), actor.origin.clone())) else {
            continue;
        };
        if let Some(actor) = actors.get_mut(index) {
            actor.chain = chain;
            actor.origin = origin;
        }
    }
}

/// The operation on the topmost stack that this one is part of; none for one that is part of nothing.
fn topmost(history: &History, index: usize) -> Option<usize> {
    let parent = |index: usize| history.operations.get(index).and_then(|operation| operation.parent);
    let mut top = parent(index)?;
    for _ in 0..DEEPEST {
        match parent(top) {
            Some(above) => top = above,
            None => break,
        }
    }
    Some(top)
}
