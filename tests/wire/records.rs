//! Reads the JSON files of a case folder into plain records, and the times that they carry.
//! The names of sources and lists are written out again here, because a fake that shared them would share their mistakes.
//! Used by the world only.

use chrono::{DateTime, NaiveDateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Deserializer, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// The files of a case and the keys under which the AWS CLI prints their records.
const SOURCES: &[(&str, &[&str])] = &[
    ("cloudtrail", &["Records", "Events"]),
    ("stack_events", &["StackEvents"]),
    ("operation_events", &["OperationEvents"]),
    ("stacks", &["Stacks", "StackSummaries"]),
    ("stack_resources", &["StackResourceSummaries", "StackResources"]),
    ("change_sets", &["Summaries", "ChangeSets"]),
    ("hook_results", &["HookResults"]),
    ("rds_events", &["Events"]),
    ("db_instances", &["DBInstances"]),
    ("ecs_services", &["services"]),
    ("service_deployments", &["serviceDeployments"]),
    ("ecs_tasks", &["tasks"]),
    ("task_definitions", &["taskDefinition", "taskDefinitions"]),
    ("target_health", &["TargetHealthDescriptions"]),
    ("scaling_activities", &["Activities"]),
    ("log_events", &["events"]),
    ("stack_set_operations", &["Summaries"]),
];

/// A record and the name of the file that held it, decoded; the name is of the source itself where it is a single file.
pub struct Record {
    pub file: String,
    pub value: Value,
}

/// All records of a source, in the order of the files.
pub fn read(case: &Path, source: &str) -> Vec<Record> {
    let (_, lists) = SOURCES.iter().find(|(stem, _)| *stem == source).unwrap();
    let mut records = Vec::new();
    for path in files(case, source) {
        let file = decoded_stem(&path);
        let text = fs::read_to_string(&path).unwrap();
        for page in Deserializer::from_str(&text).into_iter::<Value>() {
            let page = page.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let values = unpacked(page, lists);
            records.extend(values.into_iter().map(|value| Record { file: file.clone(), value }));
        }
    }
    records
}

/// The records of a source alone.
pub fn values(case: &Path, source: &str) -> Vec<Value> {
    read(case, source).into_iter().map(|record| record.value).collect()
}

/// The templates of a case: name of the file without its ending, and text.
pub fn templates(case: &Path) -> Vec<(String, String)> {
    listed(&case.join("templates")).iter().map(|path| (decoded_stem(path), fs::read_to_string(path).unwrap())).collect()
}

fn files(case: &Path, source: &str) -> Vec<PathBuf> {
    let single = case.join(format!("{source}.json"));
    single.is_file().then_some(single).into_iter().chain(listed(&case.join(source))).collect()
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn decoded_stem(path: &Path) -> String {
    percent_decode_str(path.file_stem().unwrap().to_str().unwrap()).decode_utf8().unwrap().into_owned()
}

fn unpacked(page: Value, lists: &[&str]) -> Vec<Value> {
    match page {
        Value::Array(pages) => pages.into_iter().flat_map(|page| unpacked(page, lists)).collect(),
        Value::Object(mut fields) => match lists.iter().find_map(|list| fields.remove(*list)) {
            Some(Value::Array(records)) => records,
            Some(record) => vec![record],
            None => vec![Value::Object(fields)],
        },
        _ => Vec::new(),
    }
}

/// A time as cases write it: text with or without an offset, seconds or milliseconds since 1970.
pub fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc()))
            .ok(),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let millis = if number.abs() < 1e11 { number * 1000.0 } else { number };
            DateTime::from_timestamp_millis(millis.round() as i64)
        }
        _ => None,
    }
}

/// The region in an ARN.
pub fn region_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// The text of a field, empty where there is none.
pub fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// The record with these fields only, as a summary has them.
pub fn only(record: &Value, fields: &[&str]) -> Value {
    fields.iter().filter(|field| !record[**field].is_null()).map(|field| (*field, record[*field].clone())).collect()
}
