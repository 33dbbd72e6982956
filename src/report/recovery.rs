//! What can be done with the stack as it stands: by its status, with commands that fit it, and what each risks.
//! Printed, never run. Source: CloudFormation user guide, "Stack status codes", "Continue rolling back an update",
//! "Choose how to handle failures when provisioning resources", "Delete a stack".

use super::Evidence;
use super::select::Selection;
use crate::diagnose::Diagnosis;
use crate::model::{Event, Outcome, arn};
use crate::operation::{Operation, Role};
use crate::rules::shell_word;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A way on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// What to do, as a sentence without a full stop; empty where the command says it.
    pub does: String,
    /// The command; none where it is done elsewhere (in the template, by the deploy tool).
    pub command: Option<String>,
    /// What it costs or cannot undo.
    pub risk: Option<Cow<'static, str>>,
}

/// Programs by which a line is known as a command that can be copied.
const PROGRAMS: [&str; 6] = ["aws", "cdk", "sam", "curl", "docker", "cfn-forensics"];

/// A piece of advice that is a command, and the remark behind it, which not every shell takes for one; none for a sentence.
pub fn command_of(advice: &str) -> Option<(&str, Option<&str>)> {
    let program = advice.split(' ').next().unwrap_or_default();
    let split = || advice.split_once("   # ").map_or((advice, None), |(command, remark)| (command, Some(remark)));
    PROGRAMS.contains(&program).then(split)
}

impl Step {
    /// A step of a rule's advice: a command with its remark, or a sentence.
    pub fn of(advice: &str) -> Self {
        match command_of(advice) {
            Some((command, remark)) => Self {
                does: remark.unwrap_or_default().to_owned(),
                command: Some(command.trim_end().to_owned()),
                risk: None,
            },
            None => Self::sentence(advice),
        }
    }

    /// A step without a command.
    pub fn sentence(says: &str) -> Self {
        Self { does: says.trim_end_matches('.').to_owned(), command: None, risk: None }
    }
}

/// The state that the stack is in, and the ways on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Recovery {
    /// The stack's last known status; none where no record tells it.
    pub status: Option<String>,
    /// The safest first.
    pub steps: Vec<Step>,
}

/// So probable is what advice may follow.
const LIKELY: f64 = 0.5;
const DELETES: &str =
    "deletes what the stack still has; what is retained or could not be deleted stays and may hold its name";
const SKIPS: &str = "CloudFormation takes a skipped resource for rolled back although it is not: it drifts, and the next update that touches it may fail. It cannot be undone";
const CANCELS: &str = "begins a rollback, which undoes what the update has done so far";

/// The ways on from where the stack stands.
pub(super) fn recovery(evidence: Evidence<'_>, selection: &Selection, diagnosis: &Diagnosis) -> Recovery {
    let mut operations = selection.operations.iter().filter_map(|index| evidence.history.operations.get(*index));
    // A call that was refused changed nothing.
    let last = operations.rfind(|operation| operation.status.is_some() || operation.root().is_none());
    let Some(last) = last else { return Recovery::default() };
    let incarnation = evidence.history.incarnations.get(last.incarnation);
    let id = incarnation.and_then(|incarnation| incarnation.stack_id.as_deref());
    // Where an older operation is asked about, the stack is elsewhere by now.
    let status = incarnation.and_then(|incarnation| incarnation.status.as_deref()).or_else(|| last_state(evidence, id));
    let stack = Stack {
        // A live stack is known by its name as well; a deleted one only by its ARN.
        target: shell_word(id.unwrap_or(&selection.name)).unwrap_or_else(|| "STACK".into()).into_owned(),
        region: id.and_then(arn::region).map_or(String::new(), |region| format!(" --region {region}")),
        failed: failed_resources(evidence, last, id),
    };
    let mut steps = Vec::new();
    if diagnosis.hypotheses().any(|held| held.cause == "stack.termination-protection" && held.probability >= LIKELY) {
        steps.push(Step {
            does: "The stack is protected: nothing can delete it. Only if its deletion is meant, lift that first"
                .to_owned(),
            command: stack.command("update-termination-protection", " --no-enable-termination-protection"),
            risk: Some("from then on everybody who may delete stacks can delete this one".into()),
        });
    }
    steps.extend(stack.steps(status.unwrap_or_default()));
    Recovery { status: status.map(str::to_owned), steps }
}

/// The state that the stack's own rows told last.
pub(super) fn last_state<'a>(evidence: Evidence<'a>, stack: Option<&str>) -> Option<&'a str> {
    let own = |event: &&Event| event.is_of_stack_itself() && stack.is_some() && event.stack_id.as_deref() == stack;
    evidence.timeline.events.iter().rev().filter(own).find_map(|event| event.status.as_deref())
}

/// The logical ids whose own failures ended the operation, as far as they are this stack's.
fn failed_resources(evidence: Evidence<'_>, operation: &Operation, stack: Option<&str>) -> Vec<String> {
    let failures = operation.failures.iter().filter(|failure| failure.role != Role::Cascade);
    let events = failures.filter_map(|failure| evidence.timeline.events.get(failure.event));
    // What failed in a nested stack has no name in this one; the nested stack's own row has.
    let events = events.filter(|event| event.outcome == Outcome::Failed && event.stack_id.as_deref() == stack);
    let mut names: Vec<String> = events
        .filter(|event| event.is_stack_event() && !event.is_of_stack_itself())
        .filter_map(|event| event.logical_id.as_deref())
        .filter_map(shell_word)
        .map(Cow::into_owned)
        .collect();
    names.dedup();
    names
}

struct Stack {
    target: String,
    region: String,
    failed: Vec<String>,
}

impl Stack {
    fn command(&self, verb: &str, more: &str) -> Option<String> {
        Some(format!("aws cloudformation {verb}{} --stack-name {}{more}", self.region, self.target))
    }

    fn steps(&self, status: &str) -> Vec<Step> {
        let step = |does: &str, command: Option<String>, risk: Option<&'static str>| Step {
            does: does.to_owned(),
            command,
            risk: risk.map(Cow::Borrowed),
        };
        let mend = || step("Mend the cause, then deploy again", None, None);
        let delete = |does: &str| step(does, self.command("delete-stack", ""), Some(DELETES));
        match status {
            "ROLLBACK_COMPLETE" => vec![
                step(
                    "A stack in this state can only be deleted; cdk deploy and some other tools do that by themselves before they create it anew",
                    None,
                    None,
                ),
                delete("Mend the cause, delete the stack, then deploy again"),
            ],
            "ROLLBACK_FAILED" => vec![delete(
                "Delete the stack; where a resource cannot be deleted, mend that first (once the deletion has failed, it can be left behind)",
            )],
            "CREATE_FAILED" => vec![
                step("Mend the cause and deploy again: what was created already is kept", None, None),
                step(
                    "Or roll back to nothing",
                    self.command("rollback-stack", ""),
                    Some("undoes the creation; there is no earlier state to go back to"),
                ),
                delete("Or delete the stack"),
            ],
            "UPDATE_FAILED" => vec![
                step("Mend the cause and deploy again: what was updated already is kept", None, None),
                step(
                    "Or go back to the last good state",
                    self.command("rollback-stack", ""),
                    Some("undoes what the update has done"),
                ),
            ],
            "UPDATE_ROLLBACK_FAILED" => vec![
                step(
                    "Mend what the rollback failed of, then let it go on",
                    self.command("continue-update-rollback", ""),
                    None,
                ),
                step(
                    "Or let it go on without the resources that cannot be rolled back",
                    self.command("continue-update-rollback", &self.skipped()),
                    Some(SKIPS),
                ),
                step("Until then the stack takes no update", None, None),
            ],
            "DELETE_FAILED" => vec![
                step(
                    "Take away what blocks the deletion, then delete again",
                    self.command("delete-stack", ""),
                    Some(DELETES),
                ),
                step(
                    "Or leave the blocked resources behind",
                    self.command("delete-stack", &self.retained()),
                    Some("what is left behind goes on costing, and may hold a name that the next deployment wants"),
                ),
            ],
            "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => {
                vec![
                    step(
                        "CloudFormation has put back what the update changed; the stack takes the next one",
                        None,
                        None,
                    ),
                    mend(),
                ]
            }
            "DELETE_COMPLETE" => vec![
                step("The stack is gone; mend the cause, then deploy again", None, None),
                step(
                    "Look for what it left behind (DELETE_SKIPPED, retained resources) before that",
                    Some(format!(
                        "aws cloudformation describe-stack-events{} --stack-name {} --query \"StackEvents[?ResourceStatus=='DELETE_SKIPPED'].[LogicalResourceId,PhysicalResourceId]\" --output text",
                        self.region, self.target
                    )),
                    None,
                ),
            ],
            "REVIEW_IN_PROGRESS" => vec![step(
                "Nothing was created yet: make a new change set, or delete the stack",
                self.command("delete-stack", ""),
                None,
            )],
            "UPDATE_IN_PROGRESS" => vec![
                step(
                    "Wait: CloudFormation goes on, whatever became of the deploy tool",
                    self.command("describe-stacks", " --query \"Stacks[].StackStatus\" --output text"),
                    None,
                ),
                step("Or cancel the update", self.command("cancel-update-stack", ""), Some(CANCELS)),
            ],
            busy if busy.ends_with("_IN_PROGRESS") => vec![step(
                "Wait: CloudFormation goes on, whatever became of the deploy tool",
                self.command("describe-stacks", " --query \"Stacks[].StackStatus\" --output text"),
                None,
            )],
            "" => vec![step(
                "See what state the stack is in",
                self.command("describe-stacks", " --query \"Stacks[].StackStatus\" --output text"),
                None,
            )],
            _ => vec![step("The stack takes the next deployment as it is", None, None)],
        }
    }

    fn retained(&self) -> String {
        format!(" --retain-resources {}", self.names())
    }

    fn skipped(&self) -> String {
        format!(" --resources-to-skip {}", self.names())
    }

    fn names(&self) -> String {
        if self.failed.is_empty() { "LOGICAL_ID".to_owned() } else { self.failed.join(" ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stack() -> Stack {
        Stack { target: "shop".to_owned(), region: " --region eu-west-1".to_owned(), failed: vec!["Db".to_owned()] }
    }

    #[test]
    fn every_state_at_rest_after_a_failure_has_a_way_on() {
        for (status, expected) in [
            ("ROLLBACK_COMPLETE", "delete-stack --region eu-west-1 --stack-name shop"),
            ("ROLLBACK_FAILED", "delete-stack"),
            ("CREATE_FAILED", "rollback-stack"),
            ("UPDATE_FAILED", "rollback-stack"),
            ("UPDATE_ROLLBACK_FAILED", "--resources-to-skip Db"),
            ("DELETE_FAILED", "--retain-resources Db"),
            ("UPDATE_IN_PROGRESS", "cancel-update-stack"),
            ("CREATE_IN_PROGRESS", "describe-stacks"),
            ("REVIEW_IN_PROGRESS", "delete-stack"),
            ("DELETE_COMPLETE", "DELETE_SKIPPED"),
            ("", "describe-stacks"),
        ] {
            let commands: Vec<String> = stack().steps(status).into_iter().filter_map(|step| step.command).collect();
            assert!(commands.iter().any(|command| command.contains(expected)), "{status}: {commands:?}");
        }
    }

    #[test]
    fn what_cannot_be_undone_says_so() {
        for status in ["ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_IN_PROGRESS"] {
            let steps = stack().steps(status);
            assert!(steps.iter().any(|step| step.command.is_some() && step.risk.is_some()), "{status}");
        }
    }
}
