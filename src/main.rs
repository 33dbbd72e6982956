//! The binary: arguments and the time in, exit code out. Everything else is in the library.

use std::process::ExitCode;

#[allow(clippy::disallowed_methods)] // the one place that reads the clock
fn main() -> ExitCode {
    cfn_forensics::cli::main(std::env::args_os(), chrono::Utc::now())
}
