//! Writing a case: what was written reads back as what was captured, nothing is overwritten, and nothing half is left.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use cfn_forensics::case::{self, CaseError, HashCheck};
use cfn_forensics::model::{Asked, Capture, Form, Gap, Manifest, RecordFile, Scope};
use cfn_forensics::{sources, timeline};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const EVENT: &str = r#"{"StackId":"arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/1","StackName":"Shop","EventId":"1","LogicalResourceId":"Queue","ResourceType":"AWS::SQS::Queue","Timestamp":"2026-11-18T12:00:00Z","ResourceStatus":"CREATE_FAILED"}"#;

/// A capture of one stack event.
fn small() -> Capture {
    let mut file = RecordFile::list("stack_events", None, "StackEvents");
    file.push(EVENT);
    let mut capture = Capture { files: vec![file], ..Capture::default() };
    case::complete(&mut capture);
    capture
}

/// Every record with its reference, in order.
fn records(capture: &Capture) -> Vec<String> {
    let files = capture.files.iter();
    files.flat_map(|file| file.iter().map(|(reference, record)| format!("{reference} {record}"))).collect()
}

fn events(capture: &Capture) -> Vec<String> {
    let timeline = timeline::build(capture, timeline::Options::default());
    timeline.events.iter().map(|event| format!("{event:?}")).collect()
}

/// The paths in a folder, hidden ones too.
fn paths(folder: &Path) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            paths.extend(self::paths(&path).into_iter().map(|inner| format!("{name}/{inner}")));
        }
        paths.insert(name);
    }
    paths
}

/// Writes the capture as a folder and as a zip, and holds what reads back from each against it.
fn round_trip(capture: &Capture) {
    let dir = tempfile::tempdir().unwrap();
    for target in ["case", "case.zip"].map(|name| dir.path().join(name)) {
        case::write(capture, &target).unwrap();
        let (again, files) = case::verify(&target).unwrap();
        assert_eq!(records(&again), records(capture));
        assert_eq!(again.gaps, capture.gaps);
        let forms = |capture: &Capture| capture.files.iter().map(|file| (file.source, file.form)).collect::<Vec<_>>();
        assert_eq!(forms(&again), forms(capture));
        for file in files.iter().filter(|file| file.path != "manifest.json") {
            assert_eq!(file.hash, HashCheck::Fits, "{}", file.path);
        }
        assert_eq!(files.len(), capture.files.len() + 1);
        assert_eq!(events(&again), events(capture));
    }
    let names: BTreeSet<String> = paths(dir.path()).into_iter().filter(|path| !path.contains('/')).collect();
    assert_eq!(names, BTreeSet::from(["case".to_owned(), "case.zip".to_owned()]), "something is left behind");
}

#[test]
fn every_fixture_comes_back_as_it_was() {
    let mut told = 0;
    for entry in fs::read_dir("fixtures").unwrap() {
        let capture = case::read(&entry.unwrap().path()).unwrap();
        told += events(&capture).len();
        round_trip(&capture);
    }
    assert!(told > 100);
}

#[test]
fn faults_are_told_once_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let hand = dir.path().join("hand");
    fs::create_dir_all(hand.join("templates")).unwrap();
    for (path, content) in [
        ("stack_events.json", format!("{{\"StackEvents\":[{EVENT},{{\"StackId\":").as_bytes()),
        ("rds_events.json", b"{\"Events\":[]}"),
        // Two that differ in their ending only.
        ("cloudtrail.json", b"{\"Records\":[]}"),
        ("cloudtrail.jsonl", br#"{"eventName":"a","eventSource":"b"}"#),
        ("deploy_log.log", b"\xFF one\r\n\r\ntwo"),
        ("templates/plain.yaml", b"Resources: {}\n"),
        ("templates/empty.yaml", b""),
    ] {
        fs::write(hand.join(path), content).unwrap();
    }
    let capture = case::read(&hand).unwrap();
    let faults = capture.gaps.iter().filter(|gap| !gap.is_whole_source()).count();
    assert_eq!(faults, 2, "{:#?}", capture.gaps);
    // What was a fault of the bytes is no more in what is written, so that only the manifest tells it.
    round_trip(&capture);
}

#[test]
fn a_compressed_template_keeps_its_name() {
    let mut capture = small();
    let mut template = RecordFile::whole("templates", "Shop.yaml.gz", "Resources: {}\n");
    capture.files.push(template.clone());
    template = RecordFile::whole("templates", "Shop.yaml", "");
    capture.files.push(template);
    capture.gaps.clear();
    case::complete(&mut capture);
    round_trip(&capture);
}

#[test]
fn the_manifest_says_how_it_was_collected() {
    let manifest = Manifest {
        scope: Scope { stack: Some("Shop".to_owned()), account: Some("111122223333".to_owned()), region: None },
        captured_at: "2026-11-18T13:00:00Z".to_owned(),
        partial: true,
        caller: Some("arn:aws:iam::111122223333:user/auditor".to_owned()),
        calls: [("cloudtrail:LookupEvents".to_owned(), 41), ("sts:GetCallerIdentity".to_owned(), 1)].into(),
        asked: vec![Asked {
            at: "2026-11-18T12:59:58Z".to_owned(),
            question: "who deleted the stack, in CloudTrail of us-east-1".to_owned(),
            records: 50,
            outcome: "partial".to_owned(),
        }],
        ..Manifest::default()
    };
    let mut capture = Capture { manifest: Some(manifest.clone()), ..small() };
    let gap = Gap::new("cloudtrail", "the collection was interrupted").at("us-east-1").remedy("collect again");
    capture.gaps = vec![gap.clone()];
    case::complete(&mut capture);
    round_trip(&capture);

    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("case");
    case::write(&capture, &target).unwrap();
    let again = case::read(&target).unwrap().manifest.unwrap();
    assert_eq!(again.gaps, [gap], "what nobody collected is not written down");
    assert_eq!(again.files.keys().collect::<Vec<_>>(), ["stack_events.json"]);
    assert_eq!(again.format_version, case::FORMAT_VERSION);
    let (format_version, tool_version) = (again.format_version.clone(), again.tool_version.clone());
    let expected =
        Manifest { format_version, tool_version, gaps: again.gaps.clone(), files: again.files.clone(), ..manifest };
    assert_eq!(again, expected);

    // Another version's additions do not hide ours.
    let path = target.join("manifest.json");
    let newer = fs::read_to_string(&path).unwrap().replacen("\"1.0\"", "\"1.9\",\"novelty\":[1]", 1);
    fs::write(path, newer).unwrap();
    let read = case::read(&target).unwrap().manifest.unwrap();
    assert_eq!(Manifest { format_version: again.format_version.clone(), ..read }, again);
}

#[test]
fn what_a_manifest_need_not_say_it_does_not_say() {
    let dir = tempfile::tempdir().unwrap();
    case::write(&small(), &dir.path().join("case")).unwrap();
    let text = fs::read_to_string(dir.path().join("case/manifest.json")).unwrap();
    for key in ["partial", "caller", "calls", "asked"] {
        assert!(!text.contains(&format!("\"{key}\"")), "{text}");
    }
    assert_eq!(
        fs::read_to_string(dir.path().join("case/stack_events.json")).unwrap(),
        format!("{{\"StackEvents\": [\n{EVENT}\n]}}")
    );
}

#[test]
fn the_same_capture_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let capture = case::read(Path::new("fixtures/ecs-circuit-breaker")).unwrap();
    let [one, other] = ["1.zip", "2.ZIP"].map(|name| {
        case::write(&capture, &dir.path().join(name)).unwrap();
        fs::read(dir.path().join(name)).unwrap()
    });
    assert!(one == other);
}

#[test]
fn nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/precious"), "kept").unwrap();
    fs::create_dir(at("folder.zip")).unwrap();
    fs::write(at("old.zip"), "kept").unwrap();
    fs::write(at("file"), "kept").unwrap();
    let before = paths(dir.path());
    for (name, expected) in [
        ("full", "the folder is not empty; name a new one"),
        ("folder.zip", "it is a folder; name a new zip file"),
        ("old.zip", "it exists already; name a new one"),
        ("file", "it exists already; name a new one"),
        ("gone/case", "does not exist; make it"),
        ("file/case", "file/case"),
        ("full/..", "name a new one"),
    ] {
        for result in [case::check_target(&at(name)), case::write(&small(), &at(name))] {
            let error = result.expect_err(name);
            assert!(matches!(error, CaseError::Write { .. }), "{error}");
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
    }
    assert_eq!(paths(dir.path()), before);
    for path in ["full/precious", "old.zip", "file"] {
        assert_eq!(fs::read_to_string(at(path)).unwrap(), "kept");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    for name in ["link", "link.zip"] {
        std::os::unix::fs::symlink("real", dir.path().join(name)).unwrap();
        let error = case::write(&small(), &dir.path().join(name)).unwrap_err().to_string();
        assert!(error.contains("it exists already"), "{error}");
    }
    assert!(paths(&dir.path().join("real")).is_empty());
}

#[test]
fn a_check_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    for name in ["empty", "new", "new.zip"] {
        case::check_target(&dir.path().join(name)).unwrap();
    }
    assert_eq!(paths(dir.path()), BTreeSet::from(["empty".to_owned()]));
    case::write(&small(), &dir.path().join("empty")).unwrap();
    assert_eq!(records(&case::read(&dir.path().join("empty")).unwrap()), records(&small()));
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let text = || "Resources: {}".to_owned();
    let whole = |name: &str| RecordFile {
        source: "templates",
        name: name.into(),
        form: Form::Json,
        text: text(),
        records: std::iter::once(0..text().len()).collect(),
    };
    let of = |files: &[RecordFile]| Capture { files: files.to_vec(), ..Capture::default() };
    let events = RecordFile::list("stack_events", None, "StackEvents");
    for (target, capture, expected) in [
        // A file cannot be a folder too: this is found only while writing.
        ("case", of(&[whole("templates/a"), whole("templates/a/b")]), "case: "),
        ("case.zip", of(&[events.clone(), events.clone()]), "its file \"stack_events\" cannot have that name"),
        ("case", of(&[]), "nothing was collected"),
        ("case", of(&[whole("templates/../../escaped")]), "cannot have that name"),
        ("case", of(&[whole("/etc/escaped")]), "cannot have that name"),
        ("case", of(&[whole("templates/.hidden")]), "cannot have that name"),
        ("case", of(&[whole("templates/a:b")]), "cannot have that name"),
        ("case", of(&[whole("templates")]), "cannot have that name"),
        ("case", of(&[whole("manifest.json")]), "cannot have that name"),
        ("case.zip", of(&[RecordFile { source: "stacks", ..events.clone() }]), "cannot have that name"),
        ("case", of(&[RecordFile { source: "novelty", ..events.clone() }]), "cannot have that name"),
    ] {
        let error = case::write(&capture, &dir.path().join(target)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(paths(dir.path()), BTreeSet::new(), "{error}");
    }
}

#[test]
fn an_unfinished_folder_of_a_killed_run_is_not_in_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join(format!(".case.partial-{}-0", std::process::id()));
    fs::create_dir(&left).unwrap();
    fs::write(left.join("stack_events.json"), "half").unwrap();
    case::write(&small(), &dir.path().join("case")).unwrap();
    assert_eq!(fs::read_to_string(left.join("stack_events.json")).unwrap(), "half");
    assert_eq!(paths(&dir.path().join("case")).len(), 2);
}

#[test]
fn hostile_names_stay_in_the_case_and_come_back() {
    let long = "/aws/lambda/".repeat(42);
    let mut capture = small();
    for name in ["../../escaped", "/etc/passwd", "..", "", ".hidden", "C:\\x", "a\0b", "x.json", "x.gz", "é /", &long]
    {
        let mut events = RecordFile::list("log_events", Some(name), "events");
        events.push(r#"{"timestamp":1795003200000,"message":"ERROR: it broke"}"#);
        capture.files.push(events);
        capture.files.push(RecordFile::whole("templates", name, "Resources: {}\n"));
    }
    capture.gaps.clear();
    case::complete(&mut capture);
    round_trip(&capture);
    let told = timeline::build(&capture, timeline::Options::default());
    let groups: BTreeSet<&str> = told.events.iter().filter_map(|event| event.group.as_deref()).collect();
    assert!(groups.contains("../../escaped") && groups.contains("a\0b"), "{groups:?}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let mode = |path: &str| fs::metadata(dir.path().join(path)).unwrap().permissions().mode() & 0o777;
    fs::create_dir(dir.path().join("empty")).unwrap();
    let mut capture = small();
    capture.files.push(RecordFile::whole("templates", "Shop.yaml", ""));
    for target in ["new", "empty", "case.zip"] {
        case::write(&capture, &dir.path().join(target)).unwrap();
    }
    for folder in ["new", "empty", "new/templates"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["case.zip", "new/manifest.json", "new/stack_events.json", "empty/templates/Shop.yaml"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever AWS returns under a list comes back as the same text by the same reference, in any source, under any name.
    #[test]
    fn pushed_records_are_read_back(
        records in prop::collection::vec((json(), any::<bool>()), 0..8),
        lines in prop::collection::vec("[^\r\n\0\u{feff}]{0,20}", 0..8),
        part in prop::option::of(any::<String>()),
        source in prop::sample::select(sources::ALL.iter().filter(|source| !source.lists.is_empty()).collect::<Vec<_>>()),
    ) {
        let list = source.lists.first().unwrap();
        let mut file = RecordFile::list(source.stem, part.as_deref(), list);
        let mut expected = Vec::new();
        for (record, pretty) in &records {
            let text = if *pretty { serde_json::to_string_pretty(record).unwrap() } else { record.to_string() };
            file.push(&format!(" {text}\n"));
            expected.push(format!("{}#{} {text}", file.name, expected.len()));
        }
        let whole: serde_json::Value = serde_json::from_str(&file.text).unwrap();
        prop_assert_eq!(whole[list].as_array().unwrap().len(), records.len());
        let mut log = RecordFile::lines("deploy_log", None);
        for (at, line) in lines.iter().enumerate() {
            log.push(&format!("{line}\n"));
            expected.push(format!("deploy_log#{at} {line}"));
        }
        let mut capture = Capture { files: vec![file, log], ..Capture::default() };
        case::complete(&mut capture);
        prop_assert_eq!(self::records(&capture), expected);
        round_trip(&capture);
    }
}
