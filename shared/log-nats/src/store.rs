//! Values that expire, in a KV bucket.
//!
//! The bucket is made on the first use, so that a service which may not make one, or never stores anything, still
//! starts. Values are read from the bucket's leader: a lagging replica would deny what another process was promised.

use std::fmt;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::context::{GetStreamErrorKind, PublishError, PublishErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, StorageType, Stream};
use async_nats::jetstream::{self, Context, ErrorCode};
use async_trait::async_trait;
use bytes::Bytes;
use fanjet_log::store::{MAX_VALUE, check_key, check_put, still_fresh};
use fanjet_log::{ExpiringStore, StoreError};
use parking_lot::Mutex;
use tracing::warn;

use crate::config::{BucketConfig, Storage};
use crate::headers::MAX_HEADERS;
use crate::log::NatsLog;

/// What `nats kv del` leaves in a key's place.
const OPERATION_HEADER: &str = "KV-Operation";

/// What time it is, in Unix microseconds.
type NowUs = Box<dyn Fn() -> u64 + Send + Sync>;

/// A KV bucket as a store.
pub struct NatsStore {
    jetstream: Context,
    config: BucketConfig,
    now_us: NowUs,
    found: Mutex<Option<Bucket>>,
}

#[derive(Debug, Clone)]
struct Bucket {
    stream: Stream<()>,
    time_to_live: Duration,
}

/// What a publish came to.
enum Put {
    Done,
    /// Nobody listens for the bucket's subjects: it was deleted, or its servers are away.
    NoBucket,
}

impl NatsStore {
    /// The store in this bucket, over the log's connection. Asks the server nothing yet. `now_us` tells the time in
    /// Unix microseconds.
    pub fn new(
        log: &NatsLog,
        config: BucketConfig,
        now_us: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self::on(log.inner.jetstream.clone(), config, now_us)
    }

    pub(crate) fn on(
        jetstream: Context,
        config: BucketConfig,
        now_us: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            jetstream,
            config,
            now_us: Box::new(now_us),
            found: Mutex::default(),
        }
    }

    /// Makes the bucket if it is not there.
    pub(crate) async fn ensure(&self) -> Result<(), StoreError> {
        self.bucket().await.map(drop)
    }

    async fn bucket(&self) -> Result<Bucket, StoreError> {
        let found = self.found.lock().clone();
        if let Some(bucket) = found {
            return Ok(bucket);
        }
        // Boxed: a rare way with large handshakes.
        let bucket = Box::pin(self.find_or_create()).await?;
        *self.found.lock() = Some(bucket.clone());
        Ok(bucket)
    }

    async fn find_or_create(&self) -> Result<Bucket, StoreError> {
        let name = &self.config.name;
        let stream_name = format!("KV_{name}");
        let max_age = match self.jetstream.get_stream(&stream_name).await {
            Ok(stream) => stream.cached_info().config.max_age,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(refused)
                    if refused.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    self.create().await?
                }
                GetStreamErrorKind::InvalidStreamName | GetStreamErrorKind::EmptyName => {
                    let what = format!("{name:?} is no bucket name");
                    return Err(StoreError::Misconfigured(what));
                }
                _ => return Err(StoreError::unavailable(error)),
            },
        };
        if max_age.is_zero() {
            let what = format!("bucket {name} keeps its values for ever: it must have a max_age");
            return Err(StoreError::Misconfigured(what));
        }
        let stream = self.jetstream.get_stream_no_info(&stream_name).await;
        Ok(Bucket {
            stream: stream.map_err(StoreError::unavailable)?,
            time_to_live: max_age,
        })
    }

    async fn create(&self) -> Result<Duration, StoreError> {
        let config = &self.config;
        if !config.create {
            return Err(StoreError::Misconfigured(format!(
                "bucket {} does not exist, and creating it is not allowed",
                config.name
            )));
        }
        let wanted = kv::Config {
            bucket: config.name.clone(),
            description: "Filters that clients have stored".to_owned(),
            max_value_size: (MAX_VALUE + MAX_HEADERS) as i32,
            history: 1,
            max_age: config.max_age,
            max_bytes: config.max_bytes,
            num_replicas: config.replicas,
            storage: match config.storage {
                Storage::File => StorageType::File,
                Storage::Memory => StorageType::Memory,
            },
            ..kv::Config::default()
        };
        match self.jetstream.create_key_value(wanted).await {
            Ok(_) => Ok(config.max_age),
            Err(error) => {
                // Another process may have created it a moment ago.
                let stream = self.jetstream.get_stream(format!("KV_{}", config.name));
                match stream.await {
                    Ok(stream) => Ok(stream.cached_info().config.max_age),
                    Err(_) => Err(StoreError::unavailable(error)),
                }
            }
        }
    }

    fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.config.name)
    }

    /// By the server's clock and ours: what counts are hours, so seconds between them do not matter.
    fn age(&self, kept: &StreamMessage) -> Duration {
        let stored = Duration::from_secs(u64::try_from(kept.time.unix_timestamp()).unwrap_or(0));
        Duration::from_micros((self.now_us)()).saturating_sub(stored)
    }

    async fn read(&self, bucket: &Bucket, key: &str) -> Result<Option<StreamMessage>, StoreError> {
        let subject = self.subject(key);
        match bucket
            .stream
            .get_last_raw_message_by_subject(&subject)
            .await
        {
            Ok(message) if is_value(&message.headers) => Ok(Some(message)),
            Ok(_) => Ok(None),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(refused)
                    if refused.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    *self.found.lock() = None;
                    Ok(None)
                }
                _ => Err(StoreError::unavailable(error)),
            },
        }
    }

    async fn write(&self, key: &str, value: Bytes) -> Result<Put, StoreError> {
        let sent = self.jetstream.publish(self.subject(key), value).await;
        let acked = match sent {
            Ok(ack) => ack.await,
            Err(error) => Err(error),
        };
        match acked {
            Ok(_) => Ok(Put::Done),
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => Ok(Put::NoBucket),
            Err(error) if is_full(&error) => Err(StoreError::Full),
            Err(error) => Err(StoreError::unavailable(error)),
        }
    }
}

impl fmt::Debug for NatsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsStore")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ExpiringStore for NatsStore {
    async fn put(&self, key: &str, value: Bytes) -> Result<Duration, StoreError> {
        check_put(key, &value)?;
        let bucket = self.bucket().await?;
        let kept = self.read(&bucket, key).await?;
        let left = kept.and_then(|kept| still_fresh(self.age(&kept), bucket.time_to_live));
        if let Some(left) = left {
            return Ok(left);
        }
        if let Put::Done = self.write(key, value.clone()).await? {
            return Ok(bucket.time_to_live);
        }
        *self.found.lock() = None;
        let bucket = self.bucket().await?;
        match self.write(key, value).await? {
            Put::Done => Ok(bucket.time_to_live),
            Put::NoBucket => Err(StoreError::unavailable(
                "nobody takes values for the bucket",
            )),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        let bucket = self.bucket().await?;
        let Some(kept) = self.read(&bucket, key).await? else {
            return Ok(None);
        };
        let age = self.age(&kept);
        if age >= bucket.time_to_live {
            return Ok(None);
        }
        if still_fresh(age, bucket.time_to_live).is_none() {
            // It is there all the same, and the next one who uses it tries again.
            if let Err(error) = self.write(key, kept.payload.clone()).await {
                warn!(%error, "a stored value's time could not be begun anew");
            }
        }
        Ok(Some(kept.payload))
    }
}

/// Not what a deletion leaves behind.
fn is_value(headers: &HeaderMap) -> bool {
    headers.get(OPERATION_HEADER).is_none()
}

fn is_full(error: &PublishError) -> bool {
    let refused = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<jetstream::Error>());
    refused.is_some_and(|refused| refused.error_code() == ErrorCode::STREAM_STORE_FAILED)
}
