//! Where readers ask for pages, and the loader finds what to load.
//!
//! Bounded: a reader asks for one page at a time, so no more requests wait than there are readers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fanjet_log::{Selection, Seq};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::Page;
use super::cache::Cache;
use crate::tail::Ring;

/// How close behind the start of a running load a reader waits for it instead of starting its own.
const NEAR: u64 = 128;

/// Shared by all readers and the loader.
#[derive(Debug)]
pub struct Desk {
    ring: Arc<Ring>,
    state: Mutex<State>,
    /// There may be something to load.
    asked: Notify,
}

/// What a reader gets.
#[derive(Debug)]
pub enum Answer {
    /// It was there.
    Page(Arc<Page>),
    /// It will come. It may end before the asked position, and then asking again helps; when nothing
    /// comes the node is ending.
    Wait(oneshot::Receiver<Arc<Page>>),
}

/// What is to be loaded.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) from: Seq,
    /// Where a page begins that is there already.
    pub(crate) until: Option<Seq>,
    pub(crate) kind: LoadKind,
}

/// For whom.
#[derive(Debug)]
pub(crate) enum LoadKind {
    /// Everything, for all who are near.
    Shared,
    /// What one reader selects, for it alone.
    Own {
        selection: Selection,
        answer: oneshot::Sender<Arc<Page>>,
    },
}

#[derive(Debug)]
struct State {
    cache: Cache,
    queue: VecDeque<Load>,
    /// Loads of shared pages, queued or running, and who waits for them.
    shared: BTreeMap<Seq, Vec<oneshot::Sender<Arc<Page>>>>,
}

impl Desk {
    /// A desk whose cache holds at most `cache_bytes`.
    pub fn new(ring: Arc<Ring>, cache_bytes: usize) -> Self {
        Self {
            ring,
            state: Mutex::new(State {
                cache: Cache::new(cache_bytes),
                queue: VecDeque::new(),
                shared: BTreeMap::new(),
            }),
            asked: Notify::new(),
        }
    }

    /// Asks for what `selection` matches at `seq` and behind it.
    pub fn page(&self, seq: Seq, selection: Selection) -> Answer {
        let mut state = self.state.lock();
        let answer = match selection {
            Selection::All => state.shared_page(seq),
            only @ Selection::Only(_) => state.own_page(seq, only),
        };
        if let Answer::Page(page) = &answer {
            state.load_ahead(page.next, self.ring.start());
        }
        drop(state);
        self.asked.notify_one();
        answer
    }

    /// Bytes of pages that are held.
    pub fn cached_bytes(&self) -> usize {
        self.state.lock().cache.bytes()
    }

    /// The next load, in the order in which they were asked for; those that nobody waits for any more are left out.
    pub(crate) fn next_load(&self) -> Option<Load> {
        let mut state = self.state.lock();
        while let Some(mut load) = state.queue.pop_front() {
            match &load.kind {
                LoadKind::Own { answer, .. } if answer.is_closed() => {}
                LoadKind::Own { .. } => return Some(load),
                LoadKind::Shared if state.is_abandoned(load.from) => {
                    state.shared.remove(&load.from);
                }
                LoadKind::Shared => {
                    load.until = state.cache.next_start(load.from);
                    return Some(load);
                }
            }
        }
        None
    }

    /// Waits until something was asked for.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }

    /// Hands a loaded page to those who wait for it.
    pub(crate) fn loaded(&self, from: Seq, kind: LoadKind, page: Page) {
        let page = Arc::new(page);
        let answers = match kind {
            // A reader that has left needs nothing.
            LoadKind::Own { answer, .. } => vec![answer],
            LoadKind::Shared => {
                let mut state = self.state.lock();
                state.cache.insert(Arc::clone(&page));
                let answers = state.shared.remove(&from).unwrap_or_default();
                if answers.iter().any(|answer| !answer.is_closed()) {
                    state.load_ahead(page.next, self.ring.start());
                }
                answers
            }
        };
        for answer in answers {
            let _left = answer.send(Arc::clone(&page));
        }
    }
}

impl State {
    fn shared_page(&mut self, seq: Seq) -> Answer {
        if let Some(page) = self.cache.get(seq) {
            return Answer::Page(page);
        }
        let (answer, wait) = oneshot::channel();
        let mut near = self.shared.range_mut(seq.saturating_sub(NEAR)..=seq);
        match near.next_back() {
            Some((_, waiting)) => waiting.push(answer),
            None => {
                self.shared.insert(seq, vec![answer]);
                self.queue.push_back(Load {
                    from: seq,
                    until: None,
                    kind: LoadKind::Shared,
                });
            }
        }
        Answer::Wait(wait)
    }

    fn own_page(&mut self, from: Seq, selection: Selection) -> Answer {
        let (answer, wait) = oneshot::channel();
        self.queue.push_back(Load {
            from,
            until: None,
            kind: LoadKind::Own { selection, answer },
        });
        Answer::Wait(wait)
    }

    /// Loads what a reader will ask for next, unless somebody waits for something else.
    fn load_ahead(&mut self, from: Seq, ring_start: Seq) {
        let is_there = self.cache.covers(from) || self.shared.contains_key(&from);
        if from < ring_start && !is_there && self.queue.is_empty() {
            self.shared.insert(from, Vec::new());
            self.queue.push_back(Load {
                from,
                until: None,
                kind: LoadKind::Shared,
            });
        }
    }

    /// Whether everybody who waited has left. What is loaded ahead was never waited for.
    fn is_abandoned(&self, from: Seq) -> bool {
        self.shared.get(&from).is_none_or(|waiting| {
            !waiting.is_empty() && waiting.iter().all(oneshot::Sender::is_closed)
        })
    }
}

#[cfg(test)]
mod tests;
