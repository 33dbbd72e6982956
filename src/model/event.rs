//! An event: one thing that happened, in our words, with the record that tells it.
//! AWS's open sets (status, action, error code) stay strings, so that a new one never breaks us.
//! Made by the sources; ordered and linked by the timeline.

use super::{RecordRef, Text, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How the thing that happened ended, as far as this event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It began, or goes on.
    InProgress,
    /// It ended as asked for.
    Succeeded,
    /// It ended otherwise, or was refused.
    Failed,
    /// It was given up because of another failure.
    Cancelled,
    /// The event tells a fact that neither succeeds nor fails.
    Noted,
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, to the millisecond; CloudTrail tells whole seconds only.
    pub at: Time,
    /// The record has no time of its own; `at` is that of the record before it.
    pub approximate: bool,
    /// The stem of the source.
    pub source: &'static str,
    /// The record that tells it.
    pub record: RecordRef,
    /// AWS's own id of the event, where its content does not tell it from others: the same id twice is the same event.
    /// None for stack events, whose content does.
    pub event_id: Option<Text>,
    /// CloudTrail's `eventName` verbatim; for other sources our verb (`CREATE`, `STOP`).
    pub action: Text,
    /// How it ended.
    pub outcome: Outcome,
    /// AWS's status verbatim.
    pub status: Option<Text>,
    /// The ARN of the stack that it belongs to, where the record or a link tells it.
    pub stack_id: Option<Text>,
    /// The stack's name, likewise.
    pub stack_name: Option<Text>,
    /// The resource's name in the template.
    pub logical_id: Option<Text>,
    /// The resource's id or ARN in its service.
    pub physical_id: Option<Text>,
    /// What ties it to a resource of the stack besides its own id: the ECS service's name or ARN, the Auto Scaling
    /// group, the log group.
    pub group: Option<Text>,
    /// `AWS::RDS::DBInstance`.
    pub resource_type: Option<Text>,
    /// Who did it: the user or session name as CloudTrail prints it.
    pub actor: Option<Text>,
    /// AWS's error code, where the record has one apart from the message.
    pub error: Option<Text>,
    /// AWS's text, whole.
    pub message: Option<Text>,
    /// The client request token of the operation.
    pub token: Option<Text>,
    /// CloudFormation's `OperationId`.
    pub operation_id: Option<Text>,
    /// What only a CloudTrail record tells.
    pub call: Option<Box<Call>>,
    /// What only a hook's event tells.
    pub hook: Option<Box<Hook>>,
    /// What only a pre-deployment validation tells.
    pub validation: Option<Box<Validation>>,
}

impl Event {
    /// An event with what every event has; the rest is empty.
    pub fn new(at: Time, source: &'static str, record: RecordRef, action: Text, outcome: Outcome) -> Self {
        Self {
            at,
            approximate: false,
            source,
            record,
            event_id: None,
            action,
            outcome,
            status: None,
            stack_id: None,
            stack_name: None,
            logical_id: None,
            physical_id: None,
            group: None,
            resource_type: None,
            actor: None,
            error: None,
            message: None,
            token: None,
            operation_id: None,
            call: None,
            hook: None,
            validation: None,
        }
    }

    /// The message, or nothing.
    pub fn text(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }

    /// AWS's status, or nothing.
    pub fn status(&self) -> &str {
        self.status.as_deref().unwrap_or_default()
    }

    /// True for the events by which CloudFormation tells what becomes of a stack and its resources.
    pub fn is_stack_event(&self) -> bool {
        matches!(self.source, "stack_events" | "operation_events")
    }

    /// True for a stack's own event, which tells the state of the stack itself: a nested stack appears in its parent
    /// with the same type but another physical id (`StackEvent` in the API reference).
    pub fn is_of_stack_itself(&self) -> bool {
        use super::status::STACK_TYPE;
        self.resource_type.as_deref() == Some(STACK_TYPE)
            && match (&self.physical_id, &self.stack_id) {
                (Some(physical), Some(stack)) => physical == stack,
                // Logs and cut copies lack the ids; the stack's own rows then carry its name.
                _ => self.logical_id.is_some() && self.logical_id == self.stack_name,
            }
    }
}

/// A call to an AWS API, as CloudTrail recorded it.
/// Source: CloudTrail record contents and `userIdentity` element in the CloudTrail user guide.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// `eventSource`: `cloudformation.amazonaws.com`.
    pub service: Text,
    /// `awsRegion`; global services are recorded in us-east-1.
    pub region: Option<Text>,
    /// Who called. Shared by the calls of one session.
    pub identity: Arc<Identity>,
    /// `sourceIPAddress`.
    pub source_ip: Option<Text>,
    /// `userAgent`.
    pub user_agent: Option<Text>,
    /// `readOnly`; absent in old records, where the name decides.
    pub read_only: bool,
    /// `requestID`, which a stack event's reason may quote.
    pub request_id: Option<Text>,
    /// `requestParameters.stackName` as it was typed: a name or an ARN.
    pub stack: Option<Text>,
    /// `requestParameters.changeSetName`: a name or an ARN.
    pub change_set: Option<Text>,
    /// `requestParameters.roleARN` (of CloudFormation) or `roleArn` (of AssumeRole).
    pub role_arn: Option<Text>,
    /// `requestParameters.description` of a change set.
    pub description: Option<Text>,
    /// `requestParameters.onFailure` or `onStackFailure`.
    pub on_failure: Option<Text>,
    /// `requestParameters.deploymentConfig.mode`, `STANDARD` or `EXPRESS`.
    pub deployment_mode: Option<Text>,
    /// `requestParameters.retainResources` is there, possibly empty.
    pub retains: bool,
    /// `responseElements.credentials.accessKeyId` of AssumeRole*: the key that the next calls carry.
    pub issued_key: Option<Text>,
    /// Every further short string of `requestParameters` and of `resources[].ARN`, in the record's order, by which the
    /// call may name a resource of the stack.
    pub names: Vec<Text>,
}

/// `userIdentity` of a CloudTrail record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `Root`, `IAMUser`, `AssumedRole`, `AWSService` ... (an open set).
    pub kind: Text,
    /// `arn`.
    pub arn: Option<Text>,
    /// `principalId`.
    pub principal_id: Option<Text>,
    /// `accountId`.
    pub account: Option<Text>,
    /// `userName`, of users only.
    pub user_name: Option<Text>,
    /// `accessKeyId`: joins a call to the AssumeRole* that issued the key.
    pub access_key: Option<Text>,
    /// `invokedBy`: the service that called on somebody's behalf.
    pub invoked_by: Option<Text>,
    /// `sessionContext.sessionIssuer.arn`: the role behind a session.
    pub role_arn: Option<Text>,
    /// `sessionContext.attributes.creationDate`: when the session's credentials were issued.
    pub session_since: Option<Time>,
    /// `sessionContext.sourceIdentity`, if the session carries one.
    pub source_identity: Option<Text>,
    /// The web identity behind the session, of AssumeRoleWithWebIdentity.
    pub web_identity: Option<WebIdentity>,
    /// `sessionCredentialFromConsole`: the call came from the console.
    pub from_console: bool,
}

/// Whom an identity provider vouched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebIdentity {
    /// The provider's host or ARN.
    pub provider: Text,
    /// The subject: `repo:acme/shop:ref:refs/heads/main`.
    pub subject: Text,
}

impl Identity {
    /// The name that CloudTrail prints as `Username`: the user's, or the session's of an assumed role.
    pub fn name(&self) -> Option<&str> {
        if let Some(name) = self.user_name.as_deref() {
            return Some(name);
        }
        if &*self.kind == "Root" {
            return Some("root");
        }
        let of_arn = self.arn.as_deref().and_then(|arn| {
            let (_, resource) = arn.rsplit_once(':')?;
            let mut parts = resource.split('/');
            match parts.next()? {
                "assumed-role" | "federated-user" => resource.rsplit('/').next(),
                "user" => parts.next_back(),
                "root" => Some("root"),
                _ => None,
            }
        });
        of_arn
            .or_else(|| self.principal_id.as_deref()?.split_once(':').map(|(_, session)| session))
            .or(self.invoked_by.as_deref())
    }

    /// The name of the role behind a session: `cdk-hnb659fds-deploy-role-111122223333-us-east-1`.
    pub fn role_name(&self) -> Option<&str> {
        if let Some(role) = self.role_arn.as_deref() {
            return role.rsplit('/').next();
        }
        let resource = self.arn.as_deref()?.rsplit(':').next()?;
        resource.strip_prefix("assumed-role/")?.split('/').next()
    }

    /// True when CloudFormation called on behalf of somebody, or in its service role.
    pub fn is_cloudformation(&self) -> bool {
        self.invoked_by.as_deref() == Some("cloudformation.amazonaws.com")
            || self.arn.as_deref().is_some_and(|arn| arn.ends_with("/AWSCloudFormation"))
    }
}

/// A CloudFormation hook's verdict on a resource. Source: `StackEvent.Hook*`.
#[derive(Debug, Clone)]
pub struct Hook {
    /// `HookType`.
    pub name: Text,
    /// `HookStatus`: `HOOK_COMPLETE_FAILED` ...
    pub status: Text,
    /// `HookFailureMode`: `FAIL` or `WARN`.
    pub failure_mode: Option<Text>,
}

/// A pre-deployment validation's verdict. Source: `OperationEvent.Validation*`.
#[derive(Debug, Clone)]
pub struct Validation {
    /// `OperationType` of what was validated: `CREATE_CHANGESET` ...
    pub operation: Option<Text>,
    /// `ValidationName`, an open set.
    pub name: Option<Text>,
    /// `ValidationPath`: `/Resources/Bucket/Properties/BucketName`.
    pub path: Option<Text>,
    /// `ValidationFailureMode`: `FAIL` or `WARN`.
    pub failure_mode: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_named_as_cloudtrail_names_them() {
        let of = |kind: &str, arn: &str| Identity { kind: kind.into(), arn: Some(arn.into()), ..Identity::default() };
        for (identity, expected) in [
            (of("IAMUser", "arn:aws:iam::111122223333:user/ops/alice"), Some("alice")),
            (of("AssumedRole", "arn:aws:sts::111122223333:assumed-role/deploy/aws-cdk-root"), Some("aws-cdk-root")),
            (of("AssumedRole", "arn:aws-cn:sts::1:assumed-role/r/a@b.example"), Some("a@b.example")),
            (of("FederatedUser", "arn:aws:sts::1:federated-user/bob"), Some("bob")),
            (of("Root", "arn:aws:iam::111122223333:root"), Some("root")),
            (of("AWSAccount", "arn:aws:iam::111122223333:role/x"), None),
        ] {
            assert_eq!(identity.name(), expected, "{identity:?}");
        }
        let role = of("AssumedRole", "arn:aws:sts::111122223333:assumed-role/exec-role/AWSCloudFormation");
        assert_eq!(role.role_name(), Some("exec-role"));
        assert!(role.is_cloudformation());
    }
}
