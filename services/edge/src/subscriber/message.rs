//! The messages that a subscriber handles, and their senders.
//!
//! Events are not messages: the hub pushes shared frames into the [outbox](crate::outbox::Outbox) and sends nothing. Each other
//! input waits in a place that holds one of its kind, so no mailbox can grow:
//!
//! | message | sender | where it waits |
//! |---|---|---|
//! | drain, disconnect | the hub | [`Outbox::close`](crate::outbox::Outbox::close): the first reason counts |
//! | page arrived | the loader | the feed's one requested page |
//! | options update, ping, close | the client | unread, in the kernel's buffer; one long message while it is parsed |
//! | timer due | the subscriber's timers | [`Deadlines`](super::deadlines::Deadlines) |

use fanjet_filter::{ClientMessage, MessageError};

use super::inbound::{ReceiveError, Received};

/// What a subscriber handles, one at a time.
#[derive(Debug)]
pub(super) enum Message {
    /// From the client: a whole message or control frame.
    Received(Received),
    /// From the client: its input can no longer be read.
    Unreadable(ReceiveError),
    /// From the thread that parses long messages; `None` when parsing panicked.
    Parsed(Option<Result<ClientMessage, MessageError>>),
    /// From its timers.
    Due(Timer),
}

/// The timers of a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// Send a ping.
    Ping,
    /// The client's deadline to answer this ping.
    PongCheck(u64),
    /// The client's deadline for its hello.
    Hello,
    /// Check whether a heartbeat is due.
    Heartbeat,
    /// The connection has reached its maximum age.
    MaxAge,
    /// The client's deadline to end the connection.
    Linger,
}
