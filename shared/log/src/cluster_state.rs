//! State that the processes of one cluster share beside the log: the newest value of each key.
//!
//! Nothing that the log depends on may be kept here: a value may arrive late, or never.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Longest key in bytes.
pub const MAX_KEY: usize = 64;
/// Longest value in bytes.
pub const MAX_VALUE: usize = crate::MAX_BODY;

/// A key-value store shared by all processes of the cluster.
#[async_trait]
pub trait ClusterState: Send + Sync + 'static {
    /// Publishes a value for some time, in whole seconds. Replaces the value before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn publish(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<(), StoreError>;

    /// The value of a key, if it has not expired.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// All values that have not expired. May be read from a lagging replica.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError>;
}

/// An error of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The backend is unreachable or did not respond in time. Retry.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// The store is missing, or has a configuration that this program cannot use. An operator must act.
    #[error("invalid store configuration: {0}")]
    Misconfigured(String),
    /// The value is larger than any store accepts. The caller is at fault.
    #[error("value of {0} bytes (allowed: {MAX_VALUE})")]
    TooLarge(usize),
    /// The key is invalid: it must be one or two tokens of `A-Z a-z 0-9 - _` with a dot between, at most 64 characters.
    /// The caller is at fault.
    #[error(
        "invalid key (allowed: one or two tokens of A-Z a-z 0-9 - _ with a dot between, at most {MAX_KEY} characters)"
    )]
    BadKey,
}

impl StoreError {
    /// Wraps an error of the backend.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Whether the same call can succeed later without an operator.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// The check that every backend makes first: keys are one or two tokens of `A-Z a-z 0-9 - _` with a dot between.
///
/// # Errors
/// [`StoreError::BadKey`], [`StoreError::TooLarge`].
pub fn check_entry(key: &str, value: &Bytes) -> Result<(), StoreError> {
    check_key(key)?;
    if value.len() > MAX_VALUE {
        return Err(StoreError::TooLarge(value.len()));
    }
    Ok(())
}

/// As [`check_entry`], for a key alone.
///
/// # Errors
/// [`StoreError::BadKey`].
pub fn check_key(key: &str) -> Result<(), StoreError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_plain);
    let is_key =
        key.len() <= MAX_KEY && key.split('.').count() <= 2 && key.split('.').all(is_token);
    is_key.then_some(()).ok_or(StoreError::BadKey)
}
