//! DescribeScalingActivities: what an Auto Scaling group did to its instances, why, and whether it worked.
//! It tells the two ends of an activity; between them AWS keeps no steps but a percentage.
//! Source: `Activity` in the EC2 Auto Scaling API reference.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile, RecordRef, Time};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Activity<'a> {
    #[serde(borrow, default)]
    activity_id: Str<'a>,
    #[serde(borrow, default)]
    auto_scaling_group_name: Str<'a>,
    #[serde(borrow, default)]
    description: Str<'a>,
    #[serde(borrow, default)]
    cause: Str<'a>,
    #[serde(default)]
    start_time: Stamp,
    #[serde(default)]
    end_time: Stamp,
    #[serde(borrow, default)]
    status_code: Str<'a>,
    #[serde(borrow, default)]
    status_message: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    for (record, json) in file.iter() {
        let Some(activity) = sink.parse::<Activity<'_>>(&record, json) else {
            continue;
        };
        let Some(begun) = sink.time(&record, activity.start_time, "StartTime") else {
            continue;
        };
        let mut start = event_of(&activity, begun, Outcome::InProgress, &record, "start", sink);
        start.message = sink.some(activity.cause.get().or(activity.description.get()));
        sink.events.push(start);

        let outcome = outcome(&activity.status_code);
        let ended = match (activity.end_time, outcome) {
            // Not at its end: `WaitingForInstanceId`, `InProgress` ...
            (Stamp::Absent, None) => continue,
            // It is over without an end: its failure must not be lost for that.
            (Stamp::Absent | Stamp::Unreadable, _) => None,
            (stamp, _) => sink.time(&record, stamp, "EndTime"),
        };
        let outcome = outcome.unwrap_or(Outcome::Noted);
        let mut end = event_of(&activity, ended.unwrap_or(begun), outcome, &record, "end", sink);
        end.approximate = ended.is_none();
        end.status = sink.some(activity.status_code.get());
        end.message = sink.some(Some(last_words(&activity)));
        sink.events.push(end);
    }
}

/// One end of an activity, with what both have in common.
fn event_of(
    activity: &Activity<'_>,
    at: Time,
    outcome: Outcome,
    record: &RecordRef,
    end: &str,
    sink: &mut Sink<'_>,
) -> Event {
    let action = sink.text(verb(&activity.description));
    let mut event = Event::new(at, "scaling_activities", record.clone(), action, outcome);
    event.event_id = activity.activity_id.get().map(|id| format!("{id}/{end}").into());
    event.physical_id = sink.some(activity.auto_scaling_group_name.get());
    event.resource_type = Some(sink.text("AWS::AutoScaling::AutoScalingGroup"));
    event
}

/// The status message, else the description. AWS cuts the status message at 255 characters; a failed launch's
/// description has it whole ("Launching a new EC2 instance.  Status Reason: ...").
fn last_words<'t>(activity: &'t Activity<'_>) -> &'t str {
    let Some(message) = activity.status_message.get() else {
        return &activity.description;
    };
    let description: &str = &activity.description;
    let whole = description.find(message).and_then(|at| description.get(at..));
    whole.unwrap_or(message)
}

/// Our verb for a description: "Launching a new EC2 instance: i-...", "Terminating EC2 instance: i-...".
fn verb(description: &str) -> &'static str {
    let begins_with = |word: &str| {
        let beginning = description.trim_start().get(..word.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(word))
    };
    if begins_with("Launching") {
        "LAUNCH"
    } else if begins_with("Terminating") {
        "TERMINATE"
    } else {
        "UPDATE"
    }
}

/// What a `StatusCode` says of the activity's end; nothing for those that are no end.
fn outcome(code: &str) -> Option<Outcome> {
    Some(match code {
        "Successful" => Outcome::Succeeded,
        "Failed" => Outcome::Failed,
        "Cancelled" => Outcome::Cancelled,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{lines, reasons, told};
    use super::*;

    #[test]
    fn both_ends_of_an_activity_are_told() {
        for (json, expected) in [
            (
                r#"{"Description":"Launching a new EC2 instance: i-4ba0837f","Cause":"At 12:00 an instance was started.","StartTime":"2026-11-18T12:00:00.5Z","EndTime":"2026-11-18T13:00:42+01:00","StatusCode":"Successful","Progress":100}"#,
                &[
                    "12:00:00.500 LAUNCH InProgress - | At 12:00 an instance was started.",
                    "12:00:42.000 LAUNCH Succeeded Successful | Launching a new EC2 instance: i-4ba0837f",
                ][..],
            ),
            (
                r#"{"Description":"Launching a new EC2 instance.  Status Reason: We currently do not have sufficient capacity.","Cause":"c","StartTime":1795003200,"EndTime":1795003201,"StatusCode":"Failed","StatusMessage":"We currently do not have sufficient capacity. Launching EC2 instance failed."}"#,
                &[
                    "12:00:00.000 LAUNCH InProgress - | c",
                    "12:00:01.000 LAUNCH Failed Failed | We currently do not have sufficient capacity. Launching EC2 instance failed.",
                ],
            ),
            (
                r#"{"Description":"Launching a new EC2 instance.  Status Reason: We have no capacity in this zone. Launching EC2 instance failed.","StartTime":1795003200,"EndTime":1795003201,"StatusCode":"Failed","StatusMessage":"We have no capacity in"}"#,
                &[
                    "12:00:00.000 LAUNCH InProgress - | Launching a new EC2 instance.  Status Reason: We have no capacity in this zone. Launching EC2 instance failed.",
                    "12:00:01.000 LAUNCH Failed Failed | We have no capacity in this zone. Launching EC2 instance failed.",
                ],
            ),
            (
                r#"{"Description":"Terminating EC2 instance: i-1","Cause":null,"StartTime":"2026-11-18T12:00:00Z","EndTime":"2026-11-18T12:00:09Z","StatusCode":"Cancelled"}"#,
                &[
                    "12:00:00.000 TERMINATE InProgress - | Terminating EC2 instance: i-1",
                    "12:00:09.000 TERMINATE Cancelled Cancelled | Terminating EC2 instance: i-1",
                ],
            ),
            (
                r#"{"Description":"Moving EC2 instance out of Standby: i-1","Cause":"c","StartTime":"2026-11-18T12:00:00Z","StatusCode":"PreInService","Progress":30}"#,
                &["12:00:00.000 UPDATE InProgress - | c"],
            ),
            (
                r#"{"Cause":"c","StartTime":"2026-11-18T12:00:00Z","EndTime":"2026-11-18T12:00:09Z","StatusCode":"SomethingNew"}"#,
                &["12:00:00.000 UPDATE InProgress - | c", "12:00:09.000 UPDATE Noted SomethingNew | -"],
            ),
        ] {
            let told = told(read, "scaling_activities", &[json]);
            assert_eq!(lines(&told.events), expected, "{json}");
            assert!(told.gaps.is_empty());
        }
    }

    #[test]
    fn a_failure_without_an_end_stays_a_failure() {
        for end in ["", r#","EndTime":null"#, r#","EndTime":"later""#] {
            let json =
                format!(r#"{{"StartTime":"2026-11-18T12:00:00Z","StatusCode":"Failed","StatusMessage":"m"{end}}}"#);
            let told = told(read, "scaling_activities", &[&json]);
            assert_eq!(lines(&told.events)[1], "12:00:00.000 UPDATE Failed Failed | m", "{end}");
            assert!(told.events[1].approximate);
        }
    }

    #[test]
    fn the_ends_are_of_the_group_and_can_be_told_apart() {
        let json = r#"{"ActivityId":"a1","AutoScalingGroupName":"g","StartTime":"2026-11-18T12:00:00Z","EndTime":"2026-11-18T12:00:01Z","StatusCode":"Successful"}"#;
        let told = told(read, "scaling_activities", &[json]);
        let ids: Vec<_> = told.events.iter().map(|event| event.event_id.as_deref()).collect();
        assert_eq!(ids, [Some("a1/start"), Some("a1/end")]);
        for event in &told.events {
            assert_eq!(event.physical_id.as_deref(), Some("g"));
            assert_eq!(event.resource_type.as_deref(), Some("AWS::AutoScaling::AutoScalingGroup"));
        }
    }

    #[test]
    fn a_record_without_a_start_is_a_gap() {
        let told = told(read, "scaling_activities", &[r#"{"ActivityId":"a1"}"#, "7"]);
        assert!(told.events.is_empty());
        assert_eq!(reasons(&told.gaps)[0], "record left out: it has no StartTime");
        assert_eq!(told.gaps.len(), 2);
    }
}
