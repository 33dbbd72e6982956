//! Whole logs, as the tools and runners write them.

use super::*;
use crate::model::{Form, Gap};

/// What a log gives: events, undated events, gaps.
fn events_of_log(text: &str) -> (Vec<Event>, Vec<Event>, Vec<Gap>) {
    let mut records = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        records.push(start..start + line.trim_end_matches('\n').len());
        start += line.len();
    }
    let file = RecordFile {
        source: "deploy_log",
        name: "deploy_log".into(),
        form: Form::Lines,
        text: text.to_owned(),
        records,
    };
    let mut sink = Sink::new("deploy_log", "deploy_log", false);
    read(&file, &mut sink);
    let (events, undated, _, gaps) = sink.finish();
    (events, undated, gaps)
}

/// `LINE TIME OUTCOME ACTION STATUS LOGICAL_ID TYPE [STACK]: MESSAGE`, what is not there left out; `~` before a time
/// that is not the line's own.
fn shown(event: &Event) -> String {
    let mut text = event.record.index.to_string();
    if event.at != Time::UNIX_EPOCH {
        let mark = if event.approximate { " ~" } else { " " };
        text.push_str(mark);
        text.push_str(&event.at.format("%dT%H:%M:%S").to_string());
    }
    text.push_str(&format!(" {:?} {}", event.outcome, event.action));
    for part in [&event.status, &event.error, &event.logical_id, &event.resource_type].into_iter().flatten() {
        text.push(' ');
        text.push_str(part);
    }
    if let Some(stack) = &event.stack_name {
        text.push_str(&format!(" [{stack}]"));
    }
    if let Some(message) = &event.message {
        text.push_str(&format!(": {message}"));
    }
    text
}

fn check(log: &str, dated: &[&str], undated: &[&str]) {
    let (events, others, _) = events_of_log(log);
    let shown = |events: &[Event]| events.iter().map(shown).collect::<Vec<_>>();
    assert_eq!(shown(&events), dated, "{log}");
    assert_eq!(shown(&others), undated, "{log}");
}

#[test]
fn cdk_in_github_actions() {
    let log = "\u{feff}2026-11-18T12:02:40.0000000Z ##[group]Run npx cdk deploy --require-approval never
2026-11-18T12:02:40.0000001Z \u{1b}[36;1mnpx cdk deploy || echo \"Error: CREATE_FAILED\"\u{1b}[0m
2026-11-18T12:02:41.1234567Z \u{1b}[1mShop\u{1b}[22m: deploying... [1/1]
2026-11-18T12:02:47.1234567Z Shop: creating CloudFormation changeset...
2026-11-18T12:03:01.0000000Z Shop | 0/9 | 12:03:00 PM | REVIEW_IN_PROGRESS   | AWS::CloudFormation::Stack | \u{1b}[1mShop\u{1b}[22m User Initiated
2026-11-18T12:03:05.0000000Z Shop | 1/9 | 12:03:03 PM | CREATE_FAILED        | AWS::SQS::Queue       | \u{1b}[31m\u{1b}[1mOrders/Queue (OrdersQueue6A1B2C3D)\u{1b}[22m\u{1b}[39m Resource handler returned message: \"Invalid value
2026-11-18T12:03:05.0000001Z for the parameter
2026-11-18T12:03:05.0000002Z VisibilityTimeout.\" (RequestToken: 1f, HandlerErrorCode: InvalidRequest)
2026-11-18T12:03:05.0000003Z \tnew Queue (/app/node_modules/aws-cdk-lib/aws-sqs/lib/queue.js:1:2)
2026-11-18T12:03:05.0000004Z \t\\_ new Orders (/app/lib/orders.ts:12:5)
2026-11-18T12:03:05.1000000Z Shop | 1/9 | 12:03:04 PM | CREATE_FAILED        | AWS::S3::Bucket       | Data/Bucket (DataBucketE3889A50) Resource creation cancelled
2026-11-18T12:03:06.0000000Z Shop | 1/9 | 12:03:05 PM | ROLLBACK_IN_PROGRESS | AWS::CloudFormation::Stack | Shop The following resource(s) failed to create: [OrdersQueue6A1B2C3D, DataBucketE3889A50]. Rollback requested by user.
2026-11-18T12:03:20.0000000Z 
2026-11-18T12:03:20.0000000Z Failed resources:
2026-11-18T12:03:20.0000000Z Shop | 12:03:04 PM | CREATE_FAILED        | AWS::S3::Bucket       | Data/Bucket (DataBucketE3889A50) Resource creation cancelled
2026-11-18T12:03:21.0000000Z  ❌  Shop failed: Error: The stack named Shop failed creation, it may need to be manually deleted from the AWS console: ROLLBACK_COMPLETE
2026-11-18T12:03:21.0000000Z     at FullCloudFormationDeployment.monitorDeployment (/app/node_modules/aws-cdk/lib/index.js:427:10615)
2026-11-18T12:03:21.0000000Z  ❌ Deployment failed: Error: The stack named Shop failed creation, it may need to be manually deleted from the AWS console: ROLLBACK_COMPLETE
2026-11-18T12:03:21.0000000Z The stack named Shop failed creation, it may need to be manually deleted from the AWS console: ROLLBACK_COMPLETE
2026-11-18T12:03:21.5000000Z ##[error]Process completed with exit code 1.
";
    let expected = [
        "2 18T12:02:41 InProgress DEPLOY [Shop]: Shop: deploying... [1/1]",
        "3 18T12:02:47 InProgress DEPLOY [Shop]: Shop: creating CloudFormation changeset...",
        "4 18T12:03:01 InProgress REVIEW REVIEW_IN_PROGRESS Shop AWS::CloudFormation::Stack [Shop]: User Initiated",
        "5 18T12:03:05 Failed CREATE CREATE_FAILED OrdersQueue6A1B2C3D AWS::SQS::Queue [Shop]: Resource handler returned \
         message: \"Invalid value for the parameter VisibilityTimeout.\" (RequestToken: 1f, HandlerErrorCode: \
         InvalidRequest)",
        "10 18T12:03:05 Cancelled CREATE CREATE_FAILED DataBucketE3889A50 AWS::S3::Bucket [Shop]: Resource creation cancelled",
        "11 18T12:03:06 InProgress ROLLBACK ROLLBACK_IN_PROGRESS Shop AWS::CloudFormation::Stack [Shop]: The following \
         resource(s) failed to create: [OrdersQueue6A1B2C3D, DataBucketE3889A50]. Rollback requested by user.",
        "15 18T12:03:21 Failed FAIL [Shop]: Shop failed: Error: The stack named Shop failed creation, it may need to be \
         manually deleted from the AWS console: ROLLBACK_COMPLETE",
        "19 18T12:03:21 Noted FAIL [Shop]: Process completed with exit code 1.",
    ];
    check(log, &expected, &[]);
    // The same with Windows' line ends.
    check(&log.replace('\n', "\r\n"), &expected, &[]);
}

#[test]
fn cdk_on_a_terminal_without_any_date() {
    let log = "Shop: deploying... [1/1]
11:59:58 PM | CREATE_IN_PROGRESS   | AWS::Lambda::Function                 | createOrder/handler
\u{1b}[3A\u{1b}[K  [████████▌·································] (3/9)
11:59:58 PM | CREATE_IN_PROGRESS   | AWS::Lambda::Function                 | createOrder/handler
12:00:03 AM | CREATE_FAILED        | AWS::Lambda::Function                 | createOrder/han
dler
Resource handler returned message: \"Uploaded file must be a non-empty zip (Se
rvice: Lambda, Status Code: 400, Request ID: 8251005a)\" (RequestToken: 5294,
HandlerErrorCode: InvalidRequest)

12:00:03 AM | CREATE_FAILED        | AWS::Lambda::Function                 | createOrderhandler0F2A4B6C
Resource handler returned message: \"Uploaded file must be a non-empty zip (Se
rvice: Lambda, Status Code: 400, Request ID: 8251005a)\" (RequestToken: 5294,
HandlerErrorCode: InvalidRequest)

❌  Shop failed: DeploymentError: Resource updates failed:
Shop/createOrder/handler  (AWS::Lambda::Function createOrderhandler0F2A4B6C)
  Resource handler returned message: \"Uploaded file must be a non-empty zip (Service:
  Lambda, Status Code: 400, Request ID: 8251005a)\" (RequestToken: 5294, HandlerErrorCode: InvalidRequest)
Shop/Table/Resource  (AWS::DynamoDB::Table TableCD117FA1)
  Table taken
Source Location: Function (/app/lib/shop.ts:3:5)

   Task stopped: CannotPullContainerError: no such tag
   Tasks: https://console.aws.amazon.com/x
";
    let reason = "Resource handler returned message: \"Uploaded file must be a non-empty zip (Service: Lambda, Status Code: \
                  400, Request ID: 8251005a)\" (RequestToken: 5294, HandlerErrorCode: InvalidRequest)";
    check(
        log,
        &[],
        &[
            "0 ~01T23:59:58 InProgress DEPLOY [Shop]: Shop: deploying... [1/1]",
            "1 ~01T23:59:58 InProgress CREATE CREATE_IN_PROGRESS createOrder/handler AWS::Lambda::Function [Shop]",
            &format!(
                "4 ~02T00:00:03 Failed CREATE CREATE_FAILED createOrderhandler0F2A4B6C AWS::Lambda::Function [Shop]: {reason}"
            ),
            "15 ~02T00:00:03 Failed FAIL [Shop]: Shop failed: DeploymentError: Resource updates failed:",
            "20 ~02T00:00:03 Failed FAIL TableCD117FA1 AWS::DynamoDB::Table [Shop]: Table taken",
            "23 ~02T00:00:03 Failed FAIL CannotPullContainerError TableCD117FA1 AWS::DynamoDB::Table [Shop]: Task stopped: \
             CannotPullContainerError: no such tag Tasks: https://console.aws.amazon.com/x",
        ],
    );
}

#[test]
fn a_log_without_any_date_keeps_its_distances() {
    let log = "Initiating deployment
[23:59:58] Shop: deploying... [1/1]
[00:00:03] Error: Rate exceeded
Error: no more
[23:59:59 UTC] Error: out of order
";
    let (events, undated, gaps) = events_of_log(log);
    assert!(events.is_empty());
    assert_eq!(
        undated.iter().map(shown).collect::<Vec<_>>(),
        [
            "0 ~01T23:59:58 InProgress DEPLOY [Shop]: Initiating deployment",
            "1 ~01T23:59:58 InProgress DEPLOY [Shop]: Shop: deploying... [1/1]",
            "2 ~02T00:00:03 Failed FAIL [Shop]: Error: Rate exceeded",
            "3 ~02T00:00:03 Failed FAIL [Shop]: Error: no more",
            "4 ~01T23:59:59 Failed FAIL [Shop]: Error: out of order",
        ]
    );
    assert_eq!(gaps.iter().map(|gap| &*gap.why).collect::<Vec<_>>(), [NO_DATE]);

    // The zone counts, where it is named.
    check("01:30:00 UTC+0800 Error: a\n", &[], &["0 ~01T17:30:00 Failed FAIL: Error: a"]);
    // Without any time nothing is said of times.
    let (_, undated, gaps) = events_of_log("Error: a\nError: b\n");
    assert!(undated.iter().all(|event| event.at == Time::UNIX_EPOCH && event.approximate), "{undated:?}");
    assert_eq!((undated.len(), gaps.len()), (2, 0));
    // Nor where nothing is told.
    assert!(events_of_log(&"[12:00:00] Compiling\n".repeat(21)).2.is_empty());
    // A date in a row is a date.
    let row = "Shop | 2026-11-18T12:00:00Z | CREATE_FAILED | AWS::S3::Bucket | Bucket taken\n";
    check(row, &["0 18T12:00:00 Failed CREATE CREATE_FAILED Bucket AWS::S3::Bucket [Shop]: taken"], &[]);
}

#[test]
fn clock_times_around_midnight_take_the_date_of_the_log() {
    let log = "Agent is ready
2026-11-18 23:58:00 - Starting
Shop | 0/2 | 11:59:59 PM | CREATE_IN_PROGRESS | AWS::S3::Bucket | Bucket
Shop | 0/2 | 12:00:02 AM | CREATE_FAILED | AWS::S3::Bucket | Bucket taken
Error: no more
";
    let (events, undated, gaps) = events_of_log(log);
    assert!(undated.is_empty());
    assert_eq!(
        events.iter().map(shown).collect::<Vec<_>>(),
        [
            "2 18T23:59:59 InProgress CREATE CREATE_IN_PROGRESS Bucket AWS::S3::Bucket [Shop]",
            "3 19T00:00:02 Failed CREATE CREATE_FAILED Bucket AWS::S3::Bucket [Shop]: taken",
            "4 ~19T00:00:02 Failed FAIL [Shop]: Error: no more",
        ]
    );
    assert_eq!(gaps.len(), 1, "clock times name no zone");
}

#[test]
fn sam_wraps_its_table() {
    let log = "
\tDeploying with following values
\t===============================
\tStack name                   : sam-shop
2026-11-18 10:29:36 - Waiting for stack create/update to complete

CloudFormation events from stack operations (refresh every 5.0 seconds)
-------------------------------------------------------------------------------------------------
ResourceStatus           ResourceType             LogicalResourceId        ResourceStatusReason   
-------------------------------------------------------------------------------------------------
CREATE_IN_PROGRESS       AWS::IAM::Role           OrderFunctionRole        -                      
CREATE_FAILED            AWS::Lambda::Permissio   OrderFunctionApiPermis   The final policy size  
                         n                        sionProd                 (20624) is bigger than 
                                                                           the limit (20480), see 
                                                                           arn:aws:lambda:us-     
                                                                           east-1:111122223333:fu 
                                                                           nction:orders          
UPDATE_ROLLBACK_IN_PRO   AWS::CloudFormation::S   sam-shop                 The following          
GRESS                    tack                                              resource(s) failed to  
                                                                           create: [A, B].        
-------------------------------------------------------------------------------------------------

Error: Failed to create/update the stack: sam-shop, Waiter StackCreateComplete failed: Waiter encountered a terminal failure state: For expression \"Stacks[].StackStatus\" we matched expected path: \"ROLLBACK_COMPLETE\" at least once
";
    check(
        log,
        &[
            "4 18T10:29:36 InProgress DEPLOY [sam-shop]: Waiting for stack create/update to complete",
            "10 ~18T10:29:36 InProgress CREATE CREATE_IN_PROGRESS OrderFunctionRole AWS::IAM::Role [sam-shop]",
            "11 ~18T10:29:36 Failed CREATE CREATE_FAILED OrderFunctionApiPermissionProd AWS::Lambda::Permission [sam-shop]: \
             The final policy size (20624) is bigger than the limit (20480), see \
             arn:aws:lambda:us-east-1:111122223333:function:orders",
            "17 ~18T10:29:36 InProgress ROLLBACK UPDATE_ROLLBACK_IN_PROGRESS sam-shop AWS::CloudFormation::Stack [sam-shop]: \
             The following resource(s) failed to create: [A, B].",
            "22 ~18T10:29:36 Failed FAIL [sam-shop]: Error: Failed to create/update the stack: sam-shop, Waiter \
             StackCreateComplete failed: Waiter encountered a terminal failure state: For expression \
             \"Stacks[].StackStatus\" we matched expected path: \"ROLLBACK_COMPLETE\" at least once",
        ],
        &[],
    );
}

#[test]
fn the_aws_cli_in_gitlab() {
    let log = "2026-11-18T12:02:40.000000Z 00O \u{1b}[0KRunning with gitlab-runner 18.0.0\u{1b}[0;m
2026-11-18T12:02:41.000000Z 00O section_start:1763467361:step_script\r\u{1b}[0K$ aws cloudformation deploy --stack-name shop
2026-11-18T12:02:42.000000Z 01E An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id shop does not exist
2026-11-18T12:02:43.000000Z 01O Waiting for changeset to be created..
2026-11-18T12:09:43.000000Z 01E Failed to create/update the stack. Run the following command
2026-11-18T12:09:43.000000Z 01E to fetch the list of events leading up to the failure
2026-11-18T12:09:43.000000Z 01E aws cloudformation describe-stack-events --stack-name shop
2026-11-18T12:09:44.000000Z 00O {
2026-11-18T12:09:44.000000Z 00O     \"StackEvents\": [
2026-11-18T12:09:44.000000Z 00O         {
2026-11-18T12:09:44.000000Z 00O             \"StackId\": \"arn:aws:cloudformation:us-east-1:111122223333:stack/shop/1f\",
2026-11-18T12:09:44.000000Z 00O             \"LogicalResourceId\": \"Queue\",
2026-11-18T12:09:44.000000Z 00O             \"Timestamp\": \"2026-11-18T12:08:00.000Z\",
2026-11-18T12:09:44.000000Z 00O             \"ResourceStatus\": \"CREATE_FAILED\",
2026-11-18T12:09:44.000000Z 00O             \"ResourceStatusReason\": \"taken\"
2026-11-18T12:09:44.000000Z 00O         }
2026-11-18T12:09:50.000000Z 00O \u{1b}[31;1mERROR: Job failed: execution took longer than 45m0s seconds
";
    check(
        log,
        &[
            "2 18T12:02:42 Noted FAIL ValidationError [shop]: An error occurred (ValidationError) when calling the \
             DescribeStacks operation: Stack with id shop does not exist",
            "3 18T12:02:43 InProgress DEPLOY [shop]: Waiting for changeset to be created..",
            "4 18T12:09:43 Failed FAIL [shop]: Failed to create/update the stack. Run the following command to fetch the \
             list of events leading up to the failure aws cloudformation describe-stack-events --stack-name shop",
            "9 18T12:08:00 Failed CREATE CREATE_FAILED Queue [shop]: taken",
            "16 18T12:09:50 Failed FAIL [shop]: ERROR: Job failed: execution took longer than 45m0s seconds",
        ],
        &[],
    );
}

#[test]
fn printed_events_have_their_own_times() {
    check(
        "[
    {
        \"StackName\": \"shop\",
        \"LogicalResourceId\": \"Queue\",
        \"Timestamp\": \"2026-11-18T12:08:00.000Z\",
        \"ResourceStatus\": \"CREATE_FAILED\",
        \"ResourceStatusReason\": \"taken\"
    },
    {
        \"ResourceStatus\": broken
    }
]
Error: no
",
        &[
            "1 18T12:08:00 Failed CREATE CREATE_FAILED Queue [shop]: taken",
            "12 ~18T12:08:00 Failed FAIL [shop]: Error: no",
        ],
        &[],
    );
}

#[test]
fn serverless_in_jenkins() {
    let log = "[2026-11-18T12:02:40.000Z] [Pipeline] sh
[2026-11-18T12:02:41.000Z] + sls deploy
[2026-11-18T12:02:42.000Z]   CREATE_IN_PROGRESS - AWS::CloudFormation::Stack - shop-dev
[2026-11-18T12:02:43.000Z]   CREATE_FAILED - AWS::Lambda::Function - HelloLambdaFunction
[2026-11-18T12:02:44.000Z] ✖ Stack shop-dev failed to deploy (12s)
[2026-11-18T12:02:44.000Z] Environment: linux, node 22.0.0
[2026-11-18T12:02:44.000Z] Error:
[2026-11-18T12:02:44.000Z] CREATE_FAILED: HelloLambdaFunction (AWS::Lambda::Function)
[2026-11-18T12:02:44.000Z] The role defined for the function
[2026-11-18T12:02:44.000Z] cannot be assumed by Lambda.
[2026-11-18T12:02:44.000Z] 
[2026-11-18T12:02:44.000Z] View the full error: https://console.aws.amazon.com/x
[2026-11-18T12:02:45.000Z] Serverless Error ----------------------------------------
[2026-11-18T12:02:45.000Z] 
[2026-11-18T12:02:45.000Z]   The plugin was
[2026-11-18T12:02:45.000Z]   not found
[2026-11-18T12:02:45.000Z] 
[2026-11-18T12:02:45.000Z] Serverless Error ----------------------------------------
[2026-11-18T12:02:45.000Z] 
[2026-11-18T12:02:45.000Z]   The following resource(s) failed to create: [A,
[2026-11-18T12:02:45.000Z]   B]. The following resource(s) failed to update: [C].
[2026-11-18T12:02:45.000Z] 
[2026-11-18T12:02:46.000Z] Serverless: An error occurred: Uploads - shop-uploads already exists.
[2026-11-18T12:02:46.000Z] ERROR: script returned exit code 1
[2026-11-18T12:02:46.000Z] Finished: FAILURE
";
    check(
        log,
        &[
            "2 18T12:02:42 InProgress CREATE CREATE_IN_PROGRESS shop-dev AWS::CloudFormation::Stack [shop-dev]",
            "3 18T12:02:43 Failed CREATE CREATE_FAILED HelloLambdaFunction AWS::Lambda::Function [shop-dev]",
            "4 18T12:02:44 Failed FAIL [shop-dev]: Stack shop-dev failed to deploy (12s)",
            "7 18T12:02:44 Failed CREATE CREATE_FAILED HelloLambdaFunction AWS::Lambda::Function [shop-dev]: The role \
             defined for the function cannot be assumed by Lambda.",
            "14 18T12:02:45 Failed FAIL [shop-dev]: The plugin was not found",
            "19 18T12:02:45 Failed FAIL [shop-dev]: The following resource(s) failed to create: [A, B]. The following \
             resource(s) failed to update: [C].",
            "22 18T12:02:46 Failed FAIL Uploads [shop-dev]: shop-uploads already exists.",
            "23 18T12:02:46 Noted FAIL [shop-dev]: ERROR: script returned exit code 1",
            "24 18T12:02:46 Noted FAIL [shop-dev]: Finished: FAILURE",
        ],
        &[],
    );
}

#[test]
fn amplify_rain_and_the_github_action() {
    check(
        "⠏ Updating resources in the cloud. This may take a few minutes...

CREATE_IN_PROGRESS amplify-shop-dev AWS::CloudFormation::Stack Wed Nov 18 2026 17:24:08 GMT-0500 (Central Daylight Time) User Initiated
CREATE_FAILED      Inputs Custom::LambdaCallout Wed Nov 18 2026 17:24:10 GMT-0500 (Central Daylight Time) Received response status [FAILED] from custom resource.
\u{1b}[2K\u{1b}[1G⠏ Updating resources\u{1b}[2K\u{1b}[1GCREATE_COMPLETE Api AWS::ApiGateway::Deployment Wed Nov 18 2026 17:24:11 GMT-0500 (Central Daylight Time)
🛑 The following resources failed to deploy:
Resource Name: Inputs (Custom::LambdaCallout)
Event Type: create
Reason: it threw
URL: https://console.aws.amazon.com/x

🛑 Resource is not in the state stackUpdateComplete
",
        &[
            "2 18T22:24:08 InProgress CREATE CREATE_IN_PROGRESS amplify-shop-dev AWS::CloudFormation::Stack \
             [amplify-shop-dev]: User Initiated",
            "3 18T22:24:10 Failed CREATE CREATE_FAILED Inputs Custom::LambdaCallout [amplify-shop-dev]: Received response \
             status [FAILED] from custom resource.",
            "4 18T22:24:11 Succeeded CREATE CREATE_COMPLETE Api AWS::ApiGateway::Deployment [amplify-shop-dev]",
            "6 ~18T22:24:11 Failed FAIL Inputs Custom::LambdaCallout [amplify-shop-dev]: it threw",
            "11 ~18T22:24:11 Failed FAIL [amplify-shop-dev]: Resource is not in the state stackUpdateComplete",
        ],
        &[],
    );
    check(
        "Stack shop: ROLLBACK_COMPLETE
Messages:
  - Orders: taken
  - Nested/Items: not valid

failed deploying stack 'shop'
",
        &[],
        &[
            "0 Succeeded ROLLBACK ROLLBACK_COMPLETE shop AWS::CloudFormation::Stack [shop]",
            "2 Failed FAIL Orders [shop]: taken",
            "3 Failed FAIL Items [shop]: not valid",
        ],
    );
    check(
        "2026-11-18T12:02:41.0Z Starting event monitoring for stack: shop
2026-11-18T12:02:44.0Z 2026-11-18T12:02:42.036Z [PROGRESS] AWS::CloudFormation::Stack/shop CREATE_IN_PROGRESS - User Initiated
2026-11-18T12:02:44.0Z 2026-11-18T12:02:43.046Z AWS::SQS::Queue/Orders ERROR: taken
2026-11-18T12:02:45.0Z   Final Status: DEPLOYMENT_FAILED
",
        &[
            "0 18T12:02:41 InProgress DEPLOY [shop]: Starting event monitoring for stack: shop",
            "1 18T12:02:42 InProgress CREATE CREATE_IN_PROGRESS shop AWS::CloudFormation::Stack [shop]: User Initiated",
            "2 18T12:02:43 Failed FAIL Orders AWS::SQS::Queue [shop]: taken",
        ],
        &[],
    );
}

#[test]
fn a_pasted_message_is_the_failure_and_unknown_output_is_none() {
    check("\nCircular dependency among the words\n\n", &[], &["1 Failed FAIL: Circular dependency among the words"]);
    check(
        "Circular dependency among the words\n\nValue (x) for parameter y is invalid\n-----\n",
        &[],
        &["0 Noted PRINT: Circular dependency among the words", "2 Noted PRINT: Value (x) for parameter y is invalid"],
    );
    check(
        "npm ci\nadded 20 packages in 3s\nBuild done\n",
        &[],
        &["0 Noted PRINT: npm ci", "1 Noted PRINT: added 20 packages in 3s", "2 Noted PRINT: Build done"],
    );
    check(
        "An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id shop does not exist",
        &[],
        &["0 Failed FAIL ValidationError [shop]: An error occurred (ValidationError) when calling the DescribeStacks \
           operation: Stack with id shop does not exist"],
    );
    check(
        "The bucket is odd\nnpm ERR! code 1\n",
        &[],
        &["0 Noted PRINT: The bucket is odd", "1 Noted FAIL: npm ERR! code 1"],
    );
    check(
        "Shop | 0/2 | 1:00:00 PM | CREATE_IN_PROGRESS | AWS::S3::Bucket | Bucket\nThe bucket is odd\n",
        &[],
        &[
            "0 ~01T13:00:00 InProgress CREATE CREATE_IN_PROGRESS Bucket AWS::S3::Bucket [Shop]",
            "1 ~01T13:00:00 Noted PRINT [Shop]: The bucket is odd",
        ],
    );
    check(&"Compiling\n".repeat(21), &[], &[]);
    check("✅  Shop\n\nOutputs:\nShop.Url = x\n", &[], &["0 Succeeded DEPLOY [Shop]: ✅  Shop"]);
    check("", &[], &[]);
}

#[test]
fn a_second_attempt_may_fail_like_the_first() {
    let log = "Shop: deploying... [1/1]\nError: Rate exceeded\nError: Rate exceeded\n".repeat(2);
    let (_, undated, _) = events_of_log(&log);
    let failed: Vec<u32> =
        undated.iter().filter(|event| event.outcome == Outcome::Failed).map(|event| event.record.index).collect();
    assert_eq!(failed, [1, 4]);
}

#[test]
fn a_long_log_gives_few_events() {
    let mut log = "2026-11-18T12:02:41.0Z npm info run something@1.0.0 build ./node_modules/x\n".repeat(100_000);
    log.push_str("2026-11-18T12:09:41.0Z ##[error]The operation was canceled.\n");
    let (events, _, _) = events_of_log(&log);
    assert_eq!(
        events.iter().map(shown).collect::<Vec<_>>(),
        ["100000 18T12:09:41 Failed FAIL: The operation was canceled."]
    );
}

proptest::proptest! {
    /// Whatever the words, nothing panics, and each event tells of a line of the log, in the log's order.
    #[test]
    fn no_log_breaks_the_reader(parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..60)) {
        let text = parts.concat();
        let (events, undated, _) = events_of_log(&text);
        let lines = text.split_inclusive('\n').count();
        proptest::prop_assert!(events.is_empty() || undated.is_empty());
        for events in [events, undated] {
            proptest::prop_assert!(events.iter().all(|event| (event.record.index as usize) < lines));
            proptest::prop_assert!(events.is_sorted_by_key(|event| event.record.index));
        }
    }
}

const PARTS: &[&str] = &[
    "\n",
    "\n",
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "   ",
    "                    ",
    "\t",
    " | ",
    "|",
    "é",
    "\u{202f}",
    "\u{1b}[31m",
    "\u{1b}[",
    "\u{1b}]",
    "[0m",
    "\r",
    "\u{feff}",
    "2026-11-18T12:02:41.123Z ",
    "[2026-11-18 12:02:41] ",
    "12:05:11 PM",
    "9:05:11",
    " GMT+0000",
    "Wed Nov 18 2026 12:05:11 GMT-0500",
    "CREATE_FAILED",
    "UPDATE_ROLLBACK_IN_P",
    "UPDATE_ROLLBACK_COMPLE",
    "TE",
    "AWS::S3::Bucket",
    "AWS::",
    "Path/To (LogicalId8F2A11C0)",
    "LogicalId",
    "Shop",
    "3/10",
    "Error:",
    "Error: x",
    "❌",
    " failed: ",
    "Resource updates failed:\n",
    "Shop/A  (AWS::S3::Bucket A)\n  why\n",
    "Resource handler returned message: \"",
    "HandlerErrorCode: X)",
    "{\n",
    "}\n",
    "\"ResourceStatus\": \"CREATE_FAILED\"\n",
    "Messages:\n",
    "- A: b\n",
    "Resource Name: A (B::C)\n",
    "Reason: r\n",
    "An error occurred (X) when calling the Y operation: z",
    "Stack:arn:aws:cloudformation:us-east-1:1:stack/",
    "--stack-name ",
    ": deploying...",
    "✅ ",
    "npm ERR! ",
    "exit code 1",
    "::error",
    "##[error]",
    "Run the following command\n",
    "    at x (y:1)\n",
];
