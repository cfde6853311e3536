//! Log to Kafka, in the formats of at-kafka.
//!
//! An event's path through this crate:
//!
//! 1. `pipeline` follows the log from the position that Kafka stores, and parses each entry ([`event`]).
//! 2. [`filter`] decides what is skipped.
//! 3. [`format`](mod@format) writes the message: at-kafka's own envelope, or Osprey's around it. Pure.
//! 4. `broker` passes it to the client library. Its acknowledgement moves the `window`, and the window moves the
//!    position.
//!
//! This crate must never move the position over an event that Kafka has not acknowledged, and no event may be dropped
//! without a metric: what Kafka can never accept becomes a dead letter.
//!
//! Without the feature `client` everything exists except producing: settings, flags, formats. The client is a C library
//! that takes longer to compile than the rest.

#![cfg_attr(
    not(feature = "client"),
    allow(dead_code, reason = "what only the client calls")
)]

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
#[cfg(feature = "client")]
mod window;
#[cfg(feature = "client")]
mod broker;
#[cfg(feature = "client")]
mod pipeline;

#[cfg(feature = "client")]
mod service;
mod process;

/// What a build without the client reports when asked to produce.
pub const NO_CLIENT: &str = "this build has no Kafka client: the image and the releases have it, and \
    `cargo build --release -p fanjet --features kafka` does (it needs a C and a C++ compiler, make and perl)";

pub use config::KafkaConfig;
pub use error::KafkaError;
pub use process::Args;
#[cfg(feature = "client")]
pub use process::produce;
#[cfg(feature = "client")]
pub use service::Kafka;
pub use settings::KafkaSettings;
