//! A WebSocket client that no server can make hold more than its bounds.
//!
//! A server's bytes pass a [`Sieve`], which lets no message above the bound through to what collects messages; ours leave
//! by way of [`Outbound`], which ends the connection when too much waits for a server that does not read. Pings, closes
//! and reconnects are the caller's to decide, and so is whether redirects are followed.

mod outbound;
mod sieve;
mod connect;

pub use connect::{Socket, connect};
pub use outbound::{NotReading, Outbound, is_not_reading};
pub use sieve::{PlaceOf, Sieve, Skipped};
pub use tokio_tungstenite::tungstenite;
