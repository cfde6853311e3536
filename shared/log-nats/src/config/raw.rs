//! From the log of events to the raw log beside it.

use fanjet_log::RawConfig;

use super::{Content, NatsConfig, StreamConfig};

impl NatsConfig {
    /// The raw log on the same servers, with the replicas and the storage of the log of events.
    #[must_use]
    pub fn of_frames(&self, raw: &RawConfig) -> Self {
        Self {
            stream: StreamConfig {
                content: Content::Frames,
                name: raw.stream.clone(),
                subject_root: raw.subject_root.clone(),
                max_age: raw.max_age,
                max_bytes: match i64::try_from(raw.max_bytes) {
                    Ok(0) | Err(_) => -1,
                    Ok(bytes) => bytes,
                },
                ..self.stream.clone()
            },
            ..self.clone()
        }
    }
}
