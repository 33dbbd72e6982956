//! A line that carries a stack event: the rows of the CDK CLI, SAM, Serverless, Amplify, Rain, the GitHub action and
//! of the console, told apart by where status, type and name stand.
//! It reads one line; what spills over to the next ones is the business of `spill`.
//! Source: the printers of these tools, and their logs.

use super::clock::{self, Stamp};
use crate::model::status;
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a tool prints of a stack event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row<'a> {
    /// The stack's name, where the row has it.
    pub stack: Option<Cow<'a, str>>,
    /// The time in the row itself.
    pub stamp: Option<Stamp>,
    /// `CREATE_FAILED`, completed where the tool cuts it off.
    pub status: Cow<'a, str>,
    /// `AWS::S3::Bucket`.
    pub resource_type: Option<Cow<'a, str>>,
    /// The name in the template; the construct's path where the row has no more.
    pub logical_id: Option<Cow<'a, str>>,
    /// May be empty.
    pub reason: Cow<'a, str>,
    /// The tool says that CloudFormation will pass over this failure.
    pub skipped: bool,
    /// Where the reason may go on.
    pub spill: Spill,
}

/// Where a row's reason may stand besides the row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Spill {
    /// Only where the row breaks off within a quotation.
    #[default]
    Quoted,
    /// On the lines below, indented.
    Indented,
    /// On the lines below up to an empty one.
    Below,
    /// The same, cut at the width of the terminal.
    Wrapped,
}

impl Row<'_> {
    /// True where the row is of the stack itself, as far as its words tell.
    pub fn is_of_stack(&self) -> bool {
        self.resource_type.as_deref() == Some(status::STACK_TYPE)
            && !self.reason.starts_with("Embedded stack")
            && (status::rollback(&self.status)
                || self.status.contains("CLEANUP")
                || self.reason == "User Initiated"
                || self.reason.starts_with("The following resource(s) failed"))
    }
}

/// The verbs of resource and stack statuses; a build's `DEPLOY_FAILED` is neither.
const VERBS: &[&str] = &["CREATE", "UPDATE", "DELETE", "ROLLBACK", "IMPORT", "REVIEW", "REFACTOR"];

/// How long the statuses are that a tool may cut off, shortest first where one begins another.
const LONG: &[&str] = &[
    "ROLLBACK_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
];

/// The widths to which versions of the CDK CLI cut the status.
const STATUS_WIDTHS: [usize; 2] = [20, 23];

/// True for a whole status.
pub(super) fn is_status(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && (status::failed(word) || status::complete(word) || status::in_progress(word))
        && VERBS.iter().any(|verb| word.strip_prefix(verb).is_some_and(|rest| rest.starts_with('_') && rest.len() > 1))
}

/// True for the beginning of a status of which the rest is missing.
pub(super) fn begins_status(word: &str) -> bool {
    word.len() >= 8 && LONG.iter().any(|long| long.starts_with(word))
}

fn completed(word: &str) -> Option<Cow<'_, str>> {
    if is_status(word) {
        return Some(Cow::Borrowed(word));
    }
    let cut = STATUS_WIDTHS.contains(&word.len());
    LONG.iter().find(|long| cut && long.starts_with(word)).map(|long| Cow::Borrowed(*long))
}

/// True for `AWS::S3::Bucket`, `Custom::Thing`, `Acme::Net::Vpc::MODULE`.
pub(super) fn is_type(word: &str) -> bool {
    word.contains("::")
        && word.split("::").count() <= 4
        && word.split("::").all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'@'))
        })
}

/// True for what may be the name of a stack.
pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The stack event in `text`, if there is one.
pub(super) fn parse(text: &str) -> Option<Row<'_>> {
    let text = text.trim();
    let piped = if text.contains('|') { piped(text) } else { None };
    piped.or_else(|| worded(text))
}

/// `Shop | 3/10 | 12:05:11 PM | CREATE_FAILED | AWS::S3::Bucket | Path/To (LogicalId) reason`, in all its variants.
fn piped(text: &str) -> Option<Row<'_>> {
    let cells: Vec<&str> = text.split('|').map(str::trim).collect();
    let (at, status, skipped) = cells.iter().enumerate().find_map(|(index, cell)| {
        let (word, skipped) = match cell.strip_suffix(" (skipped)") {
            Some(word) => (word, true),
            None => (*cell, false),
        };
        completed(word).map(|status| (index, status, skipped))
    })?;
    let mut row = Row { status, skipped, ..Row::default() };
    let typed = cells.get(at + 1).is_some_and(|cell| is_type(cell));
    let mut counted = false;
    for cell in cells.get(..at)?.iter().filter(|cell| !cell.is_empty()) {
        if let Some(stamp) = clock::of_cell(cell) {
            row.stamp = Some(stamp);
        } else if is_count(cell) {
            counted = true;
        } else if is_type(cell) {
            row.resource_type = Some(Cow::Borrowed(cell));
        } else if typed {
            // Behind the prefix of a task runner only the last word is the stack.
            row.stack = cell.split_whitespace().next_back().map(Cow::Borrowed);
        } else {
            row.logical_id = Some(Cow::Borrowed(cell));
        }
    }
    if typed {
        row.resource_type = cells.get(at + 1).map(|cell| Cow::Borrowed(*cell));
        let named = rest_of(text, &cells, at + 2);
        let (first, more) = named.split_once(" | ").unwrap_or((named, ""));
        let (name, reason) = name_and_reason(first);
        row.logical_id = name.map(Cow::Borrowed);
        row.reason = Cow::Borrowed(match (reason, more) {
            ("", more) => more.trim_matches([' ', '|']),
            // A bar in the reason itself.
            (reason, _) => from(named, reason),
        });
        // Only the CLI's view for terminals has neither stack nor count; it prints the reason below.
        let live = row.stack.is_none() && !counted && row.reason.is_empty();
        row.spill = if live { Spill::Wrapped } else { Spill::Indented };
        return Some(row);
    }
    row.reason = Cow::Borrowed(rest_of(text, &cells, at + 1));
    row.logical_id.is_some().then_some(row)
}

/// The text from cell `index` on, without bars at its end.
fn rest_of<'a>(text: &'a str, cells: &[&'a str], index: usize) -> &'a str {
    let Some(cell) = cells.get(index) else { return "" };
    from(text, cell).trim_end_matches([' ', '|'])
}

/// `text` from where its part `part` begins.
fn from<'a>(text: &'a str, part: &'a str) -> &'a str {
    let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.get(at..).unwrap_or(part)
}

/// `3/10`, or `3` where the CLI does not know how many there will be.
fn is_count(cell: &str) -> bool {
    cell.starts_with(|c: char| c.is_ascii_digit()) && cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/')
}

/// Splits `Path/To/Construct (LogicalId) reason` or `LogicalId reason`.
fn name_and_reason(cell: &str) -> (Option<&str>, &str) {
    static IN_BRACKETS: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^(.*?) \(([A-Za-z0-9]+)\)(?: |$)").ok());

    if let Some(found) = IN_BRACKETS.as_ref().and_then(|pattern| pattern.captures(cell))
        && let (Some(whole), Some(path), Some(name)) = (found.get(0), found.get(1), found.get(2))
        && is_path(path.as_str())
    {
        return (Some(name.as_str()), cell.get(whole.end()..).unwrap_or_default().trim_start());
    }
    match cell.split_once(char::is_whitespace) {
        Some((name, reason)) => (Some(name), reason.trim_start()),
        None => (Some(cell).filter(|name| !name.is_empty()), ""),
    }
}

/// A construct's path is one word, or at least has nothing of a sentence.
fn is_path(text: &str) -> bool {
    !text.contains(' ') || text.contains('/') && !text.contains([':', '.', '"', '\''])
}

/// The rows of everything that does not print bars.
fn worded(text: &str) -> Option<Row<'_>> {
    let text = unmarked(text);
    let word = text.split_whitespace().find(|word| is_status(bare(word)))?;
    let status = bare(word);
    let at = (status.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let lead = text.get(..at)?.trim_end_matches(['[', '(', ' ', '\t', '-']);
    let tail = text.get(at + status.len()..)?;
    let tail = tail.trim_start_matches([']', ')', ':', '-', '>', ' ', '\t']);
    let mut row = after_status(lead, tail).or_else(|| before_status(lead, status, tail))?;
    row.status = Cow::Borrowed(status);
    if let Some((stamp, at)) = clock::inline(&row.reason) {
        row.stamp = Some(stamp);
        let reason = row.reason.get(at.end..).unwrap_or_default().trim().to_owned();
        row.reason = Cow::Owned(reason);
    }
    if let Some(quoted) = row.reason.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        // Rain prints the reason as a Go string.
        row.reason = Cow::Owned(quoted.replace("\\\"", "\""));
    }
    if row.reason == "-" {
        row.reason = Cow::Borrowed("");
    }
    Some(row)
}

/// A word without the punctuation around a status.
fn bare(word: &str) -> &str {
    word.trim_matches(['[', ']', '(', ')', ':', ','])
}

/// What tools put before a row and what says nothing about it.
fn unmarked(text: &str) -> &str {
    let mut text = text;
    loop {
        let before = text.len();
        text = text.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '-' | '*' | '•' | '│' | '❌' | '✖' | '✗' | '✘' | '×' | '🛑' | '>')
        });
        for mark in ["##[error]", "Error:", "ERROR:", "CloudFormation - ", "Serverless:", "[PROGRESS]"] {
            text = text.strip_prefix(mark).unwrap_or(text);
        }
        if text.len() == before {
            return text;
        }
    }
}

/// `STATUS TYPE NAME reason`, `STATUS NAME TYPE reason`, `STATUS: NAME (TYPE)` with the reason below.
fn after_status<'a>(lead: &'a str, tail: &'a str) -> Option<Row<'a>> {
    let (first, rest) = next_word(tail);
    let (second, behind) = next_word(rest);
    if is_type(first) {
        return Some(Row {
            resource_type: Some(Cow::Borrowed(first)),
            logical_id: Some(Cow::Borrowed(second)).filter(|name| !name.is_empty()),
            reason: Cow::Borrowed(behind.trim_start_matches("- ")),
            ..Row::default()
        });
    }
    let bracketed = second.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
    if let Some(resource_type) = bracketed.filter(|word| is_type(word)) {
        return Some(Row {
            resource_type: Some(Cow::Borrowed(resource_type)),
            logical_id: Some(Cow::Borrowed(first)),
            reason: Cow::Borrowed(behind),
            spill: Spill::Below,
            ..Row::default()
        });
    }
    (is_type(second) && lead.is_empty()).then(|| Row {
        resource_type: Some(Cow::Borrowed(second)),
        logical_id: Some(Cow::Borrowed(first)),
        reason: Cow::Borrowed(behind),
        ..Row::default()
    })
}

/// `TYPE/NAME STATUS - reason`, `NAME TYPE STATUS reason`, `TYPE NAME STATUS reason`, `NAME STATUS reason`,
/// `Stack NAME: STATUS`, and a failure that names no resource.
fn before_status<'a>(lead: &'a str, status: &str, tail: &'a str) -> Option<Row<'a>> {
    let reason = Cow::Borrowed(tail);
    let words: Vec<&str> = lead.split_whitespace().collect();
    let named = |resource_type: Option<&'a str>, name: Option<&'a str>| Row {
        resource_type: resource_type.map(Cow::Borrowed),
        logical_id: name.map(Cow::Borrowed),
        ..Row::default()
    };
    let mut row = match words.as_slice() {
        [] if status::failed(status) && !tail.is_empty() => named(None, None),
        [.., last] if last.split_once('/').is_some_and(|(first, _)| is_type(first)) => {
            let (resource_type, name) = last.split_once('/')?;
            named(Some(resource_type), Some(name))
        }
        [.., name, last] if is_type(last) => named(Some(last), Some(name.trim_end_matches(':'))),
        [last] if is_type(last) => named(Some(last), None),
        [.., before, name] if is_type(before) => named(Some(before), Some(name)),
        [stack, name] if stack.eq_ignore_ascii_case("stack") => {
            let name = name.trim_matches(['\'', '"', ':']);
            let mut row = named(Some(status::STACK_TYPE), Some(name).filter(|name| is_name(name)));
            row.stack = row.logical_id.clone();
            row
        }
        [name] => {
            let name = name.trim_end_matches(':');
            let label =
                ["status", "state", "stack", "resource"].iter().any(|label| name.to_ascii_lowercase().ends_with(label));
            (is_name(name) && !label).then(|| named(None, Some(name)))?
        }
        _ => return None,
    };
    row.reason = reason;
    Some(row)
}

fn next_word(text: &str) -> (&str, &str) {
    let text = text.trim_start().trim_start_matches("- ");
    match text.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim_start()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, type, name, stack, reason.
    type Told<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

    fn told<'a>(row: &'a Row<'_>) -> Told<'a> {
        let part = |part: &'a Option<Cow<'_, str>>| part.as_deref().unwrap_or_default();
        (&row.status, part(&row.resource_type), part(&row.logical_id), part(&row.stack), &row.reason)
    }

    #[test]
    fn rows_of_all_tools_are_read() {
        let table: &[(&str, Told<'_>)] = &[
            // CDK, in CI.
            (
                "Shop | 12/58 | 12:05:11 PM | CREATE_FAILED        | AWS::EC2::VPC         | Net/Vpc (NetVpc8F2A11C0) The maximum number of VPCs has been reached.",
                (
                    "CREATE_FAILED",
                    "AWS::EC2::VPC",
                    "NetVpc8F2A11C0",
                    "Shop",
                    "The maximum number of VPCs has been reached.",
                ),
            ),
            (
                "Shop |   3 | 12:05:11 | DELETE_FAILED (skipped) | AWS::EC2::Subnet | Subnet (this will take a few minutes to recover)",
                ("DELETE_FAILED", "AWS::EC2::Subnet", "Subnet", "Shop", "(this will take a few minutes to recover)"),
            ),
            (
                "Shop | 12:05:11 PM | CREATE_FAILED        | AWS::S3::Bucket | Data/Bucket (DataBucketE3889A50) shop-data already exists",
                ("CREATE_FAILED", "AWS::S3::Bucket", "DataBucketE3889A50", "Shop", "shop-data already exists"),
            ),
            (
                "@acme/infra:deploy: Shop | 3/10 | 9:05:11\u{202f}PM | CREATE_COMPLETE | AWS::S3::Bucket | Bucket",
                ("CREATE_COMPLETE", "AWS::S3::Bucket", "Bucket", "Shop", ""),
            ),
            // CDK, older.
            (
                " 3/10 | 12:05:11 PM | CREATE_FAILED        | AWS::SQS::Queue | My Queue/Resource (MyQueueE6CA6235) Bad (Service: Sqs) a | b",
                ("CREATE_FAILED", "AWS::SQS::Queue", "MyQueueE6CA6235", "", "Bad (Service: Sqs) a | b"),
            ),
            (
                "12:05:11 PM | CREATE_FAILED        | AWS::Lambda::Function | createOrder/handler",
                ("CREATE_FAILED", "AWS::Lambda::Function", "createOrder/handler", "", ""),
            ),
            (
                "Shop | 0/9 | 1:00:00 PM | UPDATE_ROLLBACK_IN_P | AWS::CloudFormation::Stack | Shop The following resource(s) failed to update: [Api].",
                (
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "AWS::CloudFormation::Stack",
                    "Shop",
                    "Shop",
                    "The following resource(s) failed to update: [Api].",
                ),
            ),
            (
                "Shop | 0/9 | 1:00:00 PM | UPDATE_ROLLBACK_COMP | AWS::CloudFormation::Stack | Shop",
                ("UPDATE_ROLLBACK_COMPLETE", "AWS::CloudFormation::Stack", "Shop", "Shop", ""),
            ),
            // CDK for agents; the console, copied.
            (
                "Shop | CREATE_FAILED | AWS::S3::Bucket | Bucket (Bucket83908E77) taken",
                ("CREATE_FAILED", "AWS::S3::Bucket", "Bucket83908E77", "Shop", "taken"),
            ),
            (
                "  | 01:42:45 UTC+0800 | CREATE_FAILED | Custom::Deploy | UI | It did not work. |",
                ("CREATE_FAILED", "Custom::Deploy", "UI", "", "It did not work."),
            ),
            ("12:34:22 | Bucket | CREATE_FAILED | taken", ("CREATE_FAILED", "", "Bucket", "", "taken")),
            (
                "CREATE_FAILED\tAWS::IAM::Role\tRole\tRole r already exists",
                ("CREATE_FAILED", "AWS::IAM::Role", "Role", "", "Role r already exists"),
            ),
            // SAM.
            (
                "CREATE_FAILED                    AWS::S3::Bucket                  Bucket                           b already exists",
                ("CREATE_FAILED", "AWS::S3::Bucket", "Bucket", "", "b already exists"),
            ),
            (
                "CREATE_IN_PROGRESS               AWS::S3::Bucket                  Bucket                           -",
                ("CREATE_IN_PROGRESS", "AWS::S3::Bucket", "Bucket", "", ""),
            ),
            // Serverless.
            (
                "CloudFormation - CREATE_FAILED - AWS::S3::Bucket - Uploads",
                ("CREATE_FAILED", "AWS::S3::Bucket", "Uploads", "", ""),
            ),
            (
                "  CREATE_IN_PROGRESS - AWS::CloudFormation::Stack - shop-dev",
                ("CREATE_IN_PROGRESS", "AWS::CloudFormation::Stack", "shop-dev", "", ""),
            ),
            (
                "CREATE_FAILED: HelloLambdaFunction (AWS::Lambda::Function)",
                ("CREATE_FAILED", "AWS::Lambda::Function", "HelloLambdaFunction", "", ""),
            ),
            // Amplify.
            (
                "CREATE_FAILED      Table AWS::DynamoDB::Table Wed Nov 18 2026 12:05:11 GMT+0000 (Coordinated Universal Time) It exists",
                ("CREATE_FAILED", "AWS::DynamoDB::Table", "Table", "", "It exists"),
            ),
            (
                "        functionshop       AWS::CloudFormation::Stack     UPDATE_FAILED                 ",
                ("UPDATE_FAILED", "AWS::CloudFormation::Stack", "functionshop", "", ""),
            ),
            // The GitHub action, Rain, Sceptre, and by hand.
            (
                "[PROGRESS] AWS::SQS::Queue/Orders UPDATE_FAILED - Bad attribute",
                ("UPDATE_FAILED", "AWS::SQS::Queue", "Orders", "", "Bad attribute"),
            ),
            (
                "- CREATE_FAILED Orders AWS::SQS::Queue \"It says \\\"no\\\"\"",
                ("CREATE_FAILED", "AWS::SQS::Queue", "Orders", "", "It says \"no\""),
            ),
            ("Stack shop: ROLLBACK_COMPLETE", ("ROLLBACK_COMPLETE", "AWS::CloudFormation::Stack", "shop", "shop", "")),
            (
                "dev/net Vpc AWS::EC2::VPC CREATE_FAILED No more VPCs",
                ("CREATE_FAILED", "AWS::EC2::VPC", "Vpc", "", "No more VPCs"),
            ),
            ("Orders CREATE_FAILED taken", ("CREATE_FAILED", "", "Orders", "", "taken")),
            ("  Orders: CREATE_FAILED", ("CREATE_FAILED", "", "Orders", "", "")),
            ("CREATE_FAILED: taken", ("CREATE_FAILED", "", "", "", "taken")),
        ];
        for (text, expected) in table {
            let row = parse(text).unwrap_or_else(|| panic!("{text} is not read"));
            assert_eq!(told(&row), *expected, "{text}");
        }
    }

    #[test]
    fn sentences_are_no_rows() {
        for text in [
            "❌  Shop failed: Error: The stack named Shop failed creation, it may need to be manually deleted: ROLLBACK_COMPLETE: taken",
            "Stack:arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/1 is in ROLLBACK_COMPLETE state and can not be updated.",
            "we matched expected path: \"ROLLBACK_COMPLETE\" at least once",
            "            \"ResourceStatus\": \"CREATE_FAILED\",",
            "StackStatus: CREATE_FAILED",
            "Current status: CREATE_IN_PROGRESS",
            "CREATE_IN_PROGRESS",
            "BUILD_FAILED | x",
            "Outcome DEPLOY_FAILED",
            "3/10 Currently in progress: Orders",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_row_tells_where_its_reason_goes_on_and_whose_it_is() {
        for (text, spill) in [
            ("12:05:11 PM | CREATE_FAILED | AWS::S3::Bucket | Bucket", Spill::Wrapped),
            ("Shop | 1/2 | 12:05:11 PM | CREATE_FAILED | AWS::S3::Bucket | Bucket taken", Spill::Indented),
            ("UPDATE_FAILED: Hello (AWS::Lambda::Function)", Spill::Below),
            ("CREATE_FAILED AWS::S3::Bucket Bucket taken", Spill::Quoted),
        ] {
            assert_eq!(parse(text).map(|row| row.spill), Some(spill), "{text}");
        }
        for (text, expected) in [
            ("CREATE_IN_PROGRESS AWS::CloudFormation::Stack shop User Initiated", true),
            (
                "ROLLBACK_IN_PROGRESS AWS::CloudFormation::Stack shop The following resource(s) failed to create: [A].",
                true,
            ),
            (
                "CREATE_FAILED AWS::CloudFormation::Stack Nested Embedded stack arn:x was not successfully created",
                false,
            ),
            ("CREATE_FAILED AWS::S3::Bucket Bucket taken", false),
        ] {
            assert_eq!(parse(text).map(|row| row.is_of_stack()), Some(expected), "{text}");
        }
    }
}
