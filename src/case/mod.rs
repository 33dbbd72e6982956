//! A case: a capture on disk, as a folder or as one zip file. Reading, verifying, writing, packing.
//! What cannot be read becomes a gap and everything else is still used; only where nothing can be read is it an error.
//! The format is described in `docs/cases.md`; the verbs read through here, live collection writes through here.

mod container;
mod records;
mod text;
mod write;

use crate::model::time;
use crate::model::{Capture, Form, Gap, Manifest, RecordFile, Text};
use crate::sources::{self, Layout, Source};
use container::Container;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub use container::{pack, unpack};
pub use write::{check_target, write};

/// The version of the format that this version writes; it reads every version with the same major number.
pub const FORMAT_VERSION: &str = "1.1";
const MANIFEST: &str = "manifest.json";
/// The keys of a manifest of our version; a newer minor one may have more.
const KNOWN_KEYS: &[&str] = &[
    "format_version",
    "scope",
    "captured_at",
    "tool_version",
    "partial",
    "caller",
    "calls",
    "asked",
    "redacted",
    "gaps",
    "files",
];

/// Why nothing of a case could be read or written. Each message names the thing and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The path leads nowhere, or cannot be opened.
    #[error("open the case {path}: {source}")]
    Open {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no zip.
    #[error("read {path} as a case: it is neither a folder nor a zip file ({why})")]
    NotACase {
        /// The path as it was given.
        path: PathBuf,
        /// What the zip reader said.
        why: String,
    },
    /// There is nothing in it, or nothing that we know.
    #[error("find evidence in {path}: {found}; a case holds files such as {}", expected_names())]
    Nothing {
        /// The path as it was given.
        path: PathBuf,
        /// What there is instead.
        found: String,
    },
    /// The manifest's major version is newer than ours.
    #[error(
        "read {path}: its format version is {version}, this cfn-forensics reads {FORMAT_VERSION}; install a newer one"
    )]
    TooNew {
        /// The path as it was given.
        path: PathBuf,
        /// The version that the manifest names.
        version: String,
    },
    /// A zip that could harm whoever unpacks it.
    #[error("use {path}: {why}; it is not opened further")]
    Unsafe {
        /// The zip file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something could not be written.
    #[error("write {path}: {source}")]
    Write {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn expected_names() -> String {
    let names: Vec<String> = sources::ALL.iter().take(3).map(|source| format!("{}.json", source.stem)).collect();
    format!("{} or deploy_log.txt (docs/cases.md names them all)", names.join(", "))
}

/// Reads a case from a folder or a zip file.
///
/// # Errors
/// Only where nothing of it can be read; all else that is wrong is a gap of the capture.
pub fn read(path: &Path) -> Result<Capture, CaseError> {
    read_all(path, false).map(|(capture, _)| capture)
}

/// What `case verify` and `case list` say of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCheck {
    /// The file's path in the case, with `/`.
    pub path: String,
    /// The stem of its source; none for the manifest and for files that are no evidence.
    pub source: Option<&'static str>,
    /// How many records it holds.
    pub records: usize,
    /// What the manifest says of its bytes.
    pub hash: HashCheck,
    /// SHA-256 of its bytes in lower-case hexadecimal; none of a file that is missing or cannot be read.
    pub sha256: Option<String>,
}

/// Whether a file is the one that was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashCheck {
    /// Its hash is the manifest's.
    Fits,
    /// It was changed after the capture.
    Differs,
    /// The manifest names a file that is not there.
    Missing,
    /// There is no manifest, or the manifest does not name it.
    Unlisted,
}

/// Reads a case and tells of each of its files what it is, in the order of their paths.
///
/// # Errors
/// As [`read`].
pub fn verify(path: &Path) -> Result<(Capture, Vec<FileCheck>), CaseError> {
    read_all(path, true)
}

/// What identifies a case's evidence: the SHA-256 over a line `HEX  PATH` for each of its files of evidence, in the order
/// of the paths; in lower-case hexadecimal. It is what `sha256sum FILES | sha256sum` prints, so that anybody can redo it.
pub fn fingerprint(files: &[FileCheck]) -> String {
    let mut lines = String::new();
    for file in files.iter().filter(|file| file.source.is_some()) {
        // Writing into a string cannot fail.
        let _ = writeln!(lines, "{}  {}", file.sha256.as_deref().unwrap_or_default(), file.path);
    }
    sha256(lines.as_bytes())
}

/// An error says why of so many files.
const MOST_REASONS: usize = 3;

/// `hashed`: hash every file, also where no manifest tells what its hash should be.
fn read_all(path: &Path, hashed: bool) -> Result<(Capture, Vec<FileCheck>), CaseError> {
    let mut container = Container::open(path)?;
    let paths = container.paths();
    let mut capture = Capture::default();
    capture.manifest = read_manifest(path, &mut container, &mut capture.gaps)?;
    let listed = capture.manifest.as_ref().map(|manifest| manifest.files.clone()).unwrap_or_default();

    let mut checks = Vec::new();
    let mut unreadable = Vec::new();
    for place in places(&paths) {
        let is_listed = !listed.is_empty();
        let mut loaded = container.load(&place.path, hashed || is_listed)?;
        let sha256 = loaded.sha256.take();
        let hash = check_hash(&place.path, sha256.as_deref(), &listed);
        match hash {
            HashCheck::Differs => {
                let gap =
                    Gap::new(place.stem(), "the file was changed after the capture: its SHA-256 is not the manifest's");
                capture.gaps.push(gap.at(place.path.clone()));
            }
            HashCheck::Unlisted if is_listed && place.path != MANIFEST && place.source.is_some() => {
                let gap = Gap::new(place.stem(), "the file was added after the capture: the manifest does not name it");
                capture.gaps.push(gap.at(place.path.clone()));
            }
            _ => {}
        }
        let mut check = FileCheck { path: place.path.clone(), source: None, records: 0, hash, sha256 };
        if let Some(source) = place.source {
            let (file, fault) = record_file(source, &place, loaded, &mut capture.gaps);
            unreadable.extend(fault.map(|fault| format!("{}: {fault}", place.path)));
            check.source = Some(source.stem);
            check.records = file.records.len();
            capture.files.push(file);
        }
        checks.push(check);
    }
    let there: BTreeSet<&String> = paths.iter().collect();
    for path in listed.keys().filter(|path| !there.contains(path)) {
        let stem = place_of(path).map_or_else(|| path.clone(), |(source, _)| source.stem.to_owned());
        capture.gaps.push(Gap::new(stem, "the file is missing: the manifest names it").at(path.clone()));
        checks.push(FileCheck { path: path.clone(), source: None, records: 0, hash: HashCheck::Missing, sha256: None });
    }
    if capture.files.is_empty() {
        return Err(CaseError::Nothing { path: path.to_owned(), found: found_instead(&paths) });
    }
    // A list without records is an answer, a file that cannot be read is none.
    if capture.files.iter().all(|file| file.records.is_empty()) && !unreadable.is_empty() {
        let more = unreadable.len().saturating_sub(MOST_REASONS);
        unreadable.truncate(MOST_REASONS);
        if more > 0 {
            unreadable.push(format!("and {more} more"));
        }
        return Err(CaseError::Nothing {
            path: path.to_owned(),
            found: format!("none of its files has a record that can be read ({})", unreadable.join("; ")),
        });
    }
    checks.sort_by(|a, b| a.path.cmp(&b.path));
    complete(&mut capture);
    Ok((capture, checks))
}

/// Brings a capture into the form that every reader of captures expects: files in the order of the sources' table, each
/// gap once, and a gap for each source that nobody collected, so that "absent" is not concluded from it.
///
/// Reading a case ends with it. Whoever collects calls it before the capture is used, so that what is said of it is
/// what will be said of the case that is written from it.
pub fn complete(capture: &mut Capture) {
    capture.files.sort_by(|a, b| (sources::rank(a.source), &a.name).cmp(&(sources::rank(b.source), &b.name)));
    // The manifest may tell already what reading finds again.
    let mut told = BTreeSet::new();
    capture.gaps.retain(|gap| told.insert(gap.clone()));
    for source in sources::ALL {
        let there = capture.files.iter().any(|file| file.source == source.stem);
        let said = capture.gaps.iter().any(|gap| &*gap.source == source.stem);
        if !there && !said {
            capture.gaps.push(not_collected(source));
        }
    }
}

fn not_collected(source: &Source) -> Gap {
    Gap::new(source.stem, Gap::NOT_COLLECTED).remedy(source.command)
}

fn found_instead(paths: &[String]) -> String {
    if paths.is_empty() {
        return "it is empty".to_owned();
    }
    let mut found = String::from("it holds only");
    for (i, path) in paths.iter().take(5).enumerate() {
        let _ = write!(found, "{} {path}", if i == 0 { "" } else { "," });
    }
    if paths.len() > 5 {
        let _ = write!(found, " and {} more", paths.len() - 5);
    }
    found
}

/// A file of the container and what we take it for.
struct Place {
    path: String,
    source: Option<&'static Source>,
    /// The first half of the references into it; unique among those of sources.
    name: String,
}

impl Place {
    fn stem(&self) -> &str {
        self.source.map_or(&*self.path, |source| source.stem)
    }
}

fn places(paths: &[String]) -> impl Iterator<Item = Place> {
    let mut names = BTreeSet::new();
    paths.iter().map(move |path| match place_of(path) {
        Some((source, name)) => {
            // Two files that differ only in their ending must not share their references.
            let name = if names.insert(name.clone()) { name } else { path.clone() };
            Place { path: path.clone(), source: Some(source), name }
        }
        None => Place { path: path.clone(), source: None, name: path.clone() },
    })
}

/// The source that a path belongs to, and the name of its references; `None` where the path is not one of ours.
fn place_of(path: &str) -> Option<(&'static Source, String)> {
    let (top, rest) = path.split_once('/').map_or((path, None), |(top, rest)| (top, Some(rest)));
    match rest {
        Some(_) => {
            let source = sources::by_stem(top)?;
            let name = if source.layout == Layout::Whole { path } else { without_ending(path, source.layout)? };
            Some((source, name.to_owned()))
        }
        None => {
            let stem = top.split('.').next()?;
            let source = sources::by_stem(stem).filter(|source| source.layout != Layout::Whole)?;
            (without_ending(top, source.layout)? == stem).then(|| (source, stem.to_owned()))
        }
    }
}

/// The path without the endings of its layout; `None` where it ends in something else.
fn without_ending(path: &str, layout: Layout) -> Option<&str> {
    let plain = path.strip_suffix(".gz").unwrap_or(path);
    let endings: &[&str] = match layout {
        Layout::Json => &[".json", ".jsonl", ".ndjson"],
        Layout::Lines => &[".txt", ".log"],
        Layout::Whole => &[""],
    };
    endings.iter().find_map(|ending| plain.strip_suffix(ending))
}

/// The records of a file, and the first that is wrong with it where it has none.
fn record_file(
    source: &'static Source,
    place: &Place,
    loaded: container::Loaded,
    gaps: &mut Vec<Gap>,
) -> (RecordFile, Option<String>) {
    let mut faults = loaded.faults;
    let (text, text_faults) = text::clean(loaded.bytes, source.layout);
    faults.extend(text_faults);
    let mut remedy = None;
    let records = match source.layout {
        Layout::Lines => records::lines(&text),
        Layout::Whole if text.is_empty() && !faults.is_empty() => Vec::new(),
        Layout::Whole => std::iter::once(0..text.len()).collect(),
        Layout::Json => {
            let found = records::json(&text, source);
            if let Some(other) = found.foreign {
                faults.push(format!("it holds what belongs into {other}.json"));
                remedy = Some(format!("rename {} to {other}.json", place.path));
            }
            faults.extend(found.faults);
            found.spans
        }
    };
    let unreadable = faults.first().filter(|_| records.is_empty()).cloned();
    for fault in faults {
        let used = if records.is_empty() {
            "nothing of it is used".to_owned()
        } else {
            format!("{} of its records are used", records.len())
        };
        let mut gap = Gap::new(source.stem, format!("{fault}; {used}")).at(place.path.clone());
        gap.remedy = remedy.clone().map(Text::from);
        gaps.push(gap);
    }
    let form = if source.layout == Layout::Lines { Form::Lines } else { Form::Json };
    (RecordFile { source: source.stem, name: Text::from(place.name.as_str()), form, text, records }, unreadable)
}

fn check_hash(path: &str, sha256: Option<&str>, listed: &BTreeMap<String, String>) -> HashCheck {
    match (listed.get(path), sha256) {
        (Some(expected), Some(actual)) if expected.eq_ignore_ascii_case(actual) => HashCheck::Fits,
        (Some(_), _) => HashCheck::Differs,
        (None, _) => HashCheck::Unlisted,
    }
}

/// The manifest, if the case has one that can be read. A newer major version is refused: it may mean other things
/// by the same words. Within our version an unknown key is a mistake, and said; in a newer minor one it is normal.
fn read_manifest(path: &Path, container: &mut Container, gaps: &mut Vec<Gap>) -> Result<Option<Manifest>, CaseError> {
    if !container.paths().iter().any(|path| path == MANIFEST) {
        return Ok(None);
    }
    let bytes = container.load(MANIFEST, false)?.bytes;
    let (json, _) = text::clean(bytes, Layout::Json);
    let unreadable = |why: String| Gap::new(MANIFEST, format!("{why}; the case is read as one without a manifest"));
    let mut value: serde_json::Value = match serde_json::from_str(&json) {
        Ok(value) => value,
        Err(error) => {
            gaps.push(unreadable(format!("it is not readable: {error}")));
            return Ok(None);
        }
    };
    let version = value.get("format_version").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let number = |version: &str| -> Option<(u32, u32)> {
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    let (Some((major, minor)), Some((our_major, our_minor))) = (number(&version), number(FORMAT_VERSION)) else {
        gaps.push(unreadable(format!("its format_version {version:?} is not MAJOR.MINOR")));
        return Ok(None);
    };
    if major > our_major {
        return Err(CaseError::TooNew { path: path.to_owned(), version });
    }
    if (major, minor) > (our_major, our_minor)
        && let Some(fields) = value.as_object_mut()
    {
        fields.retain(|key, _| KNOWN_KEYS.contains(&key.as_str()));
    }
    match serde_json::from_value::<Manifest>(value) {
        Ok(manifest) => {
            if !manifest.captured_at.is_empty() && time::parse(&manifest.captured_at).is_none() {
                gaps.push(Gap::new(MANIFEST, format!("its captured_at {:?} is no time", manifest.captured_at)));
            }
            gaps.extend(manifest.gaps.iter().cloned());
            Ok(Some(manifest))
        }
        Err(error) => {
            gaps.push(unreadable(format!("it is not as docs/cases.md describes it: {error}")));
            Ok(None)
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(digest.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
