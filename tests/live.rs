//! Stories that are told twice: to a real emulator of AWS, by plain HTTP, and by the real binary, which asks that emulator.
//! The first run installs the emulators and needs python3 and a package index; `CFN_FORENSICS_SKIP_LIVE=1` leaves it out.
//! What an emulator does otherwise than AWS is said where it matters, and is never what a story expects of us.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "live/account.rs"]
mod account;
#[path = "live/binary.rs"]
mod binary;
#[path = "live/http.rs"]
mod http;
#[path = "live/server.rs"]
mod server;

use account::{Account, nested, queue, template, thing};
use binary::{Told as _, offline};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// What ministack says of a thing that is there already: AWS's own words.
const EXISTS: &str = "Resource of type 'AWS::IoT::Thing' with identifier 'meter' already exists.";

/// A stack that has nothing that could fail.
fn fine() -> Value {
    template(&[("Queue", queue())])
}

/// A stack with a thing, of whose name there can be but one.
fn with_thing() -> Value {
    template(&[("Queue", queue()), ("Thing", thing("meter"))])
}

/// An account in which the thing is taken, so that every other stack with it fails.
fn taken() -> Option<Account> {
    let account = Account::new()?;
    account.create("owner", &with_thing());
    Some(account)
}

fn timeline(account: &Account, stack: &str) -> Value {
    account.run(&["timeline", "--stack", stack, "--format", "json"]).ends(0).json()
}

fn whole_timeline(account: &Account, stack: &str) -> Value {
    account.run(&["timeline", "--stack", stack, "--operation", "all", "--format", "json"]).ends(0).json()
}

/// The reason of the one row of this status and resource.
fn reason<'v>(told: &'v Value, status: &str, logical_id: &str) -> &'v str {
    let rows = told["events"].as_array().unwrap();
    let found: Vec<&Value> =
        rows.iter().filter(|row| row["status"] == status && row["logical_id"] == logical_id).collect();
    let [row] = found[..] else { panic!("{} rows of {status} {logical_id} in {rows:#?}", found.len()) };
    row["message"].as_str().unwrap_or_default()
}

/// The role that an operation gives to the failure of this resource.
fn role_of_failure<'v>(told: &'v Value, logical_id: &str) -> Vec<(&'v str, &'v str)> {
    let operations = told["operations"].as_array().unwrap().iter();
    let failures = operations.flat_map(|operation| {
        operation["failures"].as_array().unwrap().iter().map(move |failure| (operation, failure))
    });
    failures
        .filter(|(_, failure)| failure["logical_id"] == logical_id)
        .map(|(operation, failure)| (operation["kind"].as_str().unwrap(), failure["role"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_stack_that_succeeds() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create succeeded"]);
    let rows = ["CREATE_IN_PROGRESS shop", "CREATE_IN_PROGRESS Queue", "CREATE_COMPLETE Queue", "CREATE_COMPLETE shop"];
    assert_eq!(told.rows(), rows);
    assert_eq!(reason(&told, "CREATE_IN_PROGRESS", "shop"), "User Initiated");
    // Nothing was refused; that CloudTrail is late is always a gap of so young a story.
    assert_eq!(told.gaps(), ["cloudtrail: calls of the last 15 minutes may not be recorded yet"]);
    account.run(&["diagnose", "--stack", "shop"]).ends(0).says(&["nothing failed"]);
}

#[test]
fn a_stack_that_fails_and_is_rolled_back() {
    let Some(account) = taken() else { return };
    account.create("shop", &with_thing());
    account.run(&["timeline", "--stack", "shop"]).ends(0).says(&[
        "✗ shop: create failed",
        "✓ shop: rollback succeeded",
        "ROOT failure   CREATE_FAILED Thing (AWS::IoT::Thing)",
        EXISTS,
    ]);
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded"]);
    assert_eq!(reason(&told, "CREATE_FAILED", "Thing"), EXISTS);
    assert_eq!(role_of_failure(&told, "Thing"), [("create", "root")]);
    let diagnosis = account.run(&["diagnose", "--stack", "shop"]).ends(10);
    diagnosis.says(&["cause: AWS::IoT::Thing meter exists already", EXISTS, "type-identifier-exists"]);
    let failed = account.run(&["timeline", "--stack", "shop", "--failed", "--format", "json"]).ends(0).json();
    assert!(failed.rows().contains(&"CREATE_FAILED Thing".to_owned()), "{failed:#}");
    assert!(!failed.rows().contains(&"CREATE_COMPLETE Queue".to_owned()), "{failed:#}");
}

#[test]
fn rows_of_the_same_instant_keep_the_order_in_which_aws_tells_them() {
    let Some(account) = taken() else { return };
    account.create("shop", &with_thing());
    // The emulator is done within a millisecond or two; whoever reads it must not see the queue deleted before it was made.
    let rows = [
        "CREATE_IN_PROGRESS shop",
        "CREATE_IN_PROGRESS Queue",
        "CREATE_COMPLETE Queue",
        "CREATE_IN_PROGRESS Thing",
        "CREATE_FAILED Thing",
        "ROLLBACK_IN_PROGRESS shop",
        "DELETE_IN_PROGRESS Queue",
        "DELETE_COMPLETE Queue",
        "ROLLBACK_COMPLETE shop",
    ];
    assert_eq!(timeline(&account, "shop").rows(), rows);
}

#[test]
fn a_cause_that_takes_time() {
    let Some(account) = Account::new() else { return };
    let waiting = template(&[
        ("Queue", queue()),
        ("Handle", json!({ "Type": "AWS::CloudFormation::WaitConditionHandle" })),
        (
            "Wait",
            json!({
                "Type": "AWS::CloudFormation::WaitCondition",
                "DependsOn": "Queue",
                "Properties": { "Handle": { "Ref": "Handle" }, "Timeout": "1" },
            }),
        ),
    ]);
    account.create("shop", &waiting);
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded"]);
    let says = "WaitCondition timed out. Received 0 conditions when expecting 1";
    assert_eq!(reason(&told, "CREATE_FAILED", "Wait"), says);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&[says]);
}

#[test]
fn a_custom_resource_without_its_function() {
    let Some(account) = Account::new() else { return };
    let provider = format!("arn:aws:lambda:us-east-1:{}:function:provider", account.key);
    let custom = json!({ "Type": "Custom::Thing", "DependsOn": "Queue", "Properties": { "ServiceToken": provider } });
    account.create("shop", &template(&[("Queue", queue()), ("Custom", custom)]));
    let says = format!(
        "Custom resource ServiceToken '{provider}' not found. \
         Ensure the Lambda function is provisioned before the custom resource."
    );
    assert_eq!(reason(&timeline(&account, "shop"), "CREATE_FAILED", "Custom"), says);
    let diagnosis = account.run(&["diagnose", "--stack", "shop"]);
    // The words are the emulator's own: no rule has to know them, and nobody may lose them.
    assert!(diagnosis.code == 10 || diagnosis.code == 11, "{diagnosis}");
    diagnosis.says(&[&says]);
}

#[test]
fn a_failed_update() {
    let Some(account) = taken() else { return };
    account.create("shop", &fine());
    account.update("shop", &with_thing());
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["update failed", "rollback succeeded"]);
    // AWS says CREATE_FAILED of a resource that is new; the emulator does not.
    assert_eq!(reason(&told, "UPDATE_FAILED", "Thing"), EXISTS);
    assert_eq!(role_of_failure(&told, "Thing"), [("update", "root")]);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&["update failed", EXISTS]);
    // What came before is there for who asks for it.
    let all = whole_timeline(&account, "shop");
    assert_eq!(all.operations(), ["create succeeded", "update failed", "rollback succeeded"]);
}

#[test]
fn an_update_that_succeeds() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    account.update("shop", &template(&[("Queue", queue()), ("More", queue())]));
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["update succeeded"]);
    account.run(&["diagnose", "--stack", "shop"]).ends(0).says(&["update succeeded", "nothing failed"]);
}

#[test]
fn a_stack_that_is_deleted_on_failure() {
    let Some(account) = taken() else { return };
    account.create_with("shop", &with_thing(), &[("OnFailure", "DELETE")]);
    // Nothing is left but what ListStacks tells of it.
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded", "delete succeeded"]);
    assert_eq!(reason(&told, "CREATE_FAILED", "Thing"), EXISTS);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&["create failed", EXISTS]);
}

#[test]
fn a_stack_that_is_left_as_it_failed() {
    let Some(account) = taken() else { return };
    account.create_with("shop", &with_thing(), &[("OnFailure", "DO_NOTHING")]);
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed"]);
    assert_eq!(role_of_failure(&told, "Thing"), [("create", "root")]);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&[EXISTS]);
}

#[test]
fn a_deleted_stack_is_found_by_name_and_by_arn() {
    let Some(account) = Account::new() else { return };
    let arn = account.create("shop", &fine());
    account.delete(&arn);
    for stack in ["shop", &arn] {
        assert_eq!(timeline(&account, stack).operations(), ["delete succeeded"], "{stack}");
        let all = whole_timeline(&account, stack);
        assert_eq!(all.operations(), ["create succeeded", "delete succeeded"], "{stack}");
        assert_eq!(all["incarnations"][0]["status"], "DELETE_COMPLETE", "{stack}");
        let rows = all.rows();
        assert_eq!((rows.len(), rows.last().unwrap().as_str()), (8, "DELETE_COMPLETE shop"), "{rows:#?}");
    }
}

#[test]
fn a_failed_stack_that_was_deleted_is_still_diagnosed() {
    let Some(account) = taken() else { return };
    let arn = account.create("shop", &with_thing());
    account.delete(&arn);
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded", "delete succeeded"]);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&["create failed", EXISTS]);
}

#[test]
fn two_incarnations_of_a_name() {
    let Some(account) = taken() else { return };
    let first = account.create("shop", &with_thing());
    account.delete(&first);
    let second = account.create("shop", &fine());
    // The emulator forgets the first, of which only the trail tells: the second must be told whole, and nothing made up.
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create succeeded"]);
    assert_eq!(told["operations"][0]["stack_id"], second.as_str());
    account.run(&["diagnose", "--stack", "shop"]).ends(0).says(&["nothing failed"]);
    let rows = whole_timeline(&account, "shop").rows();
    assert_eq!(rows.len(), 4, "{rows:#?}");
    let by_arn = account.run(&["timeline", "--stack", &first]);
    by_arn.ends(2).complains(&[&format!("failed to find stack {first} in us-east-1"), "there is shop"]);
}

#[test]
fn a_nested_stack() {
    let Some(account) = Account::new() else { return };
    let url = account.template_url("templates", &fine());
    let arn = account.create("shop", &template(&[("Child", nested(&url))]));
    let child = account.physical_ids("shop").remove(0);
    let name = child.split('/').nth(1).unwrap();
    let told = timeline(&account, "shop");
    assert_eq!(told["incarnations"].as_array().unwrap().len(), 2, "{told:#}");
    let of_child: Vec<&Value> =
        told["events"].as_array().unwrap().iter().filter(|event| event["stack_id"] == child.as_str()).collect();
    assert_eq!(of_child.len(), 4, "{told:#}");
    account
        .run(&["timeline", "--stack", "shop"])
        .ends(0)
        .says(&[&format!("nested stack   ✓ {name}: create succeeded")]);

    account.delete(&arn);
    // The emulator's child tells of no deletion, and of no parent: the way to it is the parent's own rows.
    for stack in ["shop", &arn] {
        let all = whole_timeline(&account, stack);
        let of_child = all["events"].as_array().unwrap().iter().filter(|event| event["stack_id"] == child.as_str());
        assert_eq!(of_child.count(), 4, "{all:#}");
    }
    // By its own name it is found too.
    assert!(whole_timeline(&account, name).rows().contains(&"CREATE_COMPLETE Queue".to_owned()));
}

#[test]
fn a_failure_in_a_nested_stack() {
    let Some(account) = taken() else { return };
    let good = account.template_url("good", &fine());
    let bad = account.template_url("bad", &with_thing());
    account.create("shop", &template(&[("Child", nested(&good))]));
    account.update("shop", &template(&[("Child", nested(&bad))]));
    let told = timeline(&account, "shop");
    assert_eq!(told.operations()[0], "update failed");
    // The parent's row repeats the child's reason; AWS would say "Embedded stack ... was not successfully updated".
    assert_eq!(reason(&told, "UPDATE_FAILED", "Child"), EXISTS);
    assert_eq!(reason(&told, "UPDATE_FAILED", "Thing"), EXISTS);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&["update failed", EXISTS]);

    // Of a child whose parent could not be made the emulator tells no id.
    account.create("market", &template(&[("Child", nested(&bad))]));
    let told = timeline(&account, "market");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded"]);
    assert_eq!(role_of_failure(&told, "Child"), [("create", "root")]);
    account.run(&["diagnose", "--stack", "market"]).ends(10).says(&[EXISTS]);
}

#[test]
fn a_change_set_that_is_executed() {
    let Some(account) = Account::new() else { return };
    account.change_set("shop", "first", "CREATE", &fine());
    account.execute("shop", "first");
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create succeeded"]);
    assert_eq!(told.rows()[0], "REVIEW_IN_PROGRESS shop");
    let calls = told.calls();
    assert!(calls.ends_with(&["CreateChangeSet".to_owned(), "ExecuteChangeSet".to_owned()]), "{calls:?}");
    assert_eq!(told["operations"][0]["actor"]["name"], account.key.as_str());
}

#[test]
fn a_change_set_whose_execution_fails() {
    let Some(account) = taken() else { return };
    account.create("shop", &fine());
    account.rest();
    account.change_set("shop", "more", "UPDATE", &with_thing());
    account.execute("shop", "more");
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["update failed", "rollback succeeded"]);
    assert_eq!(reason(&told, "UPDATE_FAILED", "Thing"), EXISTS);
    assert_eq!(told.calls(), ["CreateChangeSet", "ExecuteChangeSet"]);
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&[EXISTS]);
}

#[test]
fn deployments_in_quick_succession_keep_their_calls() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    // Each of these begins in the second after the one before.
    account.change_set("shop", "more", "UPDATE", &template(&[("Queue", queue()), ("More", queue())]));
    account.execute("shop", "more");
    let told = whole_timeline(&account, "shop");
    assert_eq!(told.operations(), ["create succeeded", "update succeeded"]);
    let update = &told["operations"][1];
    let record = update["actor"]["record"].as_str().unwrap();
    let events = told["events"].as_array().unwrap();
    let call = events.iter().find(|event| event["record"] == record).unwrap();
    assert_eq!((&call["action"], &call["operation"]), (&json!("ExecuteChangeSet"), &update["id"]));
}

#[test]
fn a_change_set_that_nobody_executes() {
    let Some(account) = Account::new() else { return };
    account.change_set("shop", "first", "CREATE", &fine());
    let told = timeline(&account, "shop");
    assert_eq!(told.rows(), ["REVIEW_IN_PROGRESS shop"]);
    assert_eq!(told.operations(), ["change_set in_progress"]);
    assert!(told.calls().contains(&"CreateChangeSet".to_owned()), "{:?}", told.calls());
    account.run(&["diagnose", "--stack", "shop"]).ends(0).says(&["nothing failed"]);
}

#[test]
fn a_change_set_that_fails_leaves_the_deployment_before_it_alone() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    // Without changes it fails; the emulator lists change sets by the stack's name only, and we ask by ARN.
    account.change_set("shop", "nothing", "UPDATE", &fine());
    let told = whole_timeline(&account, "shop");
    assert!(told.operations().contains(&"create succeeded".to_owned()), "{:?}", told.operations());
    assert!(told.calls().contains(&"CreateChangeSet".to_owned()), "{:?}", told.calls());
}

#[test]
fn a_validation_before_the_deployment() {
    let Some(account) = Account::new() else { return };
    account.template_url("taken", &fine());
    let name = format!("taken-{}", account.key);
    let bucket = json!({ "Type": "AWS::S3::Bucket", "Properties": { "BucketName": &name } });
    account.create("shop", &template(&[("Queue", queue()), ("Bucket", bucket)]));
    // The stack's own events say only that there is more to be asked for: the reason is DescribeEvents' alone.
    let says = format!("Resource of type 'AWS::S3::Bucket' with identifier '{name}' already exists.");
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded"]);
    assert!(reason(&told, "CREATE_FAILED", "shop").starts_with("Validation failed with 1 error(s)."));
    let events = told["events"].as_array().unwrap();
    let validation = events.iter().find(|event| event["source"] == "operation_events").unwrap();
    assert_eq!((&validation["logical_id"], &validation["role"]), (&json!("Bucket"), &json!("root")));
    assert_eq!(validation["message"], says.as_str());
    account.run(&["diagnose", "--stack", "shop"]).ends(10).says(&["at /Resources/Bucket", &says]);
    // Without that source the diagnosis has a gap and knows less.
    let blind = account.run(&["diagnose", "--stack", "shop", "--without", "operation_events"]);
    assert!(blind.code == 10 || blind.code == 11, "{blind}");
    let blind = blind.says(&["not collected: operation_events"]);
    assert!(!blind.stdout.contains(&says), "{blind}");
}

#[test]
fn a_delete_that_the_termination_protection_refuses() {
    let Some(account) = Account::new() else { return };
    let arn = account.create("shop", &fine());
    let protect = [("StackName", "shop"), ("EnableTerminationProtection", "true")];
    assert_eq!(account.attempt("UpdateTerminationProtection", &protect).status, 200);
    let refused = account.attempt("DeleteStack", &[("StackName", "shop")]);
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("cannot be deleted while TerminationProtection is enabled"), "{}", refused.body);

    // The stack's events know nothing of either call; the trail does. (The emulator's does not say that one was refused.)
    let told = whole_timeline(&account, "shop");
    assert_eq!(told.rows().last().unwrap(), "CREATE_COMPLETE shop");
    assert_eq!(told.calls(), ["CreateStack", "UpdateTerminationProtection", "DeleteStack"]);
    assert_eq!(told["incarnations"][0]["status"], "CREATE_COMPLETE");

    let free = [("StackName", "shop"), ("EnableTerminationProtection", "false")];
    assert_eq!(account.attempt("UpdateTerminationProtection", &free).status, 200);
    account.delete(&arn);
    assert!(whole_timeline(&account, "shop").operations().contains(&"delete succeeded".to_owned()));
}

#[test]
fn a_hook_result_that_the_endpoint_cannot_tell() {
    let Some(account) = Account::new() else { return };
    // A reason that names a hook leads to ListHookResults, which the emulator does not know.
    let hooked = template(&[("Queue", queue()), ("Thing", thing("hook"))]);
    account.create("owner", &hooked);
    account.create("shop", &hooked);
    let told = timeline(&account, "shop");
    assert_eq!(told.operations(), ["create failed", "rollback succeeded"]);
    let gaps = told.gaps();
    let gap = "hook_results: cloudformation:ListHookResults is not available at this endpoint: \
               InvalidAction: Unknown action: ListHookResults";
    assert!(gaps.contains(&gap.to_owned()), "{gaps:#?}");
}

#[test]
fn who_did_it_is_in_the_trail() {
    let Some(account) = Account::new() else { return };
    let arn = account.create("shop", &fine());
    account.update("shop", &template(&[("Queue", queue()), ("More", queue())]));
    account.delete(&arn);
    let told = whole_timeline(&account, "shop");
    assert_eq!(told.operations(), ["create succeeded", "update succeeded", "delete succeeded"]);
    assert_eq!(told.calls(), ["CreateStack", "UpdateStack", "DeleteStack"]);
    for operation in told["operations"].as_array().unwrap() {
        assert_eq!(operation["actor"]["name"], account.key.as_str(), "{operation:#}");
        let record = operation["actor"]["record"].as_str().unwrap();
        let call = told["events"].as_array().unwrap().iter().find(|event| event["record"] == record);
        assert!(call.is_some(), "{record} is cited, and not told");
    }
    account.run(&["timeline", "--stack", "shop"]).ends(0).says(&[&format!("deleted by     {}", account.key)]);
}

#[test]
fn a_capture_is_the_same_evidence_once_more() {
    let Some(account) = taken() else { return };
    account.create("shop", &with_thing());
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name).display().to_string();
    for target in [path("folder"), path("file.zip")] {
        let capture = account.run(&["capture", "--stack", "shop", "--output", &target]).ends(0);
        let capture = capture.says(&[&target, " calls\n", "9  stack_events", "1  templates/"]);
        assert!(!capture.stdout.contains("PARTIAL"), "{capture}");
        verified(&target);
        let told = offline(&["timeline", "--case", &target, "--stack", "shop"]).ends(0);
        told.says(&["✗ shop: create failed", EXISTS, "created by"]);
        offline(&["diagnose", "--case", &target, "--stack", "shop"]).ends(10).says(&[EXISTS]);
        offline(&["stacks", "--case", &target]).ends(0).says(&["shop", "create failed"]);
        refused(&account, &target);
    }
    // What is told live and what the saved case tells are the same, to the byte.
    for (name, verb) in [("timeline", "timeline"), ("timeline.zip", "timeline"), ("diagnosis", "diagnose")] {
        let target = path(name);
        let live = account.run(&[verb, "--stack", "shop", "--save", &target]);
        let live = live.complains(&[&format!("saved the case as {target}")]);
        let saved = offline(&[verb, "--case", &target, "--stack", "shop"]);
        assert_eq!((live.stdout, live.code), (saved.stdout, saved.code), "{name}");
        verified(&target);
        refused(&account, &target);
    }
    let mut left: Vec<String> = std::fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["diagnosis", "file.zip", "folder", "timeline", "timeline.zip"], "nothing half-written is left");
}

#[test]
fn a_capture_is_read_as_it_says() {
    let Some(account) = taken() else { return };
    account.create("shop", &with_thing());
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("case").display().to_string();
    let advice = format!("Read it with `cfn-forensics timeline --case {target}`.");
    account.run(&["capture", "--stack", "shop", "--output", &target]).ends(0).says(&[&advice]);
    // The trail tells of other stacks' calls too, as it does in every account; the manifest says which one was asked for.
    offline(&["timeline", "--case", &target]).ends(0).says(&["✗ shop: create failed", EXISTS]);
    offline(&["diagnose", "--case", &target]).ends(10).says(&[EXISTS]);
}

/// Every file of the case is the one that was captured.
#[track_caller]
fn verified(target: &str) {
    let checked = offline(&["case", "verify", target]).ends(0);
    let (manifest, files): (Vec<&str>, Vec<&str>) = checked
        .stdout
        .lines()
        .filter(|line| !line.starts_with("gap: "))
        .partition(|line| line.contains("manifest.json"));
    assert_eq!(manifest.len(), 1, "{checked}");
    assert!(files.len() > 3 && files.iter().all(|line| line.ends_with(": fits the manifest")), "{checked}");
}

/// What is there already is not overwritten, and nobody is asked in vain.
#[track_caller]
fn refused(account: &Account, target: &str) {
    let before = bytes(Path::new(target));
    for arguments in
        [["capture", "--stack", "shop", "--output", target], ["timeline", "--stack", "shop", "--save", target]]
    {
        let run = account.run(&[&arguments[..], &["-v"]].concat()).ends(1).complains(&["failed to write", target]);
        assert!(!run.stderr.contains("call "), "{run}");
    }
    assert_eq!(bytes(Path::new(target)), before);
}

/// A file's content, or that of the files in a folder.
fn bytes(path: &Path) -> Vec<(String, Vec<u8>)> {
    if path.is_file() {
        return vec![(path.display().to_string(), std::fs::read(path).unwrap())];
    }
    let mut paths: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| bytes(path)).collect()
}

#[test]
fn an_unknown_stack() {
    let Some(account) = Account::new() else { return };
    account.create("shop-prod", &fine());
    for verb in ["timeline", "diagnose", "capture"] {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("case").display().to_string();
        let save = if verb == "capture" { "--output" } else { "--save" };
        let run = account.run(&[verb, "--stack", "shop-prd", save, &target]).ends(2);
        let run = run.complains(&["failed to find stack shop-prd in us-east-1", "there is shop-prod"]);
        assert_eq!(run.stdout, "");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0, "nothing is left of nothing");
    }
    let nothing = account.run(&["timeline", "--stack", "zebra"]).ends(2).complains(&["failed to find stack zebra"]);
    assert!(!nothing.stderr.contains("there is"), "{nothing}");
}

#[test]
fn a_stack_of_another_region() {
    let Some(account) = Account::new() else { return };
    let there = account.in_region("eu-central-1");
    let arn = there.create("shop", &fine());
    let lost = account.run(&["timeline", "--stack", "shop"]).ends(2);
    lost.complains(&["the region of shop: it is in eu-central-1", "--region"]);
    // As it says.
    let named = account.run(&["timeline", "--stack", "shop", "--region", "eu-central-1", "--format", "json"]);
    assert_eq!(named.ends(0).json().operations(), ["create succeeded"]);
    assert_eq!(timeline(&account, &arn).operations(), ["create succeeded"]);

    // The nearer one is meant where both have it.
    account.create("shop", &with_thing());
    let told = timeline(&account, "shop");
    assert_eq!(told["incarnations"].as_array().unwrap().len(), 1, "{told:#}");
    assert!(told["incarnations"][0]["stack_id"].as_str().unwrap().contains(":us-east-1:"), "{told:#}");
    let both = account.run(&["timeline", "--stack", "shop", "--region", "eu-central-1,us-east-1"]).ends(2);
    both.complains(&["the region of shop: it is in eu-central-1, us-east-1"]);
}

#[test]
fn nobody_else_is_told_of() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    account.create("shop-two", &with_thing());
    let told = timeline(&account, "shop");
    assert!(!told.to_string().contains("shop-two"), "{told:#}");
}

#[test]
fn every_call_is_told_to_who_asks() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    let run = account.run(&["timeline", "--stack", "shop", "-v"]).ends(0);
    let calls: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("call ")).collect();
    for action in ["sts:GetCallerIdentity", "cloudformation:DescribeStackEvents", "cloudtrail:LookupEvents"] {
        let of_action = calls.iter().filter(|line| line.contains(&format!(" ms {action} (us-east-1)")));
        assert_eq!(of_action.count(), 1, "{action} in {run}");
    }
    let sum = run.stderr.lines().last().unwrap();
    assert!(sum.starts_with(&format!("calls   {}: ", calls.len())), "{run}");
    assert!(sum.contains("cloudformation:ListStacks 1"), "{run}");
    // Who does not ask, and has no terminal, is told nothing.
    assert_eq!(account.run(&["timeline", "--stack", "shop"]).ends(0).stderr, "");
}

#[test]
fn nothing_but_reads_reaches_the_account() {
    let Some(account) = taken() else { return };
    account.create("shop", &with_thing());
    let before = account.stacks();
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("case").display().to_string();
    for arguments in [
        &["timeline", "--stack", "shop", "--operation", "all"][..],
        &["diagnose", "--stack", "shop"],
        &["capture", "--stack", "shop", "--output", &target],
        &["timeline", "--stack", "shp"],
    ] {
        account.run(arguments);
        // The name of the action stands in the form of those who do not put it into the address: those are ours.
        let trail = account.trail();
        let forms = trail.iter().filter_map(|call| call["requestParameters"]["Action"].as_str());
        let ours: Vec<&str> = forms.collect();
        assert!(ours.contains(&"DescribeStacks"), "{arguments:?}: {ours:?}");
        let reads =
            |action: &&str| ["Describe", "List", "Get", "Lookup", "Filter"].iter().any(|verb| action.starts_with(verb));
        assert!(ours.iter().all(reads), "{arguments:?}: {ours:?}");
    }
    assert_eq!(account.stacks(), before);
}

#[test]
fn a_budget_of_calls_ends_early_and_says_so() {
    let Some(account) = Account::new() else { return };
    account.create("shop", &fine());
    let run = account.run(&["timeline", "--stack", "shop", "--max-calls", "4", "-v", "--format", "json"]).ends(0);
    assert!(run.stderr.lines().last().unwrap().starts_with("calls   4: "), "{run}");
    let gaps = run.json().gaps();
    assert!(gaps.iter().any(|gap| gap.contains("the budget of 4 calls is used up")), "{gaps:#?}");
}

#[test]
fn an_endpoint_where_nobody_is() {
    let Some(account) = Account::new() else { return };
    // Connections are refused at once; the attempts are spaced by seconds.
    let run = account.run_at("http://127.0.0.1:9", &["timeline", "--stack", "shop", "--timeout", "3s"]);
    let run = run.ends(3).complains(&["failed to learn anything of shop from AWS"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_server_that_answers_with_errors_of_its_own() {
    let Some(account) = Account::of_moto("eu-west-1") else { return };
    account.create("shop", &fine());
    let run = account.run(&["timeline", "--stack", "shop", "--format", "json"]).ends(0);
    let told = run.json();
    assert_eq!(told.operations(), ["create succeeded"]);
    assert_eq!(told.rows(), ["CREATE_IN_PROGRESS shop", "CREATE_COMPLETE shop"]);
    // A page of HTML is no reason: the gap names the operation and what can be said of it in a line.
    let gaps = told.gaps();
    for gap in
        ["cloudtrail: cloudtrail:LookupEvents failed: ", "operation_events: cloudformation:DescribeEvents failed: "]
    {
        assert!(gaps.iter().any(|told| told.starts_with(gap)), "{gap} is not in {gaps:#?}");
    }
    assert!(gaps.iter().all(|gap| gap.len() < 200 && !gap.contains('<')), "{gaps:#?}");
    // Each is tried four times, after at most 1, 2 and 4 seconds, side by side.
    assert!(run.took < Duration::from_secs(20), "{run}");
}

#[test]
fn a_server_with_errors_is_captured_as_far_as_it_tells() {
    let Some(account) = Account::of_moto("eu-west-2") else { return };
    let arn = account.create("shop", &fine());
    account.delete(&arn);
    account.create("shop", &template(&[("Queue", queue()), ("More", queue())]));
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("case.zip").display().to_string();
    let live = account.run(&["timeline", "--stack", "shop", "--operation", "all", "--save", &target]).ends(0);
    verified(&target);
    let saved = offline(&["timeline", "--case", &target, "--stack", "shop", "--operation", "all"]).ends(0);
    assert_eq!(live.stdout, saved.stdout);
    // This one keeps both incarnations, the deleted one to be found in ListStacks alone.
    let told = offline(&["timeline", "--case", &target, "--operation", "all", "--format", "json"]).ends(0).json();
    assert_eq!(told.operations(), ["create succeeded", "delete succeeded", "create succeeded"]);
    assert_eq!(told["incarnations"].as_array().unwrap().len(), 2, "{told:#}");
    let by_arn =
        account.run(&["timeline", "--stack", &arn, "--operation", "all", "--without", "cloudtrail,operation_events"]);
    by_arn.ends(0).says(&["delete succeeded"]);
}

#[test]
fn what_came_in_time_is_kept() {
    let Some(account) = Account::of_moto("eu-north-1") else { return };
    account.create("shop", &fine());
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("case").display().to_string();
    // The attempts at what the emulator cannot answer take longer than that.
    let run = account.run(&["capture", "--stack", "shop", "--output", &target, "--timeout", "1s"]).ends(0);
    let run = run.says(&["PARTIAL", "2  stack_events", "the collection ran out of time (--timeout)"]);
    assert!(run.took < Duration::from_secs(10), "{run}");
    verified(&target);
    let told = offline(&["timeline", "--case", &target, "--format", "json"]).ends(0).json();
    assert_eq!(told.operations(), ["create succeeded"]);
    assert!(told.gaps().iter().any(|gap| gap.contains("ran out of time")), "{:#?}", told.gaps());
}

#[test]
fn a_change_set_of_another_stack_is_not_told_of() {
    let Some(account) = Account::of_moto("eu-west-3") else { return };
    // The emulator lists the change sets of all stacks, whichever is asked for.
    account.change_set("market", "of-market", "CREATE", &fine());
    account.change_set("shop", "of-shop", "CREATE", &fine());
    let only = ["--without", "cloudtrail,operation_events", "--format", "json"];
    let told = account.run(&[&["timeline", "--stack", "shop"][..], &only].concat()).ends(0).json();
    assert!(told.to_string().contains("of-shop"), "{told:#}");
    assert!(!told.to_string().contains("of-market"), "{told:#}");
}
