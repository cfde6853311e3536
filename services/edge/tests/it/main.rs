//! A started edge, spoken to by real WebSocket clients over a log that can be made to fail.

mod support;

mod delivery;
mod handshake;
mod slow_readers;
mod log_faults;
mod lifecycle;
mod oracle;
