//! The whole of ingest between a simulated firehose and a log in memory, compared with the simulator's own account of
//! what a correct consumer makes of its frames.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;
mod exactly_once;
mod relays;
mod scripted_upstream;

mod completeness;
mod hostile_frames;
mod interruptions;
mod connections;
mod failover;
mod late_events;
mod empty_logs;
mod renumbered;
mod renumbered_often;
mod upstream_notices;
mod filters;
mod freshness;
mod back_pressure;
mod leadership;
mod directory;
mod verification;
mod raw;
