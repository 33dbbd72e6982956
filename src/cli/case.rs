//! `case`: what a case holds, whether it is what was captured, from a folder to one file and back, and without its secrets.

use super::error::{Exit, Failure};
use super::output::Target;
use super::sharing;
use crate::case::{self, FileCheck, HashCheck};
use crate::model::{Capture, Gap};
use crate::redact::Redactor;
use crate::render::terminal_line;
use crate::sources::{self, Layout};
use clap::{Args, Subcommand};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// List, verify, pack, unpack and redact cases
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the files of a case, with their sources and the number of records in each
    List {
        /// A folder or a zip file
        case: PathBuf,
    },
    /// Check a case: hashes, what cannot be read, files that are no evidence; exit 10 when a file or the manifest is not what was captured
    Verify {
        /// A folder or a zip file
        case: PathBuf,
    },
    /// Pack a case into one zip file
    Pack {
        /// A folder
        case: PathBuf,
        /// The file to write; an existing one is not overwritten
        file: PathBuf,
    },
    /// Unpack a packed case into a folder
    Unpack {
        /// A zip file
        file: PathBuf,
        /// The folder to write; it must be new or empty
        folder: PathBuf,
    },
    /// Write a copy of a case without its secrets, to be shown to others
    Redact {
        /// A folder or a zip file
        case: PathBuf,
        /// The case to write: a new folder, or a new file that ends in .zip
        #[arg(long, value_name = "CASE")]
        output: PathBuf,
        #[command(flatten)]
        more: sharing::More,
    },
}

/// Does what the sub-verb says.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let target = Target { output: None };
    match &arguments.verb {
        Verb::List { case } => {
            let (_, files) = case::verify(case)?;
            target.write(|out| list(&files, out))?;
            Ok(Exit::Fine)
        }
        Verb::Verify { case } => {
            let (capture, files) = case::verify(case)?;
            target.write(|out| verify(&capture, &files, out))?;
            Ok(if is_suspect(&capture, &files) { Exit::Explained } else { Exit::Fine })
        }
        Verb::Pack { case, file } => {
            let count = case::pack(case, file)?;
            target.write(|out| {
                writeln!(out, "packed {count} files into {}", terminal_line(&file.display().to_string()))
            })?;
            Ok(Exit::Fine)
        }
        Verb::Unpack { file, folder } => {
            let count = case::unpack(file, folder)?;
            target.write(|out| {
                writeln!(out, "unpacked {count} files into {}", terminal_line(&folder.display().to_string()))
            })?;
            Ok(Exit::Fine)
        }
        Verb::Redact { case, output, more } => {
            case::check_target(output)?;
            let mut redactor = more.redactor();
            let redacted = redact_case(&mut redactor, case)?;
            more.keep_mapping(&redactor)?;
            case::write(&redacted, output)?;
            target.write(|out| told(&redactor, out))?;
            Ok(Exit::Fine)
        }
    }
}

/// The case without secrets; an error where one that is known is still in it.
fn redact_case(redactor: &mut Redactor, path: &Path) -> Result<Capture, Failure> {
    let (capture, files) = case::verify(path)?;
    let list = |stem: &str| {
        let source = sources::by_stem(stem).filter(|source| source.layout == Layout::Json)?;
        source.lists.first().copied()
    };
    let redacted = redactor.capture(&capture, &case::fingerprint(&files), list);
    let manifest = redacted.manifest.as_ref().and_then(|manifest| serde_json::to_string(manifest).ok());
    let gaps: Vec<String> = redacted.gaps.iter().map(gap_line).collect();
    let texts = redacted.files.iter().flat_map(|file| [(&*file.name, file.text.as_str()), (&*file.name, &*file.name)]);
    let about = manifest.iter().chain(&gaps).map(|text| (MANIFEST, text.as_str()));
    for (file, text) in texts.chain(about) {
        if let Some(kind) = redactor.leak(text) {
            return Err(Failure::Leak { kind, file: file.to_owned() });
        }
    }
    Ok(redacted)
}

/// `redacted: 3 passwords, 1 access key`
fn told(redactor: &Redactor, out: &mut dyn Write) -> io::Result<()> {
    let kinds = redactor.counted();
    match kinds.is_empty() {
        true => writeln!(out, "redacted: nothing; no secret was found"),
        false => writeln!(out, "redacted: {}", kinds.join(", ")),
    }
}

fn list(files: &[FileCheck], out: &mut dyn Write) -> io::Result<()> {
    for file in files.iter().filter(|file| file.source.is_some()) {
        writeln!(out, "{:>8}  {:<20}  {}", file.records, file.source.unwrap_or_default(), terminal_line(&file.path))?;
    }
    Ok(())
}

fn verify(capture: &Capture, files: &[FileCheck], out: &mut dyn Write) -> io::Result<()> {
    for file in files {
        let state = match (file.hash, file.source) {
            (HashCheck::Fits, _) => "fits the manifest",
            (HashCheck::Differs, _) => "CHANGED after the capture",
            (HashCheck::Missing, _) => "MISSING: the manifest names it",
            (HashCheck::Unlisted, Some(_)) if is_changed(capture, file) => "ADDED after the capture",
            (HashCheck::Unlisted, Some(_)) => "no manifest names it",
            (HashCheck::Unlisted, None) if file.path == MANIFEST && capture.manifest.is_none() => {
                "the manifest, which CANNOT BE USED"
            }
            (HashCheck::Unlisted, None) if file.path == MANIFEST => "the manifest",
            (HashCheck::Unlisted, None) => "no evidence that cfn-forensics knows; ignored",
        };
        writeln!(
            out,
            "{:>8}  {:<20}  {}: {state}",
            file.records,
            file.source.unwrap_or("-"),
            terminal_line(&file.path)
        )?;
    }
    if is_blind(capture, files) {
        writeln!(out, "{MANIFEST} cannot be used, so that nothing tells whether a file was changed")?;
    } else if capture.manifest.is_none() {
        writeln!(out, "no manifest: made by hand, so that nothing tells whether a file was changed")?;
    }
    for gap in capture.gaps.iter().filter(|gap| !gap.is_whole_source()) {
        writeln!(out, "gap: {}", terminal_line(&gap_line(gap)))?;
    }
    Ok(())
}

const MANIFEST: &str = "manifest.json";

/// A file was changed, or the manifest that would tell it cannot be used.
fn is_suspect(capture: &Capture, files: &[FileCheck]) -> bool {
    is_blind(capture, files) || files.iter().any(|file| is_changed(capture, file))
}

/// The manifest is there, but cannot be used.
fn is_blind(capture: &Capture, files: &[FileCheck]) -> bool {
    capture.manifest.is_none() && files.iter().any(|file| file.path == MANIFEST)
}

/// Changed, missing or, where the manifest names all files, added.
fn is_changed(capture: &Capture, file: &FileCheck) -> bool {
    let all_named = capture.manifest.as_ref().is_some_and(|manifest| !manifest.files.is_empty());
    match file.hash {
        HashCheck::Fits => false,
        HashCheck::Differs | HashCheck::Missing => true,
        HashCheck::Unlisted => all_named && file.source.is_some(),
    }
}

fn gap_line(gap: &Gap) -> String {
    let window = gap.window.as_deref().map_or(String::new(), |window| format!(" ({window})"));
    format!("{}{window}: {}", gap.source, gap.why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_cannot_be_used_is_told() {
        let good = r#"{"format_version":"1.0","captured_at":"2026-11-18T13:00:00Z","tool_version":"0"}"#;
        for (manifest, suspect, expected) in [
            (None, false, "no manifest: made by hand"),
            (Some(good), false, "manifest.json: the manifest\n"),
            (Some("not json"), true, "manifest.json cannot be used, so that nothing tells whether a file was changed"),
            (Some("{}"), true, "manifest.json: the manifest, which CANNOT BE USED\n"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join("stack_events.json"), "{\"StackEvents\":[]}").unwrap();
            if let Some(manifest) = manifest {
                std::fs::write(dir.path().join("manifest.json"), manifest).unwrap();
            }
            let (capture, files) = case::verify(dir.path()).unwrap();
            let mut out = Vec::new();
            verify(&capture, &files, &mut out).unwrap();
            let told = String::from_utf8(out).unwrap();
            assert!(told.contains(expected), "{told}");
            assert_eq!(is_suspect(&capture, &files), suspect, "{told}");
            assert_eq!(told.contains("made by hand"), manifest.is_none(), "{told}");
        }
    }
}
