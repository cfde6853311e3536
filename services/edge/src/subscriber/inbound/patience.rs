//! How long a client may take for a message that it has begun. While this node does not read, time stands still.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

#[derive(Debug)]
pub(crate) struct Patience {
    /// Zero: for ever.
    whole: Duration,
    left: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(crate) fn new(whole: Duration) -> Self {
        Self {
            whole,
            left: whole,
            running: None,
        }
    }

    /// Another message may take as long again.
    pub(crate) fn renew(&mut self) {
        self.left = self.whole;
        self.running = None;
    }

    /// The client is not waited for now.
    pub(crate) fn pause(&mut self) {
        if let Some(running) = self.running.take() {
            self.left = running.deadline().saturating_duration_since(Instant::now());
        }
    }

    /// The client is waited for; ready when it took too long.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.whole.is_zero() {
            return Poll::Pending;
        }
        let left = self.left;
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(left)));
        running.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::{advance, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn is_over(patience: &mut Patience, within: Duration) -> bool {
        let over = poll_fn(|cx| patience.poll_over(cx));
        timeout(within, over).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_do_not_count_and_waiting_does() {
        let mut patience = Patience::new(10 * SECOND);
        for _ in 0..3 {
            assert!(!is_over(&mut patience, 3 * SECOND).await);
            patience.pause();
            advance(60 * SECOND).await;
        }
        assert!(is_over(&mut patience, 2 * SECOND).await);
        // Who asks once more hears the same.
        assert!(is_over(&mut patience, SECOND).await);
        patience.pause();
        assert!(is_over(&mut patience, SECOND).await);
        patience.renew();
        assert!(!is_over(&mut patience, 9 * SECOND).await);
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_for_ever() {
        let mut patience = Patience::new(Duration::ZERO);
        assert!(!is_over(&mut patience, 1_000_000 * SECOND).await);
    }
}
