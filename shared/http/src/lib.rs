//! HTTP rules shared by every server of Fanjet.
//!
//! A connection carries one request: bytes behind it are neither decoded nor kept, so a client cannot queue requests
//! behind a response that never ends, and no second request needs a deadline. Methods and versions of HTTP have the
//! same meaning on every path of every port.
//!
//! This crate must never know what is served, nor how connections are counted.

mod io;
mod tls;

mod gate;
mod head;
mod wire;

mod semantics;
mod paths;

mod server;

pub use gate::Gate;
pub use paths::{Paths, allow, get};
pub use semantics::semantics;
pub use server::{Listening, RECEIVE_BUFFER, Setup, listen};
pub use tls::{Tls, TlsError};
pub use wire::Wire;
