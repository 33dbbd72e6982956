//! How tools, services and people show themselves in a call: one table of marks, a row each, with examples.
//! It only recognises; what a mark is worth in an operation is weighed in `verdict`.
//! Used by the verdict and the chain. Source: the tools' own code and their records in CloudTrail.

use super::Verdict;
use crate::model::Text;
use Verdict::{Console, Deploy, Destroy, ParentStack, Probe, StackSet};
use regex_lite::Regex;
use std::sync::OnceLock;

/// Where in the evidence a mark is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The session's or user's name.
    Session,
    /// The name of the role behind the session.
    Role,
    /// The user agent.
    Agent,
    /// The service on whose side the call was made: `invokedBy`, or a user agent that is a service.
    Service,
    /// The change set's name, the stack's name in it written as `<stack>`.
    ChangeSet,
    /// The change set's description.
    Description,
    /// A client request token.
    Token,
    /// The stack's name.
    Stack,
    /// The logical id of one of the stack's resources.
    Resource,
    /// `onFailure` or `onStackFailure` of the call that created the stack.
    OnFailure,
    /// A request parameter that the call carries, or another property of its record that stands alone.
    Parameter,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Signature {
    /// Where it is looked for.
    pub field: Field,
    /// A regular expression; `UUID` in it stands for one.
    pub pattern: &'static str,
    /// The tool that it gives away, if it is one tool's alone.
    pub tool: Option<&'static str>,
    /// What the mark says, as a clause; `${1}` is the pattern's first group.
    pub says: &'static str,
    /// What it speaks for, in decibans.
    pub hints: &'static [(Verdict, i32)],
    #[cfg_attr(not(test), allow(dead_code))]
    example: &'static str,
    #[cfg_attr(not(test), allow(dead_code))]
    counter: &'static str,
}

/// The CDK's command line tool.
pub(super) const CDK: &str = "AWS CDK CLI";
/// SAM's command line tool.
pub(super) const SAM: &str = "AWS SAM CLI";
const AWS_CLI: &str = "AWS CLI";
const SERVERLESS: &str = "Serverless Framework";
const RAIN: &str = "rain";
const GITHUB_ACTION: &str = "aws-cloudformation-github-deploy";
const STACK_MASTER: &str = "stack_master";
const STACKER: &str = "stacker";
const COPILOT: &str = "AWS Copilot";
const CODE_PIPELINE: &str = "CodePipeline";

const NONE: &[(Verdict, i32)] = &[];
const AT_THE_CONSOLE: &[(Verdict, i32)] = &[(Console, 22)];
const NOT_THE_CONSOLE: &[(Verdict, i32)] = &[(Console, -10)];

const fn row(
    field: Field,
    pattern: &'static str,
    tool: Option<&'static str>,
    says: &'static str,
    hints: &'static [(Verdict, i32)],
    example: &'static str,
    counter: &'static str,
) -> Signature {
    Signature { field, pattern, tool, says, hints, example, counter }
}

use Field::{Agent, ChangeSet, Description, OnFailure, Parameter, Resource, Role, Service, Session, Stack, Token};

/// Every mark we know. Where several give away a tool, the first one names it: services and the console before change
/// sets (which one tool may make and another execute), those before user agents, tokens and mere names.
/// sceptre, org-formation and iidy leave no mark of their own, so they have no row.
#[rustfmt::skip] // A table is read by its columns.
pub(super) const SIGNATURES: &[Signature] = &[
    // Services and the console (4.4).
    row(Service, r"^codepipeline\.amazonaws\.com$", Some(CODE_PIPELINE), "CodePipeline made the call", NOT_THE_CONSOLE,
        "codepipeline.amazonaws.com", "codebuild.amazonaws.com"),
    row(Service, r"(?:^|\.)stacksets\.cloudformation\.amazonaws\.com$", Some("StackSets"), "CloudFormation StackSets made the call", &[(StackSet, 30)],
        "member.org.stacksets.cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
    row(Service, r"^cloudformation\.amazonaws\.com$", None, "CloudFormation made the call on behalf of its caller, as it does for nested stacks", &[(ParentStack, 30)],
        "cloudformation.amazonaws.com", "stacksets.cloudformation.amazonaws.com"),
    row(Service, r"^servicecatalog\.amazonaws\.com$", Some("Service Catalog"), "Service Catalog made the call", NOT_THE_CONSOLE,
        "servicecatalog.amazonaws.com", "catalog.amazonaws.com"),
    row(Service, r"^controltower\.amazonaws\.com$", Some("Control Tower"), "Control Tower made the call", NOT_THE_CONSOLE,
        "controltower.amazonaws.com", "tower.amazonaws.com"),
    row(Service, r"^amplify(?:backend)?\.amazonaws\.com$", Some("Amplify"), "Amplify made the call", NOT_THE_CONSOLE,
        "amplifybackend.amazonaws.com", "amplifyuibuilder.example.com"),
    row(Service, r"^elasticbeanstalk\.amazonaws\.com$", Some("Elastic Beanstalk"), "Elastic Beanstalk made the call", NOT_THE_CONSOLE,
        "elasticbeanstalk.amazonaws.com", "beanstalk.amazonaws.com"),
    row(Service, r"^sagemaker\.amazonaws\.com$", Some("SageMaker"), "SageMaker made the call", NOT_THE_CONSOLE,
        "sagemaker.amazonaws.com", "sage.amazonaws.com"),
    row(Token, r"^Console-([A-Za-z]+)-UUID$", Some("console"), "the token ${0} is the console's", &[(Console, 30)],
        "Console-DeleteStack-b576ab9a-90fd-4b88-9774-1159b3c09699", "b576ab9a-90fd-4b88-9774-1159b3c09699"),
    row(Agent, r"^(?:Mozilla/|console\.amazonaws\.com|signin\.amazonaws\.com)", Some("console"), "the user agent is a browser or the console", AT_THE_CONSOLE,
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "aws-cli/2.31.33 md/awscrt#0.28.4"),
    row(Agent, r"exec-env/CloudShell", Some("CloudShell"), "the call was typed in CloudShell, at the console's prompt", NONE,
        "aws-cli/2.31.33 exec-env/CloudShell", "aws-cli/2.31.33 exec-env/GitHubActions"),
    row(Parameter, r"^sessionCredentialFromConsole$", None, "the session's credentials come from the console", &[(Console, 15)],
        "sessionCredentialFromConsole", "roleARN"),

    // Change sets (4.1, 4.2, 4.3, 4.4).
    row(ChangeSet, r"^cdk-deploy-change-set$", Some(CDK), "the change set ${0} is what `cdk deploy` makes", &[(Deploy, 6)],
        "cdk-deploy-change-set", "cdk-deploy-change-set-2"),
    row(ChangeSet, r"^cdk-diff-change-set$", Some(CDK), "the change set ${0} is what `cdk diff` makes, to be deleted again", &[(Probe, 30)],
        "cdk-diff-change-set", "diff-change-set"),
    row(ChangeSet, r"^cdk-validate-UUID$", Some(CDK), "the change set ${0} is what `cdk validate` makes, to be deleted again", &[(Probe, 30)],
        "cdk-validate-7021823f-19b3-4ab5-b470-9660fd7a6b61", "cdk-validate"),
    row(ChangeSet, r"^cdk-orphan-step[1-3]$", Some(CDK), "the change set ${0} is a step of `cdk orphan`", &[(Deploy, 6)],
        "cdk-orphan-step2", "cdk-orphan-step9"),
    row(ChangeSet, r"^samcli-deploy[0-9]+$", Some(SAM), "the change set ${0} is what `sam deploy` makes", &[(Deploy, 6)],
        "samcli-deploy1795000000", "samcli-deploy"),
    row(ChangeSet, r"^awscli-cloudformation-package-deploy-[0-9]+$", Some(AWS_CLI), "the change set ${0} is what `aws cloudformation deploy` makes", &[(Deploy, 6)],
        "awscli-cloudformation-package-deploy-1794564114", "package-deploy-1794564114"),
    row(ChangeSet, r"^PipelineChange$", Some(CODE_PIPELINE), "the change set PipelineChange is CDK Pipelines', run by CodePipeline", &[(Deploy, 6)],
        "PipelineChange", "PipelineChange2"),
    row(ChangeSet, r"^<stack>-CS$", Some(GITHUB_ACTION), "the change set is named as the GitHub action for CloudFormation names it", &[(Deploy, 4)],
        "<stack>-CS", "other-CS"),
    row(ChangeSet, r"^<stack>-change-set$", Some(SERVERLESS), "the change set is named as the Serverless Framework names it", &[(Deploy, 4)],
        "<stack>-change-set", "cdk-deploy-change-set"),
    row(ChangeSet, r"^<stack>-?StackMaster[0-9-]+$", Some(STACK_MASTER), "the change set is named as stack_master names it", &[(Deploy, 4)],
        "<stack>-StackMaster2026-11-18-1795000000", "<stack>-1795000000"),
    row(ChangeSet, r"^<stack>-[0-9]{10,13}$", Some(RAIN), "the change set is named as rain names it", &[(Deploy, 4)],
        "<stack>-1795000000", "<stack>-12"),
    row(ChangeSet, r"^change-set-[0-9]{10,13}$", Some(STACKER), "the change set is named as stacker names it", &[(Deploy, 4)],
        "change-set-1795000000", "change-set-v2"),
    row(ChangeSet, r"^copilot-UUID$", Some(COPILOT), "the change set is named as AWS Copilot names it", &[(Deploy, 4)],
        "copilot-7021823f-19b3-4ab5-b470-9660fd7a6b61", "copilot-web"),
    row(Description, r"^CDK Changeset for execution\b", Some(CDK), "the change set's description is that of `cdk deploy`", &[(Deploy, 4)],
        "CDK Changeset for execution a1ed0af2-c024-4a9d-820f-2e140b9edbd1", "Changeset for execution"),
    row(Description, r"^CDK Changeset for diff\b", Some(CDK), "the change set's description is that of `cdk diff`", &[(Probe, 25)],
        "CDK Changeset for diff ba7037af-6295-47d6-a96a-46ace1648ed3", "CDK Changeset for different things"),
    row(Description, r"^CDK Changeset for validation\b", Some(CDK), "the change set's description is that of `cdk validate`", &[(Probe, 25)],
        "CDK Changeset for validation ba7037af-6295-47d6-a96a-46ace1648ed3", "CDK Changeset for value"),
    row(Description, r"^Created by SAM CLI at ", Some(SAM), "the change set's description is that of `sam deploy`", &[(Deploy, 4)],
        "Created by SAM CLI at 2026-11-18T11:06:40.918274 UTC", "Created by AWS CLI at 2026-11-13T10:01:54 UTC"),
    row(Description, r"^Created by AWS CLI at ", Some(AWS_CLI), "the change set's description is that of `aws cloudformation deploy`", &[(Deploy, 4)],
        "Created by AWS CLI at 2026-11-13T10:01:54 UTC", "Created by SAM CLI at 2026-11-18T11:06:40.918274 UTC"),

    // User agents (4.1 to 4.4): a tool's own before the SDK that it is built on.
    row(Agent, r"\bcdk-hotswap\b", Some(CDK), "the user agent is that of a CDK hotswap, which changes resources behind CloudFormation's back", NOT_THE_CONSOLE,
        "aws-sdk-js/3.932.0 aws-cdk/2.1032.0 cdk-hotswap/success-abc", "aws-sdk-js/3.932.0 aws-cdk/2.1032.0"),
    row(Agent, r"\bcdk-watch\b", Some(CDK), "the user agent is that of `cdk watch`", NOT_THE_CONSOLE,
        "aws-sdk-js/3.932.0 aws-cdk/2.1032.0 cdk-watch/2.1032.0", "aws-sdk-js/3.932.0 aws-cdk/2.1032.0"),
    row(Agent, r"\bcdk-assets\b", Some(CDK), "the user agent is that of CDK's publishing of assets", NOT_THE_CONSOLE,
        "aws-sdk-js/3.932.0 cdk-assets/3.3.1", "aws-sdk-js/3.932.0"),
    row(Agent, r"\baws-cdk/[0-9][0-9A-Za-z.-]*", Some(CDK), "the user agent ${0} is the CDK CLI's", NOT_THE_CONSOLE,
        "aws-sdk-js/3.932.0 api/cloudformation#3.932.0 m/E,e aws-cdk/2.1032.0", "aws-sdk-js/3.932.0 api/cloudformation#3.932.0"),
    row(Agent, r"\baws-sam-cli/[0-9][0-9A-Za-z.-]*", Some(SAM), "the user agent ${0} is the SAM CLI's", NOT_THE_CONSOLE,
        "Boto3/1.40.70 aws-sam-cli/1.148.0/2ff2001e", "Boto3/1.40.70"),
    row(Agent, r"aws-cloudformation-github-deploy-for-github-actions", Some(GITHUB_ACTION), "the user agent is that of the GitHub action for CloudFormation", NOT_THE_CONSOLE,
        "aws-sdk-js/3.917.0 aws-cloudformation-github-deploy-for-github-actions", "configure-aws-credentials-for-github-actions"),
    row(Agent, r"(?i)\brain\b", Some(RAIN), "the user agent is rain's", NOT_THE_CONSOLE,
        "aws-sdk-go-v2/1.30.3 rain/1.20.2", "aws-sdk-go-v2/1.30.3 training"),
    row(Agent, r"(?i)\bterraform/", Some("Terraform"), "the user agent is Terraform's", NOT_THE_CONSOLE,
        "APN/1.0 HashiCorp/1.0 Terraform/1.13.5", "APN/1.0 HashiCorp/1.0"),
    row(Agent, r"^\[?aws-cli/[0-9][0-9.]*", Some(AWS_CLI), "the user agent ${0} is the AWS CLI's", NOT_THE_CONSOLE,
        "aws-cli/2.31.33 md/awscrt#0.28.4", "Boto3/1.40.70"),

    row(Agent, r"md/command#cloudformation\.delete-stack", None, "the command was `aws cloudformation delete-stack`, typed or in a script", &[(Destroy, 3)],
        "aws-cli/2.31.33 md/prompt#off md/command#cloudformation.delete-stack", "aws-cli/2.31.33 md/command#cloudformation.deploy"),

    // Tokens of 4.1: CDK puts the purpose before the UUID.
    row(Token, r"^(?:create|exec|update)UUID$", Some(CDK), "the token ${0} has the form of CDK's deployments", &[(Deploy, 4)],
        "exec54ad21f8-0724-4a08-acbf-de5f139ed9cc", "54ad21f8-0724-4a08-acbf-de5f139ed9cc"),
    row(Token, r"^(?:diff|validate)UUID$", Some(CDK), "the token ${0} has the form of `cdk diff` and `cdk validate`", &[(Probe, 25)],
        "diffba7037af-6295-47d6-a96a-46ace1648ed3", "difference"),
    row(Token, r"^UUID$", None, "the token is a bare UUID, as in every delete by the CDK CLI; other tools make such tokens too", &[(Verdict::CleanUp, 1), (Destroy, 1)],
        "d680c230-5b44-403a-ba67-b538e8c334bd", "execd680c230-5b44-403a-ba67-b538e8c334bd"),

    // Sessions and roles (4.1, 4.4).
    row(Session, r"^aws-cdk-(.+)$", Some(CDK), "the session ${0} is the CDK CLI's, run by the OS user ${1}", NOT_THE_CONSOLE,
        "aws-cdk-showboat", "aws-cdk"),
    row(Session, r"^cdk-assets-(.+)$", Some(CDK), "the session ${0} is CDK's publishing of assets, run by the OS user ${1}", NOT_THE_CONSOLE,
        "cdk-assets-runner", "assets-runner"),
    row(Session, r"^AWSCloudFormation$", None, "CloudFormation made the call in its service role", &[(ParentStack, 25)],
        "AWSCloudFormation", "AWSCloudFormationUser"),
    row(Session, r"^AWSCodeBuild-UUID$", None, "the session is that of CodeBuild's build ${0}", NOT_THE_CONSOLE,
        "AWSCodeBuild-12622881-3515-4814-9d0b-02342ac10b72", "AWSCodeBuild"),
    row(Role, r"^cdk-[a-z0-9]+-deploy-role-", None, "the role is the CDK bootstrap's deploy role, which the CDK CLI and CDK Pipelines use", NOT_THE_CONSOLE,
        "cdk-hnb659fds-deploy-role-111122223333-us-east-1", "deploy-role"),
    row(Role, r"^cdk-[a-z0-9]+-cfn-exec-role-", None, "the role is the CDK bootstrap's execution role, which only CloudFormation uses", NONE,
        "cdk-hnb659fds-cfn-exec-role-111122223333-us-east-1", "cdk-hnb659fds-deploy-role-111122223333-us-east-1"),
    row(Role, r"^cdk-[a-z0-9]+-(?:file|image)-publishing-role-", None, "the role is the CDK bootstrap's for publishing assets", NONE,
        "cdk-hnb659fds-file-publishing-role-111122223333-us-east-1", "cdk-hnb659fds-lookup-role-111122223333-us-east-1"),
    row(Role, r"^cdk-[a-z0-9]+-lookup-role-", None, "the role is the CDK bootstrap's for look-ups", NONE,
        "cdk-hnb659fds-lookup-role-111122223333-us-east-1", "lookup-role"),
    row(Role, r"^AWSCloudFormationStackSetExecutionRole$", Some("StackSets"), "the role is that of self-managed StackSets", &[(StackSet, 30)],
        "AWSCloudFormationStackSetExecutionRole", "AWSCloudFormationStackSetAdministrationRole"),
    row(Role, r"^stacksets-exec-", Some("StackSets"), "the role is that of service-managed StackSets", &[(StackSet, 30)],
        "stacksets-exec-0a1b2c3d4e5f", "stacksets-admin"),
    row(Role, r"^AWSControlTowerExecution$", Some("Control Tower"), "the role is Control Tower's", NOT_THE_CONSOLE,
        "AWSControlTowerExecution", "AWSControlTowerAdmin2"),

    // What the request asks for (4.1 to 4.3).
    row(Parameter, r"^roleARN$", None, "the call names a service role (roleARN), as `cdk destroy` does and CDK's clean-up does not", &[(Destroy, 8)],
        "roleARN", "deploymentConfig"),
    row(Parameter, r"^deploymentConfig$", None, "the call carries deploymentConfig, as `cdk destroy` does and CDK's clean-up does not", &[(Destroy, 8)],
        "deploymentConfig", "roleARN"),
    row(Parameter, r"^retainResources$", None, "the call carries retainResources, as `sam delete` does even with nothing to retain", &[(Destroy, 8)],
        "retainResources", "roleARN"),
    row(Parameter, r"^stackName=ARN$", None, "the stack is given by its ARN, as CDK's clean-up, `cdk destroy` and the console do", NONE,
        "stackName=ARN", "stackName"),
    row(OnFailure, r"^DELETE$", None, "the creation was asked for with OnFailure=DELETE, the Serverless Framework's default: if it fails, CloudFormation deletes the stack by itself", NONE,
        "DELETE", "ROLLBACK"),

    // Names of stacks and resources (4.2 to 4.4).
    row(Resource, r"^(?:ServerlessDeploymentBucket(?:Policy)?|IamRoleLambdaExecution)$", Some(SERVERLESS), "the resource ${0} is the Serverless Framework's", &[(Deploy, 2)],
        "ServerlessDeploymentBucket", "DeploymentBucket"),
    row(Stack, r"^CDKToolkit$", Some(CDK), "the stack is the CDK's own, made by `cdk bootstrap`", NONE,
        "CDKToolkit", "CDKToolkit2"),
    row(Stack, r"-[0-9a-f]{8}-CompanionStack$", Some(SAM), "the stack is a companion stack of the SAM CLI", NONE,
        "orders-api-7a1b2c3d-CompanionStack", "orders-CompanionStack-x"),
    row(Stack, r"^aws-sam-cli-managed-default$", Some(SAM), "the stack holds the SAM CLI's artifacts", NONE,
        "aws-sam-cli-managed-default", "sam-default"),
    row(Stack, r"^StackSet-.+-UUID$", Some("StackSets"), "the stack is named as StackSets name their instances", &[(StackSet, 30)],
        "StackSet-guardrails-7021823f-19b3-4ab5-b470-9660fd7a6b61", "StackSet-guardrails"),
    row(Stack, r"^SC-[0-9]{12}-pp-", Some("Service Catalog"), "the stack is named as Service Catalog names its products", NONE,
        "SC-111122223333-pp-x7k2m9q4w3e", "SC-pp-x7k2m9q4w3e"),
    row(Stack, r"^awseb-e-[a-z0-9]+-stack$", Some("Elastic Beanstalk"), "the stack is named as Elastic Beanstalk names its environments", NONE,
        "awseb-e-x7k2m9q4w3-stack", "awseb-stack"),
    row(Stack, r"^amplify-", Some("Amplify"), "the stack is named as Amplify names its backends", NONE,
        "amplify-shop-dev-120345", "my-amplify-stack"),
    row(Stack, r"^eksctl-", Some("eksctl"), "the stack is named as eksctl names its clusters and node groups", NONE,
        "eksctl-prod-cluster", "my-eksctl-prod"),

    // The machine and the library below a tool: they say where a call came from, and name a tool only if nothing else does.
    row(Agent, r"\bos/(?:darwin|macos)", None, "the call came from macOS, as from a person's machine", NONE,
        "aws-sdk-js/3.932.0 ua/2.1 os/darwin#24.6.0", "aws-sdk-js/3.932.0 ua/2.1 os/linux#6.11.0"),
    row(Agent, r"\bos/linux#[0-9.]+-[0-9]+-azure\b", None, "the call came from a Linux kernel of Azure, as on the runners that GitHub hosts", NONE,
        "aws-sdk-js/3.932.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js", "aws-sdk-js/3.932.0 ua/2.1 os/linux#6.8.0-87-generic"),
    row(Agent, r"\bos/linux#\S+\.amzn20", None, "the call came from Amazon Linux: a machine at AWS", NONE,
        "Boto3/1.40.70 os/linux#6.1.155-176.282.amzn2023.x86_64", "Boto3/1.40.70 os/linux#6.8.0-87-generic"),
    row(Agent, r"exec-env/GitHubActions", None, "the call came from a GitHub Actions job", NOT_THE_CONSOLE,
        "aws-cli/2.31.33 exec-env/GitHubActions", "aws-cli/2.31.33 exec-env/CloudShell"),
    row(Agent, r"^Boto3/", Some("a Boto3 script"), "the user agent is that of a Python program on Boto3", NOT_THE_CONSOLE,
        "Boto3/1.40.70 md/Botocore#1.40.70", "aws-cli/2.31.33"),
    row(Agent, r"^aws-sdk-", Some("an AWS SDK program"), "the user agent is that of a program on an AWS SDK", &[(Console, -5)],
        "aws-sdk-nodejs/2.1692.0 linux/v20.18.1 promise", "Mozilla/5.0"),
];

/// The statuses in which a tool deletes a stack by itself before it creates it anew.
const CLEANERS: &[(&str, &[&str])] = &[
    (CDK, &["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"]),
    (SAM, &["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"]),
    (RAIN, &["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_FAILED"]),
    (GITHUB_ACTION, &["ROLLBACK_COMPLETE"]),
    (CODE_PIPELINE, &["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"]),
    (STACK_MASTER, &["REVIEW_IN_PROGRESS"]),
    (STACKER, &["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"]),
];

/// True if this tool deletes a stack in this status without being asked to.
pub(super) fn cleans(tool: &str, status: &str) -> bool {
    CLEANERS.iter().any(|(cleaner, statuses)| *cleaner == tool && statuses.contains(&status))
}

const UUID: &str = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

fn compile(signature: &Signature) -> Result<Regex, regex_lite::Error> {
    Regex::new(&signature.pattern.replace("UUID", UUID))
}

/// Each row's expression, compiled when a text of its field comes up: most runs need a few.
static COMPILED: [OnceLock<Option<Regex>>; SIGNATURES.len()] = [const { OnceLock::new() }; SIGNATURES.len()];

fn compiled(rank: usize) -> Option<&'static Regex> {
    COMPILED.get(rank)?.get_or_init(|| compile(SIGNATURES.get(rank)?).ok()).as_ref()
}

/// A mark that was recognised.
pub(super) struct Match {
    /// Its place in the table: the lowest names the tool.
    pub rank: usize,
    /// The row.
    pub signature: &'static Signature,
    /// What it says here.
    pub says: String,
}

/// The marks in `text`, in the table's order.
pub(super) fn matches(field: Field, text: &str) -> impl Iterator<Item = Match> {
    let of_field = SIGNATURES.iter().enumerate().filter(move |(_, signature)| signature.field == field);
    of_field.filter_map(move |(rank, signature)| {
        let found = compiled(rank)?.captures(text)?;
        let mut says = String::new();
        found.expand(signature.says, &mut says);
        Some(Match { rank, signature, says })
    })
}

/// A change set's name, out of its ARN if need be, with the stack's name at its beginning written as `<stack>`.
pub(super) fn change_set_name(name_or_arn: &str, stack: &str) -> String {
    let name = plain_change_set(name_or_arn);
    match name.strip_prefix(stack) {
        Some(rest) if !stack.is_empty() => format!("<stack>{rest}"),
        _ => name.to_owned(),
    }
}

/// `NAME` of `arn:aws:cloudformation:REGION:ACCOUNT:changeSet/NAME/UUID`, or the text itself.
pub(super) fn plain_change_set(name_or_arn: &str) -> &str {
    match name_or_arn.split_once(":changeSet/") {
        Some((_, rest)) => rest.split('/').next().unwrap_or(rest),
        None => name_or_arn,
    }
}

/// The service that made the call, where the record names one.
pub(super) fn service<'a>(invoked_by: Option<&'a Text>, agent: Option<&'a Text>) -> Option<&'a str> {
    let is_service = |name: &&Text| name.ends_with(".amazonaws.com") && !name.contains([' ', '/']);
    let human = |name: &str| matches!(name, "console.amazonaws.com" | "signin.amazonaws.com");
    invoked_by.or_else(|| agent.filter(is_service)).map(|name| &**name).filter(|name| !human(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_matches_its_example_and_not_its_counter_example() {
        for (rank, signature) in SIGNATURES.iter().enumerate() {
            let pattern = compiled(rank).unwrap_or_else(|| panic!("{} does not compile", signature.pattern));
            assert!(pattern.is_match(signature.example), "{} misses {}", signature.pattern, signature.example);
            assert!(!pattern.is_match(signature.counter), "{} claims {}", signature.pattern, signature.counter);
            let said = matches(signature.field, signature.example)
                .find(|found| found.rank == rank)
                .map(|found| found.says)
                .unwrap_or_default();
            assert!(!said.is_empty() && !said.contains("${"), "{said:?}");
        }
    }

    #[test]
    fn the_first_tool_of_an_example_is_its_own() {
        for signature in SIGNATURES.iter().filter(|signature| signature.tool.is_some()) {
            let first = matches(signature.field, signature.example).find_map(|found| found.signature.tool);
            assert_eq!(first, signature.tool, "{}", signature.example);
        }
    }

    #[test]
    fn change_sets_are_compared_by_name_and_stack() {
        let arn = "arn:aws:cloudformation:us-east-1:1:changeSet/shop-CS/8925f91a";
        assert_eq!(change_set_name(arn, "shop"), "<stack>-CS");
        assert_eq!(change_set_name("cdk-deploy-change-set", "shop"), "cdk-deploy-change-set");
        assert_eq!(change_set_name("cdk-deploy-change-set", ""), "cdk-deploy-change-set");
    }

    #[test]
    fn services_are_told_from_agents() {
        let text = |text: &str| Text::from(text);
        let (codepipeline, console, cli) =
            (text("codepipeline.amazonaws.com"), text("console.amazonaws.com"), text("aws-cli/2"));
        assert_eq!(service(Some(&codepipeline), Some(&cli)), Some(&*codepipeline));
        assert_eq!(service(None, Some(&codepipeline)), Some(&*codepipeline));
        assert_eq!(service(None, Some(&console)), None);
        assert_eq!(service(None, Some(&cli)), None);
    }
}
