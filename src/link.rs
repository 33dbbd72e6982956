//! Ties events of other services to the stack's resources, and calls to the stack that they were made for.
//! Exact ids only, or names that CloudFormation generated: a guess would put a stranger's event into the story.
//! Used by the timeline.

use crate::model::{Event, Text, Time, quoted_request, status};
use crate::sources::KnownResource;
use chrono::TimeDelta;
use hashbrown::{HashMap, HashSet};

/// Fills in stack and resource of the events whose records do not name them.
pub fn link(events: &mut [Event], resources: &[KnownResource]) {
    let resources = Resources::of(resources, events);
    let change_sets = stacks_of_change_sets(events);
    let quoted = quoted_requests(events);
    for event in events.iter_mut().filter(|event| !event.is_stack_event()) {
        if event.source == "cloudtrail" {
            link_call(event, &resources, &change_sets, &quoted);
        } else if event.source != "log_events" && (event.logical_id.is_none() || event.stack_id.is_none()) {
            link_service_event(event, &resources);
        }
    }
    link_log_lines(events, &resources);
}

/// The stacks' resources by every name that a record may give them.
struct Resources<'r> {
    all: &'r [KnownResource],
    /// By id or ARN, and by the name at the end of an ARN. A name that a re-created stack uses again leads to each of its
    /// incarnations, oldest first.
    by_name: HashMap<&'r str, Vec<usize>>,
    /// RDS keeps identifiers in lower case.
    by_lower_case: HashMap<String, Vec<usize>>,
    /// The RDS resources whose rows may never have told an id, with the beginning of the name that CloudFormation makes.
    generated: Vec<Generated>,
    stack_names: HashMap<Text, Text>,
    names: HashSet<Text>,
}

/// `stackname-logicalid-` in lower case, and whose name begins so.
struct Generated {
    prefix: String,
    since: Time,
    stack_id: Text,
    logical_id: Text,
    resource_type: Text,
}

/// Shorter ids (`web`) are words that a record may contain by chance.
const SHORTEST_NAME: usize = 4;
/// The random part of a name that CloudFormation makes.
const RANDOM_PART: std::ops::RangeInclusive<usize> = 8..=16;
/// A call or a service's event comes before the row that tells the physical id.
const BEFORE_FIRST_ROW: TimeDelta = TimeDelta::minutes(2);

impl<'r> Resources<'r> {
    fn of(all: &'r [KnownResource], events: &[Event]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_lower_case: HashMap<String, Vec<usize>> = HashMap::new();
        let mut order: Vec<(Option<Time>, usize)> =
            all.iter().enumerate().map(|(index, resource)| (resource.since, index)).collect();
        order.sort_unstable();
        for (index, resource) in order.into_iter().filter_map(|(_, index)| Some((index, all.get(index)?))) {
            let id: &str = &resource.physical_id;
            if !names_one_thing(&resource.resource_type) {
                continue;
            }
            for name in std::iter::once(id).chain(last_part(id)).filter(|name| name.len() >= SHORTEST_NAME) {
                by_name.entry(name).or_default().push(index);
            }
            if resource.resource_type.starts_with("AWS::RDS::") {
                by_lower_case.entry(id.to_ascii_lowercase()).or_default().push(index);
            }
        }
        let mut stack_names = HashMap::new();
        let mut seen: HashMap<(Text, Text), usize> = HashMap::new();
        let mut generated: Vec<Generated> = Vec::new();
        for event in events.iter().filter(|event| event.is_stack_event()) {
            let (Some(id), Some(name)) = (&event.stack_id, &event.stack_name) else { continue };
            stack_names.entry(id.clone()).or_insert_with(|| name.clone());
            let (Some(logical), Some(kind)) = (&event.logical_id, &event.resource_type) else { continue };
            if !kind.starts_with("AWS::RDS::") {
                continue;
            }
            let index = *seen.entry((id.clone(), logical.clone())).or_insert_with(|| {
                generated.push(Generated {
                    prefix: format!("{name}-{logical}-").to_ascii_lowercase(),
                    since: event.at,
                    stack_id: id.clone(),
                    logical_id: logical.clone(),
                    resource_type: kind.clone(),
                });
                generated.len() - 1
            });
            if let Some(known) = generated.get_mut(index) {
                known.since = known.since.min(event.at);
            }
        }
        let names = stack_names.values().cloned().collect();
        Self { all, by_name, by_lower_case, generated, stack_names, names }
    }

    /// The resource that had this id, ARN or name at the time: of several (a bucket and its policy) the first.
    fn find(&self, id: &str, at: Time) -> Option<&'r KnownResource> {
        self.find_all(id, at).first().copied()
    }

    /// All resources of one stack that had this id, ARN or name at the time, in the order in which they were heard of.
    fn find_all(&self, id: &str, at: Time) -> Vec<&'r KnownResource> {
        let exact = self.by_name.get(id).filter(|_| id.len() >= SHORTEST_NAME).cloned();
        let candidates = exact.or_else(|| self.by_last_part(id)).unwrap_or_default();
        self.of_time(&candidates, at)
    }

    /// Two ARNs that differ are two things; a name is ours only if the ARN is of its service.
    fn by_last_part(&self, id: &str) -> Option<Vec<usize>> {
        let by_name = self.by_name.get(last_part(id)?)?;
        let service = id.split(':').nth(2).unwrap_or_default();
        let fits = |index: &&usize| {
            self.all.get(**index).is_some_and(|resource| {
                !resource.physical_id.starts_with("arn:") && is_of_service(&resource.resource_type, service)
            })
        };
        Some(by_name.iter().filter(fits).copied().collect())
    }

    /// Those of the stack that was there at the time, else of the one that was heard of nearest to it.
    fn of_time(&self, candidates: &[usize], at: Time) -> Vec<&'r KnownResource> {
        let resources: Vec<&KnownResource> = candidates.iter().filter_map(|index| self.all.get(*index)).collect();
        let distance = |resource: &KnownResource| match (resource.since, resource.until) {
            (Some(since), _) if at < since => since - at,
            (_, Some(until)) if at > until => at - until,
            _ => TimeDelta::zero(),
        };
        let nearest = resources.iter().rev().min_by_key(|resource| distance(resource));
        let stack = nearest.map(|resource| resource.stack_id.clone());
        resources.into_iter().filter(|resource| stack.as_ref() == Some(&resource.stack_id)).collect()
    }

    fn name_of(&self, resource: &KnownResource) -> Option<Text> {
        resource.stack_name.clone().or_else(|| self.stack_names.get(resource.stack_id.as_ref()?).cloned())
    }
}

/// False for types whose physical ids are words (`prod`, `live`, `true`) or say nothing of the thing.
fn names_one_thing(resource_type: &str) -> bool {
    let word = resource_type.rsplit("::").next().unwrap_or_default();
    !resource_type.starts_with("Custom::")
        && !resource_type.starts_with("AWS::CloudFormation::")
        && !matches!(word, "Stage" | "Alias" | "Deployment")
}

/// True where the ARN's service (`ecs`, `elasticloadbalancing`) is that of the type (`AWS::ECS::Service`).
fn is_of_service(resource_type: &str, service: &str) -> bool {
    let of_type = resource_type.split("::").nth(1).unwrap_or_default();
    let plain: String = service.chars().filter(char::is_ascii_alphanumeric).collect();
    of_type.get(..plain.len().min(of_type.len())).is_some_and(|begin| begin.eq_ignore_ascii_case(&plain))
        || matches!(
            (service, of_type),
            ("states", "StepFunctions") | ("cognito-idp", "Cognito") | ("es", "Elasticsearch" | "OpenSearchService")
        )
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
    put_stack(event, resource, resources);
    event.logical_id = event.logical_id.take().or_else(|| Some(resource.logical_id.clone()));
    event.resource_type = event.resource_type.take().or_else(|| Some(resource.resource_type.clone()));
}

fn put_stack(event: &mut Event, resource: &KnownResource, resources: &Resources<'_>) {
    event.stack_id = event.stack_id.take().or_else(|| resource.stack_id.clone());
    event.stack_name = event.stack_name.take().or_else(|| resources.name_of(resource));
}

fn link_service_event(event: &mut Event, resources: &Resources<'_>) {
    let group = event.group.as_deref().map(|group| group.strip_prefix("service:").unwrap_or(group));
    let by_id = event.physical_id.as_deref().and_then(|id| resources.find(id, event.at));
    if let Some(resource) = by_id.or_else(|| resources.find(group?, event.at)) {
        return put(event, resource, resources);
    }
    if !event.source.starts_with("rds_") && !event.source.starts_with("db_") {
        return;
    }
    let Some(id) = event.physical_id.clone() else { return };
    if let Some(resource) = resources
        .by_lower_case
        .get(&*id)
        .and_then(|candidates| resources.of_time(candidates, event.at).first().copied())
    {
        return put(event, resource, resources);
    }
    let made_for = |generated: &&Generated| {
        let random = id.strip_prefix(generated.prefix.as_str()).unwrap_or_default();
        RANDOM_PART.contains(&random.len()) && random.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let candidates = || resources.generated.iter().filter(made_for);
    let heard_of = candidates()
        .filter(|generated| generated.since <= event.at + BEFORE_FIRST_ROW)
        .max_by_key(|generated| generated.since);
    if let Some(found) = heard_of.or_else(|| candidates().min_by_key(|generated| generated.since)) {
        event.stack_id = Some(found.stack_id.clone());
        event.stack_name = resources.stack_names.get(&found.stack_id).cloned();
        event.logical_id = Some(found.logical_id.clone());
        event.resource_type = Some(found.resource_type.clone());
    }
}

/// A log line belongs to the ECS task that its stream names, to the function that its group names, else to the group.
fn link_log_lines(events: &mut [Event], resources: &Resources<'_>) {
    type Linked = (Option<Text>, Option<Text>, Option<Text>, Option<Text>);
    let tasks: HashMap<Text, Linked> = events
        .iter()
        .filter(|event| event.source == "ecs_tasks" && event.logical_id.is_some())
        .filter_map(|event| {
            let task = event.physical_id.as_deref().and_then(last_part)?;
            Some((
                Text::from(task),
                (
                    event.stack_id.clone(),
                    event.stack_name.clone(),
                    event.logical_id.clone(),
                    event.resource_type.clone(),
                ),
            ))
        })
        .collect();
    for event in events.iter_mut().filter(|event| event.source == "log_events") {
        let task = event.physical_id.as_deref().and_then(|stream| stream.rsplit('/').next());
        if let Some((stack_id, stack_name, logical_id, resource_type)) = task.and_then(|task| tasks.get(task)).cloned()
        {
            (event.stack_id, event.stack_name, event.logical_id, event.resource_type) =
                (stack_id, stack_name, logical_id, resource_type);
            continue;
        }
        let function = event.group.as_deref().and_then(|group| group.strip_prefix("/aws/lambda/"));
        let found = function.and_then(|function| resources.find(function, event.at));
        if let Some(resource) = found.or_else(|| resources.find(event.group.as_deref()?, event.at)) {
            put(event, resource, resources);
        }
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
        let named = call.names.iter().flat_map(|name| resources.find_all(name, event.at));
        let refused = event.message.as_deref().filter(|_| event.error.is_some()).unwrap_or_default();
        let told = words(refused).flat_map(|word| resources.find_all(word, event.at));
        let found: Vec<&KnownResource> = named.chain(told).collect();
        match (meant(&event.action, &found), found.first()) {
            (Some(resource), _) => put(event, resource, resources),
            // It names what it works with, not what it works on: a service's cluster, a cache's subnets.
            (None, Some(resource)) => put_stack(event, resource, resources),
            (None, None) => {
                // A role of the stack did it: it belongs to the stack, but tells nothing of the role itself.
                let caller = call.identity.role_name().and_then(|role| resources.find(role, event.at));
                if let Some(role) = caller {
                    put_stack(event, role, resources);
                }
            }
        }
    }
    event.call = Some(call);
}

/// Of the resources that a call names, the one that it works on: `CreateService` works on an `AWS::ECS::Service`,
/// `AuthorizeSecurityGroupIngress` on a security group, `TagResource` on whatever it names.
fn meant<'r>(action: &str, found: &[&'r KnownResource]) -> Option<&'r KnownResource> {
    let object = action
        .trim_start_matches(|c: char| c.is_ascii_uppercase())
        .trim_start_matches(|c: char| !c.is_ascii_uppercase());
    let word = |resource: &KnownResource| resource.resource_type.rsplit("::").next().unwrap_or_default().to_owned();
    if matches!(object, "" | "Resource" | "Resources" | "Tags" | "TagsFromResource" | "TagsToResource") {
        return found.first().copied();
    }
    let exact = found.iter().find(|resource| object.eq_ignore_ascii_case(&word(resource)));
    let part =
        || found.iter().find(|resource| object.to_ascii_lowercase().contains(&word(resource).to_ascii_lowercase()));
    exact.or_else(part).copied()
}

/// A refused call to CloudFormation may carry no parameters at all; its message names the stack, by its ARN or, in
/// brackets, by its name. Source: cloudformation-coverage-roadmap issue 1900.
fn name_stack_by_message(event: &mut Event, resources: &Resources<'_>) {
    let Some(message) = event.message.as_deref() else { return };
    for word in words(message).map(|word| word.strip_prefix("Stack:").unwrap_or(word)) {
        if let Some((id, name)) = resources.stack_names.get_key_value(word) {
            event.stack_id = Some(id.clone());
            event.stack_name = Some(name.clone());
            return;
        }
        // The resource of a refusal: `arn:aws:cloudformation:...:stack/NAME/*`.
        let of_arn = word
            .strip_prefix("arn:")
            .and_then(|arn| arn.split_once(":stack/"))
            .and_then(|(_, rest)| rest.split('/').next());
        if let Some(name) = of_arn.and_then(|name| resources.names.get(name)) {
            event.stack_name = Some(name.clone());
            return;
        }
    }
    let bracketed = message.split_once("Stack [").and_then(|(_, rest)| rest.split(']').next());
    event.stack_name = bracketed.and_then(|name| resources.names.get(name)).cloned();
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
            since: Some(event.at),
            until: Some(event.at),
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
