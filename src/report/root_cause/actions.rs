//! The action plan: what to do now, before the next deployment, while it runs, if it fails again, and from then on.
//! Steps come from the diagnosis where it knows them; what is added here fits this stack, and nothing is run.
//! Part of the root-cause report.

use super::Material;
use super::impact::{Impact, has_to_go};
use crate::model::{Outcome, arn};
use crate::operation::Kind;
use crate::report::{HypothesisEntry, Step};
use crate::rules::shell_word;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The steps for one time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stage {
    /// By when.
    pub when: When,
    /// In order; not empty.
    pub steps: Vec<Step>,
}

/// By when something is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Make sure of the cause, and bring the stack into order.
    Now,
    /// Mend the cause.
    BeforeDeploying,
    /// Record the next deployment.
    WhileDeploying,
    /// Keep the evidence.
    IfItFailsAgain,
    /// So that it does not happen again, or is found sooner.
    Prevention,
}

impl When {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::BeforeDeploying => "Before the next deployment",
            Self::WhileDeploying => "While it runs",
            Self::IfItFailsAgain => "If it fails again",
            Self::Prevention => "Prevention",
        }
    }
}

/// The stages that have steps, in order.
pub(super) fn plan(material: &Material<'_, '_>, impact: &Impact) -> Vec<Stage> {
    if !material.answer.failed && !material.answer.blind {
        return Vec::new();
    }
    let stages = [
        (When::Now, now(material, impact)),
        (When::BeforeDeploying, before(material)),
        (When::WhileDeploying, during(material)),
        (When::IfItFailsAgain, again(material)),
        (When::Prevention, prevention(material)),
    ];
    let told = stages.into_iter().filter(|(_, steps)| !steps.is_empty());
    told.map(|(when, steps)| Stage { when, steps }).collect()
}

/// The first hypothesis of each failure.
fn first_hypotheses<'m>(material: &'m Material<'_, '_>) -> impl Iterator<Item = &'m HypothesisEntry<'m>> {
    let answer = material.answer;
    answer.explanations.iter().filter_map(move |explanation| {
        answer.hypotheses.iter().find(|held| held.root.as_ref() == Some(&explanation.root))
    })
}

/// Make sure of the causes, then bring the stack into a state that takes a deployment.
fn now(material: &Material<'_, '_>, impact: &Impact) -> Vec<Step> {
    let mut steps: Vec<Step> =
        first_hypotheses(material).flat_map(|first| first.confirm.iter()).map(|text| make_sure(text)).collect();
    if impact.protected == Some(true) && impact.status.as_deref().is_some_and(has_to_go) {
        steps.push(Step {
            does: "Termination protection is on; once the evidence is kept, lift it so that the stack can be deleted"
                .to_owned(),
            command: command(material, "update-termination-protection", " --no-enable-termination-protection"),
            risk: Some("from then on everybody who may delete stacks can delete this one".into()),
        });
    }
    // The same command may be advised for two reasons.
    let advised = |step: &&Step| !steps.iter().any(|other| step.command.is_some() && other.command == step.command);
    let recovery: Vec<Step> = material.recovery().steps.iter().filter(advised).cloned().collect();
    steps.extend(recovery);
    distinct(steps)
}

/// A way to confirm a cause.
fn make_sure(confirm: &str) -> Step {
    let mut step = Step::of(confirm);
    if step.command.is_some() {
        let remark = if step.does.is_empty() { String::new() } else { format!(" ({})", step.does) };
        step.does = format!("Make sure of the cause{remark}");
    }
    step
}

/// What mends the causes.
fn before(material: &Material<'_, '_>) -> Vec<Step> {
    let several = material.answer.explanations.len() > 1;
    let mut steps = Vec::new();
    for first in first_hypotheses(material) {
        for fix in first.fixes.iter() {
            let mut step = Step::of(fix);
            if several && step.command.is_none() {
                let of = material.answer.failures.iter().find(|failure| Some(&failure.event) == first.root.as_ref());
                let name = of.and_then(|failure| failure.logical_id).map(|name| format!("{name}: "));
                step.does = format!("{}{}", name.unwrap_or_default(), step.does);
            }
            steps.push(step);
        }
    }
    let deployed =
        material.answer.operations.iter().filter(|operation| !matches!(operation.kind, Kind::Rollback | Kind::Delete));
    if deployed.flat_map(|operation| &operation.resources).any(|span| span.outcome == Outcome::Cancelled) {
        steps.push(Step::sentence(
            "Look at the resources that were cancelled, too: none of them was tried to the end, and the next deployment will try them",
        ));
    }
    distinct(steps)
}

/// The flight recorder around the command that deploys this stack.
fn during(material: &Material<'_, '_>) -> Vec<Step> {
    let Some(stack) = stack_word(material) else { return Vec::new() };
    let region = region(material);
    let deploy = deploy_command(material, &stack);
    let watch = format!("cfn-forensics watch{region} --stack {stack} --protect");
    vec![Step {
        does: "Record it: progress, evidence before a rollback destroys it, and termination protection so that nobody deletes the stack meanwhile".to_owned(),
        command: Some(deploy.map_or_else(|| watch.clone(), |deploy| format!("{watch} -- {deploy}"))),
        risk: Some("a stack that failed stays protected until that is lifted".into()),
    }]
}

/// The command by which the tool that began the story deploys a stack; none for the console and what is not known.
fn deploy_command(material: &Material<'_, '_>, stack: &str) -> Option<String> {
    let first = material.answer.operations.iter().find(|operation| operation.parent.is_none())?;
    Some(match first.actor.as_ref()?.tool? {
        "AWS CDK CLI" => format!("cdk deploy {stack}"),
        "AWS SAM CLI" => format!("sam deploy --stack-name {stack}"),
        "AWS CLI" => format!("aws cloudformation deploy --stack-name {stack} --template-file TEMPLATE"),
        "Serverless Framework" => "serverless deploy".to_owned(),
        "rain" => format!("rain deploy TEMPLATE {stack}"),
        _ => return None,
    })
}

fn again(material: &Material<'_, '_>) -> Vec<Step> {
    let Some(stack) = stack_word(material) else { return Vec::new() };
    let region = region(material);
    let mut steps = vec![Step {
        does: "Keep the evidence at once: stopped tasks are gone after an hour, target health with the rollback"
            .to_owned(),
        command: Some(format!("cfn-forensics capture{region} --stack {stack}")),
        risk: None,
    }];
    let settings = material.answer.unknown.iter().filter_map(|question| question.next_time.as_ref());
    steps.extend(settings.map(|setting| Step::sentence(setting)));
    steps.push(Step::sentence(
        "Deploy with the rollback off (--disable-rollback of the AWS CLI and SAM, --no-rollback of cdk deploy): what was made stays and can be looked at",
    ));
    distinct(steps)
}

/// What would have found each family of causes before it broke a deployment.
/// Sources: the CloudFormation user guide ("Best practices", "Validate stack deployments", "Hooks"), the services' guides.
const PREVENTION: &[(&str, &str)] = &[
    (
        "permission.pass-role",
        "Check the deploying role's iam:PassRole against the roles that templates name, in review (IAM policy simulator, cfn-lint)",
    ),
    (
        "permission",
        "Give the deployment a service role of its own whose policy is tested with the template (IAM Access Analyzer finds what is missing from CloudTrail), instead of whoever deploys",
    ),
    (
        "resource.already-exists",
        "Let CloudFormation name resources; where a name must be fixed, put the stage into it and import what exists already",
    ),
    (
        "resource.not-found",
        "Refer by Ref, GetAtt and exports instead of ids by hand; keep the parameters of each stage under review",
    ),
    ("resource.in-use", "Order removals in two deployments: first what uses the resource, then the resource"),
    ("resource.conflict", "Let one pipeline deploy a stack at a time, and nothing else change its resources"),
    ("quota", "Watch the quota (Service Quotas, usage alarm at 80 %) and ask for more before the deployment needs it"),
    ("capacity", "Offer the deployment several zones and instance types"),
    ("throttling", "Deploy fewer stacks at once, or spread them over time"),
    (
        "timeout.client-wait",
        "Let the job's limit be longer than the longest rollback, or let it begin the deployment and a second job wait for it",
    ),
    ("timeout", "Set time-outs by what the resource usually takes; the durations in this report are a measure"),
    (
        "credentials",
        "Let the session last as long as the longest deployment with its rollback, or deploy with a service role so that the session does not matter",
    ),
    (
        "health",
        "Run the image with the same environment and health check before it is deployed, and give it a circuit breaker with rollback",
    ),
    (
        "custom-resource",
        "Let the function answer on every path, log the request, and have a log group with DeletionPolicy: Retain",
    ),
    (
        "validation",
        "Run cfn-lint and a change set with validation (ValidateTemplate, CreateChangeSet) in the pull request",
    ),
    ("changeset", "Let one pipeline make and execute change sets; treat an empty one as success"),
    ("stack", "Let one pipeline deploy the stack, and look at the stack's state before it begins"),
    ("rollback", "Keep roles and keys that resources need in a stack of their own, so that a rollback finds them"),
    ("asset", "Publish assets in the same job that deploys, and keep old ones as long as a rollback may need them"),
    (
        "drift",
        "Let nobody change the stack's resources by hand (service control policy, read-only console), and run drift detection",
    ),
    ("hook", "Run the hook's policy in the pull request as well"),
    ("dependency", "Write the dependency into the template (Ref, GetAtt, DependsOn)"),
    ("account", "Prepare accounts by a stack of their own that is deployed first"),
    (
        "signal",
        "Let the instance's script signal with its real exit code, and send its log to CloudWatch Logs before it does",
    ),
    (
        "service",
        "Where the service fails for no reason of yours again and again, open a case with AWS Support and attach this report",
    ),
    ("type", "Activate the resource types of an account and region by a stack of their own that is deployed first"),
];

/// What would have found a cause before it broke a deployment; the first family that it belongs to decides.
fn prevents(cause: &str) -> Option<&'static str> {
    let belongs =
        |family: &str| cause.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    PREVENTION.iter().find(|(family, _)| belongs(family)).map(|(_, says)| *says)
}

fn prevention(material: &Material<'_, '_>) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(first_hypotheses(material).filter_map(|first| prevents(first.cause)).map(Step::sentence));
    if material.answer.operations.iter().any(|operation| operation.cut_off_by.is_some()) {
        steps.push(Step::sentence(
            "Termination protection while a deployment runs refuses the delete that cut this one off",
        ));
    }
    distinct(steps)
}

/// Each step once, where it stands first.
fn distinct(steps: Vec<Step>) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        if !kept.contains(&step) {
            kept.push(step);
        }
    }
    kept
}

fn stack_word<'m>(material: &'m Material<'_, '_>) -> Option<Cow<'m, str>> {
    shell_word(material.answer.stack?)
}

fn region(material: &Material<'_, '_>) -> String {
    material.stack_id().and_then(arn::region).map_or(String::new(), |region| format!(" --region {region}"))
}

fn command(material: &Material<'_, '_>, verb: &str, more: &str) -> Option<String> {
    let stack = shell_word(material.stack_id().or(material.answer.stack)?)?;
    Some(format!("aws cloudformation {verb}{} --stack-name {stack}{more}", region(material)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::CAUSES;

    #[test]
    fn every_cause_can_be_prevented_and_no_family_is_idle() {
        let causes = CAUSES.iter().map(|(cause, _)| *cause);
        let without: Vec<&str> = causes.clone().filter(|cause| prevents(cause).is_none()).collect();
        assert_eq!(without, ["other"]);
        let used: Vec<&str> = causes.filter_map(prevents).collect();
        let idle = PREVENTION.iter().filter(|(_, says)| !used.contains(says)).map(|(family, _)| *family);
        assert_eq!(idle.collect::<Vec<_>>(), Vec::<&str>::new());
    }
}
