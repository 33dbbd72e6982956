//! Takes secrets out of a case, and on request e-mail addresses and names, so that it can be shown to others.
//! Pure: no IO, no clock; the same input in the same order gives the same bytes. What it is not sure of it replaces.
//! Used by `case redact`; nothing between a capture and its report knows of it.

mod capture;
mod keys;
mod learnt;
mod ledger;
mod names;
mod patterns;
mod report;
mod template;
mod words;
mod wrapped;

use aho_corasick::AhoCorasick;
use hashbrown::{HashMap, HashSet};
use learnt::Learnt;
use ledger::Ledger;
use names::Names;
use regex::Regex;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

/// How what stands for a secret begins: `[redacted password 1]`.
const MARK: &str = "[redacted ";

/// What else than secrets is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// E-mail addresses.
    pub emails: bool,
    /// Account ids, addresses, and the names of stacks, resources, roles, users, sessions and hosts.
    pub ids: bool,
}

impl Options {
    /// The words for what is replaced, as the manifest and the command line name it.
    pub fn words(self) -> Vec<&'static str> {
        let chosen = [("secrets", true), ("emails", self.emails), ("ids", self.ids)];
        chosen.into_iter().filter(|(_, is_chosen)| *is_chosen).map(|(word, _)| word).collect()
    }
}

/// Replaces secrets, always by the same pseudonym; what it has learnt in one place it finds in every other.
#[derive(Debug, Default)]
pub struct Redactor {
    options: Options,
    secrets: Learnt,
    names: Names,
    /// Parameters whose values must not be shown, whatever they are called.
    hidden: BTreeSet<String>,
    hidden_names: Option<AhoCorasick>,
    ledger: Ledger,
    /// Of a case's keys and short strings most are the same few thousand: each is judged once.
    meanings: HashMap<String, Meaning>,
    learnt_from: HashSet<String>,
    /// What became of a text; forgotten as soon as something is learnt.
    results: HashMap<String, Option<String>>,
}

/// What a key says of its value.
#[derive(Debug, Clone, Copy)]
struct Meaning {
    secret: Option<&'static str>,
    name: Option<names::Kind>,
    is_plain: bool,
}

/// Longer texts are messages, hardly ever seen twice.
const LONGEST_KEPT: usize = 200;

/// `[redacted password 1]`, `[email 1]`.
static MARKS: LazyLock<Regex> = LazyLock::new(|| expression(r"\[redacted [A-Za-z0-9. ]+ \d+\]|\[email \d+\]"));
/// Source: RFC 5321, without quoted and literal forms.
static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    expression(
        r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}\b",
    )
});

/// An expression of ours that does not compile is a bug that must not pass for "nothing found".
fn expression(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("an expression of src/redact: {error}"))
}

/// A text that becomes another when it is redacted again is rare; one that does so more often is hostile.
const MOST_ROUNDS: usize = 8;

/// Compiles what nearly every case needs, which takes longer than finding it: for another thread, while the case is read.
pub fn prepare() {
    patterns::find("AKIA password=\"\" secret: token, authorized key");
}

impl Redactor {
    /// A redactor that has learnt nothing yet.
    pub fn new(options: Options) -> Self {
        Self { options, ..Self::default() }
    }

    /// Learns what the keys of a JSON value tell: the values of secret keys and of `NoEcho` parameters and, if names are
    /// replaced, the names that stand where AWS puts them. What was learnt is replaced wherever it stands from then on.
    pub fn learn(&mut self, value: &Value) {
        self.results.clear();
        self.learn_at(value, None, 0);
    }

    fn learn_at(&mut self, value: &Value, key: Option<&str>, depth: usize) {
        match value {
            Value::Object(fields) => {
                let (named, outer) = (named_by_sibling(fields), key);
                if self.options.ids {
                    self.learn_logical_id(fields);
                }
                for (key, value) in fields {
                    // `{"password": {"value": ...}}` names it outside.
                    let named = named.or(outer).filter(|_| is_value_key(key));
                    self.learn_at(value, Some(named.unwrap_or(key)), depth);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_at(item, key, depth)),
            Value::String(text) => {
                if let Some(kind) = key.and_then(|key| self.kind_of(key, text)) {
                    self.secrets.add(text, kind);
                }
                if self.options.ids
                    && let Some(kind) = key
                        .and_then(|key| self.meaning(key).name)
                        .filter(|_| !(self.options.emails && EMAIL.is_match(text)))
                {
                    self.names.learn_value(kind, text);
                }
                match nested(text, depth) {
                    Some(inner) => self.learn_at(&inner, key, depth + 1),
                    None => self.learn_text(text),
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if let Some(kind) = key.and_then(|key| self.kind_of(key, &text)).filter(|kind| *kind == "password") {
                    self.secrets.add(&text, kind);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn learn_logical_id(&mut self, fields: &Map<String, Value>) {
        let field = |key| fields.get(key).and_then(Value::as_str);
        if let Some(id) = field("LogicalResourceId")
            && field("StackName") != Some(id)
        {
            self.names.learn_logical_id(id);
        }
    }

    fn learn_text(&mut self, text: &str) {
        if text.len() <= LONGEST_KEPT {
            if self.learnt_from.contains(text) {
                return;
            }
            self.learnt_from.insert(text.to_owned());
        }
        for found in self.found(text) {
            self.secrets.add(text.get(found.span).unwrap_or_default(), found.kind);
        }
        if self.options.ids {
            self.names.learn_text(text);
        }
    }

    /// Learns from a template in JSON or YAML which parameters are `NoEcho`, and their defaults.
    pub fn learn_template(&mut self, text: &str) {
        self.results.clear();
        self.learnt_from.clear();
        for hidden in template::hidden(text) {
            if let Some(default) = hidden.default.filter(|default| !keys::is_placeholder(default)) {
                self.secrets.add(&default, "NoEcho parameter");
            }
            self.hidden.insert(hidden.name);
            self.hidden_names = AhoCorasick::new(&self.hidden).ok();
        }
    }

    fn meaning(&mut self, key: &str) -> Meaning {
        if let Some(meaning) = self.meanings.get(key) {
            return *meaning;
        }
        let meaning = Meaning { secret: keys::kind(key), name: names::kind(key), is_plain: names::is_plain(key) };
        self.meanings.insert(key.to_owned(), meaning);
        meaning
    }

    /// What a key's value is, if it is a secret.
    fn kind_of(&mut self, key: &str, value: &str) -> Option<&'static str> {
        let hidden = || self.hidden.contains(key) && !keys::is_placeholder(value);
        let hidden = (!self.hidden.is_empty() && hidden()).then_some("NoEcho parameter");
        self.meaning(key).secret.filter(|kind| keys::is_secret(kind, key, value)).or(hidden)
    }

    /// The text without secrets; borrowed where there was nothing to replace. What it tells is learnt.
    pub fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        self.results.clear();
        self.learn_text(text);
        self.replace(text)
    }

    fn replace<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if text.len() > LONGEST_KEPT {
            return self.replace_all(text);
        }
        if let Some(result) = self.results.get(text) {
            return result.clone().map_or(Cow::Borrowed(text), Cow::Owned);
        }
        let replaced = self.replace_all(text);
        let result = matches!(replaced, Cow::Owned(_)).then(|| replaced.clone().into_owned());
        self.results.insert(text.to_owned(), result);
        replaced
    }

    fn replace_all<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let mut redacted = Cow::Borrowed(text);
        // What one replacement uncovers, such as a second secret beside the first, the next round takes.
        for _ in 0..MOST_ROUNDS {
            match self.replace_once(&redacted) {
                Some(replaced) if *replaced != *redacted => redacted = Cow::Owned(replaced),
                _ => break,
            }
        }
        redacted
    }

    fn replace_once(&mut self, text: &str) -> Option<String> {
        let secrets = self.replace_secrets(text);
        let now = secrets.as_deref().unwrap_or(text);
        let emails = if self.options.emails && now.contains('@') { self.replace_emails(now) } else { None };
        let now = emails.as_deref().unwrap_or(now);
        let ids = if self.options.ids { self.replace_names(now) } else { None };
        ids.or(emails).or(secrets)
    }

    /// The secrets that the text's own forms give away.
    fn found(&self, text: &str) -> Vec<patterns::Found> {
        let mut found = patterns::find(text);
        if let Some(hidden) = &self.hidden_names {
            found.extend(hidden.find_iter(text).filter_map(|hit| {
                let span = value_after(text, hit.end()).filter(|_| words::is_whole(text, &hit.range()))?;
                let value = text.get(span.clone())?;
                (!keys::is_placeholder(value)).then_some(patterns::Found { span, kind: "NoEcho parameter", keeps: 0 })
            }));
        }
        found
    }

    fn replace_secrets(&mut self, text: &str) -> Option<String> {
        let joined = self.replace_cut_secrets(text);
        self.replace_uncut_secrets(joined.as_deref().unwrap_or(text)).or(joined)
    }

    /// Learnt secrets that a line's end cut in two.
    fn replace_cut_secrets(&mut self, text: &str) -> Option<String> {
        let whole = wrapped::Whole::of(text)?;
        let cut: Vec<(Vec<Range<usize>>, String)> = self
            .secrets
            .find(&whole.text)
            .into_iter()
            .filter_map(|(span, secret)| Some((whole.pieces(&span)?, secret.to_owned())))
            .collect();
        let mut replaced = text.to_owned();
        // From behind, so that what comes before keeps its place.
        for (pieces, secret) in cut.into_iter().rev() {
            let kind = self.secrets.kind(&secret).unwrap_or("secret");
            for (at, piece) in pieces.into_iter().enumerate().rev() {
                let pseudonym = if at == 0 { self.pseudonym(&secret, kind, 0) } else { String::new() };
                replaced.replace_range(piece, &pseudonym);
            }
        }
        (replaced != text).then_some(replaced)
    }

    fn replace_uncut_secrets(&mut self, text: &str) -> Option<String> {
        let mut spans: Vec<(Range<usize>, &'static str, usize)> =
            self.found(text).into_iter().map(|found| (found.span, found.kind, found.keeps)).collect();
        let known: Vec<(Range<usize>, String)> =
            self.secrets.find(text).into_iter().map(|(span, secret)| (span, secret.to_owned())).collect();
        if spans.is_empty() && known.is_empty() {
            return None;
        }
        let marks: Vec<Range<usize>> = MARKS.find_iter(text).map(|mark| mark.range()).collect();
        let mut meant = BTreeMap::new();
        for (span, secret) in known {
            let kind = self.secrets.kind(&secret).unwrap_or("secret");
            meant.insert((span.start, span.end), secret);
            spans.push((span, kind, 0));
        }
        spans.retain(|(span, ..)| !marks.iter().any(|mark| span.start < mark.end && mark.start < span.end));
        // Of those that begin together the longest; an equal one that keeps more knows more of it.
        spans.sort_by_key(|(span, _, keeps)| (span.start, std::cmp::Reverse(span.end), std::cmp::Reverse(*keeps)));
        let mut replaced = String::with_capacity(text.len());
        let mut done = 0;
        let mut rest = spans.into_iter().peekable();
        while let Some((mut span, kind, mut keeps)) = rest.next() {
            while let Some((next, ..)) = rest.next_if(|(next, ..)| next.start < span.end) {
                // What two secrets share belongs to both: all of it goes.
                if next.end > span.end {
                    span.end = next.end;
                    keeps = 0;
                }
            }
            let place = text.get(span.clone()).unwrap_or_default();
            let secret = meant.get(&(span.start, span.end)).map_or(place, String::as_str);
            let kind = self.secrets.kind(secret).unwrap_or(kind);
            if self.secrets.kind(secret) == Some("access key") {
                keeps = "AKIA".len();
            }
            replaced.push_str(text.get(done..span.start).unwrap_or_default());
            let pseudonym = self.pseudonym(secret, kind, keeps);
            // A line stays a line: records are cited by them.
            for (line, _) in place.split('\n').enumerate() {
                replaced.push_str(if line > 0 { "\n" } else { "" });
                replaced.push_str(&pseudonym);
            }
            done = span.end;
        }
        replaced.push_str(text.get(done..).unwrap_or_default());
        Some(replaced)
    }

    fn pseudonym(&mut self, secret: &str, kind: &'static str, keeps: usize) -> String {
        let kept = secret.get(..keeps).unwrap_or_default();
        self.ledger.pseudonym(kind, secret, |number| format!("{kept}{MARK}{kind} {number}]"))
    }

    fn replace_emails(&mut self, text: &str) -> Option<String> {
        let ledger = &mut self.ledger;
        match EMAIL.replace_all(text, |found: &regex::Captures<'_>| {
            let address = found.get(0).map_or("", |address| address.as_str());
            // The user of every repository on GitHub.
            if address.starts_with("git@") {
                return address.to_owned();
            }
            ledger.pseudonym("email", &address.to_ascii_lowercase(), |number| format!("[email {number}]"))
        }) {
            Cow::Borrowed(_) => None,
            Cow::Owned(replaced) => Some(replaced),
        }
    }

    /// Names, but none in what stands for a secret.
    fn replace_names(&mut self, text: &str) -> Option<String> {
        let mut replaced = String::new();
        let mut done = 0;
        let mut changed = false;
        let marks: Vec<Range<usize>> = MARKS.find_iter(text).map(|mark| mark.range()).collect();
        for mark in marks.into_iter().chain(std::iter::once(text.len()..text.len())) {
            let between = text.get(done..mark.start).unwrap_or_default();
            let names = self.names.replace(between, &mut self.ledger);
            changed |= names.is_some();
            replaced.push_str(names.as_deref().unwrap_or(between));
            replaced.push_str(text.get(mark.clone()).unwrap_or_default());
            done = mark.end;
        }
        changed.then_some(replaced)
    }

    /// Redacts a JSON value in place. Its keys and its shape stay; strings that hold JSON keep holding it.
    pub fn value(&mut self, value: &mut Value) {
        self.learn(value);
        self.replace_in(value, None, 0);
    }

    /// Answers whether anything was replaced.
    fn replace_in(&mut self, value: &mut Value, key: Option<&str>, depth: usize) -> bool {
        match value {
            Value::Object(fields) => {
                let named = named_by_sibling(fields).or(key).map(str::to_owned);
                let mut changed = false;
                for (key, value) in fields {
                    let named = named.as_deref().filter(|_| is_value_key(key));
                    changed |= self.replace_in(value, Some(named.unwrap_or(key)), depth);
                }
                changed
            }
            Value::Array(items) => {
                let mut changed = false;
                for item in items {
                    changed |= self.replace_in(item, key, depth);
                }
                changed
            }
            Value::String(text) => match self.string(text, key, depth) {
                Some(redacted) => {
                    *text = redacted;
                    true
                }
                None => false,
            },
            Value::Number(number) => {
                let text = number.to_string();
                match key.and_then(|key| self.kind_of(key, &text)).filter(|kind| *kind == "password") {
                    Some(kind) => {
                        *value = Value::String(self.pseudonym(&text, kind, 0));
                        true
                    }
                    None => false,
                }
            }
            Value::Null | Value::Bool(_) => false,
        }
    }

    /// What stands for a string; none where it stays.
    fn string(&mut self, text: &str, key: Option<&str>, depth: usize) -> Option<String> {
        if let Some(kind) = key.and_then(|key| self.kind_of(key, text)) {
            let kind = self.secrets.kind(text).unwrap_or(kind);
            return Some(self.pseudonym(text, kind, 0));
        }
        if let Some(mut inner) = nested(text, depth) {
            return self.replace_in(&mut inner, key, depth + 1).then(|| inner.to_string());
        }
        if key.is_some_and(|key| self.meaning(key).is_plain) {
            return self.replace_secrets(text);
        }
        let named = key.filter(|_| self.options.ids).and_then(|key| self.meaning(key).name);
        let in_place = named.and_then(|_| self.names.replace_value(text, &mut self.ledger));
        let now = in_place.as_deref().unwrap_or(text);
        match self.replace(now) {
            Cow::Owned(redacted) => Some(redacted),
            Cow::Borrowed(_) => in_place,
        }
    }

    /// Each pseudonym with what it stands for, in the pseudonyms' order.
    pub fn mapping(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ledger.iter()
    }

    /// How many different things of each kind were replaced, in words: `3 passwords`. Empty where nothing was.
    pub fn counted(&self) -> Vec<String> {
        self.ledger.counted()
    }

    /// The kind of a learnt secret that a text still holds: nothing that it holds may be shown then.
    pub fn leak(&mut self, text: &str) -> Option<&'static str> {
        let marks: Vec<Range<usize>> = MARKS.find_iter(text).map(|mark| mark.range()).collect();
        let left = self.secrets.find(text).into_iter();
        let secret = left
            .filter(|(span, _)| !marks.iter().any(|mark| span.start < mark.end && mark.start < span.end))
            .map(|(_, secret)| secret.to_owned())
            .next()?;
        self.secrets.kind(&secret)
    }
}

/// JSON in JSON in JSON is as deep as AWS writes it; hostile text may be deeper.
const DEEPEST: usize = 4;

/// The object or list that a string holds: a CloudTrail event, resource properties, a policy.
fn nested(text: &str, depth: usize) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']) && !text.starts_with(MARK);
    if !begins || depth >= DEEPEST {
        return None;
    }
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

/// Keys whose value the sibling names: `{"ParameterKey": "DbPassword", "ParameterValue": ...}`, `{"name": ..., "value": ...}`.
fn named_by_sibling(fields: &Map<String, Value>) -> Option<&str> {
    let names = ["ParameterKey", "parameterKey", "name", "Name", "key", "Key", "OptionName", "optionName", "OutputKey"];
    names.iter().find_map(|name| fields.get(*name).and_then(Value::as_str))
}

fn is_value_key(key: &str) -> bool {
    matches!(
        key,
        "ParameterValue"
            | "parameterValue"
            | "value"
            | "Value"
            | "ResolvedValue"
            | "resolvedValue"
            | "OutputValue"
            | "BeforeValue"
            | "AfterValue"
    )
}

/// Where the value is that follows a parameter's name: `=value`, `": "value"`, `,ParameterValue=value`.
fn value_after(text: &str, name_end: usize) -> Option<Range<usize>> {
    let rest = text.get(name_end..)?;
    let value = rest.trim_start_matches(['"', '\'', '\\']);
    let value = value.strip_prefix(",ParameterValue=").or_else(|| value.strip_prefix('=')).or_else(|| {
        let after = value.trim_start_matches(' ').strip_prefix(':')?;
        Some(after.trim_start_matches(' '))
    })?;
    let quote = value.starts_with(['"', '\'', '\\']);
    let value = value.trim_start_matches(['"', '\'', '\\']);
    let start = text.len() - value.len();
    let ends = |c: char| {
        if quote {
            matches!(c, '"' | '\'' | '\\' | '\n')
        } else {
            c.is_whitespace() || matches!(c, ',' | '"' | '\'' | ';' | '&')
        }
    };
    let length = value.find(ends).unwrap_or(value.len());
    (length > 0).then_some(start..start + length)
}
