//! CloudWatch Logs: FilterLogEvents, GetLogEvents and DescribeLogGroups.
//! FilterLogEvents can give empty pages that carry a token; GetLogEvents always gives tokens and ends where one comes again.
//! All groups are in the world's home region, and all times are milliseconds.

use super::page::{Place, page, place, token};
use super::records::text;
use super::world::World;
use super::{Refusal, Reply, Request, refuse};
use serde_json::{Value, json};

impl World {
    pub(super) fn logs(&self, request: &Request) -> Option<Reply> {
        Some(match request.operation.as_str() {
            "FilterLogEvents" => self.filter_log_events(request),
            "GetLogEvents" => self.get_log_events(request),
            "DescribeLogGroups" => self.describe_log_groups(request),
            _ => return None,
        })
    }

    fn log_group(&self, request: &Request) -> Result<&[Value], Refusal> {
        let name = request.required("logGroupName")?;
        let group = self.log_groups.get(name).filter(|_| request.region == self.home);
        match group {
            Some(events) => Ok(events),
            None => refuse("ResourceNotFoundException", "The specified log group does not exist."),
        }
    }

    fn filter_log_events(&self, request: &Request) -> Reply {
        let group = self.log_group(request)?;
        let (streams, prefix) = (request.texts("logStreamNames"), request.text("logStreamNamePrefix"));
        if !streams.is_empty() && prefix.is_some() {
            return refuse("InvalidParameterException", "logStreamNames and logStreamNamePrefix cannot both be given.");
        }
        let pattern = Pattern::parse(request.text("filterPattern").unwrap_or_default())?;
        let place = place(request)?;
        if self.empty_log_pages && place.empties == 0 {
            let next = token(request, Place { empties: 1, ..place });
            return Ok(json!({ "events": [], "searchedLogStreams": [], "nextToken": next }));
        }
        let (start, end) = (request.number("startTime"), request.number("endTime"));
        let told = |event: &&Value| {
            let stream = text(event, "logStreamName");
            let at = event["timestamp"].as_i64();
            start.is_none_or(|start| at >= Some(start))
                && end.is_none_or(|end| at <= Some(end))
                && (streams.is_empty() || streams.contains(&stream))
                && prefix.is_none_or(|prefix| stream.starts_with(prefix))
                && pattern.matches(text(event, "message"))
        };
        let mut output = self.page(request, "events", group.iter().filter(told), ("limit", 10_000))?;
        output["searchedLogStreams"] = json!([]);
        Ok(output)
    }

    fn get_log_events(&self, request: &Request) -> Reply {
        let (group, stream) = (self.log_group(request)?, request.required("logStreamName")?);
        if !group.iter().any(|event| text(event, "logStreamName") == stream) {
            return refuse("ResourceNotFoundException", "The specified log stream does not exist.");
        }
        let (start, end) = (request.number("startTime"), request.number("endTime"));
        let told = |event: &&Value| {
            let at = event["timestamp"].as_i64();
            text(event, "logStreamName") == stream
                && start.is_none_or(|start| at >= Some(start))
                && end.is_none_or(|end| at < Some(end))
        };
        let events: Vec<Value> = group
            .iter()
            .filter(told)
            .map(|event| super::records::only(event, &["timestamp", "message", "ingestionTime"]))
            .collect();
        let size = request.number("limit").map_or(10_000, |limit| limit.max(1) as usize).min(self.page_size);
        let (from, to) = match request.text("nextToken").map(|token| (&token[..1], token.get(2..))) {
            None if request.is("startFromHead") => (0, size),
            None => (events.len().saturating_sub(size), events.len()),
            Some((direction, at)) => match (direction, at.and_then(|at| at.parse::<usize>().ok())) {
                ("f", Some(at)) => (at, at + size),
                ("b", Some(at)) => (at.saturating_sub(size), at),
                _ => return refuse("InvalidParameterException", "The specified nextToken is invalid."),
            },
        };
        let (from, to) = (from.min(events.len()), to.min(events.len()));
        Ok(json!({
            "events": events[from..to],
            "nextForwardToken": format!("f/{to}"),
            "nextBackwardToken": format!("b/{from}"),
        }))
    }

    fn describe_log_groups(&self, request: &Request) -> Reply {
        let prefix = request.text("logGroupNamePrefix").unwrap_or_default();
        let here = self.log_groups.iter().filter(|(name, _)| request.region == self.home && name.starts_with(prefix));
        let groups: Vec<Value> = here
            .map(|(name, events)| {
                let arn = format!("arn:aws:logs:{}:{}:log-group:{name}", request.region, self.account);
                let created = events.first().and_then(|event| event["timestamp"].as_i64());
                json!({
                    "logGroupName": name,
                    "creationTime": created.unwrap_or_default(),
                    "metricFilterCount": 0,
                    "arn": format!("{arn}:*"),
                    "logGroupArn": arn,
                    "storedBytes": events.iter().map(|event| text(event, "message").len()).sum::<usize>(),
                    "logGroupClass": "STANDARD",
                })
            })
            .collect();
        let size = request.number("limit").map_or(50, |limit| limit.clamp(1, 50) as usize).min(self.page_size);
        page(request, "logGroups", &groups, size)
    }
}

/// A filter pattern of unstructured text; case counts.
struct Pattern {
    terms: Vec<String>,
    /// Any term is enough where one of them is marked `?`.
    any: bool,
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Pattern, Refusal> {
        if pattern.starts_with(['{', '[', '%']) {
            return refuse("InvalidParameterException", "Invalid filter pattern");
        }
        let mut parsed = Pattern { terms: Vec::new(), any: false };
        let mut rest = pattern.trim_start();
        while !rest.is_empty() {
            if let Some(optional) = rest.strip_prefix('?') {
                parsed.any = true;
                rest = optional;
            }
            let (term, after) = match rest.strip_prefix('"') {
                Some(quoted) => match quoted.split_once('"') {
                    Some(parts) => parts,
                    None => return refuse("InvalidParameterException", "Invalid filter pattern"),
                },
                None => rest.split_once(' ').unwrap_or((rest, "")),
            };
            // AWS refuses symbols outside of quotes, which is easily forgotten.
            let plain = |c: char| c.is_alphanumeric() || c == '_';
            if !rest.starts_with('"') && !term.chars().all(plain) {
                return refuse("InvalidParameterException", "Invalid character(s) in term");
            }
            parsed.terms.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(parsed)
    }

    fn matches(&self, message: &str) -> bool {
        let mut terms = self.terms.iter();
        let is_in = |term: &String| message.contains(term.as_str());
        if self.any { terms.any(is_in) } else { terms.all(is_in) }
    }
}
