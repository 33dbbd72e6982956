//! Which stacks there are under the name, and what CloudFormation itself tells of those that matter.
//! Nested stacks are followed from the rows of their parents, to any depth, deleted ones too.
//! Used by the plan.

use super::calls::EVENT_HISTORY;
use super::scene::{BEFORE, SAME_TROUBLE, Scene};
use super::{Answered, Ask, Deployments, Depth, Filter, Incarnations, Question, Scope, Window};
use crate::model::status::{self, STACK_TYPE};
use crate::model::{Event, Gap, Text, Time, arn};
use crate::operation::{History, Incarnation, Kind, Operation, Story};
use std::collections::BTreeSet;

/// The latest deployment, the one before, and one to compare with.
const DEPLOYMENTS: usize = 3;
/// A name that was re-created all day has dozens of incarnations; the newest tell the story.
const MOST_RECENT: usize = 5;
/// Where a name is looked for when it is nowhere near: the regions that every account has, by partition.
/// Source: "AWS Regions" in the AWS Account Management reference.
const REGIONS: &[&[&str]] = &[
    &[
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-south-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "ca-central-1",
        "eu-central-1",
        "eu-north-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "sa-east-1",
    ],
    &["us-gov-east-1", "us-gov-west-1"],
    &["cn-north-1", "cn-northwest-1"],
];

/// The regions of the partition that `region` belongs to; only itself where it is of none that we know.
pub fn regions_beside(region: &str) -> Vec<String> {
    const COMMERCIAL: &[&str] = &["us", "ap", "ca", "eu", "sa", "me", "af", "il", "mx"];
    let of_partition = match region.split('-').take(2).collect::<Vec<_>>()[..] {
        ["us", "gov"] => REGIONS.get(1),
        ["us", part] if part.starts_with("iso") => None,
        ["cn", _] => REGIONS.get(2),
        [area, _] if COMMERCIAL.contains(&area) => REGIONS.first(),
        _ => None,
    };
    match of_partition {
        Some(regions) => regions.iter().map(|name| (*name).to_owned()).collect(),
        None => vec![region.to_owned()],
    }
}

/// The stack's name, of its name or ARN.
pub fn name_of(stack: &str) -> &str {
    arn::stack_name(stack).unwrap_or(stack)
}

pub(super) fn questions(scene: &Scene<'_>) -> Vec<Question> {
    let mut wanted = Vec::new();
    let regions = &scene.scope.regions;
    wanted.extend(whereabouts(scene.scope));
    if scene.chosen.is_empty() && is_told(scene, &wanted) {
        wanted.extend(elsewhere(scene, regions));
    }
    // Before all is told, the newest may not be the newest; and of several regions only who asks can tell which is meant.
    let told = whereabouts(scene.scope).iter().all(|question| scene.answer(question).is_some());
    if !told || found_in(scene).len() > 1 {
        return wanted;
    }
    let newest = scene.chosen.last();
    for index in &scene.chosen {
        let incarnation = scene.history.incarnations.get(*index);
        let Some(stack) = incarnation.and_then(|incarnation| incarnation.stack_id.as_deref()) else { continue };
        let whole = newest == Some(index) || (is_of_one_operation(scene.scope) && holds_wanted(scene, *index));
        wanted.extend(of_stack(stack, depth(scene.scope), whole));
    }
    wanted.extend(nested(scene));
    wanted.extend(hooks(scene));
    wanted.extend(stack_set(scene));
    wanted
}

/// What tells which stacks have the name where it is looked for.
pub(super) fn whereabouts(scope: &Scope) -> Vec<Question> {
    scope.regions.iter().flat_map(|region| whereabouts_in(scope, region)).collect()
}

/// An ARN finds deleted stacks too; a name only the living one.
fn whereabouts_in(scope: &Scope, region: &str) -> Vec<Question> {
    let mut asks = vec![Ask::Stack { stack: scope.stack.clone() }];
    if !scope.stack.starts_with("arn:") {
        asks.push(Ask::DeletedStacks { name: scope.stack.clone() });
    }
    asks.into_iter().map(|ask| Question { ask, region: region.to_owned() }).collect()
}

fn is_of_one_operation(scope: &Scope) -> bool {
    matches!(scope.deployments, Deployments::Operation(_))
}

/// True for an incarnation that a wanted deployment is of.
fn holds_wanted(scene: &Scene<'_>, incarnation: usize) -> bool {
    scene.operations().any(|(_, operation)| operation.incarnation == incarnation)
}

fn is_told(scene: &Scene<'_>, questions: &[Question]) -> bool {
    questions.iter().all(|question| scene.answer(question) == Some(Answered::Whole))
}

/// CloudFormation knows no such stack here: CloudTrail may still tell of it, and other regions may have it.
fn elsewhere(scene: &Scene<'_>, regions: &[String]) -> Vec<Question> {
    let mut wanted = Vec::new();
    let name = name_of(&scene.scope.stack);
    let now = scene.scope.now;
    let window = Window { from: now - EVENT_HISTORY, to: now };
    for region in regions {
        let filter = Filter::ResourceName(scene.scope.stack.clone());
        wanted.push(Question { ask: Ask::Calls { filter, window, pages: 2 }, region: region.clone() });
    }
    if name == scene.scope.stack {
        let beside = regions.first().map(|region| regions_beside(region)).unwrap_or_default();
        for region in beside.iter().filter(|region| !regions.contains(region)) {
            wanted.extend(whereabouts_in(scene.scope, region));
        }
    }
    wanted
}

fn depth(scope: &Scope) -> Depth {
    match (&scope.deployments, scope.since) {
        (Deployments::All | Deployments::Operation(_), _) => Depth::All,
        (Deployments::Latest, since) => Depth::Back { deployments: DEPLOYMENTS, since },
    }
}

/// What CloudFormation tells of a stack: its events, and how things stand for the newest.
fn of_stack(stack: &str, depth: Depth, newest: bool) -> Vec<Question> {
    let stack = || stack.to_owned();
    let mut asks = vec![Ask::StackEvents { stack: stack(), depth }, Ask::OperationEvents { stack: stack(), depth }];
    if newest {
        asks.extend([
            Ask::Resources { stack: stack() },
            Ask::Template { stack: stack() },
            Ask::ChangeSets { stack: stack() },
        ]);
    }
    in_region_of(&stack(), asks)
}

fn in_region_of(stack: &str, asks: Vec<Ask>) -> Vec<Question> {
    let Some(region) = arn::region(stack) else { return Vec::new() };
    asks.into_iter().map(|ask| Question { ask, region: region.to_owned() }).collect()
}

/// The nested stacks that the wanted deployments touched: their events since then, and of those that failed the rest.
fn nested(scene: &Scene<'_>) -> Vec<Question> {
    let mut wanted = Vec::new();
    let touched = scene.touched();
    let children = touched.iter().filter(|touched| &*touched.resource_type == STACK_TYPE);
    // Before all rows of its parent are told, how far back the child matters is not known.
    for child in children.filter(|child| scene.knows_rows_of(&child.stack)) {
        let since = Some(child.from - BEFORE);
        for id in child.physical_ids.iter().filter(|id| id.starts_with("arn:") && **id != child.stack) {
            let asks = of_stack(id, Depth::Back { deployments: 0, since }, child.failed);
            wanted.extend(asks.into_iter().filter(|question| !matches!(question.ask, Ask::ChangeSets { .. })));
        }
    }
    wanted
}

/// A hook that failed a change set leaves no events of its own: the change set's reason names it.
fn hooks(scene: &Scene<'_>) -> Vec<Question> {
    let named = |event: &&Event| event.text().contains("hook") || event.hook.is_some();
    let targets: BTreeSet<Text> = scene
        .timeline
        .events
        .iter()
        .filter(|event| event.is_stack_event() || event.source == "change_sets")
        .filter(|event| event.outcome == crate::model::Outcome::Failed)
        .filter(named)
        .filter_map(
            |event| if event.source == "change_sets" { event.physical_id.clone() } else { event.stack_id.clone() },
        )
        .collect();
    targets
        .iter()
        .flat_map(|target| in_region_of(target, vec![Ask::HookResults { target: target.to_string() }]))
        .collect()
}

/// The stack set behind an instance named `StackSet-NAME-UUID`.
fn stack_set(scene: &Scene<'_>) -> Vec<Question> {
    const UUID: usize = 36;
    let Some(stack) = newest_id(scene) else { return Vec::new() };
    let name = name_of(stack).strip_prefix("StackSet-").and_then(|rest| {
        let at = rest.len().checked_sub(UUID + 1)?;
        rest.is_char_boundary(at).then(|| rest.split_at(at)).filter(|(_, id)| id.starts_with('-')).map(|(name, _)| name)
    });
    let account = arn::account(stack).unwrap_or_default().to_owned();
    name.map(|name| in_region_of(stack, vec![Ask::StackSet { name: name.to_owned(), account }])).unwrap_or_default()
}

fn newest_id<'s>(scene: &'s Scene<'_>) -> Option<&'s str> {
    scene.history.incarnations.get(*scene.chosen.last()?)?.stack_id.as_deref()
}

/// The incarnations that are wanted, as indexes into the history's, oldest first.
pub(super) fn chosen(scope: &Scope, history: &History) -> Vec<usize> {
    let regions = &scope.regions;
    let named = |incarnation: &Incarnation| {
        let id = incarnation.stack_id.as_deref();
        let here = id.and_then(arn::region).is_some_and(|region| regions.iter().any(|wanted| wanted == region));
        // A nested stack may be asked for by its own name; then its parent is not known here.
        here && (id == Some(&scope.stack) || (*incarnation.name == *scope.stack && incarnation.parent.is_none()))
    };
    let all = history.incarnations.iter().enumerate().filter(|(_, incarnation)| named(incarnation));
    let all: Vec<usize> = all.map(|(index, _)| index).collect();
    match scope.incarnations {
        Incarnations::All => all,
        Incarnations::Number(number) => number.checked_sub(1).and_then(|at| all.get(at)).copied().into_iter().collect(),
        Incarnations::Recent => recent(history, &all),
    }
}

/// The newest, and going back from it those that were deleted within a day before the next was made.
fn recent(history: &History, all: &[usize]) -> Vec<usize> {
    let of = |index: usize| history.incarnations.get(index);
    let mut chosen: Vec<usize> = Vec::new();
    for index in all.iter().rev().take(MOST_RECENT) {
        let next_made = chosen.last().and_then(|next| of(*next)).map(|next| next.created_at);
        let gone = of(*index).and_then(|incarnation| incarnation.deleted_at);
        let near = |made: Time| gone.is_none_or(|gone| made - gone <= SAME_TROUBLE);
        if !next_made.is_none_or(near) {
            break;
        }
        chosen.push(*index);
    }
    chosen.reverse();
    chosen
}

/// The regions in which a stack of the name was found: those of the scope in its order, else the others by name.
pub(super) fn found_in(scene: &Scene<'_>) -> Vec<String> {
    let name = name_of(&scene.scope.stack);
    let found: BTreeSet<&str> = scene
        .history
        .incarnations
        .iter()
        .filter(|incarnation| &*incarnation.name == name)
        .filter_map(|incarnation| incarnation.stack_id.as_deref())
        .filter(|id| !scene.scope.stack.starts_with("arn:") || *id == scene.scope.stack)
        .filter_map(arn::region)
        .collect();
    let asked: Vec<String> =
        scene.scope.regions.iter().filter(|region| found.contains(region.as_str())).cloned().collect();
    if asked.is_empty() { found.into_iter().map(str::to_owned).collect() } else { asked }
}

/// What was left out on purpose.
pub(super) fn gaps(scene: &Scene<'_>) -> Vec<Gap> {
    let name = name_of(&scene.scope.stack);
    let older = scene
        .history
        .incarnations
        .iter()
        .enumerate()
        .filter(|(index, incarnation)| {
            &*incarnation.name == name && incarnation.parent.is_none() && !scene.chosen.contains(index)
        })
        .count();
    let mut gaps = Vec::new();
    if older > 0 && !scene.chosen.is_empty() && name == scene.scope.stack {
        let why = format!("{older} other incarnations of {name} were not asked about");
        gaps.push(Gap::new("stack_events", why).remedy("--incarnation N or --operation all"));
    }
    let first_row = |operation: &Operation| {
        let mut events = operation.events.iter().filter_map(|index| scene.timeline.events.get(*index));
        events.find(|event| event.is_stack_event()).map(Event::status)
    };
    // A rollback follows a deployment: where none is there, its rows were not read.
    let begins = |story: &Story| {
        let operation = scene.history.operations.get(*story.operations.first()?)?;
        Some(operation.kind != Kind::Unknown && !first_row(operation).is_some_and(status::rollback))
    };
    if scene.stories.iter().any(|story| begins(story) == Some(false)) {
        let why = "the beginning of an operation lies before the oldest event that was read";
        gaps.push(Gap::new("stack_events", why).remedy("--operation all reads all events that CloudFormation keeps"));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_named_by_its_name_or_its_arn() {
        assert_eq!(name_of("arn:aws-cn:cloudformation:cn-north-1:111122223333:stack/shop/0f1e"), "shop");
        assert_eq!(name_of("shop"), "shop");
    }

    #[test]
    fn a_partition_has_its_own_regions() {
        assert!(regions_beside("eu-west-1").contains(&"us-east-1".to_owned()));
        assert_eq!(regions_beside("us-gov-west-1"), ["us-gov-east-1", "us-gov-west-1"]);
        assert_eq!(regions_beside("cn-north-1"), ["cn-north-1", "cn-northwest-1"]);
        assert_eq!(regions_beside("us-iso-east-1"), ["us-iso-east-1"]);
        assert_eq!(regions_beside("eusc-de-east-1"), ["eusc-de-east-1"]);
    }
}
