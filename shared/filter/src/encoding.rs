//! In which form a client wants its events.

use crate::OptionsError;

/// The form of every event of one connection. Fixed when the client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// Jetstream v1's JSON in text messages.
    #[default]
    Json,
    /// The same as zstd frames in binary messages.
    Zstd,
    /// The original Jetstream's JSON in text messages. It knew no compression.
    V0,
}

impl Encoding {
    /// How many there are.
    pub const COUNT: usize = 3;

    /// As an index below [`Encoding::COUNT`].
    pub fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::Zstd => 1,
            Self::V0 => 2,
        }
    }

    /// What the parameters `format` and `compress` ask for.
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

    /// The same, compressed.
    pub(crate) fn compressed(self) -> Result<Self, OptionsError> {
        match self {
            Self::Json | Self::Zstd => Ok(Self::Zstd),
            Self::V0 => Err(OptionsError::CompressedV0),
        }
    }
}
