//! `completions` and `man`: what a shell and a manual need to know of the command line.

use super::error::{Exit, Failure};
use clap::Args;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Print the completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Print the manual page; with --output write one page for each verb
#[derive(Debug, Args)]
pub struct Man {
    /// Write one page for each verb into this folder
    #[arg(long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints the completion script.
pub fn completions(arguments: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::command(), "cfn-forensics", &mut script);
    print(&script)
}

/// Prints the manual page, or writes one for each verb.
pub fn man(arguments: &Man) -> Result<Exit, Failure> {
    let command = super::command();
    if let Some(folder) = &arguments.output {
        let error = |source| Failure::Output { target: folder.display().to_string(), source };
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder)).map_err(error)?;
        return Ok(Exit::Fine);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|source| Failure::Output { target: "the manual page".to_owned(), source })?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|source| Failure::Output { target: "the standard output".to_owned(), source })?;
    Ok(Exit::Fine)
}
