//! The error that ends a process, and its exit code.

use std::fmt::Display;
use std::io;

use fanjet_config::{ConfigError, EXIT_CONFIG};
use fanjet_log::LogError;
use fanjet_runtime::TaskError;
use fanjet_telemetry::{LogError as LoggingError, MetricsError, OpsError, OtlpError};
use thiserror::Error;

/// An error that ends the process.
#[derive(Debug, Error)]
#[error("{reason}")]
pub struct Failure {
    reason: String,
    code: u8,
}

impl Failure {
    /// Invalid settings: exit code 78, and a supervisor should not restart the process.
    pub fn config(reason: impl Display) -> Self {
        Self {
            reason: reason.to_string(),
            code: EXIT_CONFIG,
        }
    }

    /// Anything else: exit code 1.
    pub fn other(reason: impl Display) -> Self {
        Self {
            reason: reason.to_string(),
            code: 1,
        }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        self.code
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::config(error)
    }
}

impl From<LoggingError> for Failure {
    fn from(error: LoggingError) -> Self {
        Self::config(error)
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Misconfigured(_) => Self::config(error),
            _ => Self::other(error),
        }
    }
}

impl From<OpsError> for Failure {
    fn from(error: OpsError) -> Self {
        match error {
            OpsError::Listen { .. } => Self::config(error),
            OpsError::Serve(_) => Self::other(error),
        }
    }
}

impl From<OtlpError> for Failure {
    fn from(error: OtlpError) -> Self {
        Self::config(error)
    }
}

impl From<MetricsError> for Failure {
    fn from(error: MetricsError) -> Self {
        Self::other(error)
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        Self::other(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::other(error)
    }
}
