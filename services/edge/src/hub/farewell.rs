//! The pace at which subscribers are sent away, so that they do not all knock at the other nodes at once.

use std::time::Duration;

/// One after the other at this pace is no crowd: a few are gone sooner than the time allows.
const UNHURRIED: Duration = Duration::from_millis(10);

/// How many of `count` are to be gone after a while, when all are to be within `spread`.
pub(crate) fn gone_after(elapsed: Duration, count: usize, spread: Duration) -> usize {
    if elapsed >= spread {
        return count;
    }
    let one_by_one = elapsed.as_micros() / UNHURRIED.as_micros();
    let evenly = elapsed.as_micros() * count as u128 / spread.as_micros();
    let gone = one_by_one.max(evenly) + 1;
    usize::try_from(gone).map_or(count, |gone| gone.min(count))
}

#[cfg(test)]
mod tests;
