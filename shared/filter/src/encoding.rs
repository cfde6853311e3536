//! The encoding in which a client wants its events.

use crate::{OptionsError, Protocol};

/// The encoding of every event of one connection. Fixed when the client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// Jetstream v1's JSON in text messages.
    #[default]
    Json,
    /// The same as zstd frames in binary messages.
    Zstd,
    /// The original Jetstream's JSON in text messages. It supports no compression.
    V0,
    /// V1's JSON as server-sent events over plain HTTP.
    Sse,
    /// V1's JSON in lines over plain HTTP.
    Ndjson,
    /// The JSON of v1's successor on `/subscribe`, in text messages: v1's with the seq as `cursor`.
    V2c,
    /// The messages of `network.bsky.jetstream.subscribeEvents` as text.
    V2,
    /// The same as zstd frames of the current dictionary.
    V2Zstd,
    /// The same as zstd frames of the previous dictionary.
    V2ZstdPrevious,
}

impl Encoding {
    /// How many there are.
    pub const COUNT: usize = 9;

    /// As an index below [`Encoding::COUNT`].
    pub fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::Zstd => 1,
            Self::V0 => 2,
            Self::Sse => 3,
            Self::Ndjson => 4,
            Self::V2c => 5,
            Self::V2 => 6,
            Self::V2Zstd => 7,
            Self::V2ZstdPrevious => 8,
        }
    }

    /// Its name in labels and reports.
    pub fn label(self) -> &'static str {
        match self {
            Self::Json => "plain",
            Self::Zstd => "zstd",
            Self::V0 => "v0",
            Self::Sse => "sse",
            Self::Ndjson => "ndjson",
            Self::V2c => "v2c",
            Self::V2 => "v2",
            Self::V2Zstd => "v2_zstd",
            Self::V2ZstdPrevious => "v2_zstd_previous",
        }
    }

    /// All, in the order of their indices.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Json,
        Self::Zstd,
        Self::V0,
        Self::Sse,
        Self::Ndjson,
        Self::V2c,
        Self::V2,
        Self::V2Zstd,
        Self::V2ZstdPrevious,
    ];

    /// The protocol that it belongs to.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::V2 | Self::V2Zstd | Self::V2ZstdPrevious => Protocol::V2,
            _ => Protocol::V1,
        }
    }

    /// The encoding that the parameters `format` and `compress` select.
    pub(crate) fn read(format: Option<&str>, is_compressed: bool) -> Result<Self, OptionsError> {
        let encoding = match format {
            None | Some("" | "v1") => Self::Json,
            Some("v0") => Self::V0,
            Some("v2c") => Self::V2c,
            Some(other) => return Err(OptionsError::Format(OptionsError::shown(other))),
        };
        if is_compressed {
            encoding.compressed()
        } else {
            Ok(encoding)
        }
    }

    /// The encoding that the parameter `format` selects over plain HTTP; `usual` without one.
    pub(crate) fn read_stream(format: Option<&str>, usual: Self) -> Result<Self, OptionsError> {
        match format {
            None | Some("") => Ok(usual),
            Some("sse") => Ok(Self::Sse),
            Some("ndjson") => Ok(Self::Ndjson),
            Some(other) => Err(OptionsError::StreamFormat(OptionsError::shown(other))),
        }
    }

    /// The same, compressed.
    pub(crate) fn compressed(self) -> Result<Self, OptionsError> {
        match self {
            Self::Json | Self::Zstd => Ok(Self::Zstd),
            Self::V0 => Err(OptionsError::Compressed("v0")),
            Self::V2c => Err(OptionsError::Compressed("v2c")),
            Self::Sse | Self::Ndjson => Err(OptionsError::SocketOnly("Socket-Encoding")),
            // Chosen by the endpoint, never by these parameters.
            Self::V2 | Self::V2Zstd | Self::V2ZstdPrevious => Ok(self),
        }
    }
}
