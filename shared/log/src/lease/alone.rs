//! The lease of a process that is the only writer of its log.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;

use super::{HolderId, Holders, LeaseStore, Term};
use crate::LogError;

/// Grants every request and never expires. For a log that no other process can open; elsewhere only the fence would
/// separate two writers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

#[async_trait]
impl LeaseStore for Alone {
    async fn try_acquire(
        &self,
        holder: &HolderId,
        _ttl: Duration,
    ) -> Result<Option<Term>, LogError> {
        let holder = holder.clone();
        Ok(Some(Term {
            holder,
            revision: 1,
        }))
    }

    async fn renew(&self, term: &Term, _ttl: Duration) -> Result<Option<Term>, LogError> {
        Ok(Some(term.clone()))
    }

    async fn release(&self, _term: &Term) -> Result<(), LogError> {
        Ok(())
    }

    async fn watch(&self) -> Result<Holders, LogError> {
        Ok(futures::stream::pending().boxed())
    }
}
