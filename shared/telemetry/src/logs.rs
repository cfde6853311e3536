//! Log lines, on stderr: stdout belongs to what a command prints.

use std::io::IsTerminal;

use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::{LogFormat, TelemetryConfig};

/// Logging could not be set up.
#[derive(Debug, Error)]
pub enum LogError {
    /// `telemetry.log` is not a filter. The operator's fault.
    #[error(
        "wrong setting telemetry.log: {value:?} is neither a level (error, warn, info, debug, trace) nor a list of directives: {reason}"
    )]
    Filter {
        /// The refused text.
        value: String,
        /// Why.
        reason: String,
    },
    /// Logging was set up before.
    #[error("logging was set up twice")]
    Twice,
}

/// Starts logging for this process.
///
/// # Errors
/// [`LogError`].
pub fn init_logs(config: &TelemetryConfig) -> Result<(), LogError> {
    let filter = EnvFilter::builder()
        .parse(&config.log)
        .map_err(|error| LogError::Filter {
            value: config.log.clone(),
            reason: error.to_string(),
        })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let set = match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|_| LogError::Twice)
}
