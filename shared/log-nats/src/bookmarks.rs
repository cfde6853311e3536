//! Bookmarks: keys of the lease's bucket that do not end.
//!
//! The bucket is looked at, and made if that is allowed, only when nobody takes a bookmark. A bookmark is read from the
//! bucket's leader: a replica that lags would deny that there is one.

use std::fmt;
use std::sync::Arc;

use async_nats::HeaderMap;
use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::bookmarks::check_key;
use fanjet_log::{Bookmarks, LogError};
use serde::Deserialize;

use crate::error::{Unavailable, refused};
use crate::lease::bucket;
use crate::lease::key::is_marker;
use crate::log::{Inner, NatsLog};

/// The bookmarks beside one log, on the log's connection.
pub struct NatsBookmarks {
    log: Arc<Inner>,
    bucket: Stream<()>,
    /// What stands before each key.
    prefix: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<jetstream::Error>,
}

impl NatsBookmarks {
    /// The bookmarks in the bucket `nats.lease_bucket`. Asks the server nothing yet.
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
            prefix: bucket::bookmarks(&inner.config),
            log: Arc::clone(inner),
        })
    }

    async fn write(&self, subject: &str, value: Bytes) -> Result<(), Unavailable> {
        let (what, subject) = ("a bookmark", subject.to_owned());
        let link = &self.log.link;
        let answer = link.request_with_headers(what, subject, HeaderMap::new(), value);
        let answer: Answer = serde_json::from_slice(&answer.await?.payload)
            .map_err(|error| Unavailable::Nonsense(error.to_string()))?;
        answer
            .error
            .map_or(Ok(()), |error| Err(Unavailable::Refused(error)))
    }
}

impl fmt::Debug for NatsBookmarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NatsBookmarks").field(&self.prefix).finish()
    }
}

#[async_trait]
impl Bookmarks for NatsBookmarks {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError> {
        check_key(key)?;
        let subject = format!("{}.{key}", self.prefix);
        match self.bucket.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok((!is_marker(&message.headers)).then_some(message.payload)),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                // A bucket that nobody has made yet.
                LastRawMessageErrorKind::JetStream(why)
                    if why.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                LastRawMessageErrorKind::JetStream(why) => {
                    Err(refused(&format!("{subject} cannot be read"), why))
                }
                _ => Err(LogError::unavailable(error)),
            },
        }
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError> {
        check_key(key)?;
        let subject = format!("{}.{key}", self.prefix);
        match self.write(&subject, value.clone()).await {
            Err(Unavailable::NoResponders) if self.log.config.stream.create => {
                // Boxed: a rare way with large handshakes.
                Box::pin(bucket::ensure(&self.log.jetstream, &self.log.config)).await?;
                Ok(self.write(&subject, value).await?)
            }
            written => Ok(written?),
        }
    }
}
