//! How a process begins and ends.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use fanjet_output::complain;

use crate::print::document;
use crate::{EXIT_CONFIG, Flags, Fragment, Role, Sources, load, process_env};

/// The settings of this process; or, when they are wrong or were only to be printed, its exit code.
///
/// # Errors
/// The code to exit with: nothing is left to say.
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

/// Says on stderr why the process ends, and gives its exit code.
pub fn fail(reason: impl Display, code: u8) -> ExitCode {
    complain(format_args!("error: {reason}"));
    ExitCode::from(code)
}

fn print(settings: &impl Role) -> ExitCode {
    match document(settings) {
        Ok(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(format_args!("cannot print: {error}"), 1),
        },
        Err(error) => fail(error, 1),
    }
}
