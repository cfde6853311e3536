//! A swarm of clients for any Jetstream server, cheap enough not to be what limits the server.
//!
//! Most connections are only counted: read into a shared buffer, frame by frame, without looking into an event. Some are
//! checked in full: order, repetition, JSON, filter, latency, and, against one unfiltered stream of the same
//! server, whether anything is missing. This crate must never know how a server works inside: it speaks the protocol alone.

mod error;

// What is asked for.
mod mix;
mod plan;
mod opening;
mod limits;

// What goes over a socket.
mod target;

// What is found in a stream.
mod report;
mod account;
mod sample;
mod reference;

mod scout;

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
pub use report::{Connections, Latency, Report, Sampled, Window};
pub use scout::scout;
pub use swarm::{Conductor, Moment, Progress, run};
pub use target::{Answer, Target, answer};
