//! Memory for what clients send, while it is put together and read.

use std::sync::Arc;

use actix_web::error::BlockingError;
use actix_web::web;
use tokio::sync::Semaphore;

use super::{Budget, Claim, Holder, unless_zero};
use crate::config::LimitsConfig;

/// So much every connection has without asking: options of usual size fit, whatever others send.
const FREE_BYTES: usize = 32 << 10;

/// Long messages that are read at one time: what they say takes a few times as much memory as they do, until it is checked.
const READ_AT_ONCE: usize = 2;

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct InboundMemory {
    memory: Arc<Budget>,
    reading: Arc<Semaphore>,
}

impl InboundMemory {
    /// Memory for messages of so many bytes and shorter ones.
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

    /// A claim on nothing yet.
    pub(crate) fn claim(&self, holder: Holder) -> Claim {
        self.memory.claim(holder)
    }

    /// Reads a long message in its turn, on another thread: this one has subscribers to serve meanwhile.
    ///
    /// # Errors
    /// When reading it panics.
    pub(crate) async fn read_aside<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BlockingError> {
        // It is never closed.
        let turn = Arc::clone(&self.reading).acquire_owned().await.ok();
        web::block(move || {
            // The other thread goes on when the client, and whoever waits here, is gone.
            let _turn = turn;
            read()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who leaves while its message is read has not made room for another one.
    #[tokio::test]
    async fn a_message_is_read_in_its_turn_whether_its_client_waits_or_not() {
        let memory = InboundMemory::new(1000, 1000);
        let (go_on, go) = std::sync::mpsc::sync_channel::<()>(0);
        let go = Arc::new(std::sync::Mutex::new(go));
        for _ in 0..READ_AT_ONCE {
            let go = Arc::clone(&go);
            let left = memory.read_aside(move || go.lock().unwrap().recv());
            assert!(futures::poll!(Box::pin(left)).is_pending());
        }
        let mut next = Box::pin(memory.read_aside(|| "read"));
        assert!(futures::poll!(&mut next).is_pending());
        assert_eq!(memory.reading.available_permits(), 0);
        drop(go_on);
        assert_eq!(next.await.unwrap(), "read");
    }
}
