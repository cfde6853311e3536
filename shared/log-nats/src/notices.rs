//! Notices: keys of the lease's bucket, each with its own time to live.
//!
//! The bucket is looked at, and made if that is allowed, only when nobody takes a notice: a process that may not do that
//! still starts, and everything else of it works.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::HeaderValue;
use async_nats::header::NATS_MESSAGE_TTL;
use async_nats::jetstream;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::notices::{check_notice, check_notice_key};
use fanjet_log::{LogError, Notices, StoreError};
use serde::Deserialize;

use crate::direct::Direct;
use crate::error::Unavailable;
use crate::lease::bucket;
use crate::lease::key::{is_marker, whole_seconds};
use crate::log::{Inner, NatsLog};

/// The board of one log's processes, on the log's connection.
pub struct NatsNotices {
    log: Arc<Inner>,
    bucket: Stream<()>,
    direct: Direct,
    /// What stands before each key.
    prefix: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<jetstream::Error>,
}

impl NatsNotices {
    /// The board in the bucket `nats.lease_bucket`. Asks the server nothing yet.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when that is no name for a bucket.
    pub async fn of(log: &NatsLog) -> Result<Self, LogError> {
        let inner = &log.inner;
        bucket::check_name(&inner.config.lease_bucket)?;
        let stream = bucket::stream_name(&inner.config);
        let found = inner.jetstream.get_stream_no_info(&stream).await;
        Ok(Self {
            bucket: found.map_err(|error| LogError::Misconfigured(error.to_string()))?,
            direct: Direct::new(inner.link.clone(), &stream, inner.config.request_timeout),
            prefix: bucket::notices(&inner.config),
            log: Arc::clone(inner),
        })
    }

    async fn write(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), Unavailable> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(whole_seconds(ttl)));
        let subject = format!("{}.{key}", self.prefix);
        let link = &self.log.link;
        let answer = link.request_with_headers("a notice", subject, headers, value);
        let answer: Answer = serde_json::from_slice(&answer.await?.payload)
            .map_err(|error| Unavailable::Nonsense(error.to_string()))?;
        answer
            .error
            .map_or(Ok(()), |error| Err(Unavailable::Refused(error)))
    }

    /// Makes the bucket, where this process makes things.
    async fn ensure_bucket(&self) -> Result<(), StoreError> {
        let (jetstream, config) = (&self.log.jetstream, &self.log.config);
        // Boxed: a rare way with large handshakes.
        let ensured = Box::pin(bucket::ensure(jetstream, config)).await;
        ensured.map_err(|error| match error {
            LogError::Misconfigured(what) => StoreError::Misconfigured(what),
            other => StoreError::unavailable(other),
        })
    }
}

impl fmt::Debug for NatsNotices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NatsNotices").field(&self.prefix).finish()
    }
}

#[async_trait]
impl Notices for NatsNotices {
    async fn post(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<(), StoreError> {
        check_notice(key, &value)?;
        match self.write(key, value.clone(), time_to_live).await {
            Err(Unavailable::NoResponders) if self.log.config.stream.create => {
                self.ensure_bucket().await?;
                let written = self.write(key, value, time_to_live).await;
                written.map_err(StoreError::unavailable)
            }
            written => written.map_err(StoreError::unavailable),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_notice_key(key)?;
        let subject = format!("{}.{key}", self.prefix);
        match self.bucket.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok((!is_marker(&message.headers)).then_some(message.payload)),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(refused)
                    if refused.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(StoreError::unavailable(error)),
            },
        }
    }

    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError> {
        let filter = format!("{}.>", self.prefix);
        let found = match self.direct.newest_of_each(&filter).await {
            Ok(found) => found,
            // A bucket that nobody has made yet.
            Err(Unavailable::NoResponders) => return Ok(BTreeMap::new()),
            Err(error) => return Err(StoreError::unavailable(error)),
        };
        let up = found.into_iter().filter(|it| !is_marker(&it.headers));
        let up = up.filter_map(|it| {
            let key = it.subject().strip_prefix(&self.prefix)?.strip_prefix('.')?;
            Some((key.to_owned(), it.body.clone()))
        });
        Ok(up.collect())
    }
}
