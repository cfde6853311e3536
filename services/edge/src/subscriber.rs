//! One connection behind its HTTP head: the actor that owns its socket.
//!
//! A subscriber is one task with one state. It reads what its client sends, writes what its [`Feed`] has, and acts on
//! [messages](message), one at a time. Its life:
//!
//! - *awaiting hello*: connected with `requireHello=true`, it gets nothing before it says what it wants;
//! - *catching up* and *live*: where its events come from, which its shard knows ([`hub`](crate::hub));
//! - *draining*: a close frame is queued, and what was queued before is still written;
//! - *closing*: everything is written, and the client may answer and go; nothing is counted for it any more;
//! - *closed*: the task ends, and the socket with it.
//!
//! Nothing here may copy or join events, keep a buffer for a client that sends nothing and has everything, or write anything into
//! a frame that is written in part.

mod throttle;
mod feed;

mod inbound;
mod age;
mod liveness;
mod silence;

mod context;

mod message;
mod deadlines;
mod client;
mod sending;

mod connection;

pub use feed::Feed;

pub(crate) use age::Ages;
pub(crate) use connection::{Joined, Kind, Subscriber};
pub(crate) use context::{SubscriberContext, Timeouts};
pub(crate) use inbound::{Allowed, InboundLimits, Patience};

/// Longer messages are parsed on another thread: this one has other subscribers to serve meanwhile.
pub(crate) const MAX_BYTES_READ_HERE: usize = 16 << 10;
