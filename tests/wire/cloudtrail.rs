//! CloudTrail's LookupEvents: one attribute a call, one region, the newest first, at most 50 a page.
//! Times are inclusive seconds. A record that a trail delivered is told in LookupEvents' own form.
//! The rate limit is not here: it is a fault.

use super::records::{text, time};
use super::world::World;
use super::{Refusal, Reply, Request, refuse};
use serde_json::Value;

impl World {
    pub(super) fn cloudtrail(&self, request: &Request) -> Option<Reply> {
        (request.operation == "LookupEvents").then(|| self.lookup_events(request))
    }

    fn lookup_events(&self, request: &Request) -> Reply {
        let attribute = attribute(request)?;
        let (start, end) = (time(&request.parameters["StartTime"]), time(&request.parameters["EndTime"]));
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return refuse("InvalidTimeRangeException", "The start time must be before the end time.");
        }
        if request.number("MaxResults").is_some_and(|size| !(1..=50).contains(&size)) {
            return refuse("InvalidMaxResultsException", "MaxResults must be between 1 and 50.");
        }
        let events = self
            .trail
            .iter()
            .filter(|event| {
                event.region == request.region
                    && start.is_none_or(|start| event.at >= start)
                    && end.is_none_or(|end| event.at <= end)
            })
            .map(|event| &event.event)
            .filter(|event| attribute.as_ref().is_none_or(|(key, value)| has(event, key, value)));
        self.page(request, "Events", events, ("MaxResults", 50))
    }
}

/// The one attribute that a lookup may have.
fn attribute(request: &Request) -> Result<Option<(String, String)>, Refusal> {
    let attributes = request.parameters["LookupAttributes"].as_array().map_or(&[][..], Vec::as_slice);
    let [attribute] = attributes else {
        if attributes.is_empty() {
            return Ok(None);
        }
        return refuse("InvalidLookupAttributesException", "You can specify only one lookup attribute.");
    };
    let (key, value) = (text(attribute, "AttributeKey"), text(attribute, "AttributeValue"));
    let known =
        ["AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "ResourceName", "ResourceType", "Username"];
    if !known.contains(&key) || value.is_empty() {
        return refuse("InvalidLookupAttributesException", format!("Invalid lookup attribute: {key}"));
    }
    Ok(Some((key.to_owned(), value.to_owned())))
}

fn has(event: &Value, key: &str, value: &str) -> bool {
    match key {
        "ResourceName" | "ResourceType" => {
            event["Resources"].as_array().into_iter().flatten().any(|resource| resource[key] == value)
        }
        key => event[key] == value,
    }
}
