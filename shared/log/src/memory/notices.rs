//! Notices in memory: for tests, and for a process that is a cluster by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::StoreError;
use crate::notices::{Notices, check_notice, check_notice_key};

/// A board in memory, shared by all who hold it. Bounded by who may put something up: processes of ours.
#[derive(Debug, Default)]
pub struct MemoryNotices(Mutex<BTreeMap<String, (Bytes, Instant)>>);

#[async_trait]
impl Notices for MemoryNotices {
    async fn post(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<(), StoreError> {
        check_notice(key, &value)?;
        let now = Instant::now();
        let mut up = self.0.lock();
        up.retain(|_, (_, end)| *end > now);
        up.insert(key.to_owned(), (value, now + time_to_live));
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_notice_key(key)?;
        let now = Instant::now();
        let up = self.0.lock();
        let value = up.get(key).filter(|(_, end)| *end > now);
        Ok(value.map(|(value, _)| value.clone()))
    }

    async fn all(&self) -> Result<BTreeMap<String, Bytes>, StoreError> {
        let now = Instant::now();
        let up = self.0.lock();
        let up = up.iter().filter(|(_, (_, end))| *end > now);
        Ok(up
            .map(|(key, (value, _))| (key.clone(), value.clone()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        let board = MemoryNotices::default();
        crate::contract::a_board_shows_the_newest(&[&board, &board]).await;
    }
}
