//! The secrets that keys, templates and forms have told, to be found again wherever they stand.
//! It finds; it neither decides what a secret is nor what stands in its place.
//! Used by the redactor.

use super::words;
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashMap;
use std::ops::Range;

/// What was learnt.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    kinds: HashMap<String, &'static str>,
    /// What is looked for, and the index of the secret that it means: a secret may be written in several ways.
    forms: Vec<String>,
    secrets: Vec<String>,
    of_form: Vec<usize>,
    /// Built anew when something was learnt since.
    automaton: Option<AhoCorasick>,
}

impl Learnt {
    /// Remembers a secret; the kind that was told first stays.
    pub fn add(&mut self, secret: &str, kind: &'static str) {
        if secret.trim().is_empty() || self.kinds.contains_key(secret) {
            return;
        }
        self.kinds.insert(secret.to_owned(), kind);
        if !is_telling(secret) {
            return;
        }
        let index = self.secrets.len();
        self.secrets.push(secret.to_owned());
        let url = in_url(secret);
        let mut forms = vec![secret.to_owned(), in_json(secret), url.replace("%2F", "/"), url, in_html(secret)];
        // A short one in base64 could be a part of any other.
        forms.extend((secret.len() >= 9).then(|| STANDARD.encode(secret)));
        let mut told = hashbrown::HashSet::new();
        forms.retain(|form| told.insert(form.clone()));
        self.of_form.extend(forms.iter().map(|_| index));
        self.forms.append(&mut forms);
        self.automaton = None;
    }

    /// What the secret is called.
    pub fn kind(&self, secret: &str) -> Option<&'static str> {
        self.kinds.get(secret).copied()
    }

    /// Where the learnt secrets stand in a text, with the secret that each place means.
    pub fn find(&mut self, text: &str) -> Vec<(Range<usize>, &str)> {
        if self.forms.is_empty() {
            return Vec::new();
        }
        if self.automaton.is_none() {
            self.automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.forms).ok();
        }
        let Some(automaton) = &self.automaton else { return Vec::new() };
        let stands = |hit: &aho_corasick::Match| {
            let form = self.forms.get(hit.pattern().as_usize()).map_or("", String::as_str);
            is_random(form) || words::is_whole(text, &hit.range())
        };
        let meant = |hit: aho_corasick::Match| {
            let secret = self.secrets.get(*self.of_form.get(hit.pattern().as_usize())?)?;
            Some((hit.range(), secret.as_str()))
        };
        automaton.find_iter(text).filter(stands).filter_map(meant).collect()
    }
}

/// Whether a value says by itself that it is the secret. A word such as `admin` may be somebody's password and still is a
/// word wherever else it stands.
fn is_telling(secret: &str) -> bool {
    match secret.chars().all(char::is_alphabetic) {
        true => secret.len() >= 6 && !words::is_common(secret),
        false if secret.chars().all(|c| c.is_ascii_digit()) => secret.len() >= 7,
        false => secret.len() >= 5 && !words::is_common(secret),
    }
}

/// Long and mixed enough that it stands nowhere by chance, not even within a word.
fn is_random(secret: &str) -> bool {
    secret.len() >= 8 && secret.chars().any(|c| c.is_ascii_digit()) && secret.chars().any(|c| !c.is_ascii_digit())
}

fn in_json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn in_html(secret: &str) -> String {
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    html.replace('"', "&quot;").replace('\'', "&#39;")
}

fn in_url(secret: &str) -> String {
    secret.bytes().fold(String::with_capacity(secret.len()), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}
