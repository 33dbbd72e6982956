//! Rules in words: the list by cause, and one with all that it says.
//! The order is the catalogue's. Read by people who want to know what the tool knows, or to write a rule.

use super::Style;
use super::page::{Page, Paint, Said};
use crate::rules::{CAUSES, Rule};
use std::io::{self, Write};

/// Room for a rule's id in the list.
const ID: usize = 36;

/// Each cause with its rules.
pub fn list(rules: &[&Rule], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    for (code, meaning) in CAUSES {
        let of_cause: Vec<&&Rule> = rules.iter().filter(|rule| rule.cause == *code).collect();
        if of_cause.is_empty() {
            continue;
        }
        page.say(0, Paint::Bold, &format!("{code}: {meaning}"))?;
        for rule in of_cause {
            let text = Said::one(Paint::Plain, rule.title.as_str());
            page.labelled(2, (Paint::Cyan, &format!("{:<ID$}", rule.id)), ID, &text)?;
        }
        page.blank()?;
    }
    page.say(0, Paint::Dim, &format!("{} rules; `cfn-forensics rules show ID` says more of one", rules.len()))
}

/// All that a rule says.
pub fn one(rule: &Rule, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(style, out);
    page.say(0, Paint::Bold, &format!("{} ({})", rule.id, rule.cause))?;
    page.say(0, Paint::Plain, &rule.title)?;
    page.blank()?;
    page.say(0, Paint::Plain, &rule.explanation)?;
    let statuses: Vec<String> = rule.statuses.iter().map(ToString::to_string).collect();
    let clauses = [
        ("It knows", &rule.text),
        ("Error codes", &rule.codes),
        ("Handler error codes", &rule.handler_codes),
        ("HTTP statuses", &statuses),
        ("Fits best", &rule.resource_types),
        ("Says that it failed, not why; more is told by", &rule.told_by),
        ("How to make sure", &rule.confirm),
        ("What to do", &rule.fixes),
        ("Such as", &rule.matches),
        ("But not", &rule.rejects),
    ];
    for (head, lines) in clauses.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        page.blank()?;
        page.say(0, Paint::Bold, head)?;
        for line in lines {
            page.labelled(2, (Paint::Dim, page.glyphs.noted), 1, &Said::one(Paint::Plain, line.as_str()))?;
        }
    }
    page.blank()?;
    page.say(0, Paint::Dim, &format!("specificity {}", rule.specificity))?;
    match &rule.link {
        Some(link) => page.whole(0, Paint::Dim, &format!("More: {link}")),
        None => Ok(()),
    }
}
