//! Invalid settings: always the operator's to correct.

use std::path::PathBuf;

use thiserror::Error;

/// The exit code for invalid settings (`EX_CONFIG` of sysexits.h).
pub const EXIT_CONFIG: u8 = 78;

/// Settings that cannot be used. Retrying cannot help.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A text is not TOML, or a flag is not `KEY=VALUE`.
    #[error("{origin} cannot be parsed: {reason}")]
    Syntax {
        /// Which text.
        origin: String,
        /// Why.
        reason: String,
    },
    /// A key that does not exist, or a value that its key cannot have.
    #[error("invalid setting {key}: {reason}")]
    Value {
        /// The key with its sections, dot-separated.
        key: String,
        /// The value and what is allowed instead.
        reason: String,
    },
}
