//! The encoding in which a client wants its events.

use crate::OptionsError;

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
}

impl Encoding {
    /// How many there are.
    pub const COUNT: usize = 5;

    /// As an index below [`Encoding::COUNT`].
    pub fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::Zstd => 1,
            Self::V0 => 2,
            Self::Sse => 3,
            Self::Ndjson => 4,
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
        }
    }

    /// All, in the order of their indices.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Json, Self::Zstd, Self::V0, Self::Sse, Self::Ndjson];

    /// The encoding that the parameters `format` and `compress` select.
    pub(crate) fn read(format: Option<&str>, is_compressed: bool) -> Result<Self, OptionsError> {
        let encoding = match format {
            None | Some("" | "v1") => Self::Json,
            Some("v0") => Self::V0,
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
            Self::V0 => Err(OptionsError::CompressedV0),
            Self::Sse | Self::Ndjson => Err(OptionsError::SocketOnly("Socket-Encoding")),
        }
    }
}
