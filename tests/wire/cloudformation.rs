//! CloudFormation's reading operations.
//! A name finds only a live stack and an ARN finds also a deleted one; the texts of refusals are AWS's own.
//! Other operations are not known here, so that a write call would show up in a test.

use super::records::{only, text};
use super::world::{Stack, World};
use super::{Refusal, Reply, Request, refuse, refuse_with};
use serde_json::{Value, json};

/// No list of CloudFormation has a parameter for its size, but those of stack sets.
const UNSIZED: (&str, usize) = ("", usize::MAX);

impl World {
    pub(super) fn cloudformation(&self, request: &Request) -> Option<Reply> {
        Some(match request.operation.as_str() {
            "DescribeStacks" => self.describe_stacks(request),
            "ListStacks" => self.list_stacks(request),
            "DescribeStackEvents" => self.describe_stack_events(request),
            "DescribeEvents" => self.describe_operation_events(request),
            "ListStackResources" => self.list_stack_resources(request),
            "GetTemplate" => self.get_template(request),
            "ListChangeSets" => self.list_change_sets(request),
            "DescribeChangeSet" => self.describe_change_set(request),
            "ListHookResults" => self.list_hook_results(request),
            "GetHookResult" => self.get_hook_result(request),
            "ListStackSetOperations" => self.list_stack_set_operations(request),
            "ListStackSetOperationResults" => self.list_stack_set_operation_results(request),
            _ => return None,
        })
    }

    fn stacks_here<'a>(&'a self, request: &Request) -> impl Iterator<Item = &'a Stack> {
        let region = request.region.clone();
        self.stacks.iter().filter(move |stack| stack.region() == region)
    }

    /// The stack that the parameter means: a live one by its name, any one by its ARN.
    fn stack(&self, request: &Request, name: &str) -> Option<&Stack> {
        self.stacks_here(request).find(|stack| stack.id == name || (stack.is_live() && stack.name() == name))
    }

    fn describe_stacks(&self, request: &Request) -> Reply {
        let stacks: Vec<Value> = match request.text("StackName") {
            Some(name) => match self.stack(request, name) {
                Some(stack) => vec![described(stack)],
                None => return no_stack_with_id(name),
            },
            None => self.stacks_here(request).filter(|stack| stack.is_live()).map(described).collect(),
        };
        self.page(request, "Stacks", &stacks, UNSIZED)
    }

    fn list_stacks(&self, request: &Request) -> Reply {
        let filter = request.texts("StackStatusFilter");
        let wanted = |stack: &&Stack| filter.is_empty() || filter.contains(&text(&stack.record, "StackStatus"));
        let summaries: Vec<Value> = self.stacks_here(request).filter(wanted).map(summary).collect();
        self.page(request, "StackSummaries", &summaries, UNSIZED)
    }

    fn describe_stack_events(&self, request: &Request) -> Reply {
        let name = request.required("StackName")?;
        match self.stack(request, name) {
            Some(stack) => self.page(request, "StackEvents", &stack.events, UNSIZED),
            None => no_stack_in_brackets(name),
        }
    }

    fn describe_operation_events(&self, request: &Request) -> Reply {
        let (stack, operation) = (request.text("StackName"), request.text("OperationId"));
        let change_set = request.text("ChangeSetName");
        if stack.or(operation).or(change_set).is_none() {
            return refuse("ValidationError", "Either StackName, ChangeSetName or OperationId must be specified.");
        }
        let change_set = change_set.map(|name| self.change_set(request, name)).transpose()?;
        let name = stack.or(change_set.map(|set| text(set, "StackId")));
        let stacks: Vec<&Stack> = match name {
            Some(name) => match self.stack(request, name) {
                Some(stack) => vec![stack],
                None => return no_stack_in_brackets(name),
            },
            None => self.stacks_here(request).collect(),
        };
        let failed_only = request.parameters["Filters"]["FailedEvents"] == "true";
        let events = stacks.iter().flat_map(|stack| &stack.operation_events).filter(|event| {
            operation.is_none_or(|id| text(event, "OperationId") == id)
                && (change_set.is_none() || text(event, "OperationType") == "CREATE_CHANGESET")
                && (!failed_only || text(event, "EventType").ends_with("_ERROR"))
        });
        self.page(request, "OperationEvents", events, UNSIZED)
    }

    fn list_stack_resources(&self, request: &Request) -> Reply {
        let name = request.required("StackName")?;
        let Some(stack) = self.stack(request, name) else {
            return no_stack_with_id(name);
        };
        let fields = [
            "LogicalResourceId",
            "PhysicalResourceId",
            "ResourceType",
            "LastUpdatedTimestamp",
            "ResourceStatus",
            "ResourceStatusReason",
            "DriftInformation",
            "ModuleInfo",
        ];
        let resource = |record: &Value| {
            let mut resource = only(record, &fields);
            if resource["LastUpdatedTimestamp"].is_null() {
                resource["LastUpdatedTimestamp"] = record["Timestamp"].clone();
            }
            resource
        };
        let resources: Vec<Value> = stack.resources.iter().map(resource).collect();
        self.page(request, "StackResourceSummaries", &resources, UNSIZED)
    }

    /// A stack whose template the case does not have is refused too: there is no text that would not be a lie.
    fn get_template(&self, request: &Request) -> Reply {
        let name = request.required("StackName")?;
        match self.stack(request, name).and_then(|stack| stack.template.as_ref()) {
            Some(template) => Ok(json!({ "TemplateBody": template, "StagesAvailable": ["Original", "Processed"] })),
            None => no_stack_with_id(name),
        }
    }

    fn list_change_sets(&self, request: &Request) -> Reply {
        let name = request.required("StackName")?;
        let Some(stack) = self.stack(request, name) else {
            return no_stack_in_brackets(name);
        };
        let fields = [
            "StackId",
            "StackName",
            "ChangeSetId",
            "ChangeSetName",
            "ExecutionStatus",
            "Status",
            "StatusReason",
            "CreationTime",
            "Description",
            "IncludeNestedStacks",
            "ParentChangeSetId",
            "RootChangeSetId",
        ];
        let of_stack = self.change_sets.iter().filter(|set| text(set, "StackId") == stack.id);
        let summaries: Vec<Value> = of_stack.map(|set| only(set, &fields)).collect();
        self.page(request, "Summaries", &summaries, UNSIZED)
    }

    fn describe_change_set(&self, request: &Request) -> Reply {
        self.change_set(request, request.required("ChangeSetName")?).cloned()
    }

    /// The change set of this ARN, or of this name where the request names its stack too.
    fn change_set(&self, request: &Request, name: &str) -> Result<&Value, Refusal> {
        let stack = request.text("StackName");
        if stack.is_none() && !name.starts_with("arn:") {
            return refuse(
                "ValidationError",
                "StackName must be specified if ChangeSetName is not specified as an ARN.",
            );
        }
        let found = self.change_sets.iter().find(|set| {
            let of_stack = |stack| text(set, "StackId") == stack || text(set, "StackName") == stack;
            self.is_here(request, set, "ChangeSetId")
                && (text(set, "ChangeSetId") == name
                    || (text(set, "ChangeSetName") == name && stack.is_some_and(of_stack)))
        });
        found.map_or_else(|| refuse_with(404, "ChangeSetNotFound", format!("ChangeSet [{name}] does not exist")), Ok)
    }

    fn list_hook_results(&self, request: &Request) -> Reply {
        let filters = ["TargetType", "TargetId", "TypeArn", "Status"].map(|name| (name, request.text(name)));
        let wanted = |result: &&Value| {
            filters
                .iter()
                .all(|(name, value)| value.is_none_or(|value| result[*name].is_null() || result[*name] == value))
        };
        let mut output = self.page(request, "HookResults", self.hook_results.iter().filter(wanted), UNSIZED)?;
        for (name, value) in &filters[..2] {
            output[*name] = json!(value);
        }
        Ok(output)
    }

    fn get_hook_result(&self, request: &Request) -> Reply {
        let id = request.required("HookResultId")?;
        let Some(result) = self.hook_results.iter().find(|result| text(result, "HookResultId") == id) else {
            return refuse_with(404, "HookResultNotFound", format!("Hook result [{id}] does not exist"));
        };
        let mut result = result.clone();
        if result["Target"].is_null() {
            result["Target"] = only(&result, &["TargetType", "TargetId"]);
        }
        Ok(result)
    }

    fn list_stack_set_operations(&self, request: &Request) -> Reply {
        let operations: Vec<Value> = self
            .stack_set(request)?
            .map(|operation| {
                let mut operation = operation.clone();
                operation
                    .as_object_mut()
                    .unwrap()
                    .retain(|field, _| !matches!(field.as_str(), "StackSetName" | "Results"));
                operation
            })
            .collect();
        self.page(request, "Summaries", &operations, ("MaxResults", 100))
    }

    fn list_stack_set_operation_results(&self, request: &Request) -> Reply {
        let id = request.required("OperationId")?;
        let Some(operation) = self.stack_set(request)?.find(|operation| text(operation, "OperationId") == id) else {
            return refuse_with(404, "OperationNotFoundException", format!("Operation {id} not found"));
        };
        let results = operation["Results"].as_array().into_iter().flatten();
        self.page(request, "Summaries", results, ("MaxResults", 100))
    }

    /// The operations of the stack set; at least one.
    fn stack_set<'a>(&'a self, request: &'a Request) -> Result<impl Iterator<Item = &'a Value>, Refusal> {
        let name = request.required("StackSetName")?;
        let short = name.split(':').next().unwrap_or(name);
        let mut operations = self
            .stack_set_operations
            .iter()
            .filter(move |operation| text(operation, "StackSetName").split(':').next() == Some(short))
            .peekable();
        if operations.peek().is_none() {
            return refuse_with(404, "StackSetNotFoundException", format!("StackSet {name} not found"));
        }
        Ok(operations)
    }
}

fn no_stack_with_id(name: &str) -> Reply {
    refuse("ValidationError", format!("Stack with id {name} does not exist"))
}

fn no_stack_in_brackets(name: &str) -> Reply {
    refuse("ValidationError", format!("Stack [{name}] does not exist"))
}

/// DescribeStacks' form; a case may have the shorter one of ListStacks.
fn described(stack: &Stack) -> Value {
    let mut described = json!({
        "DisableRollback": false,
        "NotificationARNs": [],
        "RollbackConfiguration": {},
        "Tags": [],
        "EnableTerminationProtection": false,
        "DriftInformation": { "StackDriftStatus": "NOT_CHECKED" },
    });
    for (field, value) in stack.record.as_object().into_iter().flatten() {
        let field = if field == "TemplateDescription" { "Description" } else { field };
        described[field] = value.clone();
    }
    described
}

/// ListStacks' form; a case may have the longer one of DescribeStacks.
fn summary(stack: &Stack) -> Value {
    let fields = [
        "StackId",
        "StackName",
        "TemplateDescription",
        "CreationTime",
        "LastUpdatedTime",
        "DeletionTime",
        "StackStatus",
        "StackStatusReason",
        "ParentId",
        "RootId",
        "DriftInformation",
        "LastOperations",
    ];
    let mut summary = only(&stack.record, &fields);
    if summary["TemplateDescription"].is_null() {
        summary["TemplateDescription"] = stack.record["Description"].clone();
    }
    summary
}
