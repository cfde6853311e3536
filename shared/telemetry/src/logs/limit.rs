//! Limits the log lines of one call site: some log a line for each frame or request of an untrusted peer.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};

/// Burst of one call site.
pub(super) const BURST: u32 = 20;
/// After the burst, one line per interval.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// Call sites are part of the code, so this is never reached. Beyond it all others share one allowance.
const MOST_PLACES: usize = 4096;

/// The call site of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CallSite(u64);

impl CallSite {
    /// `None` for levels that are off by default: an operator who enables them wants every line.
    pub(super) fn of(line: &Metadata<'_>) -> Option<Self> {
        if *line.level() > Level::INFO {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (line.target(), line.file(), line.line()).hash(&mut hasher);
        Some(Self(hasher.finish()))
    }
}

/// Passes a burst of lines per call site, and then one per interval.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<HashMap<CallSite, Allowance>>);

#[derive(Debug)]
struct Allowance {
    lines: u32,
    /// When the last token was added.
    added: Instant,
    /// Lines dropped since the last one that was written.
    suppressed: u64,
}

impl Limiter {
    /// Whether to write a line of this call site now; returns how many were dropped since the one before.
    pub(super) fn admit(&self, place: CallSite, now: Instant) -> Option<u64> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = places.len() >= MOST_PLACES && !places.contains_key(&place);
        let place = if is_full { CallSite(0) } else { place };
        places
            .entry(place)
            .or_insert_with(|| Allowance {
                lines: BURST,
                added: now,
                suppressed: 0,
            })
            .take(now)
    }
}

impl Allowance {
    fn take(&mut self, now: Instant) -> Option<u64> {
        while self.lines < BURST && now.saturating_duration_since(self.added) >= PAUSE {
            self.lines += 1;
            self.added += PAUSE;
        }
        if self.lines == 0 {
            self.suppressed += 1;
            return None;
        }
        if self.lines == BURST {
            self.added = now;
        }
        self.lines -= 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests;
