//! A made-up account of any size: a root stack with nested stacks, a long history, and an update that failed and rolled back.
//! The reasons, properties and calls are as long as real ones, because their length is what paging and memory meet.
//! The same numbers always make the same account.

use super::records::text;
use super::world::{Stack, TrailEvent, World};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const ROOT: &str = "orders-platform";
const STACK_TYPE: &str = "AWS::CloudFormation::Stack";

/// Types of resources, the source of their calls, and the call that updates one.
const TYPES: &[(&str, &str, &str)] = &[
    ("AWS::Lambda::Function", "lambda.amazonaws.com", "UpdateFunctionConfiguration20150331v2"),
    ("AWS::SQS::Queue", "sqs.amazonaws.com", "SetQueueAttributes"),
    ("AWS::IAM::Role", "iam.amazonaws.com", "UpdateAssumeRolePolicy"),
    ("AWS::SNS::Topic", "sns.amazonaws.com", "SetTopicAttributes"),
    ("AWS::DynamoDB::Table", "dynamodb.amazonaws.com", "UpdateTable"),
    ("AWS::Logs::LogGroup", "logs.amazonaws.com", "PutRetentionPolicy"),
];

/// Resources that an ordinary update touches.
const TOUCHED: usize = 40;

impl World {
    /// An account with so many resources in so many nested stacks, and so many stack events in total.
    /// What does not fit into the number of events is missing from the beginning of the history.
    pub fn large(resources: usize, nested: usize, events: usize) -> World {
        let mut script = Script::new(resources, nested);
        let failure: DateTime<Utc> = "2026-11-18T12:00:00Z".parse().unwrap();
        script.now = failure;
        script.fail();
        script.now = failure - TimeDelta::days(400);
        script.create();
        let mut updates = 0;
        while script.count() < events {
            updates += 1;
            script.now = failure - TimeDelta::minutes(5 * updates);
            script.update(updates as usize);
        }
        let mut world = script.world;
        world.sort();
        for stack in &mut world.stacks {
            if let Some(latest) = stack.events.iter().find(|event| event["PhysicalResourceId"] == event["StackId"]) {
                stack.record["StackStatus"] = latest["ResourceStatus"].clone();
            }
        }
        keep_newest(&mut world, events);
        world
    }
}

/// A stack's resource: logical id, physical id and index into [`TYPES`].
type Resource = (String, String, usize);

struct Script {
    world: World,
    /// The resources of each stack; the root is the first.
    resources: Vec<Vec<Resource>>,
    now: DateTime<Utc>,
    ids: u64,
    operation: String,
    token: String,
}

impl Script {
    fn new(resources: usize, nested: usize) -> Script {
        let mut script = Script {
            world: World::empty(ACCOUNT),
            resources: vec![Vec::new(); nested + 1],
            now: DateTime::UNIX_EPOCH,
            ids: 0,
            operation: String::new(),
            token: String::new(),
        };
        for index in 0..=nested {
            let name =
                if index == 0 { ROOT.to_owned() } else { format!("{ROOT}-{}-{}", logical(index), suffix(index)) };
            let id = format!("arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{name}/{}", script.id());
            let mut record = json!({
                "StackId": id,
                "StackName": name,
                "CreationTime": "2025-10-14T12:00:00.250Z",
                "LastUpdatedTime": "2026-11-18T12:00:00.250Z",
                "Capabilities": ["CAPABILITY_IAM"],
                "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
            });
            if index > 0 {
                let root = &script.world.stacks[0].id;
                record["ParentId"] = json!(root);
                record["RootId"] = json!(root);
            }
            script.world.stacks.push(Stack::new(record));
        }
        for index in 0..resources {
            let (stack, kind) = (index % (nested + 1), index / (nested + 1) % TYPES.len());
            let short = TYPES[kind].0.rsplit(':').next().unwrap();
            let logical = format!("{short}{:08X}", (index as u32 + 1).wrapping_mul(2_654_435_761));
            script.resources[stack].push((logical, format!("{ROOT}-{short}-{}", suffix(index)), kind));
        }
        for (stack, resources) in script.world.stacks.iter_mut().zip(&script.resources) {
            stack.resources = resources.iter().map(summary).collect();
            let declared =
                resources.iter().map(|(logical, _, kind)| (logical.clone(), json!({ "Type": TYPES[*kind].0 })));
            let declared = Value::Object(declared.collect());
            stack.template =
                Some(json!({ "AWSTemplateFormatVersion": "2010-09-09", "Resources": declared }).to_string());
        }
        let nested_stacks: Vec<Value> =
            (1..=nested).map(|index| summary_of(&logical(index), &script.world.stacks[index].id, STACK_TYPE)).collect();
        script.world.stacks[0].resources.extend(nested_stacks);
        script
    }

    fn count(&self) -> usize {
        self.world.stacks.iter().map(|stack| stack.events.len()).sum()
    }

    /// An id that looks like CloudFormation's and never comes again.
    fn id(&mut self) -> String {
        self.ids += 1;
        format!("{:08x}-e347-11f1-86f8-{:012x}", self.ids.wrapping_mul(2_654_435_761) % 0xffff_ffff, self.ids)
    }

    /// Begins an operation: the ids of its events, and the call of the person.
    fn begin(&mut self, call: Option<&str>) {
        self.operation = self.id();
        if let Some(name) = call {
            self.token = format!("exec{}", self.id());
            let parameters = json!({ "stackName": ROOT, "clientRequestToken": self.token });
            self.call("cloudformation.amazonaws.com", name, false, &parameters, None);
        }
        self.now += TimeDelta::milliseconds(640);
    }

    fn create(&mut self) {
        self.begin(Some("CreateStack"));
        self.own(0, "CREATE_IN_PROGRESS", Some("User Initiated"));
        for stack in (0..self.resources.len()).rev() {
            if stack > 0 {
                self.nested(stack, "CREATE_IN_PROGRESS", Some("Resource creation Initiated"));
                self.own(stack, "CREATE_IN_PROGRESS", Some("User Initiated"));
            }
            for (logical, physical, kind) in self.resources[stack].clone() {
                self.resource(stack, (&logical, "", kind), "CREATE_IN_PROGRESS", None);
                let initiated = Some("Resource creation Initiated");
                self.resource(stack, (&logical, &physical, kind), "CREATE_IN_PROGRESS", initiated);
                self.resource(stack, (&logical, &physical, kind), "CREATE_COMPLETE", None);
            }
            self.own(stack, "CREATE_COMPLETE", None);
            if stack > 0 {
                self.nested(stack, "CREATE_COMPLETE", None);
            }
        }
    }

    /// An update that went well: some resources of the root and of one nested stack.
    fn update(&mut self, turn: usize) {
        self.begin(Some("UpdateStack"));
        self.own(0, "UPDATE_IN_PROGRESS", Some("User Initiated"));
        let others = self.resources.len() - 1;
        let nested = (others > 0).then(|| 1 + turn % others);
        for stack in nested.into_iter().chain([0]) {
            if stack > 0 {
                self.nested(stack, "UPDATE_IN_PROGRESS", None);
                self.own(stack, "UPDATE_IN_PROGRESS", None);
            }
            let count = self.resources[stack].len();
            for touched in 0..count.min(TOUCHED) {
                let (logical, physical, kind) = self.resources[stack][(turn * TOUCHED + touched) % count].clone();
                self.resource(stack, (&logical, &physical, kind), "UPDATE_IN_PROGRESS", None);
                self.resource(stack, (&logical, &physical, kind), "UPDATE_COMPLETE", None);
            }
            self.own(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
            self.own(stack, "UPDATE_COMPLETE", None);
            if stack > 0 {
                self.nested(stack, "UPDATE_COMPLETE", None);
            }
        }
    }

    /// The update that failed: one resource of the last stack that has any, what was cancelled with it, and the rollback.
    fn fail(&mut self) {
        self.begin(Some("UpdateStack"));
        self.own(0, "UPDATE_IN_PROGRESS", Some("User Initiated"));
        let last = self.resources.iter().rposition(|resources| !resources.is_empty()).unwrap_or(0);
        let touched: Vec<Resource> = self.resources[last].iter().take(TOUCHED).cloned().collect();
        if last > 0 {
            self.nested(last, "UPDATE_IN_PROGRESS", None);
            self.own(last, "UPDATE_IN_PROGRESS", None);
        }
        for (logical, physical, kind) in &touched {
            self.resource(last, (logical, physical, *kind), "UPDATE_IN_PROGRESS", None);
            self.update_call(physical, *kind, None);
        }
        let half = touched.len() / 2;
        let failed = touched.iter().skip(half).position(|(_, _, kind)| *kind == 0).map_or(half, |index| half + index);
        let mut names = Vec::new();
        for (index, (logical, physical, kind)) in touched.iter().enumerate() {
            let resource = (logical.as_str(), physical.as_str(), *kind);
            if index < failed {
                self.resource(last, resource, "UPDATE_COMPLETE", None);
            } else if index == failed {
                let reason = refusal(physical, &self.operation);
                self.update_call(physical, *kind, Some(&reason));
                self.resource(last, resource, "UPDATE_FAILED", Some(&reason));
                names.push(logical.as_str());
            } else {
                self.resource(last, resource, "UPDATE_FAILED", Some("Resource update cancelled"));
                names.push(logical.as_str());
            }
        }
        let summary = format!("The following resource(s) failed to update: [{}]. ", names.join(", "));
        if last > 0 {
            let id = self.world.stacks[last].id.clone();
            let embedded = format!(
                "Embedded stack {id} was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: {summary}"
            );
            self.own(last, "UPDATE_ROLLBACK_IN_PROGRESS", Some(&summary));
            self.nested(last, "UPDATE_FAILED", Some(&embedded));
        }
        self.begin(None);
        let of_root = format!("The following resource(s) failed to update: [{}]. ", logical(last));
        self.own(0, "UPDATE_ROLLBACK_IN_PROGRESS", Some(if last > 0 { &of_root } else { &summary }));
        if last > 0 {
            self.nested(last, "UPDATE_IN_PROGRESS", None);
        }
        for (logical, physical, kind) in &touched {
            self.resource(last, (logical, physical, *kind), "UPDATE_IN_PROGRESS", None);
            self.resource(last, (logical, physical, *kind), "UPDATE_COMPLETE", None);
        }
        for stack in if last > 0 { vec![last, 0] } else { vec![0] } {
            self.own(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
            self.own(stack, "UPDATE_ROLLBACK_COMPLETE", None);
            if stack > 0 {
                self.nested(stack, "UPDATE_COMPLETE", None);
            }
        }
        // The person watches, every five seconds.
        let (end, start) = (self.now, self.now - TimeDelta::minutes(2));
        self.now = start;
        while self.now < end {
            self.call("cloudformation.amazonaws.com", "DescribeStackEvents", true, &json!({ "stackName": ROOT }), None);
            self.now += TimeDelta::seconds(5);
        }
    }

    /// An event of the stack about itself.
    fn own(&mut self, stack: usize, status: &str, reason: Option<&str>) {
        let (name, id) = (self.world.stacks[stack].name().to_owned(), self.world.stacks[stack].id.clone());
        self.event(stack, (&name, &id, STACK_TYPE), status, reason, None);
    }

    /// An event of the root about a nested stack.
    fn nested(&mut self, stack: usize, status: &str, reason: Option<&str>) {
        let id = self.world.stacks[stack].id.clone();
        self.event(0, (&logical(stack), &id, STACK_TYPE), status, reason, None);
    }

    fn resource(
        &mut self,
        stack: usize,
        (logical, physical, kind): (&str, &str, usize),
        status: &str,
        reason: Option<&str>,
    ) {
        let properties = json!({
            "Name": physical,
            "Role": format!("arn:aws:iam::{ACCOUNT}:role/{ROOT}-Role{kind}-{}", suffix(kind)),
            "Environment": { "Variables": { "STAGE": "production", "TABLE_NAME": format!("{ROOT}-Table-{}", suffix(kind)) } },
            "Tags": [{ "Key": "aws-cdk:path", "Value": format!("{ROOT}/{logical}/Resource") }],
        });
        self.event(stack, (logical, physical, TYPES[kind].0), status, reason, Some(&properties.to_string()));
    }

    fn event(
        &mut self,
        stack: usize,
        (logical, physical, kind): (&str, &str, &str),
        status: &str,
        reason: Option<&str>,
        properties: Option<&str>,
    ) {
        self.now += TimeDelta::milliseconds(250);
        let at = self.now.to_rfc3339_opts(SecondsFormat::Millis, true);
        let id = if properties.is_none() { self.id() } else { format!("{logical}-{status}-{at}") };
        let stack = &mut self.world.stacks[stack];
        let mut event = json!({
            "StackId": stack.id,
            "EventId": id,
            "StackName": stack.name(),
            "OperationId": self.operation,
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "Timestamp": at,
            "ResourceStatus": status,
            "ClientRequestToken": self.token,
        });
        for (field, value) in [("ResourceStatusReason", reason), ("ResourceProperties", properties)] {
            if let Some(value) = value {
                event[field] = json!(value);
            }
        }
        stack.events.push(event);
    }

    fn update_call(&mut self, physical: &str, kind: usize, error: Option<&str>) {
        let (_, source, name) = TYPES[kind];
        self.call(source, name, false, &json!({ "name": physical, "description": "orders of the web shop" }), error);
    }

    /// A call of the person, who also is who CloudFormation acts as.
    fn call(&mut self, source: &str, name: &str, read_only: bool, parameters: &Value, error: Option<&str>) {
        let id = self.id();
        let by_person = source.starts_with("cloudformation");
        let role = format!("{ROOT}-deploy");
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": "AROAEXAMPLEDEPLOY0001:dana.smith",
                "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/dana.smith"),
                "accountId": ACCOUNT,
                "accessKeyId": "ASIAEXAMPLEDEPLOY0001",
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role",
                        "principalId": "AROAEXAMPLEDEPLOY0001",
                        "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                        "accountId": ACCOUNT,
                        "userName": role,
                    },
                    "attributes": { "creationDate": "2026-11-18T08:00:00Z", "mfaAuthenticated": "true" },
                },
            },
            "eventTime": self.now.to_rfc3339_opts(SecondsFormat::Secs, true),
            "eventSource": source,
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": if by_person { "198.51.100.23" } else { "cloudformation.amazonaws.com" },
            "userAgent": if by_person { "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux lang/python#3.13" } else { "cloudformation.amazonaws.com" },
            "requestParameters": parameters,
            "responseElements": null,
            "requestID": id,
            "eventID": format!("e{}", &id[1..]),
            "readOnly": read_only,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        });
        if by_person {
            record["resources"] = json!([{ "ARN": self.world.stacks[0].id, "accountId": ACCOUNT, "type": STACK_TYPE }]);
        } else {
            record["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        }
        if let Some(error) = error {
            record["errorCode"] = json!("InvalidParameterValueException");
            record["errorMessage"] = json!(error);
        }
        self.world.trail.extend(TrailEvent::new(record));
    }
}

/// A registry type's error, as long as the real ones.
fn refusal(physical: &str, token: &str) -> String {
    format!(
        "Resource handler returned message: \"Specified ReservedConcurrentExecutions for function {physical} decreases \
         account's UnreservedConcurrentExecution below its minimum value of [100]. (Service: Lambda, Status Code: 400, \
         Request ID: 4d9a2b1f-3c55-4e0c-9d57-1f0e6d2f7a11) (SDK Attempt Count: 1)\" (RequestToken: {token}, \
         HandlerErrorCode: InvalidRequest)"
    )
}

fn logical(nested: usize) -> String {
    format!("Part{nested}Stack")
}

/// The random end of a physical id.
fn suffix(index: usize) -> String {
    format!("{:013X}", (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12)
}

fn summary((logical, physical, kind): &Resource) -> Value {
    summary_of(logical, physical, TYPES[*kind].0)
}

fn summary_of(logical: &str, physical: &str, kind: &str) -> Value {
    json!({
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "LastUpdatedTimestamp": "2026-11-18T12:01:00.250Z",
        "ResourceStatus": "UPDATE_COMPLETE",
        "DriftInformation": { "StackResourceDriftStatus": "NOT_CHECKED" },
    })
}

/// Takes away the oldest events until there are no more than so many.
fn keep_newest(world: &mut World, count: usize) {
    let all = world.stacks.iter().flat_map(|stack| &stack.events);
    let mut keys: Vec<(String, String)> =
        all.map(|event| (text(event, "Timestamp").to_owned(), text(event, "EventId").to_owned())).collect();
    if keys.len() <= count {
        return;
    }
    let too_many = keys.len() - count;
    keys.sort_unstable();
    let oldest_kept = keys[too_many].clone();
    for stack in &mut world.stacks {
        stack.events.retain(|event| {
            (text(event, "Timestamp"), text(event, "EventId")) >= (oldest_kept.0.as_str(), oldest_kept.1.as_str())
        });
    }
}
