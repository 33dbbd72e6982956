//! What is weighed besides the signatures: what the stack was in, what was sent, who else was there, what came after.
//! Each rule looks at one circumstance and says what it is worth; it neither looks for the call nor adds anything up.
//! Used by `verdict`. Source: the tools' own code and their records in CloudTrail.

use super::Verdict::{CleanUp, CloudFormation, Console, Deploy, Destroy, ParentStack, Probe};
use super::calls::{Asked, first_row, same_session};
use super::scene::Scene;
use super::signatures::{CDK, Field, SAM, cleans, matches, plain_change_set};
use super::{Basis, Mark};
use crate::model::{Event, Time, status};
use crate::operation::{Ending, Incarnation, Kind};
use chrono::TimeDelta;

/// A clean-up creates the stack anew within this time.
pub(super) const RE_CREATED: TimeDelta = TimeDelta::minutes(10);
/// A tool that gives a change set up deletes it and then the stack within this time.
const GIVEN_UP: TimeDelta = TimeDelta::minutes(1);
/// By so much a call may seem to come before the row that it causes.
const JUST_BEFORE: TimeDelta = TimeDelta::seconds(2);

/// A scene whose marks have been recognised.
pub(super) struct Seen<'r, 's, 't> {
    pub scene: &'r Scene<'s, 't>,
    pub tool: Option<&'static str>,
}

impl<'t> Seen<'_, '_, 't> {
    fn before(&self) -> Option<&str> {
        self.scene.operation.status_before.as_deref()
    }

    pub fn call(&self) -> Option<&Asked<'t>> {
        self.scene.start.map(|(asked, _)| asked)
    }

    pub fn is_cdk(&self) -> bool {
        self.tool == Some(CDK)
    }

    fn reason(&self) -> Option<(usize, &'t Event)> {
        first_row(self.scene.calls.timeline, self.scene.operation)
    }
}

/// A rule looks at one circumstance and says what it is worth.
type Rule = fn(&Seen<'_, '_, '_>) -> Option<Mark>;

const DELETES: &[Kind] = &[Kind::Delete];
const DEPLOYMENTS: &[Kind] = &[Kind::Create, Kind::Update, Kind::Import, Kind::ChangeSet, Kind::Unknown];

/// What is weighed besides the signatures, in the order in which it is told.
const RULES: &[(&[Kind], Rule)] = &[
    (DELETES, status_before),
    (DELETES, habit_of_the_tool),
    (DELETES, cdk_parameters),
    (DELETES, sam_parameters),
    (DELETES, other_caller),
    (DELETES, published_assets),
    (DELETES, gave_a_change_set_up),
    (DELETES, change_set_of_another),
    (DELETES, created_again),
    (DELETES, reason_of_the_delete),
    (DELETES, asked_for_on_failure),
    (DELETES, rolled_back_to_nothing),
    (DELETES, absent_call),
    (&[Kind::Rollback], reason_of_the_rollback),
    (&[Kind::ChangeSet], removed_again),
    (DEPLOYMENTS, printed_by_a_tool),
];

/// What the circumstances say, in the order in which it is told: first how the call was found.
pub(super) fn weigh(seen: &Seen<'_, '_, '_>) -> (Mark, Vec<Mark>) {
    let kind = seen.scene.operation.kind;
    let rules = || RULES.iter().filter(|(kinds, _)| kinds.contains(&kind));
    let others = || rules().filter_map(|(_, rule)| rule(seen));
    let told = match nested(seen) {
        // It does what its parent does, and nothing else matters.
        Some(mark) if !mark.weights.is_empty() => vec![mark],
        nested => nested.into_iter().chain(others()).collect(),
    };
    (joined(seen), told)
}

/// How the call was found, or that none was.
fn joined(seen: &Seen<'_, '_, '_>) -> Mark {
    let scene = seen.scene;
    let Some((asked, basis)) = scene.start else {
        let says = if scene.calls.any() && scene.operation.kind == Kind::Rollback {
            "no RollbackStack, ContinueUpdateRollback or CancelUpdateStack call in CloudTrail's records fits"
        } else if scene.calls.any() {
            "no call in CloudTrail's records fits"
        } else {
            "there is no CloudTrail record, so nothing names the caller"
        };
        return scene.mark(says, None);
    };
    let refused = if asked.event.error.is_some() { ", refused," } else { "" };
    let action = &asked.event.action;
    let lead = match (scene.operation.started_at - asked.event.at).num_seconds() {
        seconds @ 1.. => format!("{seconds} s before the first event"),
        _ => "at the time of the first event".to_owned(),
    };
    let says = match basis {
        Basis::Token => format!("the {action} call carries the token of the stack's events"),
        Basis::StackId => format!("the {action} call{refused} is about this stack's ARN, {lead}"),
        _ => format!("the {action} call{refused} names the stack, {lead}; nothing else ties the two"),
    };
    scene.mark(says, Some(asked.index))
}

/// A nested stack is changed through its parent, unless somebody calls for it directly.
fn nested(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let parent = scene.history.incarnations.get(scene.incarnation.parent?)?;
    let directly = seen.call().is_some_and(|asked| !asked.call.identity.is_cloudformation());
    let operation = scene
        .operation
        .parent
        .and_then(|parent| scene.history.operations.get(parent))
        .filter(|parent| !directly && parent.ended_at.is_none_or(|ended| ended >= scene.operation.started_at));
    let Some(operation) = operation else {
        let mark = scene.mark(format!("the stack is nested in {}", parent.name), None);
        return Some(if directly { mark } else { mark.weigh(ParentStack, 25) });
    };
    let says = format!("it is part of the {} of its parent stack {}", word(operation.kind), parent.name);
    let event = first_row(scene.calls.timeline, operation).map(|(index, _)| index);
    Some(scene.mark(says, event).weigh(ParentStack, 35))
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Create => "create",
        Kind::Update => "update",
        Kind::Delete => "delete",
        Kind::Import => "import",
        Kind::Rollback => "rollback",
        Kind::ChangeSet => "change set",
        Kind::Unknown => "operation",
    }
}

fn status_before(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let before = seen.before()?;
    let mark = |says: String| seen.scene.mark(says, None);
    Some(match before {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" => {
            mark(format!("the stack was in {before}, out of which only a delete leads")).weigh(CleanUp, 5)
        }
        "CREATE_FAILED" => mark("the stack's creation had failed (CREATE_FAILED)".to_owned()).weigh(CleanUp, 5),
        "REVIEW_IN_PROGRESS" => {
            mark("the stack was in REVIEW_IN_PROGRESS: a change set had opened it, and nothing was created".to_owned())
                .weigh(CleanUp, 2)
                .weigh(Probe, 5)
        }
        "DELETE_FAILED" => mark("an earlier delete had failed (DELETE_FAILED)".to_owned()).weigh(Destroy, 2),
        _ if !status::at_rest(before) => {
            mark(format!("the stack was in {before}: the delete cut an operation off, which no tool does by itself"))
                .weigh(CleanUp, -8)
                .weigh(Probe, -10)
        }
        _ => mark(format!("the stack was in {before}, which no tool cleans up"))
            .weigh(CleanUp, -12)
            .weigh(Probe, -15)
            .weigh(Destroy, 2),
    })
}

fn habit_of_the_tool(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let (tool, before) = (seen.tool?, seen.before()?);
    let says = format!("{tool} deletes a stack in {before} by itself before it creates it anew");
    cleans(tool, before).then(|| seen.scene.mark(says, None).weigh(CleanUp, 3))
}

/// Only `cdk destroy` sends them; but the record may have been shortened, and without the bootstrap's roles neither sends a role.
fn cdk_parameters(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let asked = seen.call().filter(|_| seen.is_cdk())?;
    if asked.call.role_arn.is_some() || asked.call.deployment_mode.is_some() {
        return None;
    }
    let in_bootstrap_role =
        asked.call.identity.role_name().is_some_and(|role| matches(Field::Role, role).next().is_some());
    let says = "the call carries neither roleARN nor deploymentConfig, which `cdk destroy` sends unless the record was cut down";
    let mark = seen.scene.mark(says, Some(asked.index));
    Some(if in_bootstrap_role {
        mark.weigh(CleanUp, 4).weigh(Destroy, -3).weigh(Probe, 4)
    } else {
        mark.weigh(CleanUp, 1).weigh(Probe, 1)
    })
}

fn sam_parameters(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let asked = seen.call().filter(|_| seen.tool == Some(SAM))?;
    let says = "the call carries no retainResources, which `sam delete` always sends and `sam deploy --on-failure DELETE` does not";
    (!asked.call.retains && seen.scene.had_failed())
        .then(|| seen.scene.mark(says, Some(asked.index)).weigh(CleanUp, 5).weigh(Destroy, -5))
}

fn other_caller(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let (asked, before) = (seen.call()?, scene.deployment()?);
    let (one, other) = (&asked.call.identity, &before.call.identity);
    let same_role = one.role_arn.is_some() && one.role_arn == other.role_arn;
    if !scene.had_failed() || same_session(one, other) || same_role {
        return None;
    }
    let from = |asked: &Asked<'_>| {
        let name = asked.event.actor.as_deref().unwrap_or("unknown");
        match asked.call.source_ip.as_deref() {
            Some(ip) => format!("{name} from {ip}"),
            None => name.to_owned(),
        }
    };
    let says = format!("the deployment was by {}, this call by {}", from(before), from(asked));
    Some(scene.mark(says, Some(before.index)).weigh(Destroy, 3))
}

/// A deployment publishes the assets, at least the template, before it touches the stack; a destroy does not.
fn published_assets(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let asked = seen.call().filter(|_| seen.is_cdk() && scene.had_failed())?;
    // Only where the session's own AssumeRole is in the evidence can another be missed.
    let issuer = scene.calls.issuer(asked.call.identity.access_key.as_deref()?)?;
    let caller = &scene.calls.timeline.events.get(issuer)?.call.as_deref()?.identity;
    let published = scene.calls.assumed(asked.event.at - RE_CREATED, asked.event.at).find(|(_, event)| {
        event.call.as_deref().is_some_and(|call| {
            same_session(&call.identity, caller)
                && call.role_arn.as_deref().is_some_and(|role| role.contains("-publishing-role-"))
        })
    });
    Some(match published {
        Some((index, _)) => scene
            .mark(
                "the same caller had just taken CDK's role for publishing assets, as only a deployment does",
                Some(index),
            )
            .weigh(CleanUp, 6),
        None => scene
            .mark("the same caller had not taken CDK's role for publishing assets, as a deployment does", None)
            .weigh(CleanUp, -3),
    })
}

fn gave_a_change_set_up(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let asked = seen.call().filter(|_| scene.was("REVIEW_IN_PROGRESS"))?;
    let (from, to) = (asked.event.at - GIVEN_UP, asked.event.at);
    let deleted = scene
        .calls
        .about(scene.incarnation, &["DeleteChangeSet"], from, to)
        .find(|deleted| same_session(&deleted.call.identity, &asked.call.identity))?;
    let says = "the same session had just deleted the change set, as a tool does that only compared, or whose deployment was declined or empty";
    Some(scene.mark(says, Some(deleted.index)).weigh(CleanUp, 6).weigh(Probe, 6))
}

/// `cdk diff` takes a stack in review for one that does not exist, and removes it under whoever waits for an approval.
fn change_set_of_another(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let asked = seen.call().filter(|_| scene.was("REVIEW_IN_PROGRESS"))?;
    let first = scene.change_sets_made().next()?;
    let set = plain_change_set(first.call.change_set.as_deref()?);
    let says = format!(
        "the delete took with it the change set {set} of {}, another session",
        first.event.actor.as_deref().unwrap_or("an unknown caller")
    );
    (!same_session(&first.call.identity, &asked.call.identity)).then(|| scene.mark(says, Some(first.index)))
}

fn created_again(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    // Who gives a change set up creates nothing.
    if scene.was("REVIEW_IN_PROGRESS") {
        return None;
    }
    let until = scene.over() + RE_CREATED;
    let actions = &["CreateStack", "CreateChangeSet"];
    let call = scene.calls.about(scene.incarnation, actions, scene.at(), until);
    if let Some(call) = call.into_iter().find(|asked| !is_probe(asked)) {
        let identity = &call.call.identity;
        let by_same = seen.call().is_some_and(|asked| same_session(&asked.call.identity, identity));
        let (who, decibans) = if by_same { ("the same session", 12) } else { ("another session", 5) };
        let (action, after) = (&call.event.action, (call.event.at - scene.at()).num_seconds());
        let says = format!("{who} began to create the stack anew ({action}) {after} s after the delete began");
        return Some(scene.mark(says, Some(call.index)).weigh(CleanUp, decibans));
    }
    if let Some(next) = next_incarnation(scene).filter(|next| next.created_at <= until) {
        let after = (next.created_at - scene.over()).num_seconds();
        let says = format!("a stack of the same name was begun {after} s after the delete was over");
        return Some(scene.mark(says, None).weigh(CleanUp, 8));
    }
    // After a delete that was refused no tool goes on to create.
    if seen.call().is_some_and(|asked| asked.event.error.is_some()) {
        return None;
    }
    let may_clean_up = scene.had_failed() || seen.before().is_none();
    (may_clean_up && scene.operation.ending != Ending::InProgress).then(|| not_created_again(scene, until))
}

/// A clean-up that nothing followed is one that was broken off, or one whose sequel the evidence does not hold.
fn not_created_again(scene: &Scene<'_, '_>, until: Time) -> Mark {
    // Where the creation's own call is missing, that of another would be too.
    let collected = scene.deployment().is_some();
    if collected && scene.calls.covers(scene.incarnation, scene.at(), until) {
        let says = "no creation of the name followed within ten minutes, though CloudTrail's records reach beyond";
        scene.mark(says, None).weigh(CleanUp, -12)
    } else {
        let says = "no creation of the name follows in the evidence, which ends soon after the delete or has gaps";
        scene.mark(says, None).weigh(CleanUp, -8)
    }
}

/// A change set that only compares creates nothing anew.
fn is_probe(asked: &Asked<'_>) -> bool {
    asked.call.change_set.as_deref().is_some_and(|set| {
        matches(Field::ChangeSet, plain_change_set(set))
            .any(|found| found.signature.hints.iter().any(|(verdict, _)| *verdict == Probe))
    })
}

/// The next stack of the same name under the same parent.
fn next_incarnation<'s>(scene: &Scene<'s, '_>) -> Option<&'s Incarnation> {
    let this = scene.incarnation;
    scene
        .history
        .incarnations
        .iter()
        .find(|next| next.name == this.name && next.parent == this.parent && next.number == this.number + 1)
}

fn reason_of_the_delete(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let (index, row) = seen.reason()?;
    let reason = row.message.as_deref()?;
    if reason.starts_with("The following resource(s) failed") {
        let says = "the delete began with the failure of resources as its reason: CloudFormation began it by itself";
        return Some(seen.scene.mark(says, Some(index)).weigh(CloudFormation, 15));
    }
    let says = "the delete's first event says \"User Initiated\": it was asked for";
    (reason == "User Initiated" && seen.call().is_none())
        .then(|| seen.scene.mark(says, Some(index)).weigh(CloudFormation, -15).weigh(Destroy, 3).weigh(CleanUp, 3))
}

fn asked_for_on_failure(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let created = scene.deployment()?;
    let settled = seen.before().is_some_and(|before| status::complete(before) && !status::rollback(before));
    // The call that makes a change set carries it, not the one that executes it.
    let made = created.creator.and_then(|made| scene.calls.all.get(made));
    let on_failure = made.map_or(&created.call.on_failure, |made| &made.call.on_failure);
    if on_failure.as_deref() != Some("DELETE") || settled {
        return None;
    }
    let by = created.event.actor.as_deref().unwrap_or("the creator");
    let says = format!(
        "{by} had created the stack with OnFailure=DELETE: if the creation fails, CloudFormation deletes the stack"
    );
    Some(scene.mark(says, Some(created.index)).weigh(CloudFormation, 12))
}

/// `cdk rollback` of a stack that never was complete: RollbackStack ends in a delete that nobody calls.
fn rolled_back_to_nothing(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    if seen.call().is_some() {
        return None;
    }
    let started = scene.operation.started_at;
    let asked = scene.calls.about(scene.incarnation, &["RollbackStack"], started - RE_CREATED, started).next_back()?;
    let says = "RollbackStack was called before: a stack without a last good state is deleted by it";
    Some(scene.mark(says, Some(asked.index)).weigh(CloudFormation, 10))
}

fn absent_call(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    if seen.call().is_some() || !scene.calls.any() {
        return None;
    }
    let started = scene.operation.started_at;
    let collected = !scene.calls.all.is_empty();
    let mark = if collected && scene.calls.covers(scene.incarnation, started - JUST_BEFORE, started) {
        scene
            .mark("CloudTrail's records reach over that moment and hold no DeleteStack of the stack", None)
            .weigh(CloudFormation, 5)
            .weigh(Destroy, -5)
            .weigh(CleanUp, -5)
            .weigh(Console, -5)
    } else {
        scene.mark("CloudTrail's records do not reach over that moment, or have gaps", None)
    };
    Some(mark)
}

fn reason_of_the_rollback(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    if seen.call().is_some() {
        return None;
    }
    let (index, row) = seen.reason()?;
    let mark = |says: &str| seen.scene.mark(says, Some(index));
    match row.message.as_deref() {
        Some("User Initiated") => Some(
            mark("the rollback's first event says \"User Initiated\": it was asked for").weigh(CloudFormation, -20),
        ),
        _ => Some(mark("the rollback followed the failure by itself; no call asked for it").weigh(CloudFormation, 5)),
    }
}

fn removed_again(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let next = scene.incarnation.operations.iter().find(|index| **index > scene.index)?;
    let next = scene.history.operations.get(*next)?;
    let after = next.started_at - scene.operation.started_at;
    if next.kind != Kind::Delete || after > RE_CREATED {
        return None;
    }
    let says =
        format!("the change set was never executed, and the stack was deleted again {} s later", after.num_seconds());
    let row = first_row(scene.calls.timeline, next).map(|(index, _)| index);
    Some(scene.mark(says, row).weigh(Probe, 6))
}

fn printed_by_a_tool(seen: &Seen<'_, '_, '_>) -> Option<Mark> {
    let scene = seen.scene;
    let events = scene.operation.events.iter();
    let printed = events
        .filter_map(|index| Some((*index, scene.calls.timeline.events.get(*index)?)))
        .find(|(_, event)| event.source == "deploy_log" && &*event.action != "PRINT")?;
    let says = "the output of a deployment tool tells of it";
    Some(scene.mark(says, Some(printed.0)).weigh(Deploy, 5))
}
