//! Bookmarks: keys of the lease's bucket that do not end.
//!
//! The bucket is inspected, and created if allowed, only when a bookmark is not accepted.

use std::fmt;

use async_nats::HeaderMap;
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::bookmarks::check_key;
use fanjet_log::{Bookmarks, LogError};

use crate::bucket_keys::BucketKeys;
use crate::error::{Unavailable, refused};
use crate::lease::bucket;
use crate::log::NatsLog;

/// What a bookmark is called in errors.
const WHAT: &str = "a bookmark";

/// The bookmarks beside one log, on the log's connection.
pub struct NatsBookmarks {
    keys: BucketKeys,
}

impl NatsBookmarks {
    /// The bookmarks in the bucket `nats.lease_bucket`. Asks the server nothing yet.
    ///
    /// # Errors
    /// [`LogError::Misconfigured`] when that is no name for a bucket.
    pub async fn of(log: &NatsLog) -> Result<Self, LogError> {
        let keys = BucketKeys::of(log, bucket::bookmarks)?;
        Ok(Self { keys })
    }
}

impl fmt::Debug for NatsBookmarks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.keys.prefix();
        f.debug_tuple("NatsBookmarks").field(&prefix).finish()
    }
}

#[async_trait]
impl Bookmarks for NatsBookmarks {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError> {
        check_key(key)?;
        self.keys.get(key).await.map_err(|error| match error {
            Unavailable::Refused(why) => {
                let subject = self.keys.subject(key);
                refused(&format!("{subject} cannot be read"), why)
            }
            _ => error.into(),
        })
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError> {
        check_key(key)?;
        let put = || self.keys.put(WHAT, key, HeaderMap::new(), value.clone());
        match put().await {
            Err(Unavailable::NoResponders) if self.keys.may_make_bucket() => {
                self.keys.make_bucket().await?;
                Ok(put().await?)
            }
            written => Ok(written?),
        }
    }
}
