//! A WebSocket client with bounded memory, whatever the server sends.
//!
//! Input passes a [`Sieve`], which removes messages above the limit before the WebSocket library collects them; output
//! passes [`Outbound`], which ends the connection when too much waits for a server that does not read. Pings, closes,
//! reconnects and redirects are up to the caller.

mod outbound;
mod sieve;
mod dial;
mod connect;

pub use connect::{Socket, connect, connect_over};
pub use dial::{ByteStream, Dial, Dialing, Tcp, TcpAt};
pub use outbound::{NotReading, Outbound, is_not_reading};
pub use sieve::{PlaceOf, Sieve, Skipped};
pub use tokio_tungstenite::tungstenite;
