//! Tells root failures from independent ones, cascades and summaries, by status and reason alone.
//! It names no cause: why the root failed is for the rules to say.
//! Used by `operation::cut` only.

use super::{Ending, Failure, History, Kind, Operation, Role};
use crate::model::{Event, Outcome, Text};
use crate::timeline::{Timeline, is_summary, is_summary_text};
use hashbrown::{HashMap, HashSet};

/// Fills in the failures of every operation, children before their parents, and what cut an operation off.
pub(super) fn classify(timeline: &Timeline, history: &mut History) {
    let cut_off_by: Vec<Option<usize>> =
        (0..history.operations.len()).map(|index| cut_off_by(history, index)).collect();
    let summaries = summaries_told_later(timeline, history);
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        if let Some(parent) = operation.parent {
            children.entry(parent).or_default().push(index);
        }
    }
    for index in deepest_first(history) {
        let Some(operation) = history.operations.get(index) else {
            continue;
        };
        let told_later = summaries.get(&index).map_or(&[][..], Vec::as_slice);
        let children = children.get(&index).map_or(&[][..], Vec::as_slice);
        let failures = failures_of(timeline, history, children, operation, told_later);
        if let Some(operation) = history.operations.get_mut(index) {
            operation.failures = failures;
            operation.cut_off_by = cut_off_by.get(index).copied().flatten();
            if operation.ending == Ending::Unknown && operation.root().is_some() {
                operation.ending = Ending::Failed;
            }
        }
    }
}

/// Children first: a parent inherits its child's root.
fn deepest_first(history: &History) -> Vec<usize> {
    let depth = |index: usize| {
        let mut depth = 0;
        let mut parent = history.operations.get(index).and_then(|operation| operation.parent);
        while let Some(operation) = parent.filter(|_| depth < 64).and_then(|parent| history.operations.get(parent)) {
            depth += 1;
            parent = operation.parent;
        }
        depth
    };
    let mut order: Vec<usize> = (0..history.operations.len()).collect();
    order.sort_by_cached_key(|index| std::cmp::Reverse(depth(*index)));
    order
}

/// The delete that ended an operation before it could succeed or fail.
fn cut_off_by(history: &History, index: usize) -> Option<usize> {
    let operation = history.operations.get(index).filter(|operation| operation.ending == Ending::CutOff)?;
    let siblings = &history.incarnations.get(operation.incarnation)?.operations;
    let next = siblings.iter().skip_while(|sibling| **sibling != index).nth(1)?;
    history.operations.get(*next).filter(|next| next.kind == Kind::Delete).map(|_| *next)
}

/// The row that tells why an operation failed may open the next one: `ROLLBACK_IN_PROGRESS`, or the delete of OnFailure,
/// "The following resource(s) failed to create: [...]", "Stack creation time exceeded the specified timeout". Where
/// nothing is known of the failed operation itself, the rollback has to stand for it.
fn summaries_told_later(timeline: &Timeline, history: &History) -> HashMap<usize, Vec<usize>> {
    let mut later: HashMap<usize, Vec<usize>> = HashMap::new();
    for incarnation in &history.incarnations {
        let failed = std::iter::once(None).chain(incarnation.operations.iter().copied().map(Some));
        for (failed, next) in failed.zip(&incarnation.operations) {
            let Some(operation) = history.operations.get(*next) else { continue };
            let told_by = match operation.kind {
                Kind::Rollback => failed.unwrap_or(*next),
                Kind::Delete => match failed {
                    Some(failed) => failed,
                    None => continue,
                },
                _ => continue,
            };
            let reason =
                operation.events.iter().copied().find(|event| timeline.events.get(*event).is_some_and(gives_reason));
            let Some(reason) = reason else { continue };
            let is_summary = timeline.events.get(reason).is_some_and(|event| is_summary_text(event.text()));
            if operation.kind == Kind::Rollback || is_summary {
                later.entry(told_by).or_default().push(reason);
            }
        }
    }
    later
}

/// True for a stack's own row that says why.
fn gives_reason(event: &Event) -> bool {
    event.is_of_stack_itself() && event.message.is_some() && event.text() != "User Initiated"
}

fn failures_of(
    timeline: &Timeline,
    history: &History,
    children: &[usize],
    operation: &Operation,
    told_later: &[usize],
) -> Vec<Failure> {
    let events = || operation.events.iter().filter_map(|index| Some((*index, timeline.events.get(*index)?)));
    let refused_hooks: HashSet<&Text> = events()
        .filter(|(_, event)| event.hook.is_some() && event.outcome == Outcome::Failed)
        .filter_map(|(_, event)| event.logical_id.as_ref())
        .collect();
    let children = inherited(history, children);
    // A failed change set's own record says that a validation or a hook refused it; which, they say themselves.
    let refused = events()
        .any(|(_, event)| event.outcome == Outcome::Failed && (event.validation.is_some() || event.hook.is_some()));
    let mut failures: Vec<Failure> = Vec::new();
    for (index, event) in events().filter(|(_, event)| tells_of_failure(event)) {
        let inherited = event.physical_id.as_ref().and_then(|child| children.get(child));
        let role = match event.outcome {
            Outcome::Cancelled => Role::Cascade,
            _ if is_summary(event) || is_summary_text(event.text()) => Role::Summary,
            _ if event.hook.is_none()
                && event.logical_id.as_ref().is_some_and(|logical| refused_hooks.contains(logical)) =>
            {
                Role::Summary
            }
            _ if inherited.is_some() || refused && event.source == "change_sets" => Role::Summary,
            _ => Role::Independent,
        };
        failures.push(Failure { event: index, role });
        for child in inherited.into_iter().flatten() {
            failures.push(Failure { event: *child, role: Role::Independent });
        }
    }
    // The row sums up, or says itself what was refused: an export that is in use, a time-out of the whole stack.
    let role_of = |index: &usize| match timeline.events.get(*index) {
        Some(event) if !is_summary_text(event.text()) && failures.is_empty() => Role::Independent,
        _ => Role::Summary,
    };
    let told_later: Vec<Failure> =
        told_later.iter().map(|event| Failure { event: *event, role: role_of(event) }).collect();
    let stands = !told_later.is_empty();
    failures.extend(told_later);
    let stands_for_it = operation.kind == Kind::Rollback && stands && operation.status_before.is_none();
    let failed = operation.ending == Ending::Failed || stands_for_it;
    if failed && failures.iter().all(|failure| failure.role != Role::Independent) {
        promote(timeline, operation, &mut failures);
    }
    failures.sort_by_key(|failure| failure.event);
    failures.dedup_by_key(|failure| failure.event);
    for failure in failures.iter_mut().filter(|failure| failure.role == Role::Independent) {
        match operation.ending {
            // What fails after the delete began, fails because of it.
            Ending::CutOff => failure.role = Role::Cascade,
            // What fails in the clean-up of an operation that succeeded is a fact, but no cause of a failure.
            Ending::Succeeded if !stands_for_it => {}
            _ => {
                failure.role = Role::Root;
                break;
            }
        }
    }
    failures
}

/// True for what CloudFormation says of a failure; what other services say is evidence, not the operation's failure.
fn tells_of_failure(event: &Event) -> bool {
    let told_by_cloudformation =
        matches!(event.source, "stack_events" | "operation_events" | "change_sets" | "hook_results" | "stacks")
            || event.source == "deploy_log" && event.status.is_some();
    told_by_cloudformation && matches!(event.outcome, Outcome::Failed | Outcome::Cancelled)
}

/// For each nested stack's ARN the real failures of its part of this operation.
fn inherited(history: &History, children: &[usize]) -> HashMap<Text, Vec<usize>> {
    let mut roots: HashMap<Text, Vec<usize>> = HashMap::new();
    for child in children.iter().filter_map(|child| history.operations.get(*child)) {
        let incarnation = history.incarnations.get(child.incarnation);
        let Some(id) = incarnation.and_then(|incarnation| incarnation.stack_id.clone()) else { continue };
        let real = child.failures.iter().filter(|failure| failure.role.is_real());
        let real: Vec<usize> = real.map(|failure| failure.event).collect();
        if !real.is_empty() {
            roots.entry(id).or_default().extend(real);
        }
    }
    roots
}

/// An operation that failed without a failure of its own: the best that is told of it becomes the root. First what
/// the stack's own rows give as a reason, then what the deploy tool printed, then the refused call, then the summary.
fn promote(timeline: &Timeline, operation: &Operation, failures: &mut Vec<Failure>) {
    let event = |index: usize| timeline.events.get(index);
    let of_its_own =
        |index: usize| event(index).is_some_and(|event| event.message.is_some() && !is_summary_text(event.text()));
    if let Some(best) = failures.iter_mut().find(|failure| failure.role == Role::Summary && of_its_own(failure.event)) {
        best.role = Role::Independent;
        return;
    }
    let told = |source: &str| {
        operation.events.iter().copied().find(|index| {
            event(*index).is_some_and(|event| {
                event.source == source && event.outcome == Outcome::Failed && event.message.is_some()
            })
        })
    };
    let own_reason = operation.events.iter().copied().find(|index| event(*index).is_some_and(gives_reason));
    let refused = operation.events.iter().copied().find(|index| {
        event(*index).is_some_and(|event| {
            event.call.as_ref().is_some_and(|call| &*call.service == "cloudformation.amazonaws.com" && !call.read_only)
                && event.outcome == Outcome::Failed
        })
    });
    let found = own_reason.filter(|index| of_its_own(*index)).or_else(|| told("deploy_log")).or(refused);
    if let Some(found) = found {
        failures.retain(|failure| failure.event != found);
        failures.push(Failure { event: found, role: Role::Independent });
    } else if let Some(summary) = failures.iter_mut().find(|failure| failure.role == Role::Summary) {
        summary.role = Role::Independent;
    } else if let Some(own) = own_reason {
        failures.push(Failure { event: own, role: Role::Independent });
    }
}
