//! How the position, and the bookmark beside the log, are written while a session produces and when it ends.

use std::convert::Infallible;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{FusedFuture, OptionFuture};
use tokio::time::Instant;
use tracing::{error, info, warn};

use super::super::bookmark::BookmarkKeeper;
use super::super::context::Context;
use super::super::progress::Progress;
use super::Session;
use crate::KafkaError;
use crate::metrics::Metrics;
use crate::window::Mark;

/// How often the client library is polled for the position.
const POLL: Duration = Duration::from_millis(50);

/// How often the bookmark beside the log is written: the most that an operator repeats after Kafka lost the position.
const BOOKMARK_INTERVAL: Duration = Duration::from_secs(60);

impl Session {
    /// On a stop: waits for what is in flight, at most for the request timeout, and writes the position.
    pub(in crate::pipeline) async fn finish(&self, context: &Context) -> Result<(), KafkaError> {
        let patience = context.config.request_timeout;
        let ended = match context.is_transactional() {
            // What is uncommitted is aborted, and produced again by the next process.
            true => self.producer.abort().await,
            false => self.write_last_position(patience).await,
        };
        let mark = self.done(context.is_transactional());
        match tokio::time::timeout(patience, context.bookmarks.write(mark, self.log)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                warn!(error = %failure, "failed to write the last bookmark beside the log")
            }
            Err(_elapsed) => warn!("the last bookmark beside the log was not written in time"),
        }
        info!(
            seq = mark.seq,
            left = self.window.events(),
            "stopped producing to Kafka"
        );
        ended
    }

    async fn write_last_position(&self, patience: Duration) -> Result<(), KafkaError> {
        let until = Instant::now() + patience;
        while self.window.events() > 0 && Instant::now() < until {
            tokio::time::sleep(POLL).await;
        }
        let writing = self.store.lock().writing(self.window.acked());
        match tokio::time::timeout(patience, writing).await {
            Ok(written) => drop(written?),
            Err(_elapsed) => warn!(
                "the last position was not acknowledged in time: its events may be produced again"
            ),
        }
        Ok(())
    }

    /// Writes the position regularly, outside of transactions, and polls the client library.
    pub(in crate::pipeline) async fn keep_position(
        &self,
        interval: Duration,
        is_transactional: bool,
        metrics: &Metrics,
        progress: &Progress,
    ) -> Infallible {
        let mut due = Instant::now();
        let mut writing = OptionFuture::from(None);
        loop {
            let acked = self.done(is_transactional);
            let produced = self.window.take_completed();
            metrics.moved(acked.seq, self.window.events(), produced);
            progress.moved(acked, self.log, self.window.stalled_for());
            if produced > 0 {
                progress.status.fine();
            }
            {
                let store = self.store.lock();
                store.listen();
                let is_free = !is_transactional && writing.is_terminated();
                if is_free && Instant::now() >= due && store.is_due(acked) {
                    due = Instant::now() + interval;
                    writing = OptionFuture::from(Some(store.writing(acked).fuse()));
                }
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                Some(outcome) = &mut writing => {
                    match outcome {
                        Ok(mark) => self.store.lock().was_written(mark),
                        Err(failure) => {
                            metrics.position_failed();
                            progress.status.failed(failure.to_string());
                            error!(error = %failure, "failed to write the position, a restart will produce events again");
                        }
                    }
                    writing = OptionFuture::from(None);
                }
            }
        }
    }

    /// The seq up to which nothing is ever produced again.
    fn done(&self, is_transactional: bool) -> Mark {
        match is_transactional {
            true => self.store.lock().written(),
            false => self.window.acked(),
        }
    }

    /// Writes the bookmark beside the log regularly.
    pub(in crate::pipeline) async fn keep_bookmark(
        &self,
        bookmarks: &BookmarkKeeper,
        metrics: &Metrics,
        is_transactional: bool,
    ) -> Infallible {
        let mut written = None;
        loop {
            let mark = self.done(is_transactional);
            if written != Some(mark) {
                match bookmarks.write(mark, self.log).await {
                    Ok(()) => written = Some(mark),
                    Err(failure) => {
                        metrics.bookmark_failed();
                        warn!(error = %failure, "failed to write the bookmark beside the log, a lost position would go unnoticed");
                    }
                }
            }
            tokio::time::sleep(BOOKMARK_INTERVAL).await;
        }
    }
}
