//! From the log of events to the raw log and the log of labels beside it.

use std::time::Duration;

use fanjet_log::{LabelsConfig, RawConfig};

use super::{Content, NatsConfig, StreamConfig};

impl NatsConfig {
    /// The raw log on the same servers, with the replicas and the storage of the log of events.
    #[must_use]
    pub fn of_frames(&self, raw: &RawConfig) -> Self {
        let names = (&raw.stream, &raw.subject_root);
        self.beside(Content::Frames, names, raw.max_age, raw.max_bytes)
    }

    /// The log of labels, likewise.
    #[must_use]
    pub fn of_labels(&self, labels: &LabelsConfig) -> Self {
        let names = (&labels.stream, &labels.subject_root);
        self.beside(Content::Labels, names, labels.max_age, labels.max_bytes)
    }

    fn beside(
        &self,
        content: Content,
        (name, subject_root): (&String, &String),
        max_age: Duration,
        max_bytes: u64,
    ) -> Self {
        Self {
            stream: StreamConfig {
                content,
                name: name.clone(),
                subject_root: subject_root.clone(),
                max_age,
                max_bytes: match i64::try_from(max_bytes) {
                    Ok(0) | Err(_) => -1,
                    Ok(bytes) => bytes,
                },
                ..self.stream.clone()
            },
            ..self.clone()
        }
    }
}
