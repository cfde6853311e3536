//! ClusterState: keys of the lease's bucket, each with its own time to live.
//!
//! The bucket is inspected, and created if allowed, only when a notice is not accepted: a process without that right
//! still starts, and everything else in it works.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::HeaderValue;
use async_nats::header::NATS_MESSAGE_TTL;
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::cluster_state::{check_entry, check_key};
use fanjet_log::{ClusterState, LogError, StoreError};

use crate::bucket_keys::BucketKeys;
use crate::connect::Purpose;
use crate::direct::Direct;
use crate::error::Unavailable;
use crate::lease::bucket;
use crate::lease::key::{is_marker, whole_seconds};
use crate::log::NatsLog;
use crate::reads::Reads;

/// What a notice is called in errors.
const WHAT: &str = "a notice";

/// The board of one log's processes, on the log's connection.
pub struct NatsClusterState {
    keys: BucketKeys,
    direct: Direct,
}

impl NatsClusterState {
    /// The board in the bucket `nats.lease_bucket`. Asks the server nothing yet.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when that is no name for a bucket.
    pub async fn of(log: &NatsLog) -> Result<Self, LogError> {
        let keys = BucketKeys::of(log, bucket::notices)?;
        let inner = &log.inner;
        let stream = bucket::stream_name(&inner.config);
        // Who may write a notice may write one that breaks the connection.
        let reads = Reads::new(&inner.config, Purpose::Notices, &inner.link);
        Ok(Self {
            keys,
            direct: Direct::new(Arc::new(reads), &inner.config, &stream),
        })
    }

    /// Makes the bucket, where this process makes things.
    async fn make_bucket(&self) -> Result<(), StoreError> {
        self.keys.make_bucket().await.map_err(|error| match error {
            LogError::Misconfigured(what) => StoreError::Misconfigured(what),
            other => StoreError::unavailable(other),
        })
    }
}

impl fmt::Debug for NatsClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.keys.prefix();
        f.debug_tuple("NatsClusterState").field(&prefix).finish()
    }
}

#[async_trait]
impl ClusterState for NatsClusterState {
    async fn publish(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<(), StoreError> {
        check_entry(key, &value)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            NATS_MESSAGE_TTL,
            HeaderValue::from(whole_seconds(time_to_live)),
        );
        let put = || self.keys.put(WHAT, key, headers.clone(), value.clone());
        match put().await {
            Err(Unavailable::NoResponders) if self.keys.may_make_bucket() => {
                self.make_bucket().await?;
                put().await.map_err(StoreError::unavailable)
            }
            written => written.map_err(StoreError::unavailable),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        self.keys.get(key).await.map_err(StoreError::unavailable)
    }

    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError> {
        let filter = self.keys.subject(">");
        let found = match self.direct.newest_of_each(&filter).await {
            Ok(found) => found,
            // The bucket does not exist yet.
            Err(Unavailable::NoResponders) => return Ok(BTreeMap::new()),
            Err(error) => return Err(StoreError::unavailable(error)),
        };
        let up = found.into_iter().filter(|it| !is_marker(&it.headers));
        let up = up.filter_map(|it| {
            let key = it
                .subject()
                .strip_prefix(self.keys.prefix())?
                .strip_prefix('.')?;
            Some((key.to_owned(), it.body.clone()))
        });
        Ok(up.collect())
    }
}
