//! Joins operations to stories: a deployment, its automatic rollback and, if it failed, the delete that removed it.
//! A later deployment of the same name is the next story, also where it begins with the clean-up of this one.
//! Used by `operation::cut` only.

use super::{Ending, History, Kind, Story};
use crate::model::Text;
use crate::timeline::Timeline;

/// The stories of all stacks that are not nested, oldest first.
pub(super) fn tell(_: &Timeline, history: &History) -> Vec<Story> {
    let mut stories: Vec<(usize, Story)> = Vec::new();
    for (index, operation) in history.operations.iter().enumerate() {
        let Some(incarnation) =
            history.incarnations.get(operation.incarnation).filter(|incarnation| incarnation.parent.is_none())
        else {
            continue;
        };
        let failed = matches!(operation.ending, Ending::Failed | Ending::CutOff);
        let current = stories.iter_mut().rev().find(|(of, _)| *of == operation.incarnation);
        match current {
            Some((_, story)) if continues(history, story, operation.kind) => {
                story.operations.push(index);
                story.failed |= failed;
            }
            _ => {
                let name = Text::clone(&incarnation.name);
                stories.push((operation.incarnation, Story { name, operations: vec![index], failed }));
            }
        }
    }
    stories.into_iter().map(|(_, story)| story).collect()
}

fn continues(history: &History, story: &Story, kind: Kind) -> bool {
    let last = story.operations.last().and_then(|last| history.operations.get(*last));
    match kind {
        Kind::Rollback => true,
        Kind::Delete => story.failed || last.is_some_and(|last| last.kind == Kind::ChangeSet),
        _ => false,
    }
}
