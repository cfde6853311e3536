//! Who may try to write: at most one holder at a time, for as long as it says so again and again.
//!
//! A lease saves work, it does not protect the log: a holder that slept through its term may still believe in it. What
//! decides who writes is the fence of every append ([`AppendError::Fenced`](crate::AppendError::Fenced)).

mod holder;
mod alone;

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::LogError;

pub use alone::Alone;
pub use holder::HolderId;

/// One lease, shared by everybody who wants it.
///
/// Two calls for one holder must not be under way at the same time; a call may be dropped half-way, and then has
/// happened or not.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes the lease for `ttl`, if nobody else holds it. Who holds it already gets it again: so an answer that
    /// was lost does no harm. `None` when somebody else holds it.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn try_acquire(&self, holder: &HolderId, ttl: Duration)
    -> Result<Option<Term>, LogError>;

    /// Holds on for `ttl` from some moment during this call. `None` when the lease is not the holder's any more:
    /// it ran out, was taken away, or belongs to somebody else.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]: nothing is known then but that the term before still runs.
    async fn renew(&self, term: &Term, ttl: Duration) -> Result<Option<Term>, LogError>;

    /// Gives the lease back, so that others need not wait for its end. Does nothing to somebody else's.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]: the lease runs out by itself then.
    async fn release(&self, term: &Term) -> Result<(), LogError>;

    /// Who holds the lease: now, and whenever that changes. A hint: it may come late, repeat itself, and pass over
    /// what lasted a moment only.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    async fn watch(&self) -> Result<Holders, LogError>;
}

/// Holders, `None` while there is nobody. After an error the stream is finished; watch again.
pub type Holders = BoxStream<'static, Result<Option<HolderId>, LogError>>;

/// What a holder has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whose it is.
    pub holder: HolderId,
    /// The lease's revision that it rests on. Rises with every acquisition and renewal.
    pub revision: u64,
}
