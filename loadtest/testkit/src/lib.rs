//! Real servers and clients for tests, benchmarks and scenarios.
//!
//! Everything here is real: a process that is started and killed, a socket that is read, bytes that production once
//! served. This crate must never know how the log or a service works inside.

mod shared;

pub mod accounts;
#[cfg(feature = "otlp")]
pub mod collector;
pub mod corpus;
pub mod jetstream_client;
#[cfg(feature = "kafka")]
pub mod kafka_admin;
#[cfg(feature = "kafka")]
pub mod kafka_reader;
pub mod lean_client;
pub mod link;
pub mod metrics_page;
#[cfg(feature = "dns")]
pub mod name_server;
pub mod process;
pub mod nats_server;
pub mod kafka_server;
pub mod small_disk;

#[cfg(feature = "otlp")]
pub use collector::Collector;
pub use corpus::Corpus;
pub use fanjet_tools::setting;
pub use jetstream_client::JetstreamClient;
pub use kafka_server::KafkaServer;
pub use lean_client::LeanClient;
pub use link::{Link, LinkState};
#[cfg(feature = "dns")]
pub use name_server::NameServer;
pub use nats_server::NatsServer;
pub use process::Process;
pub use small_disk::SmallDisk;
