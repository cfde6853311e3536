//! Log to subscribers: one reader of the log per process, one hub per worker, one subscriber per socket.
//!
//! An event's way through this crate:
//!
//! 1. [`tail`]: the feeder follows the log and fills a byte-bounded ring of shared entries; each holds the finished
//!    WebSocket frame.
//! 2. [`replay`]: what the ring no longer holds, in pages from the log that replaying subscribers share.
//! 3. [`hub`]: on every worker thread one hub pulls from the ring at its own position, routes a batch through an
//!    inverted index and hands each lane (all subscribers with the same filter) one shared piece of bytes.
//! 4. [`outbox`] queues these pieces for a connection, and its [`subscriber`], which owns the socket, writes them. One that
//!    cannot keep up, or starts at a cursor, reads the log and the ring by its own position until it has caught up.
//!
//! `http` lets clients in, `sockets` ends the connections of those who take nothing. Nothing here may decode a record,
//! allocate per event and subscriber, or send an event through a mailbox.
//!
//! A module imports from those that stand before it, and from no other.

mod error;
pub mod config;
mod settings;

mod readiness;
mod ending;
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
mod status;
mod http;

mod edge;
mod process;

pub use config::EdgeConfig;
pub use edge::{Edge, EdgeHandle, Surroundings};
pub use error::EdgeError;
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
