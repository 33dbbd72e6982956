//! What a capture still lacks, and so what to ask next: pure, without IO and without a clock.
//! It asks nothing twice and nothing that the events do not point to.
//! Used by live collection, which answers its questions until there is none left.

mod calls;
mod logs;
mod question;
mod scene;
mod services;
mod stacks;
mod survey;

use crate::model::{Capture, Gap, Time};
use scene::Scene;
use std::collections::BTreeMap;

pub use question::{Answered, Ask, Depth, Filter, Question, Window};
pub use stacks::{name_of, regions_beside};
pub use survey::Survey;

/// Which incarnations of the stack's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Incarnations {
    /// The newest, and those that were deleted within a day before the next was made.
    #[default]
    Recent,
    /// All that AWS still tells of.
    All,
    /// This one, from 1 for the oldest.
    Number(usize),
}

/// Which deployments get all their evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Deployments {
    /// The newest, and the one before it if that failed within a day.
    #[default]
    Latest,
    /// All.
    All,
    /// The one that the operation of this id belongs to, or of the ids that begin so.
    Operation(String),
}

/// Which sources may be asked.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Only these; all where empty.
    pub only: Vec<String>,
    /// Not these.
    pub without: Vec<String>,
}

impl Sources {
    /// Which stacks there are may always be asked, and what became of them where it leads to what is wanted.
    fn allow(&self, source: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == source);
        let leads_to_others = source == "stack_events"
            && self.only.iter().any(|only| !matches!(only.as_str(), "stacks" | "operation_events" | "templates"));
        let wanted = self.only.is_empty() || named(&self.only) || leads_to_others;
        source == "stacks" || (wanted && !named(&self.without))
    }
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The stack's name or ARN.
    pub stack: String,
    /// Where to look for it, in this order; not empty; of an ARN its own region.
    pub regions: Vec<String>,
    /// Which incarnations.
    pub incarnations: Incarnations,
    /// Which deployments.
    pub deployments: Deployments,
    /// Reach back so far, also where the deployment began later.
    pub since: Option<Time>,
    /// Reach so far, also where the deployment ended earlier.
    pub until: Option<Time>,
    /// Which sources may be asked.
    pub sources: Sources,
    /// Log groups to read besides those that the events point to.
    pub log_groups: Vec<String>,
    /// When the collection began. Windows follow from AWS's own times; this only bounds them.
    pub now: Time,
}

/// What asks question after question until it knows enough.
pub trait Inquiry {
    /// What to ask now that so much is known; the most urgent first, each question once. Empty when nothing is left to
    /// ask before another answer comes.
    fn next(&mut self, capture: &Capture) -> Vec<Question>;

    /// The questions so far.
    fn asked(&mut self) -> &mut Questions;
}

/// The questions that were asked, and how they were answered.
#[derive(Debug, Default)]
pub struct Questions {
    /// None while the answer is awaited.
    all: BTreeMap<Question, Option<Answered>>,
}

impl Questions {
    /// Those of the wanted questions that were not asked yet, each once, the most urgent first; now they are asked.
    fn take_new(&mut self, wanted: Vec<Question>) -> Vec<Question> {
        let mut new: Vec<Question> = wanted.into_iter().filter(|question| !self.was_asked(question)).collect();
        new.sort();
        new.dedup();
        self.all.extend(new.iter().map(|question| (question.clone(), None)));
        new
    }

    /// Whether this, or what answers it too, was asked already.
    fn was_asked(&self, question: &Question) -> bool {
        self.all.keys().any(|asked| asked.region == question.region && asked.ask.covers(&question.ask))
    }

    /// Remembers how a question was answered.
    pub fn answer(&mut self, question: &Question, answered: Answered) {
        self.all.insert(question.clone(), Some(answered));
    }

    /// How a question was answered; none while it is open or was never asked.
    fn answer_to(&self, question: &Question) -> Option<Answered> {
        self.all.get(question).copied().flatten()
    }

    /// The questions that are still open, in their order.
    pub fn open(&self) -> impl Iterator<Item = &Question> {
        self.all.iter().filter(|(_, answered)| answered.is_none()).map(|(question, _)| question)
    }
}

/// The inquiry into one stack.
#[derive(Debug)]
pub struct Plan {
    scope: Scope,
    asked: Questions,
}

impl Inquiry for Plan {
    fn next(&mut self, capture: &Capture) -> Vec<Question> {
        let scene = Scene::new(&self.scope, &self.asked, capture);
        let mut wanted = stacks::questions(&scene);
        wanted.extend(services::questions(&scene));
        wanted.extend(logs::questions(&scene));
        wanted.extend(calls::questions(&scene));
        wanted.retain(|question| self.allows(question.ask.source()));
        self.asked.take_new(wanted)
    }

    fn asked(&mut self) -> &mut Questions {
        &mut self.asked
    }
}

impl Plan {
    /// A plan that has asked nothing yet.
    pub fn new(scope: Scope) -> Self {
        Self { scope, asked: Questions::default() }
    }

    /// True where the source was left out on purpose.
    pub fn leaves_out(&self, source: &str) -> bool {
        !self.allows(source)
    }

    /// True when the stack's own events were all told: what they do not point to is not there.
    pub fn is_complete(&self) -> bool {
        let of_rows = |question: &Question| matches!(question.ask, Ask::StackEvents { .. });
        let mut rows = self.asked.all.iter().filter(|(question, _)| of_rows(question)).peekable();
        rows.peek().is_some() && rows.all(|(_, answered)| *answered == Some(Answered::Whole))
    }

    /// What this plan left out on purpose, as gaps.
    pub fn gaps(&self, capture: &Capture) -> Vec<Gap> {
        let scene = Scene::new(&self.scope, &self.asked, capture);
        let mut gaps = stacks::gaps(&scene);
        gaps.extend(services::gaps(&scene));
        gaps.extend(calls::gaps(&scene));
        // What was left out on purpose is not collected, and nothing more is to be said of it.
        gaps.retain(|gap| self.allows(&gap.source));
        gaps
    }

    /// The regions in which the stack was found, in the order of the scope's, then by name.
    pub fn found_in(&self, capture: &Capture) -> Vec<String> {
        stacks::found_in(&Scene::new(&self.scope, &self.asked, capture))
    }

    /// True when every region that was named said which stacks of the name it has.
    pub fn knows_whereabouts(&self) -> bool {
        let asked = stacks::whereabouts(&self.scope);
        asked.iter().all(|question| self.asked.answer_to(question) == Some(Answered::Whole))
    }

    /// Whether this source may be asked.
    fn allows(&self, source: &str) -> bool {
        self.scope.sources.allow(source)
    }
}
