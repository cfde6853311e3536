//! The whole of producing between a log and a real Kafka broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and a long one tells how far it is"
)]

mod judge;
mod directory;
mod rig;

mod faithful;
mod positions;
mod robbed;
mod topics;
mod letters;
mod trouble;
mod security;
mod osprey;
mod enriched;
mod strangers;
