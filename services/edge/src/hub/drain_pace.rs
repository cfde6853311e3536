//! The pace at which connections are closed, so that clients do not reconnect to the other nodes all at once.

use std::time::Duration;

/// At this interval a few connections are closed sooner than the spread allows, without causing a burst.
const UNHURRIED: Duration = Duration::from_millis(10);

/// Number of `count` connections to have closed after `elapsed`, when all must be closed within `spread`.
pub(crate) fn closed_after(elapsed: Duration, count: usize, spread: Duration) -> usize {
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
