//! Rate limits with a burst.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Holder;
use crate::config::LimitsConfig;

/// An allowance that several subscribers share.
pub(crate) type SharedAllowance = Arc<Mutex<Allowance>>;

/// A rate and its burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// 0: no limit.
    pub(crate) per_second: u64,
    /// The burst that is available after an idle time.
    pub(crate) at_once: u64,
}

/// The allowance for what all clients of one holder send.
#[derive(Debug, Clone)]
pub(crate) struct SendAllowance {
    pub(crate) messages: SharedAllowance,
    pub(crate) bytes: SharedAllowance,
    /// The holder whose memory share their unread messages use.
    pub(crate) holder: Holder,
}

/// Each message may cost tens of microseconds.
const MESSAGES_AT_ONCE: u64 = 100;

impl SendAllowance {
    /// For a holder whose messages have at most this many bytes.
    pub(crate) fn of(
        config: &LimitsConfig,
        holder: Holder,
        max_message_bytes: usize,
        now: Instant,
    ) -> Self {
        let per_second = config.max_sent_bytes_per_second;
        let bytes = Rate {
            per_second,
            at_once: per_second.saturating_add(max_message_bytes as u64),
        };
        // A burst is processed at once, while other clients of the thread wait.
        let messages = Rate {
            per_second: config.max_messages_per_second,
            at_once: config.max_messages_per_second.min(MESSAGES_AT_ONCE),
        };
        Self::new(holder, messages, bytes, now)
    }

    pub(crate) fn new(holder: Holder, messages: Rate, bytes: Rate, now: Instant) -> Self {
        let shared = |rate| Arc::new(Mutex::new(Allowance::new(rate, now)));
        Self {
            messages: shared(messages),
            bytes: shared(bytes),
            holder,
        }
    }

    /// Whether both allowances are full.
    pub(crate) fn is_full(&self, now: Instant) -> bool {
        self.messages.lock().is_full(now) && self.bytes.lock().is_full(now)
    }
}

impl Rate {
    /// A burst of one second's worth.
    pub(crate) fn steady(per_second: u64) -> Self {
        Self {
            per_second,
            at_once: per_second,
        }
    }
}

/// The remaining allowance of a rate. It refills over time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    rate: Rate,
    /// Negative when taken in advance.
    left: f64,
    as_of: Instant,
}

impl Allowance {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.at_once as f64,
            as_of: now,
        }
    }

    /// Takes an amount, even beyond what is left. Returns how long the caller must wait before taking more.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) -> Duration {
        if self.rate.per_second == 0 {
            return Duration::ZERO;
        }
        self.fill(now);
        self.left -= amount as f64;
        Duration::try_from_secs_f64(-self.left / self.rate.per_second as f64).unwrap_or_default()
    }

    /// Whether it is full.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.rate.per_second == 0 || self.left >= self.rate.at_once as f64
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        let filled = self.left + passed * self.rate.per_second as f64;
        self.left = filled.min(self.rate.at_once as f64);
        self.as_of = self.as_of.max(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate {
        per_second: 100,
        at_once: 500,
    };

    #[test]
    fn an_allowance_is_spent_without_waiting() {
        let now = Instant::now();
        let mut allowance = Allowance::new(RATE, now);
        assert!(allowance.is_full(now));
        assert_eq!(allowance.take(500, now), Duration::ZERO);
        assert_eq!(allowance.take(50, now), Duration::from_millis(500));
        let later = now + Duration::from_millis(500);
        assert_eq!(allowance.take(1, later), Duration::from_millis(10));
        assert!(!allowance.is_full(later + Duration::from_millis(5009)));
        assert!(allowance.is_full(later + Duration::from_millis(5011)));
    }

    #[test]
    fn a_rate_of_zero_is_unlimited() {
        let now = Instant::now();
        let rate = Rate {
            per_second: 0,
            at_once: 0,
        };
        let mut allowance = Allowance::new(rate, now);
        assert_eq!(allowance.take(u64::MAX, now), Duration::ZERO);
        assert!(allowance.is_full(now));
    }

    proptest! {
        /// A caller that waits as required gets at most the rate, and at least the rate when it always asks.
        #[test]
        fn the_rate_is_kept(amounts in prop::collection::vec(1_u64..2000, 1..200)) {
            let begin = Instant::now();
            let mut now = begin;
            let mut allowance = Allowance::new(RATE, begin);
            let mut taken = 0;
            for amount in amounts {
                now += allowance.take(amount, now);
                taken += amount;
                let allowed = RATE.at_once as f64 + (now - begin).as_secs_f64() * RATE.per_second as f64;
                prop_assert!(taken as f64 <= allowed + 0.001);
                prop_assert!(now == begin || taken as f64 >= allowed - 0.001);
            }
        }
    }
}
