//! Memory for what clients send, while it is put together and read: one bound for the whole node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So much every connection has without asking: options of usual size fit, whatever others send.
const FREE_BYTES: usize = 32 << 10;

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct InboundMemory {
    max_bytes: usize,
    claimed: AtomicUsize,
}

/// What one connection holds of it; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Claim {
    memory: Arc<InboundMemory>,
    bytes: usize,
}

impl InboundMemory {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            claimed: AtomicUsize::new(0),
        }
    }

    /// A claim on nothing yet.
    pub(crate) fn claim(self: &Arc<Self>) -> Claim {
        Claim {
            memory: Arc::clone(self),
            bytes: 0,
        }
    }
}

impl Claim {
    /// Makes it a claim for a connection that holds `held` bytes; `false`, and nothing changes, when there is no room.
    #[must_use]
    pub(crate) fn resize(&mut self, held: usize) -> bool {
        let wanted = held.saturating_sub(FREE_BYTES);
        let has = self.bytes;
        if wanted == has {
            return true;
        }
        let max = self.memory.max_bytes;
        let resized =
            self.memory
                .claimed
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |claimed| {
                    let claimed = claimed - has + wanted;
                    (wanted < has || claimed <= max).then_some(claimed)
                });
        if resized.is_ok() {
            self.bytes = wanted;
        }
        resized.is_ok()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.memory.claimed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_claimed_again() {
        let memory = Arc::new(InboundMemory::new(1000));
        let (mut one, mut other) = (memory.claim(), memory.claim());
        assert!(one.resize(FREE_BYTES), "that much is free");
        assert!(one.resize(FREE_BYTES + 700));
        assert!(!other.resize(FREE_BYTES + 301));
        assert!(other.resize(FREE_BYTES + 300));
        assert!(!one.resize(FREE_BYTES + 701));
        assert!(one.resize(FREE_BYTES + 600), "less is always possible");
        drop(other);
        assert!(one.resize(FREE_BYTES + 1000));
        assert!(one.resize(0));
        assert_eq!(memory.claimed.load(Ordering::Relaxed), 0);
    }
}
