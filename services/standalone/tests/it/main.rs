//! The real binary between a simulated firehose and real WebSocket clients.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
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
mod kafka;
mod tail;
mod client;
mod demo;
mod freshness;
mod least_privilege;
mod health;
mod not_writable;
mod strays;
mod traces;
mod visits;
mod memory;
