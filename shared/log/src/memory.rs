//! The log in memory: for tests of everything that reads or writes a log.
//!
//! It keeps the whole contract and can be told to misbehave in the ways a real backend does ([`Fault`]). Nothing
//! here is durable, and nothing waits: an append is acknowledged when it returns.

mod appender;
mod bookmarks;
mod faults;
mod follow;
mod lease;
mod notices;
mod state;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, NewEvent, Page,
    ReadLimit, Selection, Seq,
};

pub use bookmarks::MemoryBookmarks;
pub use faults::Fault;
pub use lease::MemoryLease;
pub use notices::MemoryNotices;

use appender::MemoryAppender;
use faults::Faults;
use state::State;

/// A log in memory. Clones share it, but each reads the log that it has adopted itself, as processes do.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Arc<Shared>,
    adopted: Mutex<LogIdentity>,
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
    /// An empty log that keeps everything and begins at 1.
    pub fn new() -> Self {
        Self::with_options(MemoryOptions::default())
    }

    /// An empty log that begins at 1.
    pub fn with_options(options: MemoryOptions) -> Self {
        Self::beginning_at(1, options)
    }

    /// An empty log whose first event has the seq `first`.
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

    /// Puts an empty log that begins at `first` in place of this one, as deleting and making a stream does: readers end
    /// with [`LogError::Replaced`] until they adopt it.
    pub fn recreate(&self, first: Seq) {
        let mut state = self.shared.state.lock();
        *state = State::beginning_at(first);
        self.shared.grown.send_replace(state.bounds().last);
    }

    /// Forgets every entry, as an operator's purge does. The numbering goes on.
    pub fn purge(&self) {
        let mut state = self.shared.state.lock();
        let last = state.bounds().last;
        state.expire(last);
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

    /// Loses every entry behind `seq`, as a server does that comes back with an older state of its disk.
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
