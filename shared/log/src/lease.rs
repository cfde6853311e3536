//! The lease on writing: at most one holder at a time, for as long as the holder renews it.
//!
//! A lease saves work, it does not protect the log: a holder that was suspended for its whole term may still believe
//! that it holds the lease. The fence on every append decides who writes
//! ([`AppendError::Fenced`](crate::AppendError::Fenced)).

mod holder;
mod alone;

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::LogError;

pub use alone::Alone;
pub use holder::HolderId;

/// One lease, shared by all candidates.
///
/// Two calls for one holder must not run concurrently. A call may be dropped half-way; it may or may not have taken
/// effect then.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Acquires the lease for `ttl` if no other candidate holds it. The current holder gets it again, so a lost
    /// response does no harm. `None` if another candidate holds it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn try_acquire(&self, holder: &HolderId, ttl: Duration)
    -> Result<Option<Term>, LogError>;

    /// Renews the lease for `ttl`, counted from some moment during this call. `None` if the caller no longer holds it: it
    /// expired, was revoked, or has another holder.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]: the outcome is unknown, and the previous term still runs until its end.
    async fn renew(&self, term: &Term, ttl: Duration) -> Result<Option<Term>, LogError>;

    /// Releases the lease, so that others need not wait for its expiry. Has no effect on another holder's lease.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]: the lease expires by itself then.
    async fn release(&self, term: &Term) -> Result<(), LogError>;

    /// Reports the holder, now and on every change. A hint: reports may be late or repeated, and short terms may be
    /// missing.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn watch(&self) -> Result<Holders, LogError>;
}

/// Holders; `None` while the lease is free. After an error the stream is finished; watch again.
pub type Holders = BoxStream<'static, Result<Option<HolderId>, LogError>>;

/// The proof of a holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The holder.
    pub holder: HolderId,
    /// The revision of the lease. Rises with every acquisition and renewal.
    pub revision: u64,
}
