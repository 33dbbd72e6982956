//! ECS: services with their last hundred events, deployments, stopped tasks, task definitions.
//! A deleted service is described by its ARN for a while; a stopped task for about an hour.
//! Sources: `Service`, `ServiceDeployment`, `Task` and `TaskDefinition` in the ECS API reference.

use super::api::{
    DESCRIBE_SERVICE_DEPLOYMENTS, DESCRIBE_SERVICES, DESCRIBE_TASK_DEFINITION, DESCRIBE_TASKS,
    LIST_SERVICE_DEPLOYMENTS, LIST_TASKS,
};
use super::desk::Desk;
use super::record::Record;
use super::trouble::{Kind, Trouble};
use crate::plan::{Answered, Question, Window};
use aws_sdk_ecs::types::{
    Container, ContainerDefinition, CreatedAt, Deployment, DesiredStatus, Failure, Service, ServiceDeployment, Task,
    TaskDefinition,
};
use aws_smithy_types::DateTime;
use std::collections::BTreeSet;

/// DescribeServiceDeployments takes 20 ARNs, DescribeTasks 100. Source: ECS API reference.
const MOST_DEPLOYMENTS: usize = 20;
const MOST_TASKS: usize = 100;

pub(super) async fn services(desk: &Desk<'_>, question: &Question, cluster: &str, services: &[String]) -> Answered {
    let clients = desk.clients(&question.region);
    let describe = clients.ecs.describe_services().cluster(cluster).set_services(Some(services.to_vec()));
    match desk.call(DESCRIBE_SERVICES, &question.region, || describe.clone().send()).await {
        Ok(answer) => {
            desk.keep(question, "ecs_services", answer.services().iter().map(of_service));
            missing(desk, question, answer.failures())
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

/// What a batch call could not find is no error but a list beside the answers.
fn missing(desk: &Desk<'_>, question: &Question, failures: &[Failure]) -> Answered {
    let Some(failure) = failures.first() else { return Answered::Whole };
    let reason = failure.reason().unwrap_or("no reason");
    let named = failure.arn().unwrap_or("a service");
    desk.gap_because(question, format!("ECS does not know {named} any more ({reason})"), None);
    Answered::Partly { oldest: None }
}

pub(super) async fn deployments(
    desk: &Desk<'_>,
    question: &Question,
    cluster: &str,
    service: &str,
    window: Window,
) -> Answered {
    let clients = desk.clients(&question.region);
    let created = CreatedAt::builder()
        .after(DateTime::from_secs(window.from.timestamp()))
        .before(DateTime::from_secs(window.to.timestamp() + 1))
        .build();
    let list = clients.ecs.list_service_deployments().cluster(cluster).service(service).created_at(created);
    let listed = match desk.call(LIST_SERVICE_DEPLOYMENTS, &question.region, || list.clone().send()).await {
        Ok(answer) => answer,
        Err(trouble) => return desk.unanswered(question, &trouble),
    };
    let arns: Vec<String> =
        listed.service_deployments().iter().filter_map(|one| one.service_deployment_arn().map(str::to_owned)).collect();
    if arns.is_empty() {
        return Answered::Whole;
    }
    let some = arns.iter().take(MOST_DEPLOYMENTS).cloned().collect();
    let describe = clients.ecs.describe_service_deployments().set_service_deployment_arns(Some(some));
    match desk.call(DESCRIBE_SERVICE_DEPLOYMENTS, &question.region, || describe.clone().send()).await {
        Ok(answer) => {
            desk.keep(question, "service_deployments", answer.service_deployments().iter().map(of_deployment));
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

/// The stopped tasks of services. Of a service that is gone, and sometimes of others, the filter by service tells none;
/// then the cluster's are looked through.
pub(super) async fn stopped_tasks(
    desk: &Desk<'_>,
    question: &Question,
    cluster: &str,
    services: &[String],
) -> Answered {
    let names: Vec<&str> = services.iter().map(|service| service.rsplit('/').next().unwrap_or(service)).collect();
    let mut arns: BTreeSet<String> = BTreeSet::new();
    let mut silent = false;
    for name in &names {
        match list_stopped(desk, question, cluster, Some(name)).await {
            Ok(listed) => {
                silent |= listed.arns.is_empty();
                arns.extend(listed.arns);
            }
            Err(trouble) if trouble.kind == Kind::Gone => silent = true,
            Err(trouble) => return desk.unanswered(question, &trouble),
        }
    }
    let mut answered = Answered::Whole;
    if silent {
        match list_stopped(desk, question, cluster, None).await {
            Ok(listed) => {
                arns.extend(listed.arns);
                if listed.more {
                    let why = "the cluster has more stopped tasks than were looked through";
                    desk.gap_because(question, why, None);
                    answered = Answered::Partly { oldest: None };
                }
            }
            Err(trouble) => return desk.unanswered(question, &trouble),
        }
    }
    let is_of_services = |task: &&Task| {
        let service = task.group().and_then(|group| group.strip_prefix("service:"));
        service.is_some_and(|service| names.contains(&service))
    };
    let clients = desk.clients(&question.region);
    let arns: Vec<String> = arns.into_iter().collect();
    for some in arns.chunks(MOST_TASKS) {
        let describe = clients.ecs.describe_tasks().cluster(cluster).set_tasks(Some(some.to_vec()));
        match desk.call(DESCRIBE_TASKS, &question.region, || describe.clone().send()).await {
            Ok(answer) => desk.keep(question, "ecs_tasks", answer.tasks().iter().filter(is_of_services).map(of_task)),
            Err(trouble) => return desk.unanswered(question, &trouble),
        }
    }
    answered
}

/// Stopped tasks, and whether there are more.
struct Stopped {
    arns: Vec<String>,
    more: bool,
}

/// Pages of a cluster's stopped tasks that are looked through, a hundred tasks each.
const MOST_PAGES: usize = 5;

async fn list_stopped(
    desk: &Desk<'_>,
    question: &Question,
    cluster: &str,
    service: Option<&str>,
) -> Result<Stopped, Trouble> {
    let clients = desk.clients(&question.region);
    let list = clients.ecs.list_tasks().cluster(cluster).desired_status(DesiredStatus::Stopped);
    let list = list.set_service_name(service.map(str::to_owned));
    let mut arns = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = || list.clone().set_next_token(token.clone()).send();
        let answer = desk.call(LIST_TASKS, &question.region, page).await?;
        arns.extend_from_slice(answer.task_arns());
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    Ok(Stopped { arns, more: token.is_some() })
}

pub(super) async fn task_definition(desk: &Desk<'_>, question: &Question, arn: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let request = clients.ecs.describe_task_definition().task_definition(arn);
    match desk.call(DESCRIBE_TASK_DEFINITION, &question.region, || request.clone().send()).await {
        Ok(answer) => {
            desk.keep(question, "task_definitions", answer.task_definition().map(of_definition));
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

fn of_service(service: &Service) -> String {
    let events = service.events().iter().map(|event| {
        Record::default().text("id", event.id()).time("createdAt", event.created_at()).text("message", event.message())
    });
    Record::default()
        .text("serviceArn", service.service_arn())
        .text("serviceName", service.service_name())
        .text("clusterArn", service.cluster_arn())
        .text("status", service.status())
        .plain("desiredCount", Some(service.desired_count()))
        .plain("runningCount", Some(service.running_count()))
        .plain("pendingCount", Some(service.pending_count()))
        .text("launchType", service.launch_type())
        .text("taskDefinition", service.task_definition())
        .list("deployments", service.deployments().iter().map(of_rollout))
        .list("events", events)
        .time("createdAt", service.created_at())
        .plain("healthCheckGracePeriodSeconds", service.health_check_grace_period_seconds())
        .json()
}

fn of_rollout(deployment: &Deployment) -> Record {
    Record::default()
        .text("id", deployment.id())
        .text("status", deployment.status())
        .text("taskDefinition", deployment.task_definition())
        .plain("desiredCount", Some(deployment.desired_count()))
        .plain("pendingCount", Some(deployment.pending_count()))
        .plain("runningCount", Some(deployment.running_count()))
        .plain("failedTasks", Some(deployment.failed_tasks()))
        .time("createdAt", deployment.created_at())
        .time("updatedAt", deployment.updated_at())
        .text("rolloutState", deployment.rollout_state())
        .text("rolloutStateReason", deployment.rollout_state_reason())
}

fn of_deployment(deployment: &ServiceDeployment) -> String {
    let breaker = deployment.deployment_circuit_breaker().map(|breaker| {
        Record::default()
            .text("status", breaker.status())
            .plain("failureCount", Some(breaker.failure_count()))
            .plain("threshold", Some(breaker.threshold()))
    });
    let rollback = deployment.rollback().map(|rollback| {
        Record::default()
            .text("reason", rollback.reason())
            .time("startedAt", rollback.started_at())
            .text("serviceRevisionArn", rollback.service_revision_arn())
    });
    Record::default()
        .text("serviceDeploymentArn", deployment.service_deployment_arn())
        .text("serviceArn", deployment.service_arn())
        .text("clusterArn", deployment.cluster_arn())
        .time("createdAt", deployment.created_at())
        .time("startedAt", deployment.started_at())
        .time("finishedAt", deployment.finished_at())
        .time("stoppedAt", deployment.stopped_at())
        .time("updatedAt", deployment.updated_at())
        .text("status", deployment.status())
        .text("statusReason", deployment.status_reason())
        .text("lifecycleStage", deployment.lifecycle_stage())
        .inner("deploymentCircuitBreaker", breaker)
        .inner("rollback", rollback)
        .json()
}

fn of_task(task: &Task) -> String {
    Record::default()
        .text("taskArn", task.task_arn())
        .text("clusterArn", task.cluster_arn())
        .text("taskDefinitionArn", task.task_definition_arn())
        .text("group", task.group())
        .text("startedBy", task.started_by())
        .text("lastStatus", task.last_status())
        .text("desiredStatus", task.desired_status())
        .text("healthStatus", task.health_status())
        .text("launchType", task.launch_type())
        .text("availabilityZone", task.availability_zone())
        .text("stopCode", task.stop_code())
        .text("stoppedReason", task.stopped_reason())
        .time("createdAt", task.created_at())
        .time("pullStartedAt", task.pull_started_at())
        .time("pullStoppedAt", task.pull_stopped_at())
        .time("startedAt", task.started_at())
        .time("stoppingAt", task.stopping_at())
        .time("executionStoppedAt", task.execution_stopped_at())
        .time("stoppedAt", task.stopped_at())
        .list("containers", task.containers().iter().map(of_container))
        .json()
}

fn of_container(container: &Container) -> Record {
    Record::default()
        .text("name", container.name())
        .text("image", container.image())
        .text("lastStatus", container.last_status())
        .plain("exitCode", container.exit_code())
        .text("reason", container.reason())
        .text("healthStatus", container.health_status())
}

/// Without the environment of its containers, which is where secrets are.
fn of_definition(definition: &TaskDefinition) -> String {
    Record::default()
        .text("taskDefinitionArn", definition.task_definition_arn())
        .text("family", definition.family())
        .plain("revision", Some(definition.revision()))
        .text("status", definition.status())
        .text("cpu", definition.cpu())
        .text("memory", definition.memory())
        .text("taskRoleArn", definition.task_role_arn())
        .text("executionRoleArn", definition.execution_role_arn())
        .text("networkMode", definition.network_mode())
        .list("containerDefinitions", definition.container_definitions().iter().map(of_container_definition))
        .json()
}

fn of_container_definition(container: &ContainerDefinition) -> Record {
    let log = container.log_configuration().map(|log| {
        // Other drivers' options can hold tokens.
        let options = log.options().into_iter().flatten().filter(|(key, _)| key.starts_with("awslogs-"));
        let mut options: Vec<_> = options.collect();
        options.sort();
        let options = options.into_iter().fold(Record::default(), |record, (key, value)| record.text(key, Some(value)));
        Record::default().text("logDriver", Some(log.log_driver())).inner("options", Some(options))
    });
    let health = container.health_check().map(|check| Record::default().words("command", check.command()));
    Record::default()
        .text("name", container.name())
        .text("image", container.image())
        .plain("essential", container.essential())
        .plain("memory", container.memory())
        .plain("memoryReservation", container.memory_reservation())
        .inner("healthCheck", health)
        .inner("logConfiguration", log)
}
