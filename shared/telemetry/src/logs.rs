//! Log lines, on stderr: stdout is for the output of commands.
//!
//! Stderr may have no reader, and values may be untrusted. Log lines must never block or end the process, fill a disk,
//! or report something that did not happen.

mod limit;
pub(crate) mod lost;
mod lines;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::panic::{self, PanicHookInfo};
use std::thread;

use fanjet_output::stderr;
use thiserror::Error;
use tracing::error;
use tracing_subscriber::EnvFilter;

use crate::TelemetryConfig;
use lines::Lines;

/// Logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// `telemetry.log` is not a filter. The operator is at fault.
    #[error(
        "invalid setting telemetry.log: {value:?} is neither a level (error, warn, info, debug, trace) nor a list of directives: {reason}"
    )]
    Filter {
        /// The rejected text.
        value: String,
        /// The reason.
        reason: String,
    },
    /// Logging was set up before.
    #[error("logging was set up twice")]
    Twice,
}

/// The HTTP server logs a client's broken request as an error, one line each: a client that sends many of them would
/// fill the disk and hide important lines. They are counted instead. To see them, an operator sets a directive
/// for the target.
const STRANGERS: &str = "actix_http=off";

/// Starts logging for this process.
///
/// # Errors
/// [`LogError`].
pub fn init_logs(config: &TelemetryConfig) -> Result<(), LogError> {
    let filter = filter(&config.log)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false)
        .event_format(Lines::new(config.format))
        .with_writer(|| Stderr)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    panic::set_hook(Box::new(tell));
    Ok(())
}

/// Logs a panic as one line. The default hook blocks on a slow reader, writes several lines, and prints untrusted text
/// from a frame unescaped.
fn tell(panic: &PanicHookInfo<'_>) {
    let words = panic.payload_as_str().unwrap_or("no words");
    let place = panic.location().map(tracing::field::display);
    let thread = thread::current();
    // Captured only if RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    error!(
        words,
        place,
        thread = thread.name(),
        backtrace = backtrace.map(tracing::field::display),
        "a thread panicked"
    );
}

/// Writes one line at a time, and drops it rather than block or fail.
struct Stderr;

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !line.is_empty() {
            stderr().write(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The effective level of a target. Of two directives for one target the last wins.
fn filter(log: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(format!("{STRANGERS},{log}"))
        .map_err(|error| LogError::Filter {
            value: log.to_owned(),
            reason: error.to_string(),
        })
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;
    use tracing::{Level, enabled};

    use super::*;

    /// Whether errors of the HTTP server about requests, and those of a node, are logged.
    fn shown(log: &str) -> (bool, bool) {
        let lines = tracing_subscriber::fmt().with_env_filter(filter(log).unwrap());
        with_default(lines.finish(), || {
            (
                enabled!(target: "actix_http::h1::dispatcher", Level::ERROR),
                enabled!(target: "fanjet_edge::http", Level::ERROR),
            )
        })
    }

    #[test]
    fn broken_requests_of_strangers_are_logged_for_those_who_want_them() {
        for log in ["info", "error", "trace", "warn,fanjet_edge=debug"] {
            assert_eq!(shown(log), (false, true), "{log}");
        }
        assert_eq!(shown("info,actix_http=error"), (true, true));
        assert_eq!(shown("off"), (false, false));
    }

    /// The only test here that sets up logging for the whole process.
    #[test]
    fn a_panic_is_one_line_of_the_log() {
        init_logs(&TelemetryConfig {
            log: "off".to_owned(),
            format: crate::LogFormat::Text,
        })
        .unwrap();
        let hook = panic::take_hook();
        let line = lines::tests::text(|| {
            panic::set_hook(hook);
            panic::catch_unwind(|| panic!("a word\nand another")).unwrap_err();
            drop(panic::take_hook());
        });
        assert!(line.starts_with("ERROR fanjet_telemetry::logs: a thread panicked words=\"a word\\nand another\" place=shared/telemetry/src/logs.rs:"), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }

    #[test]
    fn a_wrong_filter_is_shown_as_it_was_written() {
        let error = filter("info,=,x").unwrap_err().to_string();
        assert!(error.contains("\"info,=,x\" is neither"), "{error}");
    }
}
