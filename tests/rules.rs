//! Every rule is held against its own examples: *missing* (it does not claim what it must), *noisy* (it claims what it
//! must not), *stolen* (another cause outranks it on its own example).
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::model::Reason;
use cfn_forensics::rules::{CAUSES, Catalogue, check};
use std::collections::BTreeMap;

#[test]
fn every_rule_holds_against_its_own_examples() {
    let wrong: Vec<String> = check(&Catalogue::embedded().unwrap(), 0).iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_expression_compiles() {
    for rule in &Catalogue::embedded().unwrap().rules {
        for text in &rule.text {
            regex_lite::Regex::new(text).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
        }
    }
}

#[test]
fn every_cause_has_a_rule() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut counts: BTreeMap<&str, usize> = CAUSES.iter().map(|(cause, _)| (*cause, 0)).collect();
    for rule in &catalogue.rules {
        *counts.get_mut(rule.cause.as_str()).unwrap() += 1;
    }
    let without: Vec<_> = counts.iter().filter(|(cause, count)| **count == 0 && **cause != "other").collect();
    assert!(without.is_empty(), "{without:?}");
}

#[test]
fn what_is_no_failure_matches_no_rule() {
    let catalogue = Catalogue::embedded().unwrap();
    for line in [
        "Resource creation cancelled",
        "Resource update cancelled",
        "User Initiated",
        "Resource creation Initiated",
        "The following resource(s) failed to create: [Api, Worker]. Rollback requested by user.",
        "Requested update requires the creation of a new physical resource; hence creating one.",
        "Embedded stack arn:aws:cloudformation:us-east-1:111122223333:stack/a-b/1 was not successfully created: ",
        "",
    ] {
        let found: Vec<_> = catalogue
            .find(line, &Reason::read(line))
            .into_iter()
            .map(|found| &catalogue.rules[found.rule].id)
            .collect();
        assert!(found.is_empty(), "{line:?} matches {found:?}");
    }
}

/// Other people's scripts and notes name rules by their ids: one that goes away is a change that must be meant.
#[test]
fn no_rule_is_lost_unnoticed() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut ids: Vec<&str> = catalogue.rules.iter().map(|rule| rule.id.as_str()).collect();
    ids.sort_unstable();
    let known: Vec<&str> = include_str!("rule_ids.txt").lines().collect();
    let lost: Vec<_> = known.iter().filter(|id| !ids.contains(id)).collect();
    let new: Vec<_> = ids.iter().filter(|id| !known.contains(id)).collect();
    assert!(lost.is_empty() && new.is_empty(), "lost: {lost:?}; new, to be added to tests/rule_ids.txt: {new:?}");
}

#[test]
fn words_that_only_say_that_it_failed_name_who_says_why() {
    let catalogue = Catalogue::embedded().unwrap();
    let vague: Vec<&str> = catalogue.rules.iter().filter(|rule| rule.is_vague()).map(|rule| rule.id.as_str()).collect();
    assert!(vague.contains(&"internal-failure") && vague.contains(&"not-stabilized"), "{vague:?}");
    // What a rule of this kind claims may be contradicted, so its wording cannot be the most specific there is.
    for rule in catalogue.rules.iter().filter(|rule| rule.is_vague()) {
        assert!(rule.specificity < 30.0, "{}", rule.id);
    }
}
