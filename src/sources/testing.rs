//! For the tests of the sources: records in, what the sink received out.
//! Compiled for tests only, so that nothing of the product may rest on it.
//! Used by the tests beside the sources.

use super::Sink;
use crate::model::time::{Time, text};
use crate::model::{Event, Form, Gap, RecordFile};

/// What a source told of some records.
pub(super) struct Told {
    /// In the sink's order.
    pub events: Vec<Event>,
    /// In the sink's order.
    pub undated: Vec<Event>,
    /// In the sink's order.
    pub gaps: Vec<Gap>,
}

/// What `read` tells of a file of that source with these JSON records.
pub(super) fn told(read: fn(&RecordFile, &mut Sink<'_>), source: &'static str, records: &[&str]) -> Told {
    let mut file =
        RecordFile { source, name: source.into(), form: Form::Json, text: String::new(), records: Vec::new() };
    for record in records {
        let start = file.text.len();
        file.text.push_str(record);
        file.records.push(start..file.text.len());
        file.text.push('\n');
    }
    let mut sink = Sink::new(source, source, false);
    read(&file, &mut sink);
    let (events, undated, _, gaps) = sink.finish();
    Told { events, undated, gaps }
}

/// `12:38:16.000 STOP Failed EssentialContainerExited | the message`; `undated` instead of a time; `-` where there
/// is no status or no message.
pub(super) fn line(event: &Event) -> String {
    let at = if event.at == Time::UNIX_EPOCH { "undated".to_owned() } else { text(event.at)[11..23].to_owned() };
    let status = event.status.as_deref().unwrap_or("-");
    let message = event.message.as_deref().unwrap_or("-");
    format!("{at} {} {:?} {status} | {message}", event.action, event.outcome)
}

/// One [`line`] an event.
pub(super) fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(line).collect()
}

/// Why records were left out, and what else the reader must know.
pub(super) fn reasons(gaps: &[Gap]) -> Vec<&str> {
    gaps.iter().map(|gap| &*gap.why).collect()
}
