//! The bytes on a client's socket.
//!
//! Pure: bytes in, bytes out. This crate must never open a socket, depend on filters or read a clock.

pub mod v1;
pub mod envelope;
pub mod heartbeat;
pub mod websocket;
pub mod zstd;
pub mod v0;
pub mod v2c;
pub mod close;
pub mod v2;
pub mod stream;
