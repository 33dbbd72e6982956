//! Console output of a deploy tool or of the CI job around it: the stack events and failures that it tells.
//! It takes the telling lines only and explains none; a log that it does not understand gives no error and no event.
//! Source: the output of the CDK CLI, SAM, the AWS CLI, Serverless, Amplify, Rain and the GitHub action, and the logs
//! of GitHub Actions, GitLab, Jenkins, CodeBuild and Azure Pipelines.

mod clock;
mod failure;
mod line;
mod row;
mod spill;

use self::clock::{Clock, Reading, Stamp};
use self::failure::{Failure, Signs};
use self::line::Line;
use self::row::Row;
use super::Sink;
use super::stack_events;
use crate::model::time::{self, Stamp as Read};
use crate::model::{Event, Gap, Outcome, RecordFile, RecordRef, Text, Time, arn, status};
use regex::Regex;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    let log = Log { file };
    let mut reader = Reader {
        clock: log.clock(),
        log,
        stack: None,
        heading: false,
        rows: BTreeMap::new(),
        failures: BTreeSet::new(),
        telling: Vec::new(),
        conclusive: false,
    };
    let mut index = 0;
    while index < file.records.len() {
        index = reader.step(index, sink);
    }
    if !reader.conclusive {
        reader.take_all(sink);
    }
    name_stack(events_of(&reader.clock, sink));
    if reader.clock.is_adrift() && !sink.undated.is_empty() {
        sink.gap(Gap::new(file.source, NO_DATE).at(file.name.clone()));
    }
}

/// What is missing where a log has times of day only.
const NO_DATE: &str = "the log names no date, so that its times are those of the runner's clock on an unknown day";

/// What stands before the log names a stack is of the stack that it names first.
fn name_stack(events: &mut [Event]) {
    let first = events.iter().find_map(|event| event.stack_name.clone());
    for event in events.iter_mut().filter(|event| event.stack_name.is_none()) {
        event.stack_name.clone_from(&first);
    }
}

/// The lines of a log.
struct Log<'a> {
    file: &'a RecordFile,
}

impl<'a> Log<'a> {
    fn raw(&self, index: usize) -> Option<&'a str> {
        self.file.text.get(self.file.records.get(index)?.clone())
    }

    fn line(&self, index: usize) -> Option<Line<'a>> {
        self.raw(index).map(line::parse)
    }

    fn record(&self, index: usize) -> RecordRef {
        RecordRef { file: self.file.name.clone(), index: u32::try_from(index).unwrap_or(u32::MAX) }
    }

    /// A clock that begins with the first time that has a date; where none has, with the first time.
    fn clock(&self) -> Clock {
        let mut first = None;
        for line in (0..self.file.records.len()).filter_map(|index| self.line(index)) {
            let own = line.stamp.or_else(|| clock::inline(&line.text).map(|(stamp, _)| stamp));
            for stamp in [own, of_row(&line)].into_iter().flatten() {
                match stamp {
                    Stamp::Full(written) => return Clock::new(Some(written.at)),
                    Stamp::Clock(..) => first = first.or(Some(stamp)),
                }
            }
            if let Some(at) = of_json_event(&line.text) {
                return Clock::new(Some(at));
            }
        }
        Clock::of(first)
    }
}

/// The time in a row of a table.
fn of_row(line: &Line<'_>) -> Option<Stamp> {
    if line.echo || !line.text.contains('|') || !failure::signs(&line.text).has(Signs::ROW) {
        return None;
    }
    row::parse(&line.text)?.stamp
}

/// The time of an event that the AWS CLI prints as JSON.
fn of_json_event(text: &str) -> Option<Time> {
    let value = text.trim_start().strip_prefix("\"Timestamp\":")?;
    time::parse(value.trim_matches([' ', ',', '"'])).map(|written| written.at)
}

/// A longer log in which nothing tells of a failure is no pasted error message.
const LONGEST_PASTED: usize = 20;

/// Reads a log from its first line to its last.
struct Reader<'a> {
    log: Log<'a>,
    clock: Clock,
    /// The stack that the log named last.
    stack: Option<Text>,
    /// The line before announced a failure without telling it.
    heading: bool,
    /// The rows of tables so far, which the tools print again at the end, with their places among the events.
    rows: BTreeMap<String, usize>,
    /// The failures since the deployment began; the tools print them twice.
    failures: BTreeSet<String>,
    /// The lines that gave an event.
    telling: Vec<usize>,
    /// Something has told that the deployment failed, or that it did not.
    conclusive: bool,
}

impl<'a> Reader<'a> {
    /// Reads what begins at line `index`, and answers the line behind it.
    fn step(&mut self, index: usize, sink: &mut Sink<'_>) -> usize {
        let next = index + 1;
        let Some(line) = self.log.line(index) else { return next };
        let reading = self.clock.read(line.stamp);
        let signs = failure::signs(&line.text);
        if signs.has(Signs::STACK)
            && let Some(name) = failure::named_stack(&line.text)
        {
            self.stack = Some(sink.text(name));
        }
        if line.echo || (signs.is_empty() && !self.heading) {
            return next;
        }
        if signs.has(Signs::ROW)
            && let Some(next) = self.row(index, &line, reading, sink)
        {
            return next;
        }
        if signs.has(Signs::BLOCK)
            && let Some(next) = self.block(index, &line, reading, sink)
        {
            return next;
        }
        if signs.has(Signs::PROGRESS)
            && let Some(progress) = failure::progress(&line.text)
        {
            self.progress(index, &progress, reading, sink);
            return next;
        }
        let failure = failure::parse(&line.text, signs);
        if self.heading && !line.is_blank() {
            let failure = failure.or_else(|| failure::bare(&line.text));
            return failure.map_or(next, |failure| self.announced(index, &failure, reading, sink));
        }
        failure.map_or(next, |failure| self.failure(index, &failure, reading, sink))
    }

    /// A stack event as a tool prints it.
    fn row(&mut self, index: usize, line: &Line<'_>, reading: Option<Reading>, sink: &mut Sink<'_>) -> Option<usize> {
        let (row, next) = match spill::table_row(&self.log, index, &line.text) {
            Some(found) => found,
            None => {
                let mut row = row::parse(&line.text)?;
                let next = spill::finish(&self.log, index, &mut row);
                (owned(row), next)
            }
        };
        self.heading = false;
        if let Some(name) = row.logical_id.as_deref().filter(|_| status::failed(&row.status)) {
            // Some tools say it again without the status.
            self.failures.insert(format!("{name}: {}", row.reason));
        }
        if self.is_printed_before(&row, sink) {
            return Some(next);
        }
        let reading = match (line.stamp, row.stamp) {
            // What the runner puts before a line beats a clock without date and zone.
            (Some(Stamp::Full(_)), Some(Stamp::Clock(..))) | (_, None) => reading,
            (_, own) => self.clock.read(own),
        };
        if row.is_of_stack() && self.stack.is_none() {
            self.stack = row.logical_id.as_deref().map(|name| sink.text(name));
        }
        let stack = match (&row.stack, row.is_of_stack()) {
            (Some(stack), _) => Some(sink.text(stack)),
            (None, true) => sink.some(row.logical_id.as_deref()),
            (None, false) => self.stack.clone(),
        };
        if self.stack.is_none() {
            self.stack.clone_from(&stack);
        }
        let reason = Some(&*row.reason).filter(|reason| !reason.is_empty());
        let action = sink.text(status::verb(&row.status));
        let mut event = self.event(index, action, stack_events::outcome(&row.status, reason));
        if row.skipped {
            event.outcome = Outcome::Noted;
        }
        event.status = Some(sink.text(&row.status));
        event.resource_type = sink.some(row.resource_type.as_deref());
        event.logical_id = sink.some(row.logical_id.as_deref());
        event.message = sink.some(reason);
        event.stack_name = stack;
        self.push(event, index, reading, sink);
        Some(next)
    }

    /// True for a row that the log has had already: the CDK CLI redraws its view for terminals with every event, and
    /// repeats the failures at the end, by their logical ids there.
    fn is_printed_before(&mut self, row: &Row<'_>, sink: &mut Sink<'_>) -> bool {
        let Some(stamp) = row.stamp.filter(|stamp| matches!(stamp, Stamp::Clock(..))) else {
            return false;
        };
        let quotes_request = row.reason.contains("RequestToken:") || row.reason.contains("Request ID:");
        let name = row.logical_id.as_deref().filter(|_| !quotes_request).unwrap_or_default();
        let kind = row.resource_type.as_deref().unwrap_or_default();
        let key = format!("{stamp:?} {} {kind} {name} {}", row.status, row.reason);
        let events = events_of(&self.clock, sink);
        match self.rows.get(&key).and_then(|at| events.get_mut(*at)) {
            Some(first) => {
                let is_better = |name: &str| !name.contains(['/', '.']);
                if let Some(name) = row.logical_id.as_deref().filter(|name| is_better(name))
                    && !first.logical_id.as_deref().is_some_and(is_better)
                {
                    first.logical_id = Some(Text::from(name));
                }
                true
            }
            None => {
                self.rows.insert(key, events.len());
                false
            }
        }
    }

    fn progress(
        &mut self,
        index: usize,
        progress: &failure::Progress<'_>,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) {
        if let Some(stack) = progress.stack {
            self.stack = Some(sink.text(stack));
        }
        match progress.outcome {
            // What is told from here on is of another attempt.
            Outcome::InProgress => self.failures.clear(),
            outcome => self.conclusive |= outcome == Outcome::Succeeded,
        }
        let action = sink.text(progress.action);
        let mut event = self.event(index, action, progress.outcome);
        event.message = self.log.line(index).and_then(|line| sink.some(Some(line.text.trim())));
        event.stack_name.clone_from(&self.stack);
        self.heading = false;
        self.push(event, index, reading, sink);
    }

    fn failure(&mut self, index: usize, failure: &Failure<'_>, reading: Option<Reading>, sink: &mut Sink<'_>) -> usize {
        if failure.message.is_empty() {
            self.heading = true;
            return index + 1;
        }
        let (message, next) = self.whole_message(index, failure.message);
        self.heading = false;
        if let Some(name) = failure.stack.or_else(|| failure::named_stack(&message)) {
            self.stack = Some(sink.text(name));
        }
        self.fail(index, failure, &message, reading, sink);
        if is_diagnosis(&message) {
            return self.diagnosis(next, sink);
        }
        next
    }

    /// Gives the event of a failure, unless the log has told the same since the deployment began.
    fn fail(
        &mut self,
        index: usize,
        failure: &Failure<'_>,
        message: &str,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) {
        self.tell("FAIL", index, failure, message, reading, sink);
    }

    fn tell(
        &mut self,
        action: &str,
        index: usize,
        failure: &Failure<'_>,
        message: &str,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) {
        let stack = self.stack.as_deref().unwrap_or_default();
        if !self.failures.insert(format!("{stack} {}", failure::essence(message))) {
            return;
        }
        let action = sink.text(action);
        let mut event = self.event(index, action, failure.outcome);
        event.error = sink.some(failure.error);
        event.message = sink.some(Some(message));
        event.stack_name.clone_from(&self.stack);
        event.stack_id = sink.some(failure.stack_id.filter(|arn| arn::stack_name(arn).is_some()));
        self.push(event, index, reading, sink);
    }

    /// A failure's message with what of it stands on the next lines, and the line behind it.
    fn whole_message(&self, index: usize, message: &str) -> (String, usize) {
        if let Some(found) = spill::quoted(&self.log, index + 1, message) {
            return found;
        }
        // The AWS CLI breaks this one sentence.
        if !message.ends_with("Run the following command") {
            return (message.to_owned(), index + 1);
        }
        let mut whole = message.to_owned();
        let mut next = index + 1;
        while let Some(line) = self.log.line(next).filter(|_| next <= index + 2) {
            let text = line.text.trim();
            if !(text.starts_with("to fetch the list of events") || text.starts_with("aws cloudformation ")) {
                break;
            }
            whole.push(' ');
            whole.push_str(text);
            next += 1;
        }
        (whole, next)
    }

    /// The failure that a heading announced: up to an empty line.
    fn announced(
        &mut self,
        index: usize,
        failure: &Failure<'_>,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) -> usize {
        let mut message = failure.message.to_owned();
        let mut next = index + 1;
        while let Some(line) = self.log.line(next).filter(|_| next - index < LONGEST_PASTED) {
            let text = line.text.trim();
            let told = failure::parse(text, failure::signs(text));
            let noise = told.is_some_and(|failure| failure.outcome == Outcome::Noted);
            if line.is_blank()
                || noise
                || line::is_trace(text)
                || failure::is_marked(text)
                || row::parse(text).is_some()
            {
                break;
            }
            message.push(' ');
            message.push_str(text);
            next += 1;
        }
        self.heading = false;
        if let Some(name) = failure.stack {
            self.stack = Some(sink.text(name));
        }
        self.fail(index, failure, &message, reading, sink);
        next
    }

    /// Lines that only together tell something.
    fn block(&mut self, index: usize, line: &Line<'_>, reading: Option<Reading>, sink: &mut Sink<'_>) -> Option<usize> {
        let text = line.text.trim();
        if text.starts_with("\"ResourceStatus\":") {
            return self.json_event(index, reading, sink);
        }
        if let Some(resource) = text.strip_prefix("Resource Name: ") {
            return self.amplify_failure(index, resource, reading, sink);
        }
        if text == "Messages:" {
            return Some(self.rain_messages(index + 1, sink));
        }
        let provisioning = ["An error occurred: ", "An error occurred while provisioning your stack: "]
            .iter()
            .find_map(|words| text.split_once(words)?.1.split_once(" - "));
        if let Some((name, reason)) = provisioning.filter(|(name, _)| row::is_name(name)) {
            // Serverless, without its status.
            self.resource_failure(index, None, name, reason, reading, sink);
            return Some(index + 1);
        }
        let (resource, message) = text.split_once(" ERROR: ")?;
        let (kind, name) = resource.rsplit(' ').next()?.split_once('/')?;
        if !row::is_type(kind) {
            return None;
        }
        // The GitHub action prints failures without their status.
        self.resource_failure(index, Some(kind), name, message.trim(), reading, sink);
        Some(index + 1)
    }

    /// An event of `aws cloudformation describe-stack-events`, whose status stands in line `index`.
    fn json_event(&mut self, index: usize, reading: Option<Reading>, sink: &mut Sink<'_>) -> Option<usize> {
        const MOST_FIELDS: usize = 30;
        let begins = |at: &usize| self.log.line(*at).is_some_and(|line| line.text.trim() == "{");
        let ends = |at: &usize| self.log.line(*at).is_some_and(|line| line.text.trim().starts_with('}'));
        let first = (index.saturating_sub(MOST_FIELDS)..index).rev().find(begins)?;
        let last = (index..index + MOST_FIELDS).find(ends)?;
        let lines = (first..=last).filter_map(|at| self.log.line(at));
        let json: Vec<String> = lines.map(|line| line.text.into_owned()).collect();
        let json = json.join("\n");
        let row: stack_events::Row<'_> = serde_json::from_str(json.trim_end_matches(',')).ok()?;
        let own = match row.timestamp {
            Read::Read(written) => self.clock.read(Some(Stamp::Full(written))),
            _ => reading,
        };
        let event = stack_events::event_of(&row, Time::UNIX_EPOCH, self.log.record(first), self.log.file.source, sink);
        self.push(event, first, own, sink);
        Some(last + 1)
    }

    /// `Resource Name: NAME (TYPE)`, then `Event Type: create` and `Reason: ...`.
    fn amplify_failure(
        &mut self,
        index: usize,
        resource: &str,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) -> Option<usize> {
        let (name, kind) = resource.trim().split_once(" (")?;
        let mut reason = None;
        let mut next = index + 1;
        while let Some(line) = self.log.line(next).filter(|_| next <= index + 4) {
            let text = line.text.trim();
            if let Some(told) = text.strip_prefix("Reason:") {
                reason = Some(told.trim().to_owned());
            } else if !(text.starts_with("Event Type:") || text.starts_with("URL:")) {
                break;
            }
            next += 1;
        }
        self.resource_failure(index, Some(kind.trim_end_matches(')')), name, &reason?, reading, sink);
        Some(next)
    }

    /// `- NAME: reason` for each resource that failed.
    fn rain_messages(&mut self, start: usize, sink: &mut Sink<'_>) -> usize {
        let mut next = start;
        while let Some(line) = self.log.line(next) {
            let told = line.text.trim().strip_prefix("- ").and_then(|text| text.split_once(": "));
            // A nested stack's resources come with the stack's name before theirs.
            let told = told.map(|(path, reason)| (path.rsplit('/').next().unwrap_or(path), reason));
            let Some((name, reason)) = told.filter(|(name, _)| row::is_name(name)) else {
                break;
            };
            let reading = self.clock.read(line.stamp);
            self.resource_failure(next, None, name, reason, reading, sink);
            next += 1;
        }
        next
    }

    /// What the CDK CLI found out about each resource that failed, below the failure of the stack.
    fn diagnosis(&mut self, start: usize, sink: &mut Sink<'_>) -> usize {
        static RESOURCE: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new(r"^\S.*?\s+\(([\w@-]+(?:::[\w@-]+)+)(?: ([A-Za-z0-9]+))?\)$").ok());

        let mut next = start;
        let mut resource: Option<(String, String)> = None;
        while let Some(line) = self.log.line(next) {
            let text = line.text.as_ref();
            if let Some(found) = RESOURCE.as_ref().and_then(|pattern| pattern.captures(text)) {
                let part = |group| found.get(group).map_or(String::new(), |part| part.as_str().to_owned());
                resource = Some((part(1), part(2)));
                next += 1;
                continue;
            }
            let indented = text.starts_with("  ");
            if !(indented || line.is_blank() || text.starts_with("Source Location:")) {
                break;
            }
            let (Some((kind, name)), true) = (&resource, indented && !line.is_blank()) else {
                next += 1;
                continue;
            };
            let lines: Vec<String> = (next..next + LONGEST_PASTED)
                .map_while(|at| self.log.line(at))
                .take_while(|line| line.text.starts_with("  ") && !line.is_blank())
                .map(|line| line.text.trim().to_owned())
                .collect();
            let reading = self.clock.read(line.stamp);
            let (kind, name) = (kind.clone(), name.clone());
            if !lines.iter().all(|line| line::is_trace(line)) {
                self.resource_failure(next, Some(&kind), &name, &lines.join(" "), reading, sink);
            }
            next += lines.len().max(1);
        }
        next
    }

    /// A resource's failure without its status.
    fn resource_failure(
        &mut self,
        index: usize,
        kind: Option<&str>,
        name: &str,
        message: &str,
        reading: Option<Reading>,
        sink: &mut Sink<'_>,
    ) {
        self.heading = false;
        if !self.failures.insert(format!("{name}: {message}")) {
            return;
        }
        let action = sink.text("FAIL");
        let mut event = self.event(index, action, Outcome::Failed);
        event.resource_type = sink.some(kind);
        event.logical_id = sink.some(Some(name));
        event.message = sink.some(Some(message));
        event.error = sink.some(failure::error_code(message));
        event.stack_name.clone_from(&self.stack);
        self.push(event, index, reading, sink);
    }

    /// Nothing told a failure: a line alone is the message that somebody pasted. Of a few lines each may tell something,
    /// but that the deployment failed is not known.
    fn take_all(&mut self, sink: &mut Sink<'_>) {
        let lines: Vec<(usize, Line<'a>)> = (0..self.log.file.records.len())
            .filter_map(|index| Some((index, self.log.line(index)?)))
            .filter(|(_, line)| !line.is_blank())
            .take(LONGEST_PASTED + 1)
            .collect();
        if lines.len() > LONGEST_PASTED {
            return;
        }
        // A script's question whether the stack is there, alone, is no question.
        let mut answered = false;
        for event in events_of(&self.clock, sink) {
            if event.outcome == Outcome::Noted && event.error.is_some() {
                event.outcome = Outcome::Failed;
                answered = true;
            }
        }
        if answered {
            return;
        }
        self.clock = self.log.clock();
        let (action, outcome) = if lines.len() == 1 { ("FAIL", Outcome::Failed) } else { ("PRINT", Outcome::Noted) };
        for (index, line) in lines {
            let reading = self.clock.read(line.stamp);
            if let Some(failure) = failure::bare(&line.text).filter(|_| !self.telling.contains(&index)) {
                let failure = Failure { outcome, ..failure };
                self.tell(action, index, &failure, failure.message, reading, sink);
            }
        }
        events_of(&self.clock, sink).sort_by_key(|event| event.record.index);
    }

    fn event(&self, index: usize, action: Text, outcome: Outcome) -> Event {
        let record = self.log.record(index);
        Event::new(Time::UNIX_EPOCH, self.log.file.source, record, action, outcome)
    }

    fn push(&mut self, mut event: Event, index: usize, reading: Option<Reading>, sink: &mut Sink<'_>) {
        self.telling.push(index);
        self.conclusive |= match event.outcome {
            Outcome::Failed | Outcome::Cancelled => true,
            Outcome::Succeeded => event.is_of_stack_itself(),
            Outcome::InProgress | Outcome::Noted => false,
        };
        match reading {
            Some(reading) => {
                if self.clock.is_dated() {
                    // Counts the stamps that name no zone.
                    sink.time(&event.record, Read::Read(reading.written), "time stamp");
                }
                event.at = reading.written.at;
                event.approximate = reading.approximate;
            }
            None => event.approximate = true,
        }
        events_of(&self.clock, sink).push(event);
    }
}

/// Where the events of a log go: in a log that names no day they have no dates.
fn events_of<'s>(clock: &Clock, sink: &'s mut Sink<'_>) -> &'s mut Vec<Event> {
    if clock.is_dated() { &mut sink.events } else { &mut sink.undated }
}

/// The CDK CLI's words before it goes through the resources.
fn is_diagnosis(message: &str) -> bool {
    message.ends_with(':')
        && ["Resource updates failed", "Failed to create change set", "Early validation failed"]
            .iter()
            .any(|caption| message.contains(caption))
}

/// The row without its ties to the line.
fn owned(row: Row<'_>) -> Row<'static> {
    let own = |part: Cow<'_, str>| Cow::Owned(part.into_owned());
    Row {
        stack: row.stack.map(own),
        stamp: row.stamp,
        status: own(row.status),
        resource_type: row.resource_type.map(own),
        logical_id: row.logical_id.map(own),
        reason: own(row.reason),
        skipped: row.skipped,
        spill: row.spill,
    }
}

#[cfg(test)]
mod tests;
