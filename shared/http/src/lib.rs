//! How every HTTP server of Fanjet reads requests and answers them.
//!
//! A connection carries one request: what a client sends behind it is neither decoded nor kept, so nobody can queue requests
//! behind an answer that never ends, and no second request needs a deadline. The methods and versions of HTTP mean the same
//! on every path of every port.
//!
//! Nothing here knows what is served, or whom a connection is counted for.

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
