//! FilterLogEvents: lines of a log group, those that tell of errors first, then, of a known stream, the others.
//! Bounded: a log can be larger than all other evidence together. A record is given `logGroupName`, which it lacks.
//! Source: `FilteredLogEvent` in the CloudWatch Logs API reference.

use super::api::FILTER_LOG_EVENTS;
use super::desk::{Desk, Next, Tokens};
use super::record::Record;
use super::trouble::{Kind, Trouble};
use crate::plan::{Answered, Question, Window};
use aws_sdk_cloudwatchlogs::types::FilteredLogEvent;

/// Lines that are kept of one question; a page may hold ten thousand.
const MOST_LINES: usize = 500;
/// Empty pages that carry a token are normal, but not without end.
const MOST_PAGES: usize = 20;
/// Words of lines that tell of errors, any of them. The filter minds case.
/// Source: "Filter pattern syntax" in the CloudWatch Logs user guide.
const ERRORS: &str = "?ERROR ?Error ?error ?FATAL ?Fatal ?fatal ?Exception ?exception ?Traceback ?panic ?FAILED ?Failed \
?failed ?CRITICAL ?SEVERE ?denied ?refused ?\"timed out\" ?timeout ?exited";

pub(super) async fn collect(
    desk: &Desk<'_>,
    question: &Question,
    group: &str,
    streams: &[String],
    window: Window,
    errors_only: bool,
) -> Answered {
    let log = Log { desk, question, group, window, errors_only };
    match log.lines(streams).await {
        // One stream that was never made spoils the call for all of them; a task that did not start makes none.
        Err(trouble) if is_stream_missing(&trouble) => {
            for stream in streams.iter().filter(|_| streams.len() > 1) {
                match log.lines(std::slice::from_ref(stream)).await {
                    Err(trouble) if !is_stream_missing(&trouble) => return desk.unanswered(question, &trouble),
                    _ => {}
                }
            }
            Answered::Whole
        }
        Err(mut trouble) => {
            if trouble.kind == Kind::Gone {
                let next = "to have it the next time, keep it (DeletionPolicy: Retain)";
                trouble.says = format!("{}; {next}", trouble.says.trim_end_matches('.'));
            }
            desk.unanswered(question, &trouble)
        }
        Ok(answered) => answered,
    }
}

fn is_stream_missing(trouble: &Trouble) -> bool {
    trouble.kind == Kind::Gone && trouble.says.contains("log stream")
}

/// A log group within a window.
struct Log<'q> {
    desk: &'q Desk<'q>,
    question: &'q Question,
    group: &'q str,
    window: Window,
    errors_only: bool,
}

impl Log<'_> {
    /// The lines of these streams, or of all where none is named: those that tell of errors, then the others.
    async fn lines(&self, streams: &[String]) -> Result<Answered, Trouble> {
        let errors = self.matching(streams, Some(ERRORS)).await?;
        if self.errors_only { Ok(errors) } else { self.matching(streams, None).await }
    }

    async fn matching(&self, streams: &[String], pattern: Option<&str>) -> Result<Answered, Trouble> {
        let Self { desk, question, group, window, .. } = self;
        let clients = desk.clients(&question.region);
        let filter = clients.logs.filter_log_events().log_group_name(*group);
        let filter = filter
            .set_log_stream_names((!streams.is_empty()).then(|| streams.to_vec()))
            .start_time(window.from.timestamp_millis())
            .end_time(window.to.timestamp_millis())
            .set_filter_pattern(pattern.map(str::to_owned));
        let mut tokens = Tokens::default();
        let mut token: Option<String> = None;
        let mut room = MOST_LINES;
        for _ in 0..MOST_PAGES {
            let page = || filter.clone().set_next_token(token.clone()).send();
            let answer = match desk.call(FILTER_LOG_EVENTS, &question.region, page).await {
                Ok(answer) => answer,
                Err(trouble) if token.is_none() => return Err(trouble),
                Err(trouble) => {
                    desk.gap(question, &trouble);
                    return Ok(Answered::Partly { oldest: None });
                }
            };
            let events = answer.events();
            desk.keep(question, "log_events", events.iter().take(room).map(|event| of_event(group, event)));
            let cut = events.len() > room;
            room = room.saturating_sub(events.len());
            match tokens.after(answer.next_token()) {
                Next::End if !cut => return Ok(Answered::Whole),
                Next::Page(next) if room > 0 => token = Some(next),
                _ => break,
            }
        }
        let why = format!("only {} lines of this were read", MOST_LINES - room);
        let remedy = "narrow it with --since and --until, or read the log group itself";
        desk.gap_because(question, why, Some(remedy.to_owned()));
        Ok(Answered::Partly { oldest: None })
    }
}

fn of_event(group: &str, event: &FilteredLogEvent) -> String {
    Record::default()
        .text("logGroupName", Some(group))
        .text("logStreamName", event.log_stream_name())
        .plain("timestamp", event.timestamp())
        .text("message", event.message())
        .plain("ingestionTime", event.ingestion_time())
        .text("eventId", event.event_id())
        .json()
}
