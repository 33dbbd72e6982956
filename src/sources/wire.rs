//! Strings as they come over the wire: borrowed where JSON allows, and lenient.
//! A number, a boolean or a null where AWS documents a string is taken as its text, so that it costs no record.
//! Used by all sources.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A string of a record; empty where the record has null, a list or an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Str<'a>(pub Cow<'a, str>);

impl Str<'_> {
    /// The text, if it is not empty.
    pub fn get(&self) -> Option<&str> {
        Some(&*self.0).filter(|text| !text.is_empty())
    }
}

impl std::ops::Deref for Str<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text)))
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(if value { "true" } else { "false" })))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(value.to_string())))
            }
            fn visit_unit<E: Error>(self) -> Result<Str<'de>, E> {
                Ok(Str::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Str<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Str::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Str<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Str::default())
            }
        }
        deserializer.deserialize_any(StrVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_lenient() {
        for (json, expected) in [
            ("\"plain\"", "plain"),
            ("\"with \\\"escape\\\"\"", "with \"escape\""),
            ("null", ""),
            ("true", "true"),
            ("42", "42"),
            ("[1,{\"a\":2}]", ""),
            ("{\"a\":[]}", ""),
        ] {
            assert_eq!(&*serde_json::from_str::<Str<'_>>(json).unwrap_or_default(), expected, "{json}");
        }
    }
}
