//! The deadline for completing a message. It stops while this node does not read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

#[derive(Debug)]
pub(crate) struct MessageDeadline {
    /// Zero: no deadline.
    whole: Duration,
    left: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl MessageDeadline {
    pub(crate) fn new(whole: Duration) -> Self {
        Self {
            whole,
            left: whole,
            running: None,
        }
    }

    /// Restarts for the next message.
    pub(crate) fn renew(&mut self) {
        self.left = self.whole;
        self.running = None;
    }

    /// Stops while the node does not read from the client.
    pub(crate) fn pause(&mut self) {
        if let Some(running) = self.running.take() {
            self.left = running.deadline().saturating_duration_since(Instant::now());
        }
    }

    /// Runs; ready when the deadline has passed.
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

    async fn is_over(deadline: &mut MessageDeadline, within: Duration) -> bool {
        let over = poll_fn(|cx| deadline.poll_over(cx));
        timeout(within, over).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_stops_during_pauses() {
        let mut deadline = MessageDeadline::new(10 * SECOND);
        for _ in 0..3 {
            assert!(!is_over(&mut deadline, 3 * SECOND).await);
            deadline.pause();
            advance(60 * SECOND).await;
        }
        assert!(is_over(&mut deadline, 2 * SECOND).await);
        // Polling again returns the same.
        assert!(is_over(&mut deadline, SECOND).await);
        deadline.pause();
        assert!(is_over(&mut deadline, SECOND).await);
        deadline.renew();
        assert!(!is_over(&mut deadline, 9 * SECOND).await);
    }

    #[tokio::test(start_paused = true)]
    async fn zero_disables_the_deadline() {
        let mut deadline = MessageDeadline::new(Duration::ZERO);
        assert!(!is_over(&mut deadline, 1_000_000 * SECOND).await);
    }
}
