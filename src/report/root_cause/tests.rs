//! Holds `docs/report.schema.json` against the types that the report as JSON is written from.
//! Their descriptions are the types' own; `UPDATE_DOCS=1 cargo test` writes the file anew.
//! Compiled for tests only.

use super::RootCauseReport;
use schemars::generate::SchemaSettings;
use std::fs;

const FILE: &str = "docs/report.schema.json";

#[test]
fn the_schema_of_the_report_is_up_to_date() {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<RootCauseReport<'_>>();
    schema.insert("title".to_owned(), "The root-cause report of cfn-forensics".into());
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if fs::read_to_string(FILE).unwrap_or_default() == text {
        return;
    }
    assert!(
        std::env::var_os("UPDATE_DOCS").is_some(),
        "{FILE} is out of date: run `UPDATE_DOCS=1 cargo test --lib` and look at the difference"
    );
    fs::write(FILE, text).unwrap();
}
