//! What processes of one cluster tell each other beside the log: the newest word under each key.
//!
//! Nothing that the log's truth rests on may be told here: a word may come late, or never.

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

/// A board on which everybody sees what everybody put up.
#[async_trait]
pub trait Notices: Send + Sync + 'static {
    /// Puts a value up in place of what was there, for some time, which is counted in whole seconds.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn post(&self, key: &str, value: Bytes, time_to_live: Duration)
    -> Result<(), StoreError>;

    /// The value of a key, if one is up.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError>;

    /// Everything that is up. A copy that lags may answer.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError>;
}

/// A board that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The backend cannot be reached or did not answer in time. Try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(#[source] Source),
    /// The store is missing or set up so that this program cannot work with it. An operator must act.
    #[error("the store is set up wrongly: {0}")]
    Misconfigured(String),
    /// The value is longer than any store takes. The caller's fault.
    #[error("the value has {0} bytes, {MAX_VALUE} are allowed")]
    TooLarge(usize),
    /// The key is no key: one or two tokens of `A-Z a-z 0-9 - _` with a dot between, at most 64 characters. The caller's
    /// fault.
    #[error(
        "bad key (allowed: one or two tokens of A-Z a-z 0-9 - _ with a dot between, at most {MAX_KEY} characters)"
    )]
    BadKey,
}

impl StoreError {
    /// A backend's own failure.
    pub fn unavailable(source: impl Into<Source>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Whether the same can succeed later without anybody acting.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// What every backend checks first: keys are one or two tokens of `A-Z a-z 0-9 - _` with a dot between.
///
/// # Errors
/// [`StoreError::BadKey`], [`StoreError::TooLarge`].
pub fn check_notice(key: &str, value: &Bytes) -> Result<(), StoreError> {
    check_notice_key(key)?;
    if value.len() > MAX_VALUE {
        return Err(StoreError::TooLarge(value.len()));
    }
    Ok(())
}

/// As [`check_notice`], for a key alone.
///
/// # Errors
/// [`StoreError::BadKey`].
pub fn check_notice_key(key: &str) -> Result<(), StoreError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(is_plain);
    let is_key =
        key.len() <= MAX_KEY && key.split('.').count() <= 2 && key.split('.').all(is_token);
    is_key.then_some(()).ok_or(StoreError::BadKey)
}
