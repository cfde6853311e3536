//! The whole of producing between a log and a real Kafka broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod judge;
mod rig;

mod faithful;
mod positions;
mod topics;
mod letters;
mod trouble;
mod security;
mod osprey;
mod enriched;
mod process;
mod kills;
