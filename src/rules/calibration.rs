//! What the rules' words weigh: numbers that were fitted to labelled failures, not guessed.
//! `examples/calibrate.rs` fits them, and checks them on failures that it has not seen; `calibration.toml` holds them.
//! Used by the rules that read texts.

use super::catalog::CatalogueError;
use super::rule::Decibans;
use serde::{Deserialize, Serialize};

/// The numbers of `calibration.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What words of a text weigh less where a more specific rule of another cause reads the same text: it explains them.
    pub explained_away: Decibans,
    /// The scale, by rising specificity and rising decibans; at least two points.
    pub point: Vec<Point>,
}

/// A point of the scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// As rules have it.
    pub specificity: f64,
    /// What a rule of this specificity weighs.
    pub decibans: Decibans,
}

impl Calibration {
    /// The one that comes with cfn-forensics.
    ///
    /// # Errors
    /// A fault in the embedded file, which a test excludes.
    pub fn embedded() -> Result<Self, CatalogueError> {
        toml::from_str(include_str!("calibration.toml"))
            .map_err(|error| CatalogueError::Syntax { file: "calibration.toml".to_owned(), message: error.to_string() })
    }

    /// What a rule of this specificity weighs: between two points along a line, outside of them like the nearest.
    pub fn decibans(&self, specificity: f64) -> Decibans {
        let above = self.point.iter().position(|point| point.specificity >= specificity);
        let (before, after) = match above {
            Some(0) => (self.point.first(), self.point.first()),
            Some(index) => (self.point.get(index - 1), self.point.get(index)),
            None => (self.point.last(), self.point.last()),
        };
        let (Some(before), Some(after)) = (before, after) else { return 0.0 };
        let width = after.specificity - before.specificity;
        if width <= 0.0 {
            return after.decibans;
        }
        before.decibans + (specificity - before.specificity) / width * (after.decibans - before.decibans)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_numbers_are_there_and_rise() {
        let calibration = Calibration::embedded().unwrap();
        assert!(calibration.point.len() >= 2);
        for pair in calibration.point.windows(2) {
            assert!(pair[0].specificity < pair[1].specificity && pair[0].decibans <= pair[1].decibans);
        }
        assert!(calibration.explained_away <= 0.0);
    }

    #[test]
    fn between_points_lies_a_line() {
        let point = |specificity, decibans| Point { specificity, decibans };
        let scale = Calibration { explained_away: 0.0, point: vec![point(10.0, 0.0), point(20.0, 5.0)] };
        for (specificity, expected) in [(0.0, 0.0), (10.0, 0.0), (15.0, 2.5), (20.0, 5.0), (40.0, 5.0)] {
            assert!((scale.decibans(specificity) - expected).abs() < 1e-9, "{specificity}");
        }
    }
}
