//! DescribeTargetHealth: whether the targets of a group pass their health checks now; there is no history of it.
//! The answer does not name its group, so that each record is given `TargetGroupArn`.
//! Source: `TargetHealthDescription` in the Elastic Load Balancing v2 API reference.

use super::api::DESCRIBE_TARGET_HEALTH;
use super::desk::Desk;
use super::record::Record;
use crate::plan::{Answered, Question};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, group: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let request = clients.load_balancing.describe_target_health().target_group_arn(group);
    match desk.call(DESCRIBE_TARGET_HEALTH, &question.region, || request.clone().send()).await {
        Ok(answer) => {
            let health = answer.target_health_descriptions().iter();
            desk.keep(question, "target_health", health.map(|one| of_description(group, one)));
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

fn of_description(group: &str, description: &TargetHealthDescription) -> String {
    let target = description.target().map(|target| {
        Record::default()
            .text("Id", target.id())
            .plain("Port", target.port())
            .text("AvailabilityZone", target.availability_zone())
    });
    let health = description.target_health().map(|health| {
        Record::default()
            .text("State", health.state())
            .text("Reason", health.reason())
            .text("Description", health.description())
    });
    Record::default()
        .text("TargetGroupArn", Some(group))
        .inner("Target", target)
        .text("HealthCheckPort", description.health_check_port())
        .inner("TargetHealth", health)
        .json()
}
