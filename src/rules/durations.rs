//! How long resources usually take, and of what they fail when they fail late: the prior, where nothing else speaks.
//! Each number names where it comes from (`durations.toml`); they are orders of magnitude, no promises.
//! Used where an operation ended without a word of why.

use serde::Deserialize;
use std::sync::LazyLock;

/// What is usual for a resource type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Usual {
    /// `AWS::RDS::DBInstance`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds that a creation usually takes.
    pub usual: u32,
    /// Seconds after which it is conspicuous.
    pub long: u32,
    /// Codes of causes, the likeliest first; not empty.
    pub causes: Vec<String>,
    /// `rds:CreateDBInstance`: the call by which its creation begins, where CloudTrail records one.
    pub made_by: Option<String>,
    /// The page or thread that `usual` comes from.
    pub source: String,
    /// What that says, in short.
    pub says: String,
}

#[derive(Debug, Deserialize)]
struct File {
    kind: Vec<Usual>,
}

static TABLE: LazyLock<Vec<Usual>> =
    LazyLock::new(|| toml::from_str::<File>(include_str!("durations.toml")).map(|file| file.kind).unwrap_or_default());

/// What is usual for a type; none where nothing is known.
pub fn of_type(kind: &str) -> Option<&'static Usual> {
    TABLE.iter().find(|usual| usual.kind == kind)
}

/// What is usual for what a call begins to make: `rds.amazonaws.com`, `CreateDBInstance`. Some services put the version
/// of their API behind the name.
pub fn made_by(service: &str, action: &str) -> Option<&'static Usual> {
    let service = service.split('.').next().unwrap_or(service);
    TABLE.iter().find(|usual| {
        let begins = usual.made_by.as_deref().and_then(|made_by| made_by.split_once(':'));
        begins.is_some_and(|(of, name)| {
            of == service && action.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
        })
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rules::CAUSES;

    #[test]
    fn the_table_is_sound() {
        let file: File = toml::from_str(include_str!("durations.toml")).unwrap();
        assert!(file.kind.len() > 40);
        for usual in &file.kind {
            assert!(usual.usual <= usual.long && usual.source.starts_with("https://"), "{usual:?}");
            assert!(!usual.causes.is_empty() && !usual.says.is_empty(), "{usual:?}");
            assert!(usual.causes.iter().all(|cause| CAUSES.iter().any(|(code, _)| code == cause)), "{usual:?}");
        }
        assert!(file.kind.is_sorted_by(|a, b| a.kind < b.kind));
    }

    #[test]
    fn calls_tell_what_they_make() {
        let kind = |service, action| made_by(service, action).map(|usual| usual.kind.as_str());
        assert_eq!(kind("rds.amazonaws.com", "CreateDBInstance"), Some("AWS::RDS::DBInstance"));
        assert_eq!(
            kind("cloudfront.amazonaws.com", "CreateDistribution2020_05_31"),
            Some("AWS::CloudFront::Distribution")
        );
        assert_eq!(kind("rds.amazonaws.com", "CreateDBInstanceReadReplica"), None);
        assert_eq!(kind("ecs.amazonaws.com", "CreateCluster"), None);
    }
}
