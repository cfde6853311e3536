//! The producer between a log and a real Kafka broker.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and a long one prints its progress"
)]

mod comparison;
mod directory;
mod harness;

mod completeness;
mod positions;
mod deleted_positions;
mod topics;
mod dead_letters;
mod outages;
mod security;
mod osprey;
mod enrichment;
mod untrusted_hosts;
