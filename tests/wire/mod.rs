//! A fake AWS on the loopback interface: an account's content, answered in AWS's own wire protocols, with faults on demand.
//! It knows nothing of this crate, so that the integration tests and the unit tests of `src/aws` can both include it.
//! It must not read the clock for any answer and must not be kinder than AWS: limits and token rules are enforced.
// Each of the crates that include this uses a part of it.
#![allow(dead_code, unused_imports, missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod cloudformation;
mod cloudtrail;
mod ecs;
pub mod faults;
mod large;
mod logs;
mod page;
mod protocol;
mod rds;
mod records;
pub mod server;
mod small;
pub mod world;

pub use faults::{Fault, Faults};
pub use protocol::{parse, render};
pub use server::{Call, Server};
pub use world::{Stack, World};

use serde_json::Value;

/// A call, freed of its wire protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The signing name: cloudformation, cloudtrail, rds, logs, ecs, autoscaling, elasticloadbalancing, sts.
    pub service: String,
    pub region: String,
    pub operation: String,
    /// An object; of the query protocol every scalar is a string.
    pub parameters: Value,
}

/// An answer as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
}

/// An answer before it is written down: the operation's output, or an error.
pub type Reply = Result<Value, Refusal>;

/// An error that AWS answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

/// An error with status 400, as most are.
pub fn refuse<T>(code: &str, message: impl Into<String>) -> Result<T, Refusal> {
    refuse_with(400, code, message)
}

/// An error with another status.
pub fn refuse_with<T>(status: u16, code: &str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { status, code: code.to_owned(), message: message.into() })
}

impl Request {
    /// A parameter that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.parameters[name].as_str().filter(|text| !text.is_empty())
    }

    /// A parameter that is a number; the query protocol sends it as text.
    pub fn number(&self, name: &str) -> Option<i64> {
        let value = &self.parameters[name];
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A parameter that is true or false; the query protocol sends it as text.
    pub fn is(&self, name: &str) -> bool {
        self.parameters[name] == true || self.parameters[name] == "true"
    }

    /// A list of texts; empty where it was not sent.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        self.parameters[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// A text that the operation cannot do without.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).map_or_else(
            || {
                let code = match self.service.as_str() {
                    "cloudformation" | "autoscaling" | "elasticloadbalancing" => "ValidationError",
                    "rds" => "MissingParameter",
                    _ => "InvalidParameterException",
                };
                refuse(code, format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"))
            },
            Ok,
        )
    }
}
