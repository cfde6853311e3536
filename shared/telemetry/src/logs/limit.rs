//! How often one place in the code is heard: some say a line for each thing that a stranger sends.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};

/// How many lines of one place are written at once.
pub(super) const BURST: u32 = 20;
/// Behind them one is written each time this has passed.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// Places are parts of the code, so this is never reached. What comes from more of them shares one allowance.
const MOST_PLACES: usize = 4096;

/// Where in the code a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(u64);

impl Place {
    /// `None` for lines that are written only when somebody asks for them: that one wants all.
    pub(super) fn of(line: &Metadata<'_>) -> Option<Self> {
        if *line.level() > Level::INFO {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        (line.target(), line.file(), line.line()).hash(&mut hasher);
        Some(Self(hasher.finish()))
    }
}

/// Lets through a few lines of each place, and then one from time to time.
#[derive(Debug, Default)]
pub(super) struct Limiter(Mutex<HashMap<Place, Allowance>>);

#[derive(Debug)]
struct Allowance {
    lines: u32,
    /// When the last of them was added.
    added: Instant,
    /// Lines that were not written since the last one that was.
    suppressed: u64,
}

impl Limiter {
    /// Whether a line of this place is written now, and how many were not since the one before it.
    pub(super) fn admit(&self, place: Place, now: Instant) -> Option<u64> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = places.len() >= MOST_PLACES && !places.contains_key(&place);
        let place = if is_full { Place(0) } else { place };
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
