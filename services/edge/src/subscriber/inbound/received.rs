//! What comes of the bytes that a client sends.

use bytes::Bytes;

/// A whole message, or what takes its place.
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
pub(crate) enum Broken {
    TooBig,
    NoRoom,
    TooSlow,
    Protocol,
    Gone,
}
