//! What is wrong with a client's options. Always the client's fault; the same options never work later.

use thiserror::Error;

use crate::{List, MAX_FILTER_BYTES, Parameter};

/// The longest heartbeat; the shortest is one second.
pub const MAX_HEARTBEAT_SECONDS: u64 = 300;

/// Refused options. The texts begin with the words of Jetstream v1 and go on with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A `cursor` that is no number.
    #[error(
        "invalid cursor: {0} (allowed: a decimal number, the time_us of the last event received)"
    )]
    Cursor(String),
    /// A value that its list does not take.
    #[error("invalid {}: {value} (allowed: {})", list.one(), list.allowed())]
    Value {
        /// Whose value it is.
        list: List,
        /// The value's beginning.
        value: String,
    },
    /// More different values than one subscriber may name.
    #[error("too many {list}: {count} > {}", list.max())]
    TooMany {
        /// Whose values they are.
        list: List,
        /// How many different ones were named.
        count: usize,
    },
    /// More values than are looked at, however many of them are equal.
    #[error("too many {0}: more than {max} values, repeated ones included", max = .0.max_values())]
    TooManyValues(List),
    /// Values that are too long, all different ones together.
    #[error("too long values: {0} bytes > {MAX_FILTER_BYTES}, all different ones together")]
    TooLong(usize),
    /// A `heartbeat` out of range.
    #[error("invalid heartbeat: {0} (allowed: whole seconds from 1 to {MAX_HEARTBEAT_SECONDS})")]
    Heartbeat(String),
    /// A condition in the URL of a request whose body is the filter.
    #[error(
        "{} belongs into the body of a POST (allowed in its URL: cursor, lastEventId, format, heartbeat)", .0.name()
    )]
    BesideBody(Parameter),
    /// A `format` that does not exist.
    #[error("invalid format: {0} (allowed: v1, v0)")]
    Format(String),
    /// The original wire and compression together.
    #[error(
        "format=v0 cannot be compressed (allowed: format=v0 without compress=true and Socket-Encoding, or format=v1)"
    )]
    CompressedV0,
    /// A `format` that a stream over plain HTTP does not have.
    #[error("invalid format: {0} (allowed: sse, ndjson)")]
    StreamFormat(String),
    /// What only makes sense on a WebSocket, asked for over plain HTTP.
    #[error("{0} is for WebSockets only (allowed: /events without it, or /subscribe)")]
    SocketOnly(&'static str),
    /// A `Last-Event-ID` that no event has.
    #[error("invalid Last-Event-ID: {0} (allowed: the id of the last event received, its time_us)")]
    LastEventId(String),
}

impl OptionsError {
    /// How much of a refused value an error shows in bytes: it came from a stranger.
    pub const SHOWN: usize = 256;

    /// The whole text that a client gets: v1 names the kind of failure first, but not for a cursor.
    pub fn answer(&self) -> String {
        match self {
            Self::Cursor(_) | Self::LastEventId(_) => self.to_string(),
            _ => format!("invalid subscriber options: {self}"),
        }
    }

    pub(crate) fn value(list: List, value: &str) -> Self {
        Self::Value {
            list,
            value: Self::shown(value),
        }
    }

    pub(crate) fn shown(value: &str) -> String {
        let end = (0..=value.len().min(Self::SHOWN))
            .rev()
            .find(|&end| value.is_char_boundary(end))
            .unwrap_or(0);
        value[..end].to_owned()
    }
}

/// A refused text message. The connection that sent it cannot go on: what its client wants is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not a JSON object with a text as `type`.
    #[error("bad SubscriberSourcedMessage envelope")]
    Envelope,
    /// An `options_update` whose payload is missing or has values of wrong types.
    #[error("bad options_update payload")]
    Payload,
    /// An `options_update` whose values are refused.
    #[error("{}", .0.answer())]
    Options(#[from] OptionsError),
}
