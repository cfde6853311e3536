//! One connection after its HTTP head: the actor that owns its socket.
//!
//! A subscriber is one task with one state. It reads what its client sends, writes what its [`Feed`] yields, and handles
//! [messages](message) one at a time. Its states:
//!
//! - *awaiting hello*: it connected with `requireHello=true` and receives nothing before its first options update;
//! - *catching up* and *live*: its shard knows where its events come from ([`hub`](crate::hub));
//! - *draining*: a close frame is queued, and everything before it is still written;
//! - *closing*: everything is written, its slot is free, and the client may answer and disconnect;
//! - *closed*: the task and its socket end.
//!
//! Nothing here may copy or join events, keep a buffer for an idle client, or write into a partly written frame.

mod throttle;
mod feed;

mod inbound;
mod max_age;
mod liveness;
mod heartbeat_timer;

mod context;

mod message;
mod deadlines;
mod client;
mod write_queue;
mod input_signal;

mod connection;

pub use feed::Feed;

pub(crate) use connection::{Joined, Kind, Subscriber};
pub(crate) use context::{SubscriberContext, Timeouts};
pub(crate) use inbound::{
    Allowed, Inbound, InboundLimits, MessageDeadline, ReceiveError, Received,
};
pub(crate) use max_age::MaxAge;
pub(crate) use throttle::Throttle;
pub(crate) use write_queue::WriteQueue;

/// Longer messages are parsed on another thread, while this one serves its subscribers.
pub(crate) const MAX_BYTES_READ_HERE: usize = 16 << 10;
