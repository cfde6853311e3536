//! Watches the sockets of a node independently of their tasks: the futures of a stuck connection are not polled.

mod socket;

mod write_stalls;

pub(crate) use socket::Socket;
pub(crate) use write_stalls::{WatchedSocket, WriteStalls};
