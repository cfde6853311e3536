//! How fast one subscriber may replay, or send: as fast as what is left for all of its holder's allows.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::SharedAllowance;

/// Pauses that follow from what was taken.
#[derive(Debug)]
pub(crate) struct Throttle {
    allowance: SharedAllowance,
    shortest: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Throttle {
    pub(crate) fn new(allowance: SharedAllowance) -> Self {
        Self {
            allowance,
            shortest: Duration::ZERO,
            pause: None,
        }
    }

    /// The same, with pauses that are worth waking up for: what becomes allowed meanwhile is taken in one go.
    pub(crate) fn in_steps(self, shortest: Duration) -> Self {
        Self { shortest, ..self }
    }

    /// Notes what was taken; returns whether a pause follows.
    pub(crate) fn spend(&mut self, amount: usize) -> bool {
        let now = Instant::now();
        let pause = self.allowance.lock().take(amount as u64, now);
        if !pause.is_zero() {
            self.pause = Some(Box::pin(sleep_until(now + pause.max(self.shortest))));
        }
        self.pause.is_some()
    }

    /// Ready when there is no pause (any more).
    pub(crate) fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}
