//! The timers of one subscriber, on one sleep.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::message::Timer;

/// One of each timer at most, but as many pong checks as pings within the pong timeout.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    ping: Option<Instant>,
    pong_checks: VecDeque<(Instant, u64)>,
    hello: Option<Instant>,
    heartbeat: Option<Instant>,
    max_age: Option<Instant>,
    linger: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Deadlines {
    /// Sets a timer and replaces its previous time.
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        match timer {
            Timer::PongCheck(ping) => self.pong_checks.push_back((at, ping)),
            Timer::Ping => self.ping = Some(at),
            Timer::Hello => self.hello = Some(at),
            Timer::Heartbeat => self.heartbeat = Some(at),
            Timer::MaxAge => self.max_age = Some(at),
            Timer::Linger => self.linger = Some(at),
        }
        let next = self.next();
        if let (Some((_, at)), Some(sleep)) = (next, &mut self.sleep)
            && at != sleep.deadline()
        {
            sleep.as_mut().reset(at);
        }
    }

    /// Clears all timers.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next due timer, which is cleared.
    pub(super) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Timer> {
        let Some((timer, at)) = self.next() else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        ready!(sleep.as_mut().poll(cx));
        match timer {
            Timer::Ping => self.ping = None,
            Timer::PongCheck(_) => {
                self.pong_checks.pop_front();
            }
            Timer::Hello => self.hello = None,
            Timer::Heartbeat => self.heartbeat = None,
            Timer::MaxAge => self.max_age = None,
            Timer::Linger => self.linger = None,
        }
        Poll::Ready(timer)
    }

    fn next(&self) -> Option<(Timer, Instant)> {
        let check = self.pong_checks.front();
        let check = check.map(|&(at, ping)| (Timer::PongCheck(ping), at));
        let others = [
            (Timer::Ping, self.ping),
            (Timer::Hello, self.hello),
            (Timer::Heartbeat, self.heartbeat),
            (Timer::MaxAge, self.max_age),
            (Timer::Linger, self.linger),
        ];
        let others = others
            .into_iter()
            .filter_map(|(timer, at)| Some((timer, at?)));
        others.chain(check).min_by_key(|&(_, at)| at)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn timers_come_in_the_order_of_their_times() {
        let begin = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.set(Timer::Ping, begin + 3 * SECOND);
        deadlines.set(Timer::Hello, begin + 5 * SECOND);
        deadlines.set(Timer::PongCheck(1), begin + 4 * SECOND);
        deadlines.set(Timer::PongCheck(2), begin + 7 * SECOND);
        let mut due = Vec::new();
        for _ in 0..3 {
            due.push(poll_fn(|cx| deadlines.poll_due(cx)).await);
            // A timer before the current sleep.
            if due.len() == 1 {
                deadlines.set(Timer::Heartbeat, begin + 6 * SECOND);
                deadlines.set(Timer::Hello, begin + 9 * SECOND);
            }
        }
        due.push(poll_fn(|cx| deadlines.poll_due(cx)).await);
        let expected = [
            Timer::Ping,
            Timer::PongCheck(1),
            Timer::Heartbeat,
            Timer::PongCheck(2),
        ];
        assert_eq!(due, expected);
        assert_eq!(begin.elapsed().as_secs(), 7);
        deadlines.clear();
        deadlines.set(Timer::Linger, begin + 20 * SECOND);
        let left = poll_fn(|cx| deadlines.poll_due(cx)).await;
        assert_eq!((left, begin.elapsed().as_secs()), (Timer::Linger, 20));
    }
}
