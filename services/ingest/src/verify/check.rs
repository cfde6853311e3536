//! Checks one commit against what is known about its key. Pure.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_verify::{Blame, Inversion, Opened, Refusal};

use super::keys::KeyResult;
use crate::labels::Outcome;

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal.blame() {
            Blame::Commit => Self::BadCommit,
            Blame::Signature => Self::BadSignature,
            Blame::Inversion => Self::BadInversion,
        }
    }
}

/// Checks as much of a commit frame as possible. Frames that are not commits are not judged here.
pub(super) fn check(frame: &[u8], key: &KeyResult) -> Outcome {
    checked(frame, key).unwrap_or_else(Outcome::from)
}

fn checked(frame: &[u8], key: &KeyResult) -> Result<Outcome, Refusal> {
    let Ok(Frame::Commit(commit)) = decode_frame(frame) else {
        return Ok(Outcome::Unverifiable);
    };
    let opened = Opened::commit(&commit)?;
    if let KeyResult::Key(known) = key {
        opened.check_signature(&known.key)?;
    }
    let inversion = opened.undo(&commit)?;
    Ok(match (key, inversion) {
        (KeyResult::Missing, _) => Outcome::NoKey,
        (KeyResult::Away, _) => Outcome::Away,
        (KeyResult::RateLimited, _) => Outcome::RateLimited,
        (KeyResult::Key(_), Inversion::Unverifiable) => Outcome::Unverifiable,
        (KeyResult::Key(_), Inversion::Proven) => Outcome::Ok,
    })
}
