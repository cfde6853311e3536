//! Invalid settings. The operator must correct them.

use std::path::PathBuf;

use thiserror::Error;

/// The exit code for invalid settings (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Settings that cannot be used. A retry does not help.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("failed to read the settings file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A text is not TOML, or a flag is not `KEY=VALUE`.
    #[error("cannot parse {origin}: {reason}")]
    Syntax {
        /// The source of the text.
        origin: String,
        /// The cause.
        reason: String,
    },
    /// A key that does not exist, or a value that is not allowed.
    #[error("invalid setting {key}: {reason}")]
    Value {
        /// The key with its sections, dot-separated.
        key: String,
        /// The value and what is allowed instead.
        reason: String,
    },
}
