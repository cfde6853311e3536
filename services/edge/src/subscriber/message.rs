//! The messages that a subscriber acts on, and who sends them.
//!
//! Events are none of them: the hub puts shared frames into the [outbox](crate::outbox::Outbox) and sends nothing. What else comes from
//! outside waits in places that hold one of each, so no mailbox can grow:
//!
//! | message | sender | where it waits |
//! |---|---|---|
//! | drain, expel | the hub | [`Outbox::close`](crate::outbox::Outbox::close): the first reason counts |
//! | page arrived | the replay desk | the feed's one awaited page |
//! | options update, ping, close | the client | unread, in the system's buffer; one long one while it is parsed |
//! | timer due | the subscriber's own clock | [`Deadlines`](super::deadlines::Deadlines) |

use fanjet_filter::{ClientMessage, MessageError};

use super::inbound::{Broken, Received};

/// What a subscriber handles, one at a time.
#[derive(Debug)]
pub(super) enum Message {
    /// From the client: a whole message or control frame.
    Received(Received),
    /// From the client: nothing that it sends can be read any more.
    Unreadable(Broken),
    /// From the thread that parses long messages; `None` when parsing panicked.
    Parsed(Option<Result<ClientMessage, MessageError>>),
    /// From its clock.
    Due(Timer),
}

/// What a subscriber's clock is set for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timer {
    /// It is time for a ping.
    Ping,
    /// The client had its time to answer this ping.
    PongCheck(u64),
    /// The client had its time to say what it wants.
    Hello,
    /// It is time to look how long nothing was sent.
    Heartbeat,
    /// The connection is as old as it may become.
    MaxAge,
    /// The client had its time to end the connection.
    Linger,
}
