//! CloudTrail: who called which AWS API, with what, and what came of it.
//! It keeps calls that change something, refusals and the AssumeRole chain; other reads only when they are asked for.
//! Sources: LookupEvents in the CloudTrail API reference; record contents and `userIdentity` in its user guide.

use super::Sink;
use super::wire::Str;
use crate::model::time::{self, Stamp};
use crate::model::{
    Call, Event, Gap, Identity, Outcome, RecordFile, RecordRef, Text, WebIdentity, arn, denial, status,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;

/// A record as a trail delivers it. LookupEvents carries the same as a JSON string in `CloudTrailEvent`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    #[serde(borrow, default)]
    event_name: Str<'a>,
    #[serde(borrow, default)]
    event_source: Str<'a>,
    #[serde(default)]
    event_time: Stamp,
    #[serde(borrow, default)]
    aws_region: Str<'a>,
    #[serde(borrow, default, rename = "sourceIPAddress")]
    source_ip: Str<'a>,
    #[serde(borrow, default)]
    user_agent: Str<'a>,
    #[serde(borrow, default)]
    error_code: Str<'a>,
    #[serde(borrow, default)]
    error_message: Str<'a>,
    #[serde(borrow, default, rename = "requestID")]
    request_id: Str<'a>,
    #[serde(borrow, default, rename = "eventID")]
    event_id: Str<'a>,
    #[serde(borrow, default)]
    read_only: Str<'a>,
    #[serde(borrow, default)]
    session_credential_from_console: Str<'a>,
    #[serde(borrow, default)]
    user_identity: Option<&'a RawValue>,
    #[serde(borrow, default)]
    request_parameters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response_elements: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resources: Option<&'a RawValue>,
}

/// A record as LookupEvents lists it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed<'a> {
    #[serde(borrow, default)]
    cloud_trail_event: Str<'a>,
    #[serde(borrow, default)]
    event_name: Str<'a>,
    #[serde(borrow, default)]
    event_source: Str<'a>,
    #[serde(default)]
    event_time: Stamp,
    #[serde(borrow, default)]
    event_id: Str<'a>,
    #[serde(borrow, default)]
    read_only: Str<'a>,
    #[serde(borrow, default)]
    username: Str<'a>,
    #[serde(default)]
    resources: Option<Vec<ListedResource>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedResource {
    #[serde(default)]
    resource_type: Option<String>,
    #[serde(default)]
    resource_name: Option<String>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    let mut identities = Identities::default();
    let mut without_record = 0;
    for (record, json) in file.iter() {
        // The trail's own form opens no key in upper case; LookupEvents' opens all of them so.
        let listed = json
            .trim_start_matches(['{', ' ', '\t', '\r', '\n', '"'])
            .starts_with(|first: char| first.is_ascii_uppercase());
        if !listed {
            if let Some(delivered) = sink.parse::<Record<'_>>(&record, json) {
                push(&delivered, record, &mut identities, sink);
            }
            continue;
        }
        let Some(listed) = sink.parse::<Listed<'_>>(&record, json) else {
            continue;
        };
        match listed.cloud_trail_event.get() {
            Some(inner) => {
                if let Some(delivered) = sink.parse::<Record<'_>>(&record, inner) {
                    push(&delivered, record, &mut identities, sink);
                }
            }
            None => {
                without_record += 1;
                push_listed(&listed, record, sink);
            }
        }
    }
    if without_record > 0 {
        let why = format!(
            "{without_record} records were printed without CloudTrailEvent: their results and parameters are not known"
        );
        sink.gap(Gap::new(file.source, why).at(file.name.clone()).remedy("print them without --query"));
    }
}

/// The sessions seen so far: the many calls of one session share their identity.
#[derive(Default)]
struct Identities {
    by_json: HashMap<String, Arc<Identity>>,
}

/// A session's calls come in bursts; an archive must not keep every identity that it ever saw twice over.
const MOST_IDENTITIES: usize = 4096;

impl Identities {
    fn of(&mut self, record: &Record<'_>, sink: &mut Sink<'_>) -> Arc<Identity> {
        let Some(raw) = record.user_identity else {
            return Arc::default();
        };
        let from_console = &*record.session_credential_from_console == "true";
        if let Some(known) = self.by_json.get(raw.get())
            && known.from_console == from_console
        {
            return known.clone();
        }
        let identity = Arc::new(identity(raw.get(), from_console, sink));
        if self.by_json.len() >= MOST_IDENTITIES {
            self.by_json.clear();
        }
        self.by_json.insert(raw.get().to_owned(), identity.clone());
        identity
    }
}

fn push(record: &Record<'_>, reference: RecordRef, identities: &mut Identities, sink: &mut Sink<'_>) {
    let Some(name) = record.event_name.get() else {
        return sink.skip(&reference, "has no eventName");
    };
    let read_only = match record.read_only.get() {
        Some(written) => written == "true",
        None => reads_by_name(name),
    };
    let error = record.error_code.get();
    let in_chain = name.starts_with("AssumeRole");
    if read_only && !in_chain && !sink.wants_reads() && !error.is_some_and(denial) {
        return;
    }
    let Some(at) = sink.time(&reference, record.event_time, "eventTime") else {
        return;
    };
    let identity = identities.of(record, sink);
    let outcome = if error.is_some() { Outcome::Failed } else { Outcome::Succeeded };
    let action = sink.text(name);
    let mut event = Event::new(at, "cloudtrail", reference, action, outcome);
    event.actor = sink.some(identity.name());
    event.error = sink.some(error);
    event.message = sink.some(record.error_message.get());
    let mut call = Call {
        service: sink.text(&record.event_source),
        region: sink.some(record.aws_region.get()),
        identity,
        source_ip: sink.some(record.source_ip.get()),
        user_agent: sink.some(record.user_agent.get()),
        read_only,
        request_id: sink.some(record.request_id.get()),
        ..Call::default()
    };
    let of_cloudformation = &*record.event_source == "cloudformation.amazonaws.com";
    match record.request_parameters.map(|raw| serde_json::from_str::<Value>(raw.get())) {
        Some(Ok(parameters)) => take_parameters(&parameters, of_cloudformation, &mut event, &mut call, sink),
        // JSON it is, or the record would not have been read; what is left is nesting beyond all reason.
        Some(Err(_)) => sink.use_partly(&event.record, "requestParameters"),
        None => {}
    }
    if let Some(answer) = record
        .response_elements
        .filter(|_| of_cloudformation || in_chain)
        .and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok())
    {
        take_answer(&answer, &mut event, &mut call, sink);
    }
    if let Some(resources) = record.resources.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok()) {
        names_in(&resources, 3, &mut call.names, sink);
    }
    event.stack_name = event.stack_name.take().or_else(|| name_of_stack(&event, &call, sink));
    event.event_id = record.event_id.get().map(Text::from);
    event.call = Some(Box::new(call));
    sink.events.push(event);
}

/// LookupEvents printed without the record itself (`--query`): what its own columns tell.
fn push_listed(listed: &Listed<'_>, reference: RecordRef, sink: &mut Sink<'_>) {
    let Some(name) = listed.event_name.get() else {
        return sink.skip(&reference, "has no EventName");
    };
    let read_only = listed.read_only.get().map_or_else(|| reads_by_name(name), |written| written == "true");
    if read_only && !name.starts_with("AssumeRole") && !sink.wants_reads() {
        return;
    }
    let Some(at) = sink.time(&reference, listed.event_time, "EventTime") else {
        return;
    };
    let action = sink.text(name);
    let mut event = Event::new(at, "cloudtrail", reference, action, Outcome::Noted);
    event.actor = sink.some(listed.username.get());
    let mut call = Call { service: sink.text(&listed.event_source), read_only, ..Call::default() };
    for resource in listed.resources.iter().flatten() {
        let Some(name) = resource.resource_name.as_deref() else { continue };
        let is_stack = resource.resource_type.as_deref() == Some(status::STACK_TYPE);
        if call.stack.is_none() && (is_stack || arn::stack_name(name).is_some()) {
            call.stack = Some(sink.text(name));
            event.stack_id = call.stack.clone().filter(|stack| arn::stack_name(stack).is_some());
        }
        let shared = sink.text(name);
        call.names.push(shared);
    }
    event.stack_name = name_of_stack(&event, &call, sink);
    event.event_id = listed.event_id.get().map(Text::from);
    event.call = Some(Box::new(call));
    sink.events.push(event);
}

/// The stack's name, from its ARN or as it was typed.
fn name_of_stack(event: &Event, call: &Call, sink: &mut Sink<'_>) -> Option<Text> {
    let known = event.stack_id.as_deref().or(call.stack.as_deref())?;
    Some(sink.text(arn::stack_name(known).unwrap_or(known)))
}

/// Old records lack `readOnly`; AWS names its reading operations alike.
fn reads_by_name(name: &str) -> bool {
    ["Describe", "List", "Get", "Lookup", "Head", "Detect", "Estimate", "Validate", "AssumeRole", "BatchGet", "Search"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn identity(json: &str, from_console: bool, sink: &mut Sink<'_>) -> Identity {
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        return Identity::default();
    };
    let mut text = |path: &[&str]| {
        let found = path.iter().try_fold(&value, |value, key| value.get(key));
        sink.some(found.and_then(Value::as_str))
    };
    let mut identity = Identity {
        kind: text(&["type"]).unwrap_or_default(),
        arn: text(&["arn"]),
        principal_id: text(&["principalId"]),
        account: text(&["accountId"]),
        user_name: text(&["userName"]),
        access_key: text(&["accessKeyId"]),
        invoked_by: text(&["invokedBy"]),
        role_arn: text(&["sessionContext", "sessionIssuer", "arn"]),
        session_since: text(&["sessionContext", "attributes", "creationDate"])
            .and_then(|written| time::parse(&written))
            .map(|written| written.at),
        source_identity: text(&["sessionContext", "sourceIdentity"]),
        web_identity: None,
        from_console,
    };
    let provider =
        text(&["identityProvider"]).or_else(|| text(&["sessionContext", "webIdFederationData", "federatedProvider"]));
    if &*identity.kind == "WebIdentityUser"
        && let (Some(provider), Some(subject)) = (provider, identity.user_name.clone())
    {
        identity.web_identity = Some(WebIdentity { provider, subject });
    }
    identity
}

/// Keys that hold no resource's name, or something that must not be kept.
const NO_NAMES: &[&str] = &[
    "tags",
    "tagSet",
    "tagSpecificationSet",
    "tagging",
    "Tags",
    "clientRequestToken",
    "templateBody",
    "templateURL",
    "policyDocument",
    "userData",
    "masterUserPassword",
    "secretString",
    "policy",
    "assumeRolePolicyDocument",
];

fn take_parameters(
    parameters: &Value,
    of_cloudformation: bool,
    event: &mut Event,
    call: &mut Call,
    sink: &mut Sink<'_>,
) {
    let mut text = |key: &str| sink.some(parameters.get(key).and_then(Value::as_str));
    if of_cloudformation {
        call.stack = text("stackName").or_else(|| text("stackId"));
        call.change_set = text("changeSetName");
        call.description = text("description");
        call.on_failure = text("onFailure").or_else(|| text("onStackFailure"));
        // CreateChangeSet calls it by the shorter name.
        event.token = text("clientRequestToken").or_else(|| text("clientToken"));
        call.retains = parameters.get("retainResources").is_some();
        let mode = parameters.get("deploymentConfig").and_then(|config| config.get("mode"));
        call.deployment_mode = sink.some(mode.and_then(Value::as_str));
        if call.stack.as_deref().is_some_and(|stack| arn::stack_name(stack).is_some()) {
            event.stack_id = call.stack.clone();
        }
    }
    let mut text = |key: &str| sink.some(parameters.get(key).and_then(Value::as_str));
    call.role_arn = text("roleARN").or_else(|| text("roleArn"));
    if !of_cloudformation {
        names_in(parameters, 3, &mut call.names, sink);
    }
}

/// A name is short; what is longer is a document.
const LONGEST_NAME: usize = 256;
/// A call that names more than this is a bulk call, whose names we do not need.
const MOST_NAMES: usize = 24;

/// The strings of `value` down to `depth`, which may name a resource.
fn names_in(value: &Value, depth: usize, names: &mut Vec<Text>, sink: &mut Sink<'_>) {
    match value {
        Value::String(name) if name.len() >= 3 && name.len() <= LONGEST_NAME && names.len() < MOST_NAMES => {
            names.push(sink.text(name));
        }
        Value::Array(values) if depth > 0 => values.iter().for_each(|value| names_in(value, depth - 1, names, sink)),
        Value::Object(fields) if depth > 0 => {
            for (_, value) in fields.iter().filter(|(key, _)| !NO_NAMES.contains(&key.as_str())) {
                names_in(value, depth - 1, names, sink);
            }
        }
        _ => {}
    }
}

fn take_answer(answer: &Value, event: &mut Event, call: &mut Call, sink: &mut Sink<'_>) {
    let mut text = |value: Option<&Value>| sink.some(value.and_then(Value::as_str));
    if let Some(stack_id) = text(answer.get("stackId")) {
        event.stack_id = Some(stack_id);
    }
    if let Some(change_set) = text(answer.get("id")).filter(|id| id.contains(":changeSet/")) {
        call.change_set = Some(change_set);
    }
    call.issued_key = text(answer.get("credentials").and_then(|credentials| credentials.get("accessKeyId")));
    if let Some(role) = text(answer.get("assumedRoleUser").and_then(|user| user.get("arn"))) {
        call.names.push(role);
    }
    if let (Some(provider), Some(subject)) =
        (text(answer.get("provider")), text(answer.get("subjectFromWebIdentityToken")))
        && call.identity.web_identity.is_none()
    {
        let mut identity = Identity::clone(&call.identity);
        identity.web_identity = Some(WebIdentity { provider, subject });
        call.identity = Arc::new(identity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_records_are_reads_by_their_name() {
        assert!(reads_by_name("DescribeStacks") && reads_by_name("AssumeRoleWithWebIdentity"));
        assert!(!reads_by_name("DeleteStack") && !reads_by_name("ExecuteChangeSet"));
    }
}
