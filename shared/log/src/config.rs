//! Sections `[raw]` and `[labels]`. `raw.toml` and `labels.toml` beside the sources say what each key means, is by default, and
//! may be.

mod labels;

use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Serialize};

pub use labels::{FirstContact, Labeler, LabelsConfig, LabelsVerification};

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
