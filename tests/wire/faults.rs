//! What can go wrong between a caller and AWS, and the rules that say to which call it happens.
//! A rule sees the call and how often its operation was called before, so that every run of a test fails in the same way.
//! The first rule that applies wins; a call to which none applies is answered properly.

use super::page::{Place, place, token, token_field};
use super::{Refusal, Reply, Request};
use serde_json::{Value, json};
use std::ops::RangeBounds;
use std::time::Duration;

/// What happens to a call instead of its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An error, written in the protocol of the call.
    Error { status: u16, code: String, message: String },
    /// The connection is closed in the middle of the body.
    Reset,
    /// The answer ends in the middle and claims to be whole.
    Truncated,
    /// Status 200 and a body that is of no protocol.
    Garbage,
    /// No answer until the caller gives up.
    Hang,
    /// The proper answer, later.
    Delay(Duration),
    /// The proper page with the token that the call came with, or on the first page one that leads to it again.
    RepeatToken,
    /// A page without members and with a token that leads to the page that should have been here; once at each place.
    EmptyPage,
}

impl Fault {
    /// An error by its parts.
    pub fn error(status: u16, code: &str, message: &str) -> Fault {
        Fault::Error { status, code: code.to_owned(), message: message.to_owned() }
    }

    /// What AWS answers where a service is called too often.
    pub fn throttling(service: &str) -> Fault {
        let code = if matches!(service, "cloudtrail" | "ecs" | "logs") { "ThrottlingException" } else { "Throttling" };
        Fault::error(400, code, "Rate exceeded")
    }

    /// What AWS answers where the caller lacks a permission.
    pub fn access_denied(service: &str, operation: &str) -> Fault {
        let json = matches!(service, "cloudtrail" | "ecs" | "logs");
        let (status, code) = if json { (400, "AccessDeniedException") } else { (403, "AccessDenied") };
        let caller = "arn:aws:sts::111122223333:assumed-role/Forensics/reader";
        let message = format!(
            "User: {caller} is not authorized to perform: {service}:{operation} \
             because no identity-based policy allows the {service}:{operation} action"
        );
        Fault::error(status, code, &message)
    }

    /// The answer that the fault makes of the proper one; the faults of the wire leave it as it is.
    pub fn alter(&self, request: &Request, reply: Reply) -> Reply {
        match self {
            Fault::Error { status, code, message } => {
                Err(Refusal { status: *status, code: code.clone(), message: message.clone() })
            }
            Fault::RepeatToken => reply.map(|mut output| {
                let field = token_field(&request.service);
                let own = request.text(field).map(str::to_owned);
                output[field] = json!(own.unwrap_or_else(|| token(request, Place { at: 0, empties: 0 })));
                output
            }),
            Fault::EmptyPage => {
                let place = place(request)?;
                if place.empties > 0 {
                    return reply;
                }
                reply.map(|mut output| {
                    for list in output.as_object_mut().into_iter().flatten().map(|(_, field)| field) {
                        if let Value::Array(members) = list {
                            members.clear();
                        }
                    }
                    output[token_field(&request.service)] = json!(token(request, Place { empties: 1, ..place }));
                    output
                })
            }
            _ => reply,
        }
    }
}

type Rule = Box<dyn Fn(&Request, usize) -> Option<Fault> + Send + Sync>;

/// The rules of a run.
#[derive(Default)]
pub struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    /// Everything is answered properly.
    pub fn none() -> Faults {
        Faults::default()
    }

    /// A rule of any kind: it sees the call and how often its operation was called before.
    pub fn rule(mut self, rule: impl Fn(&Request, usize) -> Option<Fault> + Send + Sync + 'static) -> Faults {
        self.rules.push(Box::new(rule));
        self
    }

    /// The fault for the calls of an operation whose numbers, from 0, are in the range; `*` is any service or operation.
    pub fn on(
        self,
        service: &'static str,
        operation: &'static str,
        calls: impl RangeBounds<usize> + Send + Sync + 'static,
        fault: Fault,
    ) -> Faults {
        let is = |pattern: &str, name: &str| pattern == "*" || pattern == name;
        self.rule(move |request, nth| {
            let applies = is(service, &request.service) && is(operation, &request.operation) && calls.contains(&nth);
            applies.then(|| fault.clone())
        })
    }

    /// The fault of a call whose operation was called `nth` times before.
    pub fn of(&self, request: &Request, nth: usize) -> Option<Fault> {
        self.rules.iter().find_map(|rule| rule(request, nth))
    }
}
