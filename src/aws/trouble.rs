//! Why a call gave no answer, in the few kinds that matter to who reads of it.
//! It keeps AWS's own words and adds what to do.
//! Made by the desk for every call that failed; becomes a gap.

use super::api::Api;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// What kind of trouble it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The permission is missing.
    Denied,
    /// There are no credentials, or they are no longer valid.
    Credentials,
    /// Too many calls, also after many attempts.
    Throttled,
    /// What was asked for is not there.
    Gone,
    /// The endpoint does not know the operation.
    Unsupported,
    /// No answer in time, or no connection.
    Late,
    /// Our own budget of calls is used up.
    Budget,
    /// Anything else: a server error, an answer that cannot be read.
    Broken,
}

/// Why a call gave no answer.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    pub api: &'static Api,
    pub kind: Kind,
    /// AWS's own words, or ours.
    pub says: String,
}

impl Trouble {
    pub fn new(api: &'static Api, kind: Kind, says: impl Into<String>) -> Self {
        Self { api, kind, says: says.into() }
    }

    /// Sorts the SDK's error by AWS's code. Sources: "Common errors" in the services' API references.
    pub fn of<E>(api: &'static Api, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let whole = || chain(error);
        match error {
            SdkError::ServiceError(refused) => {
                let code = refused.err().code().unwrap_or_default();
                let message = refused.err().message().unwrap_or_default();
                let status = refused.raw().status().as_u16();
                let says = match (code, message) {
                    ("", "") => format!("HTTP status {status}"),
                    (code, "") => format!("{code} (HTTP status {status})"),
                    ("", message) => message.to_owned(),
                    (code, message) => format!("{code}: {message}"),
                };
                Self::new(api, kind_of(code, message), says)
            }
            SdkError::TimeoutError(_) => Self::new(api, Kind::Late, "no answer in time"),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                Self::new(api, Kind::Late, "no answer in time")
            }
            SdkError::DispatchFailure(failure) => {
                let says = whole();
                let kind = if failure.is_io() {
                    Kind::Late
                } else if says.to_ascii_lowercase().contains("credential") {
                    Kind::Credentials
                } else {
                    Kind::Broken
                };
                Self::new(api, kind, says)
            }
            SdkError::ResponseError(_) => {
                Self::new(api, Kind::Broken, format!("the answer cannot be read: {}", whole()))
            }
            _ => Self::new(api, Kind::Broken, whole()),
        }
    }

    /// As a sentence for a gap.
    pub fn why(&self) -> String {
        let action = self.api.action();
        let says = self.says.trim_end_matches('.');
        match self.kind {
            Kind::Denied => format!("{action} was refused: {says}"),
            Kind::Credentials => {
                format!("the credentials are missing, no longer valid, or the region is not enabled: {says}")
            }
            Kind::Throttled => format!("{action} was throttled to the end: {says}"),
            Kind::Gone => format!("{action}: {says} (it is gone, or was never made)"),
            Kind::Unsupported => format!("{action} is not available at this endpoint: {says}"),
            Kind::Late => format!("{action} did not answer: {says}"),
            Kind::Budget => format!("{action} was not called: {says}"),
            Kind::Broken => format!("{action} failed: {says}"),
        }
    }

    /// What would help.
    pub fn remedy(&self) -> Option<String> {
        Some(match self.kind {
            Kind::Denied => {
                format!("allow {}; `cfn-forensics policy` prints the whole policy", self.api.action())
            }
            Kind::Credentials => "sign in again (`aws sso login`, `aws login`) and ask again".to_owned(),
            Kind::Throttled | Kind::Broken | Kind::Late => "ask again".to_owned(),
            Kind::Budget => "raise --max-calls".to_owned(),
            Kind::Gone | Kind::Unsupported => return None,
        })
    }
}

/// Of an error's own words; an answer that cannot be read could be a whole page.
const LONGEST: usize = 300;

/// What the layers of the SDK say of themselves, and nobody needs to read.
const LAYERS: &[&str] =
    &["dispatch failure", "other", "io error", "service error", "unhandled error", "response error"];

/// What the error and its causes say, without what the answer held: it could be anything, secrets too.
fn chain(error: &dyn Error) -> String {
    let mut says: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let one = error.to_string();
        if !LAYERS.contains(&one.as_str()) && !says.iter().any(|said| said.contains(&one)) {
            says.push(one);
        }
        next = error.source();
    }
    says.join(": ").chars().take(LONGEST).collect()
}

fn kind_of(code: &str, message: &str) -> Kind {
    const EXPIRED: &[&str] = &[
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "AuthFailure",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    ];
    const THROTTLED: &[&str] = &[
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "LimitExceededException",
    ];
    const UNSUPPORTED: &[&str] =
        &["InvalidAction", "UnknownOperationException", "UnsupportedOperation", "UnknownOperation", "NotImplemented"];
    if crate::model::denial(code) {
        Kind::Denied
    } else if EXPIRED.contains(&code) {
        Kind::Credentials
    } else if THROTTLED.contains(&code) {
        Kind::Throttled
    } else if UNSUPPORTED.contains(&code) {
        Kind::Unsupported
    } else if code.contains("NotFound")
        || message.contains("does not exist")
        || message.contains("not found")
        || message.contains("Unable to describe")
        || message.contains("Stack with id")
    {
        Kind::Gone
    } else {
        Kind::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_to_do_about_them() {
        for (code, message, expected) in [
            ("AccessDenied", "", Kind::Denied),
            ("AccessDeniedException", "", Kind::Denied),
            ("ExpiredTokenException", "", Kind::Credentials),
            ("Throttling", "Rate exceeded", Kind::Throttled),
            ("ValidationError", "Stack with id x does not exist", Kind::Gone),
            ("DBInstanceNotFound", "", Kind::Gone),
            ("InvalidAction", "", Kind::Unsupported),
            ("ValidationError", "1 validation error detected", Kind::Broken),
            ("InternalFailure", "", Kind::Broken),
        ] {
            assert_eq!(kind_of(code, message), expected, "{code} {message}");
        }
    }
}
