//! Filters that clients have stored: put under the id that follows from the filter, found by it on every node.

use std::sync::Arc;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web;
use bytes::{Bytes, BytesMut};
use fanjet_actors::Clock;
use fanjet_filter::{Filter, FilterId, MessageError};
use fanjet_log::{ExpiringStore, StoreError};
use futures::{Stream, StreamExt};
use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::Refusal;
use crate::config::FiltersConfig;

/// Longer texts are read on another thread: this one has subscribers to serve meanwhile.
const MAX_BYTES_READ_HERE: usize = 16 << 10;

/// The stored filters, and how many are taken in at one time.
pub(crate) struct StoredFilters {
    store: Arc<dyn ExpiringStore>,
    places: Semaphore,
    clock: Arc<dyn Clock>,
    config: FiltersConfig,
}

/// A filter that was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: FilterId,
    /// Until when it is kept, in Unix seconds.
    pub(crate) expires_at: u64,
}

impl StoredFilters {
    pub(crate) fn new(
        store: Arc<dyn ExpiringStore>,
        clock: Arc<dyn Clock>,
        config: FiltersConfig,
    ) -> Self {
        Self {
            store,
            places: Semaphore::new(config.max_concurrent_bodies),
            clock,
            config,
        }
    }

    /// Stores the filter that a request's body is.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) async fn put(
        &self,
        body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    ) -> Result<Stored, Refusal> {
        // Held until the filter is stored: it takes up to as much memory as the body.
        let _place = self.places.try_acquire().map_err(|_| {
            let max = self.config.max_concurrent_bodies;
            Refusal::TooManyBodies { max }
        })?;
        let max_bytes = self.config.max_body_bytes;
        let body = tokio::time::timeout(self.config.body_timeout, read(body, max_bytes));
        let body = body.await.map_err(|_| Refusal::BodyTimeout)??;
        let (id, text) = aside(body.freeze(), |body| {
            let text = std::str::from_utf8(body).map_err(|_| MessageError::Payload)?;
            let filter = Filter::from_json(text)?;
            Ok((FilterId::of(&filter), filter.to_json()))
        })
        .await?
        .map_err(|refused| match refused {
            MessageError::Options(refused) => Refusal::InvalidOptions(refused),
            MessageError::Envelope | MessageError::Payload => Refusal::NoFilter,
        })?;
        let put = self.store.put(&id.to_string(), text.into()).await;
        let kept = put.map_err(refusal)?;
        let expires_us = self.clock.now_us().saturating_add(micros(kept));
        Ok(Stored {
            id,
            expires_at: expires_us / 1_000_000,
        })
    }

    /// The filter with this id.
    ///
    /// # Errors
    /// [`Refusal`].
    pub(crate) async fn get(&self, id: FilterId) -> Result<Filter, Refusal> {
        let found = self.store.get(&id.to_string()).await.map_err(refusal)?;
        let text = found.ok_or(Refusal::UnknownFilter(id))?;
        let filter = aside(text, |text| {
            let text = std::str::from_utf8(text).ok()?;
            Filter::from_json(text).ok()
        });
        // Another version may store what this one does not understand: serving something else would be worse.
        let filter = filter.await?.filter(|filter| FilterId::of(filter) == id);
        filter.ok_or_else(|| {
            error!(%id, "a stored filter does not read as the one with its id");
            Refusal::UnknownFilter(id)
        })
    }
}

/// All of a body, if it is not longer than this.
async fn read(
    mut body: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    max_bytes: usize,
) -> Result<BytesMut, Refusal> {
    let mut read = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| Refusal::NoFilter)?;
        if read.len() + part.len() > max_bytes {
            return Err(Refusal::BodyTooLong { max_bytes });
        }
        read.extend_from_slice(&part);
    }
    Ok(read)
}

/// Does what takes long with long texts elsewhere.
async fn aside<T: Send + 'static>(
    text: Bytes,
    work: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, Refusal> {
    if text.len() <= MAX_BYTES_READ_HERE {
        return Ok(work(&text));
    }
    let working = web::block(move || work(&text));
    working.await.map_err(|_| Refusal::StoreUnavailable)
}

fn refusal(failure: StoreError) -> Refusal {
    match failure {
        StoreError::Full => Refusal::StoreFull,
        StoreError::TooLarge(bytes) => Refusal::FilterTooLarge { bytes },
        StoreError::Unavailable(_) => {
            warn!(error = %failure, "stored filters are unavailable");
            Refusal::StoreUnavailable
        }
        StoreError::Misconfigured(_) | StoreError::BadKey => {
            error!(error = %failure, "stored filters cannot be served");
            Refusal::StoreUnavailable
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
