//! One reader that waits at the end of the log.

use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::Instant;

use super::faults::Fault;
use super::shared::Shared;
use crate::{Entry, Follow, LogError, LogIdentity, ReadLimit, Selection, Seq};

/// Entries and bytes of one batch.
const BATCH: ReadLimit = ReadLimit {
    entries: 512,
    bytes: 4 << 20,
};

pub(super) fn open(shared: Arc<Shared>, from: Seq, selection: Selection) -> Follow {
    let (oldest, identity) = {
        let state = shared.state.lock();
        (state.bounds().first, state.identity)
    };
    let reader = Reader {
        next: from.max(oldest),
        identity,
        grown: shared.grown.subscribe(),
        selection,
        shared,
    };
    futures::stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        match reader.next_batch().await {
            Ok(batch) => Some((Ok(batch), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Reader {
    shared: Arc<Shared>,
    selection: Selection,
    identity: LogIdentity,
    next: Seq,
    grown: watch::Receiver<Seq>,
}

impl Reader {
    async fn next_batch(&mut self) -> Result<Vec<Entry>, LogError> {
        let heartbeat_at = Instant::now() + self.shared.options.heartbeat;
        loop {
            // Marks everything read below as seen, so that only later entries wake the wait.
            self.grown.borrow_and_update();
            let (first, page) = {
                let state = self.shared.state.lock();
                state.check_identity(self.identity)?;
                let scan = self.shared.options.page_scan;
                let page = state.read(self.next, &self.selection, BATCH, scan);
                (state.bounds().first, page)
            };
            if self.next < first {
                return Err(self.gap(first));
            }
            if !page.entries.is_empty() {
                self.misbehave().await?;
                if self.shared.faults.fires(Fault::FollowGap) {
                    return Err(self.gap(self.next + 1));
                }
                self.next = page.next;
                return Ok(page.entries);
            }
            self.next = page.next;
            // A log that grows by entries outside the selection must not suppress the heartbeat.
            let is_due = Instant::now() >= heartbeat_at;
            if page.at_end && (is_due || !self.has_grown_before(heartbeat_at).await) {
                self.misbehave().await?;
                return Ok(Vec::new());
            }
        }
    }

    /// Waits for the log to grow, until `deadline` at the latest.
    async fn has_grown_before(&mut self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.grown.changed())
            .await
            .is_ok()
    }

    async fn misbehave(&self) -> Result<(), LogError> {
        if self.shared.faults.fires(Fault::FollowHangs) {
            std::future::pending::<()>().await;
        }
        if self.shared.faults.fires(Fault::FollowEnds) {
            return Err(LogError::unavailable(Fault::FollowEnds.as_str()));
        }
        Ok(())
    }

    fn gap(&self, found: Seq) -> LogError {
        LogError::Gap {
            expected: self.next,
            found,
        }
    }
}
