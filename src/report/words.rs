//! How durations, probabilities, events, failures and actors are put into one line of plain words.
//! It chooses nothing, and escapes nothing: that is done where the line is written.
//! Shared by the renderers for people and by the messages of Timesketch.

use super::{ActorEntry, EventEntry, FailureEntry, OperationEntry, SilenceEntry};
use crate::actor::Verdict;
use crate::model::{Time, status};
use crate::operation::{Ending, Kind};
use serde::Serialize;

/// The word that JSON has for a value, with spaces: `cut off`, `change set`.
pub fn word(value: impl Serialize) -> String {
    code(value).replace('_', " ")
}

/// The word that JSON has for a value: `cut_off`.
pub fn code(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// `1 h 02 min`, `12 min 04 s`, `45 s`; whole seconds.
pub fn duration(seconds: f64) -> String {
    crate::model::time::length(seconds)
}

/// `+00:12:03`, `-00:00:11`.
pub fn elapsed(zero: Time, at: Time) -> String {
    let span = at - zero;
    let seconds = span.abs().num_seconds();
    let sign = if at < zero && seconds > 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    format!("{sign}{hours:02}:{minutes:02}:{:02}", seconds % 60)
}

/// The length of [`elapsed`], without writing it.
pub fn elapsed_width(zero: Time, at: Time) -> usize {
    let hours = (at - zero).abs().num_hours();
    let digits = if hours < 100 { 2 } else { hours.ilog10() as usize + 1 };
    digits + "+:00:00".len()
}

/// `91 %`; what is not quite certain never shows as certain.
pub fn percent(probability: f64) -> String {
    let percent = probability * 100.0;
    if probability > 0.0 && percent < 0.5 {
        "<1 %".to_owned()
    } else if probability < 1.0 && percent >= 99.5 {
        ">99 %".to_owned()
    } else {
        format!("{percent:.0} %")
    }
}

/// `+20`, `-3.5`.
pub fn signed(decibans: f64) -> String {
    let tenths = (decibans * 10.0).round() / 10.0;
    format!("{tenths:+}")
}

/// `1 event`, `2 events`, `400,000 events`.
pub fn count(number: usize, what: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let plural = if number == 1 { "" } else { "s" };
    format!("{grouped} {what}{plural}")
}

/// What became of something: AWS's status where it says what was done, else the action, else both.
pub fn deed(event: &EventEntry<'_>) -> String {
    match event.status {
        Some(status) if status.contains(event.action) => status.to_owned(),
        Some(status) if !status.is_empty() => format!("{} {status}", event.action),
        _ => event.action.to_owned(),
    }
}

/// What it happened to: `ApiService (AWS::ECS::Service)`, else the id in the service, else the stack.
pub fn object(event: &EventEntry<'_>) -> String {
    let name =
        event.logical_id.or(event.physical_id).or(if event.resource_type.is_none() { event.stack } else { None });
    named(name, event.resource_type)
}

/// `name (type)`, or what there is of it.
pub fn named(name: Option<&str>, kind: Option<&str>) -> String {
    match (name, kind) {
        (Some(name), Some(kind)) => format!("{name} ({kind})"),
        (Some(name), None) => name.to_owned(),
        (None, Some(kind)) => kind.to_owned(),
        (None, None) => String::new(),
    }
}

/// The deed and its object: `CREATE_FAILED ApiService (AWS::ECS::Service)`.
pub fn what(event: &EventEntry<'_>) -> String {
    joined(&[&deed(event), &object(event)], " ")
}

/// True for the rows in which CloudFormation tells the state of the stack itself.
pub fn is_of_stack(event: &EventEntry<'_>) -> bool {
    event.resource_type == Some(status::STACK_TYPE) && event.logical_id.is_some() && event.logical_id == event.stack
}

/// AWS's error code and text. A line of a log may be indented; here it stands alone.
pub fn reason(error: Option<&str>, message: Option<&str>) -> String {
    let message = message.map(str::trim).filter(|message| !message.is_empty());
    match (error, message) {
        (Some(error), Some(message)) if !message.contains(error) => format!("{error}: {message}"),
        (Some(error), None) => error.to_owned(),
        (_, message) => message.unwrap_or_default().to_owned(),
    }
}

/// `CREATE_FAILED ApiService (AWS::ECS::Service)`, with the property where one was refused.
pub fn failure(failure: &FailureEntry<'_>) -> String {
    let property = failure.property_path.map(|path| format!("at {path}")).unwrap_or_default();
    let object = named(failure.logical_id, failure.resource_type);
    let said = joined(&[failure.status.unwrap_or_default(), &object, &property], " ");
    if said.is_empty() { told_by(&failure.event).to_owned() } else { said }
}

/// What failed, where no resource did: by the source that tells it.
pub fn failed_elsewhere(record: &str) -> String {
    match told_by(record) {
        REFUSED_CALL => "a call was refused".to_owned(),
        source => format!("{source} failed"),
    }
}

const REFUSED_CALL: &str = "a refused call";

/// What a failure is called that is no resource's: by the source that tells it.
pub fn told_by(record: &str) -> &str {
    match record.split(['#', '/']).next().unwrap_or(record) {
        "deploy_log" => "the deploy tool",
        "cloudtrail" => REFUSED_CALL,
        source => source,
    }
}

/// Parts that are not empty, with something between them.
pub fn joined(parts: &[&str], between: &str) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    parts.join(between)
}

/// In what role somebody acted, as one says it.
pub fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::CleanUp => "clean-up by a tool".to_owned(),
        Verdict::Destroy => "asked-for destroy".to_owned(),
        Verdict::Console => "by hand in the console".to_owned(),
        Verdict::Probe => "probe such as cdk diff".to_owned(),
        Verdict::CloudFormation => "by itself".to_owned(),
        Verdict::Unknown => "role unknown".to_owned(),
        other => word(other),
    }
}

/// `aws-cdk-marta: clean-up by a tool (93 %), AWS CDK; GitHub Actions of acme/shop`.
pub fn actor(actor: &ActorEntry<'_>) -> String {
    let name = actor.name.unwrap_or("somebody the evidence does not name");
    if actor.name.is_none() && actor.verdict == Verdict::Unknown {
        return "somebody unknown".to_owned();
    }
    let odds = if actor.odds > 0.0 { format!(" ({})", percent(actor.odds)) } else { String::new() };
    if actor.verdict == Verdict::CloudFormation {
        return format!("{name} by itself");
    }
    let said = format!("{name}: {}{odds}", verdict(actor.verdict));
    let tool = actor.tool.unwrap_or_default();
    let origin = actor.origin.as_ref().map(|origin| origin.says.as_str()).unwrap_or_default();
    joined(&[&joined(&[&said, tool], ", "), origin], "; ")
}

/// `created`, `deleted`: the head of the line that says who began an operation.
pub fn began(operation: &OperationEntry<'_>) -> &'static str {
    match operation.kind {
        Kind::Create => "created by",
        Kind::Update => "updated by",
        Kind::Delete => "deleted by",
        Kind::Import => "imported by",
        Kind::Rollback => "rolled back by",
        Kind::ChangeSet | Kind::Unknown => "begun by",
    }
}

/// `create failed after 32 min 04 s`.
pub fn outcome(operation: &OperationEntry<'_>) -> String {
    // Where only a list or a call tells of it, its beginning is all that is known.
    let after = match (operation.outcome, operation.seconds.filter(|seconds| *seconds > 0.0)) {
        (Ending::Succeeded, Some(seconds)) => format!(" in {}", duration(seconds)),
        (_, Some(seconds)) => format!(" after {}", duration(seconds)),
        (_, None) => String::new(),
    };
    let ending = match operation.outcome {
        Ending::CutOff => "was cut off".to_owned(),
        Ending::InProgress => "is still in progress".to_owned(),
        Ending::Unknown => "ended in a way that is not known".to_owned(),
        other => word(other),
    };
    format!("{} {ending}{after}", word(operation.kind))
}

/// `12 min 04 s of silence; in progress: Database, Cache`.
pub fn silence(silence: &SilenceEntry) -> String {
    let running = if silence.in_progress.is_empty() {
        "nothing in progress".to_owned()
    } else {
        format!("in progress: {}", silence.in_progress.join(", "))
    };
    format!("{} of silence; {running}", duration(silence.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_at_a_glance() {
        for (seconds, expected) in [
            (-3.0, "0 s"),
            (0.0, "0 s"),
            (0.2, "under 1 s"),
            (59.4, "59 s"),
            (724.0, "12 min 04 s"),
            (3720.0, "1 h 02 min"),
            (97_200.0, "1 d 03 h"),
        ] {
            assert_eq!(duration(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn numbers_say_no_more_than_they_mean() {
        for (probability, expected) in
            [(0.0, "0 %"), (0.001, "<1 %"), (0.914, "91 %"), (0.999, ">99 %"), (1.0, "100 %")]
        {
            assert_eq!(percent(probability), expected, "{probability}");
        }
        assert_eq!((signed(20.0).as_str(), signed(-3.25).as_str()), ("+20", "-3.3"));
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(400_000, "event"), "400,000 events");
    }

    #[test]
    fn our_words_are_those_of_json() {
        assert_eq!(word(Ending::CutOff), "cut off");
        assert_eq!(code(Ending::CutOff), "cut_off");
    }
}
