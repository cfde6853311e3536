//! The copy grows backwards: a segment at a time, read from the log from front to back, and put in front when it is complete.

use std::sync::Arc;
use std::time::Duration;

use fanjet_log::{EventLog, LogError, ReadLimit, Seq};
use fanjet_log_embedded::{LogCopy, Past};
use tokio::time::sleep;
use tracing::{debug, info};

use super::end::End;
use super::events::{complete_page, from_page};
use super::pace::{Span, pause};
use crate::metrics::Metrics;
use crate::tail::Tail;

/// How often the copy is looked at when there is nothing to do.
const REST: Duration = Duration::from_secs(1);

/// Fills one copy.
pub(super) struct Filler {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) tail: Tail,
    pub(super) metrics: Metrics,
    pub(super) copy: LogCopy,
    pub(super) max_bytes: u64,
    /// Bytes per second; 0 fills nothing.
    pub(super) fill: u64,
    pub(super) limit: ReadLimit,
}

impl Filler {
    /// Runs until the copy cannot be written.
    pub(super) async fn run(self) -> End {
        let mut span = Span::default();
        let mut was_filled = false;
        loop {
            let oldest = self.tail.window.oldest().seq;
            self.copy.forget_before(oldest);
            let filled = self.filled(oldest);
            self.metrics.disk(self.copy.bytes(), filled);
            if filled >= 1.0 && !was_filled {
                let bounds = self.copy.bounds();
                info!(
                    first = bounds.first,
                    bytes = self.copy.bytes(),
                    "the local tier is filled"
                );
                was_filled = true;
            }
            let is_behind = self.copy.bounds().last + 1 < self.tail.ring.start();
            if self.fill == 0 || filled >= 1.0 || oldest == 0 || is_behind {
                sleep(REST).await;
                continue;
            }
            match self.add_past(oldest, &mut span).await {
                Ok(()) => {}
                Err(Failure::Disk(error)) => return End::of_disk(&self.copy, error),
                Err(Failure::Log(error)) => {
                    debug!(%error, "failed to read the past for the local tier, retrying");
                    sleep(REST).await;
                }
            }
        }
    }

    /// How much of what it may have the copy has, 0 to 1: by bytes, and everything when nothing older is kept.
    fn filled(&self, oldest: Seq) -> f64 {
        if oldest > 0 && self.copy.bounds().first <= oldest {
            return 1.0;
        }
        // Below the bytes at which the oldest events are forgotten, or they would be read again and again.
        let aim = self.max_bytes / 8 * 7 - 2 * self.copy.segment_bytes();
        (self.copy.bytes() as f64 / aim as f64).min(1.0)
    }

    async fn add_past(&self, oldest: Seq, span: &mut Span) -> Result<(), Failure> {
        let until = self.copy.bounds().first;
        let mut past = self
            .copy
            .past(until.saturating_sub(span.seqs()).max(oldest))
            .await?;
        let wanted = self.copy.segment_bytes();
        while past.next() < until {
            let before = past.bytes();
            past = match self.add_page(past, until).await? {
                Some(past) => past,
                // The log has forgotten it; the window will show that.
                None => return Err(LogError::unavailable("the past expired").into()),
            };
            sleep(pause(past.bytes() - before, self.fill)).await;
            if past.bytes() > 3 * wanted {
                break;
            }
        }
        span.note(past.bytes(), wanted);
        // One that was left early does not end there, and is dropped.
        past.finish().await?;
        Ok(())
    }

    async fn add_page(&self, past: Past, until: Seq) -> Result<Option<Past>, Failure> {
        let from = past.next();
        let left = usize::try_from(until - from).unwrap_or(usize::MAX);
        let limit = ReadLimit {
            entries: self.limit.entries.min(left),
            ..self.limit
        };
        let Some(page) = complete_page(&*self.log, from, limit).await? else {
            return Ok(None);
        };
        let next = page.next.min(until);
        Ok(Some(past.add(from_page(page, until)?, next).await?))
    }
}

/// Why a segment was not added.
enum Failure {
    Log(LogError),
    Disk(std::io::Error),
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}
