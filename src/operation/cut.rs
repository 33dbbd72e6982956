//! From CloudFormation's own rows to incarnations and operations.
//! OperationIds decide where the rows have them; else the stack's own statuses do, in the order of time.
//! Used by `operation::cut` only.

use super::{Ending, History, Incarnation, Kind, Operation};
use crate::model::{Event, Outcome, Text, Time, status};
use crate::timeline::{Timeline, is_summary_text};
use chrono::TimeDelta;
use hashbrown::HashMap;

/// What an operation is while its rows come in.
#[derive(Debug)]
struct Draft {
    kind: Kind,
    /// The kind was guessed from a resource's row: the stack's own rows are missing.
    guessed: bool,
    operation_id: Option<Text>,
    token: Option<Text>,
    status_before: Option<Text>,
    status: Option<Text>,
    /// The stack's own first and last row.
    own: Option<(Time, Time)>,
    events: Vec<usize>,
}

/// A stack while its rows come in.
#[derive(Debug)]
struct Stack {
    id: Option<Text>,
    name: Text,
    parent: Option<Text>,
    drafts: Vec<Draft>,
    /// For each OperationId the drafts that carry it.
    by_operation: HashMap<Text, Vec<usize>>,
    /// Change sets that were made; they become part of what comes next, or stand alone.
    change_sets: Vec<usize>,
    rows: usize,
}

/// The stack's identity: its ARN, else its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Id(Text),
    Name(Text),
}

/// Incarnations and operations by the rows of CloudFormation and of deploy tools.
pub(super) fn by_rows(timeline: &Timeline) -> History {
    let mut stacks: Vec<Stack> = Vec::new();
    let mut by_key: HashMap<Key, usize> = HashMap::new();
    let names = Names::of(timeline);
    for (index, event) in timeline.events.iter().enumerate().filter(|(_, event)| is_row(event)) {
        let key = names.key_of(event);
        let stack = *by_key.entry(key.clone()).or_insert_with(|| {
            let (id, name) = match &key {
                Key::Id(id) => (Some(id.clone()), event.stack_name.clone().unwrap_or_default()),
                Key::Name(name) => (None, name.clone()),
            };
            stacks.push(Stack {
                id,
                name,
                parent: None,
                drafts: Vec::new(),
                by_operation: HashMap::new(),
                change_sets: Vec::new(),
                rows: 0,
            });
            stacks.len() - 1
        });
        if let Some(stack) = stacks.get_mut(stack) {
            stack.take(index, event);
        }
    }
    for (child, parent) in nesting(timeline) {
        if let Some(stack) = by_key.get(&Key::Id(child)).and_then(|index| stacks.get_mut(*index)) {
            stack.parent = Some(parent);
        }
    }
    finish(stacks, timeline)
}

/// True for what tells of a stack or one of its resources in CloudFormation's words.
fn is_row(event: &Event) -> bool {
    match event.source {
        "stack_events" | "operation_events" | "stacks" | "change_sets" => true,
        "deploy_log" => event.status.is_some() && (event.resource_type.is_some() || event.logical_id.is_some()),
        _ => false,
    }
}

/// The nested stacks: a parent's row carries the child's ARN as physical id, also when the child is long gone.
fn nesting(timeline: &Timeline) -> Vec<(Text, Text)> {
    let mut found: Vec<(Text, Text)> = timeline
        .events
        .iter()
        .filter(|event| event.is_stack_event() && event.resource_type.as_deref() == Some(status::STACK_TYPE))
        .filter_map(|event| Some((event.physical_id.clone()?, event.stack_id.clone()?)))
        .filter(|(child, parent)| child != parent)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Which stack a row without an ARN belongs to.
struct Names {
    /// For each name its ARNs with the time of their first row, oldest first.
    ids: HashMap<Text, Vec<(Time, Text)>>,
    /// The only name there is, if there is only one that is not nested.
    only: Option<Text>,
}

impl Names {
    fn of(timeline: &Timeline) -> Self {
        let mut ids: HashMap<Text, Vec<(Time, Text)>> = HashMap::new();
        let mut seen = hashbrown::HashSet::new();
        for event in timeline.events.iter().filter(|event| is_row(event)) {
            if let (Some(name), Some(id)) = (&event.stack_name, &event.stack_id)
                && seen.insert(id.clone())
            {
                ids.entry(name.clone()).or_default().push((event.at, id.clone()));
            }
        }
        let nested: hashbrown::HashSet<Text> = nesting(timeline).into_iter().map(|(child, _)| child).collect();
        let mut roots: Vec<&Text> = ids
            .iter()
            .filter(|(_, ids)| ids.iter().any(|(_, id)| !nested.contains(id)))
            .map(|(name, _)| name)
            .collect();
        roots.sort();
        roots.dedup();
        let only = if let [only] = roots[..] { Some(only.clone()) } else { None };
        Self { ids, only }
    }

    fn key_of(&self, event: &Event) -> Key {
        if let Some(id) = &event.stack_id {
            return Key::Id(id.clone());
        }
        let name = event.stack_name.as_ref().or(self.only.as_ref());
        let Some(name) = name else {
            return Key::Name(Text::default());
        };
        match self.ids.get(name) {
            // The newest incarnation that there was at the time.
            Some(ids) => {
                let alive = ids.iter().rev().find(|(first, _)| *first <= event.at).or(ids.first());
                alive.map_or_else(|| Key::Name(name.clone()), |(_, id)| Key::Id(id.clone()))
            }
            None => Key::Name(name.clone()),
        }
    }
}

/// A row this long after an operation has ended is of another one.
const AFTERMATH: TimeDelta = TimeDelta::minutes(10);

/// How many operations back a late row may belong.
const RECENT: usize = 4;

impl Stack {
    fn take(&mut self, index: usize, event: &Event) {
        self.rows += 1;
        if event.source == "change_sets" {
            self.change_sets.push(index);
            return;
        }
        let own = own_kind(event);
        let place = match own {
            Some(kind) => self.draft_of_own(kind, event),
            None => self.draft_of_resource(event),
        };
        let Some(draft) = self.drafts.get_mut(place) else { return };
        draft.events.push(index);
        draft.token = draft.token.take().or_else(|| event.token.clone());
        if let (None, Some(id)) = (&draft.operation_id, &event.operation_id) {
            draft.operation_id = Some(id.clone());
            self.by_operation.entry(id.clone()).or_default().push(place);
        }
        if own.is_some() {
            draft.own = Some((draft.own.map_or(event.at, |(first, _)| first), event.at));
            draft.status = event.status.clone().or(draft.status.take());
        }
    }

    /// The drafts of the event's OperationId, the newest first.
    fn known(&self, event: &Event) -> impl Iterator<Item = usize> {
        let known = event.operation_id.as_ref().and_then(|id| self.by_operation.get(id));
        known.into_iter().flatten().rev().copied()
    }

    /// The operation that the stack's own row begins or continues.
    fn draft_of_own(&mut self, kind: Kind, event: &Event) -> usize {
        let of_kind = |index: &usize| self.drafts.get(*index).is_some_and(|draft| draft.kind == kind);
        if let Some(known) = self.known(event).find(of_kind) {
            return known;
        }
        let begins = event.outcome == Outcome::InProgress && !status::at_rest(event.status());
        if let Some(last) = self.drafts.len().checked_sub(1)
            && let Some(draft) = self.drafts.get_mut(last)
        {
            let rests = draft.status.as_deref().is_some_and(status::at_rest);
            let differs = |a: &Option<Text>, b: &Option<Text>| a.is_some() && b.is_some() && a != b;
            let other =
                differs(&draft.operation_id, &event.operation_id) || begins && differs(&draft.token, &event.token);
            if draft.kind == kind && !other && !(begins && rests) {
                return last;
            }
            let deployed = matches!(draft.kind, Kind::Create | Kind::Update | Kind::Import) && kind == Kind::Rollback;
            if draft.guessed && draft.own.is_none() && !begins && !deployed {
                // The rows before it lacked their beginning; this one names what they were.
                draft.kind = kind;
                draft.guessed = false;
                return last;
            }
        }
        self.begin(kind, false, event)
    }

    fn draft_of_resource(&mut self, event: &Event) -> usize {
        if let Some(known) = self.known(event).next() {
            return known;
        }
        let Some((last, draft)) =
            self.drafts.len().checked_sub(1).and_then(|last| Some((last, self.drafts.get(last)?)))
        else {
            return self.begin(kind_of_verb(event), true, event);
        };
        if event.operation_id.is_some() {
            // The stack's own rows may lack the id that its resources' rows have.
            let adopts = draft.operation_id.is_none() && draft.kind != Kind::ChangeSet;
            return if adopts { last } else { self.begin(kind_of_verb(event), true, event) };
        }
        // A late row still carries the token of its operation.
        let recent = self.drafts.iter().enumerate().rev().take(RECENT);
        let of_token = recent
            .filter(|(_, draft)| draft.token.is_some() && draft.token == event.token)
            .map(|(index, _)| index)
            .next();
        if let Some(of_token) = of_token.filter(|of_token| *of_token != last) {
            return of_token;
        }
        let ended = draft.own.filter(|_| draft.status.as_deref().is_some_and(|status| !status::in_progress(status)));
        if ended.is_some_and(|(_, ended)| event.at > ended + AFTERMATH) {
            return self.begin(kind_of_verb(event), true, event);
        }
        // The ends of what an operation had begun trickle in after a delete or a rollback has taken over.
        let late = match draft.kind {
            Kind::Delete => matches!(&*event.action, "CREATE" | "UPDATE" | "IMPORT"),
            Kind::Rollback if event.outcome == Outcome::Cancelled => true,
            Kind::Rollback => &*event.action == "CREATE" && event.outcome != Outcome::InProgress,
            _ => false,
        };
        let deployment = |draft: &Draft| matches!(draft.kind, Kind::Create | Kind::Update | Kind::Import);
        if late { self.drafts.iter().rposition(deployment).unwrap_or(last) } else { last }
    }

    fn begin(&mut self, kind: Kind, guessed: bool, event: &Event) -> usize {
        let status_before = self.drafts.iter().rev().find_map(|draft| draft.status.clone());
        self.drafts.push(Draft { guessed, status_before, ..Draft::of(kind) });
        if let Some(id) = &event.operation_id {
            self.by_operation.entry(id.clone()).or_default().push(self.drafts.len() - 1);
        }
        let last = self.drafts.len() - 1;
        if let Some(draft) = self.drafts.get_mut(last) {
            draft.operation_id.clone_from(&event.operation_id);
        }
        last
    }
}

impl Draft {
    fn of(kind: Kind) -> Self {
        Self {
            kind,
            guessed: false,
            operation_id: None,
            token: None,
            status_before: None,
            status: None,
            own: None,
            events: Vec::new(),
        }
    }
}

/// The kind of operation that a stack's own row belongs to; `None` for a resource's row.
fn own_kind(event: &Event) -> Option<Kind> {
    let of_change_set = event.resource_type.as_deref() == Some(status::CHANGE_SET_TYPE);
    if !event.is_of_stack_itself() && !of_change_set || event.hook.is_some() || event.validation.is_some() {
        return None;
    }
    if of_change_set || event.status() == "REVIEW_IN_PROGRESS" {
        return Some(Kind::ChangeSet);
    }
    Some(kind_of_verb(event))
}

fn kind_of_verb(event: &Event) -> Kind {
    let validated = event.validation.as_ref().and_then(|validation| validation.operation.as_deref());
    match validated.unwrap_or(&event.action) {
        "CREATE_STACK" => Kind::Create,
        "UPDATE_STACK" => Kind::Update,
        "CREATE_CHANGESET" => Kind::ChangeSet,
        "CREATE" => Kind::Create,
        "UPDATE" => Kind::Update,
        "DELETE" => Kind::Delete,
        "IMPORT" => Kind::Import,
        "ROLLBACK" => Kind::Rollback,
        "REVIEW" => Kind::ChangeSet,
        _ => Kind::Unknown,
    }
}

fn finish(mut stacks: Vec<Stack>, timeline: &Timeline) -> History {
    let mut history = History { operation_of: vec![None; timeline.events.len()], ..History::default() };
    stacks.retain(|stack| stack.rows > 0);
    for stack in &mut stacks {
        merge_reviews(stack);
        place_change_sets(stack, timeline);
    }
    let mut parents: Vec<Option<Text>> = Vec::new();
    for stack in stacks {
        let incarnation = history.incarnations.len();
        let first = stack
            .drafts
            .iter()
            .flat_map(|draft| draft.events.first())
            .min()
            .and_then(|first| timeline.events.get(*first));
        parents.push(stack.parent);
        history.incarnations.push(Incarnation {
            stack_id: stack.id,
            name: stack.name,
            number: 0,
            parent: None,
            created_at: first.map(|event| event.at).unwrap_or_default(),
            deleted_at: None,
            status: None,
            operations: Vec::new(),
        });
        let mut drafts = stack.drafts;
        drafts.retain(|draft| !draft.events.is_empty());
        for position in 0..drafts.len() {
            if let Some(operation) = settle(&drafts, position, incarnation, timeline) {
                history.operations.push(operation);
            }
        }
    }
    let ids: HashMap<Text, usize> = history
        .incarnations
        .iter()
        .enumerate()
        .filter_map(|(index, incarnation)| Some((incarnation.stack_id.clone()?, index)))
        .collect();
    for (index, parent) in parents.into_iter().enumerate() {
        let parent = parent.and_then(|parent| ids.get(&parent).copied());
        // Parents make a forest: rows that say otherwise are wrong, and a circle would never end.
        if parent.is_some_and(|parent| !is_under(&history, parent, index))
            && let Some(incarnation) = history.incarnations.get_mut(index)
        {
            incarnation.parent = parent;
        }
    }
    history
}

/// True if `incarnation` is `ancestor` or nested in it.
fn is_under(history: &History, mut incarnation: usize, ancestor: usize) -> bool {
    while incarnation != ancestor {
        match history.incarnations.get(incarnation).and_then(|incarnation| incarnation.parent) {
            Some(parent) => incarnation = parent,
            None => return false,
        }
    }
    true
}

/// A change set that was executed is no operation of its own: its rows open the operation that executed it.
fn merge_reviews(stack: &mut Stack) {
    let mut position = 0;
    while position + 1 < stack.drafts.len() {
        let reviewed = stack
            .drafts
            .get(position)
            .is_some_and(|draft| draft.kind == Kind::ChangeSet && !draft.status.as_deref().is_some_and(status::failed));
        let executed =
            stack.drafts.get(position + 1).is_some_and(|draft| matches!(draft.kind, Kind::Create | Kind::Import));
        if reviewed && executed {
            let review = stack.drafts.remove(position);
            if let Some(draft) = stack.drafts.get_mut(position) {
                draft.events.splice(0..0, review.events);
                draft.status_before = review.status;
            }
        } else {
            position += 1;
        }
    }
}

/// A change set is executed within this time by a tool; by a person who approves it perhaps later, but then the evidence
/// has to say so.
const EXECUTED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// The stack's rows of a change set's making, and its own record, tell about the same time.
const SAME_MAKING: TimeDelta = TimeDelta::minutes(2);

/// Puts each change set where it belongs: into the review or the validation that its making opened, before the operation
/// that executed it, or, where it failed or nothing followed, into an operation of its own.
fn place_change_sets(stack: &mut Stack, timeline: &Timeline) {
    for index in std::mem::take(&mut stack.change_sets) {
        let Some(event) = timeline.events.get(index) else { continue };
        let began =
            |draft: &Draft| draft.events.first().and_then(|first| timeline.events.get(*first)).map(|event| event.at);
        let of_another = |draft: &Draft| {
            let rows = draft.events.iter().filter_map(|index| timeline.events.get(*index));
            rows.filter(|row| row.source == "change_sets").any(|row| row.physical_id != event.physical_id)
        };
        let opened = |draft: &Draft| {
            draft.kind == Kind::ChangeSet
                && began(draft).is_some_and(|at| (at - event.at).abs() <= SAME_MAKING)
                && !of_another(draft)
        };
        let executed = |draft: &Draft| {
            let soon = |at: Time| at >= event.at && at <= event.at + EXECUTED_WITHIN;
            matches!(draft.kind, Kind::Create | Kind::Update | Kind::Import)
                && draft.own.is_some_and(|(first, _)| soon(first))
        };
        let executed_by = || stack.drafts.iter().position(executed).filter(|_| event.outcome != Outcome::Failed);
        let place = stack.drafts.iter().rposition(opened).or_else(executed_by).unwrap_or_else(|| {
            let later = stack.drafts.iter().position(|draft| began(draft).is_some_and(|at| at > event.at));
            let at = later.unwrap_or(stack.drafts.len());
            stack.drafts.insert(at, Draft::of(Kind::ChangeSet));
            at
        });
        if let Some(draft) = stack.drafts.get_mut(place) {
            draft.events.push(index);
            draft.events.sort_unstable();
            if draft.kind == Kind::ChangeSet {
                draft.own = draft.own.or(Some((event.at, event.at)));
                draft.status = event.status.clone().or(draft.status.take());
            }
        }
    }
}

fn settle(drafts: &[Draft], position: usize, incarnation: usize, timeline: &Timeline) -> Option<Operation> {
    let draft = drafts.get(position)?;
    let next = drafts.get(position + 1);
    let rows = || draft.events.iter().filter_map(|index| timeline.events.get(*index));
    let first = rows().next()?;
    let last = rows().next_back()?;
    let kind = if draft.guessed && draft.kind != Kind::ChangeSet { guess(&rows()) } else { draft.kind };
    let started_at = own_start(draft, kind, timeline).unwrap_or(first.at);
    let next_start = next.and_then(|next| {
        next.own.map(|(first, _)| first).or_else(|| timeline.events.get(*next.events.first()?).map(|event| event.at))
    });
    let ending = ending(draft, kind, next, &rows(), timeline);
    let ended_at = match (ending, draft.own) {
        (Ending::InProgress, _) => None,
        _ if draft.status.as_deref().is_some_and(|status| !status::in_progress(status)) => {
            draft.own.map(|(_, last)| last)
        }
        (_, Some(_)) if next_start.is_some() => next_start,
        _ => Some(last.at),
    };
    let id = draft.operation_id.clone().unwrap_or_default();
    Some(Operation {
        id,
        incarnation,
        kind,
        ending,
        started_at,
        ended_at: ended_at.map(|at| at.max(started_at)),
        token: draft.token.clone(),
        status_before: draft.status_before.clone(),
        status: draft.status.clone(),
        express: false,
        events: draft.events.clone(),
        failures: Vec::new(),
        cut_off_by: None,
        parent: None,
    })
}

/// The stack's own first row of this kind: rows of the review before it do not count, and a change set's own record
/// only where there is no row.
fn own_start(draft: &Draft, kind: Kind, timeline: &Timeline) -> Option<Time> {
    let mut rows = draft.events.iter().filter_map(|index| timeline.events.get(*index));
    let own = rows.find(|event| event.source != "change_sets" && own_kind(event) == Some(kind));
    own.map(|event| event.at).or(draft.own.map(|(first, _)| first))
}

/// What rows without the stack's own row were part of: an update creates and deletes resources too, a create only creates.
fn guess<'e>(rows: &(impl Iterator<Item = &'e Event> + Clone)) -> Kind {
    let has = |verb: &str| rows.clone().any(|event| &*event.action == verb);
    if has("UPDATE") {
        Kind::Update
    } else if has("IMPORT") {
        Kind::Import
    } else if has("CREATE") {
        Kind::Create
    } else if has("DELETE") {
        Kind::Delete
    } else if has("ROLLBACK") {
        Kind::Rollback
    } else {
        Kind::Unknown
    }
}

fn ending<'e>(
    draft: &Draft,
    kind: Kind,
    next: Option<&Draft>,
    rows: &(impl Iterator<Item = &'e Event> + Clone),
    timeline: &Timeline,
) -> Ending {
    let failed = rows.clone().any(|event| event.outcome == Outcome::Failed);
    let Some(last) = draft.status.as_deref() else {
        let rolled_back = next.is_some_and(|next| next.kind == Kind::Rollback);
        return if failed || rolled_back { Ending::Failed } else { Ending::Unknown };
    };
    if kind == Kind::ChangeSet {
        return match last {
            _ if failed || status::failed(last) => Ending::Failed,
            "CREATE_COMPLETE" | "SUCCEEDED" => Ending::Succeeded,
            _ if next.is_some() => Ending::Succeeded,
            _ => Ending::InProgress,
        };
    }
    if status::failed(last) {
        return Ending::Failed;
    }
    if status::at_rest(last) {
        return Ending::Succeeded;
    }
    match next.map(|next| next.kind) {
        None => Ending::InProgress,
        Some(Kind::Rollback) => Ending::Failed,
        Some(Kind::Delete) => {
            let delete = next.and_then(|next| timeline.events.get(*next.events.first()?));
            let began = delete.map(|event| event.at);
            let before = rows
                .clone()
                .any(|event| event.outcome == Outcome::Failed && began.is_none_or(|began| event.at <= began));
            let by_itself = delete.is_some_and(|event| is_summary_text(event.text()));
            if before || by_itself { Ending::Failed } else { Ending::CutOff }
        }
        Some(_) => Ending::Unknown,
    }
}

/// Orders what was found, numbers the incarnations of each name, and gives every operation an id of its own.
pub(super) fn number(history: &mut History) {
    let mut order: Vec<usize> = (0..history.incarnations.len()).collect();
    let key =
        |incarnation: &Incarnation| (incarnation.name.clone(), incarnation.created_at, incarnation.stack_id.clone());
    order.sort_by_cached_key(|index| history.incarnations.get(*index).map(key));
    let mut moved = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = moved.get_mut(*old) {
            *place = new;
        }
    }
    let mut incarnations: Vec<Incarnation> =
        order.iter().filter_map(|old| history.incarnations.get(*old).cloned()).collect();
    let mut counted: HashMap<(Text, Option<usize>), usize> = HashMap::new();
    for incarnation in &mut incarnations {
        incarnation.parent = incarnation.parent.and_then(|parent| moved.get(parent).copied());
        let count = counted.entry((incarnation.name.clone(), incarnation.parent)).or_default();
        *count += 1;
        incarnation.number = *count;
        incarnation.operations.clear();
    }
    history.operations.sort_by(|a, b| (a.started_at, a.events.first()).cmp(&(b.started_at, b.events.first())));
    let mut ids = HashMap::new();
    for (index, operation) in history.operations.iter_mut().enumerate() {
        operation.incarnation = moved.get(operation.incarnation).copied().unwrap_or(operation.incarnation);
        operation.id = unique_id(operation, &mut ids);
        for event in &operation.events {
            if let Some(place) = history.operation_of.get_mut(*event) {
                *place = Some(index);
            }
        }
        if let Some(incarnation) = incarnations.get_mut(operation.incarnation) {
            incarnation.operations.push(index);
            // The status of a change set is not the stack's.
            let of_stack = operation.status.clone().filter(|_| operation.kind != Kind::ChangeSet);
            incarnation.status = of_stack.or(incarnation.status.take());
            incarnation.deleted_at = match operation.status.as_deref() {
                Some("DELETE_COMPLETE") => operation.ended_at,
                _ => incarnation.deleted_at,
            };
        }
    }
    history.incarnations = incarnations;
    let parents: Vec<Option<usize>> =
        history.operations.iter().map(|operation| parent_of(history, operation)).collect();
    for (operation, parent) in history.operations.iter_mut().zip(parents) {
        operation.parent = parent;
    }
}

fn unique_id(operation: &Operation, taken: &mut HashMap<Text, usize>) -> Text {
    let mut id = operation.id.clone();
    if id.is_empty() {
        let began = crate::model::time::text(operation.started_at);
        id = Text::from(format!("{}-{began}", operation.kind.word()));
    }
    if taken.contains_key(&id) {
        id = Text::from(format!("{id}/{}", operation.kind.word()));
    }
    let count = taken.entry(id.clone()).or_default();
    *count += 1;
    if *count == 1 { id } else { Text::from(format!("{id}/{count}")) }
}

/// The parent's operation that was going on when this one began.
fn parent_of(history: &History, operation: &Operation) -> Option<usize> {
    let parent = history.incarnations.get(operation.incarnation)?.parent?;
    let operations = &history.incarnations.get(parent)?.operations;
    let going_on = |slack: TimeDelta| {
        operations.iter().rev().copied().find(|index| {
            history.operations.get(*index).is_some_and(|parent| {
                parent.started_at <= operation.started_at + slack
                    && parent.ended_at.is_none_or(|ended| operation.started_at <= ended + slack)
            })
        })
    };
    going_on(TimeDelta::zero()).or_else(|| going_on(TimeDelta::seconds(5)))
}
