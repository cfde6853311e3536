//! Errors in a client's options. Always the client's fault; the same options never work later.

use thiserror::Error;

use crate::{List, MAX_FILTER_BYTES, Parameter};

/// The longest heartbeat; the shortest is one second.
pub const MAX_HEARTBEAT_SECONDS: u64 = 300;

/// The longest time in milliseconds that events may wait for others.
pub const MAX_DELAY_MS: u64 = 1000;

/// Rejected options. The texts start as in Jetstream v1 and end with what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OptionsError {
    /// A `cursor` that is not a number.
    #[error(
        "invalid cursor: {0} (allowed: a decimal number, the time_us of the last event received)"
    )]
    Cursor(String),
    /// A value that its list does not accept.
    #[error("invalid {}: {value} (allowed: {})", list.one(), list.allowed())]
    Value {
        /// The list.
        list: List,
        /// The start of the value.
        value: String,
    },
    /// More different values than one subscriber may use.
    #[error("too many {list}: {count} > {}", list.max())]
    TooMany {
        /// The list.
        list: List,
        /// The number of different values.
        count: usize,
    },
    /// More values than are read, equal ones included.
    #[error("too many {0}: more than {max} values, repeated ones included", max = .0.max_values())]
    TooManyValues(List),
    /// Values that are too long in total, each different one counted once.
    #[error("too long values: {0} bytes > {MAX_FILTER_BYTES}, all different ones together")]
    TooLong(usize),
    /// A `heartbeat` out of range.
    #[error("invalid heartbeat: {0} (allowed: whole seconds from 1 to {MAX_HEARTBEAT_SECONDS})")]
    Heartbeat(String),
    /// A `maxDelayMs` out of range.
    #[error("invalid maxDelayMs: {0} (allowed: whole milliseconds from 0 to {MAX_DELAY_MS})")]
    MaxDelay(String),
    /// A filter in the URL of a request whose body is the filter.
    #[error(
        "{} belongs in the body of a POST (allowed in its URL: cursor, lastEventId, format, heartbeat, maxDelayMs)", .0.name()
    )]
    BesideBody(Parameter),
    /// A `format` that does not exist.
    #[error("invalid format: {0} (allowed: v1, v0, v2c)")]
    Format(String),
    /// A format without a compressed form, with compression.
    #[error(
        "format={0} cannot be compressed (allowed: format={0} without compress=true and Socket-Encoding, or format=v1)"
    )]
    Compressed(&'static str),
    /// A `format` that a stream over plain HTTP does not support.
    #[error("invalid format: {0} (allowed: sse, ndjson)")]
    StreamFormat(String),
    /// A parameter for WebSockets only, used over plain HTTP.
    #[error("{0} is for WebSockets only (allowed: /events without it, or /subscribe)")]
    SocketOnly(&'static str),
    /// A `Last-Event-ID` that is not an event's id.
    #[error("invalid Last-Event-ID: {0} (allowed: the id of the last event received, its time_us)")]
    LastEventId(String),
}

impl OptionsError {
    /// How many bytes of a rejected value an error shows: it comes from an untrusted client.
    pub const SHOWN: usize = 256;

    /// The whole text that a client gets: v1 starts with the kind of error, but not for a cursor.
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

/// A rejected text message. Its connection must be closed: the client's filter is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not a JSON object with a string as `type`.
    #[error("bad SubscriberSourcedMessage envelope")]
    Envelope,
    /// An `options_update` whose payload is missing or has values of wrong types.
    #[error("bad options_update payload")]
    Payload,
    /// An `options_update` whose values are rejected.
    #[error("{}", .0.answer())]
    Options(#[from] OptionsError),
}
