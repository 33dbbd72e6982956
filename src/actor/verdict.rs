//! Weighs what is known of an operation and says what it was started for, with odds that a reader can redo by hand:
//! each candidate has a prior and every mark adds its decibans; "unknown" stands at 0; odds = 10^(s/10) over the sum of all.
//! It never looks for the call or for people; those are in `calls` and `chain`. Used by `actor`.

use super::calls::{Asked, first_row, rows, same_session};
use super::circumstances::{self, RE_CREATED, Seen};
use super::scene::Scene;
use super::signatures::{Field, Match, change_set_name, matches, service};
use super::{Alternative, Mark, Verdict, Weight};
use crate::model::arn;
use crate::model::{Outcome, time};
use crate::operation::Kind;
use Verdict::{CleanUp, CloudFormation, Console, Deploy, Destroy, ParentStack, Probe, StackSet, Unknown};
use hashbrown::HashSet;
use std::borrow::Cow;

/// A reading less probable than this is not worth a line.
const LEAST_ODDS: f64 = 0.05;
/// Nothing that is inferred is certain.
const MOST_ODDS: f64 = 0.99;

/// What a scene was judged to be; the fields are those of [`super::Actor`].
pub(super) struct Judgement {
    pub verdict: Verdict,
    pub odds: f64,
    pub alternatives: Vec<Alternative>,
    pub marks: Vec<Mark>,
    pub tool: Option<&'static str>,
    pub decides: Vec<String>,
}

impl<'s, 't> Scene<'s, 't> {
    /// The verdict, with everything that it rests on.
    pub fn judge(&self) -> Judgement {
        let candidates = priors(self.operation.kind, self.start.is_some());
        let (tool, mut marks) = self.recognise(candidates);
        let seen = Seen { scene: self, tool };
        let (joined, circumstances) = circumstances::weigh(&seen);
        marks.insert(0, joined);
        marks.extend(circumstances);
        for mark in &mut marks {
            let stands = |weight: &Weight| candidates.iter().any(|(verdict, _)| *verdict == weight.verdict);
            mark.weights.retain(stands);
        }
        let ranked = tally(candidates, &marks);
        let (verdict, odds) = ranked.first().copied().unwrap_or((Unknown, 0.0));
        let alternatives: Vec<Alternative> = ranked
            .iter()
            .skip(1)
            .filter(|(other, odds)| *other != Unknown && *odds >= LEAST_ODDS)
            .map(|(other, odds)| Alternative { verdict: *other, odds: *odds, why: why(*other, &marks) })
            .collect();
        let decides = decides(&seen, verdict, &alternatives);
        Judgement { verdict, odds, alternatives, marks, tool, decides }
    }

    /// The marks of the signature table, and the tool that they give away.
    fn recognise(&self, candidates: &[(Verdict, i32)]) -> (Option<&'static str>, Vec<Mark>) {
        let mut tool: Option<(usize, &'static str)> = None;
        let mut marks: Vec<Mark> = Vec::new();
        for observed in self.observe() {
            let mut named = false;
            for Match { rank, signature, says } in matches(observed.field, &observed.text) {
                // What a tool is built on is not worth telling beside the tool.
                if signature.tool.is_some() && std::mem::replace(&mut named, true) {
                    continue;
                }
                if let Some(name) = signature.tool.filter(|_| observed.own)
                    && tool.is_none_or(|(best, _)| rank < best)
                {
                    tool = Some((rank, name));
                }
                let mut hints = signature.hints.iter();
                let off_topic = signature.tool.is_none()
                    && !signature.hints.is_empty()
                    && !hints.any(|(verdict, _)| candidates.iter().any(|(candidate, _)| candidate == verdict));
                if off_topic || marks.iter().any(|mark| mark.says == says) {
                    continue;
                }
                let mark = self.mark(says, observed.event);
                let hints = signature.hints.iter();
                marks.push(hints.fold(mark, |mark, (verdict, decibans)| mark.weigh(*verdict, *decibans)));
            }
        }
        keep_strongest(&mut marks);
        (tool.map(|(_, name)| name), marks)
    }

    /// Everything that the signature table is held against.
    fn observe(&self) -> Vec<Observed<'s>> {
        let mut seen = Vec::new();
        if let Some((asked, _)) = self.start {
            self.observe_call(asked, &mut seen);
        } else if self.operation.kind != Kind::Rollback {
            // An automatic rollback carries the token of the operation that failed.
            let (row, token) = (first_row(self.calls.timeline, self.operation), self.operation.token.as_deref());
            if let Some(token) = token {
                seen.push(Observed::own(Field::Token, token, row.map(|(index, _)| index)));
            }
        }
        if let Some(prepared) = self.prepared {
            let own = self.start.is_none_or(|(asked, _)| {
                self.operation.kind != Kind::Delete || same_session(&asked.call.identity, &prepared.call.identity)
            });
            observe_change_set(prepared, &self.incarnation.name, own, &mut seen);
        }
        if self.operation.kind == Kind::Create {
            self.observe_resources(&mut seen);
        }
        if self.operation.kind == Kind::ChangeSet && self.start.is_none() {
            let rows = rows(self.calls.timeline, self.operation).filter(|(_, event)| event.source == "change_sets");
            for (index, event) in rows {
                if let Some(name) = event.logical_id.as_deref() {
                    let text = change_set_name(name, &self.incarnation.name);
                    seen.push(Observed::own(Field::ChangeSet, text, Some(index)));
                }
            }
        }
        if self.operation.kind != Kind::Rollback {
            seen.push(Observed::own(Field::Stack, &*self.incarnation.name, None));
        }
        seen
    }

    fn observe_call(&self, asked: &'s Asked<'t>, seen: &mut Vec<Observed<'s>>) {
        let (call, identity, event) = (asked.call, &*asked.call.identity, Some(asked.index));
        let mut see = |field: Field, text: Option<&'s str>| {
            seen.extend(text.map(|text| Observed::own(field, text, event)));
        };
        see(Field::Service, service(identity.invoked_by.as_ref(), call.user_agent.as_ref()));
        see(Field::Agent, call.user_agent.as_deref());
        see(Field::Token, asked.event.token.as_deref().or(self.operation.token.as_deref()));
        // Records that LookupEvents lists without their text tell a name but not whether it is a session's.
        let session = match (identity.role_name(), identity.kind.is_empty()) {
            (Some(_), _) => identity.name(),
            (None, true) => asked.event.actor.as_deref(),
            (None, false) => None,
        };
        see(Field::Session, session);
        see(Field::Role, identity.role_name());
        let deletes = self.operation.kind == Kind::Delete;
        let by_arn = call.stack.as_deref().is_some_and(|stack| stack.starts_with("arn:"));
        let flags = [
            ("sessionCredentialFromConsole", identity.from_console),
            ("roleARN", deletes && call.role_arn.is_some()),
            ("deploymentConfig", deletes && call.deployment_mode.is_some()),
            ("retainResources", call.retains),
            ("stackName=ARN", deletes && by_arn),
        ];
        for (flag, is_set) in flags {
            see(Field::Parameter, Some(flag).filter(|_| is_set));
        }
        if self.operation.kind == Kind::Create {
            let made = self.prepared.and_then(|made| made.call.on_failure.as_deref());
            see(Field::OnFailure, call.on_failure.as_deref().or(made));
        }
        if self.operation.kind == Kind::ChangeSet {
            observe_change_set(asked, &self.incarnation.name, true, seen);
        }
    }

    fn observe_resources(&self, seen: &mut Vec<Observed<'s>>)
    where
        't: 's,
    {
        let mut names: HashSet<&str> = HashSet::new();
        for (index, event) in rows(self.calls.timeline, self.operation) {
            if event.outcome == Outcome::InProgress
                && let Some(logical_id) = event.logical_id.as_deref()
                && names.insert(logical_id)
            {
                seen.push(Observed::own(Field::Resource, logical_id, Some(index)));
            }
        }
    }

    pub fn mark(&self, says: impl Into<String>, event: Option<usize>) -> Mark {
        let record = event.and_then(|index| self.calls.timeline.events.get(index));
        Mark { says: says.into(), record: record.map(|event| event.record.clone()), event, weights: Vec::new() }
    }
}

/// The signatures of one caller repeat each other: of those for a verdict only the strongest counts, and of those against it.
fn keep_strongest(marks: &mut [Mark]) {
    let mut counted: Vec<(Verdict, bool)> = Vec::new();
    let mut all: Vec<Weight> = marks.iter().flat_map(|mark| mark.weights.iter().copied()).collect();
    all.sort_by_key(|weight| std::cmp::Reverse(weight.decibans.abs()));
    for mark in marks {
        mark.weights.retain(|weight| {
            let side = (weight.verdict, weight.decibans > 0);
            let strongest = all
                .iter()
                .find(|other| (other.verdict, other.decibans > 0) == side)
                .is_none_or(|strongest| strongest == weight);
            let counts = strongest && !counted.contains(&side);
            if counts {
                counted.push(side);
            }
            counts
        });
    }
}

/// One text that the signature table is held against.
struct Observed<'s> {
    field: Field,
    text: Cow<'s, str>,
    event: Option<usize>,
    /// It is of the operation's own starter, so that it may name the tool.
    own: bool,
}

impl<'s> Observed<'s> {
    fn own(field: Field, text: impl Into<Cow<'s, str>>, event: Option<usize>) -> Self {
        Self { field, text: text.into(), event, own: true }
    }
}

fn observe_change_set<'s>(made: &Asked<'s>, stack: &str, own: bool, seen: &mut Vec<Observed<'s>>) {
    let mut see = |field: Field, text: Option<Cow<'s, str>>| {
        seen.extend(text.map(|text| Observed { field, text, event: Some(made.index), own }));
    };
    let name = made.call.change_set.as_deref().map(|set| change_set_name(set, stack));
    see(Field::ChangeSet, name.map(Cow::from));
    see(Field::Description, made.call.description.as_deref().map(Cow::from));
    see(Field::Token, made.event.token.as_deref().map(Cow::from));
}

impl Mark {
    pub(super) fn weigh(mut self, verdict: Verdict, decibans: i32) -> Self {
        self.weights.push(Weight { verdict, decibans });
        self
    }
}

/// The candidates for a kind of operation with their priors in decibans; `found`: there is a call that started it.
/// What was asked for is the ordinary case; without a call "unknown" is, until something speaks for another.
fn priors(kind: Kind, found: bool) -> &'static [(Verdict, i32)] {
    match (kind, found) {
        (Kind::Delete, true) => {
            &[(Destroy, 8), (CleanUp, 2), (Console, -2), (Probe, -8), (ParentStack, -10), (StackSet, -10)]
        }
        (Kind::Delete, false) => &[
            (CloudFormation, -3),
            (Destroy, -8),
            (CleanUp, -8),
            (Console, -10),
            (Probe, -12),
            (ParentStack, -12),
            (StackSet, -12),
        ],
        (Kind::Rollback, true) => &[(Deploy, 8), (Console, -2), (ParentStack, -10), (StackSet, -10)],
        (Kind::Rollback, false) => {
            &[(CloudFormation, 10), (Deploy, -8), (Console, -10), (ParentStack, -12), (StackSet, -12)]
        }
        (_, true) => &[(Deploy, 10), (Console, -2), (Probe, -10), (ParentStack, -10), (StackSet, -10)],
        (_, false) => &[(Deploy, 5), (Console, -5), (Probe, -10), (ParentStack, -12), (StackSet, -12)],
    }
}

/// The candidates with their odds to two decimals, best first.
fn tally(candidates: &[(Verdict, i32)], marks: &[Mark]) -> Vec<(Verdict, f64)> {
    let weights = || marks.iter().flat_map(|mark| &mark.weights);
    let score = |verdict: Verdict, prior: i32| {
        let of_it = weights().filter(|weight| weight.verdict == verdict);
        of_it.fold(prior, |sum, weight| sum.saturating_add(weight.decibans))
    };
    let mut ranked: Vec<(Verdict, i32)> =
        candidates.iter().map(|(verdict, prior)| (*verdict, score(*verdict, *prior))).chain([(Unknown, 0)]).collect();
    ranked.sort_by_key(|(verdict, score)| (-score, *verdict));
    let likelihood = |score: i32| 10_f64.powf(f64::from(score) / 10.0);
    let sum: f64 = ranked.iter().map(|(_, score)| likelihood(*score)).sum();
    // Two decimals also take away what the last bit of a power may differ by between machines.
    let odds = |score: i32| ((likelihood(score) / sum * 100.0).round() / 100.0).min(MOST_ODDS);
    ranked.into_iter().map(|(verdict, score)| (verdict, odds(score))).collect()
}

/// What speaks most for a reading; or, if nothing does, why it is worth a thought.
fn why(verdict: Verdict, marks: &[Mark]) -> String {
    let mut for_it: Vec<(i32, &str)> = marks
        .iter()
        .flat_map(|mark| mark.weights.iter().map(move |weight| (weight, &*mark.says)))
        .filter(|(weight, _)| weight.verdict == verdict && weight.decibans > 0)
        .map(|(weight, says)| (weight.decibans, says))
        .collect();
    for_it.sort_by_key(|(decibans, _)| -decibans);
    if for_it.is_empty() {
        return match verdict {
            Deploy => "a deployment is the ordinary reason of such a call",
            CleanUp => "tools clean up after themselves without being asked",
            Destroy => "somebody who asks for it is the ordinary reason of a delete",
            Console => "nothing rules the console out",
            Probe => "nothing rules out that a tool only looked",
            ParentStack => "nothing rules out that the stack is nested",
            StackSet => "nothing rules out that the stack belongs to a stack set",
            CloudFormation => "CloudFormation deletes and rolls back by itself after a failure",
            Unknown => "nothing that is known fits",
        }
        .to_owned();
    }
    let says: Vec<&str> = for_it.iter().take(2).map(|(_, says)| *says).collect();
    says.join("; ")
}

/// The evidence that would decide between the verdict and its alternatives.
fn decides(seen: &Seen<'_, '_, '_>, verdict: Verdict, alternatives: &[Alternative]) -> Vec<String> {
    let scene = seen.scene;
    let at = time::text(scene.at());
    let mut decides = Vec::new();
    let open = |one: Verdict| verdict == one || alternatives.iter().any(|other| other.verdict == one);
    let Some(asked) = seen.call() else {
        if matches!(verdict, CloudFormation | ParentStack) && alternatives.is_empty() {
            return decides;
        }
        decides.push(missing_call(scene));
        return decides;
    };
    if open(CleanUp) && open(Destroy) {
        if seen.is_cdk() && asked.call.role_arn.is_none() && asked.call.deployment_mode.is_none() {
            decides.push(format!(
                "roleARN and deploymentConfig in requestParameters of the DeleteStack record ({}), uncut from CloudTrail: `cdk destroy` sends both, the clean-up of `cdk deploy` neither",
                asked.event.record
            ));
        }
        if !scene.calls.covers(scene.incarnation, scene.at(), scene.over() + RE_CREATED) {
            decides.push(format!(
                "CloudTrail's records of the ten minutes after {at}: a CreateChangeSet or CreateStack of {} by the same session means a clean-up",
                scene.incarnation.name
            ));
        }
        decides.push(format!(
            "the shell history or job log of {} at {at}: a deploy cleans up, a destroy is asked for",
            origin_of_call(asked)
        ));
    } else if !alternatives.is_empty() {
        decides.push(format!(
            "the user agent, clientRequestToken and sessionCredentialFromConsole of the {} record ({})",
            asked.event.action, asked.event.record
        ));
    }
    decides
}

/// Where to ask about a call.
fn origin_of_call(asked: &Asked<'_>) -> String {
    let who: Cow<'_, str> = match asked.event.actor.as_deref() {
        Some(name) => match name.strip_prefix("aws-cdk-") {
            Some(user) => Cow::from(format!("the OS user {user}")),
            None => Cow::from(name),
        },
        None => Cow::from("the caller"),
    };
    match asked.call.source_ip.as_deref() {
        Some(ip) => format!("{who} at {ip}"),
        None => who.into_owned(),
    }
}

fn missing_call(scene: &Scene<'_, '_>) -> String {
    let names = match scene.operation.kind {
        Kind::Delete => "DeleteStack",
        Kind::Create => "CreateStack and ExecuteChangeSet",
        Kind::Update => "UpdateStack and ExecuteChangeSet",
        Kind::Import => "ExecuteChangeSet",
        Kind::Rollback => "RollbackStack, ContinueUpdateRollback and CancelUpdateStack",
        Kind::ChangeSet => "CreateChangeSet",
        Kind::Unknown => "CreateStack, UpdateStack and ExecuteChangeSet",
    };
    let region = scene
        .incarnation
        .stack_id
        .as_deref()
        .and_then(arn::region)
        .map(|region| format!(" in {region}"))
        .unwrap_or_default();
    format!(
        "CloudTrail's {names} records of {}{region} around {} (kept for 90 days, up to 15 minutes late)",
        scene.incarnation.name,
        time::text(scene.operation.started_at)
    )
}

#[cfg(test)]
mod tests {
    use super::super::Basis;
    use super::super::testing::{Step, arn, at, call, cloudformation, of_role, told, user, with};
    use super::super::{Actor, CLOUDFORMATION, actors};
    use super::*;
    use crate::model::{Event, Identity};
    use Basis::{EventsOnly, NameAndTime, StackId, Token};
    use chrono::TimeDelta;

    const UUID: &str = "d680c230-5b44-403a-ba67-b538e8c334bd";
    const EXEC: &str = "exec54ad21f8-0724-4a08-acbf-de5f139ed9cc";
    const DIFF: &str = "cdk-diff-change-set";

    fn cdk(session: &str) -> Identity {
        of_role("cdk-hnb659fds-deploy-role-1-r", session, session)
    }

    fn by_cdk(mut event: Event) -> Event {
        with(&mut event, |call| {
            call.user_agent = Some("aws-sdk-js/3.9 aws-cdk/2.1".into());
        });
        event
    }

    fn token(mut event: Event, token: &str) -> Event {
        event.token = Some(token.into());
        event
    }

    /// CreateChangeSet as CloudTrail records it: the answer holds the ARNs.
    fn change_set(seconds: i64, set: &str, number: usize, identity: Identity) -> Event {
        let mut event = by_cdk(cloudformation(seconds, "CreateChangeSet", &arn("shop", number), identity));
        with(&mut event, |call| {
            call.change_set = Some(format!("arn:aws:cloudformation:r:1:changeSet/{set}/{number}").into());
        });
        event
    }

    /// A failed creation by CDK and its rollback.
    fn failed_creation() -> Vec<Step> {
        vec![
            Step::new(Kind::Create, 0, 1).token(EXEC),
            Step::new(Kind::Rollback, 60, 1).token(EXEC).reason("The following resource(s) failed to create: [Db]."),
        ]
    }

    fn delete() -> Step {
        Step::new(Kind::Delete, 900, 1).before("ROLLBACK_COMPLETE").token(UUID).reason("User Initiated")
    }

    fn actors_of(steps: &[Step], calls: Vec<Event>) -> Vec<Actor> {
        let (timeline, history) = told("shop", steps, calls);
        actors(&timeline, &history)
    }

    fn judged(actors: &[Actor]) -> Vec<(Verdict, Basis)> {
        actors.iter().map(|actor| (actor.verdict, actor.basis)).collect()
    }

    #[test]
    fn deletes_are_told_apart() {
        let created = || token(by_cdk(cloudformation(-1, "ExecuteChangeSet", "shop", cdk("aws-cdk-a"))), EXEC);
        let deleted = || token(by_cdk(cloudformation(899, "DeleteStack", &arn("shop", 1), cdk("aws-cdk-a"))), UUID);
        let with_role = || {
            let mut event = deleted();
            with(&mut event, |call| {
                call.role_arn = Some("arn:aws:iam::1:role/exec".into());
            });
            event
        };
        let again = || change_set(911, "cdk-deploy-change-set", 2, cdk("aws-cdk-a"));
        let sam = |retains| {
            let mut event = cloudformation(899, "DeleteStack", "shop", user("ci", "AKIA1"));
            with(&mut event, |call| {
                call.user_agent = Some("aws-sam-cli/1.148.0/x".into());
                call.retains = retains;
            });
            event
        };
        for (what, calls, verdict, basis) in [
            ("a clean-up creates again", vec![created(), deleted(), again()], CleanUp, Token),
            ("a destroy sends the role", vec![created(), with_role()], Destroy, Token),
            ("sam delete", vec![sam(true)], Destroy, NameAndTime),
            ("sam deploy --on-failure DELETE", vec![sam(false)], CleanUp, NameAndTime),
            ("no call", vec![created()], Unknown, EventsOnly),
        ] {
            let mut steps = failed_creation();
            steps.push(delete());
            let actors = actors_of(&steps, calls);
            assert_eq!(judged(&actors).last(), Some(&(verdict, basis)), "{what}: {:#?}", actors.last());
        }
    }

    #[test]
    fn a_delete_by_cdk_that_nothing_follows_has_two_readings() {
        let mut steps = failed_creation();
        steps.push(delete());
        let created = token(by_cdk(cloudformation(-1, "ExecuteChangeSet", "shop", user("ci", "AKIA1"))), EXEC);
        let deleted = token(by_cdk(cloudformation(899, "DeleteStack", &arn("shop", 1), cdk("aws-cdk-a"))), UUID);
        let actors = actors_of(&steps, vec![created, deleted]);
        let actor = &actors[actors.len() - 1];
        assert_eq!((actor.verdict, actor.tool), (Destroy, Some("AWS CDK CLI")));
        assert!((0.5..0.8).contains(&actor.odds), "{actor:#?}");
        let other = &actor.alternatives[0];
        assert!(other.verdict == CleanUp && other.odds > 0.1, "{actor:#?}");
        assert!(actor.decides.iter().any(|way| way.contains("roleARN and deploymentConfig")), "{actor:#?}");
    }

    #[test]
    fn what_cloudformation_deletes_by_itself_has_no_caller() {
        let mut created = cloudformation(-1, "CreateStack", &arn("shop", 1), user("sls", "AKIA1"));
        with(&mut created, |call| call.on_failure = Some("DELETE".into()));
        let failed = "The following resource(s) failed to create: [Db]. Delete requested by user.";
        let steps =
            [Step::new(Kind::Create, 0, 1), Step::new(Kind::Delete, 60, 1).before("CREATE_IN_PROGRESS").reason(failed)];
        let actors = actors_of(&steps, vec![created]);
        assert_eq!(judged(&actors), [(Deploy, StackId), (CloudFormation, EventsOnly)]);
        assert_eq!(actors.last().and_then(|actor| actor.name.as_deref()), Some(CLOUDFORMATION));
    }

    #[test]
    fn stack_events_alone_still_tell_something() {
        let console = "Console-DeleteStack-b576ab9a-90fd-4b88-9774-1159b3c09699";
        let healthy = || Step::new(Kind::Delete, 900, 1).before("CREATE_COMPLETE").reason("User Initiated");
        for (what, steps, expected) in [
            ("the console's token", vec![healthy().token(console)], Console),
            ("nothing", vec![healthy()], Unknown),
            ("created anew", vec![delete(), Step::new(Kind::Create, 920, 2).token(EXEC)], CleanUp),
        ] {
            let actors = actors_of(&steps, Vec::new());
            let first = &actors[0];
            assert_eq!((first.verdict, first.basis), (expected, EventsOnly), "{what}: {first:#?}");
            assert!(!first.decides.is_empty(), "{what}");
        }
    }

    #[test]
    fn a_probe_makes_a_change_set_and_takes_everything_away() {
        let steps =
            [Step::new(Kind::ChangeSet, 1, 1), Step::new(Kind::Delete, 12, 1).before("REVIEW_IN_PROGRESS").token(UUID)];
        let calls = |deleter: &str| {
            vec![
                change_set(0, DIFF, 1, cdk("aws-cdk-a")),
                by_cdk(cloudformation(12, "DeleteChangeSet", "shop", cdk(deleter))),
                token(by_cdk(cloudformation(12, "DeleteStack", "shop", cdk(deleter))), UUID),
            ]
        };
        assert_eq!(judged(&actors_of(&steps, calls("aws-cdk-a"))), [(Probe, StackId), (Probe, Token)]);
        let marks = actors_of(&steps, calls("aws-cdk-b")).pop().map(|actor| actor.marks).unwrap_or_default();
        assert!(marks.iter().any(|mark| mark.says.contains("of aws-cdk-a, another session")), "{marks:#?}");
    }

    #[test]
    fn rollbacks_are_automatic_unless_somebody_asked() {
        let rollback = |reason| [Step::new(Kind::Rollback, 60, 1).token(EXEC).reason(reason)];
        let asked = cloudformation(59, "ContinueUpdateRollback", "shop", user("lena", "AKIA1"));
        let failed = "The following resource(s) failed to update: [Db].";
        for (steps, calls, expected) in [
            (rollback(failed), vec![], (CloudFormation, EventsOnly)),
            (rollback("User Initiated"), vec![], (Unknown, EventsOnly)),
            (rollback("User Initiated"), vec![asked], (Deploy, NameAndTime)),
        ] {
            assert_eq!(judged(&actors_of(&steps, calls)), [expected]);
        }
    }

    #[test]
    fn calls_are_joined_by_what_ties_them() {
        let by_name = |seconds| cloudformation(seconds, "UpdateStack", "shop", user("ci", "AKIA1"));
        let by_arn_of_set = || {
            let mut event = call(99, "ExecuteChangeSet", user("ci", "AKIA1"));
            with(&mut event, |call| {
                call.change_set = Some("arn:aws:cloudformation:r:1:changeSet/x/1".into());
            });
            event
        };
        let refused = || {
            let mut event = by_name(99);
            event.error = Some("AccessDenied".into());
            event
        };
        let elsewhere = || {
            let mut event = by_name(99);
            with(&mut event, |call| call.region = Some("other".into()));
            event
        };
        let of_other = || token(cloudformation(99, "UpdateStack", "blog", user("ci", "AKIA1")), EXEC);
        for (what, calls, expected) in [
            ("soon after the call", vec![by_name(20), by_name(98)], NameAndTime),
            ("a second before it", vec![by_name(101)], NameAndTime),
            ("later, the only one", vec![by_name(50)], NameAndTime),
            ("later, one of two", vec![by_name(50), by_name(60)], EventsOnly),
            ("too late", vec![by_name(30)], EventsOnly),
            ("another kind", vec![cloudformation(99, "DeleteStack", "shop", user("ci", "AKIA1"))], EventsOnly),
            ("another stack with the same token", vec![of_other()], EventsOnly),
            ("another region", vec![elsewhere()], EventsOnly),
            ("refused", vec![refused()], EventsOnly),
            ("a change set's ARN", vec![change_set(90, "x", 1, user("ci", "AKIA1")), by_arn_of_set()], StackId),
            ("the token first", vec![token(by_name(60), EXEC), by_name(98)], Token),
        ] {
            let actors = actors_of(&[Step::new(Kind::Update, 100, 1).token(EXEC)], calls);
            assert_eq!(judged(&actors), [(Deploy, expected)], "{what}");
        }
    }

    #[test]
    fn one_call_starts_one_operation() {
        let steps = [Step::new(Kind::Delete, 100, 1), Step::new(Kind::Delete, 110, 1).before("DELETE_FAILED")];
        let actors = actors_of(&steps, vec![cloudformation(99, "DeleteStack", "shop", user("ci", "AKIA1"))]);
        let calls: Vec<Option<usize>> = actors.iter().map(|actor| actor.call).collect();
        assert_eq!(calls, [Some(0), None]);
    }

    #[test]
    fn nested_stacks_have_their_parents_origin() {
        let steps = [Step::new(Kind::Create, 1, 1), Step::new(Kind::Create, 20, 2)];
        let asked = cloudformation(0, "CreateStack", &arn("shop", 1), user("ci", "AKIA1"));
        let (timeline, mut history) = told("shop", &steps, vec![asked]);
        history.incarnations[1].parent = Some(0);
        history.operations[1].parent = Some(0);
        let actors = actors(&timeline, &history);
        assert_eq!(judged(&actors), [(Deploy, StackId), (ParentStack, EventsOnly)]);
        assert!(actors[0].origin.is_some() && actors[0].origin == actors[1].origin);
    }

    #[test]
    fn a_nested_stack_may_be_deleted_directly() {
        let steps = [Step::new(Kind::Create, 1, 1), Step::new(Kind::Delete, 900, 2)];
        let direct = cloudformation(899, "DeleteStack", &arn("shop", 2), user("lena", "AKIA1"));
        for (calls, expected) in [(vec![direct], (Destroy, StackId)), (vec![], (ParentStack, EventsOnly))] {
            let (timeline, mut history) = told("shop", &steps, calls);
            history.incarnations[1].parent = Some(0);
            history.operations[1].parent = Some(0);
            assert_eq!(judged(&actors(&timeline, &history))[1], expected);
        }
    }

    #[test]
    fn the_output_of_a_tool_tells_of_a_deployment() {
        let (mut timeline, history) = told("shop", &[Step::new(Kind::Create, 0, 1)], Vec::new());
        timeline.events[0].source = "deploy_log";
        let actors = actors(&timeline, &history);
        assert_eq!(judged(&actors), [(Deploy, EventsOnly)]);
        assert!(actors[0].name.is_none() && actors[0].odds > 0.8, "{actors:#?}");
    }

    #[test]
    fn names_and_services_of_stack_sets_are_recognised() {
        let name = "StackSet-guardrails-7021823f-19b3-4ab5-b470-9660fd7a6b61";
        let (timeline, history) = told(name, &[Step::new(Kind::Create, 0, 1)], Vec::new());
        assert_eq!(judged(&actors(&timeline, &history)), [(StackSet, EventsOnly)]);
    }

    #[test]
    fn odds_can_be_redone_by_hand() {
        // 10^(10/10) against 10^0 for "unknown": ten elevenths.
        assert_eq!(tally(&[(Deploy, 10)], &[]), [(Deploy, 0.91), (Unknown, 0.09)]);
        let mark = Mark { says: String::new(), record: None, event: None, weights: Vec::new() };
        let ranked = tally(&[(Deploy, 0), (Destroy, 5)], &[mark.weigh(Deploy, 10)]);
        assert_eq!(ranked, [(Deploy, 0.71), (Destroy, 0.22), (Unknown, 0.07)]);
        assert_eq!(at(0) + TimeDelta::seconds(60), at(60));
    }
}
