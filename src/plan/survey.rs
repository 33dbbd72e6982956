//! The inquiry into an account: which stacks failed or were deleted lately, how, and by whom.
//! One look at each stack's newest events and a few look-ups for all of them together; the rest is for the plan of one
//! stack. Used by the verb `stacks`.

use super::calls::LAG;
use super::{Answered, Ask, Depth, Filter, Inquiry, Question, Questions, Sources, Window};
use crate::model::{Capture, Gap, RecordFile, Time, arn, time};
use chrono::TimeDelta;
use serde::Deserialize;

/// Stacks that are looked at in each region; an account can have thousands.
const MOST_STACKS: usize = 50;
/// Pages of each look-up of calls.
const PAGES: u32 = 4;
/// The calls that begin operations.
const STARTERS: &[&str] = &["CreateStack", "UpdateStack", "ExecuteChangeSet", "DeleteStack"];

/// What is wanted of the account.
#[derive(Debug)]
pub struct Survey {
    /// Where to look; not empty.
    pub regions: Vec<String>,
    /// Only stacks of this name.
    pub name: Option<String>,
    /// Nothing earlier.
    pub since: Time,
    /// Stacks that were deleted.
    pub deleted: bool,
    /// Stacks that failed, and may be deleted by now.
    pub failed: bool,
    /// Which sources may be asked.
    pub sources: Sources,
    /// When the collection began.
    pub now: Time,
    /// The questions so far; none to begin with.
    pub asked: Questions,
}

/// What ListStacks tells of a stack, as far as it decides whether to look closer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    stack_id: String,
    stack_name: String,
    stack_status: String,
    #[serde(default)]
    creation_time: String,
    last_updated_time: Option<String>,
    deletion_time: Option<String>,
}

impl Listed {
    /// The last that happened to it.
    fn at(&self) -> Option<Time> {
        let written = self.deletion_time.as_deref().or(self.last_updated_time.as_deref());
        time::parse(written.unwrap_or(&self.creation_time)).map(|written| written.at)
    }

    fn is_deleted(&self) -> bool {
        self.stack_status == "DELETE_COMPLETE"
    }

    fn failed(&self) -> bool {
        self.stack_status.contains("ROLLBACK") || self.stack_status.ends_with("_FAILED")
    }

    fn region(&self) -> &str {
        arn::region(&self.stack_id).unwrap_or_default()
    }
}

impl Inquiry for Survey {
    fn next(&mut self, capture: &Capture) -> Vec<Question> {
        // Our clock may be slow; AWS takes an end that is yet to come.
        let window = Window { from: self.since, to: self.now + TimeDelta::days(1) };
        let mut wanted = Vec::new();
        for region in &self.regions {
            let mut add = |ask| wanted.push(Question { ask, region: region.clone() });
            add(Ask::Stacks { since: self.since });
            for name in STARTERS {
                add(Ask::Calls { filter: Filter::EventName((*name).to_owned()), window, pages: PAGES });
            }
        }
        for stack in self.worth_a_look(capture).iter().flat_map(|stacks| stacks.iter().take(MOST_STACKS)) {
            let ask =
                Ask::StackEvents { stack: stack.stack_id.clone(), depth: Depth::Back { deployments: 1, since: None } };
            wanted.push(Question { ask, region: stack.region().to_owned() });
        }
        wanted.retain(|question| self.sources.allow(question.ask.source()));
        self.asked.take_new(wanted)
    }

    fn asked(&mut self) -> &mut Questions {
        &mut self.asked
    }
}

impl Survey {
    /// The stacks of each region that may have failed or were deleted, newest first; only those of regions whose list
    /// has come to its end, since the first pages are not the newest.
    fn worth_a_look(&self, capture: &Capture) -> Vec<Vec<Listed>> {
        let files = capture.files.iter().filter(|file| file.source == "stacks");
        let mut listed: Vec<Listed> =
            files.flat_map(RecordFile::iter).filter_map(|(_, record)| serde_json::from_str(record).ok()).collect();
        listed.retain(|stack| match &self.name {
            Some(name) => stack.stack_name == *name,
            None => stack.is_deleted() || (self.failed && stack.failed()),
        });
        listed.sort_by_key(|stack| std::cmp::Reverse(stack.at()));
        let mut of_regions: Vec<Vec<Listed>> = self.regions.iter().map(|_| Vec::new()).collect();
        for stack in listed {
            let at = self.regions.iter().position(|region| region == stack.region());
            if let Some(of_region) = at.filter(|at| self.is_listed(*at)).and_then(|at| of_regions.get_mut(at)) {
                of_region.push(stack);
            }
        }
        of_regions
    }

    fn is_listed(&self, region: usize) -> bool {
        let question = self
            .regions
            .get(region)
            .map(|region| Question { ask: Ask::Stacks { since: self.since }, region: region.clone() });
        question.is_some_and(|question| self.asked.answer_to(&question).is_some())
    }

    /// True when some region listed its stacks.
    pub fn is_answered(&self) -> bool {
        let lists = self.asked.all.iter().filter(|(question, _)| matches!(question.ask, Ask::Stacks { .. }));
        lists.into_iter().any(|(_, answered)| answered.is_some_and(|answered| answered != Answered::Not))
    }

    /// What was left out on purpose.
    pub fn gaps(&self, capture: &Capture) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (region, stacks) in self.regions.iter().zip(self.worth_a_look(capture)) {
            if let Some(more) = stacks.len().checked_sub(MOST_STACKS).filter(|more| *more > 0) {
                let why = format!("only the newest {MOST_STACKS} stacks were looked at, {more} more were not");
                gaps.push(Gap::new("stack_events", why).at(region.clone()).remedy("narrow it with --since or --stack"));
            }
            if stacks.first().and_then(Listed::at).is_some_and(|last| last > self.now - LAG) {
                let why = "calls of the last 15 minutes may not be recorded yet";
                gaps.push(Gap::new("cloudtrail", why).at(region.clone()).remedy("ask again in 15 minutes"));
            }
        }
        gaps
    }
}
