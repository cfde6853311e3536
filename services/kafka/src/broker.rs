//! Everything that talks to Kafka.
//!
//! Blocking calls of the client library run on the blocking pool, each with a time limit.

mod settings;
mod blocking;
mod context;
mod topics;
mod position;
mod producer;

pub(crate) use context::{ClientEvents, Status};
pub(crate) use position::{Position, PositionStore};
pub(crate) use producer::{Message, Producer, Refusal};
pub(crate) use topics::{Routes, ensure_topics};
