//! Bookmarks in memory: for tests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::LogError;
use crate::bookmarks::{Bookmarks, check_key};

/// Bookmarks in memory, shared by all who hold them.
#[derive(Debug, Default)]
pub struct MemoryBookmarks(Mutex<BTreeMap<String, Bytes>>);

#[async_trait]
impl Bookmarks for MemoryBookmarks {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, LogError> {
        check_key(key)?;
        Ok(self.0.lock().get(key).cloned())
    }

    async fn set(&self, key: &str, value: Bytes) -> Result<(), LogError> {
        check_key(key)?;
        self.0.lock().insert(key.to_owned(), value);
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
