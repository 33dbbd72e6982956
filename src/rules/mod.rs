//! The rules: each recognises one cause in one operation, and says what it rests on.
//! Rules are data where the failing event's own text decides (`catalog/*.toml`), Rust where they join or count
//! (`correlate/`). A rule knows nothing of other rules; merging and ranking is the diagnosis's work.
//! Used by `diagnose`.

mod calibration;
mod catalog;
mod check;
mod correlate;
mod durations;
mod pattern;
mod rule;
mod words;

pub use calibration::{Calibration, Point};
pub use catalog::{CAUSES, Catalogue, CatalogueError};
pub use check::{Fault, Wrong, check};
pub use correlate::{Context, Failing, findings, text_of};
pub use pattern::Match;
pub use rule::{Advice, Decibans, Evidence, Finding, Ground, Rule, TELLING};
pub use words::shell_word;
