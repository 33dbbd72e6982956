//! RDS DescribeEvents: what became of DB instances, clusters, snapshots and proxies in the last 14 days.
//! It knows an event by its wording, since this operation returns no id, and does not judge what it did to the stack.
//! Sources: `Event` in the RDS API reference; "event categories and event messages" in the RDS and Aurora guides.

use super::Sink;
use super::db_instances::is_failure;
use super::wire::Str;
use super::wording::{Wording, first};
use crate::model::Outcome::{Cancelled, Failed, InProgress, Noted, Succeeded};
use crate::model::time::Stamp;
use crate::model::{Event, RecordFile};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row<'a> {
    #[serde(borrow, default)]
    source_identifier: Str<'a>,
    #[serde(borrow, default)]
    source_type: Str<'a>,
    #[serde(borrow, default)]
    source_arn: Str<'a>,
    #[serde(borrow, default)]
    message: Str<'a>,
    #[serde(borrow, default)]
    event_categories: Option<Vec<Str<'a>>>,
    #[serde(default)]
    date: Stamp,
}

/// What a message tells; the first that fits counts. Each with its RDS-EVENT ids. Messages that only inform
/// (an upgrade is available, a best practice is not followed) are not listed.
#[rustfmt::skip] // one line a wording
const WORDINGS: &[Wording] = &[
    // What becomes of the instance or cluster as a whole.
    ("CREATE", Succeeded, "db instance created"), // 0005
    ("CREATE", Succeeded, "db cluster created"), // 0170
    ("DELETE", Succeeded, "db instance deleted"), // 0003
    ("DELETE", Succeeded, "db cluster deleted"), // 0171
    ("CREATE", Failed, "the db instance creation failed"), // 0278
    ("CREATE", Failed, "the db * can*t be created because"), // 0353, 0355
    ("CREATE", Failed, "you can*t create the db cluster because"), // 0354
    ("FAIL", Failed, "db instance*put into "), // 0031
    ("FAIL", Failed, "database instance*put into "), // 0035
    ("FAIL", Failed, "database instance in "), // 0036
    ("FAIL", Failed, "db cluster*put into "), // seen in no table of the guide
    ("FAIL", Failed, "unable to move incompatible-network database"), // 0315
    ("RESTORE", Succeeded, "restored from db instance"), // 0019
    ("RESTORE", Succeeded, "restored from snapshot"), // 0043
    // Prerequisites that RDS found missing.
    ("FAIL", Failed, "amazon rds has been unable to "), // 0079, 0080, 0081, 0083, 0419
    ("FAIL", Failed, "amazon rds is unable to access the kms"), // 0418
    ("NOTIFY", Noted, "amazon rds can now successfully access the kms"), // 0420, of category failure
    ("FAIL", Failed, "the statspack installation failed"), // 0058
    ("FAIL", Failed, "failed to join a host to "), // 0328, 0329
    ("FAIL", Failed, "rds was unable to configure the kerberos"), // 0356
    ("FAIL", Failed, "the rds custom db instance is outside"), // 0165
    ("FAIL", Failed, "failed to migrate from "), // 0076
    ("FAIL", Failed, "failed to convert "), // 0077
    // Storage.
    ("FAIL", Failed, "allocated storage has been exhausted"), // 0007
    ("FAIL", Failed, "the free storage capacity "), // 0089, 0330, 0331
    ("FAIL", Failed, "free storage capacity for db instance"), // 0222
    ("FAIL", Failed, "your aurora cluster*s storage is dangerously low"), // 0227
    ("FAIL", Failed, "db instance has reached the storage-full"), // 0221
    ("MODIFY", Failed, "storage autoscaling is unable to scale"), // 0223
    ("MODIFY", Failed, "storage autoscaling has triggered a pending"), // 0224
    ("MODIFY", Failed, "db instance is in an invalid state"), // 0219
    ("MODIFY", Failed, "db instance is in the cooling-off period"), // 0220
    ("MODIFY", Failed, "db instance has a storage type"), // 0237
    ("MODIFY", Failed, "underlying storage quota"), // 0254
    ("MODIFY", Failed, "your db instance*s storage modification"), // 0231
    ("MODIFY", Failed, "storage configuration upgrade failed"), // 0306
    ("MODIFY", InProgress, "storage configuration upgrade started"), // 0295
    ("MODIFY", Succeeded, "storage configuration upgrade completed"), // 0296
    // Changes of configuration.
    ("MODIFY", InProgress, "applying modification to "), // 0012, 0018, 0024, 0030
    ("MODIFY", Succeeded, "finished applying modification to "), // 0014, 0017, 0025, 0029
    ("MODIFY", InProgress, "applying autoscaling-initiated modification"), // 0217
    ("MODIFY", Succeeded, "finished applying autoscaling-initiated"), // 0218
    ("MODIFY", Succeeded, "updated to use dbparametergroup"), // 0011
    ("MODIFY", Succeeded, "finished updating db parameter group"), // 0092
    ("MODIFY", Succeeded, "updated parameter "), // 0037
    ("MODIFY", Succeeded, "disabled automated backups"), // 0028
    ("MODIFY", Succeeded, "enabled automated backups"), // 0032
    ("MODIFY", Succeeded, "reset master credentials"), // 0016
    ("MODIFY", Succeeded, "monitoring interval changed"), // 0078
    ("MODIFY", Succeeded, "added security group"), // 0009
    ("MODIFY", Succeeded, "removed security group"), // 0010
    ("MODIFY", Succeeded, "applied change to security group"), // 0038
    ("MODIFY", Failed, "revoking authorization as"), // 0039
    ("MODIFY", Succeeded, "renamed cluster from "), // 0172
    ("MODIFY", Failed, "unable to reset your password"), // 0067
    ("MODIFY", Failed, "we are unable to associate the option group"), // 0086
    ("MODIFY", Failed, "unable to convert the db instance to multi-az"), // 0084
    ("MODIFY", Failed, "unable to modify the db instance class"), // 0157
    ("MODIFY", Failed, "the db cluster failed to scale"), // 0143
    ("MODIFY", InProgress, "scaling db cluster from "), // 0141
    ("MODIFY", Succeeded, "the db cluster has scaled"), // 0142, 0149
    ("PATCH", Failed, "rds custom couldn*t upgrade"), // 0280
    ("BACK_UP", Failed, "rds custom couldn*t create a final snapshot"), // 0285
    ("MODIFY", Failed, "rds custom couldn*t "), // 0281-0284, 0421
    // Up and down.
    ("RESTART", Succeeded, "db instance restarted"), // 0006
    ("RESTART", Failed, "error restarting mysql"), // 0022
    ("SHUT_DOWN", Noted, "db instance shutdown"), // 0004
    ("START", Succeeded, "db instance started"), // 0088
    ("START", Succeeded, "db cluster started"), // 0151
    ("START", InProgress, "db * is being started"), // 0153, 0154
    ("STOP", Succeeded, "db instance stopped"), // 0087
    ("STOP", Succeeded, "db cluster stopped"), // 0150
    ("STOP", Failed, "db cluster stop failed"), // 0152
    // Failover and recovery.
    ("FAIL_OVER", InProgress, "multi-az instance failover started"), // 0013
    ("FAIL_OVER", Succeeded, "multi-az failover to standby complete"), // 0015
    ("FAIL_OVER", Succeeded, "multi-az instance failover completed"), // 0049
    ("FAIL_OVER", InProgress, "multi-az instance activation started"), // 0050
    ("FAIL_OVER", Succeeded, "multi-az instance activation completed"), // 0051
    ("FAIL_OVER", Cancelled, "abandoning user requested failover"), // 0034
    ("FAIL_OVER", Succeeded, "recovered from partial failover"), // 0065
    ("FAIL_OVER", Failed, "cluster failover failed"), // 0069
    ("FAIL_OVER", InProgress, "promoting previous primary"), // 0070
    ("FAIL_OVER", Succeeded, "completed failover to db instance"), // 0071
    ("FAIL_OVER", InProgress, "started * az failover to db instance"), // 0072, 0073
    ("FAIL_OVER", InProgress, "global *over to db cluster * started"), // 0181
    ("FAIL_OVER", Succeeded, "global *over to db cluster * finished"), // 0185
    ("FAIL_OVER", Succeeded, "global *over to db cluster * completed"), // 0238
    ("FAIL_OVER", Cancelled, "global *over to db cluster * cancelled"), // 0186
    ("FAIL_OVER", Failed, "global *over to db cluster * failed"), // 0187, 0239
    ("RECOVER", InProgress, "recovery of the db instance has started"), // 0020
    ("RECOVER", Succeeded, "recovery of the db instance is complete"), // 0021
    ("RECOVER", InProgress, "multi-az instance recovery started"), // 0052
    ("RECOVER", Succeeded, "multi-az instance recovery completed"), // 0053
    // Replication.
    ("REPLICATE", Failed, "replication has stopped"), // 0045
    ("REPLICATE", Succeeded, "replication for the read replica resumed"), // 0046
    ("REPLICATE", Failed, "replication streaming has been terminated"), // 0057
    ("REPLICATE", Noted, "replication for the read replica has been"), // 0062
    ("REPLICATE", Noted, "replication from non rds instance"), // 0063
    ("REPLICATE", Failed, "the promotion of the rds custom read replica"), // 0279
    ("CREATE", Failed, "read replica creation failed"), // 0202
    // Backups, snapshots and exports.
    ("BACK_UP", InProgress, "backing up db instance"), // 0001
    ("BACK_UP", Succeeded, "finished db instance backup"), // 0002
    ("BACK_UP", InProgress, "creating manual *snapshot"), // 0040, 0074
    ("BACK_UP", Succeeded, "manual *snapshot created"), // 0042, 0075
    ("BACK_UP", InProgress, "creating automated *snapshot"), // 0090, 0168
    ("BACK_UP", Succeeded, "automated *snapshot created"), // 0091, 0169
    ("BACK_UP", InProgress, "started copy of snapshot"), // 0059, 0196
    ("BACK_UP", Succeeded, "finished copy of snapshot"), // 0060, 0197
    ("BACK_UP", Cancelled, "canceled snapshot copy request"), // 0061, 0190
    ("BACK_UP", Failed, "*export task failed"), // 0159, 0162, 0234
    ("BACK_UP", Cancelled, "*export task was canceled"), // 0160, 0163
    ("BACK_UP", Succeeded, "*export task completed"), // 0161, 0164, 0236
    ("BACK_UP", Failed, "export task *: table extraction failed"), // 0489
    ("DELETE", Succeeded, "deleted user snapshot"), // 0041
    // Maintenance.
    ("PATCH", InProgress, "applying off-line patches"), // 0026
    ("PATCH", Succeeded, "finished applying off-line patches"), // 0027
    ("PATCH", Succeeded, "database instance patched"), // 0047
    ("PATCH", Succeeded, "database cluster has been patched"), // 0290
    ("PATCH", InProgress, "database * upgrade is in progress"), // 0177, 0178
    ("PATCH", Succeeded, "database cluster engine *version has been upgraded"), // 0173, 0176
    ("PATCH", InProgress, "database cluster engine *upgrade started"), // 0286, 0417
    ("PATCH", InProgress, "the engine version upgrade started"), // 0267
    ("PATCH", Succeeded, "the engine version upgrade finished"), // 0268
    ("PATCH", Failed, "the db engine version upgrade failed"), // 0270
    ("PATCH", Failed, "the db instance is in a state that can*t be"), // 0188
    ("PATCH", Failed, "database * is in a state that cannot be"), // 0158, 0174
    ("PATCH", Failed, "unable to upgrade db cluster"), // 0085
    ("PATCH", Failed, "failed to partition db instances"), // 0387
    ("PATCH", Failed, "we were unable to upgrade your db cluster"), // 0389
    ("PATCH", InProgress, "the pre-check started for the "), // 0264, 0410
    ("PATCH", Succeeded, "the pre-check finished for the "), // 0265, 0411
    ("PATCH", Failed, "the pre-check for the * failed"), // 0412
    ("PATCH", InProgress, "cluster operating system upgrade starting"), // 0288
    ("PATCH", Succeeded, "cluster operating system upgrade completed"), // 0289
    // RDS Proxy, blue/green deployments, custom engine versions.
    ("CREATE", Succeeded, "rds created "), // 0203, 0206
    ("MODIFY", Succeeded, "rds modified "), // 0204, 0207
    ("DELETE", Succeeded, "rds deleted "), // 0205, 0208
    ("FAIL", Failed, "rds failed to provision capacity for proxy"), // 0243
    ("FAIL", Failed, "rds throttled some connections"), // 0275
    ("CREATE", Succeeded, "blue/green deployment tasks completed"), // 0244
    ("CREATE", Failed, "creation of blue/green deployment failed"), // 0245
    ("DELETE", Succeeded, "blue/green deployment deleted"), // 0246
    ("SWITCH_OVER", InProgress, "switchover *started"), // 0247, 0250, 0259
    ("SWITCH_OVER", Succeeded, "switchover *completed"), // 0248, 0251, 0260
    ("SWITCH_OVER", Cancelled, "switchover *canceled"), // 0249, 0252, 0261
    ("CREATE", Failed, "creation failed for custom engine version"), // 0198
    ("DELETE", Failed, "failure during deletion of custom engine"), // 0277
];

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(row) = sink.parse::<Row<'_>>(&record, json) else {
            continue;
        };
        let Some(at) = sink.time(&record, row.date, "Date") else {
            continue;
        };
        let (verb, outcome, _) = meaning(&row);
        let action = sink.text(verb);
        let mut event = Event::new(at, file.source, record, action, outcome);
        event.status = sink.some(state(&row.message));
        event.physical_id = sink.some(row.source_identifier.get().or_else(|| name_in_arn(&row.source_arn)));
        event.resource_type = sink.some(resource_type(&row.source_type));
        event.message = sink.some(row.message.get());
        sink.events.push(event);
    }
}

/// What the message tells. The category decides only for one that nobody has listed, because it names subjects:
/// "Amazon RDS can now successfully access the KMS encryption key" is of category `failure`.
fn meaning(row: &Row<'_>) -> Wording {
    let tells_failure = || {
        let mut categories = row.event_categories.iter().flatten();
        categories.any(|category| matches!(&**category, "failure" | "low storage"))
    };
    match first(WORDINGS, &row.message) {
        Some(wording) => *wording,
        None if tells_failure() => ("FAIL", Failed, ""),
        None => ("NOTIFY", Noted, ""),
    }
}

/// The state of failure that the message names (`incompatible-network`). "failed" ends many a sentence and may end a
/// name, so that it counts only where the message says that it is a state.
fn state(message: &str) -> Option<&str> {
    let mut words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let mut before = "";
    words.find(|word| {
        let is_state = before.eq_ignore_ascii_case("into") || before.eq_ignore_ascii_case("in");
        before = word;
        is_failure(word) && (is_state || !word.ends_with("failed"))
    })
}

/// The last part of `arn:aws:rds:REGION:ACCOUNT:db:NAME`.
fn name_in_arn(arn: &str) -> Option<&str> {
    arn.splitn(7, ':').nth(6)
}

/// The resource whose life the source type tells; none for snapshots and blue/green deployments, which CloudFormation
/// does not make. Neptune and DocumentDB clusters, too, appear here as `db-cluster`.
fn resource_type(source_type: &str) -> Option<&'static str> {
    Some(match source_type {
        "db-instance" => "AWS::RDS::DBInstance",
        "db-cluster" => "AWS::RDS::DBCluster",
        "db-parameter-group" => "AWS::RDS::DBParameterGroup",
        "db-security-group" => "AWS::RDS::DBSecurityGroup",
        "db-proxy" => "AWS::RDS::DBProxy",
        "db-shard-group" => "AWS::RDS::DBShardGroup",
        "custom-engine-version" => "AWS::RDS::CustomDBEngineVersion",
        "zero-etl" => "AWS::RDS::Integration",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, reasons, told};
    use super::*;

    /// One message for each row of the table, in its order, as AWS words it.
    #[rustfmt::skip] // one line a message
    const MESSAGES: &[&str] = &[
        "DB instance created.",
        "DB cluster created.",
        "DB instance deleted.",
        "DB cluster deleted.",
        "The DB instance creation failed. The subnet has no free address.",
        "The DB instance can't be created because of insufficient resource limits. Quota reached.",
        "You can't create the DB cluster because of incompatible resources. No such subnet.",
        "DB instance put into storage-full state. RDS recommends that you initiate a point-in-time-restore.",
        "Database instance put into incompatible-parameters. max_connections is too high.",
        "Database instance in incompatible-network. The subnet does not exist.",
        "DB cluster was put into inaccessible-encryption-credentials. The key is disabled.",
        "Unable to move incompatible-network database, orders, to the available status: no subnet",
        "Restored from DB instance orders to orders-2.",
        "Restored from snapshot nightly.",
        "Amazon RDS has been unable to create credentials for enhanced monitoring and this feature has been disabled.",
        "Amazon RDS is unable to access the KMS encryption key for database instance orders.",
        "Amazon RDS can now successfully access the KMS encryption key for database instance orders.",
        "The Statspack installation failed. User exists.",
        "Failed to join a host to a domain. Domain membership status for instance orders has been set to Failed.",
        "RDS was unable to configure the Kerberos endpoint in your domain.",
        "The RDS Custom DB instance is outside the support perimeter.",
        "Failed to migrate from orders to orders-2. Reason: no space.",
        "Failed to convert shop. orders to InnoDB. Reason: no space.",
        "Allocated storage has been exhausted. Allocate additional storage to resolve.",
        "The free storage capacity for DB instance: orders is low at 8% of the provisioned storage.",
        "Free storage capacity for DB instance orders is low at 4% of the allocated storage.",
        "Your Aurora cluster's storage is dangerously low with only 2 terabytes remaining.",
        "DB instance has reached the storage-full threshold, and the database has been shut down.",
        "Storage autoscaling is unable to scale the storage for the reason: limit.",
        "Storage autoscaling has triggered a pending scale storage task that will reach or exceed the maximum storage threshold.",
        "DB instance is in an invalid state. No actions are necessary. Autoscaling will retry later.",
        "DB instance is in the cooling-off period for a previous scale storage operation.",
        "DB instance has a storage type that's currently unavailable in the Availability Zone.",
        "Underlying storage quota for this customer account has exceeded the limit.",
        "Your DB instance's storage modification encountered an internal error.",
        "Storage configuration upgrade failed. Please retry the upgrade.",
        "Storage configuration upgrade started.",
        "Storage configuration upgrade completed.",
        "Applying modification to database instance class.",
        "Finished applying modification to DB instance class.",
        "Applying autoscaling-initiated modification to allocated storage.",
        "Finished applying autoscaling-initiated modification to allocated storage.",
        "Updated to use DBParameterGroup orders.",
        "Finished updating DB parameter group.",
        "Updated parameter max_connections to 100 with apply method immediate.",
        "Disabled automated backups.",
        "Enabled automated backups.",
        "Reset master credentials.",
        "Monitoring Interval changed to 60.",
        "Added security group sg-1 to DB instance.",
        "Removed security group sg-1 from DB instance.",
        "Applied change to security group.",
        "Revoking authorization as ops.",
        "Renamed cluster from orders to orders-2.",
        "Unable to reset your password. Error information: too short.",
        "We are unable to associate the option group o with the database instance orders.",
        "Unable to convert the DB instance to Multi-AZ: in-memory file groups.",
        "Unable to modify the DB instance class. The instance has 76 databases.",
        "The DB cluster failed to scale from 2 to 4 for this reason: timed out.",
        "Scaling DB cluster from 2 to 4 for this reason: load.",
        "The DB cluster has scaled from 2 to 4.",
        "RDS Custom couldn't upgrade the DB instance because the pre-check failed. No space.",
        "RDS Custom couldn't create a final snapshot for the DB instance because it is stopped.",
        "RDS Custom couldn't modify the DB instance because the pre-check failed. No space.",
        "DB instance restarted.",
        "Error restarting mysql: no space.",
        "DB instance shutdown.",
        "DB instance started.",
        "DB cluster started.",
        "DB instance is being started due to it exceeding the maximum allowed time being stopped.",
        "DB instance stopped",
        "DB cluster stopped.",
        "DB cluster stop failed.",
        "Multi-AZ instance failover started.",
        "Multi-AZ failover to standby complete - DNS propagation may take a few minutes.",
        "Multi-AZ instance failover completed.",
        "Multi-AZ instance activation started.",
        "Multi-AZ instance activation completed.",
        "Abandoning user requested failover since a failover recently occurred on the database instance.",
        "Recovered from partial failover.",
        "Cluster failover failed, check the health of your cluster instances and try again.",
        "Promoting previous primary again: orders-1.",
        "Completed failover to DB instance: orders-1.",
        "Started cross AZ failover to DB instance: orders-1.",
        "Global switchover to DB cluster orders in Region us-east-1 started.",
        "Global switchover to DB cluster orders in Region us-east-1 finished.",
        "Global failover to DB cluster orders in Region us-east-1 completed.",
        "Global switchover to DB cluster orders in Region us-east-1 is cancelled.",
        "Global failover to DB cluster orders in Region us-east-1 failed.",
        "Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.",
        "Recovery of the DB instance is complete.",
        "Multi-AZ instance recovery started.",
        "Multi-AZ instance recovery completed. Pending failover or activation.",
        "Replication has stopped.",
        "Replication for the Read Replica resumed.",
        "Replication streaming has been terminated.",
        "Replication for the Read Replica has been manually stopped.",
        "Replication from Non RDS instance has been reset.",
        "The promotion of the RDS Custom read replica failed. No space.",
        "Read replica creation failed.",
        "Backing up DB instance.",
        "Finished DB Instance backup",
        "Creating manual snapshot.",
        "Manual cluster snapshot created.",
        "Creating automated snapshot.",
        "Automated cluster snapshot created.",
        "Started copy of snapshot nightly from region us-east-1.",
        "Finished copy of snapshot nightly from region us-east-1 in 5 minutes.",
        "Canceled snapshot copy request of nightly from region us-east-1.",
        "The snapshot export task failed.",
        "The snapshot export task was canceled.",
        "The cluster snapshot export task completed.",
        "Export task nightly: Table extraction failed for table orders due to a time-out.",
        "Deleted user snapshot.",
        "Applying off-line patches to DB instance.",
        "Finished applying off-line patches to DB instance.",
        "Database instance patched.",
        "Database cluster has been patched: source version 1 => 2.",
        "Database cluster upgrade is in progress.",
        "Database cluster engine major version has been upgraded.",
        "Database cluster engine version upgrade started.",
        "The engine version upgrade started.",
        "The engine version upgrade finished.",
        "The DB engine version upgrade failed. The engine version upgrade rollback succeeded.",
        "The DB instance is in a state that can't be upgraded. Incompatible tables.",
        "Database instance is in a state that cannot be upgraded: incompatible tables.",
        "Unable to upgrade DB cluster orders because the instance orders-1 has a status of stopped.",
        "Failed to partition DB instances in DB cluster orders for patching.",
        "We were unable to upgrade your DB cluster operating system.",
        "The pre-check started for the DB engine version upgrade.",
        "The pre-check finished for the DB engine version upgrade.",
        "The pre-check for the database cluster engine version upgrade failed or timed out.",
        "Cluster operating system upgrade starting.",
        "Cluster operating system upgrade completed.",
        "RDS created DB proxy orders.",
        "RDS modified DB proxy orders.",
        "RDS deleted DB proxy orders.",
        "RDS failed to provision capacity for proxy orders because there aren't enough IP addresses available in your subnets: subnet-1.",
        "RDS throttled some connections to DB proxy (RDS Proxy).",
        "Blue/green deployment tasks completed. You can switch over the deployment.",
        "Creation of blue/green deployment failed because the source DB instance wasn't found.",
        "Blue/green deployment deleted.",
        "Switchover started on blue/green deployment.",
        "Switchover from source to target completed. Renamed databases.",
        "Switchover from primary source to target canceled due to a time-out.",
        "Creation failed for custom engine version v1. Missing files.",
        "Failure during deletion of custom engine version v1. In use.",
    ];

    #[test]
    fn every_wording_has_a_message_that_no_other_takes() {
        assert_eq!(MESSAGES.len(), WORDINGS.len());
        for (message, row) in MESSAGES.iter().zip(WORDINGS) {
            assert_eq!(first(WORDINGS, message), Some(row), "{message}");
            assert_eq!(row.2, row.2.to_ascii_lowercase(), "wordings are in lower case");
        }
    }

    fn told_of(message: &str, categories: &str) -> String {
        let json = format!(
            r#"{{"SourceIdentifier":"orders","SourceType":"db-instance","Message":{},"EventCategories":{categories},"Date":"2026-11-18T12:00:00.681Z"}}"#,
            serde_json::Value::from(message)
        );
        let told = told(read, "rds_events", &[&json]);
        assert!(told.gaps.is_empty());
        line(&told.events[0])
    }

    #[test]
    fn messages_tell_action_outcome_and_state() {
        for (message, categories, expected) in [
            ("DB instance created", r#"["creation"]"#, "CREATE Succeeded -"),
            (
                "DB instance was put into incompatible-network. The subnet group has no free address.",
                r#"["failure"]"#,
                "FAIL Failed incompatible-network",
            ),
            (
                "Database instance put into incompatible-restore. The instance has 76 databases.",
                "null",
                "FAIL Failed incompatible-restore",
            ),
            ("DB instance put into failed state.", "[]", "FAIL Failed failed"),
            (
                "DB instance has reached the storage-full threshold, and the database has been shut down.",
                r#"["availability"]"#,
                "FAIL Failed storage-full",
            ),
            ("The snapshot export task failed.", r#"["notification"]"#, "BACK_UP Failed -"),
            ("Something that nobody has listed.", r#"["backup","failure"]"#, "FAIL Failed -"),
            ("Something that nobody has listed.", r#"["low storage"]"#, "FAIL Failed -"),
            ("Something that nobody has listed.", r#"["configuration change"]"#, "NOTIFY Noted -"),
            (
                "Amazon RDS can now successfully access the KMS encryption key for database instance orders.",
                r#"["failure"]"#,
                "NOTIFY Noted -",
            ),
        ] {
            assert_eq!(told_of(message, categories), format!("12:00:00.681 {expected} | {message}"), "{categories}");
        }
    }

    #[test]
    fn the_source_is_the_resource() {
        for (source_type, expected) in [
            ("db-instance", Some("AWS::RDS::DBInstance")),
            ("db-cluster", Some("AWS::RDS::DBCluster")),
            ("db-parameter-group", Some("AWS::RDS::DBParameterGroup")),
            ("db-security-group", Some("AWS::RDS::DBSecurityGroup")),
            ("db-proxy", Some("AWS::RDS::DBProxy")),
            ("db-shard-group", Some("AWS::RDS::DBShardGroup")),
            ("custom-engine-version", Some("AWS::RDS::CustomDBEngineVersion")),
            ("zero-etl", Some("AWS::RDS::Integration")),
            ("db-snapshot", None),
            ("db-cluster-snapshot", None),
            ("blue-green-deployment", None),
            ("something-new", None),
        ] {
            let json = format!(
                r#"{{"SourceIdentifier":"orders","SourceType":"{source_type}","Message":"m","Date":1795003200}}"#
            );
            let told = told(read, "rds_events", &[&json]);
            assert_eq!(told.events[0].resource_type.as_deref(), expected, "{source_type}");
            assert_eq!(told.events[0].physical_id.as_deref(), Some("orders"));
        }
    }

    #[test]
    fn what_is_missing_costs_no_more_than_itself() {
        let told = told(
            read,
            "rds_events",
            &[
                r#"{"SourceArn":"arn:aws:rds:us-east-1:111122223333:db:orders","Message":null,"EventCategories":null,"Date":"2026-11-18T13:00:00+01:00"}"#,
                r#"{"Date":1795003200}"#,
                r#"{"SourceIdentifier":"orders","Message":"DB instance created"}"#,
                r#""DB instance created""#,
            ],
        );
        assert_eq!(line(&told.events[0]), "12:00:00.000 NOTIFY Noted - | -");
        assert_eq!(told.events[0].physical_id.as_deref(), Some("orders"));
        assert_eq!(line(&told.events[1]), "12:00:00.000 NOTIFY Noted - | -");
        assert_eq!(told.events.len(), 2);
        assert_eq!(reasons(&told.gaps)[0], "record left out: it has no Date");
        assert_eq!(told.gaps.len(), 2);
    }
}
