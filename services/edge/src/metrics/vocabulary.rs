//! The words of labels that are more than text: what the parts of a node tell the metrics in.

/// From where an accepted subscriber starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StartKind {
    /// With what comes next.
    Live,
    /// At its cursor.
    Cursor,
    /// With the oldest event, since it asked for everything.
    Oldest,
    /// With the oldest event, since its cursor is older.
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

/// Who met a damaged place of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetBy {
    /// A page for a reader.
    Replay,
    /// The search for a cursor's position.
    Cursor,
    /// The start of the node, which reads the newest events ahead.
    Warming,
    /// Whoever follows the log, for everybody live.
    Live,
}

impl MetBy {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Cursor => "cursor",
            Self::Warming => "warming",
            Self::Live => "live",
        }
    }
}

/// How many frames were made, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Made {
    /// zstd frames.
    pub zstd: u64,
    /// Events that went into a zstd frame uncompressed because the library failed.
    pub stored: u64,
    /// v0 frames.
    pub v0: u64,
}
