//! One frame: a header map `{op, t}` followed by a body map, both DAG-CBOR.

mod kinds;
pub(crate) mod body;

use crate::cbor::Reader;
use crate::commit::Commit;
use crate::error::FrameError;

pub use kinds::{Account, ErrorFrame, Identity, Info, Sync, Unknown};

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
    /// `#info`: a message from the upstream to its consumers.
    Info(Info<'a>),
    /// `op` -1: the upstream ends the stream.
    Error(ErrorFrame<'a>),
    /// An unknown message type.
    Unknown(Unknown<'a>),
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

/// Decodes one frame. Keys may be in any order, unknown keys are ignored, null is the same as absent for
/// optional ones.
///
/// # Errors
/// [`FrameError`] when header or body violate the Lexicon or the event stream specification. A commit's blocks and
/// operations are not validated yet: see [`Commit::operations`].
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

/// The seq in the start of a truncated frame, if it is included: with sorted keys it is after the list of operations
/// and before the blocks.
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
