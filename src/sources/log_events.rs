//! FilterLogEvents and GetLogEvents of CloudWatch Logs: what the application, the function or the instance wrote.
//! It takes the lines that tell of an error and leaves everything else; which error matters is not its business.
//! Source: `FilteredLogEvent` and `OutputLogEvent` in the CloudWatch Logs API reference; Lambda's own lines in its guide.

use super::Sink;
use super::wire::Str;
use crate::model::time::Stamp;
use crate::model::{Event, Outcome, RecordFile, Text};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use hashbrown::HashSet;
use regex::Regex;
use serde::Deserialize;
use std::sync::LazyLock;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogEvent<'a> {
    #[serde(default)]
    timestamp: Stamp,
    #[serde(borrow, default)]
    message: Str<'a>,
    #[serde(borrow, default)]
    log_stream_name: Str<'a>,
    #[serde(borrow, default)]
    log_group_name: Str<'a>,
    #[serde(borrow, default)]
    event_id: Str<'a>,
}

pub(super) fn read(file: &RecordFile, sink: &mut Sink<'_>) {
    // A file of the folder `log_events` is named after its log group.
    let group_of_file = file.part();
    // The streams whose last lines belong to an error that was told: streams are interleaved.
    let mut in_trace: HashSet<Text> = HashSet::new();
    for (record, json) in file.iter() {
        let Some(line) = sink.parse::<LogEvent<'_>>(&record, json) else {
            continue;
        };
        let message = line.message.trim_end();
        if !in_trace.is_empty() && in_trace.contains(&*line.log_stream_name) {
            if is_continuation(message) {
                continue;
            }
            in_trace.remove(&*line.log_stream_name);
        }
        if !tells_error(message) {
            continue;
        }
        let Some(at) = sink.time(&record, line.timestamp, "timestamp") else {
            continue;
        };
        in_trace.insert(sink.text(&line.log_stream_name));
        let action = sink.text("LOG");
        let mut event = Event::new(at, "log_events", record, action, Outcome::Failed);
        event.event_id = line.event_id.get().map(Text::from);
        event.message = sink.some(Some(message));
        event.physical_id = sink.some(line.log_stream_name.get());
        event.group = sink.some(line.log_group_name.get().or(group_of_file.as_deref()));
        sink.events.push(event);
    }
}

/// True for a line that goes on with the stack trace before it.
fn is_continuation(message: &str) -> bool {
    message.is_empty()
        || message.starts_with(char::is_whitespace)
        || ["at ", "Caused by:", "File \"", "... "].iter().any(|start| message.starts_with(start))
}

/// A line with none of these tells of no error. Most lines end here.
const HINTS: &[&str] = &[
    "error",
    "exception",
    "fatal",
    "fail",
    "panic",
    "crash",
    "unhandled",
    "uncaught",
    "traceback",
    "critical",
    "severe",
    "[crit]",
    "[emerg]",
    "timed out",
    "timeout",
    "process exited",
    "exited with",
    "exit code",
    "exit status",
    "out of memory",
    "outofmemory",
    "oomkilled",
    "exec format",
    "refused",
    "econn",
    "etimedout",
    "enotfound",
    "eai_again",
    "unable to import",
    "cannot find module",
    "could not connect",
    "command not found",
    "no such file",
    "denied",
    "not authorized",
    "segmentation fault",
    "pg_hba.conf",
    "level\":50",
    "level\":60",
    "health",
    "/ping",
    "/ready",
    "/live",
];

/// True for a line that tells of an error.
fn tells_error(message: &str) -> bool {
    static HINTED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let builder = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(HINTS);
        builder.ok()
    });

    HINTED.as_ref().is_some_and(|hints| hints.is_match(message))
        && (is_certain(message) || fails_health_check(message) || (!is_calm(message) && has_error_word(message)))
}

/// Phrases that nobody writes unless something went wrong, whatever the line's level.
fn is_certain(message: &str) -> bool {
    static CERTAIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?xi)
              \bTask\ timed\ out\ after\b | \bProcess\ exited\ before\ completing\ request\b
            | \bStatus:\ (?:timeout|error)\b | "status"\s*:\s*"(?:timeout|failure)"
            | \bRuntime\.[A-Z]\w+ | \bUnable\ to\ import\ module\b | \bCannot\ find\ module\b
            | \bStatus["']?\s*:\s*["']?FAILED\b
            | \bTraceback\ \(most\ recent | \bpanic:\s | \bSegmentation\ fault\b
            | \bOutOfMemory | \bOOMKilled\b | \b(?:heap\ )?out\ of\ memory\b
            | \bexec\ format\ error\b | \bcommand\ not\ found\b | \bNo\ such\ file\ or\ directory\b
            | \bPermission\ denied\b | \bis\ not\ authorized\ to\ perform\b
            | \b(?:ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)\b
            | \bconnection\ (?:refused|timed\ out)\b | \bcould\ not\ connect\ to\b
            | \bpassword\ authentication\ failed\b | \bno\ pg_hba\.conf\ entry\b
            | \bexit(?:ed)?\ (?:with\ )?(?:code|status)[:\ ]+[1-9]
            | \bcfn-(?:init|signal|hup)\b.*\b(?:error|failed|failure|exited)\b | \bError\ occurred\ during\ build\b
            | "(?:level|levelname|severity)"\s*:\s*(?:"(?:error|fatal|critical|panic)"|[56]0\b)
            | \blevel=(?:error|fatal|critical|panic)\b
            | \[(?:ERROR|FATAL|CRITICAL|SEVERE|CRIT|EMERG|ALERT)\]
            "#,
        )
        .ok()
    });
    CERTAIN.as_ref().is_some_and(|certain| certain.is_match(message))
}

/// True for the access-log line of a health check that was answered with a server error.
fn fails_health_check(message: &str) -> bool {
    static CHECKED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)health|/ping\b|/ready|/live").ok());
    static FAILED: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?xi) \bHTTP/[\d.]+"?\s+5\d\d\b | \b(?:GET|HEAD)\s+\S+\s+5\d\d\b
            | \bstatus_?(?:code)?["']?\s*[:=]\s*["']?5\d\d\b"#,
        )
        .ok()
    });
    let matches = |pattern: &LazyLock<Option<Regex>>| pattern.as_ref().is_some_and(|pattern| pattern.is_match(message));
    matches(&FAILED) && matches(&CHECKED)
}

/// True for a line whose own level says that it is no error: the first level among its first words decides.
fn is_calm(message: &str) -> bool {
    static LEVEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?x)
              ^(?:\S+\s+){0,5}?[\[(<"]?(?:(?P<calm>INFO|DEBUG|TRACE|NOTICE|WARN|WARNING)|ERROR|FATAL|CRITICAL|SEVERE)\b
            | ^(?:\S+\s+){0,5}?\[(?P<boxed>info|debug|trace|notice|warn|warning)\]
            | ^(?P<first>(?i:info|debug|trace|notice|warn|warning))\b
            | "?\b(?:level|levelname|severity)"?\s*[:=]\s*"?(?P<field>(?i:info|debug|trace|notice|warn|warning)|[1-4]0)\b
            "#,
        )
        .ok()
    });
    let level = LEVEL.as_ref().and_then(|level| level.captures(message));
    level.is_some_and(|level| ["calm", "boxed", "first", "field"].iter().any(|name| level.name(name).is_some()))
}

/// True where a word for an error stands by itself and is not said to be absent.
fn has_error_word(message: &str) -> bool {
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"(?x)(?:^|[^\w./-])
            ( (?i:errors?|exceptions?|fatal|fail(?:ed|ures?)?|panic(?:ked)?|crash(?:ed)?|unhandled|uncaught|critical|severe)
            | [\w$.]*(?:Error|Exception) )\b",
        )
        .ok()
    });
    WORD.as_ref().is_some_and(|word| {
        word.captures_iter(message).any(|found| {
            found.get(1).is_some_and(|word| {
                let before = message.get(..word.start()).unwrap_or_default();
                let after = message.get(word.end()..).unwrap_or_default();
                !is_denied(before) && !is_part_of_name(after) && !counts_none(after)
            })
        })
    })
}

/// `no error`, `0 errors`, `continue on error`.
fn is_denied(before: &str) -> bool {
    const DENYING: &[&str] = &["no", "0", "zero", "without", "any", "not", "if", "on", "for", "ignore", "ignoring"];
    let mut words = before.split(|c: char| !c.is_alphanumeric()).rev().filter(|word| !word.is_empty());
    words.next().is_some_and(|word| DENYING.iter().any(|denying| word.eq_ignore_ascii_case(denying)))
}

/// `error_log`, `error.html`, `error-handler`, `error log`.
fn is_part_of_name(after: &str) -> bool {
    const NAMES: &[&str] = &[
        "log",
        "logs",
        "logging",
        "page",
        "pages",
        "handler",
        "handlers",
        "handling",
        "reporting",
        "reporter",
        "rate",
        "rates",
        "count",
        "boundary",
        "tracking",
    ];
    let mut characters = after.chars();
    match characters.next() {
        Some('.' | '-' | '_' | '/') => characters.next().is_some_and(char::is_alphanumeric),
        Some(' ') => {
            let word = after.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            NAMES.iter().any(|name| word.eq_ignore_ascii_case(name))
        }
        _ => false,
    }
}

/// `errors: 0`, `"error": null`, `failed=false`.
fn counts_none(after: &str) -> bool {
    let rest = after.trim_start_matches(['"', '\'']).trim_start();
    let Some(value) = rest.strip_prefix([':', '=']) else {
        return false;
    };
    let value = value.trim_start();
    if ["\"\"", "''", "[]", "{}"].iter().any(|none| value.starts_with(none)) {
        return true;
    }
    let value = value.trim_start_matches(['"', '\'']);
    let word = value.split(|c: char| !(c.is_alphanumeric() || c == '.')).next().unwrap_or_default();
    ["0", "none", "null", "nil", "false", "no", "undefined"]
        .iter()
        .any(|none| word.trim_end_matches('.').eq_ignore_ascii_case(none))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Form;

    fn events_of(name: &str, records: &[serde_json::Value]) -> (Vec<Event>, usize) {
        let mut text = String::new();
        let mut spans = Vec::new();
        for record in records {
            let start = text.len();
            text.push_str(&record.to_string());
            spans.push(start..text.len());
        }
        let file = RecordFile { source: "log_events", name: name.into(), form: Form::Json, text, records: spans };
        let mut sink = Sink::new("log_events", name, false);
        read(&file, &mut sink);
        let (events, _, _, gaps) = sink.finish();
        (events, gaps.len())
    }

    fn line(stream: &str, message: &str) -> serde_json::Value {
        serde_json::json!({ "timestamp": 1_763_467_361_123_i64, "logStreamName": stream, "message": message })
    }

    #[test]
    fn errors_are_told() {
        for message in [
            "2026-11-18T12:02:41.123Z 5d6a9c1e Task timed out after 3.00 seconds",
            "RequestId: 5d6a9c1e Process exited before completing request",
            "REPORT RequestId: 5d6a9c1e\tDuration: 180000.00 ms\tMax Memory Used: 1201 MB\tStatus: timeout",
            "{\"time\":\"x\",\"type\":\"platform.report\",\"record\":{\"status\":\"timeout\"}}",
            "RequestId: 5d6a9c1e Error: Runtime exited with error: exit status 1 Runtime.ExitError",
            "[ERROR] Runtime.ImportModuleError: Unable to import module 'app': No module named 'boto4'",
            "Traceback (most recent call last):",
            "java.lang.OutOfMemoryError: Java heap space",
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            "exec /app/start.sh: exec format error",
            "connect ECONNREFUSED 10.0.1.5:5432",
            "dial tcp 10.0.1.5:6379: connect: connection refused",
            "{\"level\":\"error\",\"msg\":\"no route to the database\"}",
            "{\"level\":50,\"msg\":\"no route to the database\"}",
            "time=\"2026-11-18\" level=fatal msg=\"no config\"",
            "2026-11-18 12:02:41 ERROR [main] o.s.boot.SpringApplication - Application run failed",
            "panic: runtime error: index out of range",
            "/bin/sh: 1: gunicorn: command not found",
            "/var/lib/cloud/instance/scripts/part-001: line 5: /opt/aws/bin/cfn-init: No such file or directory",
            "python: can't open file '/app/x.py': [Errno 13] Permission denied",
            "cfn-init: Error occurred during build: Command 01_install failed",
            "[INFO] Response Status: FAILED",
            "Response body: {\"Status\": \"FAILED\", \"Reason\": \"x\"}",
            "10.0.0.7 - - [18/Nov/2026:12:02:41 +0000] \"GET /health HTTP/1.1\" 503 19 \"-\" \"ELB-HealthChecker/2.0\"",
            "{\"url\":\"/healthz\",\"status\":500}",
            "Unhandled promise rejection",
            "TypeError: Cannot read properties of undefined",
            "FATAL:  password authentication failed for user \"shop\"",
            "INFO  retry: connect ETIMEDOUT 10.0.1.5:443",
            "main process exited with code 137",
            "Migration failed, 2 errors",
        ] {
            assert!(tells_error(message), "{message}");
        }
    }

    #[test]
    fn ordinary_lines_tell_nothing() {
        for message in [
            "START RequestId: 5d6a9c1e Version: $LATEST",
            "REPORT RequestId: 5d6a9c1e\tDuration: 18.26 ms\tBilled Duration: 19 ms",
            "Compiled with 0 errors and 3 warnings",
            "error_log configured",
            "error log configured at /var/log/nginx",
            "Job ended with no error",
            "INFO summary: processed=10 errors: 0",
            "INFO  [main] registered the Error handler",
            "[INFO] 2026-11-18T12:02:41.123Z 5d6a9c1e failed over to the reader",
            "2026-11-18T12:02:41.123Z\t5d6a9c1e\tINFO\tan error was mended",
            "{\"level\":\"info\",\"errors\":2}",
            "{\"errors\":[],\"failed\":false,\"error\":null}",
            "GET /error 200",
            "GET /errors.html 304",
            "10.0.0.7 \"GET /health HTTP/1.1\" 200 512 \"-\" \"ELB-HealthChecker/2.0\"",
            "10.0.0.7 \"GET /orders HTTP/1.1\" 503 19",
            "Tests: 12 passed, 0 failed",
            "Checking for errors",
            "WARN deprecated error format",
            "Everything is well",
            "",
        ] {
            assert!(!tells_error(message), "{message}");
        }
        assert!(tells_error("ERROR failed to load the INFO plugin"), "the first level decides");
    }

    #[test]
    fn a_trace_is_one_event_in_each_stream() {
        let (events, gaps) = events_of(
            "log_events/%2Faws%2Flambda%2Fshop",
            &[
                line("a", "Exception in thread \"main\" java.lang.IllegalStateException: no pool"),
                line("b", "ERROR one"),
                line("a", "\tat com.acme.Shop.main(Shop.java:12) Exception"),
                line("a", "Caused by: java.net.ConnectException: Connection refused"),
                line("b", "all is well"),
                line("b", "  ERROR indented, but of no trace\n"),
                line("a", "ERROR another"),
            ],
        );
        let told: Vec<(u32, &str, Option<&str>)> =
            events.iter().map(|event| (event.record.index, event.text(), event.physical_id.as_deref())).collect();
        assert_eq!(
            told,
            [
                (0, "Exception in thread \"main\" java.lang.IllegalStateException: no pool", Some("a")),
                (1, "ERROR one", Some("b")),
                (5, "  ERROR indented, but of no trace", Some("b")),
                (6, "ERROR another", Some("a")),
            ]
        );
        assert_eq!(events.first().and_then(|event| event.group.as_deref()), Some("/aws/lambda/shop"));
        assert_eq!(gaps, 0);
    }

    #[test]
    fn records_are_read_with_what_they_have() {
        let (events, gaps) = events_of(
            "log_events",
            &[
                serde_json::json!({ "timestamp": 1_763_467_361_123_i64, "message": "ERROR x", "eventId": "37",
                    "logGroupName": "/ecs/shop", "logStreamName": "web/1", "ingestionTime": 1 }),
                serde_json::json!({ "timestamp": 1_763_467_361_123_i64, "message": "ERROR y" }),
                serde_json::json!({ "message": "ERROR without a time" }),
                serde_json::json!("no record"),
                serde_json::json!({ "message": "fine" }),
            ],
        );
        assert_eq!(gaps, 2);
        let [first, second] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(crate::model::time::text(first.at), "2025-11-18T12:02:41.123Z");
        assert_eq!((&*first.action, first.outcome, first.text()), ("LOG", Outcome::Failed, "ERROR x"));
        assert_eq!(
            (first.event_id.as_deref(), first.group.as_deref(), first.physical_id.as_deref()),
            (Some("37"), Some("/ecs/shop"), Some("web/1"))
        );
        assert_eq!((&second.event_id, &second.group, &second.physical_id), (&None, &None, &None));
    }
}
