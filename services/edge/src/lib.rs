//! Log to subscribers: one reader of the log per process, one hub per worker, one body per socket.
//!
//! An event's way through this crate:
//!
//! 1. [`tail`]: the feeder follows the log and fills a byte-bounded ring of shared entries; each holds the finished
//!    WebSocket frame.
//! 2. [`replay`]: what the ring no longer holds, in pages from the log that replaying subscribers share.
//! 3. [`hub`]: on every worker thread one hub pulls from the ring at its own position, routes a batch through an
//!    inverted index and hands each lane (all subscribers with the same filter) one shared piece of bytes.
//! 4. [`subscriber`]: the outbox of a connection queues these pieces; its body gives them to the socket. One that
//!    cannot keep up, or starts at a cursor, reads the log and the ring by its own position until it has caught up.
//!
//! `http` lets clients in, `sockets` ends the connections of those who take nothing. Nothing here may decode a record, allocate per event and subscriber, or send an
//! event through a mailbox.

pub mod config;
mod settings;

pub mod tail;
pub mod replay;
pub mod hub;
pub mod subscriber;
mod limits;
mod status;
mod sockets;
mod http;

mod edge;
mod ending;
mod readiness;
pub mod metrics;
mod error;

pub use config::EdgeConfig;
pub use edge::{Edge, EdgeHandle, Surroundings};
pub use error::EdgeError;
pub use readiness::{NotReady, Readiness};
pub use settings::EdgeSettings;

#[cfg(test)]
#[path = "../tests/it/support/events.rs"]
#[allow(
    dead_code,
    reason = "shared with the integration tests, which use more of it"
)]
mod events;
