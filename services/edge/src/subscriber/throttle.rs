//! Limits how fast one subscriber replays or sends, by the allowance that its holder's subscribers share.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::limits::SharedAllowance;

/// The pauses after spending from an allowance.
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

    /// Sets a minimum pause, so that each pause is worth its wake-up.
    pub(crate) fn in_steps(self, shortest: Duration) -> Self {
        Self { shortest, ..self }
    }

    /// Spends an amount; returns whether a pause follows.
    pub(crate) fn spend(&mut self, amount: usize) -> bool {
        let now = Instant::now();
        let pause = self.allowance.lock().take(amount as u64, now);
        if !pause.is_zero() {
            self.pause = Some(Box::pin(sleep_until(now + pause.max(self.shortest))));
        }
        self.pause.is_some()
    }

    /// Ready when there is no pause.
    pub(crate) fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(cx));
            self.pause = None;
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;
    use crate::limits::{Allowance, Rate};

    /// A minimum pause makes pauses rarer, and replays no slower.
    #[tokio::test(start_paused = true)]
    async fn a_flood_is_throttled_with_few_pauses() {
        let rate = Rate {
            per_second: 1_000,
            at_once: 100,
        };
        let begin = Instant::now();
        let allowance = Arc::new(Mutex::new(Allowance::new(rate, begin)));
        let mut throttle = Throttle::new(allowance).in_steps(Duration::from_millis(50));
        let mut pauses = 0;
        for _ in 0..10_000 {
            if throttle.spend(1) {
                pauses += 1;
                poll_fn(|cx| throttle.poll_pause(cx)).await;
            }
        }
        let took = begin.elapsed().as_secs_f64();
        assert!((9.8..=10.1).contains(&took), "{took}");
        assert!((190..=210).contains(&pauses), "{pauses}");
    }
}
