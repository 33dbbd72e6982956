//! What the evidence does not tell, and how to find it out: by which command now, or by which setting next time.
//! It asks only what would change the answer; what else was not seen is in the gaps.

use super::Evidence;
use super::select::Selection;
use crate::actor::Verdict;
use crate::diagnose::{Diagnosis, Explanation};
use crate::model::{Event, Outcome, arn};
use crate::operation::{Ending, Kind, Role};
use crate::rules::Ground;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Something that is not known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Question {
    /// What is not known, as a clause that begins with `why`, `whether`, `which` or `who`.
    pub asks: String,
    /// How to find out now, commands first; may be empty where it is too late.
    pub find_out: Vec<String>,
    /// What would have kept it.
    pub next_time: Option<Cow<'static, str>>,
}

/// A second cause that is at least so probable has to be excluded.
const RIVAL: f64 = 0.1;

/// What would keep a source's evidence from being lost.
const KEEPS: &[(&str, &str)] = &[
    (
        "log_events",
        "Give the function's or container's log group a resource of its own with DeletionPolicy: Retain, so that the rollback does not delete it",
    ),
    (
        "ecs_tasks",
        "Stopped tasks are kept for about an hour: collect while it fails (cfn-forensics capture --stack STACK), or send ECS task state changes to a log group with an EventBridge rule",
    ),
    (
        "ecs_services",
        "Collect while the service is still there: cfn-forensics capture --stack STACK before the rollback has ended, or deploy with the rollback off",
    ),
    ("target_health", "Collect while the target group is still there, or deploy with the rollback off"),
    ("cloudtrail", "CloudTrail's event history keeps 90 days; a trail to S3 keeps it as long as you want"),
    ("rds_events", "RDS keeps its events for 14 days: collect within them"),
    ("operation_events", "Allow cloudformation:DescribeEvents to whoever collects"),
];

/// What keeps a source's evidence the next time.
pub(super) fn keeps(source: &str) -> Option<Cow<'static, str>> {
    KEEPS.iter().find(|(of, _)| *of == source).map(|(_, keeps)| Cow::Borrowed(*keeps))
}

/// The open questions, the most important first.
pub(super) fn unknown(evidence: Evidence<'_>, selection: &Selection, diagnosis: &Diagnosis) -> Vec<Question> {
    let unknown = Unknown { evidence, selection, diagnosis };
    let mut questions = Vec::new();
    for explanation in &diagnosis.explanations {
        questions.extend(unknown.behind_vague_words(explanation));
        questions.extend(unknown.rival(explanation));
    }
    questions.extend(diagnosis.unexplained_failures.iter().filter_map(|event| unknown.unexplained(*event)));
    questions.extend(unknown.cut_off());
    questions.extend(unknown.latent());
    questions.extend(unknown.nobody());
    questions
}

struct Unknown<'a> {
    evidence: Evidence<'a>,
    selection: &'a Selection,
    diagnosis: &'a Diagnosis,
}

impl<'a> Unknown<'a> {
    fn event(&self, index: usize) -> Option<&'a Event> {
        self.evidence.timeline.events.get(index)
    }

    fn name(&self, index: usize) -> &'a str {
        self.event(index).and_then(|event| event.logical_id.as_deref()).unwrap_or("the stack")
    }

    /// A source that was not seen and would say what lies behind words such as "did not stabilize".
    fn behind_vague_words(&self, explanation: &Explanation) -> Option<Question> {
        let first = explanation.hypotheses.first()?;
        let source = first.evidence.iter().find_map(|evidence| match evidence.ground {
            Ground::Unseen(source) => Some(source),
            Ground::Event(_) | Ground::Silence(_) => None,
        })?;
        Some(Question {
            asks: format!(
                "why {} failed, beyond its own words: {source} would say more and was not seen",
                self.name(explanation.root)
            ),
            find_out: first.advice.confirm.clone(),
            next_time: keeps(source),
        })
    }

    /// A second cause that cannot be excluded.
    fn rival(&self, explanation: &Explanation) -> Option<Question> {
        let [first, second, ..] = explanation.hypotheses.as_slice() else { return None };
        (second.probability >= RIVAL && !second.advice.title.is_empty()).then(|| Question {
            asks: format!("which it is: {}; or {}", first.advice.title, second.advice.title),
            find_out: second.advice.confirm.clone(),
            next_time: None,
        })
    }

    /// A failure that no rule knows.
    fn unexplained(&self, index: usize) -> Option<Question> {
        let event = self.event(index)?;
        let region = event.stack_id.as_deref().and_then(arn::region);
        let region = region.map_or(String::new(), |region| format!(" --region {region}"));
        let minute = |delta| crate::model::time::text(event.at + delta);
        let (from, to) = (minute(chrono::TimeDelta::minutes(-5)), minute(chrono::TimeDelta::minutes(1)));
        let mut find_out = Vec::new();
        if !event.approximate {
            find_out.push(format!("aws cloudtrail lookup-events{region} --lookup-attributes AttributeKey=ReadOnly,AttributeValue=false --start-time {from} --end-time {to}"));
        }
        find_out.push(
            "Make the same call by hand with the properties of the template: its error is the whole one".to_owned(),
        );
        Some(Question {
            asks: format!("why {} failed: no rule knows its words", self.name(index)),
            find_out,
            next_time: None,
        })
    }

    /// Nothing failed by itself, but it was not let go on to its end.
    fn cut_off(&self) -> Option<Question> {
        let operations = self.selection.story.iter().flat_map(|story| &story.operations);
        let cut = operations
            .filter_map(|index| self.evidence.history.operations.get(*index))
            .find(|operation| operation.ending == Ending::CutOff)?;
        Some(Question {
            asks: format!(
                "whether the {} would have succeeded: it was cut off before anything had failed",
                cut.kind.word()
            ),
            find_out: vec!["Deploy again and let it end; watch what was in progress when it was cut off".to_owned()],
            next_time: Some("Termination protection while a deployment runs: it refuses DeleteStack".into()),
        })
    }

    /// Resources that were only cancelled.
    fn latent(&self) -> Option<Question> {
        let operations = self.selection.story.iter().flat_map(|story| &story.operations);
        let cancelled = operations
            .filter_map(|index| self.evidence.history.operations.get(*index))
            .filter(|operation| matches!(operation.kind, Kind::Create | Kind::Update | Kind::Import))
            .flat_map(|operation| &operation.failures)
            .filter(|failure| failure.role == Role::Cascade)
            .any(|failure| self.event(failure.event).is_some_and(|event| event.outcome == Outcome::Cancelled));
        (cancelled && self.diagnosis.failed).then(|| Question {
            asks: "whether the cancelled resources would have succeeded".to_owned(),
            find_out: vec!["Deploy again with the rollback off (--disable-rollback of the AWS CLI and SAM, --no-rollback of cdk deploy): what succeeded stays, and every failure shows".to_owned()],
            next_time: None,
        })
    }

    /// Nobody is known to have begun or deleted it.
    fn nobody(&self) -> Option<Question> {
        let story = self.selection.story.as_ref()?;
        let index = story.operations.iter().copied().find(|index| {
            self.evidence
                .actors
                .get(*index)
                .is_some_and(|actor| actor.verdict == Verdict::Unknown && actor.name.is_none())
        })?;
        let operation = self.evidence.history.operations.get(index)?;
        let region = self
            .evidence
            .history
            .incarnations
            .get(operation.incarnation)
            .and_then(|incarnation| incarnation.stack_id.as_deref())
            .and_then(arn::region);
        let region = region.map_or(String::new(), |region| format!(" --region {region}"));
        Some(Question {
            asks: format!("who began the {}", operation.kind.word()),
            find_out: vec![format!(
                "aws cloudtrail lookup-events{region} --lookup-attributes AttributeKey=EventSource,AttributeValue=cloudformation.amazonaws.com"
            )],
            next_time: keeps("cloudtrail"),
        })
    }
}
