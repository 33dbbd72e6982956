//! A name from AWS as one part of a file's path, and back: stack names, log groups and ARNs may hold anything.
//! It knows nothing of files; what could lead out of a folder, hide a file or be too long cannot come out of it.
//! Used by the files of a capture, which are named after such things.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// File systems take 255 bytes a name; the rest is for a hash and an ending.
const LONGEST: usize = 200;

/// `name` as one part of a path: other bytes than ASCII letters, digits, `-`, `_` and inner dots as `%2F`. A long name
/// is cut and ends in `~` and its hash. Different names stay different, but on some systems not if only in case.
pub(super) fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let inner = at > 0 && at + 1 < name.len();
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && inner) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    if escaped.is_empty() {
        escaped.push('%');
    }
    if escaped.len() > LONGEST {
        escaped.truncate(LONGEST);
        escaped.push('~');
        for byte in Sha256::digest(name).iter().take(8) {
            let _ = write!(escaped, "{byte:02x}");
        }
    }
    escaped
}

/// The name that was escaped. A `%` that begins no escape stands for itself: people name files too.
pub(super) fn unescape(escaped: &str) -> String {
    let mut parts = escaped.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let code = part.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend(part.bytes().skip(2));
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_parts_of_paths_and_come_back() {
        for (name, expected) in [
            ("us-east-1", "us-east-1"),
            ("/aws/lambda/provider", "%2Faws%2Flambda%2Fprovider"),
            ("Shop.yaml", "Shop.yaml"),
            (".hidden", "%2Ehidden"),
            ("..", "%2E%2E"),
            ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
            ("C:\\x", "C%3A%5Cx"),
            ("100%2F", "100%252F"),
            ("é\0\n", "%C3%A9%00%0A"),
        ] {
            assert_eq!(escape(name), expected);
            assert_eq!(unescape(expected), name);
        }
        assert_eq!(escape(""), "%");
        assert_eq!(unescape("50% of %zz %+1 %2f"), "50% of %zz %+1 /");
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let long = "/x".repeat(300);
        let (one, other) = (escape(&format!("{long}1")), escape(&format!("{long}2")));
        assert!(one.len() < 230 && one.is_ascii(), "{one}");
        assert_ne!(one, other);
    }
}
