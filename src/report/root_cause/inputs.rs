//! What was deployed: the template, parameters, role and settings that the story's deployment was asked for with.
//! CloudTrail keeps the names of parameters and not their values; those stand in what DescribeStacks and DescribeChangeSet
//! say. Part of the root-cause report, and what two deployments are compared by.

use super::Material;
use crate::model::{Event, Outcome, RecordFile};
use crate::operation::Kind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Parameters by name, with their values as far as they are told.
type Parameters = BTreeMap<String, Option<String>>;

/// What a deployment was asked for with, as far as the evidence tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Inputs {
    /// The call that carried it; none where no record of it is there.
    pub record: Option<String>,
    /// The record that the values of the parameters are from, where it is another one.
    pub values_record: Option<String>,
    /// The change set's name.
    pub change_set: Option<String>,
    /// Where CloudFormation fetched the template.
    pub template_url: Option<String>,
    /// The template of the deployment before was used again.
    pub previous_template: bool,
    /// The templates in the case, by file. They are what was deployed only if they were collected with it.
    pub templates: Vec<TemplateSeen>,
    /// The parameters by name; null where the value is not told.
    pub parameters: Parameters,
    /// Of the stack, by key.
    pub tags: BTreeMap<String, String>,
    /// `CAPABILITY_IAM` and the like that were acknowledged.
    pub capabilities: Vec<String>,
    /// The role that CloudFormation was given.
    pub role_arn: Option<String>,
    /// What was asked for in case of a failure: `onFailure`, or `DISABLE_ROLLBACK`.
    pub on_failure: Option<String>,
}

/// A template in the case.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TemplateSeen {
    /// Its file: `templates/Shop.yaml`.
    pub file: String,
    /// SHA-256 of its text in lower-case hexadecimal.
    pub sha256: String,
}

/// What the story's deployment was asked for with.
pub(super) fn inputs(material: &Material<'_, '_>) -> Inputs {
    let mut inputs = Inputs { templates: templates(material), ..Inputs::default() };
    if let Some((call, request)) = request(material) {
        inputs.record = Some(call.record.to_string());
        let text = |key: &str| request.get(key).and_then(Value::as_str).map(str::to_owned);
        inputs.change_set = text("changeSetName");
        inputs.template_url = text("templateURL");
        inputs.previous_template = request.get("usePreviousTemplate").and_then(Value::as_bool).unwrap_or_default();
        inputs.role_arn = text("roleARN");
        let disabled = request.get("disableRollback").and_then(Value::as_bool) == Some(true);
        inputs.on_failure = text("onFailure").or_else(|| disabled.then(|| "DISABLE_ROLLBACK".to_owned()));
        let capabilities = request.get("capabilities").and_then(Value::as_array).into_iter().flatten();
        inputs.capabilities = capabilities.filter_map(Value::as_str).map(str::to_owned).collect();
        inputs.parameters = pairs(&request, "parameters", "parameterKey", "parameterValue");
        let tags = pairs(&request, "tags", "key", "value");
        inputs.tags = tags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
    }
    let (record, mut values) = values(material, inputs.change_set.as_deref()).unwrap_or_default();
    // A stack's parameters are those of its last deployment; only names that were asked for say that it was this one.
    if !inputs.parameters.is_empty() {
        values.retain(|name, _| inputs.parameters.contains_key(name));
    }
    inputs.values_record = values.values().any(Option::is_some).then_some(record);
    inputs.parameters.extend(values);
    inputs
}

/// The last call of the story's deployment that carried a template and parameters.
fn request<'a>(material: &Material<'_, 'a>) -> Option<(&'a Event, Value)> {
    let history = material.evidence.history;
    let story = material.answer.operations.iter().map(|operation| operation.id).collect::<Vec<_>>();
    let deployments = history.operations.iter().filter(|operation| {
        story.contains(&&*operation.id)
            && operation.parent.is_none()
            && !matches!(operation.kind, Kind::Rollback | Kind::Delete)
    });
    let events = deployments.flat_map(|operation| &operation.events);
    let calls = events.filter_map(|index| material.evidence.timeline.events.get(*index)).filter(|event| {
        event.outcome != Outcome::Failed
            && matches!(&*event.action, "CreateStack" | "UpdateStack" | "CreateChangeSet")
            && event.call.as_ref().is_some_and(|call| &*call.service == "cloudformation.amazonaws.com")
    });
    let call = calls.into_iter().next_back()?;
    let record: Value = serde_json::from_str(material.capture.record(&call.record)?).ok()?;
    let record = match record.get("CloudTrailEvent").and_then(Value::as_str) {
        Some(inner) => serde_json::from_str(inner).ok()?,
        None => record,
    };
    Some((call, record.get("requestParameters")?.clone()))
}

/// The values of the parameters as the change set has them, else the stack.
fn values(material: &Material<'_, '_>, change_set: Option<&str>) -> Option<(String, Parameters)> {
    let of_change_set = change_set.and_then(|name| {
        described(material, "change_sets", |record| {
            let is = |key: &str| record.get(key).and_then(Value::as_str).is_some_and(|told| told == name);
            is("ChangeSetName") || is("ChangeSetId")
        })
    });
    let of_stack = || {
        let stack = material.stack_id()?;
        described(material, "stacks", |record| record.get("StackId").and_then(Value::as_str) == Some(stack))
    };
    let (reference, record) = of_change_set.or_else(of_stack)?;
    Some((reference, pairs(&record, "Parameters", "ParameterKey", "ParameterValue")))
}

/// The first record of a source that has parameters and is the one that is meant.
fn described(material: &Material<'_, '_>, source: &str, is_meant: impl Fn(&Value) -> bool) -> Option<(String, Value)> {
    let files = material.capture.files.iter().filter(|file| file.source == source);
    // The cheap look first: an account has thousands of stacks.
    let records = files.flat_map(RecordFile::iter).filter(|(_, record)| record.contains("\"Parameters\""));
    let mut read =
        records.filter_map(|(reference, record)| Some((reference.to_string(), serde_json::from_str(record).ok()?)));
    read.find(|(_, record)| is_meant(record))
}

/// A list of keys and values as AWS writes them.
fn pairs(of: &Value, list: &str, key: &str, value: &str) -> Parameters {
    let list = of.get(list).and_then(Value::as_array).into_iter().flatten();
    let pair = |pair: &Value| {
        let text = |name: &str| pair.get(name).and_then(Value::as_str).map(str::to_owned);
        Some((text(key)?, text(value)))
    };
    list.filter_map(pair).collect()
}

fn templates(material: &Material<'_, '_>) -> Vec<TemplateSeen> {
    let files = material.capture.files.iter().filter(|file| file.source == "templates");
    let hash = |text: &str| {
        Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    };
    files.map(|file| TemplateSeen { file: file.name.to_string(), sha256: hash(&file.text) }).collect()
}
