//! Records as the AWS CLI prints them, from the SDK's values: the API's field names, absent fields left out.
//! It knows no operation; each source names its own fields.
//! Used by every source.

use crate::model::time::{self, Time};
use aws_smithy_types::DateTime;
use chrono::{TimeZone as _, Utc};
use serde_json::{Map, Value};

/// The SDK's instant as ours.
pub(super) fn instant(value: &DateTime) -> Option<Time> {
    // A time that came as a floating number of seconds is off by some nanoseconds: rounded, not cut.
    let millis = (value.as_nanos() + 500_000).div_euclid(1_000_000);
    Utc.timestamp_millis_opt(i64::try_from(millis).ok()?).single()
}

/// A record in the making.
#[derive(Debug, Default)]
pub(super) struct Record(Map<String, Value>);

impl Record {
    /// A string or a word of one of AWS's sets.
    pub fn text(mut self, key: &str, value: Option<impl AsRef<str>>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), Value::from(value.as_ref()));
        }
        self
    }

    /// An instant, written as we write all instants.
    pub fn time(self, key: &str, value: Option<&DateTime>) -> Self {
        self.text(key, value.and_then(instant).map(time::text))
    }

    /// A number or a truth.
    pub fn plain(mut self, key: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    /// A record inside of this one.
    pub fn inner(self, key: &str, value: Option<Record>) -> Self {
        self.plain(key, value.map(|record| Value::Object(record.0)))
    }

    /// A list of records; nothing where there is none.
    pub fn list(self, key: &str, values: impl IntoIterator<Item = Record>) -> Self {
        let values: Vec<Value> = values.into_iter().map(|record| Value::Object(record.0)).collect();
        self.plain(key, (!values.is_empty()).then_some(values))
    }

    /// A list of words; nothing where there is none.
    pub fn words<W: AsRef<str>>(self, key: &str, values: impl IntoIterator<Item = W>) -> Self {
        let values: Vec<Value> = values.into_iter().map(|word| Value::from(word.as_ref())).collect();
        self.plain(key, (!values.is_empty()).then_some(values))
    }

    /// The record's JSON, in one line.
    pub fn json(self) -> String {
        Value::Object(self.0).to_string()
    }
}
