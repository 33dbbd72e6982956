//! What a better source tells too: a deploy tool's copies of stack events, and the ends of a stack's life in ListStacks.
//! A line that gives another reason, or is of another attempt, is no echo and stays.
//! Used by the timeline.

use crate::model::{Event, Text, Time};
use chrono::TimeDelta;
use hashbrown::{HashMap, HashSet};

/// A deploy tool prints a stack event within this time of it.
const ECHO: TimeDelta = TimeDelta::minutes(10);

/// A row as CloudFormation told it: its stack, its time, its reason.
type Told = (Option<Text>, Time, Option<Text>);

/// Drops what a better source tells too: a deploy tool's copy of a stack event, and the ends of a stack's life in
/// ListStacks where its own events tell them.
pub(super) fn drop_echoes(events: &mut Vec<Event>) {
    let mut rows: HashMap<(Text, Text), Vec<Told>> = HashMap::new();
    let mut last_rows: HashMap<Text, Time> = HashMap::new();
    for event in events.iter().filter(|event| event.is_stack_event()) {
        if let Some(stack) = &event.stack_id {
            let last = last_rows.entry(stack.clone()).or_insert(event.at);
            *last = event.at.max(*last);
        }
        if let (Some(logical), Some(status)) = (&event.logical_id, &event.status)
            && event.source == "stack_events"
        {
            let told = (event.stack_name.clone(), event.at, event.message.clone());
            rows.entry((logical.clone(), status.clone())).or_default().push(told);
        }
    }
    let echoes = echoes(events, &rows);
    let mut index = 0;
    events.retain(|event| {
        index += 1;
        let last = || event.stack_id.as_ref().and_then(|stack| last_rows.get(stack));
        match event.source {
            "stacks" => last().is_none_or(|last| event.at > *last + ECHO),
            "deploy_log" => !echoes.contains(&(index - 1)),
            _ => true,
        }
    });
}

/// The lines of deploy logs that repeat a row. A line without a time of its own comes after the row that the line before
/// it repeats, whose time is known better.
fn echoes(events: &mut [Event], rows: &HashMap<(Text, Text), Vec<Told>>) -> HashSet<usize> {
    let mut lines: Vec<usize> = (0..events.len())
        .filter(|index| events.get(*index).is_some_and(|event| event.source == "deploy_log"))
        .collect();
    let place = |index: &usize| events.get(*index).map(|event| event.record.clone());
    lines.sort_by_cached_key(place);
    let mut echoes = HashSet::new();
    let mut repeated: Option<(Text, Time)> = None;
    for index in lines {
        let Some(event) = events.get_mut(index) else { continue };
        if let Some((_, at)) =
            repeated.as_ref().filter(|(file, at)| event.approximate && *file == event.record.file && *at > event.at)
        {
            event.at = *at;
        }
        let key = event.logical_id.clone().zip(event.status.clone());
        let told = key.and_then(|key| rows.get(&key)).and_then(|told| repeats(event, told));
        if let Some(at) = told {
            echoes.insert(index);
            repeated = Some((event.record.file.clone(), at));
        }
    }
    echoes
}

/// The time of the row that a line repeats: the same stack, the same words, and about the same time.
fn repeats(event: &Event, told: &[Told]) -> Option<Time> {
    let fits = |(stack, at, reason): &&Told| {
        let same_stack = event.stack_name.is_none() || event.stack_name == *stack;
        // Where it gives a reason, a runner's clock may be in another zone.
        let same_time = event.approximate || (event.at - *at).abs() <= ECHO || event.message.is_some();
        same_stack && same_time && same_words(event.message.as_deref(), reason.as_deref())
    };
    told.iter().filter(fits).map(|(_, at, _)| *at).min_by_key(|at| (event.at - *at).abs())
}

/// True unless the line gives a reason that the row does not: tools wrap and cut what they print.
fn same_words(line: Option<&str>, row: Option<&str>) -> bool {
    let letters = |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).take(80).collect() };
    match (line.map(letters), row.map(letters)) {
        (None, _) => true,
        (Some(line), Some(row)) => line.starts_with(&row) || row.starts_with(&line),
        (Some(line), None) => line.is_empty(),
    }
}
