//! What the name of a key, a variable or a parameter says of its value: a secret of some kind, or nothing of the sort.
//! It judges names and the few values that are never secrets; it neither searches nor replaces.
//! Used by the patterns and by the walk through JSON.

/// Ends of keys, in lower case and without separators, and what the output calls their values. The longest comes first
/// where one ends in another.
const SECRET_ENDS: &[(&str, &str)] = &[
    ("secretaccesskey", "secret key"),
    ("secretkey", "secret key"),
    ("secretkeybase", "secret key"),
    ("passwords", "password"),
    ("secretstring", "secret"),
    ("secretbinary", "secret"),
    ("secretvalue", "secret"),
    ("sessiontoken", "session token"),
    ("securitytoken", "session token"),
    ("password", "password"),
    ("passwd", "password"),
    ("passphrase", "password"),
    ("passcode", "password"),
    ("passwordvalue", "password"),
    ("dbpass", "password"),
    ("userpass", "password"),
    ("smtppass", "password"),
    ("pwd", "password"),
    ("secret", "secret"),
    ("token", "token"),
    ("apikey", "API key"),
    ("appkey", "API key"),
    ("applicationkey", "API key"),
    ("accesskey", "API key"),
    ("accountkey", "API key"),
    ("licensekey", "API key"),
    ("authkey", "API key"),
    ("apikeyvalue", "API key"),
    ("privatekey", "private key"),
    ("masterkey", "key"),
    ("signingkey", "key"),
    ("encryptionkey", "key"),
    ("sharedkey", "key"),
    ("authorization", "authorization"),
    ("connectionstring", "connection string"),
    ("webhookurl", "webhook"),
    ("webhook", "webhook"),
    ("cookie", "cookie"),
    ("dsn", "connection string"),
];

/// Keys that end like secrets and are none: tokens that make a call repeatable or continue a list, the ARN of a custom
/// resource's function, the working directory, and what says that there is no secret.
const PLAIN_ENDS: &[&str] = &[
    "clientrequesttoken",
    "requesttoken",
    "clienttoken",
    "nexttoken",
    "continuationtoken",
    "paginationtoken",
    "startingtoken",
    "forwardtoken",
    "backwardtoken",
    "servicetoken",
    "idempotencytoken",
    "idempotenttoken",
    "creationtoken",
    "changetoken",
    "locktoken",
    "subjectfromwebidentitytoken",
    "manageuserpassword",
    "managemasteruserpassword",
    "nopassword",
    "resetpassword",
    "changepassword",
    "oldpwd",
    "publickey",
];

/// Keys that are secrets' only as whole words, in lower case and without separators: `bypass` and `oauth` end in them.
const SECRET_WORDS: &[(&str, &str)] = &[("pass", "password"), ("pw", "password"), ("auth", "authorization")];

/// What the value of a key of this name is, if it is a secret: `MasterUserPassword`, `db_password`, `X-Api-Key`.
pub(super) fn kind(key: &str) -> Option<&'static str> {
    if matches!(key, "PWD" | "INIT_CWD") {
        return None;
    }
    let mut plain: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    plain.truncate(plain.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    if PLAIN_ENDS.iter().any(|end| plain.ends_with(end)) {
        return None;
    }
    let whole = SECRET_WORDS.iter().find(|(word, _)| plain == *word);
    whole.or_else(|| SECRET_ENDS.iter().find(|(end, _)| plain.ends_with(end))).map(|(_, kind)| *kind)
}

/// Whether a value beside a key of that kind is a secret, and not what often stands there instead.
pub(super) fn is_secret(kind: &str, key: &str, value: &str) -> bool {
    if is_placeholder(value) {
        return false;
    }
    match kind {
        // `token: 5`, the token of an operation: `Console-CreateStack-0f1e2d3c-0000-4000-8000-000000000001`.
        "token" => value.len() >= 8 && !(ends_in_uuid(value) && key.len() <= "token".len()),
        "secret" | "key" | "API key" => value.len() >= 6 && !is_access_key(value),
        // How something is authorized: `AWS_IAM`, `NONE`.
        "authorization" => !value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'),
        _ => true,
    }
}

/// What a value is that stands beside a key in text, if it is a secret: chance brings them together more often there.
pub(super) fn kind_in_text(key: &str, value: &str) -> Option<&'static str> {
    kind(key).filter(|kind| is_secret(kind, key, value)).filter(|kind| {
        let word = value.chars().all(char::is_alphabetic);
        match *kind {
            "password" => value.len() >= 3 && !(key.eq_ignore_ascii_case("pwd") && value.starts_with('/')),
            "cookie" | "webhook" | "authorization" | "connection string" => value.len() >= 8 && !word,
            _ => value.len() >= 6 && !(word && value.len() < 16),
        }
    })
}

/// An access key's id tells by its own form what it is.
fn is_access_key(value: &str) -> bool {
    value.len() == 20 && (value.starts_with("AKIA") || value.starts_with("ASIA"))
}

/// `0f1e2d3c-0000-4000-8000-000000000001`.
pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn ends_in_uuid(value: &str) -> bool {
    value.len().checked_sub(36).and_then(|start| value.get(start..)).is_some_and(is_uuid)
}

/// Words that stand where a secret would.
const PLACEHOLDERS: &[&str] = &[
    "null",
    "none",
    "nil",
    "true",
    "false",
    "undefined",
    "yes",
    "no",
    "not",
    "required",
    "optional",
    "string",
    "number",
    "redacted",
    "hidden",
    "masked",
    "empty",
    "unset",
    "missing",
    "invalid",
    "expired",
    "secret",
    "token",
    "password",
    "prompt",
    "stdin",
    "n/a",
    "noecho",
    "securestring",
    "notset",
    "(unset)",
    "(null)",
    "bearer",
    "basic",
];

/// What a service, a tool or a template writes in a secret's place: stars, a reference, a variable, a word.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let same = |c: char| value.chars().all(|other| other == c);
    let masked =
        value.chars().next().is_none_or(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-' | '•' | '#' | '_') && same(c));
    masked
        || value.contains("{{resolve:")
        || value.contains("{{")
        || value.contains(super::MARK)
        || value.contains("***")
        || value.starts_with("arn:")
        || value.starts_with("AWS::")
        || value.starts_with("HIDDEN_DUE_TO")
        || is_variable(value)
        || value.starts_with("${")
        || value.starts_with("$(")
        || value.starts_with("(sensitive")
        || value.starts_with("(known after")
        || PLACEHOLDERS.iter().any(|word| value.trim_end_matches(['.', ',', ';']).eq_ignore_ascii_case(word))
}

/// `$PASSWORD`, `%PASSWORD%`, `<password>`, `!Ref`: a shell's, a manual's or a template's place for a value.
fn is_variable(value: &str) -> bool {
    let name = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    value.strip_prefix('$').is_some_and(name)
        || value.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).is_some_and(|name| !name.is_empty())
        || value.starts_with('<') && value.ends_with('>')
        || ["!Ref", "!Sub", "!GetAtt", "!ImportValue", "!FindInMap", "!Join"].iter().any(|tag| value.starts_with(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_secrets() {
        for (key, expected) in [
            ("password", Some("password")),
            ("MasterUserPassword", Some("password")),
            ("master-user-password", Some("password")),
            ("DB_PASSWORD_2", Some("password")),
            ("spring.datasource.password", Some("password")),
            ("AWS_SECRET_ACCESS_KEY", Some("secret key")),
            ("aws_session_token", Some("session token")),
            ("X-Api-Key", Some("API key")),
            ("Authorization", Some("authorization")),
            ("private_key", Some("private key")),
            ("secretString", Some("secret")),
            ("PWD", None),
            ("OLDPWD", None),
            ("PasswordLength", None),
            ("SecretArn", None),
            ("secretId", None),
            ("ClientRequestToken", None),
            ("NextToken", None),
            ("RequestToken", None),
            ("ServiceToken", None),
            ("ManageMasterUserPassword", None),
            ("AccessKeyId", None),
            ("S3Key", None),
            ("tokens", None),
        ] {
            assert_eq!(kind(key), expected, "{key}");
        }
    }

    #[test]
    fn what_stands_for_a_secret_is_none() {
        for value in [
            "",
            "****",
            "XXXXXXXX",
            "{{resolve:secretsmanager:db:SecretString:password}}",
            "${DB_PASSWORD}",
            "$PASSWORD",
            "arn:aws:x",
            "<password>",
            "[redacted password 1]",
            "HIDDEN_DUE_TO_SECURITY_REASONS",
            "null",
            "!Ref",
            "required.",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in ["hunter2", "P@ssw0rd!", "$ecret7", "correct horse"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }
}
