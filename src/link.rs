//! Ties events of other services to the stack's resources, and calls to the stack that they were made for.
//! Exact ids only, or names that CloudFormation generated: a guess would put a stranger's event into the story.
//! Used by the timeline.

use crate::model::{Event, Text, quoted_request, status};
use crate::sources::KnownResource;
use hashbrown::{HashMap, HashSet};

/// Fills in stack and resource of the events whose records do not name them.
pub fn link(events: &mut [Event], resources: &[KnownResource]) {
    let resources = Resources::of(resources, events);
    let change_sets = stacks_of_change_sets(events);
    let quoted = quoted_requests(events);
    for event in events.iter_mut().filter(|event| !event.is_stack_event()) {
        if event.source == "cloudtrail" {
            link_call(event, &resources, &change_sets, &quoted);
        } else if event.logical_id.is_none() || event.stack_id.is_none() {
            link_service_event(event, &resources);
        }
    }
}

/// The stack's resources by every name that a record may give them.
struct Resources<'r> {
    all: &'r [KnownResource],
    by_name: HashMap<&'r str, usize>,
    /// RDS keeps identifiers in lower case.
    by_lower_case: HashMap<String, usize>,
    /// `(stack-logicalid-, stack id, logical id, type)` of resources whose physical id the rows never told.
    generated: Vec<(String, Text, Text, Text)>,
    stack_names: HashMap<Text, Text>,
}

/// Shorter ids (`web`) are words that a record may contain by chance.
const SHORTEST_NAME: usize = 4;

impl<'r> Resources<'r> {
    fn of(all: &'r [KnownResource], events: &[Event]) -> Self {
        let mut by_name = HashMap::new();
        let mut by_lower_case = HashMap::new();
        for (index, resource) in all.iter().enumerate() {
            let id: &str = &resource.physical_id;
            if id.len() < SHORTEST_NAME {
                continue;
            }
            by_name.insert(id, index);
            if let Some(name) = last_part(id).filter(|name| name.len() >= SHORTEST_NAME) {
                by_name.entry(name).or_insert(index);
            }
            if resource.resource_type.starts_with("AWS::RDS::") {
                by_lower_case.insert(id.to_ascii_lowercase(), index);
            }
        }
        let mut stack_names = HashMap::new();
        let mut seen = HashSet::new();
        let mut generated = Vec::new();
        for event in events.iter().filter(|event| event.is_stack_event()) {
            let (Some(id), Some(name)) = (&event.stack_id, &event.stack_name) else {
                continue;
            };
            stack_names.entry(id.clone()).or_insert_with(|| name.clone());
            if let (Some(logical), Some(kind)) = (&event.logical_id, &event.resource_type)
                && kind.starts_with("AWS::RDS::")
                && seen.insert((id.clone(), logical.clone()))
            {
                generated.push((
                    format!("{name}-{logical}-").to_ascii_lowercase(),
                    id.clone(),
                    logical.clone(),
                    kind.clone(),
                ));
            }
        }
        Self { all, by_name, by_lower_case, generated, stack_names }
    }

    /// The resource of this id, ARN or name.
    fn find(&self, id: &str) -> Option<&'r KnownResource> {
        if id.len() < SHORTEST_NAME {
            return None;
        }
        let index = self.by_name.get(id).or_else(|| last_part(id).and_then(|name| self.by_name.get(name)))?;
        self.all.get(*index)
    }

    fn name_of(&self, resource: &KnownResource) -> Option<Text> {
        resource.stack_name.clone().or_else(|| self.stack_names.get(resource.stack_id.as_ref()?).cloned())
    }
}

/// The name at the end of an ARN (`arn:aws:ecs:...:service/cluster/web` gives `web`), without a qualifier that Lambda
/// or ECS put behind it. `None` for what is no ARN.
fn last_part(id: &str) -> Option<&str> {
    let resource = id.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    let name = resource.rsplit('/').next()?;
    match name.split_once(':') {
        // `function:name:alias`, `db:name`, `log-group:/aws/lambda/name:*`
        Some((_, rest)) if !resource.contains('/') => rest.split(':').next(),
        _ => name.split(':').next(),
    }
}

fn put(event: &mut Event, resource: &KnownResource, resources: &Resources<'_>) {
    event.stack_id = event.stack_id.take().or_else(|| resource.stack_id.clone());
    event.stack_name = event.stack_name.take().or_else(|| resources.name_of(resource));
    event.logical_id = event.logical_id.take().or_else(|| Some(resource.logical_id.clone()));
    event.resource_type = event.resource_type.take().or_else(|| Some(resource.resource_type.clone()));
}

fn link_service_event(event: &mut Event, resources: &Resources<'_>) {
    let group = event.group.as_deref().map(|group| group.strip_prefix("service:").unwrap_or(group));
    let function = event.group.as_deref().and_then(|group| group.strip_prefix("/aws/lambda/"));
    let found = event
        .physical_id
        .as_deref()
        .and_then(|id| resources.find(id))
        .or_else(|| resources.find(function?))
        .or_else(|| resources.find(group?));
    if let Some(resource) = found {
        return put(event, resource, resources);
    }
    if !event.source.starts_with("rds_") && !event.source.starts_with("db_") {
        return;
    }
    let Some(id) = event.physical_id.clone() else { return };
    if let Some(resource) = resources.by_lower_case.get(&*id).and_then(|index| resources.all.get(*index)) {
        return put(event, resource, resources);
    }
    if let Some((_, stack_id, logical_id, kind)) =
        resources.generated.iter().find(|(prefix, ..)| id.starts_with(prefix.as_str()))
    {
        event.stack_id = Some(stack_id.clone());
        event.stack_name = resources.stack_names.get(stack_id).cloned();
        event.logical_id = Some(logical_id.clone());
        event.resource_type = Some(kind.clone());
    }
}

fn link_call(
    event: &mut Event,
    resources: &Resources<'_>,
    change_sets: &HashMap<Text, (Text, Option<Text>)>,
    quoted: &HashMap<Text, KnownResource>,
) {
    let Some(call) = event.call.take() else { return };
    if &*call.service == "cloudformation.amazonaws.com" {
        if event.stack_id.is_none()
            && let Some((stack, name)) = call.change_set.as_ref().and_then(|set| change_sets.get(set))
        {
            event.stack_id = Some(stack.clone());
            event.stack_name = name.clone();
        }
        if event.stack_name.is_none() {
            name_stack_by_message(event, resources);
        }
    } else if let Some(resource) = call.request_id.as_ref().and_then(|request| quoted.get(request)) {
        put(event, resource, resources);
    } else {
        let named = call.names.iter().find_map(|name| resources.find(name));
        let told = || {
            event
                .message
                .as_deref()
                .filter(|_| event.error.is_some())
                .and_then(|message| words(message).find_map(|word| resources.find(word)))
        };
        let caller = || call.identity.role_name().and_then(|role| resources.find(role));
        if let Some(resource) = named.or_else(told) {
            put(event, resource, resources);
        } else if let Some(role) = caller() {
            // A role of the stack did it: it belongs to the stack, but tells nothing of the role itself.
            event.stack_id = role.stack_id.clone();
            event.stack_name = resources.name_of(role);
        }
    }
    event.call = Some(call);
}

/// A refused call to CloudFormation may carry no parameters at all; its message names the stack.
/// Source: cloudformation-coverage-roadmap issue 1900.
fn name_stack_by_message(event: &mut Event, resources: &Resources<'_>) {
    let Some(message) = event.message.as_deref() else {
        return;
    };
    let id = words(message)
        .map(|word| word.strip_prefix("Stack:").unwrap_or(word))
        .find_map(|word| resources.stack_names.get_key_value(word));
    if let Some((id, name)) = id {
        event.stack_id = Some(id.clone());
        event.stack_name = Some(name.clone());
        return;
    }
    let mut names: Vec<&Text> = resources.stack_names.values().collect();
    names.sort();
    names.dedup();
    let named = words(message).find_map(|word| names.iter().find(|name| name.as_bytes() == word.as_bytes()));
    event.stack_name = named.map(|name| Text::clone(name));
}

/// The words of a message without the punctuation around ids.
fn words(message: &str) -> impl Iterator<Item = &str> {
    message
        .split([' ', '"', '\'', '[', ']', '(', ')', ',', ';', '\n', '\t'])
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty())
}

/// ExecuteChangeSet may carry nothing but the change set's ARN, which does not hold the stack's.
fn stacks_of_change_sets(events: &[Event]) -> HashMap<Text, (Text, Option<Text>)> {
    let mut stacks = HashMap::new();
    for event in events {
        let set = match &event.call {
            Some(call) => call.change_set.clone(),
            None => {
                event.physical_id.clone().filter(|_| event.resource_type.as_deref() == Some(status::CHANGE_SET_TYPE))
            }
        };
        if let (Some(set), Some(stack)) = (set.filter(|set| set.starts_with("arn:")), &event.stack_id) {
            stacks.insert(set, (stack.clone(), event.stack_name.clone()));
        }
    }
    stacks
}

/// The request ids that the reasons quote, with the resource whose failure they explain.
fn quoted_requests(events: &[Event]) -> HashMap<Text, KnownResource> {
    let mut quoted = HashMap::new();
    for event in events.iter().filter(|event| event.is_stack_event()) {
        let (Some(request), Some(logical_id)) = (event.message.as_deref().and_then(quoted_request), &event.logical_id)
        else {
            continue;
        };
        let resource = KnownResource {
            stack_id: event.stack_id.clone(),
            stack_name: event.stack_name.clone(),
            logical_id: logical_id.clone(),
            physical_id: event.physical_id.clone().unwrap_or_default(),
            resource_type: event.resource_type.clone().unwrap_or_default(),
        };
        quoted.insert(Text::from(request), resource);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_end_in_the_name_that_records_use() {
        for (arn, expected) in [
            ("arn:aws:ecs:us-east-1:1:service/cluster/web", Some("web")),
            ("arn:aws:lambda:us-east-1:1:function:fn:live", Some("fn")),
            ("arn:aws:rds:us-east-1:1:db:mydb", Some("mydb")),
            ("arn:aws:iam::1:role/path/exec", Some("exec")),
            ("arn:aws:s3:::bucket", Some("bucket")),
            ("mydb", None),
        ] {
            assert_eq!(last_part(arn), expected, "{arn}");
        }
    }
}
