//! Bookmarks in memory, for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::LogError;
use crate::bookmarks::{Bookmarks, check_key};

/// Bookmarks in memory. Clones share them.
#[derive(Debug, Default)]
pub struct MemoryBookmarks {
    kept: Mutex<BTreeMap<String, Bytes>>,
    is_away: AtomicBool,
}

impl MemoryBookmarks {
    /// Makes every call fail until this is turned off.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    fn check_there(&self) -> Result<(), LogError> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(LogError::unavailable("set away")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Bookmarks for MemoryBookmarks {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError> {
        check_key(key)?;
        self.check_there()?;
        Ok(self.kept.lock().get(key).cloned())
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError> {
        check_key(key)?;
        self.check_there()?;
        self.kept.lock().insert(key.to_owned(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_keep_the_contract() {
        let bookmarks = MemoryBookmarks::default();
        crate::contract::bookmarks_are_found_again(&bookmarks, &bookmarks).await;
    }
}
