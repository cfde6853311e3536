//! From the log to subscribers: one reader of the log per process, one hub per worker, one subscriber per socket.
//!
//! The path of an event through this crate:
//!
//! 1. [`tail`]: the feeder follows the log and fills a byte-bounded ring of shared entries; each holds the finished WebSocket
//!    frame.
//! 2. [`replay`]: events that the ring no longer holds, in pages from the log that replaying subscribers share.
//! 3. [`hub`]: on every worker thread one hub reads the ring at its own position, routes a batch through an inverted index and
//!    gives each lane (all subscribers with the same filter) one shared chunk.
//! 4. [`outbox`] queues these chunks for a connection, and its [`subscriber`], which owns the socket, writes them. A
//!    subscriber that cannot keep up, or starts at a cursor, reads the log and the ring at its own pace until it has caught
//!    up.
//!
//! [`raw`] does the same for whole frames of the firehose: its own ring, pages and subscribers, without filters.
//!
//! `http` accepts clients, and `sockets` disconnects clients that read nothing. Nothing here may decode a record, allocate per
//! event and subscriber, or send an event through a mailbox.
//!
//! A module imports only from the modules listed before it.

mod error;
pub mod config;
mod settings;

mod readiness;
mod shutdown;
mod refusal;
pub mod metrics;
mod damage;

mod limits;
pub mod tail;
mod probe;
pub mod replay;
pub mod outbox;
pub mod hub;
mod sockets;
pub mod subscriber;
mod raw;
mod upstream_api;
mod status;
mod http;

mod node;
mod edge;
mod process;

#[cfg(feature = "simulation")]
pub mod simulated;

pub use config::EdgeConfig;
pub use edge::{Edge, EdgeHandle};
pub use error::EdgeError;
pub use node::{EdgeDeps, LabelsLog, OtherLogs};
pub use process::serve;
pub use readiness::{NotReady, Readiness};
pub use settings::EdgeSettings;

#[cfg(test)]
#[path = "../tests/it/support/events.rs"]
#[allow(
    dead_code,
    reason = "shared with the integration tests, which use more of it"
)]
mod events;
