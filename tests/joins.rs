//! What is joined with a failure, and what is not: small stories in which an innocent neighbour stands by.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::diagnose::{Diagnosis, diagnose};
use cfn_forensics::report::select::{Question, select};
use cfn_forensics::rules::{Catalogue, Ground};
use cfn_forensics::{case, operation, timeline};
use serde_json::{Value, json};
use std::fs;
use std::sync::LazyLock;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";
const EARLIER: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000000";
const DEPLOYER: &str = "arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation";
const NOT_STABLE: &str = "Resource handler returned message: \"Exceeded attempts to wait\" (RequestToken: 1, HandlerErrorCode: NotStabilized)";

/// A story: sources with their records.
#[derive(Default)]
struct Told {
    rows: Vec<Value>,
    calls: Vec<Value>,
    logs: Vec<Value>,
    deploy_log: String,
}

impl Told {
    /// A create of `resource` that fails at 12:10 with `reason`.
    fn create_fails(kind: &str, resource: &str, physical: &str, reason: &str) -> Self {
        let told = Self::default();
        let told = told.row(
            STACK,
            "Shop",
            STACK,
            "AWS::CloudFormation::Stack",
            "CREATE_IN_PROGRESS",
            "12:00:00",
            "User Initiated",
        );
        let told = told.row(STACK, resource, physical, kind, "CREATE_IN_PROGRESS", "12:00:10", "");
        let told = told.row(STACK, resource, physical, kind, "CREATE_FAILED", "12:10:00", reason);
        told.row(
            STACK,
            "Shop",
            STACK,
            "AWS::CloudFormation::Stack",
            "ROLLBACK_IN_PROGRESS",
            "12:10:02",
            &format!("The following resource(s) failed to create: [{resource}]. Rollback requested by user."),
        )
    }

    #[allow(clippy::too_many_arguments)] // the columns of a row
    fn row(
        mut self,
        stack: &str,
        logical: &str,
        physical: &str,
        kind: &str,
        status: &str,
        time: &str,
        reason: &str,
    ) -> Self {
        let at = if time.contains('T') { format!("{time}Z") } else { format!("2026-11-18T{time}Z") };
        self.rows.push(json!({ "StackId": stack, "StackName": "Shop", "EventId": self.rows.len().to_string(), "LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind, "Timestamp": at, "ResourceStatus": status, "ResourceStatusReason": if reason.is_empty() { Value::Null } else { reason.into() } }));
        self
    }

    fn call(mut self, at: &str, who: &str, service: &str, action: &str, name: &str, error: Option<&str>) -> Self {
        let by_cloudformation = who.ends_with("/AWSCloudFormation");
        let mut record = json!({ "eventVersion": "1.11", "eventID": format!("call-{}", self.calls.len()), "eventTime": format!("{at}Z"), "eventSource": format!("{service}.amazonaws.com"), "eventName": action, "awsRegion": "eu-west-1", "readOnly": false, "requestParameters": {"name": name},
            "sourceIPAddress": if by_cloudformation { "cloudformation.amazonaws.com" } else { "203.0.113.9" }, "userAgent": "aws-cli/2.31",
            "userIdentity": {"type": if who.contains(":user/") { "IAMUser" } else { "AssumedRole" }, "arn": who, "accountId": "111122223333", "userName": "ines"} });
        if let Some(message) = error {
            record["errorCode"] = "AccessDenied".into();
            record["errorMessage"] = message.into();
        }
        self.calls.push(record);
        self
    }

    fn log(mut self, at: &str, stream: &str, message: &str) -> Self {
        let at = chrono::DateTime::parse_from_rfc3339(&format!("{at}Z")).unwrap().timestamp_millis();
        self.logs.push(json!({ "timestamp": at, "message": message, "logStreamName": stream, "logGroupName": "/aws/lambda/shop-seed" }));
        self
    }

    fn diagnosis(&self) -> Diagnosis {
        let dir = tempfile::tempdir().unwrap();
        let mut rows = self.rows.clone();
        rows.sort_by_key(|row| std::cmp::Reverse(row["Timestamp"].as_str().unwrap().to_owned()));
        let write = |name: &str, content: String| fs::write(dir.path().join(name), content).unwrap();
        write("stack_events.json", json!({ "StackEvents": rows }).to_string());
        write("cloudtrail.json", json!({ "Records": self.calls }).to_string());
        write("log_events.json", json!({ "events": self.logs }).to_string());
        if !self.deploy_log.is_empty() {
            write("deploy_log.txt", self.deploy_log.clone());
        }
        let capture = case::read(dir.path()).unwrap();
        let timeline = timeline::build(&capture, timeline::Options::default());
        let history = operation::cut(&timeline);
        let selection = select(&timeline, &history, &Question::default()).unwrap().of_story(&history);
        diagnose(&timeline, &history, selection.story.as_ref().unwrap(), &CATALOGUE)
    }

    /// The first cause, or what there is in place of it.
    fn cause(&self) -> String {
        let diagnosis = self.diagnosis();
        let cause = diagnosis.hypotheses().next().map(|first| first.cause.clone());
        match (diagnosis.failed, cause) {
            (false, _) => "nothing failed".to_owned(),
            (true, cause) => cause.unwrap_or_else(|| "not known".to_owned()),
        }
    }
}

fn denied(who: &str, action: &str) -> String {
    format!(
        "User: {who} is not authorized to perform: {action} on resource: * because no identity-based policy allows the {action} action"
    )
}

#[test]
fn a_refusal_explains_vague_words_only_where_it_is_the_stacks_own() {
    let vague = || Told::create_fails("AWS::S3::Bucket", "Uploads", "shop-uploads", "Internal Failure");
    let own = vague().call(
        "2026-11-18T12:09:59",
        DEPLOYER,
        "s3",
        "PutBucketTagging",
        "shop-uploads",
        Some(&denied(DEPLOYER, "s3:PutBucketTagging")),
    );
    assert_eq!(own.cause(), "permission.denied");
    let bob = "arn:aws:iam::111122223333:user/bob";
    let bystander = vague().call(
        "2026-11-18T12:09:59",
        bob,
        "s3",
        "PutBucketTagging",
        "shop-uploads",
        Some(&denied(bob, "s3:PutBucketTagging")),
    );
    assert_eq!(bystander.cause(), "service.internal");
    // Where the failure says why, what else was refused meanwhile is none of its business.
    let taken =
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system.";
    let other = Told::create_fails("AWS::S3::Bucket", "Uploads", "shop-uploads", taken).call(
        "2026-11-18T12:09:59",
        DEPLOYER,
        "iam",
        "CreateRole",
        "shop-role",
        Some(&denied(DEPLOYER, "iam:CreateRole")),
    );
    let diagnosis = other.diagnosis();
    let causes: Vec<&str> = diagnosis.hypotheses().map(|held| held.cause.as_str()).collect();
    assert!(causes.first() == Some(&"resource.already-exists") && !causes.contains(&"permission.denied"), "{causes:?}");
}

#[test]
fn a_whole_cloudtrail_without_a_refusal_speaks_for_what_the_words_say() {
    let vague = || Told::create_fails("AWS::S3::Bucket", "Uploads", "shop-uploads", "Internal Failure");
    let seen = vague().call("2026-11-18T12:00:11", DEPLOYER, "s3", "CreateBucket", "shop-uploads", None).diagnosis();
    let first = seen.hypotheses().next().unwrap();
    let silent = first.evidence.iter().find(|evidence| matches!(evidence.ground, Ground::Silence("cloudtrail")));
    assert!(first.cause == "service.internal" && silent.is_some_and(|evidence| evidence.decibans > 0.0), "{first:?}");
}

#[test]
fn a_deployers_own_refusal_is_not_called_a_services() {
    let reason = denied(DEPLOYER, "sqs:CreateQueue");
    let diagnosis = Told::create_fails("AWS::SQS::Queue", "Orders", "", &reason).diagnosis();
    let first = diagnosis.hypotheses().next().unwrap();
    assert_eq!(first.rule, "denied-action");
    assert!(first.advice.title.contains("sqs:CreateQueue"), "{}", first.advice.title);
    let fixes = first.advice.fixes.join("\n");
    assert!(fixes.contains("arn:aws:iam::111122223333:role/deployer"), "{fixes}");
}

#[test]
fn what_was_deleted_by_hand_is_missed_only_if_it_was_the_stacks() {
    let ines = "arn:aws:iam::111122223333:user/ines";
    let missed = |text: &str| {
        Told::create_fails("AWS::Lambda::EventSourceMapping", "Feed", "", text).row(
            STACK,
            "Jobs",
            "jobs-main",
            "AWS::SQS::Queue",
            "CREATE_COMPLETE",
            "2026-11-01T08:00:00",
            "",
        )
    };
    let gone = "The specified queue jobs-main does not exist";
    let deleted = missed(gone).call("2026-11-18T09:00:00", ines, "sqs", "DeleteQueue", "jobs-main", None);
    assert_eq!(deleted.cause(), "drift.out-of-band");
    for innocent in [
        // Of another service, under the same name.
        missed(gone).call("2026-11-18T09:00:00", ines, "dynamodb", "DeleteTable", "jobs-main", None),
        // Before the stack had made it.
        missed(gone).call("2026-10-30T09:00:00", ines, "sqs", "DeleteQueue", "jobs-main", None),
        // Another name that only begins like it.
        missed("The specified queue jobs-main-worker does not exist").call(
            "2026-11-18T09:00:00",
            ines,
            "sqs",
            "DeleteQueue",
            "jobs-main",
            None,
        ),
    ] {
        assert_eq!(innocent.cause(), "resource.not-found");
    }
}

#[test]
fn a_leftover_was_made_and_kept_by_an_earlier_stack() {
    let taken = "shop-uploads already exists";
    let again = || Told::create_fails("AWS::S3::Bucket", "Uploads", "shop-uploads", taken);
    let earlier = |told: Told, kind: &str, name: &str, status: &str| {
        told.row(EARLIER, "Shop", EARLIER, "AWS::CloudFormation::Stack", "DELETE_COMPLETE", "2026-10-01T08:00:09", "")
            .row(EARLIER, "Uploads", name, kind, status, "2026-10-01T08:00:00", "")
    };
    let rule = |told: &Told| told.diagnosis().hypotheses().next().map(|first| first.rule.clone()).unwrap_or_default();
    assert_eq!(
        rule(&earlier(again(), "AWS::S3::Bucket", "shop-uploads", "DELETE_SKIPPED")),
        "left-over-from-earlier-incarnation"
    );
    for innocent in [
        earlier(again(), "AWS::S3::Bucket", "shop-uploads", "DELETE_COMPLETE"),
        earlier(again(), "AWS::S3::Bucket", "shop-uploads", "CREATE_FAILED"),
        earlier(again(), "AWS::ECS::Cluster", "shop", "DELETE_SKIPPED"),
    ] {
        assert_eq!(rule(&innocent), "already-exists");
    }
}

#[test]
fn a_log_line_counts_for_a_custom_resource_only_from_its_own_stream() {
    let reason = "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/18/[$LATEST]aaaa (RequestId: 0a1b2c3d-0001)";
    let line = "ERROR AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/shop-seed/shop-seed is not authorized to perform: dynamodb:PutItem on resource: orders";
    let told = |stream: &str| {
        Told::create_fails("Custom::Seed", "Seed", "", reason)
            .row(STACK, "SeedFn", "shop-seed", "AWS::Lambda::Function", "CREATE_COMPLETE", "12:00:05", "")
            .log("2026-11-18T12:09:58", stream, line)
    };
    assert_eq!(told("2026/11/18/[$LATEST]aaaa").cause(), "permission.denied");
    assert_eq!(told("2026/11/18/[$LATEST]bbbb").cause(), "custom-resource.failed");
}

#[test]
fn an_innocent_certificate_is_not_blamed() {
    let waiting = "Content of DNS Record is: {Name: _a.example.com.,Type: CNAME,Value: _b.acm-validations.aws.}";
    let with = |told: Told, at: &str| {
        told.row(STACK, "Cert", "arn:cert", "AWS::CertificateManager::Certificate", "CREATE_IN_PROGRESS", at, waiting)
    };
    let service = Told::create_fails("AWS::ECS::Service", "Api", "", NOT_STABLE);
    assert_ne!(with(service, "12:09:00").cause(), "timeout.validation");
    let certificate = Told::create_fails("AWS::CertificateManager::Certificate", "Cert", "arn:cert", NOT_STABLE);
    assert_eq!(with(certificate, "12:00:20").cause(), "timeout.validation");
}

#[test]
fn trouble_that_a_tool_got_over_is_no_failure() {
    let update = |log: &str| {
        let mut told = Told::default()
            .row(STACK, "Shop", STACK, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", "12:00:00", "User Initiated")
            .row(STACK, "Shop", STACK, "AWS::CloudFormation::Stack", "UPDATE_COMPLETE", "12:05:00", "");
        told.deploy_log = log.to_owned();
        told
    };
    let throttled = "2026-11-18T12:01:00Z Error: toomanyrequests: Rate exceeded; falling back to the mirror\n2026-11-18T12:05:01Z \u{2705}  Shop\n";
    assert_eq!(update(throttled).cause(), "nothing failed");
    for well in [
        "2026-11-18T12:05:01Z Successfully created/updated stack - Shop, No changes to deploy. Stack Shop is up to date\n",
        "2026-11-18T12:05:01Z \u{2705}  Shop (no changes)\n",
    ] {
        assert_eq!(update(well).cause(), "nothing failed", "{well}");
    }
    let expired =
        "2026-11-18T12:03:00Z Error: ExpiredTokenException: The security token included in the request is expired\n";
    assert_eq!(update(expired).cause(), "credentials.invalid");
}

#[test]
fn what_only_failed_somehow_shares_no_cause() {
    let both = Told::create_fails("AWS::ECS::Service", "Api", "", NOT_STABLE)
        .row(STACK, "Db", "", "AWS::RDS::DBInstance", "CREATE_IN_PROGRESS", "12:00:10", "")
        .row(STACK, "Db", "", "AWS::RDS::DBInstance", "CREATE_FAILED", "12:10:01", NOT_STABLE);
    let diagnosis = both.diagnosis();
    assert_eq!(diagnosis.explanations.len(), 2);
    assert!(diagnosis.explanations.iter().all(|explanation| explanation.also.is_empty()));
}
