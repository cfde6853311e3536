//! Where one subscriber's frames come from: pages of the log as long as it is behind the ring, then the ring.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fanjet_log::{LogError, Seq};
use fanjet_runtime::Backoff;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use super::choice::Choice;
use super::close::CloseCause;
use super::ring::{Found, Head, RawFrame};
use super::stream::{RawStart, RawStream, Read};

/// Bytes taken at once. More would wait behind a socket that takes less.
const TAKEN_AT_ONCE: usize = 64 << 10;
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

type Reading = BoxFuture<'static, Result<Read, Arc<LogError>>>;
type Growth = BoxFuture<'static, watch::Receiver<Head>>;

/// The frames of one subscriber, in order, each once.
pub(crate) struct Source {
    stream: Arc<RawStream>,
    position: RawStart,
    choice: Choice,
    /// Ready when the end of the ring changes.
    growth: Growth,
    reading: Option<Reading>,
    pause: Option<Pin<Box<Sleep>>>,
    backoff: Backoff,
    /// Bytes of the log that were read for this subscriber, wanted or not, and not yet taken into account.
    read_bytes: usize,
}

impl Source {
    pub(crate) fn new(stream: Arc<RawStream>, position: RawStart, choice: Choice) -> Self {
        let growth = growth(stream.ring.watch());
        Self {
            stream,
            position,
            choice,
            growth,
            reading: None,
            pause: None,
            read_bytes: 0,
            backoff: Backoff::new(RETRY_MIN, RETRY_MAX),
        }
    }

    fn wants(&self, frame: &RawFrame) -> bool {
        frame.wire_seq >= self.position.not_below && self.choice.wants(&frame.topic)
    }

    /// The bytes that were read from the log since the last call, wanted or not: a replay costs what is read, however little of it
    /// is sent.
    pub(crate) fn take_read_bytes(&mut self) -> usize {
        std::mem::take(&mut self.read_bytes)
    }

    /// The next frames, at least one. What is below the client's cursor, or not wanted, is left out.
    ///
    /// After two pieces without a wanted frame other tasks get their turn, and the caller can look at
    /// [`Source::take_read_bytes`].
    ///
    /// # Errors
    /// [`CloseCause`]: there are no further frames for this subscriber.
    pub(crate) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Vec<RawFrame>, CloseCause>> {
        let mut has_skipped = false;
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            let (frames, next) = match &mut self.reading {
                Some(reading) => {
                    let read = ready!(reading.as_mut().poll(cx));
                    self.reading = None;
                    match self.take_read(read)? {
                        Some(found) => found,
                        None => continue,
                    }
                }
                None => match self.take_from_ring(cx)? {
                    Poll::Ready(Some(found)) => found,
                    Poll::Ready(None) => continue,
                    Poll::Pending => return Poll::Pending,
                },
            };
            self.position.seq = next;
            self.position.may_expire = false;
            if !frames.is_empty() {
                return Poll::Ready(Ok(frames));
            }
            if has_skipped {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            has_skipped = true;
        }
    }

    /// `None`: look again.
    #[allow(
        clippy::type_complexity,
        reason = "two layers, each with a meaning of its own"
    )]
    fn take_from_ring(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Poll<Option<(Vec<RawFrame>, Seq)>>, CloseCause> {
        let ring = &self.stream.ring;
        if ring.head().generation != self.position.generation {
            return Err(CloseCause::LogReplaced);
        }
        match ring.take(self.position.seq, TAKEN_AT_ONCE, |frame| self.wants(frame)) {
            Found::Frames(frames, next) => Ok(Poll::Ready(Some((frames, next)))),
            Found::Before => {
                let stream = Arc::clone(&self.stream);
                self.reading = Some(Box::pin(stream.read(self.position.seq)));
                Ok(Poll::Ready(None))
            }
            Found::End => match self.growth.as_mut().poll(cx) {
                Poll::Ready(watch) => {
                    self.growth = growth(watch);
                    Ok(Poll::Ready(None))
                }
                Poll::Pending => Ok(Poll::Pending),
            },
        }
    }

    /// `None`: nothing was found, look again.
    fn take_read(
        &mut self,
        read: Result<Read, Arc<LogError>>,
    ) -> Result<Option<(Vec<RawFrame>, Seq)>, CloseCause> {
        match read {
            Ok(Read::Page(page)) => {
                self.backoff.reset();
                let from = self.position.seq;
                let frames = page.frames.iter().filter(|frame| frame.seq >= from);
                self.read_bytes += frames.clone().map(RawFrame::len).sum::<usize>();
                let wanted = frames.filter(|frame| self.wants(frame)).cloned().collect();
                Ok(Some((wanted, page.next)))
            }
            Ok(Read::Expired) if self.position.may_expire => {
                // The client requested whatever is retained.
                self.position.seq += 1;
                Ok(None)
            }
            Ok(Read::Expired) => Err(CloseCause::ConsumerTooSlow),
            Err(error) => match &*error {
                LogError::Corrupt { .. } => Err(CloseCause::LogDamaged),
                LogError::Replaced { .. } => Err(CloseCause::LogReplaced),
                _ => {
                    self.pause = Some(Box::pin(sleep(self.backoff.next_pause())));
                    Ok(None)
                }
            },
        }
    }
}

fn growth(mut watch: watch::Receiver<Head>) -> Growth {
    Box::pin(async move {
        // Without a sender the node is ending, and says so by other means.
        if watch.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        watch
    })
}
