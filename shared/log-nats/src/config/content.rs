//! What the messages of a stream are, and how large that makes them.

use fanjet_log::{MAX_BODY, MAX_FRAME};

use crate::headers::MAX_HEADERS;

/// What the messages of a stream are. One stream has messages of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content {
    /// Events, as JSON.
    #[default]
    Events,
    /// Raw frames.
    Frames,
    /// Frames of labelers.
    Labels,
}

impl Content {
    /// Bytes of the largest message, headers included.
    pub(crate) fn max_message(self) -> usize {
        MAX_HEADERS
            + match self {
                Self::Events => MAX_BODY,
                Self::Frames | Self::Labels => MAX_FRAME,
            }
    }

    /// The limit that a created stream gets.
    pub(crate) fn allowed_message(self) -> i32 {
        match self {
            Self::Events => 2 << 20,
            Self::Frames | Self::Labels => 6 << 20,
        }
    }

    /// The server's setting that is recommended.
    pub(crate) fn max_payload(self) -> &'static str {
        match self {
            Self::Events => "4MB",
            Self::Frames | Self::Labels => "8MB",
        }
    }

    /// The setting that limits the stream's bytes.
    pub(crate) fn max_bytes_key(self) -> &'static str {
        match self {
            Self::Events => "nats.stream.max_bytes",
            Self::Frames => "raw.max_bytes",
            Self::Labels => "labels.max_bytes",
        }
    }

    /// What an operator reads about the stream.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Events => "The ordered log of ATProto events",
            Self::Frames => "The raw frames of the ATProto firehose",
            Self::Labels => "The frames of ATProto labelers",
        }
    }
}
