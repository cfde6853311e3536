//! The real binary between a simulated firehose and real WebSocket clients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a long one tells how far it is"
)]

mod rig;
mod stand_in;

mod settings;
mod output;
mod serve;
mod restarts;
mod absurd_seqs;
mod expired;
mod damaged;
mod full_disk;
mod removed;
mod ingest;
#[cfg(feature = "kafka")]
mod kafka;
mod tail;
mod client;
mod demo;
mod freshness;
mod least_privilege;
mod read_only;
mod health;
mod not_writable;
mod strays;
mod traces;
mod visits;
mod memory;
