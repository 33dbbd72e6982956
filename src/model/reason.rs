//! What AWS's texts say in a fixed form: the parts of a reason, the refusal in it, the codes by which calls are refused.
//! It takes apart and judges nothing: what free text means is for the rules.
//! Used by the sources, the plan and the rules.

use regex_lite::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// True for the error codes by which AWS refuses a call for lack of permission.
pub fn denial(error: &str) -> bool {
    let code = error.strip_prefix("Client.").unwrap_or(error);
    let begins = [
        "AccessDenied",
        "UnauthorizedOperation",
        "NotAuthorized",
        "AuthorizationError",
        "UnauthorizedAccess",
        "Forbidden",
    ];
    begins.iter().any(|word| code.starts_with(word)) || code == "Unauthorized"
}

/// The request id in `(Service: Iam, Status Code: 403, Request ID: 0a1b...)`, which CloudTrail records too.
pub fn quoted_request(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("Request ID: ")?;
    let id = rest.split([',', ')', ';', ' ']).next()?;
    (id.len() >= 8).then_some(id)
}

/// The parts of a text by which AWS says why something failed. A part that the text does not have is none.
///
/// Source: CloudFormation's `ResourceStatusReason` as old handlers, the resource types of the registry, custom resources
/// and nested stacks write it; the AWS CLI's and the SDKs' error lines; IAM's access-denied messages (IAM user guide,
/// "Access denied error message examples").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason<'a> {
    /// The innermost text: what the service or the function said, without what CloudFormation wrapped around it.
    pub message: &'a str,
    /// What was wrapped around it.
    pub wrapper: Wrapper<'a>,
    /// `AmazonEC2`, `Iam`: as the SDK names the service.
    pub service: Option<&'a str>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The service's error code, such as `EntityAlreadyExists`.
    pub code: Option<&'a str>,
    /// The service's operation that failed, such as `CreateChangeSet`.
    pub operation: Option<&'a str>,
    /// The service's request id, which CloudTrail records as `requestID`.
    pub request_id: Option<&'a str>,
    /// The code into which the resource type's handler translated the error (the contract of handler error codes).
    pub handler_code: Option<&'a str>,
    /// Who was refused what.
    pub refusal: Option<Refusal<'a>>,
    /// The quota that was reached, as far as the text names it.
    pub quota: Option<Quota<'a>>,
    /// The log stream in which a custom resource's function says more.
    pub log_stream: Option<&'a str>,
}

/// What CloudFormation wraps around the text of a service or a function.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Wrapper<'a> {
    /// Nothing, or only the resource type's handler.
    #[default]
    None,
    /// A custom resource answered FAILED.
    CustomResource,
    /// A nested stack, by its ARN: its own events say more.
    NestedStack(&'a str),
}

/// An access-denied message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The ARN of who called.
    pub principal: Option<&'a str>,
    /// The action, such as `iam:PassRole`.
    pub action: &'a str,
    /// The ARN (or `*`) of what it was to be done to.
    pub resource: Option<&'a str>,
    /// The kind of policy that decided, where the text tells.
    pub by: Option<Denier>,
    /// A statement denies it; else none allows it.
    pub explicit: bool,
}

/// The kind of policy that refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denier {
    /// A policy of the user or role.
    Identity,
    /// A policy of the bucket, key, queue, role ...
    Resource,
    /// A service control policy of the organization.
    ServiceControl,
    /// A resource control policy of the organization.
    ResourceControl,
    /// The permissions boundary of the user or role.
    Boundary,
    /// The policy that the session was made with.
    Session,
    /// The policy of the VPC endpoint that the call went through.
    Endpoint,
}

impl Denier {
    /// The words by which IAM's messages name it, also the ones that we write.
    pub fn words(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Endpoint => "VPC endpoint policy",
        }
    }

    const ALL: [Self; 7] = [
        Self::Identity,
        Self::Resource,
        Self::ServiceControl,
        Self::ResourceControl,
        Self::Boundary,
        Self::Session,
        Self::Endpoint,
    ];

    fn named_in(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|denier| text.contains(denier.words()))
    }
}

/// A quota in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota<'a> {
    /// `PoliciesPerRole`; what is counted, in the service's words.
    pub name: Option<&'a str>,
    /// How much is allowed.
    pub limit: Option<&'a str>,
}

macro_rules! expression {
    ($name:ident, $source:expr) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| {
            #[allow(clippy::unwrap_used)] // a test matches every one of them
            Regex::new($source).unwrap()
        });
    };
}

/// How the names of errors end.
const ENDS_OF_NAMES: [&str; 6] = ["Exception", "Error", "Fault", "Denied", "Exists", "NotFound"];

expression!(BRACKET, r"\((?:Service|RequestToken|RequestId|HandlerErrorCode): ");
expression!(CALLED, r"\(([\w.]+)\) when calling the (\w+) operation");
expression!(ERROR_NAME, r"(?:^|[\s:(])([A-Z]\w*(?:Exception|Error|Fault|Denied|Exists|NotFound))(?: ?:|\))");
expression!(API, r"\bAPI: ([\w-]+):(\w+)\b");
expression!(
    REFUSED,
    r"(?:User: (\S+) is )?not authorized to perform:? ([\w-]+:[\w*]+)(?: on (?:the )?resource:? (?:with ARN )?(?:(?:role|user|group|policy) )?([^\s]+))?(.*)"
);
expression!(QUOTA_FOR, r"(?i)quota for (\w+): (\d+)");
expression!(
    LIMIT_OF,
    r"(?i)\b(?:limit|quota|maximum|max)(?: number| amount)? (?:of|for) ([A-Za-z][\w -]{2,40}?)(?: (?:is|of|has|have|per|in|to)\b|[.,:(]|$)"
);
expression!(LIMIT, r"(?i)\b(?:limit|quota|maximum|max|allowed)\b[^.;0-9]{0,30}?(\d[\d,]*)\b");

impl<'a> Reason<'a> {
    /// Takes a text apart. Total: a text of another form has only a message.
    pub fn read(text: &'a str) -> Self {
        let (message, wrapper) = unwrapped(text);
        let mut reason = Self { message, wrapper, ..Self::default() };
        for (key, value) in trailing_pairs(text) {
            match key {
                "Service" => reason.service = Some(value),
                "Status Code" => reason.status = value.parse().ok(),
                "Error Code" => reason.code = Some(value),
                "Request ID" | "RequestId" => reason.request_id = (value.len() >= 8).then_some(value),
                "HandlerErrorCode" => reason.handler_code = Some(value),
                _ => {}
            }
        }
        // The expressions cost more than to look for what they cannot match without.
        let has = |part: &str| text.contains(part);
        let captured = |expression: &'static Regex, part: &str| has(part).then(|| expression.captures(text)).flatten();
        if let Some(called) = captured(&CALLED, " when calling the ") {
            reason.code = reason.code.or(called.get(1).map(|found| found.as_str()));
            reason.operation = called.get(2).map(|found| found.as_str());
        } else if let Some(api) = captured(&API, "API: ") {
            reason.service = reason.service.or(api.get(1).map(|found| found.as_str()));
            reason.operation = api.get(2).map(|found| found.as_str());
        }
        if reason.code.is_none() && ENDS_OF_NAMES.into_iter().any(has) {
            reason.code = ERROR_NAME.captures(message).and_then(|found| found.get(1)).map(|found| found.as_str());
        }
        reason.refusal = refusal(text);
        reason.quota = quota(message);
        reason.log_stream = text
            .split_once("CloudWatch Log Stream: ")
            .and_then(|(_, rest)| rest.split([' ', '"', ')', '\n']).next())
            .filter(|stream| !stream.is_empty());
        reason
    }

    /// The parts by the names that a rule's words may use.
    pub fn names(&self) -> BTreeMap<&'static str, String> {
        let refusal = self.refusal.as_ref();
        let quota = self.quota.as_ref();
        let mut names = BTreeMap::new();
        let principal = refusal.and_then(|refusal| refusal.principal);
        names.extend(principal.map(|principal| ("role_arn", role_of_session(principal))));
        for (name, value) in [
            ("service", self.service),
            ("code", self.code),
            ("operation", self.operation),
            ("request_id", self.request_id),
            ("log_stream", self.log_stream),
            ("action", refusal.map(|refusal| refusal.action)),
            ("principal", principal),
            ("denied_resource", refusal.and_then(|refusal| refusal.resource)),
            ("denier", refusal.and_then(|refusal| refusal.by).map(Denier::words)),
            ("quota", quota.and_then(|quota| quota.name)),
            ("limit", quota.and_then(|quota| quota.limit)),
        ] {
            names.extend(value.map(|value| (name, value.to_owned())));
        }
        names
    }
}

/// The ARN of the role behind `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, which IAM's commands want (the role's
/// path is not in it); any other ARN as it is.
fn role_of_session(principal: &str) -> String {
    let session = principal.split_once(":sts::").and_then(|(partition, rest)| {
        let (account, path) = rest.split_once(":assumed-role/")?;
        Some(format!("{partition}:iam::{account}:role/{}", path.split('/').next()?))
    });
    session.unwrap_or_else(|| principal.to_owned())
}

/// The innermost text and what was around it.
fn unwrapped(text: &str) -> (&str, Wrapper<'_>) {
    let mut message = text.trim();
    let mut wrapper = Wrapper::None;
    // A nested stack's custom resource's function is three deep; hostile text may be deeper.
    for _ in 0..8 {
        if let Some(inner) = message.strip_prefix("Resource handler returned message: \"") {
            let end = inner.rfind("\" (RequestToken").or_else(|| inner.rfind('"')).unwrap_or(inner.len());
            message = inner.get(..end).unwrap_or(inner).trim();
        } else if let Some((_, inner)) = message.split_once("from custom resource. Message returned:") {
            wrapper = Wrapper::CustomResource;
            message = inner.trim();
        } else if let Some((stack, inner)) = embedded(message) {
            wrapper = Wrapper::NestedStack(stack);
            message = inner.trim();
        } else {
            break;
        }
    }
    (message, wrapper)
}

/// `Embedded stack arn:... was not successfully created: The following resource(s) failed to create: [A].`
fn embedded(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("Embedded stack ")?;
    let (stack, rest) = rest.split_once(" was not successfully ")?;
    let (_, inner) = rest.split_once(": ")?;
    Some((stack, inner))
}

/// The `key: value` pairs in brackets, `(Service: X; Status Code: 400; ...)` and `(RequestToken: X, HandlerErrorCode: Y)`,
/// in the text's order. Bounded, since a text may be nothing but brackets.
fn trailing_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    const GROUPS: usize = 8;
    const LONGEST: usize = 600;
    BRACKET
        .find_iter(text)
        .take(GROUPS)
        .filter_map(|opener| text.get(opener.start() + 1..))
        .map(|group| {
            let end = group.char_indices().take(LONGEST).find(|(_, c)| *c == ')').map(|(at, _)| at);
            group.get(..end.unwrap_or_else(|| group.len().min(LONGEST))).unwrap_or_default()
        })
        .flat_map(|group| group.split([';', ',']))
        .filter_map(|pair| pair.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .filter(|(_, value)| !value.is_empty() && *value != "null")
}

fn refusal(text: &str) -> Option<Refusal<'_>> {
    let found = text.contains("not authorized to perform").then(|| REFUSED.captures(text)).flatten()?;
    let part = |index: usize| found.get(index).map(|part| part.as_str());
    let rest = part(4).unwrap_or_default();
    let deciding =
        rest.split_once("explicit deny in ").or_else(|| rest.split_once("because no ")).map(|(_, policy)| policy);
    let deciding = deciding.map(|policy| policy.split([',', ';', '(', '.']).next().unwrap_or(policy));
    Some(Refusal {
        principal: part(1),
        action: part(2)?,
        resource: part(3).map(|arn| arn.trim_end_matches(['.', ',', ';', ')', '"'])),
        by: deciding.and_then(Denier::named_in),
        explicit: rest.contains("explicit deny"),
    })
}

fn quota(message: &str) -> Option<Quota<'_>> {
    let lower = message.to_ascii_lowercase();
    if !["limit", "quota", "max", "allowed"].into_iter().any(|word| lower.contains(word)) {
        return None;
    }
    if let Some(found) = QUOTA_FOR.captures(message) {
        let part = |index: usize| found.get(index).map(|part| part.as_str());
        return Some(Quota { name: part(1), limit: part(2) });
    }
    let first = |expression: &Regex| {
        expression.captures(message).and_then(|found| found.get(1)).map(|found| (found.start(), found.end()))
    };
    let part = |range: Option<(usize, usize)>| range.and_then(|(start, end)| message.get(start..end)).map(str::trim);
    let quota = Quota { name: part(first(&LIMIT_OF)), limit: part(first(&LIMIT)) };
    (quota.name.is_some() || quota.limit.is_some()).then_some(quota)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_told_from_other_errors() {
        for code in
            ["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "AuthorizationErrorException"]
        {
            assert!(denial(code), "{code}");
        }
        for code in ["ValidationException", "ThrottlingException", "NoSuchEntityException", ""] {
            assert!(!denial(code), "{code}");
        }
    }

    #[test]
    fn quoted_request_ids_are_found_in_both_styles() {
        for (reason, expected) in [
            (
                "x (Service: Iam, Status Code: 403, Request ID: 0a1b2c3d-1, Extended Request ID: null)",
                Some("0a1b2c3d-1"),
            ),
            (
                "x (Service: AmazonEC2; Status Code: 400; Error Code: Y; Request ID: abcdefgh-9; Proxy: null)",
                Some("abcdefgh-9"),
            ),
            ("x (Service: S3, Status Code: 0, Request ID: null)", None),
            ("x", None),
        ] {
            assert_eq!(quoted_request(reason), expected, "{reason}");
        }
    }

    #[test]
    fn both_styles_of_handlers_are_taken_apart() {
        let old = Reason::read(
            "Role with name a already exists. (Service: AmazonIdentityManagement; Status Code: 409; Error Code: EntityAlreadyExists; Request ID: 0a1b2c3d-0001; Proxy: null)",
        );
        assert_eq!(old.service, Some("AmazonIdentityManagement"));
        assert_eq!((old.status, old.code), (Some(409), Some("EntityAlreadyExists")));
        assert_eq!(old.request_id, Some("0a1b2c3d-0001"));
        assert_eq!(old.handler_code, None);

        let new = Reason::read(
            "Resource handler returned message: \"Invalid name (x) (Service: Sqs, Status Code: 400, Request ID: 0a1b2c3d-0002) (SDK Attempt Count: 1)\" (RequestToken: 4d5e, HandlerErrorCode: InvalidRequest)",
        );
        assert_eq!((new.service, new.status, new.code), (Some("Sqs"), Some(400), None));
        assert_eq!(new.handler_code, Some("InvalidRequest"));
        assert_eq!(
            new.message,
            "Invalid name (x) (Service: Sqs, Status Code: 400, Request ID: 0a1b2c3d-0002) (SDK Attempt Count: 1)"
        );
    }

    #[test]
    fn what_is_wrapped_is_unwrapped() {
        let stack = "arn:aws:cloudformation:eu-west-1:111122223333:stack/a-b/1";
        for (text, message, wrapper) in [
            (
                "Received response status [FAILED] from custom resource. Message returned: No such host (RequestId: 0a1b2c3d-0003)".to_owned(),
                "No such host (RequestId: 0a1b2c3d-0003)",
                Wrapper::CustomResource,
            ),
            (
                "Resource handler returned message: \"Received response status [FAILED] from custom resource. Message returned: Boom\" (RequestToken: 1, HandlerErrorCode: null)".to_owned(),
                "Boom",
                Wrapper::CustomResource,
            ),
            (
                format!("Embedded stack {stack} was not successfully created: The following resource(s) failed to create: [A]. "),
                "The following resource(s) failed to create: [A].",
                Wrapper::NestedStack(stack),
            ),
            ("plain".to_owned(), "plain", Wrapper::None),
        ] {
            let reason = Reason::read(&text);
            assert_eq!((reason.message, reason.wrapper), (message, wrapper), "{text}");
        }
    }

    #[test]
    fn a_refusal_tells_who_what_and_by_which_policy() {
        let user = "arn:aws:sts::111122223333:assumed-role/deployer/AWSCloudFormation";
        let role = "arn:aws:iam::111122223333:role/app";
        for (rest, by, explicit) in [
            ("because no identity-based policy allows the iam:PassRole action", Some(Denier::Identity), false),
            ("with an explicit deny in a service control policy", Some(Denier::ServiceControl), true),
            (
                "with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/p",
                Some(Denier::Identity),
                true,
            ),
            ("because no permissions boundary allows the iam:PassRole action", Some(Denier::Boundary), false),
            ("because no session policy allows the iam:PassRole action", Some(Denier::Session), false),
            ("because no VPC endpoint policy allows the iam:PassRole action", Some(Denier::Endpoint), false),
            ("because no resource-based policy allows the iam:PassRole action", Some(Denier::Resource), false),
            ("with an explicit deny", None, true),
            ("", None, false),
        ] {
            let text = format!("User: {user} is not authorized to perform: iam:PassRole on resource: {role} {rest}");
            let refusal = Reason::read(&text).refusal.expect("a refusal");
            let expected =
                Refusal { principal: Some(user), action: "iam:PassRole", resource: Some(role), by, explicit };
            assert_eq!(refusal, expected, "{text}");
        }
        assert_eq!(Reason::read("User doesn't have permission to call iam:GetRole").refusal, None);
    }

    #[test]
    fn a_session_has_a_role() {
        let session = "arn:aws-cn:sts::111122223333:assumed-role/deployer/AWSCloudFormation";
        assert_eq!(role_of_session(session), "arn:aws-cn:iam::111122223333:role/deployer");
        assert_eq!(role_of_session("arn:aws:iam::111122223333:user/ci"), "arn:aws:iam::111122223333:user/ci");
    }

    #[test]
    fn codes_are_found_where_tools_and_functions_print_them() {
        for (text, code, operation) in [
            (
                "An error occurred (ValidationError) when calling the CreateChangeSet operation: No",
                Some("ValidationError"),
                Some("CreateChangeSet"),
            ),
            ("API: ec2:RunInstances You are not authorized", None, Some("RunInstances")),
            ("AccessDeniedException: User is not allowed", Some("AccessDeniedException"), None),
            ("it failed: NoSuchBucketException: gone", Some("NoSuchBucketException"), None),
            ("The error: it failed", None, None),
            ("", None, None),
        ] {
            let reason = Reason::read(text);
            assert_eq!((reason.code, reason.operation), (code, operation), "{text}");
        }
    }

    #[test]
    fn quotas_and_log_streams_are_named() {
        let quota = |text| Reason::read(text).quota.map(|quota| (quota.name, quota.limit));
        assert_eq!(quota("Cannot exceed quota for PoliciesPerRole: 10"), Some((Some("PoliciesPerRole"), Some("10"))));
        assert_eq!(quota("The maximum number of addresses has been reached."), Some((Some("addresses"), None)));
        assert_eq!(quota("You have reached the limit of 5 pipelines"), Some((None, Some("5"))));
        assert_eq!(quota("Bucket is not empty"), None);
        let stream = Reason::read("See the details in CloudWatch Log Stream: 2026/11/12/[$LATEST]e7 (RequestId: x)");
        assert_eq!(stream.log_stream, Some("2026/11/12/[$LATEST]e7"));
    }

    #[test]
    fn hostile_text_is_taken_apart_without_end_or_panic() {
        let deep = "Resource handler returned message: \"".repeat(2_000);
        let brackets = "(Service: ".repeat(20_000);
        for text in [deep.as_str(), brackets.as_str(), "(RequestToken: \u{e9}", "Embedded stack \u{1F600}"] {
            let _ = Reason::read(text).names();
        }
    }
}
