//! HTTP rules shared by every server of Fanjet.
//!
//! A connection carries one request: bytes behind it are neither decoded nor kept, so a client cannot queue requests
//! behind a response that never ends, and no second request needs a deadline. Methods and versions of HTTP have the
//! same meaning on every path of every port.
//!
//! A connection whose response never ends leaves the HTTP server: behind the head of the response it is
//! [handed over](Gate::hand_over), and no state of HTTP is kept for it.
//!
//! This crate must never know what is served, nor how connections are counted.

mod io;
mod tls;
mod chunk;

mod takeover;
mod gate;
mod head;
mod wire;

mod semantics;
mod paths;

mod server;

pub use chunk::chunk;
pub use gate::Gate;
pub use io::Io;
pub use paths::{Paths, allow, get};
pub use semantics::semantics;
pub use server::{Listening, RECEIVE_BUFFER, Setup, listen};
pub use takeover::{Takeover, Upgraded};
pub use tls::{Tls, TlsError};
pub use wire::Wire;
