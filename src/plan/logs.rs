//! Which log groups may say why: those that a reason names, those of failed functions, of stopped tasks, of the stack.
//! A log is asked for error lines; whole only where the very stream is known.
//! Used by the plan.

use super::scene::{Failed, Scene};
use super::{Ask, Question, Window};
use crate::model::{Event, RecordFile};
use chrono::TimeDelta;
use serde_json::Value;
use std::collections::BTreeSet;

/// Lines come a while after what they tell of, and some minutes before a time-out.
const AROUND: TimeDelta = TimeDelta::minutes(5);
/// Of the stack's own groups, and of those that one reason names.
const MOST_GROUPS: usize = 10;
const MOST_FAILURES: usize = 5;
/// Streams of stopped tasks; the first tell what the others repeat.
const MOST_STREAMS: usize = 10;

pub(super) fn questions(scene: &Scene<'_>) -> Vec<Question> {
    let newest = scene.newest_story().and_then(|story| scene.window(story));
    let Some(window) = newest.filter(|_| scene.settled(|ask| matches!(ask, Ask::StackEvents { .. }))) else {
        return Vec::new();
    };
    let Some(region) = scene.region() else { return Vec::new() };
    let mut found: Vec<Ask> = Vec::new();
    for group in &scene.scope.log_groups {
        let group = group.clone();
        found.push(Ask::LogEvents { group, streams: Vec::new(), window, errors_only: false });
    }
    for failed in scene.failures().into_iter().take(MOST_FAILURES) {
        found.extend(of_failure(scene, &failed).into_iter().take(MOST_GROUPS));
    }
    found.extend(of_stack(scene, window));
    let mut wanted: Vec<Question> = found.into_iter().map(|ask| Question { ask, region: region.clone() }).collect();
    wanted.extend(of_tasks(scene, window, &region));
    wanted
}

/// The logs that a failure points to: the stream in its reason, the function that it called.
fn of_failure(scene: &Scene<'_>, failed: &Failed<'_>) -> Vec<Ask> {
    let window = Window { from: failed.window.from - AROUND, to: failed.window.to + AROUND };
    let streams: Vec<String> = named_stream(failed.event.text()).into_iter().collect();
    let mut groups = named_groups(failed.event.text());
    groups.extend(function_behind(scene, failed.event).map(|function| format!("/aws/lambda/{function}")));
    groups
        .into_iter()
        .map(|group| Ask::LogEvents { group, streams: streams.clone(), window, errors_only: streams.is_empty() })
        .collect()
}

/// `See the details in CloudWatch Log Stream: 2026/11/18/[$LATEST]0f1e...` as cfn-response writes it.
fn named_stream(reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once("Log Stream: ")?;
    let end = rest.find(|c: char| c.is_whitespace() || "\"',)".contains(c)).unwrap_or(rest.len());
    rest.get(..end).map(|stream| stream.trim_end_matches('.').to_owned()).filter(|stream| stream.contains('/'))
}

/// Every `/aws/SERVICE/NAME` in the reason, as the CDK's provider framework and CodeBuild write it.
fn named_groups(reason: &str) -> BTreeSet<String> {
    let of_group = |c: char| c.is_ascii_alphanumeric() || "/_-.#".contains(c);
    let mut found = BTreeSet::new();
    for (at, _) in reason.match_indices("/aws/") {
        let rest = reason.get(at..).unwrap_or_default();
        let end = rest.find(|c| !of_group(c)).unwrap_or(rest.len());
        let group = rest.get(..end).unwrap_or_default().trim_end_matches(['.', '/']);
        if group.matches('/').count() >= 3 {
            found.insert(group.to_owned());
        }
    }
    found
}

/// The function that a custom resource called, by the ServiceToken among its properties; for a Lambda function itself.
pub(super) fn function_behind(scene: &Scene<'_>, event: &Event) -> Option<String> {
    let resource_type = event.resource_type.as_deref()?;
    if resource_type == "AWS::Lambda::Function" {
        return event.physical_id.as_deref().map(str::to_owned);
    }
    if !resource_type.starts_with("Custom::") && resource_type != "AWS::CloudFormation::CustomResource" {
        return None;
    }
    let of_resource = scene
        .timeline
        .events
        .iter()
        .filter(|other| other.logical_id == event.logical_id && other.stack_id == event.stack_id);
    of_resource.filter_map(|other| service_token(scene.capture.record(&other.record)?)).next()
}

/// The name of the function in `ResourceProperties.ServiceToken`; none for an SNS topic.
fn service_token(record: &str) -> Option<String> {
    let record: Value = serde_json::from_str(record).ok()?;
    let properties: Value = serde_json::from_str(record.get("ResourceProperties")?.as_str()?).ok()?;
    let token = properties.get("ServiceToken")?.as_str()?;
    let (_, function) = token.split_once(":function:")?;
    Some(function.split(':').next().unwrap_or(function).to_owned())
}

/// The streams of the tasks that stopped, by the log configuration of their task definitions.
fn of_tasks(scene: &Scene<'_>, window: Window, region: &str) -> Vec<Question> {
    let records = |source: &'static str| {
        let files = scene.capture.files.iter().filter(move |file| file.source == source);
        files.flat_map(RecordFile::iter).filter_map(|(_, record)| serde_json::from_str::<Value>(record).ok())
    };
    let tasks: Vec<Value> = records("ecs_tasks").collect();
    let mut found = Vec::new();
    for definition in records("task_definitions") {
        let arn = definition.get("taskDefinitionArn").and_then(Value::as_str).unwrap_or_default().to_owned();
        let ids: Vec<&str> = tasks
            .iter()
            .filter(|task| task.get("taskDefinitionArn").and_then(Value::as_str) == Some(arn.as_str()))
            .filter_map(|task| task.get("taskArn")?.as_str()?.rsplit('/').next())
            .collect();
        for container in definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten() {
            let option = |name: &str| container.get("logConfiguration")?.get("options")?.get(name)?.as_str();
            let Some(group) = option("awslogs-group") else { continue };
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let streams: Vec<String> = option("awslogs-stream-prefix")
                .map(|prefix| ids.iter().take(MOST_STREAMS).map(|id| format!("{prefix}/{name}/{id}")).collect())
                .unwrap_or_default();
            let errors_only = streams.is_empty();
            let ask = Ask::LogEvents { group: group.to_owned(), streams, window, errors_only };
            found.push(Question { ask, region: option("awslogs-region").unwrap_or(region).to_owned() });
        }
    }
    found
}

/// The log groups that are resources of the stack, those that the deployment touched first: error lines only, and only
/// when something went wrong.
fn of_stack(scene: &Scene<'_>, window: Window) -> Vec<Ask> {
    const LOG_GROUP: &str = "AWS::Logs::LogGroup";
    if !scene.in_trouble() {
        return Vec::new();
    }
    let touched = scene.touched();
    let of_touched = touched.iter().filter(|resource| &*resource.resource_type == LOG_GROUP);
    let mut groups: Vec<String> =
        of_touched.flat_map(|resource| resource.physical_ids.iter().map(ToString::to_string)).collect();
    let files = scene.capture.files.iter().filter(|file| file.source == "stack_resources");
    let resources = files.flat_map(RecordFile::iter).filter_map(|(_, record)| {
        let record: Value = serde_json::from_str(record).ok()?;
        let field = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
        field("PhysicalResourceId").filter(|_| field("ResourceType").as_deref() == Some(LOG_GROUP))
    });
    groups.extend(resources);
    let mut seen = BTreeSet::new();
    groups
        .into_iter()
        .filter(|group| !group.is_empty() && seen.insert(group.clone()))
        .take(MOST_GROUPS)
        .map(|group| Ask::LogEvents { group, streams: Vec::new(), window, errors_only: true })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_groups_are_read_from_reasons() {
        let reason = "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/18/[$LATEST]e7329 (RequestId: 1)";
        assert_eq!(named_stream(reason).as_deref(), Some("2026/11/18/[$LATEST]e7329"));
        assert_eq!(named_stream("Log Stream: none"), None);
        let reason = "Error: x\nLogs: /aws/lambda/Shop-Provider-1\n\n    at /var/task/aws/x.js";
        assert_eq!(named_groups(reason).into_iter().collect::<Vec<_>>(), ["/aws/lambda/Shop-Provider-1"]);
    }

    #[test]
    fn the_function_is_in_the_service_token() {
        let record = r#"{"ResourceProperties":"{\"ServiceToken\":\"arn:aws:lambda:eu-west-1:111122223333:function:seed:live\"}"}"#;
        assert_eq!(service_token(record).as_deref(), Some("seed"));
        let topic = r#"{"ResourceProperties":"{\"ServiceToken\":\"arn:aws:sns:eu-west-1:111122223333:seed\"}"}"#;
        assert_eq!(service_token(topic), None);
    }
}
