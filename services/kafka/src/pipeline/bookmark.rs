//! The bookmark beside the log: that a position existed, and roughly where.
//!
//! Kafka stores the position, and loses it with the topic, by an operator's action, or after a week. The bookmark then
//! shows that this is not a first start.

use std::fmt;
use std::sync::Arc;

use fanjet_log::{Bookmarks, LogError, LogIdentity, Seq};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::KafkaConfig;
use crate::window::Mark;

/// What is written beside the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    /// The owner, for people who inspect the store, since the key does not show it.
    pub(crate) group: String,
    pub(crate) topic: String,
    /// Everything up to here was produced, and some of what follows may have been.
    pub(crate) seq: Seq,
    pub(crate) time_us: u64,
    /// The log of the seq.
    pub(crate) log: String,
    /// The last applied value of `kafka.position.reset`.
    #[serde(default)]
    pub(crate) reset: String,
}

/// Reads and writes the bookmark of one process' position.
pub(crate) struct BookmarkKeeper {
    store: Arc<dyn Bookmarks>,
    key: String,
    group: String,
    topic: String,
    reset: String,
}

impl BookmarkKeeper {
    pub(crate) fn new(config: &KafkaConfig, store: Arc<dyn Bookmarks>) -> Self {
        let (group, topic) = (config.group(), config.topic.clone());
        Self {
            store,
            key: key(&group, &topic),
            group,
            topic,
            reset: config.position.reset.clone(),
        }
    }

    pub(crate) async fn read(&self) -> Result<Option<Bookmark>, LogError> {
        let Some(value) = self.store.get(&self.key).await? else {
            return Ok(None);
        };
        let bookmark = serde_json::from_slice(&value);
        bookmark.map(Some).map_err(|error| {
            let what = format!("invalid bookmark {}: {error}", self.key);
            LogError::Misconfigured(what)
        })
    }

    pub(crate) async fn write(&self, mark: Mark, log: LogIdentity) -> Result<(), LogError> {
        let bookmark = Bookmark {
            group: self.group.clone(),
            topic: self.topic.clone(),
            seq: mark.seq,
            time_us: mark.time_us,
            log: log.to_string(),
            reset: self.reset.clone(),
        };
        let value = serde_json::to_vec(&bookmark)
            .map_err(|error| LogError::Misconfigured(error.to_string()))?;
        self.store.set(&self.key, value.into()).await
    }
}

impl fmt::Debug for BookmarkKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BookmarkKeeper").field(&self.key).finish()
    }
}

/// Group names are arbitrary, keys are not.
fn key(group: &str, topic: &str) -> String {
    // No topic contains a slash.
    let digest = Sha256::digest(format!("{topic}/{group}"));
    let hex: String = digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("kafka-{hex}")
}
