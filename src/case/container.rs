//! The folder or the zip file around a case's files, and the way from one to the other.
//! Names and sizes in a zip are hostile until checked; nothing is written outside of the folder that was named.
//! Used by the case reader, the case writer and the `case pack` and `case unpack` verbs.

use super::{CaseError, sha256};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::DeflateEncoder;
use std::borrow::Cow;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};
use zip::write::SimpleFileOptions;

/// What deflate can make of a byte is about 1,000; evidence reaches a few dozen. Beyond both limits it is a bomb.
const HIGHEST_RATIO: u64 = 300;
const ALWAYS_FINE: u64 = 64 << 20;
/// A case of more than this in one compressed file is an archive, which is read by other means.
const LARGEST_INFLATED: u64 = 8 << 30;
/// Folders in folders deeper than this hold no case.
const DEEPEST: usize = 16;

/// Where a case's files are.
pub enum Container {
    /// A folder, with the relative paths of its files.
    Folder(PathBuf, Vec<String>),
    /// A zip file, with the relative paths of its files and their indexes, sorted.
    Zip(PathBuf, Box<zip::ZipArchive<BufReader<File>>>, Vec<(String, usize)>),
}

/// A file's bytes, inflated.
pub struct Loaded {
    /// What was in it.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file as it is stored, where it was asked for.
    pub sha256: Option<String>,
    /// What was wrong with it.
    pub faults: Vec<String>,
}

impl Container {
    /// Opens a folder or a zip file and lists it, sorted.
    pub fn open(path: &Path) -> Result<Self, CaseError> {
        let open_error = |source| CaseError::Open { path: path.to_owned(), source };
        if fs::metadata(path).map_err(open_error)?.is_dir() {
            let mut paths = Vec::new();
            list(path, "", 0, &mut paths).map_err(open_error)?;
            paths.sort();
            return Ok(Self::Folder(path.to_owned(), paths));
        }
        let file = BufReader::new(File::open(path).map_err(open_error)?);
        let mut archive = zip::ZipArchive::new(file)
            .map_err(|error| CaseError::NotACase { path: path.to_owned(), why: error.to_string() })?;
        let mut entries = Vec::new();
        for index in 0..archive.len() {
            let entry = archive
                .by_index_raw(index)
                .map_err(|error| CaseError::NotACase { path: path.to_owned(), why: error.to_string() })?;
            if entry.is_dir() {
                continue;
            }
            let written = String::from_utf8_lossy(entry.name_raw()).into_owned();
            let name = safe_name(&written).ok_or_else(|| CaseError::Unsafe {
                path: path.to_owned(),
                why: format!("its entry {written:?} leads out of the folder"),
            })?;
            if is_bomb(entry.compressed_size(), entry.size()) {
                let why =
                    format!("its entry {name:?} inflates from {} to {} bytes", entry.compressed_size(), entry.size());
                return Err(CaseError::Unsafe { path: path.to_owned(), why });
            }
            entries.push((name, index));
        }
        strip_common_folder(&mut entries);
        entries.sort();
        Ok(Self::Zip(path.to_owned(), Box::new(archive), entries))
    }

    /// The relative paths of all files, with `/`, sorted.
    pub fn paths(&self) -> Vec<String> {
        match self {
            Self::Folder(_, paths) => paths.clone(),
            Self::Zip(_, _, entries) => entries.iter().map(|(path, _)| path.clone()).collect(),
        }
    }

    /// A file's bytes, inflated. A file that cannot be read, or not to its end, gives what could be read and a fault;
    /// only a bomb is an error.
    pub fn load(&mut self, path: &str, hashed: bool) -> Result<Loaded, CaseError> {
        let stored = match self {
            Self::Folder(folder, _) => fs::read(folder.join(path)).map_err(|error| error.to_string()),
            Self::Zip(case, archive, entries) => {
                let at = entries.partition_point(|(entry, _)| entry.as_str() < path);
                let found = entries.get(at).filter(|(entry, _)| entry == path);
                let index = found.map_or(usize::MAX, |(_, index)| *index);
                match archive.by_index(index) {
                    Ok(entry) => {
                        let limit = limit(entry.compressed_size());
                        let mut bytes = Vec::new();
                        match entry.take(limit + 1).read_to_end(&mut bytes) {
                            Ok(_) if bytes.len() as u64 > limit => return Err(bomb(case, path, limit)),
                            Ok(_) => Ok(bytes),
                            Err(error) => Err(error.to_string()),
                        }
                    }
                    Err(error) => Err(error.to_string()),
                }
            }
        };
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => {
                return Ok(Loaded {
                    bytes: Vec::new(),
                    sha256: None,
                    faults: vec![format!("it cannot be read: {error}")],
                });
            }
        };
        let sha256 = hashed.then(|| sha256(&stored));
        if !stored.starts_with(&[0x1F, 0x8B]) {
            let fault = path.ends_with(".gz").then(|| "its name ends in .gz but it is not gzip".to_owned());
            return Ok(Loaded { bytes: stored, sha256, faults: fault.into_iter().collect() });
        }
        let limit = limit(stored.len() as u64);
        let mut bytes = Vec::new();
        let read = MultiGzDecoder::new(stored.as_slice()).take(limit + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            let fault = format!("it inflates from {} to more than {limit} bytes, which no evidence does", stored.len());
            return Ok(Loaded { bytes: Vec::new(), sha256, faults: vec![fault] });
        }
        let faults = read.err().map(|error| format!("its gzip ends too early or is broken ({error})"));
        Ok(Loaded { bytes, sha256, faults: faults.into_iter().collect() })
    }
}

fn is_bomb(stored: u64, inflated: u64) -> bool {
    inflated > limit(stored)
}

/// How many bytes a file of this size may inflate to.
fn limit(stored: u64) -> u64 {
    stored.saturating_mul(HIGHEST_RATIO).clamp(ALWAYS_FINE, LARGEST_INFLATED)
}

fn bomb(case: &Path, path: &str, limit: u64) -> CaseError {
    CaseError::Unsafe { path: case.to_owned(), why: format!("{path} inflates to more than {limit} bytes") }
}

/// The entry's path with `/`, if it stays inside of the folder that it is unpacked into.
fn safe_name(name: &str) -> Option<String> {
    let name = name.replace('\\', "/");
    let stays = !name.contains(':')
        && Path::new(&name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let name = name.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/");
    (stays && !name.is_empty() && !name.contains('\0')).then_some(name)
}

/// A folder that was zipped as a whole has its own name before every path.
fn strip_common_folder(entries: &mut [(String, usize)]) {
    let Some((first, _)) = entries.first() else { return };
    let Some((folder, _)) = first.split_once('/') else {
        return;
    };
    let prefix = format!("{folder}/");
    let is_source = crate::sources::by_stem(folder).is_some();
    if !is_source && entries.iter().all(|(path, _)| path.starts_with(&prefix)) {
        for (path, _) in entries {
            path.drain(..prefix.len());
        }
    }
}

/// Lists regular files; links to folders are not followed, so that a loop cannot hold us.
fn list(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < DEEPEST {
            list(&entry.path(), &format!("{path}/"), depth + 1, paths)?;
        } else if fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_file()) {
            paths.push(path);
        }
    }
    Ok(())
}

/// Writes a case as one zip file, readable by its owner only. An existing file is not overwritten.
///
/// # Errors
/// Where the case cannot be read or the file cannot be written.
pub fn pack(case: &Path, target: &Path) -> Result<usize, CaseError> {
    let Container::Folder(folder, paths) = Container::open(case)? else {
        return Err(CaseError::NotACase { path: case.to_owned(), why: "it is packed already".to_owned() });
    };
    if paths.is_empty() {
        return Err(CaseError::Nothing { path: case.to_owned(), found: "it is empty".to_owned() });
    }
    let error = |source| CaseError::Write { path: target.to_owned(), source };
    let mut writer = zip::ZipWriter::new(create(target).map_err(error)?);
    for path in &paths {
        let mut file =
            File::open(folder.join(path)).map_err(|source| CaseError::Open { path: folder.join(path), source })?;
        writer.start_file(path, zip_options()).map_err(|failed| error(failed.into()))?;
        io::copy(&mut file, &mut writer).map_err(error)?;
    }
    writer.finish().map_err(|failed| error(failed.into()))?.flush().map_err(error)?;
    Ok(paths.len())
}

/// Writes the files of a packed case into a folder, which must be new or empty; readable by their owner only.
///
/// # Errors
/// Where the zip cannot be read or is unsafe, or a file cannot be written.
pub fn unpack(case: &Path, target: &Path) -> Result<usize, CaseError> {
    let error = |source| CaseError::Write { path: target.to_owned(), source };
    let Container::Zip(_, mut archive, entries) = Container::open(case)? else {
        return Err(CaseError::NotACase { path: case.to_owned(), why: "it is a folder already".to_owned() });
    };
    if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(error(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty; name a new one")));
    }
    for (path, index) in &entries {
        let place = target.join(path);
        let error = |source| CaseError::Write { path: place.clone(), source };
        if let Some(folder) = place.parent() {
            create_folder(folder).map_err(error)?;
        }
        let entry = archive.by_index(*index).map_err(|failed| error(failed.into()))?;
        let limit = limit(entry.compressed_size());
        let written = io::copy(&mut entry.take(limit + 1), &mut create(&place).map_err(error)?).map_err(error)?;
        if written > limit {
            return Err(bomb(case, path, limit));
        }
    }
    Ok(entries.len())
}

/// How files are put into a zip. No times: the same case gives the same bytes on every machine and day.
fn zip_options() -> SimpleFileOptions {
    SimpleFileOptions::default().unix_permissions(0o600).large_file(true)
}

/// Writes files, each with its path with `/`, into a new folder.
pub(super) fn fill_folder(folder: &Path, files: &[(String, Cow<'_, [u8]>)]) -> io::Result<()> {
    for (path, content) in files {
        let place = folder.join(path);
        if let Some(parent) = place.parent() {
            create_folder(parent)?;
        }
        let mut file = create(&place)?;
        file.write_all(content)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Writes files, each with its path with `/`, into a new zip file.
pub(super) fn fill_zip(zip: File, files: &[(String, Cow<'_, [u8]>)]) -> io::Result<()> {
    let mut writer = zip::ZipWriter::new(zip);
    for (path, content) in files {
        let options = zip_options();
        // What repeats itself that much, as only a log can, would be taken for a bomb when it is read back.
        let options = if looks_like_bomb(content)? {
            options.compression_method(zip::CompressionMethod::Stored)
        } else {
            options
        };
        writer.start_file(path, options)?;
        writer.write_all(content)?;
    }
    writer.finish()?.sync_all()
}

/// Whether the content may deflate so well that [`Container::open`] refuses it; half of what that allows, to be sure.
fn looks_like_bomb(content: &[u8]) -> io::Result<bool> {
    let length = content.len() as u64;
    if length <= ALWAYS_FINE {
        return Ok(false);
    }
    let mut deflated = DeflateEncoder::new(io::sink(), Compression::default());
    deflated.write_all(content)?;
    deflated.try_finish()?;
    Ok(is_bomb(deflated.total_out(), length.saturating_mul(2)))
}

/// Whether this is a file's path as it comes back from a folder and from a zip.
pub(super) fn is_plain(path: &str) -> bool {
    let hidden = path.split('/').any(|part| part.starts_with('.'));
    safe_name(path).as_deref() == Some(path) && !hidden && path.split('/').count() <= DEEPEST
}

/// A case can carry secrets: its files are for their owner's eyes only.
#[cfg(unix)]
pub(super) fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
pub(super) fn create(path: &Path) -> io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

fn create_folder(path: &Path) -> io::Result<()> {
    folder_builder().recursive(true).create(path)
}

/// Makes a folder that is not there yet.
pub(super) fn create_new_folder(path: &Path) -> io::Result<()> {
    folder_builder().create(path)
}

#[cfg(unix)]
fn folder_builder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

#[cfg(not(unix))]
fn folder_builder() -> DirBuilder {
    DirBuilder::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_refused() {
        for (name, expected) in [
            ("stack_events.json", Some("stack_events.json")),
            ("./a//b.json", Some("a/b.json")),
            ("a\\b.json", Some("a/b.json")),
            ("../etc/passwd", None),
            ("a/../../b", None),
            ("/etc/passwd", None),
            ("C:\\x", None),
            ("", None),
        ] {
            assert_eq!(safe_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn paths_that_would_not_come_back_are_told() {
        for path in ["stack_events.json", "templates/a b.yaml", "log_events/%2Faws%2Fx.json"] {
            assert!(is_plain(path), "{path}");
        }
        for path in ["", "../a", "/a", "a//b", "a/./b", "a/.hidden", ".hidden", "a\\b", "a:b", "a\0b"] {
            assert!(!is_plain(path), "{path:?}");
        }
    }

    #[test]
    fn a_log_that_repeats_itself_comes_back_from_a_zip() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("case.zip");
        let content = vec![b'x'; (ALWAYS_FINE as usize) + 1];
        fill_zip(create(&path).unwrap(), &[("deploy_log.txt".to_owned(), content.as_slice().into())]).unwrap();
        let loaded = Container::open(&path).unwrap().load("deploy_log.txt", false).unwrap();
        assert!(loaded.bytes == content);
    }

    #[test]
    fn bombs_are_told_from_evidence() {
        assert!(!is_bomb(135 << 20, 1080 << 20));
        assert!(!is_bomb(100, 60 << 20));
        assert!(is_bomb(10 << 20, 9 << 30));
        assert!(is_bomb(1 << 20, 1 << 30));
    }
}
