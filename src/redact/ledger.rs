//! Which pseudonym stands for what: the same original always has the same one, different originals never share one.
//! It counts and remembers; what is replaced, and where, is not its matter.
//! Used by the redactor for secrets, addresses and names.

use hashbrown::HashMap;
use std::collections::BTreeMap;

/// All pseudonyms that were given.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    of_original: HashMap<String, String>,
    of_pseudonym: BTreeMap<String, String>,
    numbers: BTreeMap<&'static str, usize>,
}

impl Ledger {
    /// The original's pseudonym. A new one is made from the next number of its kind, from 1.
    pub fn pseudonym(&mut self, kind: &'static str, original: &str, make: impl Fn(usize) -> String) -> String {
        if let Some(known) = self.of_original.get(original) {
            return known.clone();
        }
        let number = self.numbers.entry(kind).or_default();
        let pseudonym = loop {
            *number += 1;
            let pseudonym = make(*number);
            if !self.of_pseudonym.contains_key(&pseudonym) {
                break pseudonym;
            }
        };
        self.of_original.insert(original.to_owned(), pseudonym.clone());
        self.of_pseudonym.insert(pseudonym.clone(), original.to_owned());
        pseudonym
    }

    /// Each pseudonym with its original, in the pseudonyms' order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.of_pseudonym.iter().map(|(pseudonym, original)| (pseudonym.as_str(), original.as_str()))
    }

    /// How many different originals of each kind were replaced, in words.
    pub fn counted(&self) -> Vec<String> {
        self.numbers.iter().map(|(kind, count)| counted(kind, *count)).collect()
    }
}

/// `3 passwords`, `2 IP addresses`, `1 private key`.
fn counted(kind: &str, count: usize) -> String {
    let ends_in_y = kind.strip_suffix('y').filter(|rest| !rest.ends_with(['a', 'e', 'o']));
    match ends_in_y {
        _ if count == 1 => format!("1 {kind}"),
        Some(rest) => format!("{count} {rest}ies"),
        None if kind.ends_with("ss") || kind.ends_with('h') => format!("{count} {kind}es"),
        None => format!("{count} {kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_in_words() {
        for (kind, count, expected) in [
            ("password", 1, "1 password"),
            ("password", 3, "3 passwords"),
            ("IP address", 2, "2 IP addresses"),
            ("private key", 2, "2 private keys"),
            ("registry identity", 2, "2 registry identities"),
        ] {
            assert_eq!(counted(kind, count), expected);
        }
    }
}
