//! Small values that every process can find again for a while: what a backend of the log offers beside it.
//!
//! Nothing that the log's truth rests on may be kept here.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Longest key in bytes.
pub const MAX_KEY: usize = 64;
/// Longest value in bytes.
pub const MAX_VALUE: usize = crate::MAX_BODY;

/// Values under keys, each kept for the store's own time, which begins anew when the value is used or put again in
/// the second half of it. Shared by all who opened the same store.
///
/// Invariant: what was put is found by everybody, from the moment the put has returned, for as long as it said.
#[async_trait]
pub trait ExpiringStore: Send + Sync + 'static {
    /// Keeps a value under a key; returns for how long from now. The same key must always have the same value.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn put(&self, key: &str, value: Bytes) -> Result<Duration, StoreError>;

    /// The value of a key, while it is kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Misconfigured`], [`StoreError::BadKey`].
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;
}

/// A store that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The backend cannot be reached or did not answer in time. Try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// The store is missing or set up so that this program cannot work with it. An operator must act.
    #[error("the store is set up wrongly: {0}")]
    Misconfigured(String),
    /// There is no room before something expires.
    #[error("the store is full")]
    Full,
    /// The value is longer than any store takes. The caller's fault.
    #[error("the value has {0} bytes, {MAX_VALUE} are allowed")]
    TooLarge(usize),
    /// The key is no key: 1 to 64 of `A-Z a-z 0-9 - _`. The caller's fault.
    #[error("bad key: {MAX_KEY} characters of A-Z a-z 0-9 - _ at most")]
    BadKey,
}

impl StoreError {
    /// A backend's own failure.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Whether the same can succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full)
    }
}

/// What every backend checks first.
///
/// # Errors
/// [`StoreError::BadKey`].
pub fn check_key(key: &str) -> Result<(), StoreError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_key = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(is_plain);
    is_key.then_some(()).ok_or(StoreError::BadKey)
}

/// As [`check_key`], and that the value fits.
///
/// # Errors
/// [`StoreError::BadKey`], [`StoreError::TooLarge`].
pub fn check_put(key: &str, value: &Bytes) -> Result<(), StoreError> {
    check_key(key)?;
    if value.len() > MAX_VALUE {
        return Err(StoreError::TooLarge(value.len()));
    }
    Ok(())
}

/// What is left of a value's time; `None` once it is to begin anew.
pub fn still_fresh(age: Duration, time_to_live: Duration) -> Option<Duration> {
    (age < time_to_live / 2).then(|| time_to_live - age)
}
