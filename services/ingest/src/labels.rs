//! What metrics, readiness and lines of the log call things: closed sets.

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

/// Why another upstream is read: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Failed,
    Stale,
    Preferred,
}

impl Reason {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Stale => "stale",
            Self::Preferred => "preferred",
        }
    }
}

/// What verification says of a commit: a closed set, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Signed by the account, and the operations are what changed the repo.
    Ok,
    /// Signed by the account; the frame does not say enough to check the operations (no `prevData`).
    Unverifiable,
    /// The operations are right or not checkable; the account has no key that could be known.
    NoKey,
    /// As `NoKey`, because nobody could be asked for the key.
    Away,
    /// As `NoKey`, because too many keys were asked for.
    RateLimited,
    /// Not signed with the account's key.
    BadSignature,
    /// The commit object is missing, damaged, or not the frame's.
    BadCommit,
    /// The operations are not what changed the repo.
    BadInversion,
    /// Checking crashed: a defect of this program.
    Crashed,
}

impl Outcome {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unverifiable => "unverifiable",
            Self::NoKey => "unverified_no_key",
            Self::Away => "unverified_away",
            Self::RateLimited => "unverified_rate_limited",
            Self::BadSignature => "bad_signature",
            Self::BadCommit => "bad_commit",
            Self::BadInversion => "bad_inversion",
            Self::Crashed => "crashed",
        }
    }
}

/// What an ingest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Ready to take over.
    Standby,
    /// Reads the upstream and writes the log.
    Leader,
    /// Appends what was read, or gives the lease back.
    SteppingDown,
}

impl Role {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Standby, Self::Leader, Self::SteppingDown];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Leader => "leader",
            Self::SteppingDown => "stepping_down",
        }
    }
}
