//! Fills the names that a text or a story tells into a rule's words.
//! A name that nobody knows stands in capitals, as in a manual: `--stack-name STACK`.
//! Values come from hostile text: in commands, what a shell would act upon is quoted.

use super::rule::{Advice, Rule};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Values by the name under which a rule's words may use them.
pub type Names = BTreeMap<&'static str, String>;

/// The names that every rule may use, whatever its expressions capture: the parts of `model::Reason`, and what the
/// failed event and its stack are.
pub const KNOWN: &[&str] = &[
    "service",
    "code",
    "operation",
    "request_id",
    "log_stream",
    "action",
    "principal",
    "role_arn",
    "denied_resource",
    "denier",
    "quota",
    "limit",
    "stack",
    "stack_arn",
    "region",
    "account",
    "logical_id",
    "physical_id",
    "resource_type",
    "passed_to",
    "cluster",
    "ecs_service",
    "before",
    "after",
    "since_ms",
];

/// The service principal to which a resource of this type hands its role: `iam:PassedToService` in a policy, `Service` in
/// the role's trust policy. Source: the pages of the services' service roles.
pub fn service_principal(resource_type: &str) -> Option<&'static str> {
    const PRINCIPALS: [(&str, &str); 24] = [
        ("AWS::Lambda::", "lambda.amazonaws.com"),
        ("AWS::Serverless::Function", "lambda.amazonaws.com"),
        ("AWS::ECS::", "ecs-tasks.amazonaws.com"),
        ("AWS::StepFunctions::", "states.amazonaws.com"),
        ("AWS::Events::", "events.amazonaws.com"),
        ("AWS::Scheduler::", "scheduler.amazonaws.com"),
        ("AWS::Pipes::", "pipes.amazonaws.com"),
        ("AWS::CodePipeline::", "codepipeline.amazonaws.com"),
        ("AWS::CodeBuild::", "codebuild.amazonaws.com"),
        ("AWS::CodeDeploy::", "codedeploy.amazonaws.com"),
        ("AWS::EC2::", "ec2.amazonaws.com"),
        ("AWS::AutoScaling::", "ec2.amazonaws.com"),
        ("AWS::IAM::InstanceProfile", "ec2.amazonaws.com"),
        ("AWS::EKS::Cluster", "eks.amazonaws.com"),
        ("AWS::EKS::Nodegroup", "ec2.amazonaws.com"),
        ("AWS::Batch::", "batch.amazonaws.com"),
        ("AWS::Glue::", "glue.amazonaws.com"),
        ("AWS::SageMaker::", "sagemaker.amazonaws.com"),
        ("AWS::KinesisFirehose::", "firehose.amazonaws.com"),
        ("AWS::ApiGateway::", "apigateway.amazonaws.com"),
        ("AWS::AppSync::", "appsync.amazonaws.com"),
        ("AWS::RDS::", "rds.amazonaws.com"),
        ("AWS::Bedrock::", "bedrock.amazonaws.com"),
        ("AWS::Config::", "config.amazonaws.com"),
    ];
    PRINCIPALS.into_iter().find(|(prefix, _)| resource_type.starts_with(prefix)).map(|(_, principal)| principal)
}

/// The rule's words with the names filled in: what its expression captured first, then what is known of the story.
pub fn of_rule(rule: &Rule, captures: &BTreeMap<String, String>, known: &Names) -> Advice {
    let value = |name: &str| captures.get(name).or_else(|| known.get(name)).map(String::as_str);
    let prose = |text: &String| fill(text, value);
    let list = |texts: &[String]| texts.iter().map(prose).map(|text| in_region(text, known)).collect();
    Advice {
        title: prose(&rule.title),
        explanation: prose(&rule.explanation),
        confirm: list(&rule.confirm),
        fixes: list(&rule.fixes),
        link: rule.link.clone(),
    }
}

/// Words that a joining rule wrote, with the names of the story filled in.
pub fn of_advice(advice: &Advice, known: &Names) -> Advice {
    let value = |name: &str| known.get(name).map(String::as_str);
    let list = |texts: &[String]| texts.iter().map(|text| in_region(fill(text, value), known)).collect();
    // Title and explanation hold texts of AWS's already, which may have braces of their own.
    Advice { confirm: list(&advice.confirm), fixes: list(&advice.fixes), ..advice.clone() }
}

/// Fills `{name}` and `{name|what to say without it}`.
fn fill<'v>(template: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut filled = String::new();
    let mut in_command = is_command(template);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        in_command ^= before.matches('`').count() % 2 == 1;
        filled.push_str(before);
        let inner = after.split_once('}').filter(|(inner, _)| is_placeholder(inner));
        let Some((inner, behind)) = inner else {
            filled.push('{');
            rest = after;
            continue;
        };
        let (name, otherwise) = inner.split_once('|').map_or((inner, None), |(name, text)| (name, Some(text)));
        match (value(name), otherwise) {
            (Some(value), _) if in_command => match for_shell(value, filled.ends_with([' ', '='])) {
                Some(word) => filled.push_str(&word),
                None => filled.push_str(&name.to_uppercase()),
            },
            (Some(value), _) => filled.push_str(value),
            (None, Some(text)) => filled.push_str(text),
            (None, None) => filled.push_str(&name.to_uppercase()),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

/// The names of the placeholders in a template, and whether each says what to write without it.
pub(super) fn placeholders(template: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        if let Some((inner, behind)) = after.split_once('}').filter(|(inner, _)| is_placeholder(inner)) {
            found.push(inner.split_once('|').map_or((inner, false), |(name, _)| (name, true)));
            rest = behind;
        }
    }
    found
}

/// `{resolve:ssm:...}` and JMESPath's `{a: b}` are none.
fn is_placeholder(inner: &str) -> bool {
    let name = inner.split('|').next().unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn is_command(text: &str) -> bool {
    text.starts_with("aws ")
}

/// The value as a shell reads it as nothing but text. None where it stands inside of other quotes and would need its own.
fn for_shell(value: &str, is_word: bool) -> Option<Cow<'_, str>> {
    shell_word(value).filter(|word| is_word || matches!(word, Cow::Borrowed(_)))
}

/// The value as one word of a shell, quoted where it has to be. None for an empty one.
pub fn shell_word(value: &str) -> Option<Cow<'_, str>> {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:@=+,".contains(c);
    if value.chars().all(harmless) {
        return (!value.is_empty()).then_some(Cow::Borrowed(value));
    }
    Some(Cow::Owned(format!("'{}'", value.replace('\'', r"'\''").replace(char::is_control, " "))))
}

/// The AWS CLI asks where it is configured to; the failure may be elsewhere.
fn in_region(text: String, known: &Names) -> String {
    match known.get("region") {
        Some(region) if is_command(&text) && !text.contains("--region") => {
            let prefix = format!("aws --region {region} ");
            let first = text.replacen("aws ", &prefix, 1);
            first.replace("; aws ", &format!("; {prefix}"))
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_unknown_ones_are_plain_to_see() {
        let value = |name: &str| match name {
            "stack" => Some("shop"),
            "identifier" => Some("a; rm -rf 'x'"),
            _ => None,
        };
        for (template, expected) in [
            ("aws x --stack-name {stack}", "aws x --stack-name shop"),
            ("aws x --stack-name {region}", "aws x --stack-name REGION"),
            ("The caller lacks {action|an action} on {stack}", "The caller lacks an action on shop"),
            ("aws x {identifier}", r"aws x 'a; rm -rf '\''x'\'''"),
            ("aws x --query \"A[?B=='{identifier}']\"", "aws x --query \"A[?B=='IDENTIFIER']\""),
            ("It is {identifier}", "It is a; rm -rf 'x'"),
            ("Run `x {identifier}`, not {identifier}", r"Run `x 'a; rm -rf '\''x'\'''`, not a; rm -rf 'x'"),
            ("{{resolve:ssm:name}} {a: b}", "{{resolve:ssm:name}} {a: b}"),
            ("{", "{"),
        ] {
            assert_eq!(fill(template, value), expected, "{template}");
        }
    }

    #[test]
    fn commands_ask_in_the_region_of_the_failure() {
        let known = Names::from([("region", "eu-west-1".to_owned())]);
        let text = |text: &str| in_region(text.to_owned(), &known);
        assert_eq!(text("aws a b; aws c d"), "aws --region eu-west-1 a b; aws --region eu-west-1 c d");
        assert_eq!(text("aws a --region us-east-1"), "aws a --region us-east-1");
        assert_eq!(text("Look at it"), "Look at it");
    }
}
