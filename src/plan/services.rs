//! What the services behind the resources can tell: RDS, ECS, Auto Scaling, load balancers.
//! Only resources that a wanted deployment touched are asked about, and what vanishes first is asked first.
//! Used by the plan.

use super::scene::{Scene, Touched};
use super::{Ask, Question, Window};
use crate::model::{Gap, RecordFile, Text, arn};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// ECS keeps stopped tasks for an hour or a little more. Source: DescribeTasks in the ECS API reference.
const TASKS_LIVE: TimeDelta = TimeDelta::hours(1);
/// Source: "Viewing Amazon RDS events" in the RDS user guide.
const RDS_EVENTS_LIVE: TimeDelta = TimeDelta::days(14);
/// With more identifiers than this it takes fewer calls to ask for all events of the window.
const MOST_IDENTIFIERS: usize = 5;
/// Of one kind; a deployment that touches more of them is told by those that failed and the latest.
const MOST_OF_A_KIND: usize = 10;
/// The kinds of which a deployment may touch more than are asked about.
const MANY: &[(&str, &str)] = &[
    ("ecs_services", "AWS::ECS::Service"),
    ("scaling_activities", "AWS::AutoScaling::AutoScalingGroup"),
    ("target_health", "AWS::ElasticLoadBalancingV2::TargetGroup"),
];

pub(super) fn questions(scene: &Scene<'_>) -> Vec<Question> {
    if !scene.settled(|ask| matches!(ask, Ask::StackEvents { .. })) {
        return Vec::new();
    }
    let touched = scene.touched();
    let Some(window) = whole(scene) else { return Vec::new() };
    let mut wanted = rds(scene, &touched, window);
    wanted.extend(ecs(scene, &touched, window));
    wanted.extend(
        of_type(&touched, "AWS::AutoScaling::AutoScalingGroup")
            .map(|(resource, id)| at(resource, Ask::ScalingActivities { group: id.to_string(), since: window.from })),
    );
    if scene.in_trouble() {
        let groups = of_type(&touched, "AWS::ElasticLoadBalancingV2::TargetGroup");
        wanted.extend(
            groups
                .filter(|(resource, _)| resource.lives())
                .map(|(resource, id)| at(resource, Ask::TargetHealth { target_group: id.to_string() })),
        );
    }
    wanted
}

/// From the beginning of the first wanted deployment to the end of the last.
fn whole(scene: &Scene<'_>) -> Option<Window> {
    scene.windows().into_iter().reduce(Window::with)
}

fn at(resource: &Touched, ask: Ask) -> Question {
    Question { ask, region: arn::region(&resource.stack).unwrap_or_default().to_owned() }
}

/// The resources of a type with each physical id that they had.
fn of_type<'t>(touched: &'t [Touched], resource_type: &'static str) -> impl Iterator<Item = (&'t Touched, &'t Text)> {
    let of_type = touched.iter().filter(move |resource| &*resource.resource_type == resource_type);
    of_type
        .flat_map(|resource| resource.physical_ids.iter().map(move |id| (resource, id)))
        .filter(|(_, id)| !id.is_empty())
        .take(MOST_OF_A_KIND)
}

/// Events of the instances and clusters by identifier, which also finds them when they are gone; all events of the
/// window where a resource failed before it had an identifier.
fn rds(scene: &Scene<'_>, touched: &[Touched], window: Window) -> Vec<Question> {
    const KINDS: &[(&str, &str)] = &[
        ("AWS::RDS::DBInstance", "db-instance"),
        ("AWS::RDS::DBCluster", "db-cluster"),
        ("AWS::RDS::DBProxy", "db-proxy"),
        ("AWS::RDS::DBParameterGroup", "db-parameter-group"),
    ];
    let now = scene.now();
    let window = Window { from: window.from.max(now - RDS_EVENTS_LIVE), to: window.to };
    let some = touched.iter().find(|resource| KINDS.iter().any(|(kind, _)| *kind == &*resource.resource_type));
    let Some(some) = some.filter(|_| window.from <= window.to) else { return Vec::new() };
    let named: Vec<(&str, &Touched, &Text)> = KINDS
        .iter()
        .flat_map(|(resource_type, kind)| of_type(touched, resource_type).map(move |(of, id)| (*kind, of, id)))
        .collect();
    let unnamed = touched.iter().any(|resource| {
        KINDS.iter().any(|(kind, _)| *kind == &*resource.resource_type)
            && resource.failed
            && resource.physical_ids.iter().all(|id| **id == *"")
    });
    let mut wanted: Vec<Question> = if unnamed || named.len() > MOST_IDENTIFIERS {
        vec![at(some, Ask::RdsEvents { of: None, window })]
    } else {
        let events = |(kind, of, id): &(&str, &Touched, &Text)| {
            at(of, Ask::RdsEvents { of: Some(((*kind).to_owned(), id.to_ascii_lowercase())), window })
        };
        named.iter().map(events).collect()
    };
    if scene.in_trouble() {
        let instances = named.iter().filter(|(kind, of, _)| *kind == "db-instance" && of.lives());
        wanted.extend(instances.map(|(_, of, id)| at(of, Ask::DbInstance { identifier: id.to_ascii_lowercase() })));
    }
    wanted
}

/// Services with their events, their deployments, and their stopped tasks while they live.
fn ecs(scene: &Scene<'_>, touched: &[Touched], window: Window) -> Vec<Question> {
    let mut wanted = Vec::new();
    let mut clusters: BTreeMap<&str, Vec<(&Touched, &Text)>> = BTreeMap::new();
    for (resource, arn) in of_type(touched, "AWS::ECS::Service") {
        clusters.entry(cluster_of(arn)).or_default().push((resource, arn));
        let service = arn.to_string();
        wanted.push(at(resource, Ask::ServiceDeployments { cluster: cluster_of(arn).to_owned(), service, window }));
    }
    for (cluster, of_cluster) in clusters {
        let Some((resource, _)) = of_cluster.first() else { continue };
        let arns = |wanted: &dyn Fn(&Touched) -> bool| -> Vec<String> {
            of_cluster.iter().filter(|(resource, _)| wanted(resource)).map(|(_, arn)| arn.to_string()).collect()
        };
        wanted.push(at(resource, Ask::Services { cluster: cluster.to_owned(), services: arns(&|_| true) }));
        // Also when they should be gone: our clock may be wrong, and it takes one call.
        let services = arns(&|_| true);
        wanted.push(at(resource, Ask::StoppedTasks { cluster: cluster.to_owned(), services }));
    }
    if touched.iter().any(|resource| resource.failed && &*resource.resource_type == "AWS::ECS::Service") {
        let definitions = of_type(touched, "AWS::ECS::TaskDefinition");
        wanted.extend(
            definitions
                .filter(|(_, arn)| arn.starts_with("arn:"))
                .map(|(resource, arn)| at(resource, Ask::TaskDefinition { arn: arn.to_string() })),
        );
        let of_tasks = scene.capture.files.iter().filter(|file| file.source == "ecs_tasks");
        let arns = of_tasks.flat_map(RecordFile::iter).filter_map(|(_, task)| task_definition(task));
        if let Some(resource) = touched.first() {
            wanted.extend(arns.take(2).map(|arn| at(resource, Ask::TaskDefinition { arn })));
        }
    }
    wanted
}

/// `service/CLUSTER/NAME` at the end of the ARN; old ARNs name no cluster, then it is the default one.
fn cluster_of(arn: &str) -> &str {
    let mut parts = arn.rsplit('/');
    let _name = parts.next();
    parts.next().filter(|cluster| !cluster.ends_with(":service")).unwrap_or("default")
}

fn task_definition(task: &str) -> Option<String> {
    let task: serde_json::Value = serde_json::from_str(task).ok()?;
    Some(task.get("taskDefinitionArn")?.as_str()?.to_owned())
}

/// What is no longer there to be asked for.
pub(super) fn gaps(scene: &Scene<'_>) -> Vec<Gap> {
    let touched = scene.touched();
    let mut gaps = Vec::new();
    let late = |resource: &Touched, lives: TimeDelta| scene.now() - resource.to > lives;
    let told = scene.capture.files.iter().any(|file| file.source == "ecs_tasks" && !file.records.is_empty());
    let is_late = |of: &Touched| of.failed && !told && late(of, TASKS_LIVE);
    for (resource, arn) in of_type(&touched, "AWS::ECS::Service").filter(|(of, _)| is_late(of)) {
        let why = format!("no stopped tasks of {} are told any more: ECS keeps them for an hour", resource.logical_id);
        let remedy = "collect within the hour, or run the next deployment under `cfn-forensics watch`";
        gaps.push(Gap::new("ecs_tasks", why).at(arn.clone()).remedy(remedy));
    }
    for (source, resource_type) in MANY {
        let all = touched.iter().filter(|resource| *resource.resource_type == **resource_type);
        let all: usize = all.map(|resource| resource.physical_ids.len()).sum();
        if let Some(more) = all.checked_sub(MOST_OF_A_KIND).filter(|more| *more > 0) {
            let why = format!("{more} more of {resource_type} were not asked about");
            gaps.push(Gap::new(*source, why));
        }
    }
    let rds = touched.iter().filter(|resource| resource.resource_type.starts_with("AWS::RDS::DB"));
    if rds.into_iter().any(|resource| late(resource, RDS_EVENTS_LIVE)) {
        gaps.push(Gap::new("rds_events", "RDS keeps its events for 14 days, and the deployment is older"));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_is_in_the_arn_of_the_service() {
        assert_eq!(cluster_of("arn:aws:ecs:eu-west-1:111122223333:service/shop/web"), "shop");
        assert_eq!(cluster_of("arn:aws:ecs:eu-west-1:111122223333:service/web"), "default");
    }
}
