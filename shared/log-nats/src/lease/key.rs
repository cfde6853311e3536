//! One key of a bucket: read from the leader, written behind a known revision.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::header::{
    HeaderName, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MARKER_REASON, NATS_MESSAGE_TTL,
};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_nats::{HeaderMap, HeaderValue};
use bytes::Bytes;
use fanjet_log::LogError;
use fanjet_log::lease::HolderId;
use serde::Deserialize;

use super::bucket;
use crate::connect::Link;
use crate::error::Unavailable;
use crate::inner::Inner;
use crate::raw::{self, GetRequest};

/// Set on a message that deletes a key.
const KV_OPERATION: HeaderName = HeaderName::from_static("KV-Operation");

#[derive(Clone)]
pub(super) struct Key {
    link: Link,
    jetstream: Context,
    bucket: Arc<str>,
    subject: Arc<str>,
}

/// What a key holds.
pub(super) struct Current {
    /// What the next write must name; 0 when there never was a value, or nothing is left of it.
    pub(super) revision: u64,
    pub(super) holder: Option<HolderId>,
}

/// What became of a write.
pub(super) enum Written {
    /// It is the key's last revision.
    At(u64),
    /// The key had another revision than the one named; nothing was written.
    Conflict,
}

#[derive(Debug, Deserialize)]
struct ApiResponse {
    #[serde(default)]
    seq: u64,
    error: Option<jetstream::Error>,
}

impl Key {
    /// The key of a log's lease.
    pub(super) fn of(log: &Inner) -> Result<Self, LogError> {
        bucket::check_name(&log.config.lease_bucket)?;
        Ok(Self {
            link: log.link.clone(),
            jetstream: log.jetstream.clone(),
            bucket: bucket::stream_name(&log.config).into(),
            subject: bucket::subject(&log.config).into(),
        })
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// What the key holds, as the bucket's leader knows it.
    pub(super) async fn read(&self) -> Result<Current, LogError> {
        let request = GetRequest::Newest {
            last_by_subj: &self.subject,
        };
        let found = raw::get(&self.jetstream, &self.bucket, request).await?;
        Ok(found.map_or(
            Current {
                revision: 0,
                holder: None,
            },
            |message| Current {
                revision: message.seq,
                holder: holder(message.headers.ok().as_ref(), &message.body),
            },
        ))
    }

    /// Writes the holder's name behind `revision`, to end by itself after `ttl`.
    pub(super) async fn hold(
        &self,
        revision: u64,
        holder: &HolderId,
        ttl: Duration,
    ) -> Result<Written, LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_TTL, HeaderValue::from(whole_seconds(ttl)));
        let value = Bytes::copy_from_slice(holder.as_str().as_bytes());
        self.write(revision, headers, value).await
    }

    /// Deletes the key behind `revision`.
    pub(super) async fn free(&self, revision: u64) -> Result<Written, LogError> {
        let mut headers = HeaderMap::new();
        headers.insert(KV_OPERATION, "DEL");
        self.write(revision, headers, Bytes::new()).await
    }

    async fn write(
        &self,
        revision: u64,
        mut headers: HeaderMap,
        value: Bytes,
    ) -> Result<Written, LogError> {
        headers.insert(
            NATS_EXPECTED_LAST_SUBJECT_SEQUENCE,
            HeaderValue::from(revision),
        );
        let subject = self.subject.to_string();
        let answer = self
            .link
            .request_with_headers("a lease", subject, headers, value)
            .await?;
        let answer: ApiResponse = serde_json::from_slice(&answer.payload)
            .map_err(|error| Unavailable::Nonsense(error.to_string()))?;
        match answer.error {
            None => Ok(Written::At(answer.seq)),
            Some(error) => match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE
                | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => Ok(Written::Conflict),
                _ => Err(Unavailable::Refused(error).into()),
            },
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)
    }
}

/// The holder of the lease according to a stored message. A marker means no holder, and so does anything that is not a
/// valid name.
pub(super) fn holder(headers: Option<&HeaderMap>, value: &[u8]) -> Option<HolderId> {
    if headers.is_some_and(is_marker) {
        return None;
    }
    HolderId::new(std::str::from_utf8(value).ok()?)
}

/// Whether a message says that its key is gone.
pub(crate) fn is_marker(headers: &HeaderMap) -> bool {
    headers.get(KV_OPERATION).is_some() || headers.get(NATS_MARKER_REASON).is_some()
}

/// The server counts in seconds. Rounded up: a lease that lasts longer than its holder assumes does no harm.
pub(crate) fn whole_seconds(ttl: Duration) -> u64 {
    let rounded = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
    rounded.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up() {
        for (millis, seconds) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (5000, 5)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds);
        }
    }

    #[test]
    fn markers_and_invalid_names_mean_no_holder() {
        assert_eq!(holder(None, b"a"), HolderId::new("a"));
        assert_eq!(holder(None, b""), None);
        assert_eq!(holder(None, b"a b"), None);
        assert_eq!(holder(None, &[0xff]), None);
        for marker in [KV_OPERATION, NATS_MARKER_REASON] {
            let mut headers = HeaderMap::new();
            headers.insert(marker, "DEL");
            assert_eq!(holder(Some(&headers), b"a"), None);
        }
    }
}
