//! RDS' DescribeEvents and DescribeDBInstances.
//! The default window is the 60 minutes before the world's newest event, as nothing here reads the clock.
//! Events tell no id, as the real ones do not.

use super::records::{text, time};
use super::world::World;
use super::{Reply, Request, refuse, refuse_with};
use chrono::TimeDelta;
use serde_json::Value;

impl World {
    pub(super) fn rds(&self, request: &Request) -> Option<Reply> {
        Some(match request.operation.as_str() {
            "DescribeEvents" => self.describe_rds_events(request),
            "DescribeDBInstances" => self.describe_db_instances(request),
            _ => return None,
        })
    }

    fn describe_rds_events(&self, request: &Request) -> Reply {
        let (identifier, source_type) = (request.text("SourceIdentifier"), request.text("SourceType"));
        if identifier.is_some() && source_type.is_none() {
            return refuse("InvalidParameterCombination", "SourceType must be specified with SourceIdentifier.");
        }
        if let Some(size) = request.number("MaxRecords").filter(|size| !(20..=100).contains(size)) {
            let message = format!("Invalid value {size} for MaxRecords. Must be between 20 and 100");
            return refuse("InvalidParameterValue", message);
        }
        let minutes = TimeDelta::minutes(request.number("Duration").unwrap_or(60));
        let end = time(&request.parameters["EndTime"]).unwrap_or_else(|| self.newest());
        let start = time(&request.parameters["StartTime"]).unwrap_or(end - minutes);
        let categories = request.texts("EventCategories");
        let told = |event: &&Value| {
            let of_category =
                |category: &Value| category.as_str().is_some_and(|category| categories.contains(&category));
            self.is_here(request, event, "SourceArn")
                && identifier.is_none_or(|id| text(event, "SourceIdentifier") == id.to_lowercase())
                && source_type.is_none_or(|source_type| text(event, "SourceType") == source_type)
                && time(&event["Date"]).is_some_and(|date| (start..=end).contains(&date))
                && (categories.is_empty() || event["EventCategories"].as_array().into_iter().flatten().any(of_category))
        };
        self.page(request, "Events", self.rds_events.iter().filter(told), ("MaxRecords", 100))
    }

    fn describe_db_instances(&self, request: &Request) -> Reply {
        let wanted = request.text("DBInstanceIdentifier").map(str::to_lowercase);
        let told = |instance: &&Value| {
            self.is_here(request, instance, "DBInstanceArn")
                && wanted.as_deref().is_none_or(|id| {
                    text(instance, "DBInstanceIdentifier") == id || text(instance, "DBInstanceArn") == id
                })
        };
        let instances: Vec<&Value> = self.db_instances.iter().filter(told).collect();
        match request.text("DBInstanceIdentifier") {
            Some(id) if instances.is_empty() => {
                refuse_with(404, "DBInstanceNotFound", format!("DBInstance {id} not found."))
            }
            _ => self.page(request, "DBInstances", instances, ("MaxRecords", 100)),
        }
    }
}
