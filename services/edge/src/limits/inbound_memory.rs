//! Memory for what clients send, while it is put together and read: one bound for the whole node, and one for each holder,
//! so that nobody takes all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// So much every connection has without asking: options of usual size fit, whatever others send.
const FREE_BYTES: usize = 32 << 10;

/// Long messages that are read at one time: what they say takes a few times as much memory as they do, until it is checked.
const READ_AT_ONCE: usize = 2;

/// Shared by all connections.
#[derive(Debug)]
pub(crate) struct InboundMemory {
    max_bytes: usize,
    max_per_holder: usize,
    claimed: AtomicUsize,
    reading: Semaphore,
}

/// What all connections of one holder have claimed.
pub(crate) type Share = Arc<AtomicUsize>;

/// What one connection holds of it; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Claim {
    memory: Arc<InboundMemory>,
    share: Share,
    bytes: usize,
}

impl InboundMemory {
    pub(crate) fn new(max_bytes: usize, max_per_holder: usize) -> Self {
        Self {
            max_bytes,
            max_per_holder,
            claimed: AtomicUsize::new(0),
            reading: Semaphore::new(READ_AT_ONCE),
        }
    }

    /// A turn to read a long message; `None` never comes.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.reading.acquire().await.ok()
    }

    /// A claim on nothing yet, which counts against this share.
    pub(crate) fn claim(self: &Arc<Self>, share: Share) -> Claim {
        Claim {
            memory: Arc::clone(self),
            share,
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
        if !resize(&self.share, self.memory.max_per_holder, has, wanted) {
            return false;
        }
        if !resize(&self.memory.claimed, self.memory.max_bytes, has, wanted) {
            self.share.fetch_sub(wanted - has, Ordering::Relaxed);
            return false;
        }
        self.bytes = wanted;
        true
    }
}

/// Changes one part of a sum, unless the sum grows beyond this.
fn resize(sum: &AtomicUsize, max: usize, has: usize, wanted: usize) -> bool {
    let resized = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
        let sum = sum - has + wanted;
        (wanted < has || sum <= max).then_some(sum)
    });
    resized.is_ok()
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.share.fetch_sub(self.bytes, Ordering::Relaxed);
        self.memory.claimed.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_claimed_again() {
        let memory = Arc::new(InboundMemory::new(1000, 1000));
        let (mut one, mut other) = (
            memory.claim(Share::default()),
            memory.claim(Share::default()),
        );
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

    #[test]
    fn a_holder_has_no_more_with_more_connections() {
        let memory = Arc::new(InboundMemory::new(1000, 400));
        let share = Share::default();
        let (mut one, mut two) = (memory.claim(share.clone()), memory.claim(share.clone()));
        assert!(one.resize(FREE_BYTES + 300));
        assert!(!two.resize(FREE_BYTES + 101));
        assert!(two.resize(FREE_BYTES + 100));
        let mut others: Vec<_> = (0..2).map(|_| memory.claim(Share::default())).collect();
        assert!(others[0].resize(FREE_BYTES + 400));
        assert!(!others[1].resize(FREE_BYTES + 201), "all are full");
        assert!(others[1].resize(FREE_BYTES + 200));
        drop((one, two, others));
        assert_eq!(share.load(Ordering::Relaxed), 0);
        assert_eq!(memory.claimed.load(Ordering::Relaxed), 0);
    }
}
