//! One connection: what waits for its socket, who writes it, and its control traffic.

mod body;
mod feed;
mod inbound;
mod liveness;
mod outbox;
mod session;

pub use feed::Feed;
pub use outbox::{Chunk, Outbox, Push, Take};

pub(crate) use body::body;
pub(crate) use inbound::Inbound;
pub(crate) use session::Session;
