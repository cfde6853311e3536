//! What processes of one cluster tell each other beside the log: the newest word under each key.
//!
//! Nothing that the log's truth rests on may be told here: a word may come late, or never.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::StoreError;
use crate::store::{MAX_KEY, MAX_VALUE};

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
