//! Memory for client messages while they are assembled and parsed.

use std::sync::Arc;

use actix_web::error::BlockingError;
use actix_web::web;
use tokio::sync::Semaphore;

use super::{Budget, Claim, Holder, unless_zero};
use crate::config::LimitsConfig;

/// Memory that every connection has for free: enough for usual options.
const FREE_BYTES: usize = 32 << 10;

/// Number of long messages parsed concurrently: the parsed form takes several times the memory of the text until it is
/// checked.
const READ_AT_ONCE: usize = 2;

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct InboundMemory {
    memory: Arc<Budget>,
    reading: Arc<Semaphore>,
}

impl InboundMemory {
    /// Memory for messages of at most this many bytes.
    pub(crate) fn of(config: &LimitsConfig, longest: usize) -> Self {
        let per_address = unless_zero(config.max_inbound_bytes_per_address).max(longest);
        Self::new(config.max_inbound_bytes, per_address)
    }

    pub(crate) fn new(max_bytes: usize, max_per_holder: usize) -> Self {
        Self {
            memory: Arc::new(Budget::new(max_bytes, max_per_holder).with_free(FREE_BYTES)),
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        }
    }

    /// An empty claim.
    pub(crate) fn claim(&self, holder: Holder) -> Claim {
        self.memory.claim(holder)
    }

    /// Parses a long message on another thread, in order, while this thread serves its subscribers.
    ///
    /// # Errors
    /// When parsing panics.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BlockingError> {
        // The semaphore is never closed.
        let turn = Arc::clone(&self.reading).acquire_owned().await.ok();
        web::block(move || {
            // The other thread continues even when the client and the caller are gone.
            let _turn = turn;
            read()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A client that leaves during parsing must not free its parsing slot early.
    #[tokio::test]
    async fn parsing_slots_are_held_after_the_client_left() {
        let memory = InboundMemory::new(1000, 1000);
        let (release, wait) = std::sync::mpsc::sync_channel::<()>(0);
        let wait = Arc::new(std::sync::Mutex::new(wait));
        for _ in 0..READ_AT_ONCE {
            let wait = Arc::clone(&wait);
            let left = memory.run_blocking(move || wait.lock().unwrap().recv());
            assert!(futures::poll!(Box::pin(left)).is_pending());
        }
        let mut next = Box::pin(memory.run_blocking(|| "read"));
        assert!(futures::poll!(&mut next).is_pending());
        assert_eq!(memory.reading.available_permits(), 0);
        drop(release);
        assert_eq!(next.await.unwrap(), "read");
    }
}
