//! The names of query parameters.

use crate::List;

/// A known query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Values of a list; repeated for each.
    List(List),
    /// The size limit of wanted messages.
    MaxMessageSizeBytes,
    /// Where to start.
    Cursor,
    /// Whether to wait for an options update.
    RequireHello,
    /// Whether to compress events.
    Compress,
    /// The JSON format of events (an extension).
    Format,
    /// How long the connection may be silent (an extension).
    Heartbeat,
    /// How long events may wait for others (an extension).
    MaxDelayMs,
}

impl Parameter {
    /// Every parameter that is not a list.
    const SINGLE: [Self; 7] = [
        Self::MaxMessageSizeBytes,
        Self::Cursor,
        Self::RequireHello,
        Self::Compress,
        Self::Format,
        Self::Heartbeat,
        Self::MaxDelayMs,
    ];

    /// Every parameter.
    pub fn all() -> impl Iterator<Item = Self> {
        List::ALL.into_iter().map(Self::List).chain(Self::SINGLE)
    }

    /// Its name; case-sensitive.
    pub const fn name(self) -> &'static str {
        match self {
            Self::List(list) => list.name(),
            Self::MaxMessageSizeBytes => "maxMessageSizeBytes",
            Self::Cursor => "cursor",
            Self::RequireHello => "requireHello",
            Self::Compress => "compress",
            Self::Format => "format",
            Self::Heartbeat => "heartbeat",
            Self::MaxDelayMs => "maxDelayMs",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|parameter| parameter.name() == name)
    }
}
