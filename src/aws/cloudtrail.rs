//! LookupEvents: the calls that CloudTrail recorded in the last 90 days, fifty a page, newest first.
//! It keeps what it was asked for and stops at the question's number of pages, saying how far back it came.
//! Source: `Event` in the CloudTrail API reference.

use super::api::LOOKUP_EVENTS;
use super::desk::{Desk, pages};
use super::record::{Record, instant};
use crate::model::{Time, time};
use crate::plan::{Answered, Filter, Question, Window};
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;

/// The most that a page holds. Source: `MaxResults` of LookupEvents.
const PAGE: i32 = 50;

pub(super) async fn collect(
    desk: &Desk<'_>,
    question: &Question,
    filter: &Filter,
    window: Window,
    most_pages: u32,
) -> Answered {
    let clients = desk.clients(&question.region);
    let attribute = attribute(filter);
    let lookup = || {
        let request = clients.cloudtrail.lookup_events().max_results(PAGE);
        request
            .set_lookup_attributes(attribute.clone().map(|attribute| vec![attribute]))
            .start_time(DateTime::from_secs(window.from.timestamp()))
            // Whole seconds: what happened in the last one belongs to the window.
            .end_time(DateTime::from_secs(window.to.timestamp() + 1))
    };
    let mut pages = 0;
    let mut oldest: Option<Time> = None;
    let answered = pages!(
        desk,
        question,
        |token| desk.call(LOOKUP_EVENTS, &question.region, || lookup().set_next_token(token.clone()).send()),
        |answer| {
            desk.keep(question, "cloudtrail", answer.events().iter().map(of_event));
            let times = answer.events().iter().filter_map(|event| instant(event.event_time()?));
            oldest = times.chain(oldest).min();
            pages += 1;
            (pages >= most_pages && answer.next_token().is_some()).then_some(Answered::Partly { oldest })
        }
    );
    if pages >= most_pages && matches!(answered, Answered::Partly { .. }) {
        let before = oldest.map(|oldest| format!(", before {}", time::text(oldest))).unwrap_or_default();
        let why = format!("only the newest {} calls were read{before}", pages * PAGE.unsigned_abs());
        desk.gap_because(question, why, Some("narrow it with --since and --until".to_owned()));
    }
    match answered {
        Answered::Partly { .. } => Answered::Partly { oldest },
        whole => whole,
    }
}

fn attribute(filter: &Filter) -> Option<LookupAttribute> {
    let (key, value) = match filter {
        Filter::Writes => (LookupAttributeKey::ReadOnly, "false"),
        Filter::EventName(name) => (LookupAttributeKey::EventName, name.as_str()),
        Filter::Username(name) => (LookupAttributeKey::Username, name.as_str()),
        Filter::ResourceName(name) => (LookupAttributeKey::ResourceName, name.as_str()),
        Filter::EventSource(name) => (LookupAttributeKey::EventSource, name.as_str()),
    };
    LookupAttribute::builder().attribute_key(key).attribute_value(value).build().ok()
}

fn of_event(event: &Event) -> String {
    let resources = event.resources().iter().map(|resource| {
        Record::default().text("ResourceType", resource.resource_type()).text("ResourceName", resource.resource_name())
    });
    Record::default()
        .text("EventId", event.event_id())
        .text("EventName", event.event_name())
        .text("ReadOnly", event.read_only())
        .text("AccessKeyId", event.access_key_id())
        .time("EventTime", event.event_time())
        .text("EventSource", event.event_source())
        .text("Username", event.username())
        .list("Resources", resources)
        .text("CloudTrailEvent", event.cloud_trail_event())
        .json()
}
