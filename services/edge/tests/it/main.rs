//! A started edge, spoken to by real WebSocket clients over a log that can be made to fail.

mod support;

mod delivery;
mod handshake;
mod lifecycle;
mod log_faults;
mod oracle;
mod slow_readers;
