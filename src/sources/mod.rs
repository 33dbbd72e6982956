//! The table of all sources: what each file of a case holds, and which events its records give.
//! Pure: text in, events and gaps out; a bad record becomes a gap, never an error.
//! Used by the case reader (which file is what) and by the timeline (events).

mod change_sets;
mod cloudtrail;
mod db_instances;
mod deploy_log;
mod ecs_services;
mod ecs_tasks;
mod hook_results;
mod log_events;
mod operation_events;
mod rds_events;
mod scaling_activities;
mod service_deployments;
mod sink;
mod stack_events;
mod stack_resources;
mod stack_set_operations;
mod stacks;
mod target_health;
mod templates;
#[cfg(test)]
mod testing;
mod wire;
mod wording;

pub use sink::{KnownResource, Sink};
pub use templates::{TemplatePlaces, construct_paths};

use crate::model::RecordFile;

/// How a source's file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// JSON as the AWS CLI prints it: records under one of `lists`, or the value itself is a record or a list of them.
    Json,
    /// Each line of a text file is a record.
    Lines,
    /// Each file is one record, kept as it is.
    Whole,
}

/// One source: a file (or a folder of files) of a case.
#[derive(Debug)]
pub struct Source {
    /// The file's name without its ending; unique.
    pub stem: &'static str,
    /// How the file is laid out.
    pub layout: Layout,
    /// The keys under which the AWS CLI prints the records, each the name of the list in the operation's output.
    pub lists: &'static [&'static str],
    /// Alternatives of keys; a record that has all keys of one is of this source. Tells a file with another's content.
    pub marks: &'static [&'static [&'static str]],
    /// The command that prints such a file; `STACK` and other words in capitals are to be filled in.
    pub command: &'static str,
    /// Turns a file's records into events.
    pub read: fn(&RecordFile, &mut Sink<'_>),
}

/// Every source, in the order in which files are read and, where times are equal, events are shown.
pub const ALL: &[Source] = &[
    Source {
        stem: "cloudtrail",
        layout: Layout::Json,
        lists: &["Records", "Events"],
        marks: &[&["eventName", "eventSource"], &["EventName", "CloudTrailEvent"], &["EventName", "EventSource"]],
        command: "aws cloudtrail lookup-events --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false",
        read: cloudtrail::read,
    },
    Source {
        stem: "stack_events",
        layout: Layout::Json,
        lists: &["StackEvents"],
        marks: &[&["StackId", "StackName", "EventId"]],
        command: "aws cloudformation describe-stack-events --stack-name STACK_ARN",
        read: stack_events::read,
    },
    Source {
        stem: "operation_events",
        layout: Layout::Json,
        lists: &["OperationEvents"],
        marks: &[&["EventId", "EventType", "StackId"], &["EventId", "OperationType", "StackId"]],
        command: "aws cloudformation describe-events --stack-name STACK_ARN",
        read: operation_events::read,
    },
    Source {
        stem: "stacks",
        layout: Layout::Json,
        lists: &["Stacks", "StackSummaries"],
        marks: &[&["StackName", "StackStatus", "CreationTime"]],
        command: "aws cloudformation list-stacks",
        read: stacks::read,
    },
    Source {
        stem: "stack_resources",
        layout: Layout::Json,
        lists: &["StackResourceSummaries", "StackResources"],
        marks: &[
            &["LogicalResourceId", "ResourceStatus", "LastUpdatedTimestamp"],
            &["LogicalResourceId", "ResourceStatus", "Timestamp", "StackName"],
        ],
        command: "aws cloudformation list-stack-resources --stack-name STACK_ARN",
        read: stack_resources::read,
    },
    Source {
        stem: "change_sets",
        layout: Layout::Json,
        lists: &["Summaries", "ChangeSets"],
        marks: &[&["ChangeSetName", "Status"], &["ChangeSetId", "Status"]],
        command: "aws cloudformation describe-change-set --stack-name STACK_ARN --change-set-name NAME",
        read: change_sets::read,
    },
    Source {
        stem: "hook_results",
        layout: Layout::Json,
        lists: &["HookResults"],
        marks: &[&["HookResultId", "Status"], &["HookExecutionTarget", "Status"]],
        command: "aws cloudformation list-hook-results --target-type CHANGE_SET --target-id CHANGE_SET_ARN",
        read: hook_results::read,
    },
    Source {
        stem: "stack_set_operations",
        layout: Layout::Json,
        lists: &["Summaries"],
        marks: &[&["OperationId", "Account", "Region", "Status"]],
        command: "aws cloudformation list-stack-set-operation-results --stack-set-name NAME --operation-id ID",
        read: stack_set_operations::read,
    },
    Source {
        stem: "rds_events",
        layout: Layout::Json,
        lists: &["Events"],
        marks: &[&["SourceIdentifier", "Message", "Date"], &["SourceType", "Message", "Date"]],
        command: "aws rds describe-events --duration 20160",
        read: rds_events::read,
    },
    Source {
        stem: "db_instances",
        layout: Layout::Json,
        lists: &["DBInstances"],
        marks: &[&["DBInstanceIdentifier", "DBInstanceStatus"]],
        command: "aws rds describe-db-instances",
        read: db_instances::read,
    },
    Source {
        stem: "ecs_services",
        layout: Layout::Json,
        lists: &["services"],
        marks: &[&["serviceArn", "serviceName"]],
        command: "aws ecs describe-services --cluster CLUSTER --services SERVICE_ARN",
        read: ecs_services::read,
    },
    Source {
        stem: "service_deployments",
        layout: Layout::Json,
        lists: &["serviceDeployments"],
        marks: &[&["serviceDeploymentArn", "status"]],
        command: "aws ecs describe-service-deployments --service-deployment-arns ARN",
        read: service_deployments::read,
    },
    Source {
        stem: "ecs_tasks",
        layout: Layout::Json,
        lists: &["tasks"],
        marks: &[&["taskArn", "lastStatus"], &["taskArn", "containers"]],
        command: "aws ecs describe-tasks --cluster CLUSTER --tasks TASK_ARN",
        read: ecs_tasks::read,
    },
    Source {
        stem: "task_definitions",
        layout: Layout::Json,
        lists: &["taskDefinition", "taskDefinitions"],
        marks: &[&["taskDefinitionArn", "containerDefinitions"]],
        command: "aws ecs describe-task-definition --task-definition ARN",
        read: without_events,
    },
    Source {
        stem: "target_health",
        layout: Layout::Json,
        lists: &["TargetHealthDescriptions"],
        marks: &[&["Target", "TargetHealth"]],
        command: "aws elbv2 describe-target-health --target-group-arn ARN",
        read: target_health::read,
    },
    Source {
        stem: "scaling_activities",
        layout: Layout::Json,
        lists: &["Activities"],
        marks: &[&["ActivityId", "AutoScalingGroupName"]],
        command: "aws autoscaling describe-scaling-activities --include-deleted-groups",
        read: scaling_activities::read,
    },
    Source {
        stem: "log_events",
        layout: Layout::Json,
        lists: &["events"],
        marks: &[&["timestamp", "message"]],
        command: "aws logs filter-log-events --log-group-name GROUP --start-time MILLISECONDS --end-time MILLISECONDS",
        read: log_events::read,
    },
    Source {
        stem: "templates",
        layout: Layout::Whole,
        lists: &[],
        marks: &[],
        command: "aws cloudformation get-template --stack-name STACK_ARN",
        read: without_events,
    },
    Source {
        stem: "deploy_log",
        layout: Layout::Lines,
        lists: &[],
        marks: &[],
        command: "save the console output of the deploy tool or of the CI job",
        read: deploy_log::read,
    },
];

/// The source of this stem, if it is one of ours.
pub fn by_stem(stem: &str) -> Option<&'static Source> {
    ALL.iter().find(|source| source.stem == stem)
}

/// Where the source stands in [`ALL`]; a stem that is not ours comes last.
pub fn rank(stem: &str) -> usize {
    ALL.iter().position(|source| source.stem == stem).unwrap_or(ALL.len())
}

/// Evidence that rules and reports look into, but that tells of no moment in time.
fn without_events(_: &RecordFile, _: &mut Sink<'_>) {}
