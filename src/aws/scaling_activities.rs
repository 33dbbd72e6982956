//! DescribeScalingActivities: what an Auto Scaling group did to its instances, deleted groups included.
//! Newest first, six weeks long; it stops where the question reaches no further back.
//! Source: `Activity` in the EC2 Auto Scaling API reference.

use super::api::DESCRIBE_SCALING_ACTIVITIES;
use super::desk::{Desk, pages};
use super::record::Record;
use crate::model::Time;
use crate::plan::{Answered, Question};
use aws_sdk_autoscaling::types::Activity;

pub(super) async fn collect(desk: &Desk<'_>, question: &Question, group: &str, since: Time) -> Answered {
    let clients = desk.clients(&question.region);
    let describe = || {
        let request = clients.autoscaling.describe_scaling_activities().auto_scaling_group_name(group);
        request.include_deleted_groups(true)
    };
    pages!(
        desk,
        question,
        |token| desk
            .call(DESCRIBE_SCALING_ACTIVITIES, &question.region, || describe().set_next_token(token.clone()).send()),
        |answer| {
            let activities = answer.activities();
            let begun =
                |activity: &&Activity| activity.start_time().is_none_or(|start| start.secs() >= since.timestamp());
            let kept = activities.iter().filter(begun).count();
            desk.keep(question, "scaling_activities", activities.iter().filter(begun).map(of_activity));
            (kept < activities.len()).then_some(Answered::Whole)
        }
    )
}

fn of_activity(activity: &Activity) -> String {
    Record::default()
        .text("ActivityId", activity.activity_id())
        .text("AutoScalingGroupName", activity.auto_scaling_group_name())
        .text("Description", activity.description())
        .text("Cause", activity.cause())
        .time("StartTime", activity.start_time())
        .time("EndTime", activity.end_time())
        .text("StatusCode", activity.status_code())
        .text("StatusMessage", activity.status_message())
        .plain("Progress", activity.progress())
        .text("Details", activity.details())
        .text("AutoScalingGroupState", activity.auto_scaling_group_state())
        .json()
}
