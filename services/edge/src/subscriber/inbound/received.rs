//! The results of reading from a client.

use bytes::Bytes;

/// A whole message or control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(Bytes),
    Binary,
    Ping(Bytes),
    Pong,
    Close(Option<u16>),
}

/// Why nothing more can be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiveError {
    TooBig,
    NoRoom,
    TooSlow,
    Protocol,
    Gone,
}
