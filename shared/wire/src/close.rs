//! Why a connection ends: the one place where close codes and their words are spelled.

use std::borrow::Cow;

use bytes::Bytes;

use crate::websocket::{self, beginning};

pub use crate::websocket::{MAX_CLOSE_TEXT, cut};

/// Why a subscriber's connection ended. Codes are those of RFC 6455 section 7.4 and the IANA registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// This node shuts down; another one continues with the same cursor.
    Draining,
    /// The connection is as old as this node lets one become; a new one may find another node.
    TooOld,
    /// The client read more slowly than this node forgets.
    FellBehind,
    /// Another log stands where the one was that this node read; positions in that one mean nothing any more.
    LogReplaced,
    /// The log cannot be read where the client would go on; what stands behind it can.
    LogDamaged {
        /// The first event that cannot be read.
        seq: u64,
    },
    /// A defect of ours; this node goes on without what was lost.
    Internal,
    /// The client sent a message above the limit.
    MessageTooBig,
    /// The client sent a text message that cannot be read, in these words.
    BadMessage(Cow<'static, str>),
    /// The client asked for options that are refused, in these words.
    InvalidOptions(Cow<'static, str>),
    /// The client announced an options update with `requireHello` and never sent one.
    HelloTimeout,
    /// The client began a message and did not end it in time.
    MessageTimeout,
    /// There is no memory left for long messages, on this node or for this client.
    InboundFull,
    /// There is no memory left for long filters, on this node or for this client.
    FiltersFull,
    /// The client broke the WebSocket protocol.
    ProtocolError,
    /// The client showed no sign of life after a ping.
    PongTimeout,
    /// The client sent a close frame, with this code if it named one.
    ClientClosed(Option<u16>),
    /// The client took nothing for so long that it was cut off.
    Stalled,
    /// The socket ended without a close frame.
    ClientGone,
}

impl CloseReason {
    /// One of each, for whoever needs the closed set of labels.
    pub const ALL: [Self; 18] = [
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
        Self::ProtocolError,
        Self::PongTimeout,
        Self::ClientClosed(None),
        Self::Stalled,
        Self::ClientGone,
    ];

    /// The close code that is sent; `None` when the frame carries none, or there is no frame at all.
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
            Self::PongTimeout => Some(1008),
            Self::ClientClosed(code) => code.filter(|&code| is_sendable(code)),
            Self::Stalled | Self::ClientGone => None,
        }
    }

    /// The metric label: a closed set, stable over releases.
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
            Self::ProtocolError => "protocol_error",
            Self::PongTimeout => "pong_timeout",
            Self::ClientClosed(_) => "client_closed",
            Self::Stalled => "stalled",
            Self::ClientGone => "client_gone",
        }
    }

    /// The words that are sent. `resume` is the cursor (Unix microseconds, inclusive) with which a new
    /// connection misses nothing; it is named where the client lost its place through us.
    pub fn text(&self, resume: Option<u64>) -> String {
        let words = match self {
            Self::Draining => "node shutting down, reconnect",
            Self::TooOld => "connection as old as it may become, reconnect",
            Self::FellBehind => "reading too slowly, events no longer retained",
            Self::LogReplaced => "the log was replaced, reconnect",
            Self::LogDamaged { seq } => &format!("the log is damaged at seq {seq}"),
            Self::Internal => "internal error, reconnect",
            Self::MessageTooBig => return "message too big".to_owned(),
            Self::BadMessage(words) | Self::InvalidOptions(words) => {
                return shortened(words).into_owned();
            }
            Self::HelloTimeout => {
                return "no options_update in time, which requireHello=true announced".to_owned();
            }
            Self::MessageTimeout => "message not sent whole in time",
            Self::InboundFull => "no room for long messages now, try again later",
            Self::FiltersFull => "no room for long filters now, try again later",
            Self::ProtocolError => return "protocol error".to_owned(),
            Self::PongTimeout => "no answer to ping",
            Self::ClientClosed(_) | Self::Stalled | Self::ClientGone => return String::new(),
        };
        match resume {
            Some(cursor) => format!("{words}; resume with cursor={cursor}"),
            None => words.to_owned(),
        }
    }

    /// The finished close frame; `None` when there is nobody to send it to.
    pub fn frame(&self, resume: Option<u64>) -> Option<Bytes> {
        self.is_told()
            .then(|| websocket::close_frame(self.code(), &self.text(resume)))
    }

    /// Whether there is anybody who would hear of it.
    pub fn is_told(&self) -> bool {
        !matches!(self, Self::Stalled | Self::ClientGone)
    }
}

/// The text, or as much of its beginning as fits into a close frame with `...` behind it.
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_CLOSE_TEXT {
        return Cow::Borrowed(text);
    }
    Cow::Owned(beginning(text, MAX_CLOSE_TEXT - ELLIPSIS.len()).to_owned() + ELLIPSIS)
}

const ELLIPSIS: &str = "...";

/// Codes that may stand in a frame: 1005, 1006 and 1015 only exist for local use.
fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests;
