//! How raw connections end. Never with 1000 or 1001: clients take those for the proper end of the stream, and stop for
//! good.

use bytes::Bytes;
use fanjet_wire::close::CloseReason;
use fanjet_wire::websocket::close_frame;

use super::control;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseCause {
    /// This node is shutting down.
    Draining,
    /// The cursor is not a number that a frame can have.
    InvalidCursor,
    /// The cursor is far above the newest frame, which is this one.
    FutureCursor { newest: u64 },
    /// The frames at the client's position have expired.
    ConsumerTooSlow,
    /// Another log is at the place of the one that was read.
    LogReplaced,
    /// The log cannot be read at the client's position.
    LogDamaged,
    /// The client sent a message above the limit.
    MessageTooBig,
    /// The client broke the WebSocket protocol, or sent too slowly.
    ProtocolError,
    /// The client did not answer a ping.
    PongTimeout,
    /// The client sent a close frame.
    ClientClosed(Option<u16>),
    /// The socket ended.
    ClientGone,
}

impl CloseCause {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::InvalidCursor => "invalid_cursor",
            Self::FutureCursor { .. } => "future_cursor",
            Self::ConsumerTooSlow => "consumer_too_slow",
            Self::LogReplaced => "log_replaced",
            Self::LogDamaged => "log_damaged",
            Self::MessageTooBig => "message_too_big",
            Self::ProtocolError => "protocol_error",
            Self::PongTimeout => "pong_timeout",
            Self::ClientClosed(_) => "client_closed",
            Self::ClientGone => "client_gone",
        }
    }

    /// The error frame before the close frame, for clients that cannot continue as they are.
    pub(crate) fn error(self) -> Option<Bytes> {
        match self {
            Self::InvalidCursor => Some(control::error(
                "InvalidRequest",
                "cursor must be a decimal number below 2^53",
            )),
            Self::FutureCursor { newest } => Some(control::error(
                "FutureCursor",
                &format!("Cursor in the future: the newest event is {newest}"),
            )),
            Self::ConsumerTooSlow => Some(control::error(
                "ConsumerTooSlow",
                "the events after your position have expired",
            )),
            _ => None,
        }
    }

    /// The close frame; `None` if the client can receive none.
    pub(crate) fn close(self) -> Option<Bytes> {
        let (code, text) = match self {
            Self::Draining => (1012, "restarting"),
            Self::InvalidCursor => (1008, "InvalidRequest"),
            Self::FutureCursor { .. } => (1008, "FutureCursor"),
            Self::ConsumerTooSlow => (1008, "ConsumerTooSlow"),
            Self::LogReplaced => (1012, "the log was replaced"),
            Self::LogDamaged => (1011, "the log is damaged at this position"),
            Self::MessageTooBig => (1009, "message too big"),
            Self::ProtocolError => (1002, "protocol error"),
            Self::PongTimeout => (1008, "ping timeout"),
            Self::ClientClosed(code) => return CloseReason::ClientClosed(code).frame(None),
            Self::ClientGone => return None,
        };
        Some(close_frame(Some(code), text))
    }
}
