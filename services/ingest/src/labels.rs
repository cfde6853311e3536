//! The names that metrics, readiness and log lines use: closed sets.

/// Why an upstream connection ended, or could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disconnect {
    /// No connection or WebSocket could be established.
    Connect,
    /// The upstream closed it.
    Closed,
    /// Reading failed.
    Broken,
    /// The upstream showed no sign of life.
    Silent,
    /// The upstream does not read what it is sent, and keeps requesting more.
    NotReading,
    /// The connection is alive, but no event arrived for longer than the settings allow.
    Stale,
    /// The upstream sent nothing usable.
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

/// What an upstream reports about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// `#info` OutdatedCursor: events before the cursor were lost upstream.
    OutdatedCursor,
    /// Another `#info`.
    OtherInfo,
    /// Error FutureCursor: the upstream does not know the cursor yet.
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

/// Where a leader resumes when the log retains no event that shows the position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resumed {
    /// After the recorded position.
    Recorded,
    /// At the live end, because no position is recorded.
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

/// Why ingest switched to another upstream: a closed set.
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

/// The result of verifying a commit: a closed set, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Signed by the account, and the operations match the change of the repo.
    Ok,
    /// Signed by the account; the frame lacks what is needed to check the operations (no `prevData`).
    Unverifiable,
    /// The operations match or cannot be checked; the account's document has no key.
    NoKey,
    /// As `NoKey`, because the directory could not be reached.
    Away,
    /// As `NoKey`, because too many keys were requested.
    RateLimited,
    /// Not signed with the account's key.
    BadSignature,
    /// The commit object is missing, damaged, or not the frame's.
    BadCommit,
    /// The operations do not match the change of the repo.
    BadInversion,
    /// Checking panicked: a bug in this program.
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

/// The role of an ingest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Ready to take over.
    Standby,
    /// Reads the upstream and writes the log.
    Leader,
    /// Appends what was read, or releases the lease.
    SteppingDown,
}

impl Role {
    /// All roles.
    pub(crate) const ALL: [Self; 3] = [Self::Standby, Self::Leader, Self::SteppingDown];

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Standby => "standby",
            Self::Leader => "leader",
            Self::SteppingDown => "stepping_down",
        }
    }
}
