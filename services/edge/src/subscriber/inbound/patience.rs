//! How long a client may take for a message that it has begun. While this node does not read, time stands still.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

#[derive(Debug)]
pub(super) struct Patience {
    /// Zero: for ever.
    whole: Duration,
    left: Duration,
    running: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub(super) fn new(whole: Duration) -> Self {
        Self {
            whole,
            left: whole,
            running: None,
        }
    }

    /// Another message may take as long again.
    pub(super) fn renew(&mut self) {
        self.left = self.whole;
        self.running = None;
    }

    /// The client is not waited for now.
    pub(super) fn pause(&mut self) {
        if let Some(running) = self.running.take() {
            self.left = running.deadline().saturating_duration_since(Instant::now());
        }
    }

    /// The client is waited for; ready when it took too long.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.whole.is_zero() {
            return Poll::Pending;
        }
        let left = self.left;
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(left)));
        running.as_mut().poll(cx)
    }
}
