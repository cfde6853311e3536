//! Section `[kafka]`. `kafka.toml` beside the sources says what each key means, is by default, and may be.

mod constants;
mod list;
mod connection;
mod content;
mod check;

use std::time::Duration;

use fanjet_config::section;
use serde::{Deserialize, Serialize};

pub(crate) use check::base_url;
pub use connection::{Compression, Delivery, Mechanism, SaslConfig, TlsConfig};
pub(crate) use content::PLC_DIRECTORY;
pub use content::{ActionNames, DidWebConfig, EnrichConfig, FilterConfig, FormatConfig};
pub use list::List;

/// Everything about producing the log to Kafka.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port` of brokers. Needed.
    pub bootstrap_servers: List,
    /// The topic for events. Needed.
    pub topic: String,
    /// What the connections are called on the brokers; empty: as at-kafka calls them.
    pub client_id: String,
    /// How batches are packed.
    pub compression: Compression,
    /// What a crash may do.
    pub delivery: Delivery,
    /// How long one transaction collects events.
    #[serde(with = "humantime_serde")]
    pub transaction_interval: Duration,
    /// The name of the transactions; empty: the position's group.
    pub transactional_id: String,
    /// How long messages are collected for a larger batch.
    #[serde(with = "humantime_serde")]
    pub linger: Duration,
    /// Most bytes of one batch.
    pub batch_bytes: usize,
    /// Events under way without an acknowledgement.
    pub window_events: usize,
    /// Their bytes.
    pub window_bytes: usize,
    /// How long one request may take, and for how long acknowledgements may stay away before this shows.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// First pause after a failure. It doubles with each failure in a row.
    #[serde(skip, default = "constants::retry_floor")]
    pub retry_floor: Duration,
    /// Longest pause after a failure.
    #[serde(skip, default = "constants::retry_ceiling")]
    pub retry_ceiling: Duration,
    /// How often the log is asked for its end.
    #[serde(skip, default = "constants::check_interval")]
    pub check_interval: Duration,
    /// The topic for what cannot be produced; empty: `TOPIC.dead-letter`.
    pub dead_letter_topic: String,
    /// Making topics.
    pub topics: TopicsConfig,
    /// Remembering the position.
    pub position: PositionConfig,
    /// Sharing the work.
    pub shard: ShardConfig,
    /// What messages look like.
    pub format: FormatConfig,
    /// What is produced.
    pub filter: FilterConfig,
    /// `eventMetadata`.
    pub enrich: EnrichConfig,
    /// Who we are.
    pub sasl: SaslConfig,
    /// Encryption.
    pub tls: TlsConfig,
}

section!(KafkaConfig, "kafka", "../kafka.toml" {
    format: FormatConfig,
    enrich: EnrichConfig,
});

impl KafkaConfig {
    /// Whether anything is to be produced at all.
    pub fn is_wanted(&self) -> bool {
        !self.bootstrap_servers.is_empty() || !self.topic.is_empty()
    }

    /// The topic for what cannot be produced.
    pub fn dead_letter_topic(&self) -> String {
        if self.dead_letter_topic.is_empty() {
            format!("{}.dead-letter", self.topic)
        } else {
            self.dead_letter_topic.clone()
        }
    }

    /// The group of this process' position: its shard's own, when there are several.
    pub fn group(&self) -> String {
        let group = &self.position.group;
        match self.shard.count {
            0 | 1 => group.clone(),
            count => format!("{group}.{}-of-{count}", self.shard.index),
        }
    }

    /// The name of this process' transactions.
    pub fn transactional_id(&self) -> String {
        if self.transactional_id.is_empty() {
            self.group()
        } else {
            self.transactional_id.clone()
        }
    }
}

/// Making topics. An existing one is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicsConfig {
    /// Whether to make what is not there.
    pub create: bool,
    /// Partitions of a new topic.
    pub partitions: i32,
    /// Copies of a new topic.
    pub replication_factor: i32,
    /// Collections with a topic of their own.
    pub collections: List,
}

/// Remembering the position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionConfig {
    /// The consumer group under which Kafka keeps it.
    pub group: String,
    /// Where to begin without one: `live`, `oldest`, a seq or a `time_us`.
    pub start: String,
    /// A word: each new value restarts once at `start`. Empty: never.
    pub reset: String,
    /// How often it is written down.
    #[serde(skip, default = "constants::position_interval")]
    pub interval: Duration,
}

/// Sharing the work: each process takes the accounts of its index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardConfig {
    /// Counted from 0.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

#[cfg(test)]
mod tests;
