//! How far a consumer has come, written beside the log by the consumer itself.
//!
//! A consumer keeps its position where its output is. When that place loses the position, the bookmark is what says that
//! there was one: without it, a consumer that was robbed looks like one that starts for the first time, and skips what
//! lies between.

use async_trait::async_trait;
use bytes::Bytes;

use crate::LogError;

/// Longest key in bytes.
pub const MAX_KEY: usize = 64;

/// Values under keys, kept for as long as the log itself is. Bounded by who may write one: consumers of ours.
///
/// Invariant: what a `set` has returned for is found by every later `get`, of any process.
#[async_trait]
pub trait Bookmarks: Send + Sync + 'static {
    /// The value of a key, as the backend's authority sees it (never a lagging copy).
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError>;

    /// Puts a value in place of what was there.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError>;
}

/// What every backend checks first: keys are 1 to 64 of `A-Z a-z 0-9 - _`.
///
/// # Errors
/// [`LogError::Misconfigured`].
pub fn check_key(key: &str) -> Result<(), LogError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(is_plain) {
        return Ok(());
    }
    Err(LogError::Misconfigured(format!(
        "{key:?} is no key of a bookmark: {MAX_KEY} characters of A-Z a-z 0-9 - _ at most"
    )))
}
