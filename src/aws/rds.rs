//! RDS: DescribeEvents, which still tells of what is gone, and DescribeDBInstances, which tells only of what is there.
//! Events are kept 14 days; without a window only the last hour would be told.
//! Sources: `Event` and `DBInstance` in the RDS API reference.

use super::api::{DESCRIBE_DB_INSTANCES, RDS_DESCRIBE_EVENTS};
use super::desk::{Desk, pages};
use super::record::Record;
use crate::plan::{Answered, Question, Window};
use aws_sdk_rds::types::{DbInstance, Event, SourceType};
use aws_smithy_types::DateTime;

/// What a page holds at most. Source: `MaxRecords` of DescribeEvents.
const PAGE: i32 = 100;

pub(super) async fn events(
    desk: &Desk<'_>,
    question: &Question,
    of: Option<&(String, String)>,
    window: Window,
) -> Answered {
    let clients = desk.clients(&question.region);
    let describe = || {
        let request = clients.rds.describe_events().max_records(PAGE);
        request
            .set_source_type(of.map(|(kind, _)| SourceType::from(kind.as_str())))
            .set_source_identifier(of.map(|(_, identifier)| identifier.clone()))
            .start_time(DateTime::from_secs(window.from.timestamp()))
            .end_time(DateTime::from_secs(window.to.timestamp() + 1))
    };
    pages!(
        desk,
        question,
        |token| async {
            let request = describe().set_marker(token.clone());
            desk.call(RDS_DESCRIBE_EVENTS, &question.region, || request.clone().send()).await.map(Marked)
        },
        |answer| {
            desk.keep(question, "rds_events", answer.0.events().iter().map(of_event));
            None
        }
    )
}

/// RDS calls its page token a marker.
struct Marked(aws_sdk_rds::operation::describe_events::DescribeEventsOutput);

impl Marked {
    fn next_token(&self) -> Option<&str> {
        self.0.marker()
    }
}

pub(super) async fn instance(desk: &Desk<'_>, question: &Question, identifier: &str) -> Answered {
    let clients = desk.clients(&question.region);
    let request = clients.rds.describe_db_instances().db_instance_identifier(identifier);
    match desk.call(DESCRIBE_DB_INSTANCES, &question.region, || request.clone().send()).await {
        Ok(answer) => {
            desk.keep(question, "db_instances", answer.db_instances().iter().map(of_instance));
            Answered::Whole
        }
        Err(trouble) => desk.unanswered(question, &trouble),
    }
}

fn of_event(event: &Event) -> String {
    Record::default()
        .text("SourceIdentifier", event.source_identifier())
        .text("SourceType", event.source_type())
        .text("Message", event.message())
        .words("EventCategories", event.event_categories())
        .time("Date", event.date())
        .text("SourceArn", event.source_arn())
        .json()
}

fn of_instance(instance: &DbInstance) -> String {
    let infos = instance.status_infos().iter().map(|info| {
        Record::default()
            .text("StatusType", info.status_type())
            .plain("Normal", info.normal())
            .text("Status", info.status())
            .text("Message", info.message())
    });
    let groups = instance.vpc_security_groups().iter().map(|group| {
        Record::default().text("VpcSecurityGroupId", group.vpc_security_group_id()).text("Status", group.status())
    });
    let subnets = instance.db_subnet_group().map(|group| {
        Record::default()
            .text("DBSubnetGroupName", group.db_subnet_group_name())
            .text("VpcId", group.vpc_id())
            .text("SubnetGroupStatus", group.subnet_group_status())
    });
    Record::default()
        .text("DBInstanceIdentifier", instance.db_instance_identifier())
        .text("DBInstanceStatus", instance.db_instance_status())
        .text("DBInstanceClass", instance.db_instance_class())
        .text("Engine", instance.engine())
        .text("EngineVersion", instance.engine_version())
        .time("InstanceCreateTime", instance.instance_create_time())
        .text("DBInstanceArn", instance.db_instance_arn())
        .plain("MultiAZ", instance.multi_az())
        .plain("AllocatedStorage", instance.allocated_storage())
        .list("VpcSecurityGroups", groups)
        .inner("DBSubnetGroup", subnets)
        .list("StatusInfos", infos)
        .json()
}
