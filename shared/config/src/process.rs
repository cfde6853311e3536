//! Reads the settings at the start of a process, and reports why it exits.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use fanjet_output::complain;

use crate::print::document;
use crate::{EXIT_CONFIG, Flags, Fragment, Role, Sources, load, process_env};

/// Returns the settings of this process. If they are invalid or only printed, returns the exit code.
///
/// # Errors
/// The exit code. Everything else is already printed.
pub fn settings_or_exit<S: Role>(tree: &[Fragment], flags: &Flags) -> Result<S, ExitCode> {
    let settings: S = load(Sources {
        tree,
        env: &process_env(),
        flags,
    })
    .map_err(|error| fail(error, EXIT_CONFIG))?;
    if flags.print_config {
        Err(print(&settings))
    } else {
        Ok(settings)
    }
}

/// Prints on stderr why the process exits, and returns the exit code.
pub fn fail(reason: impl Display, code: u8) -> ExitCode {
    complain(format_args!("error: {reason}"));
    ExitCode::from(code)
}

fn print(settings: &impl Role) -> ExitCode {
    match document(settings) {
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(format_args!("failed to print: {error}"), 1),
        },
        Err(error) => fail(error, 1),
    }
}
