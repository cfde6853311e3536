//! One reader that waits at the end of the log.
//!
//! It is a chain of pages, each starting where the one before ended, on disk or in memory alike. So there is no
//! handover between past and present that could lose or repeat an event.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Entry, Follow, LogError, ReadLimit, Selection, Seq};
use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::decode::Decoder;
use crate::inner::Inner;
use crate::read;

/// Entries and bytes of one batch.
const BATCH: ReadLimit = ReadLimit {
    entries: 1024,
    bytes: 4 << 20,
};

pub(crate) fn open(log: Arc<Inner>, from: Seq, selection: &Selection) -> Follow {
    let oldest = log.shared.state.read().bounds().first;
    let reader = Reader {
        next: from.max(oldest),
        decoder: Decoder::new(selection.clone()),
        grown: log.shared.grown.subscribe(),
        heartbeat: log.shared.config.heartbeat,
        log,
    };
    futures::stream::unfold(Some(reader), |reader| async move {
        match reader?.next_batch().await {
            Ok((batch, reader)) => Some((Ok(batch), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct Reader {
    log: Arc<Inner>,
    decoder: Decoder,
    next: Seq,
    grown: watch::Receiver<Seq>,
    heartbeat: Duration,
}

impl Reader {
    async fn next_batch(mut self) -> Result<(Vec<Entry>, Self), LogError> {
        let heartbeat_at = Instant::now() + self.heartbeat;
        loop {
            // Marks everything read below as seen, so that only later events wake the wait.
            self.grown.borrow_and_update();
            let (page, decoder) =
                read::page(&self.log.shared, self.next, self.decoder, BATCH).await?;
            self.decoder = decoder;
            // A page starts at the oldest kept event: the reader's position has expired.
            let first = self.log.shared.state.read().bounds().first;
            let found = page.entries.first().map_or(page.next, |entry| entry.seq);
            if self.next < first && found > self.next {
                return Err(LogError::Gap {
                    expected: self.next,
                    found: first,
                });
            }
            self.next = page.next;
            if !page.entries.is_empty() {
                return Ok((page.entries, self));
            }
            // A log that grows by events outside the selection must not suppress the heartbeat.
            let is_due = Instant::now() >= heartbeat_at;
            if is_due || (page.at_end && !self.has_grown_before(heartbeat_at).await) {
                return Ok((Vec::new(), self));
            }
        }
    }

    /// Waits for the log to grow, until `deadline` at the latest.
    async fn has_grown_before(&mut self, deadline: Instant) -> bool {
        tokio::time::timeout_at(deadline, self.grown.changed())
            .await
            .is_ok_and(|changed| changed.is_ok())
    }
}
