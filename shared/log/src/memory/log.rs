//! The log itself.

use std::sync::Arc;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::appender::MemoryAppender;
use super::faults::{Fault, Faults};
use super::follow;
use super::options::MemoryOptions;
use super::shared::{Reads, Shared};
use super::state::State;
use crate::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq,
};

/// A log in memory. Clones share it, but each reads the log that it has adopted itself, as processes do.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Arc<Shared>,
    adopted: Mutex<LogIdentity>,
}

impl MemoryLog {
    /// An empty log that keeps everything and starts at 1.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// An empty log that starts at 1.
    pub fn with_options(options: MemoryOptions) -> Self {
        Self::beginning_at(1, options)
    }

    /// An empty log whose first event gets the seq `first`.
    pub fn beginning_at(first: Seq, options: MemoryOptions) -> Self {
        let state = State::beginning_at(first);
        Self {
            adopted: Mutex::new(state.identity),
            shared: Arc::new(Shared {
                options,
                faults: Faults::default(),
                reads: Mutex::default(),
                grown: watch::Sender::new(state.bounds().last),
                state: Mutex::new(state),
            }),
        }
    }

    /// Replaces this log with an empty one that starts at `first`, as deleting and re-creating a stream does: readers
    /// end with [`LogError::Replaced`] until they adopt it.
    pub fn recreate(&self, first: Seq) {
        let mut state = self.shared.state.lock();
        *state = State::beginning_at(first);
        self.shared.grown.send_replace(state.bounds().last);
    }

    /// Deletes every entry, as an operator's purge does. The numbering continues.
    pub fn purge(&self) {
        let mut state = self.shared.state.lock();
        let last = state.bounds().last;
        state.expire(last);
    }

    /// Injects `fault` on its next `times` occasions, in addition to those still pending.
    pub fn inject(&self, fault: Fault, times: u64) {
        self.shared.faults.inject(fault, times);
    }

    /// How often `fault` was injected. A test that injects one checks this: a fault that never fired proves nothing.
    pub fn fired(&self, fault: Fault) -> u64 {
        self.shared.faults.fired(fault)
    }

    /// Cancels the pending injections of `fault`.
    pub fn withdraw(&self, fault: Fault) {
        self.shared.faults.withdraw(fault);
    }

    /// What [`EventLog::read`] has returned so far, to all clones.
    pub fn reads(&self) -> Reads {
        *self.shared.reads.lock()
    }

    /// Deletes every entry up to and including `seq`, as retention does.
    pub fn expire(&self, seq: Seq) {
        self.shared.state.lock().expire(seq);
    }

    /// Loses every entry behind `seq`, as a server does that restarts from an older disk state.
    pub fn lose_behind(&self, seq: Seq) {
        let mut state = self.shared.state.lock();
        state.lose_behind(seq);
        self.shared.grown.send_replace(state.bounds().last);
    }

    fn check_readable(&self) -> Result<(), LogError> {
        if self.shared.faults.fires(Fault::ReadFails) {
            return Err(LogError::unavailable(Fault::ReadFails.as_str()));
        }
        Ok(())
    }

    fn check_adopted(&self, state: &State) -> Result<(), LogError> {
        state.check_identity(*self.adopted.lock())
    }
}

impl Clone for MemoryLog {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            adopted: Mutex::new(*self.adopted.lock()),
        }
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        self.check_readable()?;
        Ok(self.shared.state.lock().identity)
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        let identity = self.identity().await?;
        *self.adopted.lock() = identity;
        Ok(identity)
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        self.check_readable()?;
        Ok(self.shared.state.lock().bounds())
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        self.check_readable()?;
        Ok(self.shared.state.lock().last().cloned())
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.check_readable()?;
        let scan = self.shared.options.page_scan;
        let page = {
            let state = self.shared.state.lock();
            self.check_adopted(&state)?;
            state.read(from, selection, limit, scan)
        };
        let mut reads = self.shared.reads.lock();
        reads.pages += 1;
        reads.entries += page.entries.len() as u64;
        Ok(page)
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        self.check_readable()?;
        self.check_adopted(&self.shared.state.lock())?;
        Ok(follow::open(
            Arc::clone(&self.shared),
            from,
            selection.clone(),
        ))
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.check_readable()?;
        let state = self.shared.state.lock();
        self.check_adopted(&state)?;
        state.seq_at(time)
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        Ok(Box::new(MemoryAppender::new(
            Arc::clone(&self.shared),
            after,
        )))
    }
}

#[cfg(test)]
mod tests;
