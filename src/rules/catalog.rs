//! The catalogue: all data rules, embedded, in the order of their files.
//! Loading checks what can be checked without a text: keys, causes, expressions, placeholders, ids.
//! Used by the diagnosis; the tests hold every rule against its own examples.

use super::calibration::Calibration;
use super::pattern::{Match, Patterns, fits};
use super::rule::{Rule, TELLING};
use super::words;
use crate::model::Reason;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::thread;

/// The codes of causes. A cause is what was wrong, not what was seen.
pub const CAUSES: &[(&str, &str)] = &[
    ("permission.denied", "the caller or the execution role lacks an action"),
    ("permission.explicit-deny", "denied by a service control policy, a permissions boundary or an explicit deny"),
    ("permission.pass-role", "iam:PassRole is missing, or a role cannot be assumed by the service"),
    ("permission.service-linked-role", "a service-linked role is missing or cannot be created"),
    ("permission.kms", "the key's policy or grants refuse"),
    ("permission.capability", "CAPABILITY_IAM, CAPABILITY_NAMED_IAM or CAPABILITY_AUTO_EXPAND was not acknowledged"),
    ("resource.already-exists", "the name or the resource exists already"),
    ("resource.not-found", "something that is referred to does not exist"),
    ("resource.in-use", "a delete or a change is blocked by what depends on the resource"),
    ("resource.conflict", "another operation or setting on the same resource conflicts"),
    ("quota.exceeded", "a service quota or limit was reached"),
    ("capacity.unavailable", "AWS has no capacity, or does not offer it in this zone or region, now"),
    ("throttling", "too many requests"),
    ("timeout.stabilization", "the resource did not become stable in time, for no better reason"),
    ("timeout.signal", "a CreationPolicy or WaitCondition did not receive its signals"),
    ("timeout.custom-resource", "a custom resource did not answer in time"),
    ("credentials.invalid", "the credentials expired in the middle, or are not accepted"),
    ("timeout.client-wait", "the deploy tool or CI job stopped waiting while the operation went on"),
    ("timeout.stack", "the stack's own TimeoutInMinutes ran out"),
    ("signal.failed", "a FAILURE signal was received"),
    ("account.prerequisite", "something that the account must have first is missing"),
    ("dependency.order", "a missing DependsOn, a race, or something just made that is not yet in force"),
    ("timeout.validation", "a certificate or domain validation stayed pending until the time-out"),
    ("custom-resource.failed", "a custom resource answered FAILED, or its function threw"),
    ("health.deployment", "the deployed application failed its health checks"),
    ("health.container", "a container could not be started, or stopped by itself"),
    ("validation.property", "a property's value is invalid"),
    ("validation.template", "the template itself is invalid"),
    ("validation.immutable", "the change needs a replacement that is not possible"),
    ("validation.unsupported", "the feature, version, class or runtime is not supported"),
    ("changeset.empty", "there are no changes to deploy"),
    ("changeset.state", "the change set is not in an executable state"),
    ("stack.state", "the stack is in a state that cannot take the operation"),
    ("stack.termination-protection", "termination protection, a stack policy or deletion protection refused it"),
    ("rollback.failed", "the rollback itself failed"),
    ("asset.missing", "a code or template asset is missing or unreadable"),
    ("drift.out-of-band", "the resource was changed or deleted outside of CloudFormation"),
    ("hook.failed", "a CloudFormation hook refused the resource"),
    ("type.unavailable", "the resource type is not known, activated or available in the region"),
    ("service.internal", "an internal failure of a service"),
    ("other", "none of these"),
];

/// The catalogue's files; a new family is a new line.
const FILES: &[(&str, &str)] = &[
    ("permission.toml", include_str!("catalog/permission.toml")),
    ("resource.toml", include_str!("catalog/resource.toml")),
    ("quota.toml", include_str!("catalog/quota.toml")),
    ("timeout.toml", include_str!("catalog/timeout.toml")),
    ("custom_resource.toml", include_str!("catalog/custom_resource.toml")),
    ("health.toml", include_str!("catalog/health.toml")),
    ("validation.toml", include_str!("catalog/validation.toml")),
    ("template.toml", include_str!("catalog/template.toml")),
    ("stack.toml", include_str!("catalog/stack.toml")),
];

/// Why a rule file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read.
    #[error("read the rules in {file}: {source}")]
    Read {
        /// The file's name.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder has no file of rules.
    #[error("read the rules in {folder}: it holds no *.toml file")]
    NoRules {
        /// The folder's name.
        folder: String,
    },
    /// There is no rule of that id.
    #[error("find the rule {asked:?}; `cfn-forensics rules list` names them all")]
    NoSuchRule {
        /// What was asked for.
        asked: String,
    },
    /// The file is not TOML, or has a key that no rule has. The message names line and column.
    #[error("read the rules in {file}: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// What the parser said.
        message: String,
    },
    /// A rule is not usable.
    #[error("use rule {rule} of {file}: {why}")]
    Rule {
        /// The file's name.
        file: String,
        /// The rule's id.
        rule: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<Rule>,
}

/// All data rules, ready to be matched.
#[derive(Debug)]
pub struct Catalogue {
    /// In the order of the files, ids unique.
    pub rules: Vec<Rule>,
    /// What the rules' words weigh.
    pub calibration: Calibration,
    /// The expressions of each file, with the index of its first rule.
    files: Vec<(usize, Patterns)>,
    /// The rules that look at the parts of a reason.
    by_parts: Vec<usize>,
}

impl Catalogue {
    /// The rules that come with cfn-forensics. Their expressions are compiled when they are needed.
    ///
    /// # Errors
    /// A fault in an embedded file, which a test excludes.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::assemble(FILES)
    }

    /// The rules that come with cfn-forensics, then those of these files, given as name and content.
    ///
    /// # Errors
    /// Where a file is not TOML, or a rule has an unknown key or cause, a broken expression, a placeholder that not
    /// every expression captures, or an id that another one has.
    pub fn embedded_and(files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        let all: Vec<(&str, &str)> = FILES.iter().chain(files).copied().collect();
        let catalogue = Self::assemble(&all)?;
        for (file, content) in files {
            let rules = parse((file, content))?.0;
            Patterns::check(&rules).map_err(|(index, why)| CatalogueError::Rule {
                file: (*file).to_owned(),
                rule: rules.get(index).map(|rule| rule.id.clone()).unwrap_or_default(),
                why,
            })?;
        }
        Ok(catalogue)
    }

    fn assemble(files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut origin: Vec<&str> = Vec::new();
        let mut patterns = Vec::new();
        for ((parsed, of_file), (file, _)) in parse_all(files)?.into_iter().zip(files) {
            patterns.push((rules.len(), of_file));
            origin.extend(std::iter::repeat_n(*file, parsed.len()));
            rules.extend(parsed);
        }
        let fault = |index: usize, why: String| CatalogueError::Rule {
            file: origin.get(index).copied().unwrap_or_default().to_owned(),
            rule: rules.get(index).map(|rule| rule.id.clone()).unwrap_or_default(),
            why,
        };
        let mut ids = std::collections::BTreeSet::new();
        for (index, rule) in rules.iter().enumerate() {
            if !ids.insert(&rule.id) {
                return Err(fault(index, "another rule has this id".to_owned()));
            }
            if !CAUSES.iter().any(|(code, _)| *code == rule.cause) {
                return Err(fault(index, format!("{:?} is no cause", rule.cause)));
            }
            if rule.text.is_empty() && !rule.looks_at_parts() {
                return Err(fault(
                    index,
                    "it has nothing to match: no text, codes, handler_codes, statuses or refused".to_owned(),
                ));
            }
            if !(0.0..=MOST_SPECIFIC).contains(&rule.specificity) {
                return Err(fault(index, format!("specificity is between 0 and {MOST_SPECIFIC}")));
            }
            if let Some(source) = rule.told_by.iter().find(|source| !TELLING.contains(&source.as_str())) {
                return Err(fault(index, format!("told_by: {source:?} is none of {}", TELLING.join(", "))));
            }
            for name in unfilled(rule) {
                let without = rule.text.iter().find(|text| !text.contains(&format!("(?P<{name}>")));
                if let Some(text) = without {
                    return Err(fault(
                        index,
                        format!("{{{name}}} is not captured by {text:?}; write {{{name}|what to say without it}}",),
                    ));
                }
                if rule.looks_at_parts() {
                    return Err(fault(
                        index,
                        format!("{{{name}}} is only captured by text; write {{{name}|what to say without it}}"),
                    ));
                }
            }
        }
        let by_parts = (0..rules.len()).filter(|index| rules.get(*index).is_some_and(Rule::looks_at_parts)).collect();
        Ok(Self { rules, calibration: Calibration::embedded()?, files: patterns, by_parts })
    }

    /// The rules that know `text`, in the catalogue's order, each once. `reason` is its parts.
    pub fn find(&self, text: &str, reason: &Reason<'_>) -> Vec<Match> {
        let lower = text.to_ascii_lowercase();
        let of_file = |(first, patterns): &(usize, Patterns)| {
            let first = *first;
            patterns.find(text, &lower).into_iter().map(move |found| Match { rule: found.rule + first, ..found })
        };
        let mut found: Vec<Match> = self.files.iter().flat_map(of_file).collect();
        let fitting =
            self.by_parts.iter().copied().filter(|index| self.rules.get(*index).is_some_and(|rule| fits(rule, reason)));
        let by_parts: Vec<Match> = fitting
            .filter(|index| found.binary_search_by_key(index, |found| found.rule).is_err())
            .map(|rule| Match { rule, captures: BTreeMap::new() })
            .collect();
        found.extend(by_parts);
        found.sort_by_key(|found| found.rule);
        found
    }
}

/// The end of the scale of [`Rule::specificity`].
const MOST_SPECIFIC: f64 = 40.0;

/// Reads the files side by side: every diagnosis waits for this.
fn parse_all(files: &[(&str, &str)]) -> Result<Vec<(Vec<Rule>, Patterns)>, CatalogueError> {
    thread::scope(|scope| {
        let running: Vec<_> = files.iter().map(|file| scope.spawn(move || parse(*file))).collect();
        // A parser that panics is tried again here, where the panic is told as what it is.
        running.into_iter().zip(files).map(|(thread, file)| thread.join().unwrap_or_else(|_| parse(*file))).collect()
    })
}

fn parse((name, content): (&str, &str)) -> Result<(Vec<Rule>, Patterns), CatalogueError> {
    let File { rule: rules } = toml::from_str(content)
        .map_err(|error| CatalogueError::Syntax { file: name.to_owned(), message: error.to_string() })?;
    let unusable =
        |error: aho_corasick::BuildError| CatalogueError::Syntax { file: name.to_owned(), message: error.to_string() };
    let patterns = Patterns::new(&rules).map_err(unusable)?;
    Ok((rules, patterns))
}

/// The names in a rule's words that only its expressions can fill.
fn unfilled(rule: &Rule) -> Vec<&str> {
    let words = [&rule.title, &rule.explanation].into_iter().chain(&rule.confirm).chain(&rule.fixes);
    let names = words.flat_map(|text| words::placeholders(text));
    names.filter(|(name, has_fallback)| !has_fallback && !words::KNOWN.contains(name)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(extra: &str) -> Result<Catalogue, CatalogueError> {
        let block = format!(
            "[[rule]]\nid='mine'\ncause='throttling'\ntitle='t'\nexplanation='e'\ntext=['x']\nspecificity=20\nmatches=['x']\nrejects=['y']\n{extra}"
        );
        Catalogue::embedded_and(&[("mine.toml", &block)])
    }

    #[test]
    fn faults_name_the_file_and_the_rule() {
        assert!(one("").is_ok());
        for (extra, expected) in [
            ("wieght = 3", "mine.toml"),
            ("fixes = ['use {name}']", "{name} is not captured"),
            (
                "[[rule]]\nid='mine-too'\ncause='nonsense'\ntitle='t'\nexplanation='e'\ntext=['x']\nspecificity=1\nmatches=[]\nrejects=[]",
                "is no cause",
            ),
            (
                "[[rule]]\nid='mine'\ncause='throttling'\ntitle='t'\nexplanation='e'\ntext=['x']\nspecificity=1\nmatches=[]\nrejects=[]",
                "another rule",
            ),
            (
                "[[rule]]\nid='another'\ncause='throttling'\ntitle='t'\nexplanation='e'\ntext=['(']\nspecificity=1\nmatches=[]\nrejects=[]",
                "open group",
            ),
        ] {
            let error = one(extra).map(|_| ()).expect_err(extra).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
