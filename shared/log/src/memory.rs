//! The log in memory: for tests of everything that reads or writes a log.
//!
//! It keeps the whole contract and can be told to misbehave in the ways a real backend does ([`Fault`]). Nothing
//! here is durable, and nothing waits: an append is acknowledged when it returns.

mod appender;
mod faults;
mod follow;
mod lease;
mod notices;
mod state;
mod store;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, NewEvent, Page, ReadLimit,
    Selection, Seq,
};

pub use faults::Fault;
pub use lease::MemoryLease;
pub use notices::MemoryNotices;
pub use store::{MemoryStore, MemoryStoreOptions};

use appender::MemoryAppender;
use faults::Faults;
use state::State;

/// A log in memory. Clones share it.
#[derive(Debug, Clone)]
pub struct MemoryLog {
    shared: Arc<Shared>,
}

/// How a [`MemoryLog`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryOptions {
    /// Entries kept; the oldest go first.
    pub max_entries: usize,
    /// Bytes of bodies kept; the oldest go first. The newest entry stays, however large.
    pub max_bytes: usize,
    /// Entries one page looks at: beyond it a page comes back, empty when nothing matched.
    pub page_scan: usize,
    /// How often an idle follow says that it is alive.
    pub heartbeat: Duration,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            max_entries: usize::MAX,
            max_bytes: usize::MAX,
            page_scan: 4096,
            heartbeat: Duration::from_secs(1),
        }
    }
}

/// How much was read of a [`MemoryLog`], page by page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reads {
    /// Pages.
    pub pages: u64,
    /// Entries on them.
    pub entries: u64,
}

/// What the log, its appenders and its follows hold in common.
#[derive(Debug)]
struct Shared {
    options: MemoryOptions,
    faults: Faults,
    reads: Mutex<Reads>,
    state: Mutex<State>,
    /// The last seq. Behind the state: whoever sees it here finds the entry there.
    grown: watch::Sender<Seq>,
}

impl MemoryLog {
    /// An empty log that keeps everything.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// An empty log.
    pub fn with_options(options: MemoryOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                faults: Faults::default(),
                reads: Mutex::default(),
                state: Mutex::default(),
                grown: watch::Sender::new(0),
            }),
        }
    }

    /// Lets the next `times` chances of `fault` misbehave, on top of those still outstanding.
    pub fn inject(&self, fault: Fault, times: u64) {
        self.shared.faults.inject(fault, times);
    }

    /// How often `fault` has happened. A test that injects one checks this: a fault that never fired proves nothing.
    pub fn fired(&self, fault: Fault) -> u64 {
        self.shared.faults.fired(fault)
    }

    /// Ends what is outstanding of `fault`.
    pub fn withdraw(&self, fault: Fault) {
        self.shared.faults.withdraw(fault);
    }

    /// What [`EventLog::read`] has given so far, to all clones.
    pub fn reads(&self) -> Reads {
        *self.shared.reads.lock()
    }

    /// Forgets every entry up to and with `seq`, as retention does.
    pub fn expire(&self, seq: Seq) {
        self.shared.state.lock().expire(seq);
    }

    fn check_readable(&self) -> Result<(), LogError> {
        if self.shared.faults.fires(Fault::ReadFails) {
            return Err(LogError::unavailable(Fault::ReadFails.as_str()));
        }
        Ok(())
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl EventLog for MemoryLog {
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
        let page = self.shared.state.lock().read(from, selection, limit, scan);
        let mut reads = self.shared.reads.lock();
        reads.pages += 1;
        reads.entries += page.entries.len() as u64;
        Ok(page)
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        self.check_readable()?;
        Ok(follow::open(
            Arc::clone(&self.shared),
            from,
            selection.clone(),
        ))
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.check_readable()?;
        self.shared.state.lock().seq_at(time)
    }

    async fn appender(&self, after: Seq) -> Result<Box<dyn Appender>, AppendError> {
        Ok(Box::new(MemoryAppender::new(
            Arc::clone(&self.shared),
            after,
        )))
    }
}

impl Shared {
    /// Stores events behind each other, and wakes the follows. Under the lock, so that checking the end and
    /// writing there is one step.
    fn store(&self, state: &mut State, events: &[NewEvent]) -> Seq {
        for event in events {
            state.push(event, &self.options);
        }
        let last = state.bounds().last;
        self.grown.send_replace(last);
        last
    }
}

#[cfg(test)]
mod tests;
