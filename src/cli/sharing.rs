//! The arguments that say what must not be shown to others, and their application to a finished report.
//! Used by the verbs that write something to be shared: `report`, `compare`, `case redact`.

use super::error::Failure;
use crate::model::Capture;
use crate::redact::{Options, Redactor};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What else than secrets is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// E-mail addresses
    Emails,
    /// Account ids, addresses, and the names of stacks, resources, roles, users, sessions and hosts
    Ids,
}

/// More than secrets.
#[derive(Debug, Args)]
pub struct More {
    /// What else is replaced, besides secrets; several with commas
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    redact: Vec<What>,
    /// Write what stands for what to FILE, as JSON that only you can read; an existing one is not overwritten
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

impl More {
    /// A redactor for secrets and what was chosen.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(Options { emails: self.redact.contains(&What::Emails), ids: self.redact.contains(&What::Ids) })
    }

    /// Writes what stands for what, where a file for it was named.
    ///
    /// # Errors
    /// Where there is such a file already, or it cannot be written.
    pub fn keep_mapping(&self, redactor: &Redactor) -> Result<(), Failure> {
        let Some(file) = &self.mapping else { return Ok(()) };
        write_mapping(redactor, file).map_err(|source| Failure::Output { target: file.display().to_string(), source })
    }
}

fn write_mapping(redactor: &Redactor, file: &Path) -> io::Result<()> {
    let mapping: Map<String, Value> =
        redactor.mapping().map(|(pseudonym, original)| (pseudonym.to_owned(), original.into())).collect();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    serde_json::to_writer_pretty(&mut out, &mapping)?;
    out.write_all(b"\n")
}

/// What a report must not show.
#[derive(Debug, Args)]
pub struct Sharing {
    #[command(flatten)]
    more: More,
    /// Replace nothing, not even secrets: only for who may see everything
    #[arg(long, conflicts_with_all = ["redact", "mapping"])]
    no_redact: bool,
}

impl Sharing {
    /// Where the mapping goes.
    pub fn mapping(&self) -> Option<&Path> {
        self.more.mapping.as_deref()
    }

    /// The report's JSON as it may be shown, to be read back. `captures` are the cases that it is made from.
    ///
    /// # Errors
    /// Where a secret that is known would still be in it, or the mapping cannot be written.
    pub fn shown(&self, report: &impl Serialize, captures: &[&Capture]) -> Result<Value, Failure> {
        let mut shown = serde_json::to_value(report).map_err(Failure::Unwritten)?;
        if self.no_redact {
            return Ok(shown);
        }
        let mut redactor = self.more.redactor();
        captures.iter().for_each(|capture| redactor.learn_for_report(capture));
        redactor.value(&mut shown);
        if let Some(kind) = leak(&mut redactor, &shown) {
            return Err(Failure::Leak { kind, file: "the report".to_owned() });
        }
        if let Some(told) = shown.get_mut("redacted") {
            *told = redactor.counted().into();
        }
        self.more.keep_mapping(&redactor)?;
        Ok(shown)
    }
}

/// The kind of a secret that is still in a text of the value.
fn leak(redactor: &mut Redactor, value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => redactor.leak(text),
        Value::Array(values) => values.iter().find_map(|value| leak(redactor, value)),
        Value::Object(fields) => fields.values().find_map(|value| leak(redactor, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
