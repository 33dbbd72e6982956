//! Every AWS operation that is called: its IAM action, how often it may be called, what a policy for it can name.
//! A call that is not in this table cannot be made; a test holds the table against the code.
//! Used by the desk (pace, count) and by the verb `policy`.

use std::time::Duration;

/// One operation of an AWS service.
#[derive(Debug, PartialEq, Eq)]
pub struct Api {
    /// The service's prefix in IAM actions: `cloudformation`.
    pub service: &'static str,
    /// The operation: `DescribeStacks`.
    pub operation: &'static str,
    /// The least time between two calls in one account and region.
    pub pace: Duration,
    /// What a policy can narrow it to.
    pub resource: Resource,
}

/// What a policy can narrow an operation to. Source: the Service Authorization Reference of each service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// The stack's ARN, `stack/NAME/*`: deleted ones end in their UUID too.
    Stack,
    /// Nothing: `*`.
    Any,
}

impl Api {
    /// The IAM action: `cloudformation:DescribeStacks`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

macro_rules! apis {
    ($($name:ident = $service:literal $operation:literal, $pace:ident, $resource:ident;)*) => {
        $(pub(super) const $name: &Api = &Api { service: $service, operation: $operation, pace: $pace, resource: Resource::$resource };)*
        /// Every operation that live collection may call, by service.
        pub const ALL: &[&Api] = &[$($name),*];
    };
}

/// LookupEvents: 2 a second, account and region. Source: LookupEvents in the CloudTrail API reference.
const TWICE_A_SECOND: Duration = Duration::from_millis(500);
/// CloudFormation publishes no rates; five a second leave the deployment that is looked at its own.
const GENTLY: Duration = Duration::from_millis(200);
/// FilterLogEvents and others of CloudWatch Logs: 5 a second. Source: "CloudWatch Logs quotas" in its user guide.
const FIVE_A_SECOND: Duration = Duration::from_millis(200);
/// Services that allow ten and more a second.
const FREELY: Duration = Duration::from_millis(100);

apis! {
    DESCRIBE_STACKS = "cloudformation" "DescribeStacks", GENTLY, Stack;
    LIST_STACKS = "cloudformation" "ListStacks", GENTLY, Any;
    DESCRIBE_STACK_EVENTS = "cloudformation" "DescribeStackEvents", GENTLY, Stack;
    DESCRIBE_EVENTS = "cloudformation" "DescribeEvents", GENTLY, Stack;
    LIST_STACK_RESOURCES = "cloudformation" "ListStackResources", GENTLY, Stack;
    GET_TEMPLATE = "cloudformation" "GetTemplate", GENTLY, Stack;
    LIST_CHANGE_SETS = "cloudformation" "ListChangeSets", GENTLY, Stack;
    DESCRIBE_CHANGE_SET = "cloudformation" "DescribeChangeSet", GENTLY, Stack;
    LIST_HOOK_RESULTS = "cloudformation" "ListHookResults", GENTLY, Any;
    LIST_STACK_SET_OPERATIONS = "cloudformation" "ListStackSetOperations", GENTLY, Any;
    LIST_STACK_SET_OPERATION_RESULTS = "cloudformation" "ListStackSetOperationResults", GENTLY, Any;
    LOOKUP_EVENTS = "cloudtrail" "LookupEvents", TWICE_A_SECOND, Any;
    RDS_DESCRIBE_EVENTS = "rds" "DescribeEvents", FIVE_A_SECOND, Any;
    DESCRIBE_DB_INSTANCES = "rds" "DescribeDBInstances", FIVE_A_SECOND, Any;
    DESCRIBE_SERVICES = "ecs" "DescribeServices", FREELY, Any;
    LIST_SERVICE_DEPLOYMENTS = "ecs" "ListServiceDeployments", FREELY, Any;
    DESCRIBE_SERVICE_DEPLOYMENTS = "ecs" "DescribeServiceDeployments", FREELY, Any;
    LIST_TASKS = "ecs" "ListTasks", FREELY, Any;
    DESCRIBE_TASKS = "ecs" "DescribeTasks", FREELY, Any;
    DESCRIBE_TASK_DEFINITION = "ecs" "DescribeTaskDefinition", FREELY, Any;
    DESCRIBE_SCALING_ACTIVITIES = "autoscaling" "DescribeScalingActivities", FIVE_A_SECOND, Any;
    DESCRIBE_TARGET_HEALTH = "elasticloadbalancing" "DescribeTargetHealth", FIVE_A_SECOND, Any;
    FILTER_LOG_EVENTS = "logs" "FilterLogEvents", FIVE_A_SECOND, Any;
    GET_CALLER_IDENTITY = "sts" "GetCallerIdentity", FREELY, Any;
}
