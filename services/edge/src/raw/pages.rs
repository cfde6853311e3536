//! Frames that the ring no longer has, in pages of the log that all replays near each other share.
//!
//! Pages begin at fixed seqs, so that replays that started anywhere meet in them. They are read when the first reader
//! needs one; everyone else who needs it meanwhile waits for the same read.

use std::collections::VecDeque;
use std::sync::Arc;

use fanjet_log::{EventLog, LogError, ReadLimit, Seq};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::ring::RawFrame;
use super::view::View;

/// A page begins at a multiple of this: about 350 KB of ordinary frames.
const PAGE_SEQS: Seq = 64;
/// Bytes of one read. Frames may have 5 MB each, so a page may take several reads.
const PAGE_BYTES: usize = 1 << 20;

/// Consecutive frames of the log.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) frames: Vec<RawFrame>,
    /// Where to continue.
    pub(crate) next: Seq,
    bytes: usize,
}

type Loaded = Result<Arc<Page>, Arc<LogError>>;
/// A read ends with the last of its readers: it holds one of the places for reads.
type Loading = WeakShared<BoxFuture<'static, Loaded>>;

/// The pages of one node.
#[derive(Clone)]
pub(crate) struct Pages {
    log: Arc<dyn EventLog>,
    view: View,
    cache: Arc<Mutex<Cache>>,
    /// Reads of the log at one time.
    reads: Arc<Semaphore>,
}

struct Cache {
    pages: HashMap<Seq, Arc<Page>>,
    loading: HashMap<Seq, Loading>,
    /// Oldest first.
    order: VecDeque<Seq>,
    bytes: usize,
    max_bytes: usize,
}

impl Pages {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        view: View,
        max_bytes: usize,
        reads: Arc<Semaphore>,
    ) -> Self {
        Self {
            log,
            view,
            cache: Arc::new(Mutex::new(Cache {
                pages: HashMap::new(),
                loading: HashMap::new(),
                order: VecDeque::new(),
                bytes: 0,
                max_bytes,
            })),
            reads,
        }
    }

    /// Forgets everything: another log is at its place.
    pub(crate) fn clear(&self) {
        let mut cache = self.cache.lock();
        cache.pages.clear();
        cache.order.clear();
        cache.loading.clear();
        cache.bytes = 0;
    }

    /// The page with the first frame from `seq` on.
    ///
    /// # Errors
    /// [`LogError`] of the read.
    pub(crate) async fn get(self, seq: Seq) -> Loaded {
        let mut from = seq - seq % PAGE_SEQS;
        loop {
            let page = self.page(from).await?;
            if page.next > seq {
                return Ok(page);
            }
            from = page.next;
        }
    }

    fn page(&self, from: Seq) -> BoxFuture<'static, Loaded> {
        let mut cache = self.cache.lock();
        if let Some(page) = cache.pages.get(&from) {
            return std::future::ready(Ok(Arc::clone(page))).boxed();
        }
        if let Some(loading) = cache.loading.get(&from).and_then(WeakShared::upgrade) {
            return loading.boxed();
        }
        cache
            .loading
            .retain(|_, loading| loading.upgrade().is_some());
        let loading: Shared<_> = self.clone().load(from).boxed().shared();
        if let Some(weak) = loading.downgrade() {
            cache.loading.insert(from, weak);
        }
        loading.boxed()
    }

    async fn load(self, from: Seq) -> Loaded {
        // The semaphore is never closed.
        let _read = self.reads.acquire().await;
        let page = self.read(from).await;
        let mut cache = self.cache.lock();
        cache.loading.remove(&from);
        match page {
            Ok(page) => {
                let page = Arc::new(page);
                cache.put(from, &page);
                Ok(page)
            }
            Err(error) => Err(Arc::new(error)),
        }
    }

    async fn read(&self, from: Seq) -> Result<Page, LogError> {
        let end = from - from % PAGE_SEQS + PAGE_SEQS;
        let limit = ReadLimit {
            entries: usize::try_from(end - from).unwrap_or(usize::MAX),
            bytes: PAGE_BYTES,
        };
        let page = self.log.read(from, &self.view.selection(), limit).await?;
        if page.next <= from {
            return Err(LogError::unavailable("a replica of the log lags"));
        }
        let frames: Result<Vec<_>, _> = page
            .entries
            .into_iter()
            .map(|entry| self.view.frame(entry))
            .collect();
        let frames = frames?;
        Ok(Page {
            bytes: frames.iter().map(RawFrame::len).sum(),
            frames,
            next: page.next,
        })
    }
}

impl Cache {
    fn put(&mut self, from: Seq, page: &Arc<Page>) {
        if page.bytes > self.max_bytes {
            return;
        }
        self.bytes += page.bytes;
        match self.pages.insert(from, Arc::clone(page)) {
            Some(same) => self.bytes -= same.bytes,
            None => self.order.push_back(from),
        }
        while self.bytes > self.max_bytes
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some(page) = self.pages.remove(&oldest) {
                self.bytes -= page.bytes;
            }
        }
    }
}
