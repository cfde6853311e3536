//! Checks the signatures of one labeler's labels.
//!
//! The key is that of the document which was read when the labeler was connected. A signature that fails may mean that the key has
//! changed since: then the document is read again, but at most once a minute, however many labels fail. What is refused in between is
//! doubtful until the document is read the next time: with another key it is requested again.

use std::time::Duration;

use fanjet_firehose::Label;
use fanjet_verify::{LabelerDocument, PublicKey};
use tokio::time::Instant;

/// Time between two readings of the document that failing signatures cause.
const RENEWAL: Duration = Duration::from_mins(1);
/// Labels checked before other tasks of the thread get their turn: a few milliseconds.
const IN_A_ROW: usize = 32;

/// How many labels of a frame passed, and how many did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Results {
    pub(super) good: u64,
    pub(super) bad: u64,
    /// There is no key to check them with.
    pub(super) unknown: u64,
}

/// The key of one labeler.
#[derive(Debug, Default)]
pub(super) struct Keys {
    key: Option<PublicKey>,
    renewed: Option<Instant>,
    /// The number of the first frame that was refused since the document was read, and since a frame passed.
    doubtful: Option<u64>,
}

impl Keys {
    /// Takes over what a document says. Returns the number of the frame from which on frames are to be requested again, because the
    /// key that they were refused with is not the labeler's any more.
    pub(super) fn learn(&mut self, document: &LabelerDocument) -> Option<u64> {
        let key = document.key.as_ref().ok().cloned();
        let has_changed = key != self.key;
        self.key = key;
        self.doubtful.take().filter(|_| has_changed)
    }

    /// A frame was refused with this key.
    pub(super) fn refused(&mut self, seq: u64) {
        self.doubtful.get_or_insert(seq);
    }

    /// A frame passed. What was refused before it cannot follow it any more.
    pub(super) fn passed(&mut self) {
        self.doubtful = None;
    }

    /// When the document is to be read again although no further label fails, if frames are doubtful.
    pub(super) fn due(&self) -> Option<Instant> {
        self.doubtful.and(self.renewed).map(|last| last + RENEWAL)
    }

    /// Whether the document may be read again now because labels failed; if so, it counts as read.
    pub(super) fn may_renew(&mut self, now: Instant) -> bool {
        let may = self
            .renewed
            .is_none_or(|last| now.duration_since(last) >= RENEWAL);
        if may {
            self.renewed = Some(now);
        }
        may
    }

    /// Checks all labels of a frame.
    pub(super) async fn check(&self, labels: &[Label<'_>]) -> Results {
        let Some(key) = &self.key else {
            let unknown = labels.len() as u64;
            return Results {
                unknown,
                ..Results::default()
            };
        };
        let mut results = Results::default();
        for labels in labels.chunks(IN_A_ROW) {
            for label in labels {
                match is_signed(label, key) {
                    true => results.good += 1,
                    false => results.bad += 1,
                }
            }
            tokio::task::yield_now().await;
        }
        results
    }
}

/// Over the bytes as they were found: a labeler may sign `neg: false`, or leave it out.
fn is_signed(label: &Label<'_>, key: &PublicKey) -> bool {
    match (label.sig, label.signed_bytes()) {
        (Some(sig), Some(signed)) => key.verify(&signed, sig).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
