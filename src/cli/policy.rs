//! `policy`: the least privileges for what is asked, made from the table of the operations that are called.

use super::error::{Exit, Failure};
use super::live::is_stack;
use super::output::Target;
use crate::aws::{APIS, Api, Resource};
use crate::plan::name_of;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Print the least-privilege IAM policy for what cfn-forensics asks of AWS
#[derive(Debug, Args)]
pub struct Arguments {
    /// Narrow it to this stack, by name or ARN, where an action can be narrowed
    #[arg(long, value_name = "NAME|ARN")]
    stack: Option<String>,
    /// With what `watch --protect` needs: switching the stack's termination protection
    #[arg(long)]
    protect: bool,
    #[command(flatten)]
    target: Target,
}

/// Prints the policy.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(stack) = arguments.stack.as_ref().filter(|stack| !is_stack(stack)) {
        return Err(Failure::BadStack(stack.clone()));
    }
    let policy = policy(arguments.stack.as_deref(), arguments.protect);
    arguments.target.write(|out| {
        serde_json::to_writer_pretty(&mut *out, &policy)?;
        writeln!(out)
    })?;
    Ok(Exit::Fine)
}

fn policy(stack: Option<&str>, protect: bool) -> Value {
    let stacks = stack_arns(stack);
    let mut statements = vec![
        statement("ReadTheStack", &actions(Resource::Stack), &stacks),
        statement("ReadWhatTheStackLeadsTo", &actions(Resource::Any), &["*".to_owned()]),
    ];
    if protect {
        let action = BTreeSet::from(["cloudformation:UpdateTerminationProtection".to_owned()]);
        statements.push(statement("ProtectDuringTheDeployment", &action, &stacks));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The patterns that every incarnation of the stack fits, deleted ones too, since their ARNs end in different ids; and its
/// nested stacks, which are named after it.
fn stack_arns(stack: Option<&str>) -> Vec<String> {
    let Some(stack) = stack else { return vec!["arn:aws:cloudformation:*:*:stack/*".to_owned()] };
    let account = stack.split_once(":stack/").map_or("arn:aws:cloudformation:*:*", |(account, _)| account);
    let name = name_of(stack);
    vec![format!("{account}:stack/{name}/*"), format!("{account}:stack/{name}-*/*")]
}

fn actions(resource: Resource) -> BTreeSet<String> {
    APIS.iter().filter(|api| api.resource == resource).map(|api| Api::action(api)).collect()
}

fn statement(id: &str, actions: &BTreeSet<String>, resources: &[String]) -> Value {
    json!({ "Sid": id, "Effect": "Allow", "Action": actions, "Resource": resources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_narrows_what_can_be_narrowed() {
        for (stack, expected) in [
            (None, &["arn:aws:cloudformation:*:*:stack/*"][..]),
            (Some("shop"), &["arn:aws:cloudformation:*:*:stack/shop/*", "arn:aws:cloudformation:*:*:stack/shop-*/*"]),
            (
                Some("arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/shop/0f1e"),
                &[
                    "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/shop/*",
                    "arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/shop-*/*",
                ],
            ),
        ] {
            assert_eq!(stack_arns(stack), expected);
        }
    }

    #[test]
    fn every_call_is_allowed_once_and_no_write_but_the_protection() {
        let policy = policy(Some("shop"), true).to_string();
        for api in APIS {
            assert_eq!(policy.matches(&format!("\"{}\"", api.action())).count(), 1, "{}", api.action());
        }
        let reads = ["Describe", "List", "Get", "Lookup", "Filter"];
        assert!(APIS.iter().all(|api| reads.iter().any(|verb| api.operation.starts_with(verb))));
        assert_eq!(policy.matches("Update").count(), 1);
    }
}
