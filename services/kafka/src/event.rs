//! One event of the log, parsed as far as Kafka's formats need it.
//!
//! Records, handles and statuses stay JSON text: values that are only passed through are not decoded.

use fanjet_log::{Entry, LogError, Seq};
use serde::Deserialize;
use serde_json::value::RawValue;

/// One event, borrowed from its entry.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Its position in the log.
    pub seq: Seq,
    /// Its log time.
    pub time_us: u64,
    /// The account.
    pub did: &'a str,
    /// The frame's own time, verbatim.
    pub timestamp: &'a str,
    /// What happened.
    pub what: What<'a>,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// One operation of a commit.
    Commit(Commit<'a>),
    /// An account's status.
    Account(Account<'a>),
    /// An account's identity.
    Identity(Identity<'a>),
    /// A repo's state.
    Sync(Sync<'a>),
}

/// One operation of a commit.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Commit<'a> {
    /// The revision.
    pub rev: &'a str,
    /// `create`, `update` or `delete`.
    pub operation: &'a str,
    /// The collection.
    pub collection: &'a str,
    /// The record's key.
    pub rkey: &'a str,
    /// The record's JSON; none for a delete.
    #[serde(borrow)]
    pub record: Option<&'a RawValue>,
    /// The record's CID; none for a delete.
    pub cid: Option<&'a str>,
}

/// An account's status.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Account<'a> {
    /// Whether it is served.
    pub active: bool,
    /// The relay's seq.
    pub seq: u64,
    /// Why not, as a JSON string.
    #[serde(borrow)]
    pub status: Option<&'a RawValue>,
}

/// An account's identity.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Identity<'a> {
    /// The relay's seq.
    pub seq: u64,
    /// The handle, as a JSON string.
    #[serde(borrow)]
    pub handle: Option<&'a RawValue>,
}

/// A repo's state.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Sync<'a> {
    /// The relay's seq.
    pub seq: u64,
    /// The revision.
    pub rev: &'a str,
}

#[derive(Deserialize)]
struct Body<'a> {
    did: &'a str,
    time_us: u64,
    #[serde(borrow)]
    commit: Option<Commit<'a>>,
    #[serde(borrow)]
    account: Option<Account<'a>>,
    #[serde(borrow)]
    identity: Option<Identity<'a>>,
    #[serde(borrow)]
    sync: Option<Sync<'a>>,
}

impl<'a> Event<'a> {
    /// Parses an entry.
    ///
    /// # Errors
    /// [`LogError::Corrupt`]: our own data is damaged.
    pub fn of(entry: &'a Entry) -> Result<Self, LogError> {
        let corrupt = |what: String| LogError::corrupt(entry.seq, what);
        let body: Body<'a> = serde_json::from_slice(&entry.body)
            .map_err(|error| corrupt(format!("the body is not an event: {error}")))?;
        let what = match body {
            Body {
                commit: Some(commit),
                ..
            } => What::Commit(commit),
            Body {
                account: Some(account),
                ..
            } => What::Account(account),
            Body {
                identity: Some(identity),
                ..
            } => What::Identity(identity),
            Body {
                sync: Some(sync), ..
            } => What::Sync(sync),
            _ => return Err(corrupt("the body has an unknown kind".to_owned())),
        };
        Ok(Self {
            seq: entry.seq,
            time_us: body.time_us,
            did: body.did,
            timestamp: entry.origin.time.as_str(),
            what,
        })
    }

    /// The kind, as Jetstream names it.
    pub fn kind(&self) -> &'static str {
        match self.what {
            What::Commit(_) => "commit",
            What::Account(_) => "account",
            What::Identity(_) => "identity",
            What::Sync(_) => "sync",
        }
    }

    /// The collection of a commit.
    pub fn collection(&self) -> Option<&'a str> {
        match self.what {
            What::Commit(commit) => Some(commit.collection),
            _ => None,
        }
    }
}
