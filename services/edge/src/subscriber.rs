//! One connection: what waits for its socket, who writes it, and its control traffic.

mod control;
mod outbox;

mod throttle;
mod feed;

mod body;

mod inbound;
mod age;
mod liveness;
mod silence;

mod session;

pub use feed::Feed;
pub use outbox::{Chunk, Line, Outbox, Push, Take, Written};

pub(crate) use age::Ages;
pub(crate) use body::{body, socket_body};
pub(crate) use control::greeting;
pub(crate) use inbound::{Allowed, Inbound, Patience};
pub(crate) use session::{MAX_BYTES_READ_HERE, Session};
