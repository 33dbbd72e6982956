//! What a template tells of the resources: where CDK constructs stand in the application (`aws:cdk:path`), and in
//! which line each resource and property stands. What is no template, or breaks off, tells as much as could be read of
//! it. Used by the timeline, so that a failure can be named as its author named it, and by the report, which points to
//! its line.

use crate::model::{Capture, RecordFile, TemplatePlace, Text};
use hashbrown::HashMap;
use regex_lite::Regex;
use saphyr_parser::{Event, Parser};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A template, or what GetTemplate answers around it: a text where it was uploaded as one, else the document.
#[derive(Deserialize)]
struct Answer<'t> {
    #[serde(borrow, rename = "TemplateBody")]
    body: &'t RawValue,
}

#[derive(Deserialize)]
struct Resources {
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
    // Most templates name no construct; to parse them would be in vain. Those of CDK are JSON.
    if !text.contains("aws:cdk:path") {
        return Vec::new();
    }
    let Ok(template) = serde_json::from_str::<Resources>(&body_of(text)) else { return Vec::new() };
    let path = |resource: Resource| Some(Text::from(resource.metadata?.get("aws:cdk:path")?.as_str()?));
    template.resources.into_iter().filter_map(|(logical_id, resource)| Some((logical_id, path(resource)?))).collect()
}

/// The template itself.
fn body_of(text: &str) -> Cow<'_, str> {
    let body = serde_json::from_str::<Answer<'_>>(text).map_or(text, |answer| answer.body.get());
    serde_json::from_str::<String>(body).map_or(Cow::Borrowed(body), Cow::Owned)
}

/// Where things stand in the templates of a capture. A template is read when somebody asks about its stack.
#[derive(Debug)]
pub struct TemplatePlaces<'c> {
    templates: Vec<Template<'c>>,
}

/// A template of the capture, and the places in it by path.
#[derive(Debug)]
struct Template<'c> {
    file: &'c RecordFile,
    places: OnceCell<HashMap<String, Place>>,
}

/// Line and column, from 1.
type Place = (usize, usize);

impl<'c> TemplatePlaces<'c> {
    /// Of all templates of the capture.
    pub fn of(capture: &'c Capture) -> Self {
        let files = capture.files.iter().filter(|file| file.source == "templates");
        Self { templates: files.map(|file| Template { file, places: OnceCell::new() }).collect() }
    }

    /// Where a resource stands, or its `property` (`/Resources/Bucket/Properties/BucketName`) as near as that is found.
    /// A template that is named after the stack decides; where none is, the only one that knows the resource.
    pub fn find(
        &self,
        stack: Option<&str>,
        stack_id: Option<&str>,
        logical_id: &str,
        property: Option<&str>,
    ) -> Option<TemplatePlace> {
        let incarnation =
            stack.zip(stack_id.and_then(|id| id.rsplit('/').next())).map(|(name, id)| format!("{name}-{id}"));
        let names = [stack_id, incarnation.as_deref(), stack];
        let own = names.into_iter().flatten().find_map(|name| self.templates.iter().find(|of| of.is_named(name)));
        if let Some(own) = own {
            return own.place(logical_id, property);
        }
        let mut knowing = self.templates.iter().filter_map(|template| template.place(logical_id, property));
        knowing.next().filter(|_| knowing.next().is_none())
    }
}

impl Template<'_> {
    /// True for `Shop.yaml` of the stack `Shop`.
    fn is_named(&self, name: &str) -> bool {
        // No stack has a dot in its name.
        self.file.part().is_some_and(|part| part.split('.').next() == Some(name))
    }

    fn place(&self, logical_id: &str, property: Option<&str>) -> Option<TemplatePlace> {
        let places = self.places.get_or_init(|| places_in(&body_of(&self.file.text)));
        let resource = format!("/Resources/{logical_id}");
        let within = property.filter(|path| path.strip_prefix(&*resource).is_some_and(|rest| rest.starts_with('/')));
        let mut path = within.unwrap_or(&resource);
        let (line, column) = loop {
            match places.get(path) {
                Some(place) => break *place,
                // What is refused may be what is missing: then what should hold it is shown.
                None if path.len() > resource.len() => path = path.rsplit_once('/')?.0,
                None => return None,
            }
        };
        Some(TemplatePlace { file: self.file.name.to_string(), line, column })
    }
}

/// Nothing deeper, and no longer path, is ever asked for; hostile templates have both.
const DEEPEST: usize = 24;
const LONGEST: usize = 1_000;

/// A mapping or a sequence that is being read.
struct Open {
    is_mapping: bool,
    /// Of a mapping: the next node is a key.
    at_key: bool,
    /// Of a sequence: the index of the next node.
    next: usize,
    /// How long the path to it is.
    path: usize,
}

/// Every place in a template by its path, as far as the template can be read. YAML's parser reads JSON, too.
fn places_in(body: &str) -> HashMap<String, Place> {
    let mut places = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut path = String::new();
    let body = without_surrogates(body);
    for step in Parser::new_from_str(&body) {
        let Ok((event, span)) = step else { break };
        let (name, opens) = match event {
            Event::Scalar(text, ..) => (Some(text), None),
            Event::Alias(_) => (None, None),
            Event::MappingStart(..) => (None, Some(true)),
            Event::SequenceStart(..) => (None, Some(false)),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                end_node(&mut open);
                continue;
            }
            Event::DocumentEnd => break,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => continue,
        };
        let depth = open.len();
        if let Some(parent) = open.last_mut().filter(|parent| parent.at_key || !parent.is_mapping) {
            path.truncate(parent.path);
            path.push('/');
            if parent.is_mapping {
                // As in a JSON pointer.
                path.push_str(&name.unwrap_or_default().replace('~', "~0").replace('/', "~1"));
            } else {
                path.push_str(&parent.next.to_string());
                parent.next += 1;
            }
            if depth <= DEEPEST && path.len() <= LONGEST && path.starts_with("/Resources/") {
                places.insert(path.clone(), (span.start.line(), span.start.col() + 1));
            }
        }
        match opens {
            Some(is_mapping) => open.push(Open { is_mapping, at_key: is_mapping, next: 0, path: path.len() }),
            None => end_node(&mut open),
        }
    }
    places
}

/// JSON writes rare characters as two halves, of which YAML knows nothing. Something else as long stands for them here, so
/// that every place stays where it is.
fn without_surrogates(body: &str) -> Cow<'_, str> {
    static HALF: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}").ok());
    let half = HALF.as_ref().filter(|_| body.contains("\\u"));
    half.map_or(Cow::Borrowed(body), |half| half.replace_all(body, "\\u0020"))
}

/// After a key comes its value, and after that the next key.
fn end_node(open: &mut [Open]) {
    if let Some(parent) = open.last_mut().filter(|parent| parent.is_mapping) {
        parent.at_key = !parent.at_key;
    }
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

    /// Of a template as text, alone in a capture.
    fn find(name: &str, text: &str, logical_id: &str, property: Option<&str>) -> Option<(usize, usize)> {
        let capture = Capture { files: vec![RecordFile::whole("templates", name, text)], ..Capture::default() };
        let place = TemplatePlaces::of(&capture).find(Some("Shop"), None, logical_id, property)?;
        assert_eq!(place.file, format!("templates/{name}"));
        Some((place.line, place.column))
    }

    const YAML: &str = "# Shop\nAWSTemplateFormatVersion: \"2010-09-09\"\nResources:\n  Role: &role\n    Type: AWS::IAM::Role\n  \"Bucket\":\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !Sub \"${AWS::StackName}-x\"\n      Tags:\n        - {Key: a, Value: !GetAtt Role.Arn}\n        - Key: !If [X, !Ref A, !Join ['', [b, c]]]\n          Value: |\n            Resources:\n              Not: here\n      Copy: *role\n";

    #[test]
    fn resources_and_properties_are_found_in_their_lines() {
        let json = "{\n \"Resources\":{\n  \"Bucket\" : {\n\t\"Type\":\"X\", \"Properties\":{\"a/b\":1,\n\"Tags\":[{},\n{\"Key\":\"\\u00e4\"}]}}}}";
        for (text, property, expected) in [
            (YAML, None, Some((6, 3))),
            (YAML, Some("/Resources/Bucket"), Some((6, 3))),
            (YAML, Some("/Resources/Bucket/Properties/BucketName"), Some((9, 7))),
            (YAML, Some("/Resources/Bucket/Properties/Tags/1/Key"), Some((12, 11))),
            (YAML, Some("/Resources/Bucket/Properties/Tags/1/Missing/x"), Some((12, 11))),
            (YAML, Some("/Resources/Bucket/Properties/Missing"), Some((8, 5))),
            (YAML, Some("/Resources/BucketPolicy/Properties"), Some((6, 3))),
            (YAML, Some("elsewhere"), Some((6, 3))),
            (json, None, Some((3, 3))),
            (json, Some("/Resources/Bucket/Properties/a~1b"), Some((4, 28))),
            (json, Some("/Resources/Bucket/Properties/Tags/1/Key"), Some((6, 2))),
            ("Resources: {Bucket: {Type: X}}", None, Some((1, 13))),
            // What breaks off later does not take back what was read.
            ("Resources:\n  Bucket:\n    Type: X\n  \"broken", None, Some((2, 3))),
            ("Resources:\r\n  Bucket:\r\n    Type: X\r\n", None, Some((2, 3))),
            ("{\"Description\": \"\\ud83d\\ude00 \\/\", \"Resources\": {\"Bucket\": {}}}", None, Some((1, 50))),
            ("Resources: [Bucket]", None, None),
            ("Outputs: {Bucket: 1}", None, None),
            ("a: {Resources: {Bucket: 1}}", None, None),
            ("x: 1\n---\nResources: {Bucket: 1}", None, None),
            ("", None, None),
            ("{", None, None),
            ("\u{0}", None, None),
        ] {
            assert_eq!(find("Shop.yaml", text, "Bucket", property), expected, "{property:?} in {text}");
        }
        assert_eq!(find("Shop.yaml", YAML, "Not", None), None);
    }

    #[test]
    fn the_answer_around_a_template_is_not_counted() {
        let quoted = serde_json::to_string(YAML).unwrap();
        assert_eq!(find("a.json", &format!("{{\n\n\"TemplateBody\": {quoted}}}"), "Bucket", None), Some((6, 3)));
        let answer = "{\n    \"TemplateBody\": {\n        \"Resources\": {\n            \"Bucket\": {}}}}";
        assert_eq!(find("a.json", answer, "Bucket", None), Some((3, 13)));
    }

    #[test]
    fn the_template_of_the_stack_decides() {
        let capture = |names: &[&str]| Capture {
            files: names.iter().map(|name| RecordFile::whole("templates", name, "Resources: {Bucket: 1}")).collect(),
            ..Capture::default()
        };
        let arn = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/0f0f";
        for (names, expected) in [
            (&["Shop-0f0f.yaml", "Shop.yaml"][..], Some("templates/Shop-0f0f.yaml")),
            (&["Other.yaml", "Shop.json.gz"], Some("templates/Shop.json.gz")),
            (&["Other.yaml"], Some("templates/Other.yaml")),
            (&["Other.yaml", "Another.yaml"], None),
            (&[], None),
        ] {
            let capture = capture(names);
            let place = TemplatePlaces::of(&capture).find(Some("Shop"), Some(arn), "Bucket", None);
            assert_eq!(place.map(|place| place.file).as_deref(), expected, "{names:?}");
        }
        let own = capture(&["Shop.yaml", "Other.yaml"]);
        assert_eq!(TemplatePlaces::of(&own).find(Some("Shop"), None, "Queue", None), None);
    }

    #[test]
    fn hostile_templates_cost_no_more_than_their_length() {
        let deep = format!("Resources: {}", "{a: [".repeat(100_000));
        let long = format!("Resources: {{? {} : {{{}}}}}", "k".repeat(100_000), "a: 1, ".repeat(50_000));
        let laughing = "Resources: {A: &a [x, x], B: &b [*a, *a], C: &c [*b, *b], Bucket: {<<: *c}}";
        assert!(places_in(&deep).len() <= DEEPEST);
        assert!(places_in(&long).is_empty());
        assert_eq!(places_in(laughing).get("/Resources/Bucket"), Some(&(1, 59)));
    }

    proptest::proptest! {
        #[test]
        fn anything_can_be_a_template(text in r#"[\[\]{}:,\-?#&*!|>'"%@~<=. \n\r\ta-c1\\ü\u{feff}]{0,80}"#) {
            places_in(&format!("Resources:\n  Bucket: {text}"));
            places_in(&format!("{{\"Resources\": {text}"));
            places_in(&text);
        }
    }
}
