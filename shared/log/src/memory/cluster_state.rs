//! Cluster state in memory: for tests, and for a process that is a cluster by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::StoreError;
use crate::cluster_state::{ClusterState, check_entry, check_key};

/// Cluster state in memory, shared by all its users. Bounded, since only processes of this project publish.
#[derive(Debug, Default)]
pub struct MemoryClusterState(Mutex<BTreeMap<String, (Bytes, Instant)>>);

#[async_trait]
impl ClusterState for MemoryClusterState {
    async fn publish(
        &self,
        key: &str,
        value: Bytes,
        time_to_live: Duration,
    ) -> Result<(), StoreError> {
        check_entry(key, &value)?;
        let now = Instant::now();
        let mut up = self.0.lock();
        up.retain(|_, (_, end)| *end > now);
        up.insert(key.to_owned(), (value, now + time_to_live));
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
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
        let state = MemoryClusterState::default();
        crate::contract::cluster_state_serves_the_newest_value(&[&state, &state]).await;
    }
}
