//! Close reasons: the one place where close codes and their texts are defined.

use std::borrow::Cow;

use bytes::Bytes;

use crate::websocket::{self, beginning};

pub use crate::websocket::{MAX_CLOSE_TEXT, cut};

/// Why a subscriber's connection ended. Codes are those of RFC 6455 section 7.4 and the IANA registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// This node is shutting down; another one continues at the same cursor.
    Draining,
    /// The connection reached the maximum age; a new one may reach another node.
    TooOld,
    /// The client read more slowly than events expire.
    FellBehind,
    /// The log that this node read was replaced; its positions are meaningless in the new one.
    LogReplaced,
    /// The log cannot be read at the client's position; later events can.
    LogDamaged {
        /// The first event that cannot be read.
        seq: u64,
    },
    /// A defect of ours; this node continues without the lost part.
    Internal,
    /// The client sent a message above the limit.
    MessageTooBig,
    /// The client sent a text message that cannot be parsed, with this error.
    BadMessage(Cow<'static, str>),
    /// The client requested options that are rejected, with this error.
    InvalidOptions(Cow<'static, str>),
    /// The client announced an options update with `requireHello` and never sent one.
    HelloTimeout,
    /// The client started a message and did not complete it in time.
    MessageTimeout,
    /// The memory for long messages is used up, on this node or for this client.
    InboundFull,
    /// The memory for long filters is used up, on this node or for this client.
    FiltersFull,
    /// The client sent a message where none is allowed.
    UnexpectedMessage,
    /// The client broke the WebSocket protocol.
    ProtocolError,
    /// The client sent nothing after a ping.
    PongTimeout,
    /// The client sent a close frame, with this code if it contained one.
    ClientClosed(Option<u16>),
    /// The client read nothing for too long and was cut off.
    Stalled,
    /// The socket ended without a close frame.
    ClientGone,
}

impl CloseReason {
    /// One of each, for the closed set of labels.
    pub const ALL: [Self; 19] = [
        Self::Draining,
        Self::TooOld,
        Self::FellBehind,
        Self::LogReplaced,
        Self::LogDamaged { seq: 0 },
        Self::Internal,
        Self::MessageTooBig,
        Self::BadMessage(Cow::Borrowed("")),
        Self::InvalidOptions(Cow::Borrowed("")),
        Self::HelloTimeout,
        Self::MessageTimeout,
        Self::InboundFull,
        Self::FiltersFull,
        Self::UnexpectedMessage,
        Self::ProtocolError,
        Self::PongTimeout,
        Self::ClientClosed(None),
        Self::Stalled,
        Self::ClientGone,
    ];

    /// The close code that is sent; `None` if the frame has none, or no frame is sent.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Draining | Self::TooOld => Some(1012),
            Self::FellBehind | Self::LogReplaced | Self::InboundFull | Self::FiltersFull => {
                Some(1013)
            }
            Self::LogDamaged { .. } | Self::Internal => Some(1011),
            Self::MessageTooBig => Some(1009),
            Self::BadMessage(_) => Some(1007),
            Self::InvalidOptions(_) | Self::HelloTimeout | Self::MessageTimeout => Some(1008),
            Self::ProtocolError => Some(1002),
            Self::PongTimeout | Self::UnexpectedMessage => Some(1008),
            Self::ClientClosed(code) => code.filter(|&code| is_sendable(code)),
            Self::Stalled | Self::ClientGone => None,
        }
    }

    /// The metric label: a closed set, stable across releases.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::TooOld => "too_old",
            Self::FellBehind => "fell_behind",
            Self::LogReplaced => "log_replaced",
            Self::LogDamaged { .. } => "log_damaged",
            Self::Internal => "internal",
            Self::MessageTooBig => "message_too_big",
            Self::BadMessage(_) => "bad_message",
            Self::InvalidOptions(_) => "invalid_options",
            Self::HelloTimeout => "hello_timeout",
            Self::MessageTimeout => "message_timeout",
            Self::InboundFull => "inbound_full",
            Self::FiltersFull => "filters_full",
            Self::UnexpectedMessage => "unexpected_message",
            Self::ProtocolError => "protocol_error",
            Self::PongTimeout => "pong_timeout",
            Self::ClientClosed(_) => "client_closed",
            Self::Stalled => "stalled",
            Self::ClientGone => "client_gone",
        }
    }

    /// The text that is sent. `resume` is the cursor (Unix microseconds, inclusive) with which a new connection misses
    /// nothing; it is included when the client lost its position because of us.
    pub fn text(&self, resume: Option<u64>) -> String {
        let words = match self {
            Self::Draining => "node shutting down, reconnect",
            Self::TooOld => "maximum connection age reached, reconnect",
            Self::FellBehind => "reading too slowly, events no longer retained",
            Self::LogReplaced => "the log was replaced, reconnect",
            Self::LogDamaged { seq } => &format!("the log is damaged at seq {seq}"),
            Self::Internal => "internal error, reconnect",
            Self::MessageTooBig => return "message too big".to_owned(),
            Self::BadMessage(words) | Self::InvalidOptions(words) => {
                return shortened(words).into_owned();
            }
            Self::HelloTimeout => {
                return "no options_update received in time (requireHello=true)".to_owned();
            }
            Self::MessageTimeout => "message not completed in time",
            Self::InboundFull => "too many long messages in progress, try again later",
            Self::FiltersFull => "too many long filters in use, try again later",
            Self::UnexpectedMessage => return "this endpoint takes no messages".to_owned(),
            Self::ProtocolError => return "protocol error".to_owned(),
            Self::PongTimeout => "ping timeout",
            Self::ClientClosed(_) | Self::Stalled | Self::ClientGone => return String::new(),
        };
        match resume {
            Some(cursor) => format!("{words}; resume with cursor={cursor}"),
            None => words.to_owned(),
        }
    }

    /// The finished close frame; `None` if no client can receive it.
    pub fn frame(&self, resume: Option<u64>) -> Option<Bytes> {
        self.is_deliverable()
            .then(|| websocket::close_frame(self.code(), &self.text(resume)))
    }

    /// Whether the client can receive the reason.
    pub fn is_deliverable(&self) -> bool {
        !matches!(self, Self::Stalled | Self::ClientGone)
    }
}

/// The text, cut to the size of a close frame with `...` at the end.
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_CLOSE_TEXT {
        return Cow::Borrowed(text);
    }
    Cow::Owned(beginning(text, MAX_CLOSE_TEXT - ELLIPSIS.len()).to_owned() + ELLIPSIS)
}

const ELLIPSIS: &str = "...";

/// Codes that may be sent in a frame: 1005, 1006 and 1015 are for local use only.
fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests;
