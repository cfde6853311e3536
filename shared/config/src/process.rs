//! How a process begins and ends.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use fanjet_output::{complain, hide_passwords};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ConfigError, EXIT_CONFIG, Flags, Range, Sources, check_ranges, load, process_env};

/// The settings of this process; or, when they are wrong or were only to be printed, its exit code.
///
/// # Errors
/// The code to exit with: nothing is left to say.
pub fn settings_or_exit<T: DeserializeOwned + Serialize>(
    defaults: &str,
    ranges: impl IntoIterator<Item = Range>,
    flags: &Flags,
) -> Result<T, ExitCode> {
    let settings: T = load(Sources {
        defaults,
        env: &process_env(),
        flags,
    })
    .map_err(|error| fail(error, EXIT_CONFIG))?;
    check_ranges(&settings, ranges).map_err(|error| fail(ConfigError::from(error), EXIT_CONFIG))?;
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

fn print(settings: &impl Serialize) -> ExitCode {
    match toml::to_string_pretty(settings) {
        Ok(text) => match std::io::stdout().write_all(hide_passwords(&text).as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(format_args!("cannot print: {error}"), 1),
        },
        Err(error) => fail(error, 1),
    }
}
