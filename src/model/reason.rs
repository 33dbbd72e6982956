//! What AWS's texts say in a fixed form: error codes of refusals, quoted request ids.
//! It takes apart and judges nothing; free text is for the rules.
//! Used by the sources, the links and the rules.

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
}
