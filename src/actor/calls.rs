//! Finds the call that started each operation: by token, by the stack's ARN, by name and time.
//! It looks at successful calls to CloudFormation only, and never lets one call start two operations.
//! Used by `actor`; the index is made once, so that 400,000 events cost one pass.

use super::Basis;
use super::signatures::plain_change_set;
use crate::model::{Call, Event, Identity, Outcome, Text, Time};
use crate::operation::{History, Incarnation, Kind, Operation};
use crate::timeline::Timeline;
use chrono::TimeDelta;
use hashbrown::{HashMap, HashSet};
use std::ops::RangeInclusive;

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

/// CloudTrail cuts its times down to seconds, so that a call seems to come up to a second early, or, by another clock, late.
const LATE: TimeDelta = TimeDelta::seconds(1);
/// So soon after a call the stack's first event comes, as a rule.
const SOON: TimeDelta = TimeDelta::seconds(15);
/// So much later it may come if no other call can have started it.
const LATER: TimeDelta = TimeDelta::seconds(60);
/// The same where the stack's ARN ties the two.
const LATER_BY_ID: TimeDelta = TimeDelta::seconds(120);
/// A token may be used again by whoever makes it up: one of another day is another operation's.
const SAME_TOKEN: TimeDelta = TimeDelta::hours(1);

/// A write call to CloudFormation that was not refused, or one that an operation consists of.
pub(super) struct Asked<'t> {
    /// Index into `Timeline::events`.
    pub index: usize,
    /// The event itself.
    pub event: &'t Event,
    /// What only CloudTrail tells of it.
    pub call: &'t Call,
    /// The stack's ARN, from the call or from the change set that it is about.
    pub stack_id: Option<&'t str>,
    /// The stack's name, likewise.
    pub name: Option<&'t str>,
    /// The CreateChangeSet of the change set that it is about, as an index into [`Calls::all`].
    pub creator: Option<usize>,
}

impl<'t> Asked<'t> {
    fn of(index: usize, event: &'t Event) -> Option<Self> {
        let call = event.call.as_deref().filter(|call| &*call.service == CLOUDFORMATION && !call.read_only)?;
        Some(Self {
            index,
            event,
            call,
            stack_id: event.stack_id.as_deref(),
            name: event.stack_name.as_deref(),
            creator: None,
        })
    }

    /// True if it can have been about this stack as far as ids, names, region and account tell.
    pub fn is_about(&self, incarnation: &Incarnation) -> bool {
        let id = incarnation.stack_id.as_deref();
        if let (Some(of_call), Some(id)) = (self.stack_id, id) {
            return of_call == id;
        }
        let same_name = self.name.is_none_or(|name| name == &*incarnation.name);
        let agrees = |told: Option<&Text>, known: Option<&str>| match (told, known) {
            (Some(told), Some(known)) => &**told == known,
            _ => true,
        };
        let place = id.map(place_of);
        same_name
            && agrees(self.call.region.as_ref(), place.map(|(region, _)| region))
            && agrees(self.call.identity.account.as_ref(), place.map(|(_, account)| account))
    }
}

/// Region and account of an ARN.
fn place_of(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(3);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

/// The call that started an operation, and how we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// Index into [`Calls::all`].
    pub asked: usize,
    /// How it was joined.
    pub basis: Basis,
}

/// What a call is looked for.
struct Wanted<'a> {
    operation: &'a Operation,
    incarnation: &'a Incarnation,
    /// Calls that started an earlier operation.
    taken: &'a HashSet<usize>,
}

/// The calls of a timeline, by everything that they are looked up by.
pub(super) struct Calls<'t> {
    pub timeline: &'t Timeline,
    /// In order of time.
    pub all: Vec<Asked<'t>>,
    by_token: HashMap<&'t str, Vec<usize>>,
    by_id: HashMap<&'t str, Vec<usize>>,
    by_name: HashMap<&'t str, Vec<usize>>,
    by_event: HashMap<usize, usize>,
    issued: HashMap<&'t str, usize>,
    /// AssumeRole* events in order of time, as indexes into `Timeline::events`.
    assumed: Vec<usize>,
    /// First and last CloudTrail event of each region; of records that tell no region under `None`.
    seen: HashMap<Option<&'t str>, (Time, Time)>,
    /// First and last CloudTrail event of all.
    seen_anywhere: Option<(Time, Time)>,
    gap: bool,
}

impl<'t> Calls<'t> {
    /// The index of a timeline.
    pub fn of(timeline: &'t Timeline) -> Self {
        let mut calls = Self {
            timeline,
            all: Vec::new(),
            by_token: HashMap::new(),
            by_id: HashMap::new(),
            by_name: HashMap::new(),
            by_event: HashMap::new(),
            issued: HashMap::new(),
            assumed: Vec::new(),
            seen: HashMap::new(),
            seen_anywhere: None,
            gap: timeline.gaps.iter().any(|gap| &*gap.source == "cloudtrail"),
        };
        for (index, event) in timeline.events.iter().enumerate() {
            if event.source == "cloudtrail" {
                calls.take(index, event);
            }
        }
        calls.resolve_change_sets();
        calls.index();
        calls
    }

    fn take(&mut self, index: usize, event: &'t Event) {
        let Some(call) = event.call.as_deref() else { return };
        self.seen.entry(call.region.as_deref()).or_insert((event.at, event.at)).1 = event.at;
        self.seen_anywhere.get_or_insert((event.at, event.at)).1 = event.at;
        if event.action.starts_with("AssumeRole") {
            self.assumed.push(index);
            if let Some(key) = call.issued_key.as_deref() {
                self.issued.entry(key).or_insert(index);
            }
        }
        self.all.extend(Asked::of(index, event));
    }

    /// Ties each call about a change set to the call that made it, and so to its stack: ExecuteChangeSet may carry nothing
    /// but the change set's ARN, which does not hold the stack's.
    fn resolve_change_sets(&mut self) {
        let mut by_arn: HashMap<&str, usize> = HashMap::new();
        let mut by_name: HashMap<(&str, &str), usize> = HashMap::new();
        for index in 0..self.all.len() {
            let Some(asked) = self.all.get_mut(index) else { continue };
            let Some(set) = asked.call.change_set.as_deref() else {
                continue;
            };
            let is_arn = set.starts_with("arn:");
            let named = asked.name.map(|name| (name, plain_change_set(set)));
            if &*asked.event.action == "CreateChangeSet" {
                if asked.event.error.is_none() {
                    if is_arn {
                        by_arn.insert(set, index);
                    }
                    by_name.extend(named.map(|named| (named, index)));
                }
                continue;
            }
            let by_name = || named.and_then(|named| by_name.get(&named)).filter(|_| !is_arn);
            let Some(creator) = by_arn.get(set).or_else(by_name).copied() else {
                continue;
            };
            asked.creator = Some(creator);
            let Some((stack_id, name)) = self.all.get(creator).map(|made| (made.stack_id, made.name)) else {
                continue;
            };
            if let Some(asked) = self.all.get_mut(index) {
                asked.stack_id = asked.stack_id.or(stack_id);
                asked.name = asked.name.or(name);
            }
        }
    }

    fn index(&mut self) {
        for (place, asked) in self.all.iter().enumerate() {
            self.by_event.insert(asked.index, place);
            if asked.event.error.is_some() {
                continue;
            }
            if let Some(token) = asked.event.token.as_deref() {
                self.by_token.entry(token).or_default().push(place);
            }
            if let Some(id) = asked.stack_id {
                self.by_id.entry(id).or_default().push(place);
            }
            if let Some(name) = asked.name {
                self.by_name.entry(name).or_default().push(place);
            }
        }
    }

    /// The call that started each operation, in the order of `history.operations`.
    pub fn starts(&self, history: &History) -> Vec<Option<Start>> {
        let mut taken = HashSet::new();
        history
            .operations
            .iter()
            .map(|operation| {
                let wanted =
                    Wanted { operation, incarnation: history.incarnations.get(operation.incarnation)?, taken: &taken };
                let start = self
                    .only_call(operation)
                    .or_else(|| self.by_token(&wanted))
                    .or_else(|| self.by_id(&wanted))
                    .or_else(|| self.by_name(&wanted))?;
                taken.insert(start.asked);
                Some(start)
            })
            .collect()
    }

    /// An operation without rows is nothing but a call, refused perhaps.
    fn only_call(&self, operation: &Operation) -> Option<Start> {
        // The list of stacks tells when the stack was made, which may be long before the change set was executed.
        if rows(self.timeline, operation).any(|(_, event)| event.source != "stacks") {
            return None;
        }
        let asked = operation.events.iter().find_map(|index| {
            let place = self.by_event.get(index).copied()?;
            let event = self.all.get(place)?.event;
            let is_it = event.at == operation.started_at || &*event.action == "ExecuteChangeSet";
            (is_it && fits(operation.kind, &event.action)).then_some(place)
        })?;
        Some(Start { asked, basis: Basis::NameAndTime })
    }

    fn by_token(&self, wanted: &Wanted<'_>) -> Option<Start> {
        // A call's own token would join whatever the operation was given by time; only CloudFormation's rows prove it.
        let of_rows = rows(self.timeline, wanted.operation).filter_map(|(_, event)| event.token.as_deref());
        let mut tokens: Vec<&str> = Vec::new();
        for token in wanted.operation.token.as_deref().into_iter().chain(of_rows) {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        let candidates = tokens.iter().filter_map(|token| self.by_token.get(token)).flatten();
        let asked = self.nearest(wanted, candidates, -LATER..=SAME_TOKEN)?;
        Some(Start { asked, basis: Basis::Token })
    }

    fn by_id(&self, wanted: &Wanted<'_>) -> Option<Start> {
        let candidates = self.by_id.get(wanted.incarnation.stack_id.as_deref()?)?;
        // A stack is created once, so its creation needs no limit: the first of its events may be missing.
        let most = if wanted.operation.kind == Kind::Create { TimeDelta::days(1) } else { LATER_BY_ID };
        let leads = -LATE * 2..=most;
        let asked = self.nearest(wanted, self.within(candidates, wanted, &leads).iter(), leads)?;
        Some(Start { asked, basis: Basis::StackId })
    }

    fn by_name(&self, wanted: &Wanted<'_>) -> Option<Start> {
        let candidates = self.by_name.get(&*wanted.incarnation.name)?;
        let candidates = self.within(candidates, wanted, &(-LATE..=LATER));
        let soon = self.nearest(wanted, candidates.iter(), -LATE..=SOON);
        let asked = soon.or_else(|| {
            let mut later = candidates.iter().filter(|index| self.may_start(**index, wanted, &(-LATE..=LATER)));
            later.next().filter(|_| later.next().is_none()).copied()
        })?;
        Some(Start { asked, basis: Basis::NameAndTime })
    }

    fn nearest<'c>(
        &self,
        wanted: &Wanted<'_>,
        candidates: impl Iterator<Item = &'c usize>,
        leads: RangeInclusive<TimeDelta>,
    ) -> Option<usize> {
        candidates
            .copied()
            .filter(|index| self.may_start(*index, wanted, &leads))
            .min_by_key(|index| (self.lead(*index, wanted).map(|lead| lead.abs()), *index))
    }

    /// Those of `candidates`, which are in order of time, that were within `leads` before the operation's first event: a
    /// name may have thousands of calls.
    fn within<'c>(
        &self,
        candidates: &'c [usize],
        wanted: &Wanted<'_>,
        leads: &RangeInclusive<TimeDelta>,
    ) -> &'c [usize] {
        let began = wanted.operation.started_at;
        let at = |index: &usize| self.all.get(*index).map(|asked| asked.event.at);
        let first = candidates.partition_point(|index| at(index).is_some_and(|at| at < began - *leads.end()));
        let end = candidates.partition_point(|index| at(index).is_some_and(|at| at <= began - *leads.start()));
        candidates.get(first..end).unwrap_or_default()
    }

    /// How long before the operation's first event the call was.
    fn lead(&self, index: usize, wanted: &Wanted<'_>) -> Option<TimeDelta> {
        Some(wanted.operation.started_at - self.all.get(index)?.event.at)
    }

    fn may_start(&self, index: usize, wanted: &Wanted<'_>, leads: &RangeInclusive<TimeDelta>) -> bool {
        !wanted.taken.contains(&index)
            && self.lead(index, wanted).is_some_and(|lead| leads.contains(&lead))
            && self.all.get(index).is_some_and(|asked| {
                fits(wanted.operation.kind, &asked.event.action) && asked.is_about(wanted.incarnation)
            })
    }

    /// The AssumeRole* call that issued this access key, as an index into `Timeline::events`.
    pub fn issuer(&self, key: &str) -> Option<usize> {
        self.issued.get(key).copied()
    }

    /// The successful calls of these names about the incarnation's name between two instants, in order of time. Calls about
    /// another incarnation of the name are among them.
    pub fn about<'c>(
        &'c self,
        incarnation: &'c Incarnation,
        actions: &'c [&'c str],
        from: Time,
        to: Time,
    ) -> impl DoubleEndedIterator<Item = &'c Asked<'t>> + 'c {
        let of_name = self.by_name.get(&*incarnation.name).map_or(&[][..], Vec::as_slice);
        let at = |index: &usize| self.all.get(*index).map(|asked| asked.event.at);
        let first = of_name.partition_point(|index| at(index).is_some_and(|at| at < from));
        let end = of_name.partition_point(|index| at(index).is_some_and(|at| at <= to));
        let place = incarnation.stack_id.as_deref().map(|id| place_of(id).0);
        let within = of_name.get(first..end).unwrap_or_default();
        within
            .iter()
            .filter_map(|index| self.all.get(*index))
            .filter(move |asked| actions.contains(&&*asked.event.action))
            .filter(move |asked| match (asked.call.region.as_deref(), place) {
                (Some(told), Some(known)) => told == known,
                _ => true,
            })
    }

    /// The AssumeRole* events between two instants.
    pub fn assumed(&self, from: Time, to: Time) -> impl Iterator<Item = (usize, &'t Event)> {
        let at = |index: &usize| self.timeline.events.get(*index).map(|event| event.at);
        let first = self.assumed.partition_point(|index| at(index).is_some_and(|at| at < from));
        self.assumed
            .iter()
            .skip(first)
            .filter_map(|index| Some((*index, self.timeline.events.get(*index)?)))
            .take_while(move |(_, event)| event.at <= to)
    }

    /// True if CloudTrail's records reach from before `from` to after `to` in the stack's region, and none is known to be
    /// missing: only then does an absence tell something.
    pub fn covers(&self, incarnation: &Incarnation, from: Time, to: Time) -> bool {
        let span = match incarnation.stack_id.as_deref() {
            // Records that LookupEvents lists without their text tell no region.
            Some(id) => self.seen.get(&Some(place_of(id).0)).or_else(|| self.seen.get(&None)),
            None => self.seen_anywhere.as_ref(),
        };
        !self.gap && span.is_some_and(|(first, last)| *first <= from && *last >= to)
    }

    /// True if there is anything of CloudTrail at all.
    pub fn any(&self) -> bool {
        !self.seen.is_empty()
    }
}

/// True if a call of this name can start an operation of this kind.
fn fits(kind: Kind, action: &str) -> bool {
    match kind {
        Kind::Create => matches!(action, "CreateStack" | "ExecuteChangeSet"),
        Kind::Update => matches!(action, "UpdateStack" | "ExecuteChangeSet"),
        Kind::Import => action == "ExecuteChangeSet",
        Kind::Delete => action == "DeleteStack",
        Kind::Rollback => matches!(action, "RollbackStack" | "ContinueUpdateRollback" | "CancelUpdateStack"),
        Kind::ChangeSet => action == "CreateChangeSet",
        Kind::Unknown => matches!(action, "CreateStack" | "UpdateStack" | "ExecuteChangeSet" | "CreateChangeSet"),
    }
}

/// True if the two are one session: the same temporary key, or the same session of the same role.
pub(super) fn same_session(one: &Identity, other: &Identity) -> bool {
    let same = |one: &Option<Text>, other: &Option<Text>| one.is_some() && one == other;
    same(&one.access_key, &other.access_key) || same(&one.arn, &other.arn)
}

/// The rows by which CloudFormation tells of the operation, in order of time.
pub(super) fn rows<'t>(timeline: &'t Timeline, operation: &'t Operation) -> impl Iterator<Item = (usize, &'t Event)> {
    operation.events.iter().filter_map(|index| Some((*index, timeline.events.get(*index)?))).filter(|(_, event)| {
        match event.source {
            "stack_events" | "operation_events" | "stacks" | "change_sets" => true,
            "deploy_log" => event.status.is_some(),
            _ => false,
        }
    })
}

/// The stack's own row with which the operation began; a review before it does not count.
pub(super) fn first_row<'t>(timeline: &'t Timeline, operation: &Operation) -> Option<(usize, &'t Event)> {
    operation.events.iter().filter_map(|index| Some((*index, timeline.events.get(*index)?))).find(|(_, event)| {
        event.is_stack_event()
            && event.is_of_stack_itself()
            && event.outcome == Outcome::InProgress
            && event.at >= operation.started_at
    })
}
