//! Holds the fake AWS of `tests/wire` to what AWS does: if it were kinder than AWS, every test against it would be worth less.
//! Paging is complete and without repetitions, windows are inclusive, refusals have AWS's codes and texts in both protocols.
//! The faults are tested over a real connection.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod wire;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;
use wire::world::TrailEvent;
use wire::{Fault, Faults, Reply, Request, Server, Stack, World, parse, render};

const REGION: &str = "eu-west-1";
const STACK: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/11111111-e347-11f1-86f8-1258e53126fb";
const DELETED: &str = "arn:aws:cloudformation:eu-west-1:111122223333:stack/shop/00000000-e347-11f1-86f8-1258e53126fb";
const CLUSTER: &str = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop";
const CHANGE_SET: &str = "arn:aws:cloudformation:eu-west-1:111122223333:changeSet/first/22222222";
const TARGET_GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/shop/1";

/// An account with seven of everything; the nth of them happened in minute n.
fn account() -> World {
    let at = |n: usize| format!("2026-11-18T12:0{n}:00+00:00");
    let seven = |record: &dyn Fn(usize) -> Value| (0..7).map(record).collect::<Vec<Value>>();
    let mut world = World::empty("111122223333");
    world.home = REGION.to_owned();
    for (id, status) in [(STACK, "CREATE_FAILED"), (DELETED, "DELETE_COMPLETE")] {
        let mut stack = Stack::new(json!({
            "StackId": id, "StackName": "shop", "CreationTime": at(0), "StackStatus": status,
        }));
        stack.events = seven(
            &|n| json!({ "StackId": id, "EventId": format!("e{n}"), "Timestamp": at(n), "ResourceStatusReason": "<a> & \"b\"\r\n" }),
        );
        stack.operation_events = seven(&|n| {
            let kind = if n < 4 { "STACK_EVENT" } else { "VALIDATION_ERROR" };
            json!({ "EventId": format!("o{n}"), "OperationId": "op", "EventType": kind, "Timestamp": at(n) })
        });
        stack.resources = seven(&|n| json!({ "LogicalResourceId": format!("R{n}"), "LastUpdatedTimestamp": at(n) }));
        stack.template = Some("Resources: {}\n".to_owned());
        world.stacks.push(stack);
    }
    for n in 1..7 {
        let id = STACK.replace("/shop/", &format!("/other{n}/"));
        let name = format!("other{n}");
        let record =
            json!({ "StackId": id, "StackName": name, "CreationTime": at(n), "StackStatus": "CREATE_COMPLETE" });
        world.stacks.push(Stack::new(record));
    }
    world.change_sets = seven(&|n| {
        let id = if n == 0 { CHANGE_SET.to_owned() } else { format!("{CHANGE_SET}{n}") };
        json!({ "ChangeSetId": id, "ChangeSetName": format!("set{n}"), "StackId": STACK, "StackName": "shop", "Status": "FAILED" })
    });
    world.hook_results = seven(
        &|n| json!({ "HookResultId": format!("h{n}"), "TargetType": "CHANGE_SET", "TargetId": CHANGE_SET, "Status": "HOOK_COMPLETE_FAILED" }),
    );
    world.stack_set_operations = seven(&|n| {
        let results = seven(&|n| json!({ "Account": n.to_string(), "Region": REGION, "Status": "FAILED" }));
        json!({ "StackSetName": "fleet", "OperationId": format!("s{n}"), "Results": results })
    });
    world.trail = (0..7)
        .filter_map(|n| {
            TrailEvent::new(json!({
                "eventID": format!("t{n}"),
                "eventName": if n % 2 == 0 { "DeleteStack" } else { "DescribeStacks" },
                "eventTime": format!("2026-11-18T12:0{n}:00Z"),
                "eventSource": "cloudformation.amazonaws.com",
                "awsRegion": if n == 6 { "us-east-1" } else { REGION },
                "readOnly": n % 2 == 1,
                "userIdentity": {
                    "type": "AssumedRole",
                    "arn": "arn:aws:sts::111122223333:assumed-role/deploy/dana",
                    "accessKeyId": "ASIAEXAMPLE",
                },
                "resources": [{ "ARN": STACK, "type": "AWS::CloudFormation::Stack" }],
            }))
        })
        .collect();
    world.rds_events = seven(&|n| {
        json!({
            "SourceIdentifier": if n % 2 == 0 { "db" } else { "other" },
            "SourceType": "db-instance",
            "Message": format!("m{n}"),
            "EventCategories": [if n < 3 { "creation" } else { "failure" }],
            "Date": at(n),
        })
    });
    world.db_instances = seven(&|n| json!({ "DBInstanceIdentifier": format!("db{n}"), "DBInstanceStatus": "failed" }));
    world.ecs_services = seven(
        &|n| json!({ "serviceArn": format!("arn:aws:ecs:eu-west-1:111122223333:service/shop/s{n}"), "serviceName": format!("s{n}"), "clusterArn": CLUSTER, "status": "ACTIVE" }),
    );
    world.service_deployments = seven(&|n| {
        json!({
            "serviceDeploymentArn": format!("arn:aws:ecs:eu-west-1:111122223333:service-deployment/shop/s0/d{n}"),
            "serviceArn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/s0",
            "clusterArn": CLUSTER,
            "createdAt": at(n),
            "status": "ROLLBACK_SUCCESSFUL",
        })
    });
    world.ecs_tasks = seven(
        &|n| json!({ "taskArn": format!("arn:aws:ecs:eu-west-1:111122223333:task/shop/t{n}"), "clusterArn": CLUSTER, "group": "service:s0", "desiredStatus": "STOPPED", "stoppedAt": at(n) }),
    );
    world.task_definitions = seven(
        &|n| json!({ "taskDefinitionArn": format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:{n}"), "revision": n }),
    );
    world.scaling_activities =
        seven(&|n| json!({ "ActivityId": format!("a{n}"), "AutoScalingGroupName": "fleet", "StartTime": at(n) }));
    world.target_health.insert(TARGET_GROUP.to_owned(), vec![json!({ "TargetHealth": { "State": "unhealthy" } })]);
    for group in ["/aws/lambda/provider", "/shop/a", "/shop/b", "/shop/c", "/shop/d", "/shop/e", "/shop/f"] {
        let events = seven(
            &|n| json!({ "eventId": format!("l{n}"), "logStreamName": format!("s{}", n % 2), "timestamp": 1000 + n, "message": format!("line {n} Error") }),
        );
        world.log_groups.insert(group.to_owned(), events);
    }
    world.sort();
    world
}

fn request(service: &str, operation: &str, parameters: Value) -> Request {
    Request { service: service.to_owned(), region: REGION.to_owned(), operation: operation.to_owned(), parameters }
}

fn ask(world: &World, service: &str, operation: &str, parameters: Value) -> Reply {
    world.reply(&request(service, operation, parameters))
}

/// The members of a list, each as its text or by the field that tells them apart.
fn members(output: &Value, list: &str, field: &str) -> Vec<String> {
    let members = output[list].as_array().unwrap_or_else(|| panic!("no {list} in {output}"));
    let text = |member: &Value| if field.is_empty() { member.clone() } else { member[field].clone() };
    members.iter().map(|member| text(member).as_str().unwrap().to_owned()).collect()
}

fn token_field(service: &str) -> &'static str {
    match service {
        "rds" => "Marker",
        "ecs" | "logs" => "nextToken",
        _ => "NextToken",
    }
}

/// All members of all pages, and how many pages there were.
fn all(
    world: &World,
    service: &str,
    operation: &str,
    parameters: &Value,
    list: &str,
    field: &str,
) -> (Vec<String>, usize) {
    let mut parameters = parameters.clone();
    let mut found = Vec::new();
    for pages in 1..100 {
        let output = ask(world, service, operation, parameters.clone()).unwrap();
        found.extend(members(&output, list, field));
        match output[token_field(service)].as_str() {
            Some(token) => parameters[token_field(service)] = json!(token),
            None => return (found, pages),
        }
    }
    panic!("{operation} never ends");
}

#[test]
fn calls_are_read_in_both_protocols() {
    let headers = |service: &str, target: &'static str| {
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20261118/us-east-1/{service}/aws4_request, SignedHeaders=host");
        move |name: &str| match name {
            "authorization" => Some(scope.clone()),
            "x-amz-target" if !target.is_empty() => Some(target.to_owned()),
            _ => None,
        }
    };
    for (service, target, body, operation, parameters) in [
        ("sts", "", "Action=GetCallerIdentity&Version=2011-06-15", "GetCallerIdentity", json!({})),
        (
            "cloudformation",
            "",
            "Action=ListStacks&Version=2010-05-15&StackStatusFilter.member.2=B&StackStatusFilter.member.1=A%20b&NextToken=x%2F%C3%A9+y",
            "ListStacks",
            json!({ "StackStatusFilter": ["A b", "B"], "NextToken": "x/é y" }),
        ),
        (
            "cloudformation",
            "",
            "Action=DescribeEvents&Version=2010-05-15&StackName=s&Filters.FailedEvents=true",
            "DescribeEvents",
            json!({ "StackName": "s", "Filters": { "FailedEvents": "true" } }),
        ),
        (
            "rds",
            "",
            "Action=DescribeEvents&Version=2014-10-31&Filters.Filter.1.Name=n&Filters.Filter.1.Values.Value.1=v",
            "DescribeEvents",
            json!({ "Filters": [{ "Name": "n", "Values": ["v"] }] }),
        ),
        ("logs", "Logs_20140328.FilterLogEvents", r#"{"startTime":5}"#, "FilterLogEvents", json!({ "startTime": 5 })),
        (
            "cloudtrail",
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
            "{}",
            "LookupEvents",
            json!({}),
        ),
    ] {
        let read = parse(headers(service, target), body.as_bytes()).unwrap();
        assert_eq!(
            read,
            Request { region: "us-east-1".to_owned(), ..request(service, operation, parameters) },
            "{body}"
        );
    }
    assert_eq!(parse(|_| None, b"Action=ListStacks"), None, "not signed");
    assert_eq!(parse(headers("ecs", ""), b"StackName=s"), None, "no action");
}

#[test]
fn answers_are_written_in_the_protocol_of_their_service() {
    let world = account();
    let mut parameters = json!({ "StackName": "shop" });
    let response = world.answer(&request("cloudformation", "DescribeStackEvents", parameters.clone()));
    assert_eq!((response.status, response.content_type), (200, "text/xml"));
    let start = "<DescribeStackEventsResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
                 <DescribeStackEventsResult><StackEvents><member>";
    assert!(response.body.starts_with(start), "{}", response.body);
    let reason = "<ResourceStatusReason>&lt;a&gt; &amp; &quot;b&quot;&#xD;\n</ResourceStatusReason>";
    assert!(response.body.contains(reason), "{}", response.body);
    assert!(response.body.contains("<Timestamp>2026-11-18T12:06:00Z</Timestamp>"), "{}", response.body);

    parameters["StackName"] = json!("gone");
    let response = world.answer(&request("cloudformation", "DescribeStackEvents", parameters));
    assert_eq!(response.status, 400);
    assert!(response.body.starts_with("<ErrorResponse xmlns="), "{}", response.body);
    for part in
        ["<Code>ValidationError</Code>", "<Message>Stack [gone] does not exist</Message>", "<Type>Sender</Type>"]
    {
        assert!(response.body.contains(part), "{part} is not in {}", response.body);
    }

    let rds = world.answer(&request("rds", "DescribeEvents", json!({})));
    assert!(rds.body.contains("<Events><Event><") && rds.body.contains("<EventCategory>creation</EventCategory>"));

    let task = world.answer(&request("ecs", "DescribeTasks", json!({ "cluster": "shop", "tasks": ["t1"] })));
    assert_eq!(task.content_type, "application/x-amz-json-1.1");
    let output: Value = serde_json::from_str(&task.body).unwrap();
    assert_eq!(output["tasks"][0]["stoppedAt"], json!(1_795_003_260.0));
    let trail = world.answer(&request("cloudtrail", "LookupEvents", json!({})));
    let output: Value = serde_json::from_str(&trail.body).unwrap();
    assert_eq!(output["Events"][0]["EventTime"], json!(1_795_003_500.0));
    assert_eq!(output["Events"][0]["Username"], "dana");

    let gone = world.answer(&request("logs", "FilterLogEvents", json!({ "logGroupName": "gone" })));
    let error = json!({ "__type": "ResourceNotFoundException", "message": "The specified log group does not exist." });
    assert_eq!((gone.status, serde_json::from_str(&gone.body).ok()), (400, Some(error)));
}

#[test]
fn every_list_pages_completely_and_without_repetition() {
    let stack = json!({ "StackName": STACK });
    let lists = [
        ("cloudformation", "DescribeStacks", json!({}), "Stacks", "StackId"),
        (
            "cloudformation",
            "ListStacks",
            json!({ "StackStatusFilter": ["CREATE_COMPLETE", "CREATE_FAILED"] }),
            "StackSummaries",
            "StackId",
        ),
        ("cloudformation", "DescribeStackEvents", stack.clone(), "StackEvents", "EventId"),
        ("cloudformation", "DescribeEvents", stack.clone(), "OperationEvents", "EventId"),
        ("cloudformation", "ListStackResources", stack.clone(), "StackResourceSummaries", "LogicalResourceId"),
        ("cloudformation", "ListChangeSets", stack.clone(), "Summaries", "ChangeSetId"),
        (
            "cloudformation",
            "ListHookResults",
            json!({ "TargetType": "CHANGE_SET", "TargetId": CHANGE_SET }),
            "HookResults",
            "HookResultId",
        ),
        ("cloudformation", "ListStackSetOperations", json!({ "StackSetName": "fleet" }), "Summaries", "OperationId"),
        (
            "cloudformation",
            "ListStackSetOperationResults",
            json!({ "StackSetName": "fleet", "OperationId": "s1" }),
            "Summaries",
            "Account",
        ),
        ("cloudtrail", "LookupEvents", json!({ "MaxResults": 50 }), "Events", "EventId"),
        ("rds", "DescribeEvents", json!({ "MaxRecords": "20" }), "Events", "Message"),
        ("rds", "DescribeDBInstances", json!({}), "DBInstances", "DBInstanceIdentifier"),
        (
            "autoscaling",
            "DescribeScalingActivities",
            json!({ "IncludeDeletedGroups": "true" }),
            "Activities",
            "ActivityId",
        ),
        ("ecs", "ListServices", json!({ "cluster": "shop" }), "serviceArns", ""),
        (
            "ecs",
            "ListTasks",
            json!({ "cluster": CLUSTER, "desiredStatus": "STOPPED", "serviceName": "s0" }),
            "taskArns",
            "",
        ),
        (
            "ecs",
            "ListServiceDeployments",
            json!({ "cluster": "shop", "service": "s0" }),
            "serviceDeployments",
            "serviceDeploymentArn",
        ),
        ("logs", "FilterLogEvents", json!({ "logGroupName": "/shop/a" }), "events", "eventId"),
        ("logs", "DescribeLogGroups", json!({}), "logGroups", "logGroupName"),
    ];
    for (service, operation, parameters, list, field) in lists {
        // The seventh event of the trail is in another region.
        let count = if service == "cloudtrail" { 6 } else { 7 };
        let mut world = account();
        let (whole, pages) = all(&world, service, operation, &parameters, list, field);
        assert_eq!((whole.len(), pages), (count, 1), "{operation}");
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), count, "{operation} repeats");
        world.page_size = 3;
        assert_eq!(
            all(&world, service, operation, &parameters, list, field),
            (whole.clone(), count.div_ceil(3)),
            "{operation}"
        );
        world.empty_log_pages = true;
        let (with_empty_pages, pages) = all(&world, service, operation, &parameters, list, field);
        assert_eq!(with_empty_pages, whole, "{operation}");
        assert_eq!(pages, if operation == "FilterLogEvents" { 6 } else { count.div_ceil(3) }, "{operation}");
    }
}

#[test]
fn a_token_is_good_only_for_the_call_it_came_from() {
    let mut world = account();
    world.page_size = 3;
    for (service, operation, parameters, other, code) in [
        (
            "cloudformation",
            "DescribeStackEvents",
            json!({ "StackName": STACK }),
            json!({ "StackName": DELETED }),
            "ValidationError",
        ),
        ("cloudtrail", "LookupEvents", json!({}), json!({ "StartTime": 0 }), "InvalidNextTokenException"),
        ("rds", "DescribeEvents", json!({}), json!({ "Duration": "60" }), "InvalidParameterValue"),
        (
            "logs",
            "FilterLogEvents",
            json!({ "logGroupName": "/shop/a" }),
            json!({ "logGroupName": "/shop/b" }),
            "InvalidParameterException",
        ),
    ] {
        let field = token_field(service);
        let token = ask(&world, service, operation, parameters.clone()).unwrap()[field].clone();
        for (mut parameters, token) in [(other, token), (parameters, json!("made-up"))] {
            parameters[field] = token;
            assert_eq!(ask(&world, service, operation, parameters).unwrap_err().code, code, "{operation}");
        }
    }
}

#[test]
fn a_stack_is_found_by_name_only_while_it_lives() {
    let world = account();
    for (name, found) in [("shop", Some(STACK)), (STACK, Some(STACK)), (DELETED, Some(DELETED)), ("gone", None)] {
        let parameters = json!({ "StackName": name });
        let stack = ask(&world, "cloudformation", "DescribeStacks", parameters.clone());
        assert_eq!(
            stack.ok().map(|output| output["Stacks"][0]["StackId"].clone()),
            found.map(|id| json!(id)),
            "{name}"
        );
        let events = ask(&world, "cloudformation", "DescribeStackEvents", parameters);
        assert_eq!(
            events.ok().map(|output| output["StackEvents"][0]["StackId"].clone()),
            found.map(|id| json!(id)),
            "{name}"
        );
    }
    let elsewhere = Request { region: "us-east-1".to_owned(), ..request("cloudformation", "ListStacks", json!({})) };
    assert_eq!(world.reply(&elsewhere).unwrap()["StackSummaries"], json!([]));
    let failed = json!({ "StackName": STACK, "Filters": { "FailedEvents": "true" } });
    let failed = ask(&world, "cloudformation", "DescribeEvents", failed).unwrap();
    assert_eq!(members(&failed, "OperationEvents", "EventId"), ["o6", "o5", "o4"]);
}

#[test]
fn the_trail_is_looked_up_by_one_attribute_in_an_inclusive_window() {
    let world = account();
    let minute = |n: i64| 1_795_003_200 + 60 * n;
    let by = |key: &str, value: &str| json!({ "LookupAttributes": [{ "AttributeKey": key, "AttributeValue": value }] });
    for (parameters, expected) in [
        (json!({}), "t5 t4 t3 t2 t1 t0"),
        (json!({ "StartTime": minute(1), "EndTime": minute(3) }), "t3 t2 t1"),
        (json!({ "StartTime": minute(1) + 1, "EndTime": minute(3) as f64 - 0.001 }), "t2"),
        (json!({ "MaxResults": 2 }), "t5 t4"),
        (by("EventName", "DeleteStack"), "t4 t2 t0"),
        (by("EventName", "deletestack"), ""),
        (by("ReadOnly", "true"), "t5 t3 t1"),
        (by("Username", "dana"), "t5 t4 t3 t2 t1 t0"),
        (by("EventId", "t3"), "t3"),
        (by("AccessKeyId", "ASIAEXAMPLE"), "t5 t4 t3 t2 t1 t0"),
        (by("ResourceName", STACK), "t5 t4 t3 t2 t1 t0"),
        (by("ResourceName", "shop"), ""),
        (by("ResourceType", "AWS::CloudFormation::Stack"), "t5 t4 t3 t2 t1 t0"),
        (by("EventSource", "s3.amazonaws.com"), ""),
    ] {
        let output = ask(&world, "cloudtrail", "LookupEvents", parameters.clone()).unwrap();
        assert_eq!(members(&output, "Events", "EventId").join(" "), expected, "{parameters}");
    }
}

#[test]
fn rds_events_have_a_window_of_an_hour_unless_told_otherwise() {
    let mut world = account();
    world.rds_events[0]["Date"] = json!("2026-11-18T11:00:00Z");
    for (parameters, expected) in [
        (json!({}), "m1 m2 m3 m4 m5 m6"),
        (json!({ "Duration": "66" }), "m0 m1 m2 m3 m4 m5 m6"),
        (json!({ "StartTime": "2026-11-18T12:02:00Z", "EndTime": "2026-11-18T12:04:00Z" }), "m2 m3 m4"),
        (json!({ "SourceType": "db-instance", "SourceIdentifier": "DB" }), "m2 m4 m6"),
        (json!({ "EventCategories": ["creation"] }), "m1 m2"),
    ] {
        let output = ask(&world, "rds", "DescribeEvents", parameters.clone()).unwrap();
        assert_eq!(members(&output, "Events", "Message").join(" "), expected, "{parameters}");
    }
}

#[test]
fn log_events_are_filtered_by_time_stream_and_terms() {
    let world = account();
    for (filter, expected) in [
        (json!({ "startTime": 1001, "endTime": 1003 }), "l1 l2 l3"),
        (json!({ "logStreamNames": ["s1"] }), "l1 l3 l5"),
        (json!({ "logStreamNamePrefix": "s" }), "l0 l1 l2 l3 l4 l5 l6"),
        (json!({ "filterPattern": "Error 3" }), "l3"),
        (json!({ "filterPattern": "error" }), ""),
        (json!({ "filterPattern": "?nothing ?4 \"line 5\"" }), "l4 l5"),
        (json!({ "filterPattern": "" }), "l0 l1 l2 l3 l4 l5 l6"),
    ] {
        let mut parameters = filter.clone();
        parameters["logGroupName"] = json!("/shop/a");
        let output = ask(&world, "logs", "FilterLogEvents", parameters).unwrap();
        assert_eq!(members(&output, "events", "eventId").join(" "), expected, "{filter}");
    }
}

#[test]
fn a_log_stream_ends_where_its_token_comes_again() {
    let mut world = account();
    world.page_size = 2;
    for (from_head, token_name, expected) in [
        (true, "nextForwardToken", vec![vec![1001, 1003], vec![1005], vec![]]),
        (false, "nextBackwardToken", vec![vec![1003, 1005], vec![1001], vec![]]),
    ] {
        let mut parameters = json!({ "logGroupName": "/shop/a", "logStreamName": "s1", "startFromHead": from_head });
        let mut pages = Vec::new();
        loop {
            let output = ask(&world, "logs", "GetLogEvents", parameters.clone()).unwrap();
            let times = output["events"].as_array().unwrap().iter().map(|event| event["timestamp"].as_i64().unwrap());
            pages.push(times.collect::<Vec<_>>());
            if parameters["nextToken"] == output[token_name] {
                break;
            }
            parameters["nextToken"] = output[token_name].clone();
        }
        assert_eq!(pages, expected, "{token_name}");
    }
    let before = json!({ "logGroupName": "/shop/a", "logStreamName": "s1", "startTime": 1001, "endTime": 1003 });
    let output = ask(&world, "logs", "GetLogEvents", before).unwrap();
    assert_eq!(output["events"].as_array().unwrap().len(), 1, "the end is exclusive");
}

#[test]
fn ecs_tells_what_is_missing_beside_what_is_there() {
    let world = account();
    let service = json!({ "cluster": "shop", "services": ["s1", "gone"] });
    let service = ask(&world, "ecs", "DescribeServices", service).unwrap();
    assert_eq!(members(&service, "services", "serviceName"), ["s1"]);
    let missing = json!([{ "arn": "arn:aws:ecs:eu-west-1:111122223333:service/shop/gone", "reason": "MISSING" }]);
    assert_eq!(service["failures"], missing);
    let running = ask(&world, "ecs", "ListTasks", json!({ "cluster": "shop" })).unwrap();
    assert_eq!(running["taskArns"], json!([]), "stopped tasks must be asked for");
    for (wanted, revision) in [("shop", 6), ("shop:3", 3)] {
        let definition = ask(&world, "ecs", "DescribeTaskDefinition", json!({ "taskDefinition": wanted })).unwrap();
        assert_eq!(definition["taskDefinition"]["revision"], revision, "{wanted}");
    }
}

#[test]
fn what_is_unknown_or_wrong_is_refused_in_the_words_of_aws() {
    let world = account();
    let twice = json!([{ "AttributeKey": "EventName", "AttributeValue": "a" }, { "AttributeKey": "ReadOnly", "AttributeValue": "true" }]);
    for (service, operation, parameters, status, code, message) in [
        (
            "cloudformation",
            "DescribeStacks",
            json!({ "StackName": "x" }),
            400,
            "ValidationError",
            "Stack with id x does not exist",
        ),
        (
            "cloudformation",
            "DescribeStackEvents",
            json!({ "StackName": "x" }),
            400,
            "ValidationError",
            "Stack [x] does not exist",
        ),
        (
            "cloudformation",
            "ListStackResources",
            json!({ "StackName": "x" }),
            400,
            "ValidationError",
            "Stack with id x does not exist",
        ),
        (
            "cloudformation",
            "GetTemplate",
            json!({ "StackName": "x" }),
            400,
            "ValidationError",
            "Stack with id x does not exist",
        ),
        ("cloudformation", "DescribeEvents", json!({}), 400, "ValidationError", ""),
        (
            "cloudformation",
            "DescribeChangeSet",
            json!({ "ChangeSetName": "x", "StackName": "shop" }),
            404,
            "ChangeSetNotFound",
            "ChangeSet [x] does not exist",
        ),
        ("cloudformation", "GetHookResult", json!({ "HookResultId": "x" }), 404, "HookResultNotFound", ""),
        (
            "cloudformation",
            "ListStackSetOperations",
            json!({ "StackSetName": "x" }),
            404,
            "StackSetNotFoundException",
            "",
        ),
        ("cloudformation", "DeleteStack", json!({ "StackName": "shop" }), 400, "InvalidAction", ""),
        (
            "cloudtrail",
            "LookupEvents",
            json!({ "LookupAttributes": twice }),
            400,
            "InvalidLookupAttributesException",
            "",
        ),
        ("cloudtrail", "LookupEvents", json!({ "MaxResults": 51 }), 400, "InvalidMaxResultsException", ""),
        ("cloudtrail", "LookupEvents", json!({ "StartTime": 2, "EndTime": 1 }), 400, "InvalidTimeRangeException", ""),
        ("cloudtrail", "CreateTrail", json!({}), 400, "UnknownOperationException", ""),
        ("rds", "DescribeEvents", json!({ "SourceIdentifier": "db" }), 400, "InvalidParameterCombination", ""),
        ("rds", "DescribeEvents", json!({ "MaxRecords": "19" }), 400, "InvalidParameterValue", ""),
        (
            "rds",
            "DescribeDBInstances",
            json!({ "DBInstanceIdentifier": "x" }),
            404,
            "DBInstanceNotFound",
            "DBInstance x not found.",
        ),
        (
            "ecs",
            "DescribeServices",
            json!({ "cluster": "x", "services": ["s"] }),
            400,
            "ClusterNotFoundException",
            "Cluster not found.",
        ),
        (
            "ecs",
            "DescribeServices",
            json!({ "cluster": "shop", "services": vec!["s"; 11] }),
            400,
            "InvalidParameterException",
            "",
        ),
        (
            "ecs",
            "ListTasks",
            json!({ "cluster": "shop", "serviceName": "x" }),
            400,
            "ServiceNotFoundException",
            "Service not found.",
        ),
        (
            "ecs",
            "DescribeTaskDefinition",
            json!({ "taskDefinition": "x" }),
            400,
            "ClientException",
            "Unable to describe task definition.",
        ),
        (
            "elasticloadbalancing",
            "DescribeTargetHealth",
            json!({ "TargetGroupArn": "x" }),
            400,
            "TargetGroupNotFound",
            "",
        ),
        (
            "logs",
            "FilterLogEvents",
            json!({ "logGroupName": "x" }),
            400,
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ),
        (
            "logs",
            "FilterLogEvents",
            json!({ "logGroupName": "/shop/a", "filterPattern": "?a-b" }),
            400,
            "InvalidParameterException",
            "",
        ),
        (
            "logs",
            "GetLogEvents",
            json!({ "logGroupName": "/shop/a", "logStreamName": "x" }),
            400,
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        ),
    ] {
        let refusal = ask(&world, service, operation, parameters.clone()).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (status, code), "{operation} {parameters}");
        assert!(message.is_empty() || refusal.message == message, "{operation}: {}", refusal.message);
    }
    let nowhere = Request { region: "xx-west-1".to_owned(), ..request("sts", "GetCallerIdentity", json!({})) };
    assert_eq!(world.reply(&nowhere).unwrap_err().code, "InvalidClientTokenId");
}

#[test]
fn every_fixture_becomes_an_account_that_tells_all_its_stack_events() {
    for entry in std::fs::read_dir("fixtures").unwrap() {
        let case = entry.unwrap().path();
        let world = World::from_case(&case);
        for stack in &world.stacks {
            let ask = |operation, list, field| {
                let parameters = json!({ "StackName": stack.id });
                let request =
                    Request { region: stack.region().to_owned(), ..request("cloudformation", operation, parameters) };
                members(&world.reply(&request).unwrap(), list, field)
            };
            assert_eq!(ask("DescribeStacks", "Stacks", "StackId"), [stack.id.as_str()], "{}", case.display());
            assert_eq!(
                ask("ListStackResources", "StackResourceSummaries", "LogicalResourceId").len(),
                stack.resources.len()
            );
            let events = ask("DescribeStackEvents", "StackEvents", "EventId");
            assert_eq!(events.len(), stack.events.len().min(world.page_size), "{}", case.display());
        }
    }
    let showboat = World::from_case(Path::new("fixtures/showboat"));
    let counts: Vec<usize> = showboat.stacks.iter().map(|stack| stack.events.len()).collect();
    assert_eq!((counts, showboat.trail.len(), showboat.rds_events.len()), (vec![191, 164], 24, 8));
    let shop = World::from_case(Path::new("fixtures/ecs-circuit-breaker"));
    assert_eq!(shop.log_groups["/shop/api"].len(), 51);
    assert_eq!(shop.target_health.values().next().unwrap().len(), 2);
    let nested = World::from_case(Path::new("fixtures/nested-three-deep"));
    assert_eq!(nested.stacks.iter().filter(|stack| stack.template.is_some()).count(), 3);
    let twice = World::from_case(Path::new("fixtures/cli-shuffled-duplicates"));
    assert_eq!(twice.stacks[0].events.len(), 31, "however the times of the copies were written");
}

#[test]
fn a_replaced_resource_is_listed_with_what_replaced_it() {
    let event = |n: usize, physical: &str, status: &str| {
        json!({
            "StackId": STACK, "StackName": "shop", "EventId": format!("e{n}"), "Timestamp": format!("2026-11-18T12:0{n}:00Z"),
            "LogicalResourceId": "Db", "PhysicalResourceId": physical, "ResourceStatus": status, "ResourceType": "AWS::RDS::DBInstance",
        })
    };
    let events = [
        event(0, "old", "CREATE_COMPLETE"),
        event(1, "new", "UPDATE_COMPLETE"),
        event(2, "old", "DELETE_IN_PROGRESS"),
        event(3, "old", "DELETE_COMPLETE"),
    ];
    let case = tempfile::tempdir().unwrap();
    std::fs::write(case.path().join("stack_events.json"), json!({ "StackEvents": events }).to_string()).unwrap();
    let world = World::from_case(case.path());
    let resource = &world.stacks[0].resources[0];
    assert_eq!(
        (&resource["PhysicalResourceId"], &resource["ResourceStatus"]),
        (&json!("new"), &json!("UPDATE_COMPLETE"))
    );
}

#[test]
fn a_large_account_has_what_was_asked_for() {
    for (resources, nested, events) in [(60, 3, 1000), (10, 0, 40), (500, 40, 3000), (0, 0, 10)] {
        let world = World::large(resources, nested, events);
        assert_eq!(world.stacks.len(), nested + 1);
        assert_eq!(world.stacks.iter().map(|stack| stack.events.len()).sum::<usize>(), events);
        let listed: usize = world.stacks.iter().map(|stack| stack.resources.len()).sum();
        assert_eq!(listed, resources + nested, "the root lists its nested stacks too");
        let root = world.stacks.iter().find(|stack| stack.name() == "orders-platform").unwrap();
        assert_eq!(root.record["StackStatus"], "UPDATE_ROLLBACK_COMPLETE");
        let mut ids = BTreeSet::new();
        let mut all = world.stacks.iter().flat_map(|stack| &stack.events);
        assert!(all.all(|event| ids.insert(event["EventId"].to_string())), "an event id comes twice");
        let failed = world.trail.iter().filter(|event| event.event.to_string().contains("errorCode")).count();
        assert_eq!(failed, usize::from(resources > 0));
    }
    let rendered = |world: World| render(&request("ecs", "", json!({})), &Ok(json!(world.stacks[0].events))).body;
    assert_eq!(rendered(World::large(50, 2, 500)), rendered(World::large(50, 2, 500)));
}

/// A client of one connection, which sees exactly what came over the wire.
struct Client(TcpStream);

impl Client {
    fn of(server: &Server) -> Client {
        let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client(stream)
    }

    fn send(&mut self, service: &str, operation: &str, parameters: &str) {
        let (target, body) = match service {
            "logs" => (format!("x-amz-target: Logs_20140328.{operation}\r\n"), parameters.to_owned()),
            _ => (String::new(), format!("Action={operation}&Version=1&{parameters}")),
        };
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential=AKID/20261118/{REGION}/{service}/aws4_request, Signature=0");
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: aws\r\nAuthorization: {authorization}\r\n{target}Content-Length: {length}\r\n\r\n"
        );
        self.0.write_all((head + &body).as_bytes()).unwrap();
    }

    /// The status, the length that was promised, and what came; without a status where nothing did.
    fn receive(&mut self) -> (Option<u16>, usize, String) {
        let mut text = String::new();
        let mut bytes = [0; 4096];
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
                if body.len() >= length {
                    return (status(&text), length, body.to_owned());
                }
            }
            match self.0.read(&mut bytes) {
                Ok(read) if read > 0 => text += std::str::from_utf8(&bytes[..read]).unwrap(),
                _ => break,
            }
        }
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        (status(&text), length.unwrap_or_default(), body.to_owned())
    }
}

fn status(text: &str) -> Option<u16> {
    text.split(' ').nth(1)?.parse().ok()
}

#[test]
fn connections_stay_open_and_calls_are_kept() {
    let server = Server::of(account());
    let mut clients: Vec<Client> = (0..4).map(|_| Client::of(&server)).collect();
    for _ in 0..3 {
        clients.iter_mut().for_each(|client| client.send("cloudformation", "DescribeStacks", "StackName=shop"));
        for client in &mut clients {
            let (status, _, body) = client.receive();
            assert_eq!(status, Some(200));
            assert!(body.contains("<StackName>shop</StackName>"));
        }
    }
    let calls = server.calls();
    assert_eq!(calls.len(), 12);
    let first = &calls[0];
    assert_eq!((first.service.as_str(), first.operation.as_str()), ("cloudformation", "DescribeStacks"));
    assert_eq!(
        (&first.parameters["StackName"], first.region.as_str(), first.status),
        (&json!("shop"), REGION, Some(200))
    );
    server.change(World::empty("111122223333"));
    clients[0].send("cloudformation", "DescribeStacks", "StackName=shop");
    assert_eq!(clients[0].receive().0, Some(400));
    drop(server);
    assert_eq!(clients[1].receive().0, None, "the connection is still open");
}

#[test]
fn faults_come_over_the_wire_and_only_where_they_were_told_to() {
    let faults = || {
        Faults::none()
            .on("cloudformation", "ListStacks", 1..=1, Fault::throttling("cloudformation"))
            .on("logs", "*", ..1, Fault::access_denied("logs", "FilterLogEvents"))
            .on("cloudformation", "DescribeStackEvents", 0..1, Fault::Reset)
            .on("cloudformation", "GetTemplate", 0..1, Fault::Truncated)
            .on("cloudformation", "DescribeStacks", 0..1, Fault::Garbage)
            .on("sts", "*", .., Fault::Hang)
            .rule(|request, _| {
                (request.operation == "ListChangeSets").then_some(Fault::Delay(Duration::from_millis(1)))
            })
    };
    let server = Server::start(account(), faults(), Duration::ZERO);
    let call = |service: &str, operation: &str, parameters: &str| {
        let mut client = Client::of(&server);
        client.send(service, operation, parameters);
        client.receive()
    };
    assert_eq!(call("cloudformation", "ListStacks", "").0, Some(200));
    let (status, _, body) = call("cloudformation", "ListStacks", "");
    assert!(status == Some(400) && body.contains("<Code>Throttling</Code>"), "{body}");
    assert_eq!(call("cloudformation", "ListStacks", "").0, Some(200));
    let (status, _, body) = call("logs", "FilterLogEvents", "{}");
    assert!(status == Some(400) && body.contains(r#""__type":"AccessDeniedException""#), "{body}");

    let stack = "StackName=shop";
    let (status, promised, body) = call("cloudformation", "DescribeStackEvents", stack);
    assert!(status == Some(200) && !body.is_empty() && body.len() < promised, "reset: {} of {promised}", body.len());
    let (_, promised, body) = call("cloudformation", "GetTemplate", stack);
    assert!(body.len() == promised && !body.contains("</GetTemplateResponse>"), "truncated: {body}");
    let (status, _, body) = call("cloudformation", "DescribeStacks", stack);
    assert!(status == Some(200) && !body.contains("DescribeStacks"), "garbage: {body}");
    for operation in ["DescribeStackEvents", "GetTemplate", "DescribeStacks", "ListChangeSets"] {
        let (status, _, body) = call("cloudformation", operation, stack);
        assert!(status == Some(200) && body.trim_end().ends_with(&format!("</{operation}Response>")), "{body}");
    }
    let mut waiting = Client::of(&server);
    waiting.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    waiting.send("sts", "GetCallerIdentity", "");
    assert_eq!(waiting.receive().0, None);
    while server.calls().last().is_none_or(|call| call.service != "sts") {
        std::thread::yield_now();
    }
    let hung = server.calls().pop().unwrap();
    assert_eq!((hung.operation.as_str(), hung.status, hung.took), ("GetCallerIdentity", None, None));
}

#[test]
fn pages_can_be_empty_and_tokens_can_go_in_circles() {
    let mut world = account();
    world.page_size = 3;
    let token = |body: &str| {
        let token = body.split("<NextToken>").nth(1)?;
        Some(token.split('<').next()?.to_owned())
    };
    let ids = |body: &str| -> Vec<String> {
        body.split("<EventId>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
    };
    for (fault, calls, expected) in [
        (Fault::EmptyPage, 6, vec!["", "e6 e5 e4", "", "e3 e2 e1", "", "e0"]),
        (Fault::RepeatToken, 4, vec!["e6 e5 e4", "e6 e5 e4", "e6 e5 e4", "e6 e5 e4"]),
    ] {
        let faults = Faults::none().on("*", "*", .., fault.clone());
        let server = Server::start(world.clone(), faults, Duration::ZERO);
        let mut client = Client::of(&server);
        let mut next = String::new();
        let mut pages = Vec::new();
        for _ in 0..calls {
            client.send("cloudformation", "DescribeStackEvents", &format!("StackName=shop&NextToken={next}"));
            let (_, _, body) = client.receive();
            pages.push(ids(&body).join(" "));
            next = token(&body).unwrap_or_default();
        }
        assert_eq!(pages, expected, "{fault:?}");
    }
}
