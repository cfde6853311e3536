//! Following the log.
//!
//! On any anomaly (a gap in the seqs, a heartbeat that announces messages that never arrived, silence, a lost
//! connection) the follow ends, and its owner follows again from the last entry plus one. Only when a message may be to
//! blame that the client library cannot parse does the follow continue another way: such a message would end every new
//! follow at the same seq.

mod position;
mod pushed;

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{Entry, Follow, LogError, ReadLimit, Selection, Seq};
use futures::StreamExt;
use tokio::time::Instant;

use crate::careful;
use crate::connect::Link;
use crate::error::Unavailable;
use crate::inner::Inner;
use crate::subject::Filters;

use pushed::HEARTBEAT;

/// With more filters than this the server is asked for everything: its cost grows with every filter.
const MAX_SERVER_FILTERS: usize = 16;
/// How often the end of the log is asked for while messages are read singly.
const POLL: Duration = Duration::from_millis(50);
const LIMIT: ReadLimit = ReadLimit {
    entries: 1000,
    bytes: 8 << 20,
};

pub(crate) async fn open(
    log: Arc<Inner>,
    from: Seq,
    selection: &Selection,
) -> Result<Follow, LogError> {
    let filters = match log.subjects.filters(selection) {
        Filters::Only(wanted) if wanted.len() <= MAX_SERVER_FILTERS => wanted.all(),
        Filters::All | Filters::Only(_) => Vec::new(),
    };
    let mut following = Following {
        log,
        selection: selection.clone(),
        filters,
        next: from.max(1),
        pushed: None,
        spoke_at: Instant::now(),
    };
    if !following.is_pushed().await? {
        following.log.bounds().await?;
    }
    let batches = futures::stream::unfold(Some(following), |following| async move {
        let mut following = following?;
        match following.next_batch().await {
            Ok(batch) => Some((Ok(batch), Some(following))),
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok(batches.boxed())
}

struct Following {
    log: Arc<Inner>,
    selection: Selection,
    filters: Vec<String>,
    /// Everything before it was read.
    next: Seq,
    /// `None` while messages are read singly.
    pushed: Option<(Follow, Link)>,
    /// When the owner last heard anything.
    spoke_at: Instant,
}

impl Following {
    async fn next_batch(&mut self) -> Result<Vec<Entry>, LogError> {
        loop {
            if let Some((pushed, link)) = &mut self.pushed {
                let batch = pushed.next().await;
                match batch.ok_or(Unavailable::Disconnected)? {
                    Ok(batch) => return Ok(self.shown(batch)),
                    Err(error) => {
                        let is_lost = error.is_retryable() && link.has_broken().await;
                        if !is_lost || !self.log.reads.is_careful() {
                            return Err(error);
                        }
                        self.pushed = None;
                    }
                }
            }
            if self.is_pushed().await? {
                continue;
            }
            let (filters, selection) = (&self.filters, &self.selection);
            let places = self.next..Seq::MAX;
            let page = careful::page(&self.log, places, filters, selection, LIMIT).await?;
            self.next = page.next;
            if !page.entries.is_empty() || self.spoke_at.elapsed() >= HEARTBEAT {
                return Ok(self.shown(page.entries));
            }
            if page.at_end {
                tokio::time::sleep(POLL).await;
            }
        }
    }

    fn shown(&mut self, batch: Vec<Entry>) -> Vec<Entry> {
        self.next = batch.last().map_or(self.next, |last| last.seq + 1);
        self.spoke_at = Instant::now();
        batch
    }

    /// Whether the server pushes what comes, from now on if it may be asked to.
    async fn is_pushed(&mut self) -> Result<bool, LogError> {
        if self.pushed.is_none()
            && !self.log.reads.is_unreadable_near(self.next)
            && let Some(link) = self.log.reads.link().await?
        {
            let (log, filters) = (Arc::clone(&self.log), self.filters.clone());
            let pushed = pushed::open(log, &link, self.next, filters, &self.selection).await?;
            self.pushed = Some((pushed, link));
        }
        Ok(self.pushed.is_some())
    }
}
