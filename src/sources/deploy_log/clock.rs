//! When a line was written: the forms of time stamps in console logs, and clock times without a date.
//! It never reads our own clock; a log that names no day has times on an unknown day, or none.
//! Source: the logs of GitHub Actions, GitLab, Jenkins, CodeBuild, TeamCity, the CDK CLI, the SAM CLI and Amplify.

use crate::model::Time;
use crate::model::time::Written;
use chrono::{Duration, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A time as a log writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stamp {
    /// With its date.
    Full(Written),
    /// A time of day, and the seconds that its zone is ahead of UTC, if it names one.
    Clock(NaiveTime, Option<i32>),
}

/// Takes off the stamps before a line's text, and answers the one that is nearest to what happened.
pub(super) fn split_stamps(line: &str) -> (Option<Stamp>, &str) {
    let mut best = None;
    let mut rest = line;
    // The runner's stamp, then the tool's; more are not in use.
    for _ in 0..2 {
        let Some((stamp, after)) = split_stamp(rest) else { break };
        best = Some(nearer(best, stamp));
        rest = after;
    }
    (best, rest)
}

/// The tool's own stamp beats the runner's, but only with its date and zone.
fn nearer(outer: Option<Stamp>, inner: Stamp) -> Stamp {
    match (outer, inner) {
        (Some(Stamp::Full(_)), Stamp::Full(written)) if written.zoned => inner,
        (Some(outer @ Stamp::Full(_)), _) => outer,
        _ => inner,
    }
}

fn split_stamp(line: &str) -> Option<(Stamp, &str)> {
    // `gh run view --log` puts the job and the step before each line.
    let line = match line.match_indices('\t').nth(1) {
        Some((tab, _)) if !line.starts_with(|c: char| c.is_ascii_digit()) => {
            let cell = line.get(tab + 1..).unwrap_or_default().trim_start_matches('\u{feff}');
            if full(cell).is_some() { cell } else { line }
        }
        _ => line,
    };
    let unboxed = line.strip_prefix("[Container] ").unwrap_or(line);
    let (bracket, text) = match unboxed.strip_prefix('[') {
        Some(text) => (true, text),
        None => (false, unboxed),
    };
    let (stamp, length) = match full(text) {
        Some((mut written, length)) => {
            // CodeBuild's containers run in UTC.
            written.zoned |= unboxed.len() < line.len();
            (Stamp::Full(written), length)
        }
        None => clock(text)?,
    };
    let after = text.get(length..)?;
    let after = if bracket { after.strip_prefix(']')? } else { after };
    let rest = after.strip_prefix([' ', '\t']).unwrap_or(after);
    match stamp {
        Stamp::Full(_) => Some((stamp, after_stream_mark(rest))),
        // A cell of a table is read with its table.
        Stamp::Clock(..) if rest.trim_start().starts_with('|') => None,
        Stamp::Clock(..) if after.len() == rest.len() && !after.is_empty() => None,
        Stamp::Clock(..) => Some((stamp, rest)),
    }
}

/// GitLab marks each line with its stream (`00O `, `01E+`); SAM writes a dash, Python's logging a bar or a dash.
fn after_stream_mark(text: &str) -> &str {
    let bytes = text.as_bytes();
    if let [a, b, b'O' | b'E', rest @ ..] = bytes
        && a.is_ascii_hexdigit()
        && b.is_ascii_hexdigit()
        && matches!(rest.first(), None | Some(b' ' | b'+'))
    {
        return text.get(4..).unwrap_or_default();
    }
    text.strip_prefix("- ").or_else(|| text.strip_prefix("| ")).unwrap_or(text)
}

/// A stamp with a date at the start of `text`, and its length: `2026-11-18T12:02:41.123Z`, `2026/11/18 12:02:41`,
/// `2026-11-18 12:02:41,123 UTC+0100`.
fn full(text: &str) -> Option<(Written, usize)> {
    let bytes = text.as_bytes();
    let date = NaiveDate::from_ymd_opt(
        i32::try_from(number(bytes, 0, 4)?).ok()?,
        after(bytes, 4, b"-/").and_then(|at| number(bytes, at, 2))?,
        after(bytes, 7, b"-/").and_then(|at| number(bytes, at, 2))?,
    )?;
    let (time, mut length) = time_of_day(bytes, after(bytes, 10, b"T ")?)?;
    let offset = match zone(text.get(length..)?) {
        Some((seconds, end)) => {
            length += end;
            Some(seconds)
        }
        None => None,
    };
    Some((written(date.and_time(time), offset)?, length))
}

/// A time of day at the start of `text`, and its length: `12:05:11`, `9:05:11 PM`, `12:05:11 UTC+0100`.
fn clock(text: &str) -> Option<(Stamp, usize)> {
    let bytes = text.as_bytes();
    // JavaScript writes hours without a leading zero.
    let (time, length) = time_of_day(bytes, 0).or_else(|| {
        let padded = [b"0", bytes.get(..bytes.len().min(20))?].concat();
        let (time, length) = time_of_day(&padded, 0)?;
        Some((time, length - 1))
    })?;
    let rest = text.get(length..)?;
    if let Some((afternoon, end)) = half_of_day(rest) {
        let hours = time.signed_duration_since(NaiveTime::MIN).num_hours();
        let shift = match (afternoon, hours) {
            (true, 1..=11) => 12,
            (false, 12) => -12,
            _ => 0,
        };
        let (time, _) = time.overflowing_add_signed(TimeDelta::hours(shift));
        return Some((Stamp::Clock(time, None), length + end));
    }
    match zone(rest) {
        Some((seconds, end)) => Some((Stamp::Clock(time, Some(seconds)), length + end)),
        None => Some((Stamp::Clock(time, None), length)),
    }
}

/// The clock time that fills `cell`.
pub(super) fn of_cell(cell: &str) -> Option<Stamp> {
    if let Some((written, length)) = full(cell) {
        return (length == cell.len()).then_some(Stamp::Full(written));
    }
    let (stamp, length) = clock(cell)?;
    (length == cell.len()).then_some(stamp)
}

/// A date as JavaScript prints it (`Tue Nov 18 2026 12:05:11 GMT+0000 (Coordinated Universal Time)`), and where it is.
pub(super) fn inline(text: &str) -> Option<(Stamp, Range<usize>)> {
    static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"\b[A-Z][a-z]{2} ([A-Z][a-z]{2} \d\d \d{4} \d\d:\d\d:\d\d GMT[+-]\d{4})(?: \([^)]*\))?").ok()
    });
    if !text.contains(" GMT") {
        return None;
    }
    let found = DATE.as_ref()?.captures(text)?;
    let at = chrono::DateTime::parse_from_str(found.get(1)?.as_str(), "%b %d %Y %H:%M:%S GMT%z").ok()?;
    let written = Written { at: at.to_utc(), zoned: true };
    Some((Stamp::Full(written), found.get(0)?.range()))
}

fn written(local: NaiveDateTime, offset: Option<i32>) -> Option<Written> {
    let zone = FixedOffset::east_opt(offset.unwrap_or_default())?;
    Some(Written { at: local.and_local_timezone(zone).single()?.to_utc(), zoned: offset.is_some() })
}

fn number(bytes: &[u8], at: usize, digits: usize) -> Option<u32> {
    bytes
        .get(at..at + digits)?
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

/// The place behind `at`, if one of `marks` stands there.
fn after(bytes: &[u8], at: usize, marks: &[u8]) -> Option<usize> {
    bytes.get(at).filter(|byte| marks.contains(byte)).map(|_| at + 1)
}

/// `12:02:41` with any fraction, at `at`, and where it ends.
fn time_of_day(bytes: &[u8], at: usize) -> Option<(NaiveTime, usize)> {
    let minutes = after(bytes, at + 2, b":")?;
    let seconds = after(bytes, at + 5, b":")?;
    let mut end = at + 8;
    let mut nanos = 0;
    if let Some(fraction) = after(bytes, end, b".,") {
        let digits = bytes.iter().skip(fraction).take_while(|byte| byte.is_ascii_digit());
        let mut unit = 100_000_000;
        for digit in digits {
            nanos += unit * u32::from(digit - b'0');
            unit /= 10;
            end += 1;
        }
        end += usize::from(end > at + 8);
    }
    let time = NaiveTime::from_hms_nano_opt(
        number(bytes, at, 2)?,
        number(bytes, minutes, 2)?,
        number(bytes, seconds, 2)?,
        nanos,
    )?;
    Some((time, end))
}

/// The zone at the start of `text` in seconds ahead of UTC, and its length: `Z`, `+01:00`, ` UTC`, ` UTC-0700`, `+0000`.
fn zone(text: &str) -> Option<(i32, usize)> {
    if text.starts_with('Z') {
        return Some((0, 1));
    }
    let trimmed = text.strip_prefix(' ').unwrap_or(text);
    let named = trimmed.strip_prefix("UTC").or_else(|| trimmed.strip_prefix("GMT"));
    let rest = named.unwrap_or(trimmed);
    let used = text.len() - rest.len();
    let bytes = rest.as_bytes();
    let sign = match bytes.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return named.map(|_| (0, used)),
    };
    let minutes_at = after(bytes, 3, b":").unwrap_or(3);
    let read = number(bytes, 1, 2).zip(number(bytes, minutes_at, 2));
    match read {
        Some((hours, minutes)) => {
            let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
            Some((sign * seconds, used + minutes_at + 2))
        }
        None => named.map(|_| (0, used)),
    }
}

/// `AM` or `PM` in any of the ways of `toLocaleTimeString`, which may put a narrow space before it.
fn half_of_day(text: &str) -> Option<(bool, usize)> {
    let rest = text.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let used = text.len() - rest.len();
    [("am", false), ("pm", true), ("a.m.", false), ("p.m.", true)]
        .into_iter()
        .find(|(mark, _)| rest.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark)))
        .map(|(mark, afternoon)| (afternoon, used + mark.len()))
}

/// The time of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub written: Written,
    /// The line has no time of its own.
    pub approximate: bool,
}

/// Turns the stamps of a log, line by line, into times.
#[derive(Debug)]
pub(super) struct Clock {
    /// The time of the last line that had one; before that the log's first. None in a log that has none.
    last: Option<Time>,
    /// The log names the day.
    dated: bool,
}

impl Clock {
    /// The clock of a log whose first stamp with a date is `first`.
    pub fn new(first: Option<Time>) -> Self {
        Self { last: first, dated: first.is_some() }
    }

    /// The clock of a log that names no day, by its first time of day: its lines are told apart by their times only,
    /// so that the day does not matter. It begins on 1970-01-01.
    pub fn of(first: Option<Stamp>) -> Self {
        let noon = Time::UNIX_EPOCH + Duration::hours(12);
        let last = match first {
            Some(Stamp::Clock(time, offset)) => Some(nearest(noon, time, offset)),
            _ => None,
        };
        Self { last, dated: false }
    }

    /// False in a log that names no day.
    pub fn is_dated(&self) -> bool {
        self.dated
    }

    /// True in a log that has times of day, but names no day.
    pub fn is_adrift(&self) -> bool {
        self.last.is_some() && !self.dated
    }

    /// The time of a line with this stamp.
    pub fn read(&mut self, stamp: Option<Stamp>) -> Option<Reading> {
        let last = self.last?;
        let stamp = match stamp {
            // A date in the midst of a text, by which no other line can be dated.
            Some(Stamp::Full(written)) if !self.dated => Some(Stamp::Clock(written.at.time(), Some(0))),
            stamp => stamp,
        };
        let written = match stamp {
            None => {
                let written = Written { at: last, zoned: true };
                return Some(Reading { written, approximate: true });
            }
            Some(Stamp::Full(written)) => written,
            Some(Stamp::Clock(time, offset)) => Written { at: nearest(last, time, offset), zoned: offset.is_some() },
        };
        self.last = Some(written.at);
        Some(Reading { written, approximate: !self.dated })
    }
}

/// The instant at this time of day that is nearest to `reference`, on whichever side of midnight it is.
fn nearest(reference: Time, time: NaiveTime, offset: Option<i32>) -> Time {
    let local = reference.date_naive().and_time(time).and_utc();
    let at = local - Duration::seconds(i64::from(offset.unwrap_or_default()));
    let day = Duration::days(1);
    [at - day, at, at + day].into_iter().min_by_key(|at| (*at - reference).abs()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::text;

    fn shown(stamp: Option<Stamp>) -> String {
        match stamp {
            None => "none".to_owned(),
            Some(Stamp::Full(written)) if written.zoned => text(written.at),
            Some(Stamp::Full(written)) => format!("{} unzoned", text(written.at)),
            Some(Stamp::Clock(time, None)) => time.to_string(),
            Some(Stamp::Clock(time, Some(offset))) => format!("{time} {offset:+}"),
        }
    }

    #[test]
    fn stamps_of_all_runners_are_taken_off() {
        for (line, stamp, rest) in [
            ("2026-11-18T12:02:41.1234567Z text", "2026-11-18T12:02:41.123Z", "text"),
            ("2026-11-18T12:02:41.123456Z 00O text", "2026-11-18T12:02:41.123Z", "text"),
            ("2026-11-18T12:02:41.123456Z 01E+text", "2026-11-18T12:02:41.123Z", "text"),
            ("[2026-11-18T12:02:41.123Z] + cdk deploy", "2026-11-18T12:02:41.123Z", "+ cdk deploy"),
            ("[Container] 2026/11/18 12:02:41.123456 Phase complete", "2026-11-18T12:02:41.123Z", "Phase complete"),
            (
                "2026-11-18 12:02:41 - Waiting for changeset",
                "2026-11-18T12:02:41.000Z unzoned",
                "Waiting for changeset",
            ),
            ("2026-11-18 12:02:41,500 | text", "2026-11-18T12:02:41.500Z unzoned", "text"),
            ("2026-11-18 12:02:41 UTC+0100\tCREATE_FAILED", "2026-11-18T11:02:41.000Z", "CREATE_FAILED"),
            ("2026-11-18T12:02:41.123000+00:00 stream text", "2026-11-18T12:02:41.123Z", "stream text"),
            // The tool's stamp is nearer than the runner's if it has a zone, and not if it has none.
            ("2026-11-18T12:02:41Z 2026-11-18T12:02:39.036Z [PROGRESS] x", "2026-11-18T12:02:39.036Z", "[PROGRESS] x"),
            ("2026-11-18T12:02:41Z [13:02:39] x", "2026-11-18T12:02:41.000Z", "x"),
            ("[12:05:11] x", "12:05:11", "x"),
            ("12:05:11.250 x", "12:05:11.250", "x"),
            ("21:49:36 UTC+1100\tDELETE_IN_PROGRESS", "21:49:36 +39600", "DELETE_IN_PROGRESS"),
            ("12:05:11 PM | CREATE_FAILED", "none", "12:05:11 PM | CREATE_FAILED"),
            ("[12:05] x", "none", "[12:05] x"),
            ("12:05:11x", "none", "12:05:11x"),
            ("2026-13-18T12:02:41Z x", "none", "2026-13-18T12:02:41Z x"),
            ("2026-11-18", "none", "2026-11-18"),
            ("", "none", ""),
        ] {
            let (found, after) = split_stamps(line);
            assert_eq!((shown(found).as_str(), after), (stamp, rest), "{line}");
        }
    }

    #[test]
    fn cells_and_dates_in_the_text_are_read() {
        for (cell, expected) in [
            ("12:05:11 PM", "12:05:11"),
            ("12:05:11 AM", "00:05:11"),
            ("9:14:17\u{202f}PM", "21:14:17"),
            ("4:31:14 a.m.", "04:31:14"),
            ("12:49:13 pm", "12:49:13"),
            ("18:05:11", "18:05:11"),
            ("01:42:49 UTC+0800", "01:42:49 +28800"),
            ("12:05:11 PM x", "none"),
            ("3/10", "none"),
            ("Shop", "none"),
        ] {
            assert_eq!(shown(of_cell(cell)), expected, "{cell}");
        }
        let line = "CREATE_FAILED Table AWS::DynamoDB::Table Wed Nov 18 2026 12:05:11 GMT-0500 (EST) reason";
        let found = inline(line).map(|(stamp, at)| (shown(Some(stamp)), line.get(at.end..)));
        assert_eq!(found, Some(("2026-11-18T17:05:11.000Z".to_owned(), Some(" reason"))));
    }

    #[test]
    fn clock_times_find_their_day() {
        let mut clock = Clock::new("2026-11-18T23:58:00Z".parse().ok());
        for (cell, expected) in [
            (Some("11:59:58 PM"), "2026-11-18T23:59:58.000Z"),
            (Some("12:00:03 AM"), "2026-11-19T00:00:03.000Z"),
            (None, "2026-11-19T00:00:03.000Z"),
            (Some("11:59:59 PM"), "2026-11-18T23:59:59.000Z"),
            (Some("01:00:09 UTC+0100"), "2026-11-19T00:00:09.000Z"),
        ] {
            let reading = clock.read(cell.and_then(of_cell));
            let shown = reading.map(|reading| (text(reading.written.at), reading.approximate));
            assert_eq!(shown, Some((expected.to_owned(), cell.is_none())), "{cell:?}");
        }
        assert_eq!(Clock::new(None).read(of_cell("12:00:00")), None);
    }

    #[test]
    fn clock_times_without_any_day_keep_their_distances() {
        let mut clock = Clock::of(of_cell("00:00:02 UTC+0000"));
        assert!(!clock.is_dated());
        for (stamp, expected) in [
            (None, "1970-01-01T00:00:02.000Z"),
            (of_cell("12:00:05 AM"), "1970-01-01T00:00:05.000Z"),
            (of_cell("11:59:59 PM"), "1969-12-31T23:59:59.000Z"),
            (of_cell("2026-11-18T00:00:09Z"), "1970-01-01T00:00:09.000Z"),
        ] {
            let reading = clock.read(stamp);
            let shown = reading.map(|reading| (text(reading.written.at), reading.approximate));
            assert_eq!(shown, Some((expected.to_owned(), true)), "{stamp:?}");
        }
    }
}
