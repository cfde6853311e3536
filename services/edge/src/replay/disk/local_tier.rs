//! What readers see of the copy.

use std::sync::Arc;

use fanjet_event::TimeUs;
use fanjet_log::{LogError, Page, ReadLimit, Selection, Seq};
use fanjet_log_embedded::LogCopy;
use parking_lot::RwLock;
use tokio::sync::Notify;

use crate::tail::{Generation, Tail};

/// The copy that can be read now, if there is one. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LocalTier {
    tail: Tail,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    current: RwLock<Option<Current>>,
    /// What a reader could not read.
    failure: RwLock<Option<LogError>>,
    failed: Notify,
}

/// A copy and the log that it is of.
#[derive(Debug, Clone)]
struct Current {
    generation: Generation,
    copy: LogCopy,
}

impl LocalTier {
    pub(crate) fn new(tail: Tail) -> Self {
        Self {
            tail,
            shared: Arc::default(),
        }
    }

    /// The page at `from` of the log of a generation. `None`: ask the log. As complete as the log's own page, from `from` on.
    pub(crate) async fn read(
        &self,
        generation: Generation,
        from: Seq,
        selection: &Selection,
        limit: ReadLimit,
    ) -> Option<Page> {
        let copy = self.copy_of(generation, from)?;
        match copy.read(from, selection, limit).await {
            // What was there before and after the read was there during it.
            Ok(page) => (page.next > from && copy.bounds().first <= from).then_some(page),
            Err(failure) => {
                self.failed_read(&copy, failure);
                None
            }
        }
    }

    /// The first event that is not earlier than a time, when that is certain: the copy has it and an earlier one.
    pub(crate) async fn seq_at(&self, generation: Generation, time: u64) -> Option<Seq> {
        let time = TimeUs::new(time)?;
        let copy = self.current(generation)?;
        // Before the search: a time behind the end is answered with the end, where an earlier event may arrive meanwhile.
        let last = copy.bounds().last;
        match Self::search(&copy, time).await {
            Ok((seq, oldest)) => {
                let is_certain = seq > oldest.max(self.tail.window.oldest().seq);
                (is_certain && seq <= last).then_some(seq)
            }
            Err(failure) => {
                self.failed_read(&copy, failure);
                None
            }
        }
    }

    /// The first event that is not earlier, and the oldest one, both of the copy.
    async fn search(copy: &LogCopy, time: TimeUs) -> Result<(Seq, Seq), LogError> {
        // The oldest first: it grows backwards meanwhile.
        let oldest = copy.seq_at(TimeUs::MIN).await?;
        Ok((copy.seq_at(time).await?, oldest))
    }

    /// The copy, if it has `seq`, and the log has it, too: what that has deleted is not served.
    fn copy_of(&self, generation: Generation, seq: Seq) -> Option<LogCopy> {
        let copy = self.current(generation)?;
        let bounds = copy.bounds();
        let is_covered = (bounds.first..=bounds.last).contains(&seq);
        let is_kept = seq >= self.tail.window.oldest().seq;
        (is_covered && is_kept).then_some(copy)
    }

    fn current(&self, generation: Generation) -> Option<LogCopy> {
        let current = self.shared.current.read();
        let current = current.as_ref()?;
        (current.generation == generation).then(|| current.copy.clone())
    }

    /// Readers use this copy from now on.
    pub(super) fn show(&self, generation: Generation, copy: LogCopy) {
        *self.shared.failure.write() = None;
        *self.shared.current.write() = Some(Current { generation, copy });
    }

    /// Readers use no copy.
    pub(super) fn hide(&self) {
        *self.shared.current.write() = None;
    }

    /// Waits until a reader could not read the copy; returns why.
    pub(super) async fn failed(&self) -> LogError {
        loop {
            let failed = self.shared.failed.notified();
            if let Some(failure) = self.shared.failure.write().take() {
                return failure;
            }
            failed.await;
        }
    }

    /// The first failure ends the copy; those of other readers are of the same one. What can be read later, as when the process
    /// has too many open files, is no damage.
    fn failed_read(&self, copy: &LogCopy, failure: LogError) {
        if failure.is_retryable() {
            return;
        }
        let mut current = self.shared.current.write();
        if current.as_ref().is_some_and(|it| it.copy.is_same(copy)) {
            *current = None;
            *self.shared.failure.write() = Some(failure);
            self.shared.failed.notify_one();
        }
    }
}
