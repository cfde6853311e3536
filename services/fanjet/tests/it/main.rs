//! The real binary between a simulated firehose and real WebSocket clients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a long one prints its progress"
)]

mod harness;
mod scripted_server;

mod settings;
mod output;
mod serve;
mod restarts;
mod absurd_seqs;
mod expired_log;
mod damaged_segments;
mod full_disk;
mod removed_folder;
mod ingest;
#[cfg(feature = "kafka")]
mod kafka;
mod tail;
mod v2;
mod client;
mod demo;
mod freshness;
mod least_privilege;
mod read_only;
mod attacks;
mod health;
mod not_writable;
mod foreign_messages;
mod traces;
mod healthcheck;
mod memory;
mod descriptors;
mod raw;
mod restored;
mod regions;
mod labels;
