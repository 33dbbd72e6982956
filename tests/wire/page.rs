//! Cuts lists into pages, with tokens that only fit the request they were made for, as AWS asks.
//! A token says where the next page begins; it must not be read by clients, so it also carries a hash of the parameters.
//! Used by all lists of the fake.

use super::{Refusal, Reply, Request, refuse};
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The parameter and the output field that hold a request's token.
pub fn token_field(service: &str) -> &'static str {
    match service {
        "rds" => "Marker",
        "ecs" | "logs" => "nextToken",
        _ => "NextToken",
    }
}

/// Where a page begins, and how many empty pages came before it at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub at: usize,
    pub empties: usize,
}

/// The place that the request's token means; the beginning where it has none.
pub fn place(request: &Request) -> Result<Place, Refusal> {
    let Some(token) = request.text(token_field(&request.service)) else {
        return Ok(Place { at: 0, empties: 0 });
    };
    let parsed = || {
        let mut parts = token.split('-');
        let (hash, at, empties) = (parts.next()?, parts.next()?, parts.next()?);
        (hash == parameters_hash(request)).then_some(Place { at: at.parse().ok()?, empties: empties.parse().ok()? })
    };
    parsed().map_or_else(|| refuse_token(request), Ok)
}

/// The token for a place of the same list.
pub fn token(request: &Request, place: Place) -> String {
    format!("{}-{}-{}", parameters_hash(request), place.at, place.empties)
}

/// The page that the request asks for, under the name of its list, with a token where more follow.
pub fn page<'a>(request: &Request, list: &str, items: impl IntoIterator<Item = &'a Value>, size: usize) -> Reply {
    let place = place(request)?;
    let mut rest = items.into_iter().skip(place.at);
    let members: Vec<&Value> = rest.by_ref().take(size).collect();
    let next = rest.next().map(|_| token(request, Place { at: place.at + size, empties: 0 }));
    let mut output = json!({ list: members });
    if let Some(next) = next {
        output[token_field(&request.service)] = json!(next);
    }
    Ok(output)
}

fn parameters_hash(request: &Request) -> String {
    let mut parameters = request.parameters.clone();
    if let Some(fields) = parameters.as_object_mut() {
        fields.remove(token_field(&request.service));
    }
    // Removing moves the last one into the gap.
    parameters.sort_all_objects();
    let mut hasher = DefaultHasher::new();
    (&request.service, &request.region, &request.operation, parameters.to_string()).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn refuse_token<T>(request: &Request) -> Result<T, Refusal> {
    match request.service.as_str() {
        "cloudformation" => refuse("ValidationError", "The specified NextToken is invalid"),
        "cloudtrail" => refuse("InvalidNextTokenException", "Invalid token"),
        "rds" => refuse("InvalidParameterValue", "Invalid or malformed marker"),
        "autoscaling" => refuse("InvalidNextToken", "The token is invalid"),
        _ => refuse("InvalidParameterException", "The specified nextToken is invalid."),
    }
}
