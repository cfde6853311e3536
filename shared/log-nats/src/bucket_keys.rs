//! Keys in the lease's bucket, on the log's connection: what notices and bookmarks have in common.
//!
//! A value is read from the bucket's leader: a replica that lags would deny that there is one. Nothing is asked of the
//! server before the first read or write, so a process that may not touch the bucket still starts.

use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use bytes::Bytes;
use fanjet_log::LogError;
use serde::Deserialize;

use crate::config::NatsConfig;
use crate::error::Unavailable;
use crate::inner::Inner;
use crate::lease::bucket;
use crate::lease::key::is_marker;
use crate::log::NatsLog;
use crate::raw::{self, GetRequest};

/// The keys below one prefix.
pub(crate) struct BucketKeys {
    log: Arc<Inner>,
    bucket: String,
    prefix: String,
}

#[derive(Debug, Deserialize)]
struct ApiResponse {
    error: Option<jetstream::Error>,
}

impl BucketKeys {
    /// The keys of a log in the bucket `nats.lease_bucket`.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when that is no name for a bucket.
    pub(crate) fn of(log: &NatsLog, prefix: fn(&NatsConfig) -> String) -> Result<Self, LogError> {
        let inner = &log.inner;
        bucket::check_name(&inner.config.lease_bucket)?;
        Ok(Self {
            bucket: bucket::stream_name(&inner.config),
            prefix: prefix(&inner.config),
            log: Arc::clone(inner),
        })
    }

    /// What stands before each key, without the dot.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The subject of a key.
    pub(crate) fn subject(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    /// The newest value; `None` where there is none (any more), or no bucket yet.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Bytes>, Unavailable> {
        let request = GetRequest::Newest {
            last_by_subj: &self.subject(key),
        };
        match raw::get(&self.log.jetstream, &self.bucket, request).await {
            Ok(message) => Ok(message
                .filter(|it| !it.headers.as_ref().is_ok_and(is_marker))
                .map(|it| it.body)),
            Err(Unavailable::Refused(why)) if why.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes a value. `what` it is, for errors. [`Unavailable::NoResponders`] also where there is no bucket.
    pub(crate) async fn put(
        &self,
        what: &'static str,
        key: &str,
        headers: HeaderMap,
        value: Bytes,
    ) -> Result<(), Unavailable> {
        let link = &self.log.link;
        let answer = link.request_with_headers(what, self.subject(key), headers, value);
        let answer: ApiResponse = serde_json::from_slice(&answer.await?.payload)
            .map_err(|error| Unavailable::Nonsense(error.to_string()))?;
        answer
            .error
            .map_or(Ok(()), |error| Err(Unavailable::Refused(error)))
    }

    /// Whether this process may make the bucket.
    pub(crate) fn may_make_bucket(&self) -> bool {
        self.log.config.stream.create
    }

    /// Creates the bucket, or checks the existing one.
    ///
    /// # Errors
    /// [`LogError`].
    pub(crate) async fn make_bucket(&self) -> Result<(), LogError> {
        // Boxed: a rare way with large handshakes.
        Box::pin(bucket::ensure(&self.log.jetstream, &self.log.config)).await
    }
}
