//! Labels that say how an upstream behaves: closed sets.

/// Why an upstream connection ended, or never began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// No connection, or no WebSocket, could be made.
    Connect,
    /// The upstream closed it.
    Closed,
    /// Reading failed.
    Broken,
    /// No sign of life.
    Silent,
    /// It reads nothing of what is sent to it, and keeps asking for more.
    NotReading,
    /// No event for longer than the settings allow, though it lives.
    Stale,
    /// It says nothing that can be used.
    Refused,
}

impl Disconnect {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Closed => "closed",
            Self::Broken => "broken",
            Self::Silent => "silent",
            Self::NotReading => "not_reading",
            Self::Stale => "stale",
            Self::Refused => "refused",
        }
    }
}

/// What an upstream says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// `#info` OutdatedCursor: events were lost upstream before we asked for them.
    OutdatedCursor,
    /// Another `#info`.
    OtherInfo,
    /// Error FutureCursor: the upstream does not know our cursor yet.
    FutureCursor,
    /// Error ConsumerTooSlow.
    ConsumerTooSlow,
    /// An error without a name.
    NamelessError,
    /// Another error.
    OtherError,
}

impl Notice {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::OutdatedCursor => "outdated_cursor",
            Self::OtherInfo => "other_info",
            Self::FutureCursor => "future_cursor",
            Self::ConsumerTooSlow => "consumer_too_slow",
            Self::NamelessError => "missing",
            Self::OtherError => "other_error",
        }
    }
}

/// Where a leader goes on when the log keeps no event that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// Behind the recorded position.
    Recorded,
    /// With what happens now: nothing is recorded.
    Live,
}

impl Resumed {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Live => "live",
        }
    }
}
