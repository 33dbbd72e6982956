//! The operations as a chart: bars in percent of the time axis, so that the page draws it at any width and zoom.
//! It only measures out what the report's chart says; colours and shapes are the style sheet's.
//! Part of the report as HTML.

use super::super::Zone;
use super::anchor::Anchors;
use super::wording::clipped;
use crate::model::{Outcome, Time, time};
use crate::operation::{Ending, Role};
use crate::report::words;
use crate::report::{Bar, Chart, Lane, RootCauseReport, SpanEntry, Track};
use chrono::TimeDelta;

/// The chart as it is drawn. Empty where no operation is known.
#[derive(Default)]
pub(super) struct Gantt<'r> {
    /// The time axis.
    pub(super) axis: Axis,
    /// All operations with the resources that tell the story.
    pub(super) tracks: Vec<Rows<'r>>,
    /// How many other resources there are.
    pub(super) further: String,
    /// The other resources, so many together as a browser opens at once.
    pub(super) folded: Vec<Folded<'r>>,
}

/// The time axis.
#[derive(Default)]
pub(super) struct Axis {
    /// When it begins and ends, in UTC.
    pub(super) from: String,
    pub(super) to: String,
    pub(super) ticks: Vec<Tick>,
}

/// A mark of the axis.
pub(super) struct Tick {
    pub(super) x: String,
    /// The side on which its words would leave the chart: a class.
    pub(super) side: &'static str,
    /// Since the beginning.
    pub(super) elapsed: String,
}

/// An operation with some of its resources.
pub(super) struct Rows<'r> {
    pub(super) stack: &'r str,
    /// `create failed after 28 min 05 s`.
    pub(super) says: String,
    /// How deep it is nested, up to 4.
    pub(super) depth: usize,
    /// How it ended: a class and a sign.
    pub(super) state: &'static str,
    pub(super) sign: &'static str,
    pub(super) stretch: Stretch,
    pub(super) open: bool,
    pub(super) silences: Vec<Stretch>,
    pub(super) lanes: Vec<Row<'r>>,
}

/// A resource.
pub(super) struct Row<'r> {
    pub(super) span: &'r SpanEntry,
    /// The id of its record; none where the page does not show it.
    pub(super) target: Option<String>,
    /// How it ended: a class, a sign and words.
    pub(super) state: &'static str,
    pub(super) sign: &'static str,
    pub(super) says: &'static str,
    pub(super) took: String,
    /// AWS's words where it failed.
    pub(super) reason: Option<String>,
    pub(super) waited: Option<Stretch>,
    pub(super) stretch: Stretch,
    pub(super) open: bool,
}

/// A part of the axis, in percent of it, ready for an attribute.
pub(super) struct Stretch {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) end: String,
}

/// Resources that do not tell the story, or some of them.
pub(super) struct Folded<'r> {
    pub(super) title: String,
    pub(super) tracks: Vec<Rows<'r>>,
}

/// What takes no time would not be seen. In percent of the axis.
const SHORTEST: f64 = 0.4;
/// So many lanes are opened at once.
const CHUNK: usize = 200;
/// AWS's words in a lane; whole they are where the failure is told.
const REASON: usize = 300;
/// Marks on the axis, at most.
const MOST_TICKS: f64 = 6.0;
/// Distances of marks that people count in. In seconds.
const STEPS: [f64; 19] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0,
    43_200.0, 86_400.0, 172_800.0,
];

impl<'r> Gantt<'r> {
    /// Measures out the report's chart.
    pub(super) fn of(report: &'r RootCauseReport<'_>, chart: &Chart<'r>, anchors: &Anchors<'_>) -> Self {
        let Some(zero) = chart.from else { return Self::default() };
        let scale = Scale { zero, seconds: chart.length.max(1.0) };
        let rows = |track: &Track<'r>, lanes: &[&Lane<'r>]| scale.rows(report, track, lanes, anchors);
        let is_key = |lane: &&Lane<'r>| lane.is_key;
        let tracks =
            chart.tracks.iter().map(|track| rows(track, &track.lanes.iter().filter(is_key).collect::<Vec<_>>()));
        let others: Vec<(usize, &Lane<'r>)> = chart
            .tracks
            .iter()
            .enumerate()
            .flat_map(|(at, track)| track.lanes.iter().filter(|lane| !lane.is_key).map(move |lane| (at, lane)))
            .collect();
        let folded = others.chunks(CHUNK).enumerate().map(|(index, chunk)| {
            let of_one = chunk.chunk_by(|a, b| a.0 == b.0).filter_map(|lanes| {
                let track = chart.tracks.get(lanes.first()?.0)?;
                Some(rows(track, &lanes.iter().map(|(_, lane)| *lane).collect::<Vec<_>>()))
            });
            Folded { title: title(index * CHUNK, chunk.len(), others.len()), tracks: of_one.collect() }
        });
        Self {
            axis: scale.axis(),
            tracks: tracks.collect(),
            further: words::count(others.len(), "further resource"),
            folded: folded.collect(),
        }
    }
}

fn title(before: usize, here: usize, all: usize) -> String {
    if here == all {
        words::count(all, "further resource")
    } else {
        format!("Resources {} to {} of these", before + 1, before + here)
    }
}

/// Seconds to percent.
struct Scale {
    zero: Time,
    seconds: f64,
}

impl Scale {
    fn rows<'r>(
        &self,
        report: &RootCauseReport<'_>,
        track: &Track<'r>,
        lanes: &[&Lane<'r>],
        anchors: &Anchors<'_>,
    ) -> Rows<'r> {
        let operation = track.operation;
        let (state, sign) = ending(operation.outcome);
        let silences = operation.silences.iter().filter_map(|silence| {
            let from = self.seconds_of(&silence.from)?;
            Some(self.stretch(from, self.seconds_of(&silence.to)?))
        });
        let row = |lane: &&Lane<'r>| {
            let (state, sign, says) = look(lane.span);
            let failure = operation.failures.iter().find(|failure| failure.event == lane.span.record);
            Row {
                span: lane.span,
                target: anchors.target(&lane.span.record),
                state,
                sign,
                says,
                took: lane.span.seconds.map_or_else(|| "not ended".to_owned(), words::duration),
                reason: failure.and_then(|failure| failure.reason).map(|reason| clipped(reason.trim(), REASON)),
                waited: lane.waited_from.map(|from| self.stretch(from, lane.bar.from)),
                stretch: self.of(lane.bar),
                open: lane.bar.open,
            }
        };
        let is_other = report.stack != Some(operation.stack) || track.depth > 0;
        let number = if is_other { String::new() } else { format!(" (incarnation {})", operation.incarnation) };
        Rows {
            stack: operation.stack,
            says: format!("{}{number}", words::outcome(operation)),
            depth: track.depth.min(4),
            state,
            sign,
            stretch: self.of(track.bar),
            open: track.bar.open,
            silences: silences.collect(),
            lanes: lanes.iter().map(row).collect(),
        }
    }

    fn seconds_of(&self, at: &str) -> Option<f64> {
        #[allow(clippy::cast_precision_loss)] // milliseconds of a story fit
        time::parse(at).map(|written| (written.at - self.zero).num_milliseconds() as f64 / 1000.0)
    }

    fn of(&self, bar: Bar) -> Stretch {
        self.stretch(bar.from, bar.to)
    }

    /// Never empty, never beyond the axis.
    fn stretch(&self, from: f64, to: f64) -> Stretch {
        let (from, to) = (self.percent(from), self.percent(to));
        let width = (to - from).max(SHORTEST);
        let x = from.min(100.0 - width);
        Stretch { x: format!("{x:.3}%"), width: format!("{width:.3}%"), end: format!("{:.3}%", x + width) }
    }

    fn percent(&self, seconds: f64) -> f64 {
        (seconds / self.seconds * 100.0).clamp(0.0, 100.0)
    }

    fn axis(&self) -> Axis {
        let longest = STEPS.last().copied().unwrap_or(1.0);
        let step = STEPS.into_iter().find(|step| self.seconds / step <= MOST_TICKS);
        // Beyond the table in whole days.
        let step = step.unwrap_or_else(|| (self.seconds / MOST_TICKS / longest).ceil() * longest);
        let mut ticks = Vec::new();
        let mut at = 0.0;
        while at <= self.seconds {
            let x = self.percent(at);
            let side = if at == 0.0 {
                "first"
            } else if x > 95.0 {
                "last"
            } else {
                ""
            };
            ticks.push(Tick { x: format!("{x:.3}%"), side, elapsed: elapsed(at) });
            at += step;
        }
        #[allow(clippy::cast_possible_truncation)] // milliseconds of a story
        let end = self.zero + TimeDelta::milliseconds((self.seconds * 1000.0) as i64);
        Axis { from: moment(self.zero), to: moment(end), ticks }
    }
}

fn moment(at: Time) -> String {
    format!("{} {}", Zone::Utc.date(at), Zone::Utc.clock(at))
}

/// `0`, `45 s`, `1 h 30 min`: the two largest units that are not nothing.
fn elapsed(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole and not negative
    let seconds = seconds as u64;
    let units = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = units.iter().filter(|(count, _)| *count > 0).take(2).map(|(count, unit)| format!("{count} {unit}"));
    let said = parts.collect::<Vec<_>>().join(" ");
    if said.is_empty() { "0".to_owned() } else { said }
}

fn ending(ending: Ending) -> (&'static str, &'static str) {
    match ending {
        Ending::Succeeded => ("done", "✓"),
        Ending::Failed => ("failed", "✗"),
        Ending::CutOff => ("cancelled", "⊘"),
        Ending::InProgress => ("open", "…"),
        Ending::Unknown => ("unknown", "·"),
    }
}

fn look(span: &SpanEntry) -> (&'static str, &'static str, &'static str) {
    match (span.role, span.outcome) {
        (Some(Role::Root), _) => ("root", "✗", "root failure"),
        (Some(Role::Independent), _) => ("independent", "✗", "failed independently"),
        (_, Outcome::Cancelled) => ("cancelled", "⊘", "cancelled"),
        (_, Outcome::Failed) => ("cascade", "✗", "failed in consequence"),
        (_, Outcome::InProgress) => ("open", "…", "still in progress"),
        (_, Outcome::Succeeded | Outcome::Noted) => ("done", "✓", "succeeded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn scale(seconds: f64) -> Scale {
        Scale { zero: DateTime::from_timestamp(1_795_000_000, 0).unwrap(), seconds }
    }

    #[test]
    fn every_stretch_can_be_seen_and_stays_on_the_axis() {
        for (from, to, expected) in [
            (0.0, 100.0, ("0.000%", "100.000%")),
            (25.0, 50.0, ("25.000%", "25.000%")),
            (50.0, 50.0, ("50.000%", "0.400%")),
            (100.0, 100.0, ("99.600%", "0.400%")),
            (60.0, 40.0, ("60.000%", "0.400%")),
            (-5.0, 200.0, ("0.000%", "100.000%")),
        ] {
            let stretch = scale(100.0).stretch(from, to);
            assert_eq!((&*stretch.x, &*stretch.width), expected, "{from} to {to}");
        }
    }

    #[test]
    fn marks_are_where_people_count() {
        for (seconds, expected) in [
            (1.0, "0, 1 s"),
            (50.0, "0, 10 s, 20 s, 30 s, 40 s, 50 s"),
            (2117.0, "0, 10 min, 20 min, 30 min"),
            (7300.0, "0, 30 min, 1 h, 1 h 30 min, 2 h"),
            (300_000.0, "0, 1 d, 2 d, 3 d"),
            (30_000_000.0, "0, 58 d, 116 d, 174 d, 232 d, 290 d"),
        ] {
            let ticks: Vec<String> = scale(seconds).axis().ticks.into_iter().map(|tick| tick.elapsed).collect();
            assert_eq!(ticks.join(", "), expected, "{seconds}");
        }
    }
}
