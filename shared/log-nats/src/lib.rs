//! The event log on NATS JetStream: one stream, one subject per collection, one message per event.
//!
//! The message body is the event's JSON and nothing else, so a plain NATS client can read it; the one header of our
//! own carries the origin. A seq is the stream sequence. Rules that the rest rests on:
//!
//! - The stream keeps every message until age or size takes the oldest, so its sequences are contiguous and a missing
//!   one is a gap. [`NatsLog::connect`] refuses a stream that is set up otherwise.
//! - Every publish is fenced, and a rejected one takes everything behind it along (see `append.rs`).
//! - Nothing here trusts a silent server: every wait has a deadline, every follow a heartbeat.
//!
//! This crate must never look into a body, except at its beginning for the log time.

mod headers;
mod config;
mod error;
mod subject;

mod connect;
mod stream;
mod pinned;
mod stretches;
mod passed;
mod reads;
mod raw;
mod deleted;
mod allotment;
mod spread;
mod direct;
mod entry;
mod inner;

mod append;

mod delivery;
mod consumer;
mod filling;
mod careful;
mod follow;
mod replay;
mod read;
mod newest;
mod seek;

mod lease;

mod log;
mod bucket_keys;
mod notices;
mod bookmarks;
mod raw_log;

mod prepare;

pub use bookmarks::NatsBookmarks;
pub use config::{Compression, Content, NatsConfig, ServerUrl, Storage, StreamConfig};
pub use lease::NatsLease;
pub use log::NatsLog;
pub use notices::NatsClusterState;
pub use prepare::{Prepared, prepare, prepare_patiently};
pub use raw_log::raw_log;
pub use spread::Spread;
