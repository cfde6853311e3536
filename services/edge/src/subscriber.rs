//! One connection: who writes to its socket, and its control traffic.

mod throttle;
mod feed;

mod body;

mod inbound;
mod age;
mod liveness;
mod silence;

mod session;

pub use feed::Feed;

pub(crate) use age::Ages;
pub(crate) use body::{body, socket_body};
pub(crate) use inbound::{Allowed, InboundLimits, Patience};
pub(crate) use session::{MAX_BYTES_READ_HERE, Served, Session, SessionConfig, SessionContext};
