//! From a capture to a case: where each file goes, the manifest with its hashes, and all of it at once or not at all.
//! It overwrites nothing, reads no clock and changes no record: the same capture gives the same bytes.
//! Used by live collection, through the verbs that collect.

use super::container::{self, create, create_new_folder, fill_folder, fill_zip};
use super::{CaseError, FORMAT_VERSION, MANIFEST, not_collected, place_of, places, sha256};
use crate::model::{Capture, Gap, Manifest, RecordFile};
use crate::sources::{self, Layout};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Writes a capture as a case: into one zip file where `target` ends in `.zip`, else into a folder; readable by their
/// owner only. The case comes to be under its name as a whole or not at all.
///
/// [`read`](super::read) gives the same records by the same references, and the gaps of a [`complete`](super::complete)
/// capture. What the capture's manifest says of version, gaps and files is not used: those are what is written.
///
/// # Errors
/// Those of [`check_target`]; where there is no file, or one whose name could not be read back; where writing fails.
pub fn write(capture: &Capture, target: &Path) -> Result<(), CaseError> {
    check_target(target)?;
    write_whole(capture, target).map_err(|source| CaseError::Write { path: target.to_owned(), source })
}

/// Whether a case can be written there, to be asked before minutes of collecting: the target must be new, or an empty
/// folder, in a folder that can be written to. It leaves nothing behind; an empty folder becomes its owner's only.
///
/// # Errors
/// Where there is something already, or a trial fails; the message says what to do.
pub fn check_target(target: &Path) -> Result<(), CaseError> {
    try_target(target).map_err(|source| CaseError::Write { path: target.to_owned(), source })
}

fn try_target(target: &Path) -> io::Result<()> {
    let exists = refuse_existing(target)?;
    let (trial, ()) = temporary(target, create_new_folder)?;
    if !exists {
        return fs::remove_dir(trial);
    }
    // Some empty folders, such as where a disk is mounted, cannot be replaced. Better to hear that now.
    fs::rename(&trial, target).map_err(|error| {
        let _ = fs::remove_dir(&trial);
        io::Error::new(error.kind(), format!("the folder cannot be replaced ({error}); name a new one"))
    })
}

/// Whether there is an empty folder, which a folder may replace; all else that exists is an error.
fn refuse_existing(target: &Path) -> io::Result<bool> {
    let refuse = |why| Err(io::Error::new(ErrorKind::AlreadyExists, why));
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(found) if !found.is_dir() => refuse("it exists already; name a new one"),
        Ok(_) if is_zip(target) => refuse("it is a folder; name a new zip file"),
        Ok(_) if fs::read_dir(target)?.next().is_some() => refuse("the folder is not empty; name a new one"),
        Ok(_) => Ok(true),
    }
}

fn is_zip(target: &Path) -> bool {
    target.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"))
}

fn write_whole(capture: &Capture, target: &Path) -> io::Result<()> {
    let files = contents(capture)?;
    let (partial, filled) = if is_zip(target) {
        let (partial, zip) = temporary(target, create)?;
        (partial, fill_zip(zip, &files))
    } else {
        let (partial, ()) = temporary(target, create_new_folder)?;
        let filled = fill_folder(&partial, &files);
        (partial, filled)
    };
    // Renaming a file would replace one that came to be in the meantime.
    let written = filled.and_then(|()| refuse_existing(target)).and_then(|_| fs::rename(&partial, target));
    if written.is_err() {
        let _ = if is_zip(target) { fs::remove_file(&partial) } else { fs::remove_dir_all(&partial) };
    }
    written
}

/// What `make` makes under a new hidden name beside the target, and its path: on the same disk, so that it can be
/// renamed. What a run before us left there is not touched.
fn temporary<T>(target: &Path, make: fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let invalid = |why| io::Error::new(ErrorKind::InvalidInput, why);
    let name = target.file_name().ok_or_else(|| invalid("it has no name of its own; name a new folder or zip file"))?;
    let mut number = 0_u32;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".partial-{}-{number}", std::process::id()));
        let path = target.with_file_name(hidden);
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(io::Error::new(
                    ErrorKind::NotFound,
                    "the folder that it shall be in does not exist; make it",
                ));
            }
            Err(error) => return Err(error),
        }
    }
}

/// The case's files by their paths. The manifest comes first: of a folder that was left unfinished it tells what is
/// missing.
fn contents(capture: &Capture) -> io::Result<Vec<(String, Cow<'_, [u8]>)>> {
    let mut files = Vec::with_capacity(capture.files.len() + 1);
    let mut hashes = BTreeMap::new();
    for (path, file) in lay_out(&capture.files)? {
        let text = file.text.as_bytes();
        // A file that was read from such a path keeps it as its name, and what is read from there must be gzip.
        let content: Cow<'_, [u8]> = if path.ends_with(".gz") { gzip(text)?.into() } else { text.into() };
        hashes.insert(path.clone(), sha256(&content));
        files.push((path, content));
    }
    let mut manifest = serde_json::to_vec_pretty(&manifest(capture, hashes))?;
    manifest.push(b'\n');
    files.insert(0, (MANIFEST.to_owned(), manifest.into()));
    Ok(files)
}

fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text)?;
    encoder.finish()
}

fn manifest(capture: &Capture, files: BTreeMap<String, String>) -> Manifest {
    // Reading says itself what nobody collected; written down, it would still be said when somebody adds the file.
    let derived = |gap: &Gap| sources::ALL.iter().any(|source| not_collected(source) == *gap);
    Manifest {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        gaps: capture.gaps.iter().filter(|gap| !derived(gap)).cloned().collect(),
        files,
        ..capture.manifest.clone().unwrap_or_default()
    }
}

/// Each file by its path: such ones that reading gives every file its own name again.
fn lay_out(files: &[RecordFile]) -> io::Result<BTreeMap<String, &RecordFile>> {
    let unfit = |file: &RecordFile| {
        let why = format!("its file {:?} cannot have that name in a case, or not together with the others", file.name);
        io::Error::new(ErrorKind::InvalidInput, why)
    };
    if files.is_empty() {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "nothing was collected, so that there is no case to write",
        ));
    }
    let mut by_path = BTreeMap::new();
    for file in files {
        let path = path_of(file).ok_or_else(|| unfit(file))?;
        if by_path.insert(path, file).is_some() {
            return Err(unfit(file));
        }
    }
    let paths: Vec<String> = by_path.keys().cloned().collect();
    match places(&paths).zip(by_path.values()).find(|(place, file)| place.name != *file.name) {
        Some((_, file)) => Err(unfit(file)),
        None => Ok(by_path),
    }
}

fn path_of(file: &RecordFile) -> Option<String> {
    let ending = match sources::by_stem(file.source)?.layout {
        Layout::Json => ".json",
        Layout::Lines => ".txt",
        Layout::Whole => "",
    };
    // Of two files that differed only in their ending, one has its whole path for a name.
    let mut candidates = [format!("{}{ending}", file.name), file.name.to_string()].into_iter();
    let fits = |path: &String| place_of(path).is_some_and(|(source, _)| source.stem == file.source);
    candidates.find(fits).filter(|path| container::is_plain(path))
}
