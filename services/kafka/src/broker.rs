//! Everything that talks to Kafka.
//!
//! Calls of the client library that wait are made on the blocking pool, with a limit for each.

mod settings;
mod blocking;
mod context;
mod topics;
mod position;
mod producer;

pub(crate) use context::{ClientEvents, Status};
pub(crate) use position::{Position, PositionKeeper};
pub(crate) use producer::{Message, Producer, Refusal};
pub(crate) use topics::{Routes, ensure_topics};
