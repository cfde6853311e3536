//! A consumer's position, stored beside the log by the consumer itself.
//!
//! A consumer stores its position at the target of its output. If the target loses the position, the bookmark proves that one
//! existed. Without the bookmark, such a consumer would look like a new one, start at the present, and skip every event in
//! between.

use async_trait::async_trait;
use bytes::Bytes;

use crate::LogError;

/// Longest key in bytes.
pub const MAX_KEY: usize = 64;

/// Values under keys, kept as long as the log itself. Bounded, since only consumers of this project write keys.
///
/// Invariant: a value that `set` has stored is visible to every later `get` of any process.
#[async_trait]
pub trait Bookmarks: Send + Sync + 'static {
    /// The value of a key, read from the backend's leader (never from a lagging replica).
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError>;

    /// Stores a value, replacing the one before.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Misconfigured`].
    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError>;
}

/// The check that every backend makes first: keys are 1 to 64 characters of `A-Z a-z 0-9 - _`.
///
/// # Errors
/// [`LogError::Misconfigured`].
pub fn check_key(key: &str) -> Result<(), LogError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(is_plain) {
        return Ok(());
    }
    Err(LogError::Misconfigured(format!(
        "invalid bookmark key: {key:?} (allowed: 1 to {MAX_KEY} characters of A-Z a-z 0-9 - _)"
    )))
}
