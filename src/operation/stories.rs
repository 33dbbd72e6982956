//! Joins operations to stories: a deployment, its automatic rollback and, if it failed, the delete that removed it.
//! A later deployment of the same name is the next story, also where it begins with the clean-up of this one.
//! Used by `operation::cut` only.

use super::{Ending, History, Kind, Operation, Story};
use chrono::TimeDelta;
use hashbrown::HashMap;

/// The stories of all stacks that are not nested, oldest first.
pub(super) fn tell(history: &History) -> Vec<Story> {
    let mut stories: Vec<Story> = Vec::new();
    let mut current: HashMap<usize, usize> = HashMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        let incarnation = history.incarnations.get(operation.incarnation);
        let Some(incarnation) = incarnation.filter(|incarnation| incarnation.parent.is_none()) else { continue };
        // An automatic rollback tells of a failure, also where the evidence begins with it.
        let failed = operation.failed() || operation.kind == Kind::Rollback;
        let story = current.get(&operation.incarnation).and_then(|story| stories.get_mut(*story));
        match story.filter(|story| continues(history, story, operation)) {
            Some(story) => {
                story.operations.push(index);
                story.failed |= failed;
            }
            None => {
                current.insert(operation.incarnation, stories.len());
                stories.push(Story { name: incarnation.name.clone(), operations: vec![index], failed });
            }
        }
    }
    stories
}

/// A deployment that nobody saw the end of is over when its stack is deleted, if that is soon.
const SOON: TimeDelta = TimeDelta::hours(24);

fn continues(history: &History, story: &Story, next: &Operation) -> bool {
    let last = story.operations.last().and_then(|last| history.operations.get(*last));
    let unseen = |last: &Operation| {
        let deploys = matches!(last.kind, Kind::Create | Kind::Update | Kind::Import);
        deploys && last.ending == Ending::Unknown && next.started_at - last.started_at <= SOON
    };
    match next.kind {
        Kind::Rollback => true,
        Kind::Delete => story.failed || last.is_some_and(|last| last.kind == Kind::ChangeSet || unseen(last)),
        _ => false,
    }
}
