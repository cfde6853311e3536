//! A lease in memory, for tests.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::LogError;
use crate::lease::{HolderId, Holders, LeaseStore, Term};

/// A lease in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryLease(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Updated after the state: a reader that sees a change here finds it in the state.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    held: Option<(HolderId, Instant)>,
    is_away: bool,
}

impl MemoryLease {
    /// A free lease.
    pub fn new() -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        }))
    }

    /// Revokes the lease, as an operator may.
    pub fn revoke(&self) {
        self.0.change(|state| state.held = None);
    }

    /// Makes every call fail until this is turned off. Watches keep running, but see no change.
    pub fn set_away(&self, is_away: bool) {
        self.0.change(|state| state.is_away = is_away);
    }

    /// The current holder.
    pub fn holder(&self) -> Option<HolderId> {
        self.0.state.lock().holder(Instant::now())
    }
}

impl Default for MemoryLease {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock());
        self.changes.send_modify(|count| *count += 1);
        changed
    }

    /// Takes or keeps the lease for `holder` if `may` accepts the current holder.
    fn grant(
        &self,
        holder: &HolderId,
        ttl: Duration,
        may: impl FnOnce(Option<&HolderId>) -> bool,
    ) -> Result<Option<Term>, LogError> {
        let now = Instant::now();
        self.change(|state| {
            state.check_here()?;
            if !may(state.holder(now).as_ref()) {
                return Ok(None);
            }
            state.revision += 1;
            state.held = Some((holder.clone(), now + ttl));
            Ok(Some(Term {
                holder: holder.clone(),
                revision: state.revision,
            }))
        })
    }
}

impl State {
    fn holder(&self, now: Instant) -> Option<HolderId> {
        let (holder, until) = self.held.as_ref()?;
        (now < *until).then(|| holder.clone())
    }

    fn check_here(&self) -> Result<(), LogError> {
        if self.is_away {
            return Err(LogError::unavailable("the lease is unavailable"));
        }
        Ok(())
    }
}

#[async_trait]
impl LeaseStore for MemoryLease {
    async fn try_acquire(
        &self,
        holder: &HolderId,
        ttl: Duration,
    ) -> Result<Option<Term>, LogError> {
        self.0.grant(holder, ttl, |held| {
            held.is_none_or(|current| current == holder)
        })
    }

    async fn renew(&self, term: &Term, ttl: Duration) -> Result<Option<Term>, LogError> {
        self.0
            .grant(&term.holder, ttl, |held| held == Some(&term.holder))
    }

    async fn release(&self, term: &Term) -> Result<(), LogError> {
        self.0.change(|state| {
            state.check_here()?;
            if state.holder(Instant::now()).as_ref() == Some(&term.holder) {
                state.held = None;
            }
            Ok(())
        })
    }

    async fn watch(&self) -> Result<Holders, LogError> {
        self.0.state.lock().check_here()?;
        let shared = Arc::clone(&self.0);
        let changes = shared.changes.subscribe();
        let seen: Option<Option<HolderId>> = None;
        let holders = futures::stream::unfold(
            (shared, changes, seen),
            |(shared, mut changes, seen)| async move {
                loop {
                    changes.mark_unchanged();
                    let (holder, ends_at) = {
                        let state = shared.state.lock();
                        let ends_at = state.held.as_ref().map(|(_, until)| *until);
                        (state.holder(Instant::now()), ends_at)
                    };
                    if seen.as_ref() != Some(&holder) {
                        return Some((Ok(holder.clone()), (shared, changes, Some(holder))));
                    }
                    let ending = async {
                        match (&holder, ends_at) {
                            (Some(_), Some(at)) => tokio::time::sleep_until(at).await,
                            _ => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        changed = changes.changed() => changed.ok()?,
                        () = ending => {}
                    }
                }
            },
        );
        Ok(holders.boxed())
    }
}

#[cfg(test)]
mod tests;
