//! What can be asked of AWS, each question with all that it needs, so that two equal ones are one.
//! It names no SDK and no file: `aws` turns a question into calls, an archive could answer some of them too.
//! Made by the plan; answered by live collection.

use crate::model::{Time, time};
use std::fmt;

/// A span of time; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first instant.
    pub from: Time,
    /// The last instant; not before `from`.
    pub to: Time,
}

impl Window {
    /// The two windows as one, with what lies between them.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { from: self.from.min(other.from), to: self.to.max(other.to) }
    }

    /// True where the two have an instant in common.
    pub fn touches(&self, other: &Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", time::text(self.from), time::text(self.to))
    }
}

/// How far back a stack's events are wanted; newest come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// All that AWS keeps.
    All,
    /// Until so many deployments of the stack were seen to begin, and until this instant.
    Back {
        /// Deployments.
        deployments: usize,
        /// None where only the deployments count.
        since: Option<Time>,
    },
}

impl Depth {
    /// True when nothing older is wanted than what was seen.
    pub fn is_reached(self, seen: usize, oldest: Option<Time>) -> bool {
        match self {
            Self::All => false,
            Self::Back { deployments, since } => {
                seen >= deployments && since.is_none_or(|since| oldest.is_some_and(|oldest| oldest < since))
            }
        }
    }

    /// True where this reaches as far back as the other, or further.
    fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (_, Self::All) => false,
            (Self::Back { deployments, since }, Self::Back { deployments: others, since: other }) => {
                let as_early = other.is_none_or(|other| since.is_some_and(|since| since <= other));
                deployments >= others && as_early
            }
        }
    }
}

/// Which CloudTrail records: LookupEvents takes one attribute a call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// `ReadOnly=false`: everything that changes something.
    Writes,
    /// `EventName`.
    EventName(String),
    /// `Username`: a user's name or a session's.
    Username(String),
    /// `ResourceName`.
    ResourceName(String),
    /// `EventSource`: `iam.amazonaws.com`.
    EventSource(String),
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writes => f.write_str("ReadOnly=false"),
            Self::EventName(name) => write!(f, "EventName={name}"),
            Self::Username(name) => write!(f, "Username={name}"),
            Self::ResourceName(name) => write!(f, "ResourceName={name}"),
            Self::EventSource(name) => write!(f, "EventSource={name}"),
        }
    }
}

/// What is asked. Stacks are named by ARN but where it says otherwise.
#[allow(missing_docs)] // the fields are what the variants say, in AWS's words
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ask {
    /// The stopped tasks of a cluster's services, by ARN; they live for an hour, so that this comes before everything else.
    StoppedTasks { cluster: String, services: Vec<String> },
    /// A stack by name or ARN; by name only a live one is found.
    Stack { stack: String },
    /// Every stack that something happened to since then, live and deleted, without nested ones.
    Stacks { since: Time },
    /// The deleted stacks of this name.
    DeletedStacks { name: String },
    /// What became of a stack and its resources.
    StackEvents { stack: String, depth: Depth },
    /// The same by operation, with pre-deployment validation.
    OperationEvents { stack: String, depth: Depth },
    /// The stack's resources as they are now.
    Resources { stack: String },
    /// The stack's template.
    Template { stack: String },
    /// The stack's change sets, those that failed described in full.
    ChangeSets { stack: String },
    /// What hooks said of a change set or a stack.
    HookResults { target: String },
    /// What the last operations of a stack set came to in this account.
    StackSet { name: String, account: String },
    /// Calls that CloudTrail recorded; at most so many pages of 50.
    Calls { filter: Filter, window: Window, pages: u32 },
    /// RDS events of one thing (`SourceType` and identifier), or of all.
    RdsEvents { of: Option<(String, String)>, window: Window },
    /// The state of a DB instance.
    DbInstance { identifier: String },
    /// A cluster's services, by ARN, with their latest events; at most ten.
    Services { cluster: String, services: Vec<String> },
    /// The deployments of an ECS service that were made in the window.
    ServiceDeployments { cluster: String, service: String, window: Window },
    /// A task definition, for its log groups.
    TaskDefinition { arn: String },
    /// What an Auto Scaling group did since.
    ScalingActivities { group: String, since: Time },
    /// The health of a target group's targets.
    TargetHealth { target_group: String },
    /// Lines of a log group: those that tell of errors first, then, where streams are named, the others.
    LogEvents { group: String, streams: Vec<String>, window: Window, errors_only: bool },
}

/// A question and the region that it goes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// What is asked; it comes first, so that the order of questions is that of their urgency.
    pub ask: Ask,
    /// The region: `eu-west-1`.
    pub region: String,
}

impl Ask {
    /// The stems of all sources that a question may be about.
    pub const SOURCES: [&'static str; 18] = [
        "cloudtrail",
        "stack_events",
        "operation_events",
        "stacks",
        "stack_resources",
        "change_sets",
        "hook_results",
        "stack_set_operations",
        "rds_events",
        "db_instances",
        "ecs_services",
        "service_deployments",
        "ecs_tasks",
        "task_definitions",
        "target_health",
        "scaling_activities",
        "log_events",
        "templates",
    ];

    /// The stem of the source that the answer goes to.
    pub fn source(&self) -> &'static str {
        match self {
            Self::StoppedTasks { .. } => "ecs_tasks",
            Self::Stack { .. } | Self::Stacks { .. } | Self::DeletedStacks { .. } => "stacks",
            Self::StackEvents { .. } => "stack_events",
            Self::OperationEvents { .. } => "operation_events",
            Self::Resources { .. } => "stack_resources",
            Self::Template { .. } => "templates",
            Self::ChangeSets { .. } => "change_sets",
            Self::HookResults { .. } => "hook_results",
            Self::StackSet { .. } => "stack_set_operations",
            Self::Calls { .. } => "cloudtrail",
            Self::RdsEvents { .. } => "rds_events",
            Self::DbInstance { .. } => "db_instances",
            Self::Services { .. } => "ecs_services",
            Self::ServiceDeployments { .. } => "service_deployments",
            Self::TaskDefinition { .. } => "task_definitions",
            Self::ScalingActivities { .. } => "scaling_activities",
            Self::TargetHealth { .. } => "target_health",
            Self::LogEvents { .. } => "log_events",
        }
    }

    /// True where the answer to this is the answer to `other` too: the same, over a window that holds the other's, or
    /// further back.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::StackEvents { stack, depth }, Self::StackEvents { stack: of, depth: other })
            | (Self::OperationEvents { stack, depth }, Self::OperationEvents { stack: of, depth: other }) => {
                return stack == of && depth.covers(*other);
            }
            _ => {}
        }
        let (Some(window), Some(inner)) = (self.window(), other.window()) else { return self == other };
        window.from <= inner.from && inner.to <= window.to && self.at(inner) == *other
    }

    fn window(&self) -> Option<Window> {
        match self {
            Self::Calls { window, .. }
            | Self::RdsEvents { window, .. }
            | Self::ServiceDeployments { window, .. }
            | Self::LogEvents { window, .. } => Some(*window),
            _ => None,
        }
    }

    /// The same over another window.
    fn at(&self, new: Window) -> Self {
        let mut other = self.clone();
        match &mut other {
            Self::Calls { window, .. }
            | Self::RdsEvents { window, .. }
            | Self::ServiceDeployments { window, .. }
            | Self::LogEvents { window, .. } => *window = new,
            _ => {}
        }
        other
    }

    /// The part of the source that is asked for, as a gap names it; none where it is all of it.
    pub fn part(&self) -> String {
        match self {
            Self::StoppedTasks { services, .. } | Self::Services { services, .. } => services.join(", "),
            Self::ServiceDeployments { service, window, .. } => format!("{service}, {window}"),
            Self::Stack { stack }
            | Self::StackEvents { stack, .. }
            | Self::OperationEvents { stack, .. }
            | Self::Resources { stack }
            | Self::Template { stack }
            | Self::ChangeSets { stack } => stack.clone(),
            Self::Stacks { since } => format!("since {}", time::text(*since)),
            Self::DeletedStacks { name } => format!("deleted stacks named {name}"),
            Self::StackSet { name, .. } => format!("stack set {name}"),
            Self::HookResults { target } => target.clone(),
            Self::Calls { filter, window, .. } => format!("{filter}, {window}"),
            Self::RdsEvents { of: Some((kind, identifier)), window } => format!("{kind} {identifier}, {window}"),
            Self::RdsEvents { of: None, window } => window.to_string(),
            Self::DbInstance { identifier } => identifier.clone(),
            Self::TaskDefinition { arn } => arn.clone(),
            Self::ScalingActivities { group, .. } => group.clone(),
            Self::TargetHealth { target_group } => target_group.clone(),
            Self::LogEvents { group, streams, window, .. } => match streams.as_slice() {
                [] => format!("{group}, {window}"),
                [stream] => format!("{group} {stream}, {window}"),
                _ => format!("{group}, {} streams, {window}", streams.len()),
            },
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.ask.source(), self.ask.part(), self.region)
    }
}

/// How a question was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// With all that there is.
    Whole,
    /// With the newest part only; older than this nothing was seen.
    Partly {
        /// The time of the oldest record that came.
        oldest: Option<Time>,
    },
    /// Not at all: refused, gone, late.
    Not,
}
