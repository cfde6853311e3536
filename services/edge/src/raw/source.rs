//! Where one subscriber's frames come from: pages of the log as long as it is behind the ring, then the ring.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fanjet_event::Did;
use fanjet_log::{LogError, Seq};
use fanjet_runtime::Backoff;
use futures::future::BoxFuture;
use hashbrown::HashSet;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

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
    /// Of these labelers only.
    sources: Option<HashSet<Did>>,
    /// Ready when the end of the ring changes.
    growth: Growth,
    reading: Option<Reading>,
    pause: Option<Pin<Box<Sleep>>>,
    backoff: Backoff,
    is_replaying: bool,
}

impl Source {
    pub(crate) fn new(stream: Arc<RawStream>, position: RawStart) -> Self {
        let growth = growth(stream.ring.watch());
        Self {
            stream,
            position,
            sources: None,
            growth,
            reading: None,
            pause: None,
            is_replaying: false,
            backoff: Backoff::new(RETRY_MIN, RETRY_MAX),
        }
    }

    /// Leaves out the frames of other labelers.
    #[must_use]
    pub(crate) fn only_of(mut self, sources: Option<HashSet<Did>>) -> Self {
        self.sources = sources;
        self
    }

    fn wants(&self, frame: &RawFrame) -> bool {
        let sources = self.sources.as_ref().zip(frame.labeler.as_ref());
        frame.wire_seq >= self.position.not_below
            && sources.is_none_or(|(sources, labeler)| sources.contains(labeler))
    }

    /// Whether the last frames came from the log.
    pub(crate) fn is_replaying(&self) -> bool {
        self.is_replaying
    }

    /// The next frames, at least one. Frames below the client's cursor are left out.
    ///
    /// # Errors
    /// [`CloseCause`]: there are no further frames for this subscriber.
    pub(crate) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Vec<RawFrame>, CloseCause>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            let (frames, next) = match &mut self.reading {
                Some(reading) => {
                    let read = ready!(reading.as_mut().poll(cx));
                    self.reading = None;
                    self.is_replaying = true;
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
            let mut wanted = frames;
            wanted.retain(|frame| self.wants(frame));
            if !wanted.is_empty() {
                return Poll::Ready(Ok(wanted));
            }
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
        match ring.take(self.position.seq, TAKEN_AT_ONCE) {
            Found::Frames(frames, next) => {
                self.is_replaying = false;
                Ok(Poll::Ready(Some((frames, next))))
            }
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
                Ok(Some((frames.cloned().collect(), page.next)))
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
