//! One frame: a header map `{op, t}` and a body map, both DAG-CBOR, one behind the other.

mod body;

use crate::cbor::Reader;
use crate::commit::Commit;
use crate::error::FrameError;

/// A decoded frame of `com.atproto.sync.subscribeRepos`, borrowing from its bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frame<'a> {
    /// `#commit`: a repo moved to a new revision.
    Commit(Commit<'a>),
    /// `#identity`: a handle or DID document may have changed.
    Identity(Identity<'a>),
    /// `#account`: an account's hosting status changed.
    Account(Account<'a>),
    /// `#sync`: a repo's state asserted outside the commit chain.
    Sync(Sync<'a>),
    /// `#info`: a word from the upstream to us.
    Info(Info<'a>),
    /// `op` -1: the upstream ends the stream.
    Error(ErrorFrame<'a>),
    /// A message type that is not known here.
    Unknown(Unknown<'a>),
}

/// `#identity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Relay seq.
    pub seq: u64,
    /// The account.
    pub did: &'a str,
    /// The upstream's RFC 3339 time.
    pub time: &'a str,
    /// The handle now, if the upstream says.
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
    /// What it is about, for example `OutdatedCursor`.
    pub name: &'a str,
    /// For humans.
    pub message: Option<&'a str>,
}

/// An error frame; the upstream closes the stream behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorFrame<'a> {
    /// The error's name, for example `FutureCursor`.
    pub error: &'a str,
    /// For humans.
    pub message: Option<&'a str>,
}

/// A message of a type that is not known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The header's `t`.
    pub kind: &'a str,
    /// The body's `seq`, if it has one: it still counts against gaps.
    pub seq: Option<u64>,
}

impl Frame<'_> {
    /// The relay seq, of frames that have one.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Commit(commit) => Some(commit.seq),
            Self::Identity(identity) => Some(identity.seq),
            Self::Account(account) => Some(account.seq),
            Self::Sync(sync) => Some(sync.seq),
            Self::Unknown(unknown) => unknown.seq,
            Self::Info(_) | Self::Error(_) => None,
        }
    }
}

/// Decodes one frame. Keys may stand in any order, unknown keys are passed over, null is the same as absent for
/// optional ones.
///
/// # Errors
/// [`FrameError`] when header or body are not what the Lexicon and the event stream specification ask for. Whether a
/// commit's blocks and operations are sound is not looked at yet: see [`Commit::operations`].
pub fn decode_frame(bytes: &[u8]) -> Result<Frame<'_>, FrameError> {
    let mut reader = Reader::new(bytes);
    let header = body::Header::read(&mut reader)?;
    let frame = match header.op {
        1 => match header.kind.ok_or(FrameError::Missing("t"))? {
            "#commit" => Frame::Commit(body::commit(&mut reader)?),
            "#identity" => Frame::Identity(body::identity(&mut reader)?),
            "#account" => Frame::Account(body::account(&mut reader)?),
            "#sync" => Frame::Sync(body::sync(&mut reader)?),
            "#info" => Frame::Info(body::info(&mut reader)?),
            kind => Frame::Unknown(body::unknown(&mut reader, kind)?),
        },
        -1 => Frame::Error(body::error(&mut reader)?),
        _ => return Err(FrameError::UnknownOp),
    };
    if reader.is_at_end() {
        Ok(frame)
    } else {
        Err(FrameError::TrailingBytes)
    }
}

/// The seq of a frame of which only the beginning is there, if it stands there: in order, a body's keys have it behind the list of
/// operations and in front of the blocks.
pub fn seq_at_beginning(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(bytes);
    let header = body::Header::read(&mut reader).ok()?;
    if header.op != 1 {
        return None;
    }
    body::first_seq(&mut reader)
}

#[cfg(test)]
mod tests;
