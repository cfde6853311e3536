//! Label values and counts that parts of the node pass to the metrics.

/// Where an accepted subscriber starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartKind {
    /// At the next event.
    Live,
    /// At its cursor.
    Cursor,
    /// At the oldest event, because it asked for everything.
    Oldest,
    /// At the oldest event, because its cursor is older.
    Clamped,
}

impl StartKind {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 4] = [Self::Live, Self::Cursor, Self::Oldest, Self::Clamped];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Cursor => "cursor",
            Self::Oldest => "oldest",
            Self::Clamped => "clamped",
        }
    }
}

/// The reader that found damage in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DamageSource {
    /// The load of a page.
    Replay,
    /// A cursor lookup.
    Cursor,
    /// Filling the ring at startup.
    Warming,
    /// Following the log for live subscribers.
    Live,
}

impl DamageSource {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Cursor => "cursor",
            Self::Warming => "warming",
            Self::Live => "live",
        }
    }
}

/// Number of encoded frames, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncodedCounts {
    /// zstd frames.
    pub zstd: u64,
    /// Events sent in an uncompressed zstd frame because compression failed.
    pub stored: u64,
    /// v0 frames.
    pub v0: u64,
    /// v2 text frames.
    pub v2: u64,
    /// v2 zstd frames, of any dictionary.
    pub v2_zstd: u64,
}

/// Where a page was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageSource {
    /// The local tier.
    Disk,
    /// The log.
    Log,
}

impl PageSource {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Log => "log",
        }
    }
}
