//! Which commits are authentic: checks signature and operations before events are made of them.
//!
//! A stage before decoding that removes frames from batches and leaves everything else, including the order, unchanged.
//! Batches are checked in parallel, the arithmetic on the blocking pool. A commit that fails is dropped whole and
//! counted. A commit that *cannot* be checked, because it has no key or the directory does not respond, passes and is
//! counted: the key directory must never decide whether the firehose flows. A batch waits for keys up to a deadline,
//! and for those of unknown accounts only while few frames wait behind it. `sync` frames carry a new state, not a
//! change, and pass.

mod documents;
mod backlog;
mod keys;

mod check;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fanjet_event::Did;
use fanjet_firehose::{Commit, Frame, decode_frame};
use futures::future::{Either, join_all};
use futures::{FutureExt, Stream, StreamExt};
use tokio::sync::Semaphore;
use tracing::{debug, error};

use crate::IngestError;
use crate::batch::FrameBatch;
use crate::config::VerifyConfig;
use crate::filter::{IngestFilter, Kind};
use crate::labels::Outcome;
use crate::metrics::IngestMetrics;
use crate::validate::DropReason;
use backlog::FrameCount;
use check::check;
pub(crate) use documents::{DidDocuments, over_http};
use keys::{KeyResult, Keys, Patience};

/// How many batches may wait for keys or for a worker at the same time; the queue bounds their bytes.
const LOOKAHEAD: usize = backlog::LARGE;

/// Checks commits.
pub(crate) struct Verifier {
    one_in: u64,
    filter: Arc<IngestFilter>,
    keys: Keys,
    frame_count: FrameCount,
    workers: Arc<Semaphore>,
    metrics: IngestMetrics,
    commits: AtomicU64,
}

/// Checks batches in transit, in order. Without a verifier they just pass.
pub(crate) fn in_order(
    batches: impl Stream<Item = FrameBatch>,
    verifier: Option<Arc<Verifier>>,
) -> impl Stream<Item = FrameBatch> {
    match verifier {
        None => Either::Left(batches),
        Some(verifier) => Either::Right(
            batches
                .map(move |batch| {
                    let inside = verifier.frame_count.enter(batch.frames.len());
                    let authentic = verifier.clone().authentic(batch);
                    authentic.map(|batch| (batch, inside))
                })
                .buffered(LOOKAHEAD)
                .map(|(batch, _inside)| batch),
        ),
    }
}

/// A commit selected for verification.
#[derive(Debug, Clone)]
struct Selected {
    /// Its index in the batch.
    index: usize,
    frame: Bytes,
    did: Did,
    key: KeyResult,
}

impl Verifier {
    /// Builds the verifier from the settings; `None` when it is off.
    ///
    /// # Errors
    /// [`IngestError::Config`].
    pub(crate) fn configured(
        config: &VerifyConfig,
        filter: Arc<IngestFilter>,
        metrics: IngestMetrics,
    ) -> Result<Option<Arc<Self>>, IngestError> {
        let Some(one_in) = config.commits.one_in() else {
            return Ok(None);
        };
        let documents = Arc::new(documents::over_http(config)?);
        let workers = match config.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        Ok(Some(Arc::new(Self {
            one_in: one_in.get(),
            filter,
            keys: Keys::new(documents, config, metrics.clone()),
            frame_count: FrameCount::default(),
            workers: Arc::new(Semaphore::new(workers)),
            metrics,
            commits: AtomicU64::new(0),
        })))
    }

    /// Returns the batch without the commits that failed.
    async fn authentic(self: Arc<Self>, mut batch: FrameBatch) -> FrameBatch {
        let patience = self.keys.patience(self.frame_count.backlog());
        let mut chosen = self.choose(&batch.frames, &patience).await;
        if chosen.is_empty() {
            return batch;
        }
        let mut outcomes = self.check_all(&chosen).await;
        self.check_renewed(&mut chosen, &mut outcomes, &patience.despite_backlog())
            .await;
        let mut dropped = vec![false; batch.frames.len()];
        for (chosen, outcome) in chosen.into_iter().zip(outcomes) {
            self.metrics.verified(outcome);
            if let Some(reason) = outcome.drop_reason() {
                debug!(
                    outcome = outcome.label(),
                    "dropped a commit that failed verification"
                );
                self.metrics.dropped_for(reason, 1);
                dropped[chosen.index] = true;
            }
        }
        let mut dropped = dropped.into_iter();
        batch.frames.retain(|_| !dropped.next().unwrap_or_default());
        batch
    }

    /// The commits to check, with what is known about their keys.
    async fn choose(&self, frames: &[Bytes], patience: &Patience) -> Vec<Selected> {
        let mut picked = Vec::new();
        for (index, frame) in frames.iter().enumerate() {
            match decode_frame(frame) {
                Ok(Frame::Commit(commit)) if !commit.too_big && self.is_kept(&commit) => {
                    let count = self.commits.fetch_add(1, Ordering::Relaxed);
                    if count.is_multiple_of(self.one_in)
                        && let Ok(did) = Did::parse(Arc::<str>::from(commit.repo))
                    {
                        picked.push((index, frame, did));
                    }
                }
                Ok(Frame::Identity(identity)) => self.keys.doubt(identity.did),
                _ => {}
            }
        }
        let mut wanted: Vec<&Did> = picked.iter().map(|(.., did)| did).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let answers = join_all(wanted.iter().map(|did| self.keys.get(did, patience))).await;
        let answers: HashMap<&Did, KeyResult> = wanted.iter().copied().zip(answers).collect();
        let keyed = picked.iter().map(|(index, frame, did)| Selected {
            index: *index,
            frame: (*frame).clone(),
            did: did.clone(),
            key: answers.get(did).cloned().unwrap_or(KeyResult::Away),
        });
        keyed.collect()
    }

    /// Whether the filters keep anything of a commit: the keys of other commits are not needed.
    fn is_kept(&self, commit: &Commit<'_>) -> bool {
        Did::parse(commit.repo).is_ok_and(|did| self.filter.check_frame(Kind::Commit, did).is_ok())
    }

    /// If a signature failed, the account may have a new key, so all of those are looked up at once. That is worth a
    /// delay even when many frames wait, because a commit whose key is not found is lost.
    async fn check_renewed(
        &self,
        chosen: &mut [Selected],
        outcomes: &mut [Outcome],
        patience: &Patience,
    ) {
        let failed: Vec<_> = (0..chosen.len())
            .filter(|index| outcomes[*index] == Outcome::BadSignature)
            .collect();
        let renewed = failed.iter().map(|index| {
            let Selected { did, key, .. } = &chosen[*index];
            async move {
                match key {
                    KeyResult::Key(used) => self.keys.renewed(did, used, patience).await,
                    _ => None,
                }
            }
        });
        let answers = join_all(renewed).await;
        let mut again = Vec::new();
        for (index, answer) in failed.into_iter().zip(answers) {
            if let Some(answer) = answer {
                chosen[index].key = answer;
                again.push(chosen[index].clone());
            }
        }
        if again.is_empty() {
            return;
        }
        let places: Vec<_> = again.iter().map(|chosen| chosen.index).collect();
        let checked = self.check_all(&again).await;
        for (chosen, outcome) in chosen.iter().zip(outcomes) {
            if let Some(at) = places.iter().position(|place| *place == chosen.index) {
                *outcome = checked.get(at).copied().unwrap_or(Outcome::Crashed);
            }
        }
    }

    async fn check_all(&self, chosen: &[Selected]) -> Vec<Outcome> {
        // The semaphore is never closed.
        let _worker = self.workers.acquire().await;
        let all = chosen.to_vec();
        let checked =
            tokio::task::spawn_blocking(move || all.iter().map(check_one).collect()).await;
        match checked {
            Ok(outcomes) => outcomes,
            Err(_panicked) => check_one_by_one(chosen).await,
        }
    }
}

fn check_one(chosen: &Selected) -> Outcome {
    check(&chosen.frame, &chosen.key)
}

/// A check that panics on untrusted bytes must cost no more than the commit that caused it.
async fn check_one_by_one(chosen: &[Selected]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(chosen.len());
    for one in chosen {
        let alone = one.clone();
        let checked = tokio::task::spawn_blocking(move || check_one(&alone)).await;
        outcomes.push(checked.unwrap_or_else(|_panicked| {
            error!(
                bytes = one.frame.len(),
                "verification panicked, dropping the commit"
            );
            Outcome::Crashed
        }));
    }
    outcomes
}

impl Outcome {
    /// Why the commit is dropped, if it is.
    fn drop_reason(self) -> Option<DropReason> {
        match self {
            Self::Ok | Self::Unverifiable | Self::NoKey | Self::Away | Self::RateLimited => None,
            Self::BadSignature => Some(DropReason::BadSignature),
            Self::BadCommit => Some(DropReason::BadCommit),
            Self::BadInversion => Some(DropReason::BadInversion),
            Self::Crashed => Some(DropReason::DecoderPanic),
        }
    }
}

#[cfg(test)]
mod tests;
