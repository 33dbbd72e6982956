//! An account of an emulator, and what somebody does to it: stacks, change sets and buckets come and go, over plain HTTP.
//! It must not share a line with the SDK or with the code under test, whose reading of AWS it is to be held against.
//! Used by the stories, each of which has an account (ministack) or a region (moto) to itself.
#![allow(clippy::disallowed_methods)]

use super::http::{self, Answer};
use super::server::{self, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// No operation of an emulator takes nearly so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody's way into an account.
#[derive(Clone)]
pub struct Account {
    pub server: &'static Server,
    /// The access key. In ministack twelve digits are the account itself.
    pub key: String,
    pub region: String,
    /// The second of the last operation that somebody began.
    last_operation: Arc<Mutex<u64>>,
}

impl Account {
    /// An account in ministack that nobody else uses. None where the tests are to be skipped.
    pub fn new() -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
        let server = server::ministack()?;
        let key = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        Some(Self { server, key, region: "us-east-1".to_owned(), last_operation: Arc::default() })
    }

    /// A region of moto's only account. None where the tests are to be skipped.
    pub fn of_moto(region: &str) -> Option<Self> {
        let server = server::moto()?;
        Some(Self { server, key: "AKIAEXAMPLE".to_owned(), region: region.to_owned(), last_operation: Arc::default() })
    }

    /// The same account in another region.
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// The stacks of the account as somebody lists them: name and status, deleted ones too.
    pub fn stacks(&self) -> Vec<(String, String)> {
        let answer = self.ask("ListStacks", &[]);
        answer.texts("StackName").into_iter().zip(answer.texts("StackStatus")).collect()
    }

    /// Makes a stack and waits for its end. Answers its ARN.
    pub fn create(&self, name: &str, template: &Value) -> String {
        self.create_with(name, template, &[])
    }

    /// The same with further parameters.
    pub fn create_with(&self, name: &str, template: &Value, more: &[(&str, &str)]) -> String {
        let template = template.to_string();
        let mut parameters = vec![("StackName", name), ("TemplateBody", &template)];
        parameters.extend(more);
        let arn = self.done("CreateStack", &parameters).text("StackId");
        self.wait(&arn);
        arn
    }

    /// Updates a stack and waits for the end.
    pub fn update(&self, name: &str, template: &Value) {
        let template = template.to_string();
        let arn = self.done("UpdateStack", &[("StackName", name), ("TemplateBody", &template)]).text("StackId");
        self.wait(&arn);
    }

    /// Deletes a stack and waits for the end.
    pub fn delete(&self, arn: &str) {
        self.done("DeleteStack", &[("StackName", arn)]);
        self.wait(arn);
    }

    /// Makes a change set, and the stack where that is its type. Answers the stack's ARN.
    pub fn change_set(&self, stack: &str, name: &str, kind: &str, template: &Value) -> String {
        let template = template.to_string();
        let parameters =
            [("StackName", stack), ("ChangeSetName", name), ("ChangeSetType", kind), ("TemplateBody", &template)];
        self.done("CreateChangeSet", &parameters).text("StackId")
    }

    /// Executes a change set and waits for the end.
    pub fn execute(&self, stack: &str, name: &str) {
        self.done("ExecuteChangeSet", &[("StackName", stack), ("ChangeSetName", name)]);
        self.wait(stack);
    }

    /// The stack's status, once nothing is in progress any more.
    pub fn wait(&self, stack: &str) -> String {
        let began = Instant::now();
        loop {
            let status = self.ask("DescribeStacks", &[("StackName", stack)]).text("StackStatus");
            if status == "REVIEW_IN_PROGRESS" || !status.ends_with("_IN_PROGRESS") {
                return status;
            }
            assert!(began.elapsed() < PATIENCE, "{stack} is still {status}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The physical ids of a stack's resources.
    pub fn physical_ids(&self, stack: &str) -> Vec<String> {
        self.ask("ListStackResources", &[("StackName", stack)]).texts("PhysicalResourceId")
    }

    /// A bucket with one object; answers the object's URL as a template names it.
    pub fn template_url(&self, bucket: &str, template: &Value) -> String {
        // The names of buckets belong to everybody.
        let bucket = format!("{bucket}-{}", self.key);
        for (target, body) in
            [(format!("/{bucket}"), String::new()), (format!("/{bucket}/child.json"), template.to_string())]
        {
            let answer = self.send("PUT", "s3", &target, &[], body.as_bytes());
            assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        }
        format!("https://s3.amazonaws.com/{bucket}/child.json")
    }

    /// Waits for the next second where this one has seen an operation of the account already. CloudTrail knows whole
    /// seconds only, and no real operation is over within one: what happened in the same has no order.
    fn begin(&self) {
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut last = self.last_operation.lock().unwrap();
        while *last == second() {
            thread::sleep(Duration::from_millis(10));
        }
        *last = second();
    }

    /// Lets time pass, as it does between the end of an operation and what somebody does next.
    pub fn rest(&self) {
        thread::sleep(Duration::from_secs(3));
    }

    /// Calls CloudFormation to begin something, in a second of its own; a refusal is an answer too.
    pub fn attempt(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.begin();
        self.call(action, parameters)
    }

    /// Calls CloudFormation; a refusal is an answer too.
    fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Version", "2010-05-15");
        form.extend_pairs(parameters);
        // The emulator's trail records the form as it was sent, CloudTrail writes the names of parameters small.
        form.extend_pairs(parameters.iter().map(|(name, value)| (small(name), value)));
        // Only from the address does the trail learn what the call is named.
        let target = format!("/?Action={action}");
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.send("POST", "cloudformation", &target, &[kind], form.finish().as_bytes())
    }

    /// Begins something, which must not be refused.
    fn done(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let answer = self.attempt(action, parameters);
        assert_eq!(answer.status, 200, "{action} {parameters:?}: {}", answer.body);
        answer
    }

    /// Asks for something, which must not be refused.
    fn ask(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let answer = self.call(action, parameters);
        assert_eq!(answer.status, 200, "{action} {parameters:?}: {}", answer.body);
        answer
    }

    /// The newest 50 calls of the account's trail, newest first, as CloudTrail writes them down.
    pub fn trail(&self) -> Vec<Value> {
        let headers = [
            ("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
            ("Content-Type", "application/x-amz-json-1.1"),
        ];
        let answer = self.send("POST", "cloudtrail", "/", &headers, b"{}");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        let events = answer["Events"].as_array().unwrap();
        events.iter().map(|event| serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap()).collect()
    }

    fn send(&self, method: &str, service: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let Self { server, key, region, .. } = self;
        // Nobody checks the signature; who calls and where is read from it.
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={key}/20261118/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers = [&[("Authorization", signed.as_str())], headers].concat();
        http::request(server.address(), method, target, &headers, body).unwrap()
    }
}

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

/// A template of these resources.
pub fn template(resources: &[(&str, Value)]) -> Value {
    let resources: serde_json::Map<String, Value> =
        resources.iter().map(|(name, resource)| ((*name).to_owned(), resource.clone())).collect();
    json!({ "Resources": resources })
}

/// A resource that never fails.
pub fn queue() -> Value {
    json!({ "Type": "AWS::SQS::Queue" })
}

/// A resource that fails where its account has a thing of the name already.
pub fn thing(name: &str) -> Value {
    json!({ "Type": "AWS::IoT::Thing", "DependsOn": "Queue", "Properties": { "ThingName": name } })
}

/// A nested stack.
pub fn nested(url: &str) -> Value {
    json!({ "Type": "AWS::CloudFormation::Stack", "Properties": { "TemplateURL": url } })
}
