//! The content of an AWS account, read from a case folder or made up, and the way from a call to its answer.
//! All content is public, so that a test can change it; a service's operations live in the service's own file.
//! Every answer follows from the content and the call alone.

use super::protocol::render;
use super::records::{self, only, region_of, text, time};
use super::{Reply, Request, Response, refuse};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The content of an AWS account.
#[derive(Debug, Clone)]
pub struct World {
    pub account: String,
    /// What GetCallerIdentity answers.
    pub caller_arn: String,
    /// The regions that the account can use.
    pub regions: Vec<String>,
    /// Where records are that do not say their region.
    pub home: String,
    /// The largest page of any list, also where the caller asks for more.
    pub page_size: usize,
    /// Whether every page of FilterLogEvents comes after an empty one that carries a token.
    pub empty_log_pages: bool,
    /// The newest first.
    pub stacks: Vec<Stack>,
    pub change_sets: Vec<Value>,
    pub hook_results: Vec<Value>,
    /// As ListStackSetOperations tells them, with `StackSetName` and their `Results` besides.
    pub stack_set_operations: Vec<Value>,
    /// The newest first.
    pub trail: Vec<TrailEvent>,
    pub rds_events: Vec<Value>,
    pub db_instances: Vec<Value>,
    pub ecs_services: Vec<Value>,
    pub service_deployments: Vec<Value>,
    pub ecs_tasks: Vec<Value>,
    pub task_definitions: Vec<Value>,
    pub scaling_activities: Vec<Value>,
    /// By the ARN of the target group.
    pub target_health: BTreeMap<String, Vec<Value>>,
    /// By the name of the group; the events have `logStreamName`, `timestamp` and `message`, the oldest first.
    pub log_groups: BTreeMap<String, Vec<Value>>,
}

/// One incarnation of a stack.
#[derive(Debug, Clone)]
pub struct Stack {
    pub id: String,
    /// As DescribeStacks or ListStacks tells it.
    pub record: Value,
    /// The newest first.
    pub events: Vec<Value>,
    pub operation_events: Vec<Value>,
    pub resources: Vec<Value>,
    pub template: Option<String>,
}

/// An event of the trail as LookupEvents tells it, and what it is looked up by.
#[derive(Debug, Clone)]
pub struct TrailEvent {
    pub at: DateTime<Utc>,
    pub region: String,
    pub event: Value,
}

/// What an account can use without asking, as far as anybody tests it.
const REGIONS: &[&str] = &[
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "sa-east-1",
];

impl World {
    /// An account in which nothing ever happened.
    pub fn empty(account: &str) -> World {
        World {
            account: account.to_owned(),
            caller_arn: format!("arn:aws:sts::{account}:assumed-role/Forensics/reader"),
            regions: REGIONS.iter().map(|&region| region.to_owned()).collect(),
            home: REGIONS[0].to_owned(),
            page_size: 100,
            empty_log_pages: false,
            stacks: Vec::new(),
            change_sets: Vec::new(),
            hook_results: Vec::new(),
            stack_set_operations: Vec::new(),
            trail: Vec::new(),
            rds_events: Vec::new(),
            db_instances: Vec::new(),
            ecs_services: Vec::new(),
            service_deployments: Vec::new(),
            ecs_tasks: Vec::new(),
            task_definitions: Vec::new(),
            scaling_activities: Vec::new(),
            target_health: BTreeMap::new(),
            log_groups: BTreeMap::new(),
        }
    }

    /// The account that a case folder was collected from. A file of several stacks' resources may lack the stack's id:
    /// the file's name tells the stack then, or it is the first one.
    pub fn from_case(case: &Path) -> World {
        let stacks = stacks_of(case);
        let first = stacks.first().map(|stack| stack.id.split(':').collect::<Vec<_>>());
        let mut world = World::empty(first.as_ref().map_or("111122223333", |arn| arn[4]));
        if let Some(arn) = &first {
            world.home = arn[3].to_owned();
        }
        world.stacks = stacks;
        world.trail = unique(records::values(case, "cloudtrail")).into_iter().filter_map(TrailEvent::new).collect();
        world.change_sets = records::values(case, "change_sets");
        world.hook_results = records::values(case, "hook_results");
        world.stack_set_operations = records::values(case, "stack_set_operations");
        world.rds_events = records::values(case, "rds_events");
        world.db_instances = records::values(case, "db_instances");
        world.ecs_services = records::values(case, "ecs_services");
        world.service_deployments = records::values(case, "service_deployments");
        world.ecs_tasks = records::values(case, "ecs_tasks");
        world.task_definitions = records::values(case, "task_definitions");
        world.scaling_activities = records::values(case, "scaling_activities");
        world.read_target_health(case);
        world.read_log_groups(case);
        world.sort();
        world
    }

    /// Brings all content into AWS's order; for a test that changed it.
    pub fn sort(&mut self) {
        self.stacks.sort_by_key(|stack| Reverse(time(&stack.record["CreationTime"])));
        for stack in &mut self.stacks {
            stack.events.sort_by_key(|event| Reverse(time(&event["Timestamp"])));
            stack.operation_events.sort_by_key(|event| Reverse(time(&event["Timestamp"])));
        }
        self.trail.sort_by_key(|event| Reverse(event.at));
        self.rds_events.sort_by_key(|event| time(&event["Date"]));
        self.scaling_activities.sort_by_key(|activity| Reverse(time(&activity["StartTime"])));
        for events in self.log_groups.values_mut() {
            events.sort_by_key(|event| event["timestamp"].as_i64());
        }
    }

    /// Answers a call as AWS would.
    pub fn answer(&self, request: &Request) -> Response {
        render(request, &self.reply(request))
    }

    /// Answers a call, not yet written down in its protocol.
    pub fn reply(&self, request: &Request) -> Reply {
        if !self.regions.contains(&request.region) {
            let code = if request.service == "sts" { "InvalidClientTokenId" } else { "UnrecognizedClientException" };
            return super::refuse_with(403, code, "The security token included in the request is invalid.");
        }
        let known = match request.service.as_str() {
            "cloudformation" => self.cloudformation(request),
            "cloudtrail" => self.cloudtrail(request),
            "rds" => self.rds(request),
            "ecs" => self.ecs(request),
            "logs" => self.logs(request),
            _ => self.small(request),
        };
        known.unwrap_or_else(|| match request.service.as_str() {
            "cloudtrail" | "ecs" | "logs" => refuse("UnknownOperationException", ""),
            _ => refuse("InvalidAction", format!("Could not find operation {}", request.operation)),
        })
    }

    /// The time of the newest thing that happened in the account: its now.
    pub fn newest(&self) -> DateTime<Utc> {
        let stacks = self.stacks.iter().filter_map(|stack| time(&stack.events.first()?["Timestamp"]));
        let trail = self.trail.first().map(|event| event.at);
        let rds = self.rds_events.last().and_then(|event| time(&event["Date"]));
        stacks.chain(trail).chain(rds).max().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Whether a record is of the request's region, by the ARN in one of its fields.
    pub(super) fn is_here(&self, request: &Request, record: &Value, arn_field: &str) -> bool {
        region_of(text(record, arn_field)).unwrap_or(&self.home) == request.region
    }

    /// A page of a list with the size that the request asks for, AWS's own where it does not.
    pub(super) fn page<'a>(
        &self,
        request: &Request,
        list: &str,
        items: impl IntoIterator<Item = &'a Value>,
        (parameter, default): (&str, usize),
    ) -> Reply {
        let asked = request.number(parameter).and_then(|number| usize::try_from(number).ok()).unwrap_or(default);
        super::page::page(request, list, items, asked.clamp(1, self.page_size.max(1)))
    }

    /// The target group is in the file's name, or it is the one that the case's service or stack has.
    fn read_target_health(&mut self, case: &Path) {
        let balancers = self.ecs_services.iter().flat_map(|service| service["loadBalancers"].as_array());
        let of_services = balancers.flatten().map(|balancer| text(balancer, "targetGroupArn"));
        let of_stacks = self.stacks.iter().flat_map(|stack| &stack.resources);
        let of_stacks = of_stacks
            .filter(|resource| text(resource, "ResourceType") == "AWS::ElasticLoadBalancingV2::TargetGroup")
            .map(|resource| text(resource, "PhysicalResourceId"));
        let known = of_services.chain(of_stacks).find(|arn| !arn.is_empty()).unwrap_or_default().to_owned();
        for record in records::read(case, "target_health") {
            let group = if record.file.starts_with("arn:") { record.file } else { known.clone() };
            self.target_health.entry(group).or_default().push(record.value);
        }
    }

    fn read_log_groups(&mut self, case: &Path) {
        for mut record in records::read(case, "log_events") {
            let named = record.value.as_object_mut().and_then(|event| event.remove("logGroupName"));
            let group = named.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or(record.file);
            self.log_groups.entry(group).or_default().push(record.value);
        }
    }
}

impl Stack {
    pub fn new(record: Value) -> Stack {
        let id = text(&record, "StackId").to_owned();
        Stack { id, record, events: Vec::new(), operation_events: Vec::new(), resources: Vec::new(), template: None }
    }

    pub fn name(&self) -> &str {
        text(&self.record, "StackName")
    }

    pub fn is_live(&self) -> bool {
        text(&self.record, "StackStatus") != "DELETE_COMPLETE"
    }

    pub fn region(&self) -> &str {
        region_of(&self.id).unwrap_or_default()
    }

    /// The stack as its events tell it, for cases without `stacks.json`.
    fn from_events(events: &[Value]) -> Value {
        let mut own: Vec<&Value> =
            events.iter().filter(|event| event["PhysicalResourceId"] == event["StackId"]).collect();
        own.sort_by_key(|event| time(&event["Timestamp"]));
        let any = &events[0];
        let mut record = json!({
            "StackId": any["StackId"],
            "StackName": any["StackName"],
            "CreationTime": own.first().unwrap_or(&any)["Timestamp"],
            "StackStatus": own.last().map_or(&json!("CREATE_COMPLETE"), |event| &event["ResourceStatus"]),
        });
        for (status, field) in [("UPDATE_IN_PROGRESS", "LastUpdatedTime"), ("DELETE_IN_PROGRESS", "DeletionTime")] {
            if let Some(event) = own.iter().rfind(|event| event["ResourceStatus"] == status) {
                record[field] = event["Timestamp"].clone();
            }
        }
        record
    }

    /// The latest state of each resource as the events tell it. A physical resource that was deleted is not it,
    /// as long as the logical one has another: an update replaces and then cleans up.
    fn resources_from_events(&self) -> Vec<Value> {
        let mut latest: BTreeMap<&str, &Value> = BTreeMap::new();
        let mut settled = BTreeSet::new();
        let mut deleted = BTreeSet::new();
        for event in self.events.iter().filter(|event| event["PhysicalResourceId"] != event["StackId"]) {
            let (logical, physical) = (text(event, "LogicalResourceId"), text(event, "PhysicalResourceId"));
            latest.entry(logical).or_insert(event);
            if text(event, "ResourceStatus") == "DELETE_COMPLETE" {
                deleted.insert((logical, physical));
            } else if !physical.is_empty() && !deleted.contains(&(logical, physical)) && settled.insert(logical) {
                latest.insert(logical, event);
            }
        }
        let summary = |event: &&Value| {
            let fields =
                ["LogicalResourceId", "PhysicalResourceId", "ResourceType", "ResourceStatus", "ResourceStatusReason"];
            let mut resource = only(event, &fields);
            resource["LastUpdatedTimestamp"] = event["Timestamp"].clone();
            resource["DriftInformation"] = json!({ "StackResourceDriftStatus": "NOT_CHECKED" });
            resource
        };
        latest.values().map(summary).collect()
    }

    /// Whether a file of the case is named after this stack; a nested one may be named after its logical id alone.
    fn is_named(&self, file: &str) -> bool {
        let logical = || {
            let logical = self.name().rsplit('-').nth(1)?.to_lowercase();
            Some(logical.trim_end_matches("stack").to_owned())
        };
        file == self.id || file == self.name() || logical().is_some_and(|logical| logical == file.to_lowercase())
    }
}

impl TrailEvent {
    /// From what LookupEvents prints or from what a trail delivers; nothing where it has no time.
    pub fn new(record: Value) -> Option<TrailEvent> {
        let event = if record["eventName"].is_null() { record } else { wrapped(&record) };
        let inner: Value = serde_json::from_str(text(&event, "CloudTrailEvent")).unwrap_or_default();
        let region = inner["awsRegion"].as_str().unwrap_or("us-east-1").to_owned();
        Some(TrailEvent { at: time(&event["EventTime"])?, region, event })
    }
}

/// LookupEvents' form of a record as a trail delivers it.
fn wrapped(record: &Value) -> Value {
    let identity = &record["userIdentity"];
    let username = match text(identity, "type") {
        "Root" => "root",
        "AssumedRole" => text(identity, "arn").rsplit('/').next().unwrap_or_default(),
        _ => text(identity, "userName"),
    };
    let resources = record["resources"].as_array().into_iter().flatten();
    let resources: Vec<_> = resources
        .map(|resource| json!({ "ResourceType": resource["type"], "ResourceName": resource["ARN"] }))
        .collect();
    let mut event = json!({
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": record["readOnly"].as_bool().unwrap_or_default().to_string(),
        "EventTime": record["eventTime"],
        "EventSource": record["eventSource"],
        "Resources": resources,
        "CloudTrailEvent": record.to_string(),
    });
    if !username.is_empty() {
        event["Username"] = json!(username);
    }
    if let Some(key) = identity["accessKeyId"].as_str() {
        event["AccessKeyId"] = json!(key);
    }
    event
}

/// The stacks of a case in the order of its files, each with what the case has of it.
fn stacks_of(case: &Path) -> Vec<Stack> {
    let mut events: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in unique(records::values(case, "stack_events")) {
        events.entry(text(&event, "StackId").to_owned()).or_default().push(event);
    }
    let mut stacks: Vec<Stack> = Vec::new();
    for record in records::values(case, "stacks") {
        if !stacks.iter().any(|stack| stack.id == text(&record, "StackId")) {
            stacks.push(Stack::new(record));
        }
    }
    for (id, events) in &events {
        if !stacks.iter().any(|stack| stack.id == *id) {
            stacks.push(Stack::new(Stack::from_events(events)));
        }
    }
    for stack in &mut stacks {
        stack.events = events.remove(&stack.id).unwrap_or_default();
        stack.events.sort_by_key(|event| Reverse(time(&event["Timestamp"])));
    }
    let templates = records::templates(case);
    for stack in &mut stacks {
        stack.template = templates.iter().find(|(file, _)| stack.is_named(file)).map(|(_, template)| template.clone());
    }
    for event in records::values(case, "operation_events") {
        if let Some(stack) = stacks.iter_mut().find(|stack| stack.id == text(&event, "StackId")) {
            stack.operation_events.push(event);
        }
    }
    for record in records::read(case, "stack_resources") {
        let owner = stacks
            .iter()
            .position(|stack| stack.id == text(&record.value, "StackId") || stack.is_named(&record.file))
            .unwrap_or_default();
        if let Some(stack) = stacks.get_mut(owner) {
            stack.resources.push(record.value);
        }
    }
    for stack in stacks.iter_mut().filter(|stack| stack.resources.is_empty()) {
        stack.resources = stack.resources_from_events();
    }
    stacks
}

/// Without repetitions, as pages that were saved twice have them, perhaps with their times written in another way.
fn unique(mut records: Vec<Value>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    records.retain_mut(|record| {
        for field in ["Timestamp", "EventTime"] {
            if let Some(time) = time(&record[field]) {
                record[field] = json!(time.to_rfc3339());
            }
        }
        seen.insert(record.to_string())
    });
    records
}
