//! Section `[embedded]`. `embedded.toml` beside the sources says what each key means, is by default, and may be.

mod constants;

use std::path::PathBuf;
use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::OpenError;

/// Where the log is and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedConfig {
    /// The folder. Made when it is not there; files in it that are not the log's are left alone.
    pub path: PathBuf,
    /// How long an event is kept at least; zero is for ever. Whole segments go, so some stay a sixteenth longer.
    #[serde(with = "humantime_serde")]
    pub max_age: Duration,
    /// Bytes on disk after which the oldest segments go, before their age; 0 is unlimited. The segment being written
    /// stays in any case.
    pub max_bytes: u64,
    /// Bytes after which a new segment is begun.
    pub segment_bytes: u64,
    /// When to sync.
    pub sync: Sync,
    /// What opening reads.
    pub verify: Verify,
    /// Events of one appender under way without an acknowledgement.
    #[serde(skip, default = "constants::window_events")]
    pub window_events: usize,
    /// Bytes of all appenders under way without an acknowledgement.
    #[serde(skip, default = "constants::window_bytes")]
    pub window_bytes: usize,
    /// Bytes of the newest events kept in memory, so that followers at the end need no disk.
    pub tail_bytes: usize,
    /// Bytes of older blocks kept in memory, for readers that are close to each other.
    pub cache_bytes: usize,
    /// Reads that may use the disk at the same time; more wait.
    #[serde(skip, default = "constants::concurrent_reads")]
    pub concurrent_reads: usize,
    /// How often an idle follow says that it is alive.
    #[serde(skip, default = "constants::heartbeat")]
    pub heartbeat: Duration,
}

section!(EmbeddedConfig, "embedded", "../embedded.toml");

/// When to sync. Neither choice is less safe: an event is acknowledged and shown after its sync only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// As soon as anything is queued, while writing takes less than a quarter of the time; on a busier disk with pauses of up to 20 ms,
    /// unless half of the window is used. What arrives meanwhile shares the next sync. In text, `always`.
    Always,
    /// At most once in such a time, unless half of the window is used: fewer writes for later acknowledgements.
    /// In text, a duration like `50ms`.
    Every(Duration),
}

/// What opening reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Every checksum of every segment.
    All,
    /// Every checksum of the last segment; header and footer of the others, whose records are then checked when they
    /// are read. For logs so large that reading them takes too long.
    Last,
}

impl EmbeddedConfig {
    /// The defaults in a folder.
    pub fn in_folder(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if self.path.as_os_str().is_empty() {
            return Err(OpenError::Setting {
                key: "embedded.path",
                what: "it is empty; allowed: the path of a folder".to_owned(),
            });
        }
        Ok(())
    }
}

impl Serialize for Sync {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Always => serializer.serialize_str("always"),
            Self::Every(time) => humantime_serde::serialize(time, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Sync {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "always" {
            return Ok(Self::Always);
        }
        let text = de::value::StrDeserializer::<D::Error>::new(&text);
        humantime_serde::deserialize(text).map(Self::Every)
    }
}

#[cfg(test)]
mod tests;
