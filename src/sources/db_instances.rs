//! DescribeDBInstances: the state in which a DB instance was when the case was collected.
//! A state has no time, so that it gives undated events only; what led to it is told by the RDS events.
//! Source: `DBInstance` in the RDS API reference; the states in "Viewing Amazon RDS DB instance status" of its guide.

use super::Sink;
use super::wire::Str;
use crate::model::{Event, Outcome, RecordFile, Time};
use serde::Deserialize;

#[derive(Deserialize)]
struct Instance<'a> {
    #[serde(borrow, default, rename = "DBInstanceIdentifier")]
    identifier: Str<'a>,
    #[serde(borrow, default, rename = "DBInstanceStatus")]
    status: Str<'a>,
    /// What is wrong with a read replica; empty for other instances.
    #[serde(borrow, default, rename = "StatusInfos")]
    infos: Option<Vec<Info<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info<'a> {
    #[serde(borrow, default)]
    message: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(instance) = sink.parse::<Instance<'_>>(&record, json) else {
            continue;
        };
        let Some(state) = instance.status.get() else {
            sink.skip(&record, "has no DBInstanceStatus");
            continue;
        };
        let outcome = if is_failure(state) { Outcome::Failed } else { Outcome::Noted };
        let action = sink.text("STATE");
        let mut event = Event::new(Time::UNIX_EPOCH, file.source, record, action, outcome);
        event.status = Some(sink.text(state));
        event.physical_id = sink.some(instance.identifier.get());
        event.resource_type = Some(sink.text("AWS::RDS::DBInstance"));
        event.message = sink.some(Some(&messages(&instance)));
        sink.undated.push(event);
    }
}

/// The messages of the status infos; empty where there are none.
fn messages(instance: &Instance<'_>) -> String {
    let infos = instance.infos.iter().flatten();
    let messages: Vec<&str> = infos.filter_map(|info| info.message.get()).collect();
    messages.join("; ")
}

/// True for a state that an instance gets into when something failed, and that it does not leave by itself.
pub(super) fn is_failure(state: &str) -> bool {
    let state = state.to_ascii_lowercase();
    matches!(
        state.as_str(),
        "failed" | "storage-full" | "restore-error" | "insufficient-capacity" | "unsupported-configuration"
    ) || state.starts_with("incompatible-")
        || state.starts_with("inaccessible-encryption-credentials")
        || state.ends_with("-failed")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, lines, reasons, told};
    use super::*;

    #[test]
    fn states_are_told_without_a_time() {
        for (state, outcome) in [
            ("available", "Noted"),
            ("creating", "Noted"),
            ("deleting", "Noted"),
            ("stopped", "Noted"),
            ("something-new", "Noted"),
            ("incompatible-network", "Failed"),
            ("incompatible-parameters", "Failed"),
            ("incompatible-option-group", "Failed"),
            ("incompatible-restore", "Failed"),
            ("failed", "Failed"),
            ("storage-full", "Failed"),
            ("restore-error", "Failed"),
            ("inaccessible-encryption-credentials", "Failed"),
            ("inaccessible-encryption-credentials-recoverable", "Failed"),
            ("upgrade-failed", "Failed"),
        ] {
            let json = format!(r#"{{"DBInstanceIdentifier":"orders","DBInstanceStatus":"{state}"}}"#);
            let told = told(read, "db_instances", &[&json]);
            assert_eq!(lines(&told.undated), [format!("undated STATE {outcome} {state} | -")], "{state}");
            assert!(told.events.is_empty() && told.gaps.is_empty());
            assert_eq!(told.undated[0].physical_id.as_deref(), Some("orders"));
            assert_eq!(told.undated[0].resource_type.as_deref(), Some("AWS::RDS::DBInstance"));
        }
    }

    #[test]
    fn what_is_missing_costs_no_more_than_itself() {
        let told = told(
            read,
            "db_instances",
            &[
                r#"{"DBInstanceIdentifier":"a","DBInstanceStatus":"error","StatusInfos":[{"Normal":false,"Message":"Replica lag."},{"Message":null}]}"#,
                r#"{"DBInstanceStatus":"available","StatusInfos":null,"PendingModifiedValues":{}}"#,
                r#"{"DBInstanceIdentifier":"b","DBInstanceStatus":null}"#,
                r#"["b"]"#,
            ],
        );
        assert_eq!(line(&told.undated[0]), "undated STATE Noted error | Replica lag.");
        assert_eq!(told.undated[1].physical_id, None);
        assert_eq!(told.undated.len(), 2);
        assert_eq!(reasons(&told.gaps)[0], "record left out: it has no DBInstanceStatus");
    }
}
