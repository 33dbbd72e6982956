//! Rules that join events: each is one file and one line in the table below.
//! A joining rule gets the whole story, and what the data rules read in the failures' own texts, and answers findings; it
//! never looks at the answers of other joining rules.
//! Used by the diagnosis.

mod change_set_theory;
mod cut_off;
mod failing_text;
mod leftover;
mod meanwhile;
mod only_a_summary;
mod other_records;
mod out_of_band;
mod refused_call;
mod unfinished;

use super::catalog::Catalogue;
use super::rule::{Decibans, Evidence, Finding, PRIOR, Rule};
use super::words::{self, Names};
use crate::model::{Event, Reason, Text, Time, arn};
use crate::operation::{History, Kind, Role, Story};
use crate::timeline::Timeline;
use chrono::TimeDelta;
use failing_text::Known;
pub use failing_text::text_of;
use hashbrown::{HashMap, HashSet};

/// What a rule may look at.
#[derive(Debug)]
pub struct Context<'a> {
    /// All events.
    pub timeline: &'a Timeline,
    /// All operations.
    pub history: &'a History,
    /// The operations that are diagnosed.
    pub story: &'a Story,
    /// The data rules.
    pub catalogue: &'a Catalogue,
    /// The real failures of the story, the most important first. May be empty.
    pub failing: &'a [Failing],
    /// What the data rules read in the text of each of them.
    own_words: Vec<Vec<Known<'a>>>,
    /// Indexes of the story's events, in order of time within each operation.
    of_story: Vec<usize>,
    /// When the work on each resource of the story began.
    first_rows: HashMap<Place<'a>, Time>,
}

/// A stack and a logical id.
type Place<'a> = (Option<&'a Text>, Option<&'a Text>);

fn place(event: &Event) -> Place<'_> {
    (event.stack_id.as_ref(), event.logical_id.as_ref())
}

/// A real failure of the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failing {
    /// Index into `Timeline::events`.
    pub event: usize,
    /// Index into `History::operations`: the operation of the stack that is asked about.
    pub operation: usize,
    /// Root or independent.
    pub role: Role,
}

impl<'a> Context<'a> {
    /// The context of a story's failures. Their texts are read here, once for all rules.
    pub fn new(
        timeline: &'a Timeline,
        history: &'a History,
        story: &'a Story,
        catalogue: &'a Catalogue,
        failing: &'a [Failing],
    ) -> Self {
        let own_words = failing
            .iter()
            .map(|failing| {
                let event = timeline.events.get(failing.event);
                let kind = kind_word(history, failing);
                event.map_or_else(Vec::new, |event| failing_text::own_words(catalogue, event, kind))
            })
            .collect();
        let of_story = events_of(history, story);
        let mut first_rows: HashMap<Place<'a>, Time> = HashMap::new();
        let events = of_story.iter().filter_map(|index| timeline.events.get(*index));
        for event in events.filter(|event| event.is_stack_event()) {
            let began = first_rows.entry(place(event)).or_insert(event.at);
            *began = event.at.min(*began);
        }
        Self { timeline, history, story, catalogue, failing, own_words, of_story, first_rows }
    }

    /// The rules that know a failure's own text.
    fn own_words(&self, failing: &Failing) -> &[Known<'a>] {
        let place = self.failing.iter().position(|other| other == failing);
        place.and_then(|place| self.own_words.get(place)).map_or(&[], Vec::as_slice)
    }

    /// The rule that knows a failure's own text best, if any does.
    pub fn best_rule(&self, failing: &Failing) -> Option<&'a Rule> {
        failing_text::best(self.own_words(failing))
    }

    /// The failures that are joined with other records: of thousands, the most important.
    pub fn joined(&self) -> &'a [Failing] {
        const AT_MOST: usize = 50;
        self.failing.get(..AT_MOST).unwrap_or(self.failing)
    }

    /// The events of the story and of the nested stacks in it, in order of time within each operation.
    pub fn events(&self) -> impl Iterator<Item = (usize, &'a Event)> {
        let timeline = self.timeline;
        self.of_story.iter().filter_map(move |index| Some((*index, timeline.events.get(*index)?)))
    }

    /// When the work on a failed resource began; where no row tells, when it failed.
    pub fn began(&self, failed: &Event) -> Time {
        self.first_rows.get(&place(failed)).copied().unwrap_or(failed.at).min(failed.at)
    }

    /// What a rule's words may say of a failure: where it is, and the parts of the reason that was read.
    pub(in crate::rules) fn names(&self, failing: &Failing, reason: &Reason<'_>) -> Names {
        let mut names = reason.names();
        let Some(event) = self.timeline.events.get(failing.event) else { return names };
        let stack_arn = event.stack_id.clone().or_else(|| {
            let operation = self.history.operations.get(failing.operation)?;
            self.history.incarnations.get(operation.incarnation)?.stack_id.clone()
        });
        let stack_arn = stack_arn.as_deref();
        let text = |value: &Option<Text>| value.as_deref().filter(|value| !value.is_empty()).map(str::to_owned);
        // `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME` is the physical id of an ECS service.
        let service = event.physical_id.as_deref().and_then(|id| id.split_once(":service/")).map(|(_, path)| path);
        let service = service.and_then(|path| path.split_once('/'));
        let since = (event.at + TimeDelta::minutes(-30)).timestamp_millis();
        let minute = |delta| crate::model::time::text(event.at + delta);
        for (name, value) in [
            ("stack", stack_arn.and_then(arn::stack_name).map(str::to_owned).or_else(|| text(&event.stack_name))),
            ("stack_arn", stack_arn.map(str::to_owned)),
            ("region", stack_arn.and_then(arn::region).map(str::to_owned)),
            ("account", stack_arn.and_then(arn::account).map(str::to_owned)),
            ("logical_id", text(&event.logical_id)),
            ("physical_id", text(&event.physical_id)),
            ("resource_type", text(&event.resource_type)),
            ("passed_to", event.resource_type.as_deref().and_then(words::service_principal).map(str::to_owned)),
            ("cluster", service.map(|(cluster, _)| cluster.to_owned())),
            ("ecs_service", service.map(|(_, name)| name.to_owned())),
            ("since_ms", Some(since.to_string()).filter(|_| !event.approximate)),
            ("before", Some(minute(TimeDelta::minutes(-5))).filter(|_| !event.approximate)),
            ("after", Some(minute(TimeDelta::minutes(1))).filter(|_| !event.approximate)),
        ] {
            names.extend(value.map(|value| (name, value)));
        }
        names
    }

    /// True where nothing is known to be missing of a source, so that its silence says something.
    pub fn is_whole(&self, source: &str) -> bool {
        !self.timeline.gaps.iter().any(|gap| &*gap.source == source)
    }

    /// The word of the kind of a failure's operation, as rules write it.
    pub fn kind_word(&self, failing: &Failing) -> &'static str {
        kind_word(self.history, failing)
    }
}

/// The events of the operations of a story, and of the nested stacks in it.
fn events_of(history: &History, story: &Story) -> Vec<usize> {
    let own: HashSet<usize> = story.operations.iter().copied().collect();
    let belongs = |index: usize| {
        let mut at = Some(index);
        for _ in 0..64 {
            match at {
                Some(index) if own.contains(&index) => return true,
                Some(index) => at = history.operations.get(index).and_then(|operation| operation.parent),
                None => return false,
            }
        }
        false
    };
    let operations = history.operations.iter().enumerate().filter(|(index, _)| belongs(*index));
    operations.flat_map(|(_, operation)| operation.events.iter().copied()).collect()
}

fn kind_word(history: &History, failing: &Failing) -> &'static str {
    history.operations.get(failing.operation).map_or(Kind::Unknown, |operation| operation.kind).word()
}

/// A rule that joins.
type Joining = fn(&Context<'_>) -> Vec<Finding>;

const ALL: &[Joining] = &[
    failing_text::find,
    only_a_summary::find,
    refused_call::find,
    other_records::find,
    meanwhile::find,
    out_of_band::find,
    leftover::find,
    change_set_theory::find,
    cut_off::find,
    unfinished::find,
];

/// What all rules say of a story.
pub fn findings(context: &Context<'_>) -> Vec<Finding> {
    ALL.iter().flat_map(|rule| rule(context)).collect()
}

/// True where the text has the word as a whole: ids are often beginnings or ends of others.
fn has_token(text: &str, word: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let mut after = text.get(at + word.len()..).unwrap_or_default().chars();
        // A full stop ends a sentence, unless a name goes on behind it.
        let is_over = match after.next() {
            Some('.') => !after.next().is_some_and(char::is_alphanumeric),
            Some(c) => !goes_on(c),
            None => true,
        };
        !word.is_empty() && !before.is_some_and(goes_on) && is_over
    })
}

/// What a record that says why takes from words that only say that it failed.
const EXPLAINED: Decibans = -8.0;

/// The evidence against the cause that vague words stand for, where other records of the same failure say more: the
/// heaviest of them explains the words away. None where they say the same, or nothing.
fn explained_by(failing: &Failing, vague: &Rule, joined: &[Finding]) -> Option<Finding> {
    let weight = |finding: &&Finding| finding.evidence.first().map_or(0.0, |evidence| evidence.decibans);
    let heaviest = joined.iter().max_by(|a, b| weight(a).total_cmp(&weight(b)))?;
    let ground = heaviest.evidence.first()?.ground;
    (heaviest.cause != vague.cause && weight(&heaviest) > -PRIOR).then(|| {
        let says = "this record says why, where those words only say that it failed".to_owned();
        let evidence = vec![Evidence { ground, decibans: EXPLAINED, says }];
        Finding::on_theory(&vague.id, &vague.cause, failing.event, evidence)
    })
}
