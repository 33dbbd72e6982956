//! What a template tells of the resources: where CDK constructs stand in the application (`aws:cdk:path`).
//! It reads JSON, which is what CDK uploads; a template in YAML has no constructs to tell of.
//! Used by the timeline, so that a failure can be named as its author named it.

use crate::model::{Capture, Text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A template, or what GetTemplate answers around it: a text where it was uploaded as one, else the document.
#[derive(Deserialize)]
struct Answer<'t> {
    #[serde(borrow, rename = "TemplateBody")]
    body: &'t RawValue,
}

#[derive(Deserialize)]
struct Template {
    #[serde(rename = "Resources")]
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(default, rename = "Metadata")]
    metadata: Option<BTreeMap<String, serde_json::Value>>,
}

/// The construct path of each logical id, over all templates of the capture. Where two templates disagree about a name,
/// neither is told.
pub fn construct_paths(capture: &Capture) -> BTreeMap<Text, Text> {
    let mut paths: BTreeMap<Text, Option<Text>> = BTreeMap::new();
    for file in capture.files.iter().filter(|file| file.source == "templates") {
        for (logical_id, path) in paths_of(&file.text) {
            let known = paths.entry(Text::from(logical_id)).or_insert_with(|| Some(path.clone()));
            if known.as_ref() != Some(&path) {
                *known = None;
            }
        }
    }
    paths.into_iter().filter_map(|(logical_id, path)| Some((logical_id, path?))).collect()
}

fn paths_of(text: &str) -> Vec<(String, Text)> {
    // Most templates name no construct; to parse them would be in vain.
    if !text.contains("aws:cdk:path") {
        return Vec::new();
    }
    let body = serde_json::from_str::<Answer<'_>>(text).map_or(text, |answer| answer.body.get());
    let body = serde_json::from_str::<String>(body).unwrap_or_else(|_| body.to_owned());
    let Ok(template) = serde_json::from_str::<Template>(&body) else { return Vec::new() };
    let path = |resource: Resource| Some(Text::from(resource.metadata?.get("aws:cdk:path")?.as_str()?));
    template.resources.into_iter().filter_map(|(logical_id, resource)| Some((logical_id, path(resource)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructs_are_found_however_the_template_was_saved() {
        let template = r#"{"Resources":{"Db1":{"Type":"AWS::RDS::DBInstance","Metadata":{"aws:cdk:path":"Shop/Db/Resource"}},"Plain":{"Type":"X"}}}"#;
        let quoted = serde_json::to_string(template).unwrap_or_default();
        let expected = vec![("Db1".to_owned(), Text::from("Shop/Db/Resource"))];
        for text in
            [template.to_owned(), format!("{{\"TemplateBody\":{template}}}"), format!("{{\"TemplateBody\":{quoted}}}")]
        {
            assert_eq!(paths_of(&text), expected, "{text}");
        }
        for text in
            ["", "Resources:\n  A:\n    Metadata:\n      aws:cdk:path: x", "{\"aws:cdk:path\": 1}", "aws:cdk:path"]
        {
            assert!(paths_of(text).is_empty(), "{text}");
        }
    }
}
