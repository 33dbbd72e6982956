//! Instants: how AWS, the AWS CLI and logs write them, and the one way in which we do.
//! Everything is UTC inside; nothing here reads the clock.
//! Used by every source that has a time stamp.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use serde::de::{self, Deserializer, Visitor};
use std::fmt;

/// An instant in UTC.
pub type Time = DateTime<Utc>;

/// `2026-11-18T12:38:16.000Z`: one width, so that the order of texts is the order of times.
pub fn text(at: Time) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An instant as it was written, and whether the writing said which zone it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The instant; UTC is assumed where no zone was written.
    pub at: Time,
    /// False when no zone was written.
    pub zoned: bool,
}

/// Reads the forms that AWS, its CLI (1 and 2) and logs use: RFC 3339 with any offset, the same with a space
/// instead of the `T`, offsets without a colon, or no offset at all. `None` for anything else.
///
/// Only years from 1970 to 9999 are times here: others would break the one width of [`text`], and sums with them overflow.
pub fn parse(text: &str) -> Option<Written> {
    parse_any(text.trim()).filter(|written| in_range(written.at))
}

fn in_range(at: Time) -> bool {
    (0..=LATEST).contains(&at.timestamp())
}

/// The last second of the year 9999.
const LATEST: i64 = 253_402_300_799;

fn parse_any(text: &str) -> Option<Written> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(Written { at: at.with_timezone(&Utc), zoned: true });
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z"] {
        if let Ok(at) = DateTime::parse_from_str(text, format) {
            return Some(Written { at: at.with_timezone(&Utc), zoned: true });
        }
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S UTC"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Some(Written { at: at.and_utc(), zoned: format.ends_with("UTC") });
        }
    }
    None
}

/// Reads a number of seconds since 1970 (as the AWS APIs send it), or of milliseconds (as CloudWatch Logs does):
/// no instant that matters here is before 1973 in milliseconds or after 5138 in seconds.
pub fn from_epoch(number: f64) -> Option<Time> {
    let millis = if number.abs() < 1e11 { number * 1000.0 } else { number };
    // The cast saturates, and chrono refuses what is out of its range.
    #[allow(clippy::cast_possible_truncation)]
    Utc.timestamp_millis_opt(millis.round() as i64).single().filter(|at| in_range(*at))
}

/// A time stamp in a JSON record: text or number. A value that is neither, or that cannot be read, is `Unreadable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stamp {
    /// There is none.
    #[default]
    Absent,
    /// It was read.
    Read(Written),
    /// Something is there, but no time that we can read.
    Unreadable,
}

impl Stamp {
    /// The instant, if there is one.
    pub fn at(self) -> Option<Time> {
        match self {
            Self::Read(written) => Some(written.at),
            Self::Absent | Self::Unreadable => None,
        }
    }
}

impl<'de> de::Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StampVisitor;

        impl<'de> Visitor<'de> for StampVisitor {
            type Value = Stamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time stamp")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stamp, E> {
                Ok(parse(text).map_or(Stamp::Unreadable, Stamp::Read))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Stamp, E> {
                Ok(from_epoch(number).map_or(Stamp::Unreadable, |at| Stamp::Read(Written { at, zoned: true })))
            }
            #[allow(clippy::cast_precision_loss)] // exact far beyond any date that matters
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Stamp, E> {
                self.visit_f64(number as f64)
            }
            #[allow(clippy::cast_precision_loss)]
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Stamp, E> {
                self.visit_f64(number as f64)
            }
            fn visit_unit<E: de::Error>(self) -> Result<Stamp, E> {
                Ok(Stamp::Absent)
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Stamp, E> {
                Ok(Stamp::Unreadable)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Stamp, A::Error> {
                while seq.next_element::<de::IgnoredAny>()?.is_some() {}
                Ok(Stamp::Unreadable)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Stamp, A::Error> {
                while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
                Ok(Stamp::Unreadable)
            }
        }
        deserializer.deserialize_any(StampVisitor)
    }
}

/// `1 h 02 min`, `12 min 04 s`, `45 s`; whole seconds.
pub fn length(seconds: f64) -> String {
    // The cast saturates; a negative length can only be skew of the clocks and shows as nothing.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let whole = seconds.max(0.0).round() as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) if whole == 0 && seconds > 0.0 => "under 1 s".to_owned(),
        (0, 0, 0) => format!("{rest} s"),
        (0, 0, _) => format!("{minutes} min {rest:02} s"),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        _ => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_in_use_is_read() {
        for (written, expected, zoned) in [
            ("2026-11-18T12:38:16Z", "2026-11-18T12:38:16.000Z", true),
            ("2026-11-18T12:38:16.337Z", "2026-11-18T12:38:16.337Z", true),
            ("2026-11-18T12:38:16.337000+00:00", "2026-11-18T12:38:16.337Z", true),
            ("2026-11-18T14:38:16.337+02:00", "2026-11-18T12:38:16.337Z", true),
            ("2026-11-18T14:38:16+0200", "2026-11-18T12:38:16.000Z", true),
            ("2026-11-18 12:38:16 UTC", "2026-11-18T12:38:16.000Z", true),
            ("2026-11-18 12:38:16+00:00", "2026-11-18T12:38:16.000Z", true),
            ("2026-11-18T12:38:16", "2026-11-18T12:38:16.000Z", false),
            ("2026-11-18 12:38:16.5", "2026-11-18T12:38:16.500Z", false),
        ] {
            let read = parse(written).unwrap_or_else(|| panic!("{written} is not read"));
            assert_eq!((text(read.at).as_str(), read.zoned), (expected, zoned), "{written}");
        }
        for wrong in
            ["", "yesterday", "12:38:16", "2026-13-18T12:38:16Z", "-262143-01-01T00:00:00", "1969-12-31T23:59:59Z"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_seconds_or_milliseconds() {
        let text_of = |number| from_epoch(number).map(text);
        assert_eq!(text_of(1_472_487_958.5).as_deref(), Some("2016-08-29T16:25:58.500Z"));
        assert_eq!(text_of(1_472_487_958_500.0).as_deref(), Some("2016-08-29T16:25:58.500Z"));
        assert_eq!(text_of(f64::MAX), None);
        assert_eq!(text_of(8_210_266_876_799_000.0), None);
    }

    #[test]
    fn a_stamp_of_any_json_type_is_no_error() {
        for json in ["null", "true", "[1]", "{\"a\":1}", "\"x\"", "-1e300"] {
            assert!(serde_json::from_str::<Stamp>(json).is_ok(), "{json}");
        }
    }
}
