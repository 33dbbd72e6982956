//! ECS' reading operations: services, tasks, task definitions and service deployments.
//! Anything may be named by its ARN or shortly; what is missing is told in `failures`, as by AWS, with status 200.
//! A cluster exists as long as the world has anything in it.

use super::records::{only, text, time};
use super::world::World;
use super::{Refusal, Reply, Request, refuse};
use serde_json::{Value, json};

impl World {
    pub(super) fn ecs(&self, request: &Request) -> Option<Reply> {
        Some(match request.operation.as_str() {
            "DescribeServices" => self.describe_services(request),
            "ListServices" => self.list_services(request),
            "ListTasks" => self.list_tasks(request),
            "DescribeTasks" => self.describe_tasks(request),
            "DescribeTaskDefinition" => self.describe_task_definition(request),
            "ListServiceDeployments" => self.list_service_deployments(request),
            "DescribeServiceDeployments" => self.describe_service_deployments(request),
            _ => return None,
        })
    }

    /// The ARN of the request's cluster.
    fn cluster(&self, request: &Request) -> Result<String, Refusal> {
        let wanted = request.text("cluster").unwrap_or("default");
        let members = self.ecs_services.iter().chain(&self.ecs_tasks).chain(&self.service_deployments);
        let mut here = members.filter(|member| self.is_here(request, member, "clusterArn"));
        let found = here.find(|member| is(text(member, "clusterArn"), wanted));
        found.map_or_else(
            || refuse("ClusterNotFoundException", "Cluster not found."),
            |member| Ok(text(member, "clusterArn").to_owned()),
        )
    }

    /// The service of the cluster that goes by this name or ARN.
    fn service(&self, cluster: &str, wanted: &str) -> Result<&Value, Refusal> {
        let mut services = self.ecs_services.iter().filter(|service| text(service, "clusterArn") == cluster);
        let found = services.find(|service| is(text(service, "serviceArn"), wanted));
        found.map_or_else(|| refuse("ServiceNotFoundException", "Service not found."), Ok)
    }

    fn describe_services(&self, request: &Request) -> Reply {
        let wanted = request.texts("services");
        at_most(10, "services", &wanted)?;
        let cluster = self.cluster(request)?;
        Ok(found_and_failures(
            "services",
            &wanted,
            |name| self.service(&cluster, name).ok(),
            |name| arn_in(&cluster, "service", name),
        ))
    }

    fn list_services(&self, request: &Request) -> Reply {
        let cluster = self.cluster(request)?;
        let live = |service: &&Value| text(service, "clusterArn") == cluster && text(service, "status") != "INACTIVE";
        let arns = self.ecs_services.iter().filter(live).map(|service| &service["serviceArn"]);
        self.page(request, "serviceArns", arns, ("maxResults", 10))
    }

    fn list_tasks(&self, request: &Request) -> Reply {
        let cluster = self.cluster(request)?;
        let service = request.text("serviceName").map(|name| self.service(&cluster, name)).transpose()?;
        let group = service.map(|service| format!("service:{}", text(service, "serviceName")));
        let status = request.text("desiredStatus").unwrap_or("RUNNING");
        let wanted = |task: &&Value| {
            text(task, "clusterArn") == cluster
                && text(task, "desiredStatus") == status
                && group.as_deref().is_none_or(|group| text(task, "group") == group)
        };
        let arns = self.ecs_tasks.iter().filter(wanted).map(|task| &task["taskArn"]);
        self.page(request, "taskArns", arns, ("maxResults", 100))
    }

    fn describe_tasks(&self, request: &Request) -> Reply {
        let wanted = request.texts("tasks");
        at_most(100, "tasks", &wanted)?;
        let cluster = self.cluster(request)?;
        let task = |name: &str| {
            self.ecs_tasks.iter().find(|task| text(task, "clusterArn") == cluster && is(text(task, "taskArn"), name))
        };
        Ok(found_and_failures("tasks", &wanted, task, |name| arn_in(&cluster, "task", name)))
    }

    /// By its ARN, by `family:revision`, or the newest revision of a family.
    fn describe_task_definition(&self, request: &Request) -> Reply {
        let wanted = request.text("taskDefinition").unwrap_or_default();
        let named = |definition: &&Value| {
            let arn = text(definition, "taskDefinitionArn");
            let family = arn.rsplit('/').next().unwrap_or_default().split(':').next();
            self.is_here(request, definition, "taskDefinitionArn") && (is(arn, wanted) || family == Some(wanted))
        };
        match self.task_definitions.iter().filter(named).max_by_key(|definition| definition["revision"].as_i64()) {
            Some(definition) => Ok(json!({ "taskDefinition": definition, "tags": [] })),
            None => refuse("ClientException", "Unable to describe task definition."),
        }
    }

    fn list_service_deployments(&self, request: &Request) -> Reply {
        let cluster = self.cluster(request)?;
        let service = self.service(&cluster, request.required("service")?)?;
        let statuses = request.texts("status");
        let created = &request.parameters["createdAt"];
        let (after, before) = (time(&created["after"]), time(&created["before"]));
        let fields = [
            "serviceDeploymentArn",
            "serviceArn",
            "clusterArn",
            "startedAt",
            "createdAt",
            "finishedAt",
            "targetServiceRevisionArn",
            "status",
            "statusReason",
        ];
        let wanted = |deployment: &&Value| {
            let at = time(&deployment["createdAt"]);
            deployment["serviceArn"] == service["serviceArn"]
                && (statuses.is_empty() || statuses.contains(&text(deployment, "status")))
                && after.is_none_or(|after| at >= Some(after))
                && before.is_none_or(|before| at <= Some(before))
        };
        let briefs: Vec<Value> =
            self.service_deployments.iter().filter(wanted).map(|deployment| only(deployment, &fields)).collect();
        self.page(request, "serviceDeployments", &briefs, ("maxResults", 20))
    }

    fn describe_service_deployments(&self, request: &Request) -> Reply {
        let wanted = request.texts("serviceDeploymentArns");
        at_most(20, "serviceDeploymentArns", &wanted)?;
        let deployment = |arn: &str| {
            self.service_deployments.iter().find(|deployment| text(deployment, "serviceDeploymentArn") == arn)
        };
        Ok(found_and_failures("serviceDeployments", &wanted, deployment, str::to_owned))
    }
}

/// Whether an ARN is the wanted one, or ends in the wanted short name.
fn is(arn: &str, wanted: &str) -> bool {
    arn == wanted || (!wanted.starts_with("arn:") && arn.rsplit('/').next() == Some(wanted))
}

/// The ARN that something of this name would have in the cluster.
fn arn_in(cluster: &str, kind: &str, name: &str) -> String {
    if name.starts_with("arn:") {
        name.to_owned()
    } else {
        format!("{}/{name}", cluster.replace(":cluster/", &format!(":{kind}/")))
    }
}

fn at_most(limit: usize, list: &str, wanted: &[&str]) -> Result<(), Refusal> {
    match wanted.len() {
        0 => refuse("InvalidParameterException", format!("{list} cannot be empty.")),
        count if count > limit => {
            refuse("InvalidParameterException", format!("{list} can have at most {limit} entries."))
        }
        _ => Ok(()),
    }
}

fn found_and_failures<'a>(
    list: &str,
    wanted: &[&str],
    find: impl Fn(&str) -> Option<&'a Value>,
    arn: impl Fn(&str) -> String,
) -> Value {
    let found: Vec<&Value> = wanted.iter().filter_map(|name| find(name)).collect();
    let missing = wanted.iter().filter(|name| find(name).is_none());
    let failures: Vec<Value> = missing.map(|name| json!({ "arn": arn(name), "reason": "MISSING" })).collect();
    json!({ list: found, "failures": failures })
}
