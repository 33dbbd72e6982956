//! Where an output goes and how it may look there: a file, a terminal, a pipe.
//! The environment is asked here and nowhere else.
//! Used by every verb that prints.

use super::error::Failure;
use crate::render::{Style, Zone};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// Where the output goes.
#[derive(Debug, clap::Args)]
pub struct Target {
    /// Write to FILE instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Writes a file of its own for each path, or the standard output where there is none. What can be written is written,
/// also where another file cannot.
///
/// # Errors
/// The first file that cannot be written.
pub fn write_each<T: Copy>(
    outputs: &[(Option<&Path>, T)],
    render: impl Fn(T, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let write =
        |(path, what): &(Option<&Path>, T)| Target { output: path.map(Path::to_owned) }.write(|out| render(*what, out));
    let results: Vec<Result<(), Failure>> = outputs.iter().map(write).collect();
    results.into_iter().collect()
}

/// A line of this width suits a pipe: a CI log, a ticket, a file.
const WIDTH_OF_A_PIPE: usize = 120;

impl Target {
    /// Writes what `render` renders.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        match &self.output {
            Some(path) => self.write_file(path, render),
            None => {
                let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
                let written = render(&mut out).and_then(|()| out.flush());
                written.map_err(|source| Failure::Output { target: "the standard output".to_owned(), source })
            }
        }
    }

    fn write_file(&self, path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let error = |source| Failure::Output { target: path.display().to_string(), source };
        let mut out = BufWriter::with_capacity(1 << 16, File::create(path).map_err(error)?);
        render(&mut out).and_then(|()| out.flush()).map_err(error)
    }

    /// True where a person reads it at a terminal.
    pub fn is_terminal(&self) -> bool {
        self.output.is_none() && io::stdout().is_terminal()
    }

    /// How the output may look.
    pub fn style(&self, zone: Zone) -> Style {
        let terminal = self.is_terminal();
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let dumb = set("TERM").is_some_and(|term| term == "dumb");
        let width = match terminal_size::terminal_size() {
            Some((width, _)) if terminal => usize::from(width.0),
            _ => set("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(WIDTH_OF_A_PIPE),
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        Style {
            width,
            colour: terminal && !dumb && set("NO_COLOR").is_none(),
            // Where no locale is named (containers, CI), UTF-8 is the rule.
            ascii: dumb || locale.is_some_and(|locale| !locale.to_ascii_uppercase().replace('-', "").contains("UTF8")),
            zone,
        }
    }
}
