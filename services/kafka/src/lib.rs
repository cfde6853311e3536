//! Log to Kafka, in the formats of at-kafka.
//!
//! An event's way through this crate:
//!
//! 1. `pipeline` follows the log from the position that Kafka keeps, and takes each entry apart ([`event`]).
//! 2. [`filter`] says what is passed over.
//! 3. [`format`](mod@format) writes the message: at-kafka's own envelope, or Osprey's around it. Pure.
//! 4. `broker` gives it to the client library. Its acknowledgement moves the `window`, and the window moves the position.
//!
//! Nothing here may move the position over an event that Kafka has not acknowledged, and no event may be dropped
//! without a metric: what Kafka will never take becomes a dead letter.

mod error;
mod start;
pub mod config;
mod settings;
pub mod atkafka;

pub mod event;
pub mod filter;
mod look_up;
pub mod metrics;
mod enrich;
pub mod format;
mod window;
mod broker;
mod pipeline;

mod service;

pub use config::KafkaConfig;
pub use error::KafkaError;
pub use service::Kafka;
pub use settings::KafkaSettings;
