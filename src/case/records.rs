//! Where the records are in a file's text: JSON as the AWS CLI prints it, and the forms people make of it.
//! It finds, it does not interpret: each record stays a slice of the text.
//! Used by the case reader only.

use crate::sources::{self, Source};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// The records of a JSON file.
#[derive(Debug, Default)]
pub struct Found {
    /// Where each record is, in the file's order.
    pub spans: Vec<Range<usize>>,
    /// What is wrong with the file, as sentences without a full stop.
    pub faults: Vec<String>,
    /// The stem of the source whose records these are, if they are not this source's. `spans` is empty then.
    pub foreign: Option<&'static str>,
}

/// The lines of a text without their ends.
pub fn lines(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let kept = line.trim_end_matches(['\n', '\r']).len();
        spans.push(start..start + kept);
        start += line.len();
    }
    spans
}

/// The records of a source's JSON file: an object with the list that the AWS CLI prints, a list, one record, pages of
/// any of these in a list, or any number of these one after the other (pages appended, one record a line).
pub fn json(text: &str, source: &'static Source) -> Found {
    let mut found = Found::default();
    let mut counter = LineCounter { at: 0, line: 1 };
    let mut more = 0;
    let mut start = 0;
    while let Some(skipped) = text.get(start..).and_then(|rest| rest.find(|c: char| !c.is_ascii_whitespace())) {
        start += skipped;
        let rest = text.get(start..).unwrap_or_default();
        let mut value = Value { text: rest, lists: source.lists, ..Value::default() };
        let mut deserializer = serde_json::Deserializer::from_str(rest);
        let read = Root(&mut value).deserialize(&mut deserializer);
        let end = start + deserializer.into_iter::<IgnoredAny>().byte_offset();
        let whole = if read.is_ok() { text.get(start..end) } else { None };
        take(&value, whole, start, source, &mut found);
        if let Err(error) = read {
            found.faults.push(broken(&error, counter.line_of(text, end)));
            // One record a line: the damage is to one line only. What the value gave before it is not read again.
            let read = start + value.spans.last().map_or(0, |span| span.end);
            let over = read > start && error.is_eof();
            let next = text.get(read..).and_then(|rest| rest.find("\n{")).filter(|_| found.spans.len() > 1 && !over);
            match next {
                Some(next) => start = read + next,
                None => break,
            }
        } else {
            start = end;
        }
        more += found.faults.len().saturating_sub(MOST_FAULTS_NAMED);
        found.faults.truncate(MOST_FAULTS_NAMED);
    }
    if more > 0 {
        found.faults.push(format!("{more} more lines are broken"));
    }
    if found.spans.is_empty() && found.faults.is_empty() && text.trim().is_empty() {
        found.faults.push("it is empty".to_owned());
    }
    if !found.spans.is_empty() {
        found.foreign = None;
    }
    found
}

/// A file with thousands of broken lines has a few faults, not thousands.
const MOST_FAULTS_NAMED: usize = 5;

/// Counts lines from where it counted last: from the beginning each time would take too long.
struct LineCounter {
    at: usize,
    line: usize,
}

impl LineCounter {
    /// The number of the line that the byte `at` is in, from 1.
    fn line_of(&mut self, text: &str, at: usize) -> usize {
        let at = at.min(text.len());
        let ends = |from: usize, to: usize| {
            text.as_bytes().get(from..to).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count()
        };
        self.line = (self.line + ends(self.at, at)).saturating_sub(ends(at, self.at));
        self.at = at;
        self.line
    }
}

fn broken(error: &serde_json::Error, line: usize) -> String {
    let what = if error.is_eof() { "its JSON ends too early (truncated?)" } else { "its JSON is broken" };
    let mut why = error.to_string();
    if let Some(at) = why.rfind(" at line ") {
        why.truncate(at);
    }
    format!("{what} in line {line}: {why}")
}

/// Sorts what one JSON value gave: records of this source, a record itself, pages, or another source's records.
/// `whole` is the value's own text, absent where the value is cut.
fn take(value: &Value<'_>, whole: Option<&str>, start: usize, source: &'static Source, found: &mut Found) {
    if let Some(first) = value.spans.first().and_then(|span| value.text.get(span.clone())) {
        if !value.list_seen && !is_of(source, first) && has_list(first, source) {
            for span in &value.spans {
                let page = json(value.text.get(span.clone()).unwrap_or_default(), source);
                let base = start + span.start;
                found.spans.extend(page.spans.into_iter().map(|inner| inner.start + base..inner.end + base));
                found.faults.extend(page.faults);
            }
        } else if let Some(other) = foreign_source(source, first) {
            found.foreign = Some(other);
        } else {
            found.spans.extend(value.spans.iter().map(|span| span.start + start..span.end + start));
        }
        return;
    }
    let Some(whole) = whole else { return };
    if is_of(source, whole) {
        found.spans.push(start..start + whole.len());
    } else if let Some((key, single)) = value.single.and_then(|key| Some((key, field(whole, key)?))) {
        if key == SINGLE || is_of(source, single) {
            let at = start + (single.as_ptr() as usize - whole.as_ptr() as usize);
            found.spans.push(at..at + single.len());
        } else {
            found.faults.push(format!("it has an object under \"{key}\" where a list belongs"));
        }
    } else if !value.list_seen {
        // An empty list is an answer: nothing happened. Anything else is a mistake.
        match source_of(whole) {
            Some(other) => found.foreign = Some(other),
            None => found.faults.push(unexpected(whole, source)),
        }
    }
}

/// The one key under which the AWS CLI prints an object.
const SINGLE: &str = "taskDefinition";

fn unexpected(whole: &str, source: &Source) -> String {
    let kind = match whole.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b'n') => "null",
        _ => "a value",
    };
    let expected: Vec<String> = source.lists.iter().map(|list| format!("\"{list}\"")).collect();
    format!("it is {kind} without {} as `{}` prints", expected.join(" or "), source.command)
}

/// The keys of a JSON object, if it is one.
fn keys(json: &str) -> Option<BTreeMap<String, IgnoredAny>> {
    serde_json::from_str(json).ok()
}

fn field<'t>(json: &'t str, key: &str) -> Option<&'t str> {
    let fields: BTreeMap<String, &'t RawValue> = serde_json::from_str(json).ok()?;
    fields.get(key).map(|raw| raw.get())
}

fn marked(source: &Source, keys: &BTreeMap<String, IgnoredAny>) -> bool {
    source.marks.iter().any(|marks| marks.iter().all(|mark| keys.contains_key(*mark)))
}

fn is_of(source: &Source, json: &str) -> bool {
    json.starts_with('{') && keys(json).is_some_and(|keys| marked(source, &keys))
}

fn has_list(json: &str, source: &Source) -> bool {
    keys(json).is_some_and(|keys| source.lists.iter().any(|list| keys.contains_key(*list)))
}

/// The other source that this record is of; `None` where it is this one's, or nobody's.
fn foreign_source(source: &Source, json: &str) -> Option<&'static str> {
    let keys = keys(json)?;
    if marked(source, &keys) {
        return None;
    }
    sources::ALL.iter().find(|other| marked(other, &keys)).map(|other| other.stem)
}

/// The source that a whole file belongs to, by its lists' first records.
fn source_of(whole: &str) -> Option<&'static str> {
    sources::ALL.iter().find_map(|source| {
        let listed = source.lists.iter().any(|list| {
            field(whole, list).is_some_and(|value| {
                let records: Option<Vec<&RawValue>> = serde_json::from_str(value).ok();
                records.is_some_and(|records| records.first().is_some_and(|first| is_of(source, first.get())))
            })
        });
        (listed || is_of(source, whole)).then_some(source.stem)
    })
}

/// What one top-level JSON value holds.
#[derive(Default)]
struct Value<'t> {
    /// The text that the value begins.
    text: &'t str,
    lists: &'static [&'static str],
    /// Where in `text` each element of a list is.
    spans: Vec<Range<usize>>,
    /// One of `lists` was there, possibly empty.
    list_seen: bool,
    /// One of `lists` was there as an object: that object may be the record.
    single: Option<&'static str>,
}

impl Value<'_> {
    fn push(&mut self, raw: &RawValue) {
        let raw = raw.get();
        let start = raw.as_ptr() as usize - self.text.as_ptr() as usize;
        self.spans.push(start..start + raw.len());
    }
}

/// Reads the top-level value, which is any JSON.
struct Root<'v, 't>(&'v mut Value<'t>);

impl<'de> DeserializeSeed<'de> for Root<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON as the AWS CLI prints it")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.0.lists.iter().find(|list| **list == key) {
                Some(list) => map.next_value_seed(List(self.0, list))?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            self.0.push(raw);
        }
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads the value of one of the source's list keys.
struct List<'v, 't>(&'v mut Value<'t>, &'static str);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list under \"{}\"", self.1)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.0.list_seen = true;
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            self.0.push(raw);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.single = Some(self.1);
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.list_seen = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(stem: &str) -> &'static Source {
        sources::by_stem(stem).unwrap_or_else(|| panic!("{stem}"))
    }

    const EVENT: &str = r#"{"StackId":"a","StackName":"b","EventId":"c"}"#;

    #[test]
    fn every_form_people_make_gives_its_records() {
        for (text, expected) in [
            (format!(r#"{{"StackEvents":[{EVENT},{EVENT}],"NextToken":"x"}}"#), 2),
            (format!("[{EVENT}]"), 1),
            (EVENT.to_owned(), 1),
            (format!("{EVENT}\n{EVENT}\n"), 2),
            (format!(r#"{{"StackEvents":[{EVENT}]}} {{"StackEvents":[{EVENT}]}}"#), 2),
            (format!(r#"[{{"StackEvents":[{EVENT}]}},{{"StackEvents":[]}}]"#), 1),
            (r#"{"StackEvents":[]}"#.to_owned(), 0),
            (r#"{"StackEvents":null}"#.to_owned(), 0),
        ] {
            let found = json(&text, source("stack_events"));
            assert_eq!((found.spans.len(), found.faults.as_slice()), (expected, &[][..]), "{text}");
            for span in found.spans {
                assert_eq!(text.get(span), Some(EVENT), "{text}");
            }
        }
    }

    #[test]
    fn an_object_under_the_list_key_is_the_record() {
        let text = r#"{"taskDefinition": {"family":"web"}, "tags": []}"#;
        let found = json(text, source("task_definitions"));
        assert_eq!(found.spans.first().and_then(|span| text.get(span.clone())), Some(r#"{"family":"web"}"#));

        let text = format!(r#"{{"StackEvents":{EVENT}}}"#);
        let found = json(&text, source("stack_events"));
        assert_eq!(found.spans.first().and_then(|span| text.get(span.clone())), Some(EVENT));

        let found = json(r#"{"StackEvents":{"a":1}}"#, source("stack_events"));
        assert!(found.spans.is_empty());
        assert_eq!(found.faults, [r#"it has an object under "StackEvents" where a list belongs"#]);
    }

    #[test]
    fn many_broken_lines_are_few_faults() {
        let lines = 200_000;
        let text = format!("{EVENT}\n{EVENT}\n{}{EVENT}\n", "{\"StackId\":!}\n".repeat(lines));
        // So many that counting lines from the beginning each time would take minutes.
        let found = json(&text, source("stack_events"));
        assert_eq!(found.spans.len(), 3);
        assert_eq!(found.faults.len(), 6, "{:?}", found.faults);
        assert!(found.faults[4].contains("in line 7:"), "{:?}", found.faults);
        assert_eq!(found.faults[5], format!("{} more lines are broken", lines - 5));
    }

    #[test]
    fn a_cut_list_with_a_record_a_line_gives_none_twice() {
        for (text, kept) in [
            (format!("[\n{EVENT},\n{EVENT},\n{EVENT},\n{{\"StackId\":"), 3),
            (format!("[\n{EVENT},\n{EVENT},\n{{\"StackId\":!}},\n{EVENT}\n]"), 3),
        ] {
            let found = json(&text, source("stack_events"));
            let mut starts: Vec<usize> = found.spans.iter().map(|span| span.start).collect();
            starts.dedup();
            assert_eq!((starts.len(), found.spans.len()), (kept, kept), "{text}");
            assert!(found.faults.iter().any(|fault| fault.contains("line")), "{:?}", found.faults);
        }
    }

    #[test]
    fn what_is_cut_or_broken_keeps_the_records_before_it() {
        for (text, kept, why) in [
            (format!(r#"{{"StackEvents":[{EVENT},{EVENT},{{"StackId":"#), 2, "too early"),
            (format!(r#"{{"StackEvents":[{EVENT},}}"#), 1, "broken"),
            (format!("{EVENT}\n{EVENT}\n{{\"StackId\":!}}\n{EVENT}"), 3, "line 3"),
            ("[".repeat(100_000), 0, "too early"),
            ("not json".to_owned(), 0, "broken"),
            ("42".to_owned(), 0, "a value without"),
            (r#"{"Wrong":[]}"#.to_owned(), 0, "an object without \"StackEvents\""),
            (String::new(), 0, "empty"),
        ] {
            let found = json(&text, source("stack_events"));
            assert_eq!(found.spans.len(), kept, "{text:.80}: {:?}", found.faults);
            assert!(found.faults.iter().any(|fault| fault.contains(why)), "{text:.80}: {:?}", found.faults);
        }
    }

    #[test]
    fn another_sources_records_are_named() {
        let rds = r#"{"Events":[{"SourceIdentifier":"db","Message":"m","Date":"d"}]}"#;
        for (stem, text, expected) in [
            ("cloudtrail", rds, Some("rds_events")),
            ("stack_events", rds, Some("rds_events")),
            ("rds_events", rds, None),
            ("ecs_tasks", r#"[{"eventName":"a","eventSource":"b"}]"#, Some("cloudtrail")),
        ] {
            let found = json(text, source(stem));
            assert_eq!(found.foreign, expected, "{stem}");
            assert_eq!(found.spans.is_empty(), expected.is_some(), "{stem}");
        }
    }
}
