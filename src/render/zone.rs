//! The time zone in which people read times.
//! Only outputs for people use it; what machines read is always UTC.
//! Part of the style of every renderer, and a command-line argument by its `FromStr`.

use crate::model::Time;
use crate::model::time;
use chrono::{Datelike as _, FixedOffset, Local, Offset as _, TimeZone as _};
use std::fmt;
use std::str::FromStr;

/// A time zone to show times in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// The machine's own.
    Local,
    /// One of the IANA database.
    Named(chrono_tz::Tz),
}

/// A zone that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{asked:?} is no time zone: write local, UTC or a name of the IANA database such as Europe/Berlin or America/New_York"
)]
pub struct UnknownZone {
    /// What was asked for.
    asked: String,
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        let asked = text.trim();
        if asked.eq_ignore_ascii_case("local") {
            Ok(Self::Local)
        } else if asked.eq_ignore_ascii_case("utc") || asked.eq_ignore_ascii_case("z") {
            Ok(Self::Utc)
        } else {
            asked.parse().map(Self::Named).map_err(|_| UnknownZone { asked: asked.to_owned() })
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utc => f.write_str("UTC"),
            Self::Local => f.write_str("local time"),
            Self::Named(zone) => f.write_str(zone.name()),
        }
    }
}

impl Zone {
    /// The zone's offset from UTC at that instant.
    fn offset(self, at: Time) -> FixedOffset {
        match self {
            Self::Utc => chrono::Utc.fix(),
            Self::Local => Local.offset_from_utc_datetime(&at.naive_utc()).fix(),
            Self::Named(zone) => zone.offset_from_utc_datetime(&at.naive_utc()).fix(),
        }
    }

    /// `2026-11-18`.
    pub fn date(self, at: Time) -> String {
        if is_of_unknown_day(at) {
            return "unknown day".to_owned();
        }
        at.with_timezone(&self.offset(at)).format("%Y-%m-%d").to_string()
    }

    /// `12:38:16`.
    pub fn clock(self, at: Time) -> String {
        // The clock of a log without a date is the runner's own, in a zone that nobody named.
        let zone = if is_of_unknown_day(at) { Self::Utc } else { self };
        at.with_timezone(&zone.offset(at)).format("%H:%M:%S").to_string()
    }

    /// `2026-11-18 12:38:16`, of an instant as the reports write it.
    pub fn moment(self, written: &str) -> String {
        match time::parse(written) {
            Some(read) => format!("{} {}", self.date(read.at), self.clock(read.at)),
            None => written.to_owned(),
        }
    }

    /// `12:38:16`, likewise.
    pub fn clock_of(self, written: &str) -> String {
        time::parse(written).map_or_else(|| written.to_owned(), |read| self.clock(read.at))
    }
}

/// A log that names times of day but no date lies on the first days of 1970, where no deployment of ours was.
fn is_of_unknown_day(at: Time) -> bool {
    at.year() < 1971
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_by_name() {
        for (text, expected) in
            [("UTC", "UTC"), ("utc", "UTC"), ("Z", "UTC"), ("local", "local time"), ("Europe/Berlin", "Europe/Berlin")]
        {
            assert_eq!(text.parse::<Zone>().map(|zone| zone.to_string()), Ok(expected.to_owned()));
        }
        let error = "Mars/Olympus".parse::<Zone>().unwrap_err().to_string();
        assert!(error.contains("Mars/Olympus") && error.contains("Europe/Berlin"), "{error}");
    }

    #[test]
    fn times_are_shown_in_the_zone() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        for (zone, at, expected) in [
            (Zone::Utc, "2026-11-18T23:38:16.900Z", "2026-11-18 23:38:16"),
            (berlin, "2026-11-18T23:38:16.900Z", "2026-11-19 00:38:16"),
            (berlin, "2026-07-18T12:00:00.000Z", "2026-07-18 14:00:00"),
            (Zone::Utc, "never", "never"),
        ] {
            assert_eq!(zone.moment(at), expected);
        }
        // What the machine's zone is, nobody knows; it must be some time.
        assert_eq!(Zone::Local.moment("2026-11-18T12:00:00.000Z").len(), 19);
    }
}
