//! Memory for what clients send, while it is put together and read: one bound for the whole node, and one for each holder,
//! so that nobody takes all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::error::BlockingError;
use actix_web::web;
use tokio::sync::Semaphore;

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
    reading: Arc<Semaphore>,
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
            reading: Arc::new(Semaphore::new(READ_AT_ONCE)),
        }
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

    /// Who leaves while its message is read has not made room for another one.
    #[actix_web::test]
    async fn a_message_is_read_in_its_turn_whether_its_client_waits_or_not() {
        let memory = InboundMemory::new(1000, 1000);
        let (go_on, go) = std::sync::mpsc::channel::<()>();
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
