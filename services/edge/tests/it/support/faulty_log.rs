use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanjet_event::TimeUs;
use fanjet_log::{
    AppendError, Appender, Bounds, Entry, EventLog, Follow, LogError, LogIdentity, Page, ReadLimit,
    Selection, Seq,
};
use futures::StreamExt;
use futures::stream::unfold;
use tokio::sync::watch;

use super::Event;

/// How many entries one batch of a follow may have.
const BATCH: usize = 100;

/// An in-memory log. Faults are part of the shared state, so all users see them.
#[derive(Clone)]
pub(crate) struct FaultyLog {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Clone)]
struct State {
    entries: Vec<Entry>,
    first: Seq,
    fault: Fault,
    /// Incremented when running follows must fail.
    broken: u32,
    follows: u32,
    /// How often a caller was left without an answer.
    unanswered: u32,
    lookups: LogLookups,
}

/// Lookups by time that the log received.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogLookups {
    pub(crate) asked: u32,
    under_way: u32,
    pub(crate) most_at_once: u32,
}

/// The current fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// No call succeeds.
    Away,
    /// Follows deliver nothing and report nothing.
    Hanging,
    /// Lookups by time are never answered.
    Silent,
    /// An event is appended right after each lookup by time.
    Growing,
    /// A lookup by time takes this long.
    Slow(Duration),
    /// A read of a page takes this long.
    SlowReads(Duration),
    /// The next follow leaves out this seq.
    Skipping(Seq),
    /// Follows begin this many entries too early.
    Repeating(u64),
}

impl FaultyLog {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::new(watch::Sender::new(State {
                entries: Vec::new(),
                first: 1,
                fault: Fault::None,
                broken: 0,
                follows: 0,
                unanswered: 0,
                lookups: LogLookups::default(),
            })),
        }
    }

    /// Appends events; returns their entries.
    pub(crate) fn append(&self, events: impl IntoIterator<Item = Event>) -> Vec<Entry> {
        let mut added = Vec::new();
        self.state.send_modify(|state| {
            for event in events {
                let entry = event.at(state.entries.len() as u64 + 1);
                added.push(entry.clone());
                state.entries.push(entry);
            }
        });
        added
    }

    /// Appends an entry unchanged, valid or not.
    pub(crate) fn append_raw(&self, entry: Entry) {
        self.state.send_modify(|state| state.entries.push(entry));
    }

    pub(crate) fn last(&self) -> Seq {
        self.state.borrow().entries.len() as u64
    }

    /// Ends all follows with an error.
    pub(crate) fn break_follows(&self) {
        self.state.send_modify(|state| state.broken += 1);
    }

    pub(crate) fn set_fault(&self, fault: Fault) {
        self.state.send_modify(|state| state.fault = fault);
    }

    /// Drops everything before `first`.
    pub(crate) fn retain_from(&self, first: Seq) {
        self.state.send_modify(|state| state.first = first);
    }

    /// How many follows were started.
    pub(crate) fn follows(&self) -> u32 {
        self.state.borrow().follows
    }

    /// Waits until a caller waits for an answer.
    pub(crate) async fn has_waiting_callers(&self) {
        let mut state = self.state.subscribe();
        state.wait_for(|state| state.unanswered > 0).await.unwrap();
    }

    /// The lookups by time so far.
    pub(crate) fn lookups(&self) -> LogLookups {
        self.state.borrow().lookups
    }

    fn check(&self) -> Result<(), LogError> {
        if self.state.borrow().fault == Fault::Away {
            return Err(LogError::unavailable("injected"));
        }
        Ok(())
    }
}

#[async_trait]
impl EventLog for FaultyLog {
    async fn identity(&self) -> Result<LogIdentity, LogError> {
        self.check()?;
        Ok(LogIdentity::new(0, 0))
    }

    async fn adopt(&self) -> Result<LogIdentity, LogError> {
        self.identity().await
    }

    async fn bounds(&self) -> Result<Bounds, LogError> {
        self.check()?;
        let state = self.state.borrow();
        Ok(Bounds {
            first: state.first,
            last: state.entries.len() as u64,
        })
    }

    async fn last(&self) -> Result<Option<Entry>, LogError> {
        self.check()?;
        Ok(self.state.borrow().entries.last().cloned())
    }

    async fn read(
        &self,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Result<Page, LogError> {
        self.check()?;
        let state = self.state.borrow().clone();
        if let Fault::SlowReads(pause) = state.fault {
            tokio::time::sleep(pause).await;
        }
        let from = from.max(state.first);
        let scanned: Vec<_> = state
            .entries
            .get(from as usize - 1..)
            .unwrap_or_default()
            .iter()
            .take(limit.entries.min(BATCH))
            .collect();
        let next = scanned.last().map_or(from, |last| last.seq + 1);
        Ok(Page {
            at_end: next > state.entries.len() as u64,
            entries: scanned
                .into_iter()
                .filter(|entry| selection.matches(&entry.topic))
                .cloned()
                .collect(),
            next,
        })
    }

    async fn follow(&self, from: Seq, selection: &Selection) -> Result<Follow, LogError> {
        self.check()?;
        self.state.send_modify(|state| state.follows += 1);
        let from = match self.state.borrow().fault {
            Fault::Repeating(entries) => from.saturating_sub(entries).max(1),
            _ => from,
        };
        let follower = Follower {
            broken: self.state.borrow().broken,
            state: self.state.subscribe(),
            next: from,
            selection: selection.clone(),
        };
        Ok(unfold(Some(follower), |follower| async {
            let mut follower = follower?;
            let batch = follower.next_batch().await;
            let is_over = batch.is_err();
            Some((batch, (!is_over).then_some(follower)))
        })
        .boxed())
    }

    async fn seq_at(&self, time: TimeUs) -> Result<Seq, LogError> {
        self.check()?;
        let _asking = Asking::begin(&self.state);
        let fault = self.state.borrow().fault.clone();
        if let Fault::Slow(pause) = fault {
            tokio::time::sleep(pause).await;
        }
        if fault == Fault::Silent {
            self.state.send_modify(|state| state.unanswered += 1);
            std::future::pending::<()>().await;
        }
        let place = {
            let state = self.state.borrow();
            let mut place = state.entries.len();
            while place > 0 && state.entries[place - 1].time()? >= time {
                place -= 1;
            }
            (place as u64 + 1).max(state.first)
        };
        if fault == Fault::Growing {
            self.append([super::commit("app.bsky.feed.post", "did:plc:a")]);
        }
        Ok(place)
    }

    async fn appender(&self, _: Seq) -> Result<Box<dyn Appender>, AppendError> {
        unreachable!("the edge never writes")
    }
}

/// A lookup by time in progress.
struct Asking<'a>(&'a watch::Sender<State>);

impl<'a> Asking<'a> {
    fn begin(state: &'a watch::Sender<State>) -> Self {
        state.send_modify(|state| {
            let lookups = &mut state.lookups;
            lookups.asked += 1;
            lookups.under_way += 1;
            lookups.most_at_once = lookups.most_at_once.max(lookups.under_way);
        });
        Self(state)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.lookups.under_way -= 1);
    }
}

struct Follower {
    state: watch::Receiver<State>,
    broken: u32,
    next: Seq,
    selection: Selection,
}

impl Follower {
    async fn next_batch(&mut self) -> Result<Vec<Entry>, LogError> {
        let (broken, next) = (self.broken, self.next);
        let state = self.state.wait_for(|state| {
            let has_more = state.entries.len() as u64 >= next && state.fault != Fault::Hanging;
            state.broken != broken || has_more
        });
        let state = state.await.map_err(LogError::unavailable)?;
        if state.broken != broken {
            return Err(LogError::unavailable("injected"));
        }
        let from = next.max(state.first);
        let mut batch: Vec<_> = state.entries[from as usize - 1..]
            .iter()
            .take(BATCH)
            .cloned()
            .collect();
        if let Fault::Skipping(seq) = state.fault {
            batch.retain(|entry| entry.seq != seq);
        }
        drop(state);
        self.next = from + BATCH as u64;
        if let Some(last) = batch.last() {
            self.next = last.seq + 1;
        }
        batch.retain(|entry| self.selection.matches(&entry.topic));
        Ok(batch)
    }
}
