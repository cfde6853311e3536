//! The lease: one key of a KV bucket whose value is the holder's name and which ends by itself.
//!
//! Every write says which revision of the key it replaces, so of two that race one loses, and carries its own time to
//! live (`Nats-TTL`). The client's own `kv.update()` writes none: a lease renewed by it would never end.

pub(crate) mod bucket;
pub(crate) mod key;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fanjet_log::LogError;
use fanjet_log::lease::{HolderId, Holders, LeaseStore, Term};

use crate::inner::Inner;
use key::{Key, Written};

/// How often a write is tried again after one of our own, whose answer was lost, came in between.
const ATTEMPTS: usize = 3;

/// A lease in a NATS KV bucket, beside the log and on its connection.
#[derive(Clone)]
pub struct NatsLease {
    inner: Arc<Parts>,
}

struct Parts {
    log: Arc<Inner>,
    key: Key,
    /// Whether the bucket was seen to be there, and workable.
    is_bucket_ready: AtomicBool,
}

impl NatsLease {
    /// The lease of a log. The bucket is created or checked by the first call that needs it.
    pub(crate) fn of(log: Arc<Inner>) -> Result<Self, LogError> {
        let key = Key::of(&log)?;
        Ok(Self {
            inner: Arc::new(Parts {
                log,
                key,
                is_bucket_ready: AtomicBool::new(false),
            }),
        })
    }
}

impl fmt::Debug for NatsLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NatsLease").field(&self.inner.key).finish()
    }
}

impl Parts {
    async fn ensure_bucket(&self) -> Result<(), LogError> {
        if !self.is_bucket_ready.load(Ordering::Relaxed) {
            bucket::ensure(&self.log.jetstream, &self.log.config).await?;
            self.is_bucket_ready.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Passes an outcome on. After a failure the bucket is looked at again: somebody may have removed it.
    fn noting<T>(&self, outcome: Result<T, LogError>) -> Result<T, LogError> {
        if outcome.is_err() {
            self.is_bucket_ready.store(false, Ordering::Relaxed);
        }
        outcome
    }

    async fn acquire(&self, holder: &HolderId, ttl: Duration) -> Result<Option<Term>, LogError> {
        self.ensure_bucket().await?;
        for _ in 0..ATTEMPTS {
            let current = self.key.read().await?;
            if current.holder.as_ref().is_some_and(|held| held != holder) {
                return Ok(None);
            }
            if let Written::At(revision) = self.key.hold(current.revision, holder, ttl).await? {
                let holder = holder.clone();
                return Ok(Some(Term { holder, revision }));
            }
        }
        // Others are faster, and one of them holds it.
        Ok(None)
    }

    /// Writes behind the term's revision or, when that is not the last, behind whatever else this holder wrote.
    async fn replace(&self, term: &Term, ttl: Option<Duration>) -> Result<Option<Term>, LogError> {
        let mut revision = term.revision;
        for _ in 0..ATTEMPTS {
            let written = match ttl {
                Some(ttl) => self.key.hold(revision, &term.holder, ttl).await?,
                None => self.key.free(revision).await?,
            };
            if let Written::At(revision) = written {
                let holder = term.holder.clone();
                return Ok(Some(Term { holder, revision }));
            }
            let current = self.key.read().await?;
            if current.holder.as_ref() != Some(&term.holder) {
                return Ok(None);
            }
            revision = current.revision;
        }
        Err(LogError::unavailable("the lease changes all the time"))
    }
}

#[async_trait]
impl LeaseStore for NatsLease {
    async fn try_acquire(
        &self,
        holder: &HolderId,
        ttl: Duration,
    ) -> Result<Option<Term>, LogError> {
        self.inner.noting(self.inner.acquire(holder, ttl).await)
    }

    async fn renew(&self, term: &Term, ttl: Duration) -> Result<Option<Term>, LogError> {
        self.inner.noting(self.inner.replace(term, Some(ttl)).await)
    }

    async fn release(&self, term: &Term) -> Result<(), LogError> {
        let released = self.inner.replace(term, None).await;
        self.inner.noting(released.map(drop))
    }

    async fn watch(&self) -> Result<Holders, LogError> {
        self.inner.ensure_bucket().await?;
        let watching = watch::open(&self.inner.log, self.inner.key.clone()).await;
        self.inner.noting(watching)
    }
}
