//! The desk at which all calls are made: paced, counted, bounded, their troubles turned into gaps.
//! It knows no operation's parameters; those are the sources' business.
//! Used by every source.

use super::api::Api;
use super::clients::{Clients, Regional};
use super::gathered::Gathered;
use super::pace::Paces;
use super::trouble::{Kind, Trouble};
use crate::model::Gap;
use crate::plan::{Answered, Ask, Question};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What goes on, for who watches the collection.
#[derive(Debug)]
pub enum Note<'n> {
    /// A question is being asked.
    Asks(&'n Question),
    /// A call waits for its turn.
    Waits {
        /// The IAM action.
        action: String,
        /// For how long.
        wait: Duration,
    },
    /// A call was answered or not.
    Called {
        /// The IAM action.
        action: String,
        /// Where.
        region: &'n str,
        /// How long it took, all attempts together.
        took: Duration,
        /// What AWS said where it did not answer.
        trouble: Option<&'n str>,
    },
    /// Records came.
    Records {
        /// The stem of the source.
        source: &'static str,
        /// How many.
        count: usize,
    },
    /// A question was answered as well as it could be.
    Answered(&'n Question, Answered),
    /// All is asked.
    Done {
        /// How many calls were made, by IAM action.
        calls: &'n BTreeMap<String, u64>,
    },
}

/// How long throttling is waited out.
const PATIENCE: Duration = Duration::from_secs(90);
/// What is waited between two attempts at a throttled operation, doubled each time.
const FIRST_HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_secs(16);

/// Where all calls are made.
pub(super) struct Desk<'d> {
    clients: &'d Clients,
    gathered: RefCell<Gathered>,
    paces: Paces,
    calls: RefCell<BTreeMap<String, u64>>,
    most_calls: u64,
    /// How many new records came for each question.
    kept: RefCell<BTreeMap<Question, u64>>,
    /// The regions that let us in no more, or never did, with what they said: every further call would only say so again.
    locked_out: RefCell<BTreeMap<String, String>>,
    watch: &'d dyn Fn(Note<'_>),
}

impl<'d> Desk<'d> {
    pub fn new(clients: &'d Clients, most_calls: u64, watch: &'d dyn Fn(Note<'_>)) -> Self {
        Self {
            clients,
            gathered: RefCell::default(),
            paces: Paces::default(),
            calls: RefCell::default(),
            most_calls,
            kept: RefCell::default(),
            locked_out: RefCell::default(),
            watch,
        }
    }

    pub fn clients(&self, region: &str) -> Rc<Regional> {
        self.clients.of_region(region)
    }

    /// Makes a call when its turn comes. The SDK tries again what fails for a moment; throttling can last longer, and
    /// then every call of the operation waits.
    pub async fn call<T, E, F>(&self, api: &'static Api, region: &str, send: impl Fn() -> F) -> Result<T, Trouble>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let mut throttled_since: Option<Instant> = None;
        let mut hold = FIRST_HOLD;
        loop {
            self.turn(api, region).await;
            self.count(api, region)?;
            let started = Instant::now();
            let result = send().await.map_err(|error| Trouble::of(api, &error));
            let trouble = result.as_ref().err();
            if trouble.is_some_and(|trouble| trouble.kind == Kind::Credentials) {
                let says = trouble.map(|trouble| trouble.says.clone()).unwrap_or_default();
                self.locked_out.borrow_mut().entry(region.to_owned()).or_insert(says);
            }
            let says = trouble.map(|trouble| trouble.says.as_str());
            (self.watch)(Note::Called { action: api.action(), region, took: started.elapsed(), trouble: says });
            if trouble.is_none_or(|trouble| trouble.kind != Kind::Throttled) {
                return result;
            }
            let since = throttled_since.get_or_insert(started);
            if since.elapsed() + hold > PATIENCE {
                return result;
            }
            self.paces.hold(api, region, hold);
            hold = (hold * 2).min(LONGEST_HOLD);
        }
    }

    /// Waits until the operation may be called: for its pace, and for as long as it is held.
    async fn turn(&self, api: &'static Api, region: &str) {
        let mut wait = self.paces.reserve(api, region);
        while !wait.is_zero() {
            (self.watch)(Note::Waits { action: api.action(), wait });
            sleep(wait).await;
            wait = self.paces.held(api, region);
        }
    }

    fn count(&self, api: &'static Api, region: &str) -> Result<(), Trouble> {
        if let Some(says) = self.locked_out.borrow().get(region) {
            return Err(Trouble::new(api, Kind::Credentials, says));
        }
        if self.is_out_of_calls() {
            let says = format!("the budget of {} calls is used up", self.most_calls);
            return Err(Trouble::new(api, Kind::Budget, says));
        }
        *self.calls.borrow_mut().entry(api.action()).or_default() += 1;
        Ok(())
    }

    /// Keeps records of a source.
    pub fn keep(&self, question: &Question, source: &'static str, records: impl IntoIterator<Item = String>) {
        let mut gathered = self.gathered.borrow_mut();
        let count = records.into_iter().filter(|record| gathered.add(question, source, record)).count();
        drop(gathered);
        self.came(question, source, count);
    }

    fn came(&self, question: &Question, source: &'static str, count: usize) {
        *self.kept.borrow_mut().entry(question.clone()).or_default() += count as u64;
        (self.watch)(Note::Records { source, count });
    }

    /// How many new records came for a question so far.
    pub fn kept(&self, question: &Question) -> u64 {
        self.kept.borrow().get(question).copied().unwrap_or_default()
    }

    /// Keeps a record that is a file of its own in the folder of the source.
    pub fn keep_whole(&self, question: &Question, source: &'static str, part: &str, text: &str) {
        let new = self.gathered.borrow_mut().add_whole(question, source, part, text);
        self.came(question, source, usize::from(new));
    }

    /// What a trouble makes of a question. That a thing which comes and goes is not there is an answer.
    pub fn unanswered(&self, question: &Question, trouble: &Trouble) -> Answered {
        let comes_and_goes = matches!(
            question.ask,
            Ask::Stack { .. } | Ask::ChangeSets { .. } | Ask::HookResults { .. } | Ask::DbInstance { .. }
        );
        if trouble.kind == Kind::Gone && comes_and_goes {
            return Answered::Whole;
        }
        self.gap(question, trouble);
        Answered::Not
    }

    /// Remembers what could not be seen of a question.
    pub fn gap(&self, question: &Question, trouble: &Trouble) {
        if trouble.kind == Kind::Credentials {
            // It is the same for every question of a source and region: said once.
            let gap = Gap::new(question.ask.source(), trouble.why()).at(question.region.clone());
            let remedy = trouble.remedy().unwrap_or_default();
            return self.gathered.borrow_mut().gap(gap.remedy(remedy));
        }
        self.gap_because(question, trouble.why(), trouble.remedy());
    }

    /// The same, for reasons of our own.
    pub fn gap_because(&self, question: &Question, why: impl Into<String>, remedy: Option<String>) {
        let mut gap =
            Gap::new(question.ask.source(), why.into()).at(format!("{} ({})", question.ask.part(), question.region));
        gap.remedy = remedy.map(Into::into);
        self.gathered.borrow_mut().gap(gap);
    }

    /// What was collected so far.
    pub fn gathered(&self) -> &RefCell<Gathered> {
        &self.gathered
    }

    pub fn watch(&self, note: Note<'_>) {
        (self.watch)(note);
    }

    /// True when no further call is made.
    pub fn is_out_of_calls(&self) -> bool {
        self.calls.borrow().values().sum::<u64>() >= self.most_calls
    }

    /// The calls so far, by IAM action.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.borrow().clone()
    }

    /// True where the region refused the credentials: they expired, or the region is not enabled.
    pub fn locked_out(&self, region: &str) -> bool {
        self.locked_out.borrow().contains_key(region)
    }
}

/// The tokens of a list's pages: one that comes again would lead round for ever.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    seen: HashSet<String>,
}

/// What comes after a page.
pub(super) enum Next {
    /// The page of this token.
    Page(String),
    /// Nothing.
    End,
    /// A token that was given before: where the list ends nobody can tell.
    Repeated,
}

impl Tokens {
    pub fn after(&mut self, token: Option<&str>) -> Next {
        match token.filter(|token| !token.is_empty()) {
            None => Next::End,
            Some(token) if self.seen.insert(token.to_owned()) => Next::Page(token.to_owned()),
            Some(_) => Next::Repeated,
        }
    }
}

/// Goes through the pages of a list: `$page` makes the call for a token, `$take` takes its answer and says whether to go
/// on (`None`) or how the question is answered already. Pages that came before a trouble are kept.
macro_rules! pages {
    ($desk:expr, $question:expr, |$token:ident| $page:expr, |$answer:ident| $take:expr) => {{
        let mut tokens = super::desk::Tokens::default();
        let mut $token: Option<String> = None;
        let mut came = false;
        loop {
            let $answer = match $page.await {
                Ok(answer) => answer,
                Err(trouble) => {
                    let answered = $desk.unanswered($question, &trouble);
                    break if came { crate::plan::Answered::Partly { oldest: None } } else { answered };
                }
            };
            came = true;
            let next = $answer.next_token().map(str::to_owned);
            let done: Option<crate::plan::Answered> = $take;
            if let Some(answered) = done {
                break answered;
            }
            match tokens.after(next.as_deref()) {
                super::desk::Next::Page(next) => $token = Some(next),
                super::desk::Next::End => break crate::plan::Answered::Whole,
                super::desk::Next::Repeated => {
                    let why = "AWS gave a page token a second time, so that the rest of the list was not read";
                    $desk.gap_because($question, why, Some("ask again".to_owned()));
                    break crate::plan::Answered::Partly { oldest: None };
                }
            }
        }
    }};
}
pub(super) use pages;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_on_only_once() {
        let mut tokens = Tokens::default();
        assert!(matches!(tokens.after(Some("a")), Next::Page(_)));
        assert!(matches!(tokens.after(Some("b")), Next::Page(_)));
        assert!(matches!(tokens.after(Some("a")), Next::Repeated));
        assert!(matches!(tokens.after(Some("")), Next::End));
        assert!(matches!(tokens.after(None), Next::End));
    }
}
