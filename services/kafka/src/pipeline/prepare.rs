//! Events wait here, in their order, for what is looked up about their accounts.

use std::sync::Arc;

use fanjet_log::{Entry, Follow, LogError};
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};

use super::pump::Rules;
use crate::enrich::{Enricher, Prepared};

/// Batches that wait at the same time: the newer ones are looked up while the older ones still wait.
const BATCHES: usize = 64;
/// Small batches are put together up to so many events, or a few waiting accounts would hold up everything.
const EVENTS: usize = 512;

/// The events of a follow, with what is known about their accounts.
pub(super) fn prepared(
    follow: Follow,
    enricher: Option<Arc<Enricher>>,
    rules: Arc<Rules>,
) -> BoxStream<'static, Result<Prepared, LogError>> {
    let Some(enricher) = enricher else {
        return follow.map(|batch| batch.map(Prepared::plain)).boxed();
    };
    let prepare = move |batch: Result<Vec<Entry>, LogError>| {
        let (enricher, rules) = (Arc::clone(&enricher), Arc::clone(&rules));
        async move { enricher.prepare(batch?, &rules.wanted).await }
    };
    coalesced(follow).map(prepare).buffered(BATCHES).boxed()
}

/// Puts batches together that are there already.
fn coalesced(follow: Follow) -> BoxStream<'static, Result<Vec<Entry>, LogError>> {
    stream::unfold((follow, None), |(mut follow, ended)| async move {
        if let Some(error) = ended {
            return Some((Err(error), (stream::empty().boxed(), None)));
        }
        let mut batch = match follow.next().await? {
            Ok(batch) => batch,
            Err(error) => return Some((Err(error), (stream::empty().boxed(), None))),
        };
        let mut ended = None;
        while batch.len() < EVENTS && ended.is_none() {
            match follow.next().now_or_never() {
                Some(Some(Ok(more))) => batch.extend(more),
                Some(Some(Err(error))) => ended = Some(error),
                Some(None) => ended = Some(LogError::unavailable("the stream ended")),
                None => break,
            }
        }
        Some((Ok(batch), (follow, ended)))
    })
    .boxed()
}
