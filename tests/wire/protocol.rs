//! AWS's two wire protocols of our services: query (form in, XML out) and JSON 1.1.
//! Reads a call into a [`Request`] and writes an answer that was made as plain JSON, times in whatever form a case had them.
//! It must not know any operation; only the names of list members are of the services.

use super::records::time;
use super::{Refusal, Reply, Request, Response};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Reads a signed call; `None` where it is none of ours.
pub fn parse(headers: impl Fn(&str) -> Option<String>, body: &[u8]) -> Option<Request> {
    let authorization = headers("authorization")?;
    let credential = authorization.split("Credential=").nth(1)?.split([',', ' ']).next()?;
    let mut scope = credential.split('/').skip(2).map(str::to_owned);
    let (region, service) = (scope.next()?, scope.next()?);
    let (operation, parameters) = match headers("x-amz-target") {
        Some(target) => (target.rsplit('.').next()?.to_owned(), serde_json::from_slice(body).ok()?),
        None => form(body)?,
    };
    Some(Request { service, region, operation, parameters })
}

/// A form like `Action=A&Version=V&Filter.member.1=x` as the action and its nested parameters.
fn form(body: &[u8]) -> Option<(String, Value)> {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        put(&mut fields, &name, Value::String(value.into_owned()));
    }
    let Some(Value::String(action)) = fields.remove("Action") else {
        return None;
    };
    fields.remove("Version");
    Some((action, with_lists(Value::Object(fields))))
}

fn put(fields: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            fields.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = fields.entry(first).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            put(inner.as_object_mut().unwrap(), rest, value);
        }
    }
}

/// `{"member": {"1": a, "2": b}}` is how the paths spell the list `[a, b]`, whatever the member's name.
fn with_lists(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    if let (1, Some(Value::Object(members))) = (fields.len(), fields.values().next())
        && !members.is_empty()
        && members.keys().all(|key| key.parse::<u32>().is_ok())
    {
        let mut members: Vec<_> = members.iter().map(|(key, member)| (key.parse::<u32>().ok(), member)).collect();
        members.sort_by_key(|(index, _)| *index);
        return members.into_iter().map(|(_, member)| with_lists(member.clone())).collect();
    }
    Value::Object(fields.into_iter().map(|(key, field)| (key, with_lists(field))).collect())
}

/// Writes an answer in the protocol of the request's service.
pub fn render(request: &Request, reply: &Reply) -> Response {
    match namespace(&request.service) {
        Some(namespace) => render_query(request, namespace, reply),
        None => render_json(reply),
    }
}

/// The XML namespace of a service that speaks the query protocol.
fn namespace(service: &str) -> Option<&'static str> {
    Some(match service {
        "cloudformation" => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        "rds" => "http://rds.amazonaws.com/doc/2014-10-31/",
        "autoscaling" => "http://autoscaling.amazonaws.com/doc/2011-01-01/",
        "elasticloadbalancing" => "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => return None,
    })
}

/// The id of every request; the same, so that the same call has the same answer.
const REQUEST_ID: &str = "b25f48e8-84fd-11e6-80d9-574e0c4664cb";

fn render_query(request: &Request, namespace: &str, reply: &Reply) -> Response {
    let operation = &request.operation;
    let (status, root, content) = match reply {
        Ok(output) => {
            let result = elements(&format!("{operation}Result"), output);
            let metadata = elements("ResponseMetadata", &json!({ "RequestId": REQUEST_ID }));
            (200, format!("{operation}Response"), result + &metadata)
        }
        Err(Refusal { status, code, message }) => {
            let fault = if *status < 500 { "Sender" } else { "Receiver" };
            let error = json!({ "Type": fault, "Code": code, "Message": message });
            (
                *status,
                "ErrorResponse".to_owned(),
                elements("Error", &error) + &elements("RequestId", &json!(REQUEST_ID)),
            )
        }
    };
    let body = format!("<{root} xmlns=\"{namespace}\">{content}</{root}>\n");
    Response { status, content_type: "text/xml", body }
}

fn elements(name: &str, value: &Value) -> String {
    let mut xml = String::new();
    write_element(&mut xml, name, value);
    xml
}

fn write_element(xml: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    write!(xml, "<{name}>").unwrap();
    match (value, time(value).filter(|_| is_time(name))) {
        (_, Some(time)) => xml.push_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        (Value::Object(fields), _) => fields.iter().for_each(|(key, field)| write_element(xml, key, field)),
        (Value::Array(members), _) => members.iter().for_each(|member| write_element(xml, member_name(name), member)),
        (Value::String(text), _) => write_text(xml, text),
        (other, _) => xml.push_str(&other.to_string()),
    }
    write!(xml, "</{name}>").unwrap();
}

/// What XML 1.0 cannot hold at all becomes a question mark, and a carriage return must not be normalized away.
fn write_text(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\r' => xml.push_str("&#xD;"),
            '\n' | '\t' => xml.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('?'),
            c => xml.push(c),
        }
    }
}

/// The element of a list's members: `member`, unless RDS names it.
fn member_name(list: &str) -> &str {
    match list {
        "Events" => "Event",
        "EventCategories" => "EventCategory",
        "DBInstances" => "DBInstance",
        "DBSecurityGroups" => "DBSecurityGroup",
        "VpcSecurityGroups" => "VpcSecurityGroupMembership",
        "DBParameterGroups" => "DBParameterGroup",
        "Subnets" => "Subnet",
        "ProcessorFeatures" => "ProcessorFeature",
        "ReadReplicaDBInstanceIdentifiers" => "ReadReplicaDBInstanceIdentifier",
        "ReadReplicaDBClusterIdentifiers" => "ReadReplicaDBClusterIdentifier",
        "OptionGroupMemberships" => "OptionGroupMembership",
        "StatusInfos" => "DBInstanceStatusInfo",
        "DomainMemberships" => "DomainMembership",
        "AssociatedRoles" => "DBInstanceRole",
        "TagList" => "Tag",
        "DBInstanceAutomatedBackupsReplications" => "DBInstanceAutomatedBackupsReplication",
        _ => "member",
    }
}

/// Whether a field of this name is a time; no text field of our operations is named so.
fn is_time(name: &str) -> bool {
    ["Time", "Timestamp", "At"].iter().any(|ending| name.ends_with(ending)) || matches!(name, "Date" | "ValidTill")
}

fn render_json(reply: &Reply) -> Response {
    let (status, body) = match reply {
        Ok(output) => (200, with_epochs(output.clone())),
        Err(Refusal { status, code, message }) => (*status, json!({ "__type": code, "message": message })),
    };
    Response { status, content_type: "application/x-amz-json-1.1", body: body.to_string() }
}

/// Times that are text become seconds since 1970; times that are numbers already are in the unit of their service.
fn with_epochs(value: Value) -> Value {
    match value {
        Value::Array(members) => members.into_iter().map(with_epochs).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, field)| match time(&field).filter(|_| field.is_string() && is_time(&key)) {
                Some(time) => (key, json!(time.timestamp_millis() as f64 / 1000.0)),
                None => (key, with_epochs(field)),
            })
            .collect(),
        other => other,
    }
}
