//! All frames except commits.

/// `#identity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Relay seq.
    pub seq: u64,
    /// The account.
    pub did: &'a str,
    /// The upstream's RFC 3339 time.
    pub time: &'a str,
    /// The current handle, if the upstream includes it.
    pub handle: Option<&'a str>,
}

/// `#account`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// Relay seq.
    pub seq: u64,
    /// The account.
    pub did: &'a str,
    /// The upstream's RFC 3339 time.
    pub time: &'a str,
    /// Whether the account's repo can be read.
    pub active: bool,
    /// Why it is not active: `takendown`, `suspended`, `deleted`, `deactivated`, ...
    pub status: Option<&'a str>,
}

/// `#sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync<'a> {
    /// Relay seq.
    pub seq: u64,
    /// The account.
    pub did: &'a str,
    /// The revision of the repo's state.
    pub rev: &'a str,
    /// The upstream's RFC 3339 time.
    pub time: &'a str,
    /// A CAR with the commit block.
    pub blocks: &'a [u8],
}

/// `#info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info<'a> {
    /// Its name, for example `OutdatedCursor`.
    pub name: &'a str,
    /// For humans.
    pub message: Option<&'a str>,
}

/// An error frame; the upstream closes the stream after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorFrame<'a> {
    /// The error's name, for example `FutureCursor`.
    pub error: &'a str,
    /// For humans.
    pub message: Option<&'a str>,
}

/// A message of an unknown type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The header's `t`.
    pub kind: &'a str,
    /// The body's `seq`, if it has one: it still counts for gap detection.
    pub seq: Option<u64>,
}
