//! Holds events, in order, until the lookups about their accounts are complete.

use std::sync::Arc;

use fanjet_log::{Entry, Follow, LogError};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesOrdered, StreamExt};

use super::rules::Rules;
use crate::enrich::Enricher;

/// Batches that wait at the same time: the newer ones are looked up while the older ones wait.
const BATCHES: usize = 64;
/// The bytes of their bodies. One batch may always wait, whatever its size.
const BYTES: usize = 32 << 20;
/// Small batches are merged up to this many events, or a few waiting accounts would delay everything.
const EVENTS: usize = 512;
/// And up to this many bytes.
const BATCH_BYTES: usize = 4 << 20;

type Batch = Result<Vec<Entry>, LogError>;

/// The events of a follow, once what can be known about their accounts is known.
pub(super) fn prepared(
    follow: Follow,
    enricher: Option<Arc<Enricher>>,
    rules: Arc<Rules>,
) -> BoxStream<'static, Batch> {
    let Some(enricher) = enricher else {
        return follow;
    };
    let prepare = move |batch: Batch| {
        let (enricher, rules) = (Arc::clone(&enricher), Arc::clone(&rules));
        async move {
            let entries = batch?;
            enricher.wait_for(&entries, &rules.wanted).await?;
            Ok(entries)
        }
        .boxed()
    };
    let waiting = Waiting {
        follow: Some(coalesced(follow)),
        prepare: Box::new(prepare),
        batches: FuturesOrdered::new(),
        bytes: 0,
    };
    stream::unfold(waiting, |mut waiting| async move {
        let batch = waiting.next().await?;
        Some((batch, waiting))
    })
    .boxed()
}

/// The waiting batches.
struct Waiting {
    follow: Option<BoxStream<'static, Batch>>,
    prepare: Box<dyn Fn(Batch) -> BoxFuture<'static, Batch> + Send>,
    batches: FuturesOrdered<BoxFuture<'static, (usize, Batch)>>,
    bytes: usize,
}

impl Waiting {
    async fn next(&mut self) -> Option<Batch> {
        loop {
            let has_room =
                self.batches.is_empty() || self.batches.len() < BATCHES && self.bytes < BYTES;
            let follow = self.follow.as_mut().filter(|_| has_room);
            let Some(follow) = follow else {
                return self.oldest().await;
            };
            // Start lookups for new batches at once: the order decides which of the two is polled first.
            tokio::select! {
                biased;
                batch = follow.next() => match batch {
                    Some(batch) => self.push(batch),
                    None => self.follow = None,
                },
                Some((bytes, batch)) = self.batches.next() => {
                    self.bytes -= bytes;
                    return Some(batch);
                }
            }
        }
    }

    async fn oldest(&mut self) -> Option<Batch> {
        let (bytes, batch) = self.batches.next().await?;
        self.bytes -= bytes;
        Some(batch)
    }

    fn push(&mut self, batch: Batch) {
        let bytes = batch.as_ref().map_or(0, |entries| bytes_of(entries));
        self.bytes += bytes;
        let preparing = (self.prepare)(batch);
        self.batches
            .push_back(async move { (bytes, preparing.await) }.boxed());
    }
}

fn bytes_of(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.body.len()).sum()
}

/// Merges batches that are available already.
fn coalesced(follow: Follow) -> BoxStream<'static, Batch> {
    stream::unfold((follow, None), |(mut follow, ended)| async move {
        if let Some(error) = ended {
            return Some((Err(error), (stream::empty().boxed(), None)));
        }
        let mut batch = match follow.next().await? {
            Ok(batch) => batch,
            Err(error) => return Some((Err(error), (stream::empty().boxed(), None))),
        };
        let (mut bytes, mut ended) = (bytes_of(&batch), None);
        while batch.len() < EVENTS && bytes < BATCH_BYTES && ended.is_none() {
            match follow.next().now_or_never() {
                Some(Some(Ok(more))) => {
                    bytes += bytes_of(&more);
                    batch.extend(more);
                }
                Some(Some(Err(error))) => ended = Some(error),
                Some(None) => ended = Some(LogError::unavailable("the stream ended")),
                None => break,
            }
        }
        Some((Ok(batch), (follow, ended)))
    })
    .boxed()
}

#[cfg(test)]
mod tests;
