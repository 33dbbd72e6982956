//! The services of which one operation is asked: Auto Scaling, Elastic Load Balancing v2 and STS.
//! Each would be a file of a few lines.
//! An operation that is not here is refused as unknown.

use super::records::text;
use super::world::World;
use super::{Reply, Request, refuse};
use serde_json::{Value, json};

impl World {
    pub(super) fn small(&self, request: &Request) -> Option<Reply> {
        Some(match (request.service.as_str(), request.operation.as_str()) {
            ("autoscaling", "DescribeScalingActivities") => self.describe_scaling_activities(request),
            ("elasticloadbalancing", "DescribeTargetHealth") => self.describe_target_health(request),
            ("sts", "GetCallerIdentity") => Ok(json!({
                "UserId": "AROAEXAMPLEFORENSICS:reader",
                "Account": self.account,
                "Arn": self.caller_arn,
            })),
            _ => return None,
        })
    }

    /// A group that was deleted is told only where the caller asks for deleted ones.
    fn describe_scaling_activities(&self, request: &Request) -> Reply {
        let group = request.text("AutoScalingGroupName");
        let with_deleted = request.is("IncludeDeletedGroups");
        let told = |activity: &&Value| {
            self.is_here(request, activity, "AutoScalingGroupARN")
                && group.is_none_or(|group| text(activity, "AutoScalingGroupName") == group)
                && (with_deleted || !self.is_deleted_group(text(activity, "AutoScalingGroupName")))
        };
        self.page(request, "Activities", self.scaling_activities.iter().filter(told), ("MaxRecords", 100))
    }

    fn is_deleted_group(&self, name: &str) -> bool {
        let resources = self.stacks.iter().flat_map(|stack| &stack.resources);
        resources
            .filter(|resource| text(resource, "PhysicalResourceId") == name)
            .any(|resource| text(resource, "ResourceStatus") == "DELETE_COMPLETE")
    }

    fn describe_target_health(&self, request: &Request) -> Reply {
        let arn = request.required("TargetGroupArn")?;
        match self.target_health.get(arn) {
            Some(descriptions) => Ok(json!({ "TargetHealthDescriptions": descriptions })),
            None => refuse("TargetGroupNotFound", "One or more target groups not found"),
        }
    }
}
