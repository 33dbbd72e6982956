//! A line that tells of the deployment without being a stack event: that it began, went well, or failed, and how.
//! It reads one line and explains nothing; which cause a failure has is the rules' business.
//! Source: the CLIs' error texts, the AWS SDKs' error formats, and the runners' own messages.

use super::row::is_name;
use crate::model::Outcome;
use crate::model::arn;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;
use std::sync::LazyLock;

/// What a line may be, by the words that it holds. Each is looked into more closely then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Signs(u8);

impl Signs {
    /// It holds a status.
    pub const ROW: Self = Self(1);
    /// It may tell a failure, if it has the form of one.
    pub const FORM: Self = Self(1 << 1);
    /// Its words tell a failure.
    pub const TELL: Self = Self(1 << 2);
    /// It only repeats that something failed.
    pub const NOISE: Self = Self(1 << 3);
    /// It tells how far the deployment is.
    pub const PROGRESS: Self = Self(1 << 4);
    /// It names the stack.
    pub const STACK: Self = Self(1 << 5);
    /// It begins a block of lines.
    pub const BLOCK: Self = Self(1 << 6);

    /// True where the line holds none of the words.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True where it has this sign.
    pub fn has(self, sign: Self) -> bool {
        self.0 & sign.0 != 0
    }
}

/// The words, in any case, and what a line with them may be.
const WORDS: &[(Signs, &[&str])] = &[
    (Signs::ROW, &["_failed", "_complete", "_in_progress", "_skipped", "rollback_"]),
    (Signs::FORM, &["error", "exception", "fault: ", "fail", "fatal", "panic: ", "❌", "✖", "✗", "✘", "×", "🛑"]),
    (
        Signs::TELL,
        &[
            // The AWS CLI, SAM, boto.
            "an error occurred",
            "failed: waiter encountered",
            "waiter encountered",
            "failed to create the changeset",
            "failed to create changeset",
            "failed to create change set",
            "failed to create/update the stack",
            "failed to create managed resources",
            "status: failed. reason:",
            "unable to locate credentials",
            "could not connect to the endpoint url",
            "unable to upload artifact",
            // CDK.
            "failed creation, it may need",
            "resource updates failed",
            "early validation failed",
            "failed to publish",
            "failed to deploy",
            "need to perform assumerole",
            "need to perform aws calls",
            "is this account bootstrapped",
            "bootstrapped?",
            "unable to resolve aws account",
            // Amplify, Serverless.
            "resource is not in the state",
            // CloudFormation.
            "no updates are to be performed",
            "didn't contain changes",
            "no changes to deploy",
            "can not be updated",
            "cannot be deleted while",
            "requires capabilities",
            "unable to fetch parameters",
            "template format error",
            "template validation error",
            "template error:",
            "circular dependency between resources",
            "unresolved resource dependencies",
            "] must have values",
            "properties validation failed",
            "encountered unsupported property",
            "unrecognized resource type",
            "parameter validation failed",
            "is already exported by",
            "failed with: ",
            "access denied",
            "the following resource(s) failed to",
            "the following hook(s) failed",
            "was not successfully created",
            "was not successfully updated",
            "no export named",
            "rate exceeded",
            "the security token included in the request is",
            "is not authorized to perform",
            "returned message: \"",
            "received response status [failed]",
            "custom resource failed to stabilize",
            "exceeded attempts to wait",
            "currently in progress. please attempt",
            // Runners.
            "has exceeded the maximum execution time",
            "execution took longer than",
            "the operation was canceled",
            "the operation was cancelled",
            "job was cancelled",
            "job was canceled",
            "has been canceled",
            "build timed out",
            "build_timed_out",
            "aborted by ",
            "received a shutdown signal",
            "lost communication with the server",
            "too long with no output",
            "no space left on device",
            "cannot connect to the docker daemon",
        ],
    ),
    (
        Signs::NOISE,
        &[
            "exit code",
            "exit status",
            "exited with",
            "npm err!",
            "npm error",
            "make: ***",
            "]: ***",
            "elifecycle",
            "finished: failure",
            "finished: aborted",
            "state: failed",
            "command_execution_error",
        ],
    ),
    (
        Signs::PROGRESS,
        &[
            ": deploying...",
            ": destroying...",
            ": creating cloudformation changeset",
            "✅",
            "deployment time:",
            "initiating deployment",
            "waiting for changeset to be created",
            "waiting for stack create/update",
            "successfully created/updated stack",
            "deployed to stack ",
            "starting event monitoring for stack",
        ],
    ),
    (Signs::STACK, &["stack name", "--stack-name"]),
    (Signs::BLOCK, &["\"resourcestatus\":", "resource name:", "messages:", "error:", "error occurred"]),
];

/// What a line may be.
pub(super) fn signs(line: &str) -> Signs {
    static FINDER: LazyLock<Option<(AhoCorasick, Vec<Signs>)>> = LazyLock::new(|| {
        let words = WORDS.iter().flat_map(|(sign, words)| words.iter().map(|word| (*sign, word)));
        let (signs, words): (Vec<Signs>, Vec<&&str>) = words.unzip();
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(words);
        finder.ok().map(|finder| (finder, signs))
    });

    let Some((finder, signs)) = FINDER.as_ref() else {
        return Signs::default();
    };
    // Most lines end here, and this way it is much faster.
    if !finder.is_match(line) {
        return Signs::default();
    }
    let found = finder
        .find_overlapping_iter(line)
        .filter_map(|found| signs.get(found.pattern().as_usize()))
        .fold(0, |all, sign| all | sign.0);
    Signs(found)
}

/// What a line says of the whole deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress<'a> {
    pub action: &'static str,
    pub outcome: Outcome,
    pub stack: Option<&'a str>,
}

/// That the deployment began, goes on or went well.
pub(super) fn progress(text: &str) -> Option<Progress<'_>> {
    let text = text.trim();
    let told = |action, outcome, stack| Some(Progress { action, outcome, stack });
    for (mark, action) in
        [(": deploying...", "DEPLOY"), (": creating CloudFormation changeset", "DEPLOY"), (": destroying...", "DELETE")]
    {
        if let Some((name, _)) = text.split_once(mark) {
            return told(action, Outcome::InProgress, shown_name(name));
        }
    }
    if let Some(rest) = text.strip_prefix('✅') {
        let rest = rest.trim().trim_end_matches("(no changes)").trim_end();
        let (name, action) = match rest.strip_suffix(": destroyed") {
            Some(name) => (name, "DELETE"),
            None => (rest, "DEPLOY"),
        };
        // Ticks stand before other good news, too.
        let alone = name.split_whitespace().count() <= 2;
        let stack = shown_name(name).filter(|_| alone)?;
        return told(action, Outcome::Succeeded, Some(stack));
    }
    for (mark, outcome) in [
        ("Deployment time:", Outcome::Noted),
        ("Initiating deployment", Outcome::InProgress),
        ("Waiting for changeset to be created", Outcome::InProgress),
        ("Waiting for stack create/update", Outcome::InProgress),
    ] {
        if text.contains(mark) {
            return told("DEPLOY", outcome, None);
        }
    }
    for (mark, outcome) in [
        ("Successfully created/updated stack", Outcome::Succeeded),
        ("deployed to stack ", Outcome::Succeeded),
        ("Starting event monitoring for stack", Outcome::InProgress),
    ] {
        if let Some((_, rest)) = text.split_once(mark) {
            let name = rest.trim_start_matches([' ', '-', ':']).split(' ').next();
            return told("DEPLOY", outcome, name.filter(|name| is_name(name)));
        }
    }
    None
}

/// The stack in `Stage/Shop (Stage-Shop)` or `Shop`, which is how the CDK CLI shows stacks.
fn shown_name(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next_back()?;
    Some(word.trim_start_matches('(').trim_end_matches(')')).filter(|name| is_name(name))
}

/// The stack that a line names: `Stack name : shop`, `--stack-name shop`.
pub(super) fn named_stack(text: &str) -> Option<&str> {
    let (_, rest) = text
        .split_once("--stack-name")
        .or_else(|| text.split_once("Stack name"))
        .or_else(|| text.split_once("stack name"))?;
    let word = rest.trim_start_matches([' ', '\t', '=', ':', '"', '\'']);
    let end = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).unwrap_or(word.len());
    word.get(..end).filter(|name| is_name(name))
}

/// A failure that a line tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure<'a> {
    /// Failed, or Noted for what only repeats a failure.
    pub outcome: Outcome,
    /// AWS's code.
    pub error: Option<&'a str>,
    /// The text without the runner's mark; empty where the failure stands on the next line.
    pub message: &'a str,
    /// The stack that it names.
    pub stack: Option<&'a str>,
    /// The ARN of that stack.
    pub stack_id: Option<&'a str>,
}

/// The failure in a line with these signs, if there is one.
pub(super) fn parse(text: &str, signs: Signs) -> Option<Failure<'_>> {
    let text = text.trim();
    if is_chatter(text) || super::line::is_trace(text) {
        return None;
    }
    let message = unmarked(text);
    let outcome = if signs.has(Signs::NOISE) && is_noise(text) {
        Outcome::Noted
    } else if text.starts_with("npm ") && !is_npm_code(text) && !signs.has(Signs::TELL) {
        return None;
    } else if is_question(text) {
        Outcome::Noted
    } else if signs.has(Signs::TELL) || is_npm_code(text) || signs.has(Signs::FORM) && is_marked(text) {
        Outcome::Failed
    } else {
        return None;
    };
    let (stack, stack_id) = stack(text);
    Some(Failure {
        outcome,
        error: error_code(message),
        message: if is_heading(message) { "" } else { message },
        stack,
        stack_id,
    })
}

/// A failure that is told by nothing but its being all there is.
pub(super) fn bare(text: &str) -> Option<Failure<'_>> {
    let text = text.trim();
    if !text.contains(char::is_alphabetic) || is_chatter(text) || super::line::is_trace(text) {
        return None;
    }
    let message = unmarked(text);
    let (stack, stack_id) = stack(text);
    (!is_heading(message)).then_some(Failure {
        outcome: Outcome::Failed,
        error: error_code(message),
        message,
        stack,
        stack_id,
    })
}

/// Lines that are no result: shells' and runners' echoes, debug output, warnings.
fn is_chatter(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "##[debug]",
        "##[group]",
        "##[endgroup]",
        "##[command]",
        "##[section]",
        "##[warning]",
        "[command]",
        "[debug]",
        "[trace]",
        "[DEBUG]",
        "[TRACE]",
        "DEBUG",
        "TRACE",
        "[warning",
        "[Warning",
        "[WARN",
        "WARN",
        "Warning:",
        "warning:",
        "⚠",
        "::warning",
        "::debug",
        "::group",
        "::notice",
        "npm warn",
        "npm WARN",
        "+ ",
        "++ ",
        "$ ",
        "> ",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// Lines that only repeat that a command failed.
fn is_noise(text: &str) -> bool {
    static NOISE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        // Nothing may follow: what a command said before it failed may stand there.
        Regex::new(
            r"(?xi)
              (?:completed|failed|exited|returned)\ (?:with\ )?(?:a\ )?(?:non-zero\ )?(?:exit\ )?(?:code|status|error)\W*\d+\W*$
            | job\ failed:\ exit\ (?:code|status)\W*\d+$ | ^(?:error:\ )?exit\ (?:code|status)\W*\d+\W*$
            | did\ not\ exit\ successfully | ^make(?:\[\d+\])?:\ \*\*\* | elifecycle
            | ^npm\ (?:err!|error)\ (?:code|errno)\ \d+
            | ^finished:\ (?:failure|aborted) | phase\ complete:\ \w+\ state:\ failed | command_execution_error",
        )
        .ok()
    });
    NOISE.as_ref().is_some_and(|noise| noise.is_match(text))
}

/// npm's own errors (`npm ERR! code E404`), other than that a script failed.
fn is_npm_code(text: &str) -> bool {
    text.starts_with("npm ERR! code E") || text.starts_with("npm error code E")
}

/// Scripts ask whether the stack is there before they create it.
fn is_question(text: &str) -> bool {
    text.contains("when calling the DescribeStacks operation") && text.contains("does not exist")
}

/// True where the line has the form of a failure.
pub(super) fn is_marked(text: &str) -> bool {
    static FORMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)^(?:
              [❌✖✗✘×🛑] | \#\#\[error\] | ::error\b
            | (?i:error|fatal|fail|failed|failure|panic)\ ?:
            | \[(?i:error|fatal)\b[^\]]*\]
            | (?:ERROR|FATAL)\b
            | Error\ (?:response|while|when|executing|occurred|creating|updating|deploying|processing)\b
            | (?:[\w$./-]+[.$/])?[\w$]*(?:Exception|Error|Fault)(?:\ \[\w+\])?:\s
            | Exception\ in\ thread\b | Uncaught\b | Serverless\ Error\b
            | \S+:\s(?:error|fatal|fail)\b.*:
            | (?i:deployment|deploy|build|job|push|synthesis|stack)\b.*\b(?:failed|aborted)\b
            )",
        )
        .ok()
    });
    text.contains('❌') || FORMS.as_ref().is_some_and(|forms| forms.is_match(text))
}

/// The text without the runner's mark and the tool's sign before it.
fn unmarked(text: &str) -> &str {
    let mut text = text;
    if let Some(rest) = text.strip_prefix("##[error]") {
        text = rest;
    } else if let Some(rest) = text.strip_prefix("::error") {
        text = rest.split_once("::").map_or(text, |(_, message)| message);
    }
    text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '❌' | '✖' | '✗' | '✘' | '×' | '🛑'))
}

/// Words after which the failure itself stands on the next line.
fn is_heading(message: &str) -> bool {
    let words = message.trim_end_matches(['-', ':', ' ']);
    words.is_empty()
        || [
            "error",
            "errors",
            "serverless error",
            "failed resources",
            "found errors",
            "the following resources failed to deploy",
        ]
        .iter()
        .any(|heading| words.eq_ignore_ascii_case(heading))
}

/// AWS's error code in a message. The names of the tools' own classes say nothing and are passed over.
pub(super) fn error_code(message: &str) -> Option<&str> {
    static CODES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)
              \((?P<called>[\w.:/-]+)\)\ when\ calling\ the\b
            | \bError\ \[(?P<boxed>\w+)\]:
            | \b(?P<named>\w+(?:Exception|Error|Fault)|AccessDenied|AuthFailure|ExpiredToken|InternalFailure
                |InvalidClientTokenId|NoSuchBucket|NoSuchKey|OptInRequired|RequestExpired|ServiceUnavailable
                |SignatureDoesNotMatch|Throttling|UnauthorizedOperation):\s",
        )
        .ok()
    });
    const OF_TOOLS: &[&str] = &[
        "AssemblyError",
        "AuthenticationError",
        "BootstrapError",
        "CalledProcessError",
        "ClientError",
        "ContextProviderError",
        "DeploymentError",
        "JSIIError",
        "RuntimeError",
        "ServerlessError",
        "ToolkitError",
        "WaiterError",
    ];
    CODES
        .as_ref()?
        .captures_iter(message)
        .filter_map(|found| found.name("called").or(found.name("boxed")).or(found.name("named")))
        .map(|code| code.as_str())
        .find(|code| !code.starts_with('_') && !OF_TOOLS.contains(code))
}

/// The stack that a failure names, and its ARN.
fn stack(text: &str) -> (Option<&str>, Option<&str>) {
    static STACKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)
              [Ss]tack\ ?:?\ ?\[?(?P<arn>arn:[\w-]+:cloudformation:[^\s\]]+)
            | (?:[Tt]he\ stack\ named|create/update\ the\ stack:|changeset\ for\ the\ stack:|[Ss]tack\ with\ id|--stack-name)
              \ (?P<named>[A-Za-z][A-Za-z0-9-]*)
            | ❌\s+(?:\S+\ \()?(?P<failed>[A-Za-z][A-Za-z0-9-]*)\)?\ failed:
            | \b[Ss]tack\ [\['\x22]?(?P<about>[A-Za-z][A-Za-z0-9-]*)[\]'\x22]?\ (?:is\ in|is\ up\ to\ date|cannot\ be|failed|already\ exists|does\ not)",
        )
        .ok()
    });
    let Some(stacks) = STACKS.as_ref() else {
        return (None, None);
    };
    for found in stacks.captures_iter(text) {
        if let Some(arn) = found.name("arn") {
            return (arn::stack_name(arn.as_str()), Some(arn.as_str()));
        }
        let name = found.name("named").or(found.name("failed")).or(found.name("about"));
        let name = name.map(|name| name.as_str());
        // `Deployment failed:`, `stack update failed`: words in a name's place.
        if name.is_some_and(|name| !matches!(name, "Deployment" | "update" | "create" | "deployment")) {
            return (name, None);
        }
    }
    (None, None)
}

/// What a failure says without what tools put around it when they say it again.
pub(super) fn essence(message: &str) -> &str {
    let told = match message.split_once(" failed: ") {
        // `Shop failed: ...`, then `Deployment failed: ...`.
        Some((name, told)) if name.split_whitespace().count() <= 3 && !name.contains("Waiter") => told,
        _ => message,
    };
    let told = told.trim_start_matches("Error: ").trim_start_matches("_ToolkitError: ");
    told.trim_start_matches("DeploymentError: ").trim_start_matches("ToolkitError: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Failure<'_>> {
        parse(text, signs(text))
    }

    #[test]
    fn failures_of_all_tools_are_told() {
        let table: &[(&str, Option<&str>, &str, Option<&str>)] = &[
            (
                " ❌  Shop failed: DeploymentError: The stack named Shop failed creation, it may need to be manually deleted from the AWS console: ROLLBACK_COMPLETE: taken",
                None,
                "Shop failed: DeploymentError: The stack named Shop failed creation, it may need to be manually deleted from the AWS console: ROLLBACK_COMPLETE: taken",
                Some("Shop"),
            ),
            (
                "❌  Prod/Shop (Prod-Shop) failed: InvalidChangeSetStatusException: An operation on this ChangeSet is currently in progress.",
                Some("InvalidChangeSetStatusException"),
                "Prod/Shop (Prod-Shop) failed: InvalidChangeSetStatusException: An operation on this ChangeSet is currently in progress.",
                Some("Prod-Shop"),
            ),
            (
                "❌ Deployment failed: Error: Stack Shop failed to deploy",
                None,
                "Deployment failed: Error: Stack Shop failed to deploy",
                Some("Shop"),
            ),
            (
                "❌  Shop failed: Error [ValidationError]: Stack:arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/1f is in ROLLBACK_COMPLETE state and can not be updated.",
                Some("ValidationError"),
                "Shop failed: Error [ValidationError]: Stack:arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/1f is in ROLLBACK_COMPLETE state and can not be updated.",
                Some("Shop"),
            ),
            (
                "_ToolkitError: ❌ Deployment failed: ValidationError: Template error: x",
                Some("ValidationError"),
                "_ToolkitError: ❌ Deployment failed: ValidationError: Template error: x",
                None,
            ),
            (
                "An error occurred (InsufficientCapabilitiesException) when calling the CreateStack operation: Requires capabilities : [CAPABILITY_NAMED_IAM]",
                Some("InsufficientCapabilitiesException"),
                "An error occurred (InsufficientCapabilitiesException) when calling the CreateStack operation: Requires capabilities : [CAPABILITY_NAMED_IAM]",
                None,
            ),
            (
                "botocore.exceptions.ClientError: An error occurred (Throttling) when calling the DescribeStacks operation (reached max retries: 4): Rate exceeded",
                Some("Throttling"),
                "botocore.exceptions.ClientError: An error occurred (Throttling) when calling the DescribeStacks operation (reached max retries: 4): Rate exceeded",
                None,
            ),
            (
                "##[error]ExpiredTokenException: The security token included in the request is expired",
                Some("ExpiredTokenException"),
                "ExpiredTokenException: The security token included in the request is expired",
                None,
            ),
            ("::error file=a.yml,line=1::Stack cannot be updated", None, "Stack cannot be updated", None),
            (
                "Error: Failed to create changeset for the stack: shop, ex: Waiter ChangeSetCreateComplete failed: Waiter encountered a terminal failure state: For expression \"Status\" we matched expected path: \"FAILED\" Status: FAILED. Reason: Requires capabilities : [CAPABILITY_IAM]",
                None,
                "Error: Failed to create changeset for the stack: shop, ex: Waiter ChangeSetCreateComplete failed: Waiter encountered a terminal failure state: For expression \"Status\" we matched expected path: \"FAILED\" Status: FAILED. Reason: Requires capabilities : [CAPABILITY_IAM]",
                Some("shop"),
            ),
            (
                "Stack [Shop] cannot be deleted while TerminationProtection is enabled",
                None,
                "Stack [Shop] cannot be deleted while TerminationProtection is enabled",
                Some("Shop"),
            ),
            (
                "No changes to deploy. Stack shop is up to date",
                None,
                "No changes to deploy. Stack shop is up to date",
                Some("shop"),
            ),
            (
                "fail: No bucket named 'cdk-assets'. Is account 111122223333 bootstrapped?",
                None,
                "fail: No bucket named 'cdk-assets'. Is account 111122223333 bootstrapped?",
                None,
            ),
            (
                "##[error]The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 45 minutes.",
                None,
                "The job running on runner GitHub Actions 3 has exceeded the maximum execution time of 45 minutes.",
                None,
            ),
            ("##[error]The operation was canceled.", None, "The operation was canceled.", None),
            (
                "ERROR: Job failed: execution took longer than 1h0m0s seconds",
                None,
                "ERROR: Job failed: execution took longer than 1h0m0s seconds",
                None,
            ),
            (
                "Build timed out (after 45 minutes). Marking the build as aborted.",
                None,
                "Build timed out (after 45 minutes). Marking the build as aborted.",
                None,
            ),
            (
                "lib/shop.ts(3,5): error TS2304: Cannot find name 'x'.",
                None,
                "lib/shop.ts(3,5): error TS2304: Cannot find name 'x'.",
                None,
            ),
            (
                "[Error at /Shop/Bucket] It must be encrypted",
                None,
                "[Error at /Shop/Bucket] It must be encrypted",
                None,
            ),
            ("npm ERR! code E404", None, "npm ERR! code E404", None),
            (
                "🛑 Resource is not in the state stackUpdateComplete",
                None,
                "Resource is not in the state stackUpdateComplete",
                None,
            ),
            ("TypeError: x is not a function", Some("TypeError"), "TypeError: x is not a function", None),
        ];
        for (text, error, message, stack) in table {
            let failure = read(text).unwrap_or_else(|| panic!("{text} is not told"));
            assert_eq!(
                (failure.outcome, failure.error, failure.message, failure.stack),
                (Outcome::Failed, *error, *message, *stack),
                "{text}"
            );
        }
    }

    #[test]
    fn repetitions_are_noted() {
        for text in [
            "##[error]Process completed with exit code 1.",
            "Error: Process completed with exit code 1.",
            "##[error]The process '/usr/local/bin/npx' failed with exit code 1",
            "npm ERR! code 1",
            "npm ERR! code ELIFECYCLE",
            "##[error]Bash exited with code '1'.",
            "subprocess.CalledProcessError: Command '['cdk', 'deploy']' returned non-zero exit status 1.",
            "Subprocess exited with error 1",
            "make: *** [Makefile:12: deploy] Error 1",
            "make[1]: *** [deploy] Error 2",
            "error Command failed with exit code 1.",
            "ERROR: script returned exit code 1",
            "ERROR: Job failed: exit code 1",
            "Finished: FAILURE",
            "Phase complete: BUILD State: FAILED",
            "An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id shop does not exist",
        ] {
            assert_eq!(read(text).map(|failure| failure.outcome), Some(Outcome::Noted), "{text}");
        }
    }

    #[test]
    fn ordinary_lines_tell_nothing() {
        for text in [
            "    at Object.deploy (/app/node_modules/aws-cdk/lib/index.js:427:10615)",
            "Found 0 errors. Watching for file changes.",
            "Tests: 12 passed, 0 failed",
            "error_log is configured",
            "npm ERR! A complete log of this run can be found in: /root/.npm/_logs/x.log",
            "##[group]Run cdk deploy || echo 'Error: failed'",
            "##[debug]An error occurred (X) when calling the Y operation: z",
            "+ echo 'Error: no'",
            "[Warning at /Shop/Bucket] Error handling is deprecated",
            "Retrying because of failover",
            "Uploading error.html",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_course_of_a_deployment_is_told() {
        for (text, action, outcome, stack) in [
            ("Shop: deploying... [1/1]", "DEPLOY", Outcome::InProgress, Some("Shop")),
            ("Prod/Shop (Prod-Shop): deploying... [1/2]", "DEPLOY", Outcome::InProgress, Some("Prod-Shop")),
            ("Shop: creating CloudFormation changeset...", "DEPLOY", Outcome::InProgress, Some("Shop")),
            ("Shop: destroying... [1/1]", "DELETE", Outcome::InProgress, Some("Shop")),
            (" ✅  Shop", "DEPLOY", Outcome::Succeeded, Some("Shop")),
            (" ✅  Prod/Shop (Prod-Shop) (no changes)", "DEPLOY", Outcome::Succeeded, Some("Prod-Shop")),
            (" ✅  Shop: destroyed", "DELETE", Outcome::Succeeded, Some("Shop")),
            ("✨  Deployment time: 35.5s", "DEPLOY", Outcome::Noted, None),
            ("Initiating deployment", "DEPLOY", Outcome::InProgress, None),
            ("Waiting for changeset to be created..", "DEPLOY", Outcome::InProgress, None),
            ("Successfully created/updated stack - shop in eu-west-1", "DEPLOY", Outcome::Succeeded, Some("shop")),
            ("✔ Service deployed to stack shop-dev (112s)", "DEPLOY", Outcome::Succeeded, Some("shop-dev")),
            ("Starting event monitoring for stack: shop", "DEPLOY", Outcome::InProgress, Some("shop")),
        ] {
            assert!(signs(text).has(Signs::PROGRESS), "{text}");
            assert_eq!(progress(text), Some(Progress { action, outcome, stack }), "{text}");
        }
        for text in ["✅ All done!", "✅  Environment aws://111122223333/eu-west-1 bootstrapped.", "✅"] {
            assert_eq!(progress(text), None, "{text}");
        }
        for (text, stack) in [
            ("\tStack name                   : shop", Some("shop")),
            ("aws cloudformation deploy --stack-name shop --template-file t.yml", Some("shop")),
            ("--stack-name=\"shop-dev\"", Some("shop-dev")),
            ("--stack-name $STACK", None),
        ] {
            assert_eq!(named_stack(text), stack, "{text}");
        }
    }
}
