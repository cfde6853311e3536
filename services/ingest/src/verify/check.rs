//! One commit and what is known of its key: what is to be thought of it. Pure.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_verify::{Blame, Inversion, Opened, Refusal};

use super::keys::KeyAnswer;

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

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal.blame() {
            Blame::Commit => Self::BadCommit,
            Blame::Signature => Self::BadSignature,
            Blame::Inversion => Self::BadInversion,
        }
    }
}

/// Checks as much of a commit frame as can be. What is no commit frame is not ours to judge.
pub(super) fn check(frame: &[u8], key: &KeyAnswer) -> Outcome {
    checked(frame, key).unwrap_or_else(Outcome::from)
}

fn checked(frame: &[u8], key: &KeyAnswer) -> Result<Outcome, Refusal> {
    let Ok(Frame::Commit(commit)) = decode_frame(frame) else {
        return Ok(Outcome::Unverifiable);
    };
    let opened = Opened::commit(&commit)?;
    if let KeyAnswer::Key(known) = key {
        opened.check_signature(&known.key)?;
    }
    let inversion = opened.undo(&commit)?;
    Ok(match (key, inversion) {
        (KeyAnswer::Missing, _) => Outcome::NoKey,
        (KeyAnswer::Away, _) => Outcome::Away,
        (KeyAnswer::RateLimited, _) => Outcome::RateLimited,
        (KeyAnswer::Key(_), Inversion::Unverifiable) => Outcome::Unverifiable,
        (KeyAnswer::Key(_), Inversion::Proven) => Outcome::Ok,
    })
}
