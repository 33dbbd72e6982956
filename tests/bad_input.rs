//! Bad input: each fault is a clear error or a gap that names file, record and reason, and everything else is still used.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::case::{self, CaseError};
use cfn_forensics::model::Capture;
use cfn_forensics::timeline::{self, Timeline};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use tempfile::TempDir;

const STACK: &str = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/0f1e2d3c-0000-4000-8000-000000000001";

fn event(id: &str, time: &str, status: &str) -> String {
    format!(
        r#"{{"StackId":"{STACK}","StackName":"Shop","EventId":"{id}","LogicalResourceId":"{id}","ResourceType":"AWS::SQS::Queue","Timestamp":"{time}","ResourceStatus":"{status}"}}"#
    )
}

fn good() -> String {
    format!(r#"{{"StackEvents":[{}]}}"#, event("Good", "2026-11-18T12:00:00Z", "CREATE_FAILED"))
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn build(capture: &Capture) -> Timeline {
    timeline::build(capture, timeline::Options::default())
}

/// The gaps that are no missing source, as `source window why`.
fn gaps(timeline: &Timeline) -> Vec<String> {
    let told = timeline.gaps.iter().filter(|gap| &*gap.why != "not collected");
    told.map(|gap| format!("{} {} {}", gap.source, gap.window.as_deref().unwrap_or("-"), gap.why)).collect()
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_fault_is_a_gap_and_the_rest_is_used() {
    let truncated = r#"{"Records":[{"eventName":"DeleteStack","eventSource":"cloudformation.amazonaws.com","eventTime":"2026-11-18T12:00:00Z"},{"eventNa"#;
    let cut_gzip = {
        let mut bytes = gzip(format!(r#"{{"Records":[{}]}}"#, [r#"{"eventName":"DeleteStack","eventSource":"s3.amazonaws.com","eventTime":"2026-11-18T12:00:00Z","eventID":"x"}"#; 3].join(",")).as_bytes());
        bytes.truncate(bytes.len() - 12);
        bytes
    };
    let nested = format!(r#"{{"OperationEvents":[{}{}]}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let foreign = r#"{"Events":[{"SourceIdentifier":"db","SourceType":"db-instance","Message":"DB instance created","Date":"2026-11-18T12:00:00Z"}]}"#;
    let huge_line = format!("{}\nCREATE_FAILED\n", "x".repeat(3_000_000));
    for (file, content, expected) in [
        (
            "cloudtrail.json",
            truncated.as_bytes(),
            "cloudtrail cloudtrail.json its JSON ends too early (truncated?) in line 1",
        ),
        ("cloudtrail.json.gz", &cut_gzip, "cloudtrail cloudtrail.json.gz its gzip ends too early or is broken"),
        ("cloudtrail.json.gz", b"{}", "its name ends in .gz but it is not gzip"),
        ("rds_events.json", b"42", "rds_events rds_events.json it is a value without \"Events\""),
        ("rds_events.json", b"{\"Events\": {\"a\": 1}, \"b\"", "its JSON ends too early"),
        (
            "rds_events.json",
            b"{\"Events\":[{\"SourceIdentifier\":\"db\",\"Message\":\"m\"}]}",
            "rds_events rds_events#0 record left out: it has no Date",
        ),
        (
            "rds_events.json",
            b"{\"Events\":[{\"Message\":\"m\",\"Date\":\"soon\"}]}",
            "rds_events#0 record left out: it has no Date that can be read",
        ),
        ("rds_events.json", b"{\"Events\":[17]}", "rds_events#0 record left out: it is not a record of this source"),
        (
            "rds_events.json",
            b"{\"Events\":[{\"SourceIdentifier\":\"db\",\"Message\":\"m\",\"Date\":\"2026-11-18T12:00:00\"}]}",
            "1 time stamps name no time zone and are read as UTC",
        ),
        ("rds_events.json", b"", "rds_events rds_events.json it is empty"),
        ("operation_events.json", nested.as_bytes(), "operation_events#0 record left out"),
        ("ecs_tasks.json", foreign.as_bytes(), "ecs_tasks ecs_tasks.json it holds what belongs into rds_events.json"),
        ("deploy_log.txt", b"fine\nbro\xFFken \0 line\n", "deploy_log deploy_log.txt it is not UTF-8 at byte 8"),
        ("deploy_log.txt", huge_line.as_bytes(), "it has lines of more than 65536 bytes, which are cut"),
        (
            "manifest.json",
            b"{\"format_version\":\"1.0\",\"captured_at\":\"2026-11-18T12:00:00Z\",\"tool_version\":\"0\",\"extra\":1}",
            "manifest.json - it is not as docs/cases.md describes it: unknown field `extra`",
        ),
        ("manifest.json", b"{\"format_version\":", "manifest.json - it is not readable"),
    ] {
        let dir = folder(&[("stack_events.json", good().as_bytes()), (file, content)]);
        let timeline = build(&case::read(dir.path()).unwrap_or_else(|error| panic!("{file}: {error}")));
        let told = gaps(&timeline);
        assert!(told.iter().any(|gap| gap.contains(expected)), "{file}: {told:#?}\n lacks {expected}");
        assert!(
            timeline.events.iter().any(|event| event.logical_id.as_deref() == Some("Good")),
            "{file}: the good event is lost"
        );
    }
}

#[test]
fn records_before_the_damage_are_kept() {
    let events: Vec<String> =
        (0..3).map(|i| event(&format!("R{i}"), "2026-11-18T12:00:00Z", "CREATE_COMPLETE")).collect();
    let cut = format!(r#"{{"StackEvents":[{},{{"StackId":"#, events.join(","));
    let dir = folder(&[("stack_events.json", cut.as_bytes())]);
    assert_eq!(build(&case::read(dir.path()).unwrap()).events.len(), 3);
}

#[test]
fn many_bad_records_are_one_fault() {
    let records = vec![r#"{"SourceIdentifier":"db","Message":"m"}"#; 1000].join(",");
    let dir = folder(&[
        ("stack_events.json", good().as_bytes()),
        ("rds_events.json", format!(r#"{{"Events":[{records}]}}"#).as_bytes()),
    ]);
    let told = gaps(&build(&case::read(dir.path()).unwrap()));
    assert_eq!(told.len(), 6, "{told:#?}");
    assert!(told.iter().any(|gap| gap.contains("995 more records are wrong in ways like these")), "{told:#?}");
}

#[test]
fn forms_of_time_and_text_do_not_matter() {
    let utf16: Vec<u8> = format!("\u{feff}{}", good()).encode_utf16().flat_map(u16::to_le_bytes).collect();
    let crlf = good().replace(',', ",\r\n");
    let epoch = good().replace("\"2026-11-18T12:00:00Z\"", "1795003200.0");
    let offset = good().replace("2026-11-18T12:00:00Z", "2026-11-18T14:00:00+02:00");
    let unknown = good().replace("\"StackId\"", "\"Brand\":{\"new\":[1]},\"StackId\"");
    for content in [
        utf16,
        format!("\u{feff}{}", good()).into_bytes(),
        crlf.into_bytes(),
        epoch.into_bytes(),
        offset.into_bytes(),
        unknown.into_bytes(),
    ] {
        let dir = folder(&[("stack_events.json", &content)]);
        let timeline = build(&case::read(dir.path()).unwrap());
        assert_eq!(gaps(&timeline), Vec::<String>::new());
        let times: Vec<String> =
            timeline.events.iter().map(|event| cfn_forensics::model::time::text(event.at)).collect();
        assert_eq!(times, ["2026-11-18T12:00:00.000Z"]);
    }
}

#[test]
fn the_same_event_from_two_pages_is_one() {
    let page = good();
    let dir = folder(&[("stack_events/page1.json", page.as_bytes()), ("stack_events/page2.json", page.as_bytes())]);
    let timeline = build(&case::read(dir.path()).unwrap());
    assert_eq!(timeline.events.len(), 1);
    assert_eq!(timeline.events[0].record.to_string(), "stack_events/page1#0");
}

#[test]
fn what_is_no_case_is_an_error_that_says_what_to_do() {
    let empty = folder(&[]);
    let foreign = folder(&[("notes.md", b"hello"), ("case.toml", b"")]);
    let broken = folder(&[("stack_events.json", b"not json")]);
    let two = folder(&[("cloudtrail.json", b"{\"Records\":["), ("rds_events.json", b"{\"Events\":{\"a\":1}}")]);
    let template = folder(&[("templates/a.yaml.gz", b"\x1F\x8Bbroken")]);
    let newer = folder(&[("stack_events.json", good().as_bytes()), ("manifest.json", b"{\"format_version\":\"2.0\"}")]);
    let file = folder(&[("case.txt", b"no zip")]);
    for (path, expected) in [
        (empty.path().to_owned(), "it is empty; a case holds files such as cloudtrail.json"),
        (foreign.path().to_owned(), "it holds only case.toml, notes.md"),
        (
            broken.path().to_owned(),
            "none of its files has a record that can be read (stack_events.json: its JSON is broken in line 1",
        ),
        (two.path().to_owned(), "(cloudtrail.json: its JSON ends too early"),
        (two.path().to_owned(), "; rds_events.json: it has an object under \"Events\" where a list belongs)"),
        (template.path().to_owned(), "(templates/a.yaml.gz: its gzip ends too early or is broken"),
        (newer.path().to_owned(), "its format version is 2.0"),
        (file.path().join("case.txt"), "it is neither a folder nor a zip file"),
        (empty.path().join("gone"), "open the case"),
    ] {
        let error = case::read(&path).map(|_| ()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_empty_list_is_an_answer() {
    let denied = br#"{"format_version":"1.0","captured_at":"2026-11-18T13:00:00Z","tool_version":"0","gaps":[{"source":"cloudtrail","why":"access denied"}]}"#;
    for manifest in [None, Some(denied.as_slice()), Some(b"not json".as_slice())] {
        let mut files = vec![("stack_events.json", b"{\"StackEvents\":[]}".as_slice())];
        files.extend(manifest.map(|manifest| ("manifest.json", manifest)));
        let dir = folder(&files);
        let capture = case::read(dir.path()).unwrap_or_else(|error| panic!("{error}"));
        assert!(build(&capture).events.is_empty());
    }
}

#[test]
fn a_newer_minor_version_is_read() {
    let manifest =
        br#"{"format_version":"1.7","captured_at":"2026-11-18T13:00:00Z","tool_version":"9","novelty":true}"#;
    let dir = folder(&[("stack_events.json", good().as_bytes()), ("manifest.json", manifest)]);
    let capture = case::read(dir.path()).unwrap();
    assert!(capture.manifest.is_some());
    assert_eq!(gaps(&build(&capture)), Vec::<String>::new());
}

fn zip_of(entries: &[(&str, Vec<u8>)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = zip::ZipWriter::new(fs::File::create(dir.path().join("case.zip")).unwrap());
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
    dir
}

#[test]
fn a_zip_that_could_harm_is_not_opened() {
    for (name, content, expected) in [
        ("../stack_events.json", good().into_bytes(), "leads out of the folder"),
        ("/etc/stack_events.json", good().into_bytes(), "leads out of the folder"),
        ("stack_events.json", vec![b' '; 80 << 20], "inflates from"),
    ] {
        let dir = zip_of(&[(name, content)]);
        let path = dir.path().join("case.zip");
        let error = case::read(&path).map(|_| ()).expect_err(expected);
        assert!(matches!(error, CaseError::Unsafe { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(case::unpack(&path, &dir.path().join("out")).is_err());
        assert!(!dir.path().join("stack_events.json").exists());
    }
}

#[test]
fn a_gzip_bomb_is_a_gap() {
    let bomb = gzip(&vec![b' '; 80 << 20]);
    let dir = folder(&[("stack_events.json", good().as_bytes()), ("cloudtrail.json.gz", &bomb)]);
    let timeline = build(&case::read(dir.path()).unwrap());
    assert!(gaps(&timeline).iter().any(|gap| gap.contains("which no evidence does")), "{:?}", gaps(&timeline));
    assert_eq!(timeline.events.len(), 1);
}

#[test]
fn a_folder_and_its_zip_are_the_same_case() {
    for fixture in ["fixtures/showboat", "fixtures/cli-shuffled-duplicates"] {
        let dir = tempfile::tempdir().unwrap();
        let (zip, again) = (dir.path().join("case.zip"), dir.path().join("again"));
        case::pack(Path::new(fixture), &zip).unwrap();
        case::unpack(&zip, &again).unwrap();
        let told = |path: &Path| {
            let timeline = build(&case::read(path).unwrap());
            timeline
                .events
                .iter()
                .map(|event| format!("{} {} {}", event.at, event.record, event.text()))
                .collect::<Vec<_>>()
        };
        let original = told(Path::new(fixture));
        assert!(!original.is_empty());
        assert_eq!(original, told(&zip));
        assert_eq!(original, told(&again));
        assert!(case::pack(Path::new(fixture), &zip).is_err(), "an existing file must not be overwritten");
        assert!(case::unpack(&zip, &again).is_err(), "a folder that is not empty must not be written into");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&zip).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_zip_of_the_folder_itself_is_read_too() {
    let dir = zip_of(&[("my-case/stack_events.json", good().into_bytes())]);
    assert_eq!(case::read(&dir.path().join("case.zip")).unwrap().files.len(), 1);
}

#[test]
fn hashes_that_do_not_fit_are_told() {
    let hash = "0".repeat(64);
    let manifest = format!(
        r#"{{"format_version":"1.0","captured_at":"2026-11-18T13:00:00Z","tool_version":"0","files":{{"stack_events.json":"{hash}","gone.json":"{hash}"}}}}"#
    );
    let dir = folder(&[
        ("stack_events.json", good().as_bytes()),
        ("manifest.json", manifest.as_bytes()),
        ("rds_events.json", b"{\"Events\":[]}"),
    ]);
    let (capture, files) = case::verify(dir.path()).unwrap();
    let state = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.hash).unwrap();
    assert_eq!(state("stack_events.json"), case::HashCheck::Differs);
    assert_eq!(state("gone.json"), case::HashCheck::Missing);
    assert_eq!(state("rds_events.json"), case::HashCheck::Unlisted);
    let told = gaps(&build(&capture));
    for expected in ["was changed after the capture", "the file is missing", "was added after the capture"] {
        assert!(told.iter().any(|gap| gap.contains(expected)), "{told:#?}");
    }
}
