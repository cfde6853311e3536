//! Everything in one process, and a client for the terminal.
//!
//! [`serve`] is ingest and edge over one log, the same code as in the cluster; [`demo`] puts a simulated firehose in
//! front of it; [`prepare`] creates a cluster's streams and buckets in NATS; [`tail`] is a client for any Jetstream
//! server and independent of the others.

mod terminal;
mod pretty;
pub mod tail;

pub mod serve;
#[cfg(feature = "demo")]
pub mod demo;

pub mod prepare;
