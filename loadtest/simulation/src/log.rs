//! The log as one process sees it: the log in memory, behind that process's [`Link`].

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use fanjet_log::lease::{HolderId, Holders, LeaseStore, Term};
use fanjet_log::memory::{MemoryLease, MemoryLog};
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, NewEvent, Page,
    ReadLimit, Selection, Seq,
};
use futures::stream::unfold;
use futures::{StreamExt, TryStreamExt};

use crate::link::Link;

/// A log behind a link.
pub(crate) struct LinkedLog {
    log: MemoryLog,
    link: Arc<Link>,
}

impl LinkedLog {
    pub(crate) fn new(log: MemoryLog, link: Arc<Link>) -> Self {
        Self { log, link }
    }

    /// A request and its response: either may be lost.
    async fn ask<T>(
        &self,
        request: impl Future<Output = Result<T, LogError>>,
    ) -> Result<T, LogError> {
        self.link.cross().await?;
        let response = request.await;
        self.link.cross().await?;
        response
    }
}

#[async_trait]
impl EventLog for LinkedLog {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        self.ask(self.log.identity()).await
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        self.ask(self.log.adopt()).await
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        self.ask(self.log.bounds()).await
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        self.ask(self.log.last()).await
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.ask(self.log.read(from, selection, limit)).await
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        let follow = self.ask(self.log.follow(from, selection)).await?;
        let link = Arc::clone(&self.link);
        let crossing = unfold((follow, link), async |(mut follow, link)| {
            let batch = follow.try_next().await;
            let arrived = link.cross().await.and(batch);
            Some((arrived.transpose()?, (follow, link)))
        });
        Ok(crossing.boxed())
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.ask(self.log.seq_at(time)).await
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        Ok(Box::new(LinkedAppender {
            inner: self.log.appender(after).await?,
            acked: after,
            is_finished: false,
            link: Arc::clone(&self.link),
        }))
    }
}

/// A writer behind a link.
struct LinkedAppender {
    inner: Box<dyn Appender>,
    acked: Seq,
    is_finished: bool,
    link: Arc<Link>,
}

impl LinkedAppender {
    async fn send(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        let lost = |_| AppendError::unavailable("simulated: no response");
        self.link.cross().await.map_err(lost)?;
        let outcome = self.inner.append(events).await;
        self.link.cross().await.map_err(lost)?;
        outcome?;
        self.acked = self.inner.acked();
        Ok(())
    }
}

#[async_trait]
impl Appender for LinkedAppender {
    async fn append(&mut self, events: &[NewEvent]) -> Result<(), AppendError> {
        if self.is_finished {
            return Err(AppendError::unavailable("the appender is finished"));
        }
        // Also when this call is dropped half-way.
        self.is_finished = true;
        self.send(events).await?;
        self.is_finished = false;
        Ok(())
    }

    async fn flush(&mut self) -> Result<Seq, AppendError> {
        match self.is_finished {
            true => Err(AppendError::unavailable("the appender is finished")),
            false => Ok(self.acked),
        }
    }

    fn acked(&self) -> Seq {
        self.acked
    }
}

/// The lease behind a link.
pub(crate) struct LinkedLease {
    pub(crate) lease: Arc<MemoryLease>,
    pub(crate) link: Arc<Link>,
}

#[async_trait]
impl LeaseStore for LinkedLease {
    async fn try_acquire(
        &self,
        holder: &HolderId,
        ttl: Duration,
    ) -> Result<Option<Term>, LogError> {
        self.link.cross().await?;
        let term = self.lease.try_acquire(holder, ttl).await;
        self.link.cross().await?;
        term
    }

    async fn renew(&self, term: &Term, ttl: Duration) -> Result<Option<Term>, LogError> {
        self.link.cross().await?;
        let renewed = self.lease.renew(term, ttl).await;
        self.link.cross().await?;
        renewed
    }

    async fn release(&self, term: &Term) -> Result<(), LogError> {
        self.link.cross().await?;
        self.lease.release(term).await
    }

    async fn watch(&self) -> Result<Holders, LogError> {
        self.link.cross().await?;
        let link = Arc::clone(&self.link);
        let holders = self.lease.watch().await?;
        let crossing = unfold((holders, link), async |(mut holders, link)| {
            let holder = holders.next().await?;
            let arrived = link.cross().await.and(holder);
            Some((arrived, (holders, link)))
        });
        Ok(crossing.boxed())
    }
}
