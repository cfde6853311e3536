//! Section `[raw]`. `raw.toml` beside the sources says what each key means, is by default, and may be.

use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Serialize};

/// Whether and how the raw log is kept, whatever its backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Whether it is written.
    pub enabled: bool,
    /// How long a frame is kept; zero is for ever.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Bytes on disk after which the oldest frames go; 0 is unlimited.
    pub max_bytes: u64,
    /// The name of the stream in NATS.
    pub stream: String,
    /// First token or tokens of its subjects.
    pub subject_root: String,
}

section!(RawConfig, "raw", "../raw.toml");
