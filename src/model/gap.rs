//! What could not be seen, as data.
//! A gap is never an error: it is shown in every output, and a rule may not conclude from an absence behind one.
//! Written by the case reader, the sources and the collectors.

use super::Text;
use serde::{Deserialize, Serialize};

/// Something that the evidence does not tell, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Gap {
    /// The source's stem (`cloudtrail`), or the file's name where it fits no source.
    #[cfg_attr(test, schemars(with = "String"))]
    pub source: Text,
    /// What of it is missing: a time span, a record reference, or nothing for the whole source.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub window: Option<Text>,
    /// Why it is missing, as a sentence without a full stop.
    #[cfg_attr(test, schemars(with = "String"))]
    pub why: Text,
    /// What would fill it; a command or a setting.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub remedy: Option<Text>,
}

impl Gap {
    /// Why there is nothing of a source: nobody collected it.
    pub const NOT_COLLECTED: &'static str = "not collected";

    /// True where nobody collected the source.
    pub fn is_whole_source(&self) -> bool {
        &*self.why == Self::NOT_COLLECTED
    }

    /// A gap of `source` with its reason only.
    pub fn new(source: impl Into<Text>, why: impl Into<Text>) -> Self {
        Self { source: source.into(), window: None, why: why.into(), remedy: None }
    }

    /// The same gap, narrowed to `window`.
    #[must_use]
    pub fn at(mut self, window: impl Into<Text>) -> Self {
        self.window = Some(window.into());
        self
    }

    /// The same gap, with what would fill it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Text>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
