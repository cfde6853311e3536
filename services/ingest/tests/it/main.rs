//! The whole of ingest between a simulated firehose and a log in memory, compared with the simulator's own account of
//! what a correct consumer makes of its frames.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod rig;
mod once;
mod relays;
mod scripted;

mod faithful;
mod hostile_frames;
mod interruptions;
mod connections;
mod failover;
mod late;
mod quiet;
mod renumbered;
mod renumbered_often;
mod notices;
mod filtered;
mod freshness;
mod back_pressure;
mod turns;
mod directory;
mod verified;
