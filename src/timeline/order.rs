//! The order of a timeline: by time; within one instant by what must come before what, and by AWS's own order where a
//! file still has it. A file that was sorted anew or put together keeps nothing of that.
//! Used by the timeline only.

use super::is_summary;
use crate::model::{Capture, Event, Outcome, RecordFile, Text, Time};
use crate::sources;
use hashbrown::{HashMap, HashSet};
use std::cmp::Ordering;

/// Puts the events in order.
pub(super) fn put_in_order(events: &mut [Event], capture: &Capture) {
    let oldest_first = files_oldest_first(capture);
    let lists = Lists::of(events);
    events.sort_by(|a, b| order(a, b, &oldest_first));
    let mut start = 0;
    while let Some(at) = events.get(start).map(|event| event.at) {
        let length = events.iter().skip(start).take_while(|event| event.at == at).count();
        if let Some(instant) = events.get_mut(start..start + length).filter(|instant| instant.len() > 1) {
            lists.restore(instant);
        }
        start += length;
    }
}

/// A stack's rows in one file.
type List = (Text, Option<Text>);

/// The lists that are still as AWS gave them, with true for those that run forwards. Their rows tell the order of what
/// happened within one instant better than any rule.
struct Lists(HashMap<List, bool>);

impl Lists {
    fn of(events: &[Event]) -> Self {
        let mut rows: HashMap<List, Vec<(u32, Time)>> = HashMap::new();
        for event in events.iter().filter(|event| event.is_stack_event()) {
            rows.entry(list(event)).or_default().push((event.record.index, event.at));
        }
        let direction = |mut rows: Vec<(u32, Time)>| {
            rows.sort_unstable();
            let backwards = rows.is_sorted_by(|a, b| a.1 >= b.1);
            let forwards = rows.is_sorted_by(|a, b| a.1 <= b.1);
            (backwards || forwards).then_some(!backwards)
        };
        Self(rows.into_iter().filter_map(|(list, rows)| Some((list, direction(rows)?))).collect())
    }

    /// Gives the places that a list's rows have within an instant to the same rows in the list's own order.
    fn restore(&self, instant: &mut [Event]) {
        let mut places: HashMap<List, Vec<usize>> = HashMap::new();
        for (place, event) in instant.iter().enumerate().filter(|(_, event)| event.is_stack_event()) {
            places.entry(list(event)).or_default().push(place);
        }
        let moved: Vec<(usize, usize)> = places
            .into_iter()
            .filter_map(|(list, places)| Some((places, *self.0.get(&list)?)))
            .flat_map(|(places, forwards)| {
                let mut rows = places.clone();
                rows.sort_by_key(|place| instant.get(*place).map(|event| event.record.index));
                if !forwards {
                    rows.reverse();
                }
                places.into_iter().zip(rows)
            })
            .filter(|(place, row)| place != row)
            .collect();
        let rows: Vec<(usize, Event)> =
            moved.into_iter().filter_map(|(place, row)| Some((place, instant.get(row)?.clone()))).collect();
        for (place, row) in rows {
            if let Some(event) = instant.get_mut(place) {
                *event = row;
            }
        }
    }
}

fn list(event: &Event) -> List {
    (event.record.file.clone(), event.stack_id.clone())
}

/// The order of a timeline where no file tells it better.
fn order(a: &Event, b: &Event, oldest_first: &HashSet<Text>) -> Ordering {
    a.at.cmp(&b.at)
        .then_with(|| phase(a).cmp(&phase(b)))
        .then_with(|| sources::rank(a.source).cmp(&sources::rank(b.source)))
        .then_with(|| a.record.file.cmp(&b.record.file))
        .then_with(|| match oldest_first.contains(&a.record.file) {
            true => a.record.index.cmp(&b.record.index),
            false => b.record.index.cmp(&a.record.index),
        })
}

/// AWS's lists are newest first, but a trail's records and logs are not: the files whose records run forwards.
fn files_oldest_first(capture: &Capture) -> HashSet<Text> {
    let runs_forwards = |file: &&RecordFile| {
        let newest_first = matches!(file.source, "stack_events" | "operation_events" | "scaling_activities");
        let of_trail = || file.iter().next().is_some_and(|(_, record)| !record.contains("\"EventName\""));
        !newest_first && (file.source != "cloudtrail" || of_trail())
    };
    capture.files.iter().filter(runs_forwards).map(|file| file.name.clone()).collect()
}

/// Among events of one instant: what begins, what ends well, what fails, what is cancelled for it, what sums it up, and
/// last what ends the whole.
fn phase(event: &Event) -> u8 {
    match event.source {
        // A call comes before what it sets off.
        "cloudtrail" => return 0,
        // A log tells of what has happened, and its lines stay in their own order.
        "deploy_log" => return 6,
        _ if event.is_of_stack_itself() && event.outcome == Outcome::Succeeded => return 5,
        _ if is_summary(event) => return 4,
        _ => {}
    }
    match event.outcome {
        Outcome::InProgress => 0,
        Outcome::Succeeded | Outcome::Noted => 1,
        Outcome::Failed => 2,
        Outcome::Cancelled => 3,
    }
}
