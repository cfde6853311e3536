//! A load generator for any Jetstream server, cheap enough not to limit the server.
//!
//! Most connections are only counted: read into a shared buffer, frame by frame, without parsing events. Some are
//! checked in full: order, repetition, JSON, filter, latency, and, against one unfiltered stream of the same server,
//! missing events. This crate must never know how a server works inside: it only speaks the protocol.

mod error;

// The request.
mod mix;
mod plan;
mod opening;
mod limits;

// The bytes on a socket.
mod target;

// The checks of a stream.
mod report;
mod expected;
mod sample;
mod reference;

mod probe;

// The run.
mod shared;
mod schedule;
mod connection;
mod worker;
mod swarm;

// Events without a firehose.
mod feed;

pub use error::SwarmError;
pub use feed::Feed;
pub use mix::{Kind, Mix, World};
pub use plan::{Count, Plan};
pub use probe::probe;
pub use report::{Connections, Latency, Report, Sampled, Window};
pub use swarm::{Conductor, Moment, Progress, run};
pub use target::{Handshake, Target, answer};
