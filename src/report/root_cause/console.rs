//! Links into the AWS console, right for the partition: where a record can be looked up by who has the account open.
//! It only builds addresses; whether the record is still kept there it cannot know.
//! Source: the console's own addresses (AWS documents none); its domains by partition in the AWS General Reference.

use crate::model::{Event, arn};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of an address: the unreserved characters of RFC 3986.
const REST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// No id that AWS gives makes a longer address.
const LONGEST: usize = 4_000;

/// The console's page on an event; none where it has no page of its own, or the partition's console is not public.
/// `region` is that of the stack, for what does not tell its own.
pub(super) fn link(event: &Event, region: Option<&str>) -> Option<String> {
    match event.source {
        "cloudtrail" => {
            let id = encoded(event.event_id.as_deref()?);
            let region = event.call.as_ref().and_then(|call| call.region.as_deref()).or(region)?;
            page(region, "cloudtrailv2", &format!("/events/{id}"))
        }
        "stack_events" | "operation_events" => {
            let stack = event.stack_id.as_deref()?;
            page(arn::region(stack)?, "cloudformation", &format!("/stacks/events?stackId={}", encoded(stack)))
        }
        "log_events" => {
            let (group, stream) = (event.group.as_deref()?, event.physical_id.as_deref());
            let stream = stream.map(|stream| format!("/log-events/{}", twice(stream))).unwrap_or_default();
            page(region?, "cloudwatch", &format!("logsV2:log-groups/log-group/{}{stream}", twice(group)))
        }
        _ => None,
    }
}

fn page(region: &str, service: &str, place: &str) -> Option<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(is_name) {
        return None;
    }
    let address = format!("https://{region}.{}/{service}/home?region={region}#{place}", domain(region)?);
    (address.len() <= LONGEST).then_some(address)
}

/// The console's domain in the partition of a region.
fn domain(region: &str) -> Option<&'static str> {
    const DOMAINS: [(&str, Option<&str>); 5] = [
        ("cn-", Some("console.amazonaws.cn")),
        ("us-gov-", Some("console.amazonaws-us-gov.com")),
        ("eusc-", Some("console.amazonaws-eusc.eu")),
        ("us-iso", None),
        ("eu-iso", None),
    ];
    let special = DOMAINS.iter().find(|(prefix, _)| region.starts_with(prefix));
    special.map_or(Some("console.aws.amazon.com"), |(_, domain)| *domain)
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, REST).to_string()
}

/// CloudWatch's pages want names encoded twice, with `$` for the second `%`.
fn twice(text: &str) -> String {
    encoded(&encoded(text)).replace('%', "$")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, Outcome, RecordRef};

    fn event(source: &'static str) -> Event {
        let record = RecordRef { file: source.into(), index: 0 };
        Event::new(chrono::DateTime::UNIX_EPOCH, source, record, "X".into(), Outcome::Failed)
    }

    #[test]
    fn links_are_right_for_the_partition() {
        for (region, partition, expected) in [
            (
                "eu-west-1",
                "aws",
                Some(
                    "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/events?stackId=arn%3Aaws%3Acloudformation%3Aeu-west-1%3A111122223333%3Astack%2FShop%2F7f1c",
                ),
            ),
            ("cn-north-1", "aws-cn", Some("https://cn-north-1.console.amazonaws.cn/")),
            ("us-gov-west-1", "aws-us-gov", Some("https://us-gov-west-1.console.amazonaws-us-gov.com/")),
            ("eusc-de-east-1", "aws-eusc", Some("https://eusc-de-east-1.console.amazonaws-eusc.eu/")),
            ("us-iso-east-1", "aws-iso", None),
        ] {
            let mut row = event("stack_events");
            row.stack_id = Some(format!("arn:{partition}:cloudformation:{region}:111122223333:stack/Shop/7f1c").into());
            let link = link(&row, None);
            assert!(
                expected.is_none_or(|expected| link.as_deref().is_some_and(|link| link.starts_with(expected))),
                "{link:?}"
            );
            assert_eq!(link.is_some(), expected.is_some(), "{region}");
        }
    }

    #[test]
    fn calls_and_log_lines_are_found_by_their_ids() {
        let mut call = event("cloudtrail");
        call.event_id = Some("0a1b\"><script>".into());
        assert_eq!(link(&call, None), None);
        call.call = Some(Box::new(Call { region: Some("us-east-1".into()), ..Call::default() }));
        let expected = "https://us-east-1.console.aws.amazon.com/cloudtrailv2/home?region=us-east-1#/events/0a1b%22%3E%3Cscript%3E";
        assert_eq!(link(&call, Some("eu-west-1")).as_deref(), Some(expected));
        let mut line = event("log_events");
        line.group = Some("/aws/lambda/fn".into());
        line.physical_id = Some("2026/11/18/[$LATEST]0a".into());
        let expected = "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/$252Faws$252Flambda$252Ffn/log-events/2026$252F11$252F18$252F$255B$2524LATEST$255D0a";
        assert_eq!(link(&line, Some("eu-west-1")).as_deref(), Some(expected));
        assert_eq!(link(&line, Some("evil.example/")), None);
        assert_eq!(link(&event("ecs_tasks"), Some("eu-west-1")), None);
    }
}
