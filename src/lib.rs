//! cfn-forensics says what happened to a CloudFormation deployment, why, who did it, and what to do now, from evidence
//! that can be attached to a ticket.
//!
//! # The story in one line
//!
//! ```text
//!  live:          aws::collect   ──┐
//!  a case folder: case::read     ──┼─> Capture ─> Timeline ─> History ─> Findings ─> Diagnosis ─> Report ─> bytes
//!  trail (later): trail::scan    ──┘   records     events     operations  rules       ranked      words     render
//! ```
//!
//! Left of the [`Capture`](model::Capture) things may fail and do IO. Right of it everything is synchronous and total,
//! does no IO and reads no clock: a bad record becomes a [`Gap`](model::Gap), never an error. So a fixture is a case is a
//! test, and the same case gives the same bytes on every machine and day.
//!
//! ```no_run
//! use cfn_forensics::{actor, case, operation, timeline};
//!
//! # fn main() -> Result<(), case::CaseError> {
//! let capture = case::read("fixtures/showboat".as_ref())?;
//! let timeline = timeline::build(&capture, timeline::Options::default());
//! let history = operation::cut(&timeline);
//! let actors = actor::actors(&timeline, &history);
//! for (operation, actor) in history.operations.iter().zip(&actors) {
//!     println!("{:?} {:?} by {:?}", operation.kind, operation.ending, actor.name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The words
//!
//! A *record* is one item as AWS returned it; a *capture* all records of one collection; a *case* a capture on disk. An
//! *event* is one thing that happened, in our words; the *timeline* all events, unique and in order. An *incarnation* is
//! one stack id of those that a name has had; an *operation* one attempt on a stack; a *story* a deployment with its
//! rollback and, if it failed, the delete that removed it. A *rule* recognises one cause; a *finding* is its answer; a
//! *hypothesis* merges the findings for one cause. `docs/architecture.md` has the whole table, the invariants and who may
//! import whom.

pub mod actor;
#[cfg(feature = "aws")]
pub mod aws;
pub mod case;
pub mod cli;
pub mod compare;
pub mod diagnose;
mod link;
pub mod model;
pub mod operation;
pub mod plan;
pub mod redact;
pub mod render;
pub mod report;
pub mod rules;
pub mod sources;
pub mod timeline;
