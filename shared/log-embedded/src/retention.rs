//! Removes the oldest segments, in its own thread: removing a large file can take a while, and appending must not wait
//! for it.

mod age;

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tracing::info;

use crate::folder::{Lock, about};
use crate::shared::Shared;
use crate::state::{Segment, State};
use crate::troubles::Part;

pub(crate) use age::Age;
use age::micros;

/// Interval of checks.
const PAUSE: Duration = Duration::from_secs(1);
/// A segment that spans this fraction of the maximum age is finished, however small, so that it can expire.
const SPANS: u32 = 16;
/// A newly opened log expires nothing for half of this, or of a [`SPANS`]th of the maximum age if that is less.
const GRACE: Duration = Duration::from_secs(3600);

/// What must be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// How many of the oldest finished segments expire.
    pub(crate) forget: usize,
    /// Whether the active segment must be finished.
    pub(crate) roll: bool,
}

/// Decides at an [`Age`] in microseconds. A limit of 0 means unlimited.
pub(crate) fn decide(state: &State, now: u64, max_age: Duration, max_bytes: u64) -> Decision {
    let max_age = micros(max_age);
    let is_old = |time: u64, age: u64| max_age > 0 && time.saturating_add(age) < now;
    let mut bytes = state.bytes();
    let mut forget = 0;
    for segment in &state.sealed {
        let is_too_much = max_bytes > 0 && bytes > max_bytes;
        if !is_too_much && !is_old(segment.points.newest(), max_age) {
            break;
        }
        bytes -= segment.end;
        forget += 1;
    }
    let active = &state.active;
    let should_roll = !active.is_empty()
        && (is_old(active.points.newest(), max_age)
            || is_old(active.oldest, max_age / u64::from(SPANS)));
    // The next one could not be created: there may be room now.
    let roll = state.is_finished || should_roll;
    Decision { forget, roll }
}

/// Wakes and ends the thread.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Wake {
    pub(crate) fn close(&self) {
        *self.is_closed.lock() = true;
        self.changed.notify_all();
    }

    /// Waits for a while. Returns whether to continue.
    fn pause(&self) -> bool {
        let mut is_closed = self.is_closed.lock();
        if !*is_closed {
            self.changed.wait_for(&mut is_closed, PAUSE);
        }
        !*is_closed
    }
}

/// Checks again and again until `wake` is closed.
pub(crate) fn run(shared: &Shared, lock: &Lock, wake: &Wake, mut age: Age) {
    let mut doomed = VecDeque::new();
    while wake.pause() {
        let folder = lock.check();
        // Another log may be at the path, with segments of the same names.
        let exists = folder.is_ok();
        report(shared, Part::Folder, folder);
        if exists {
            look(shared, &mut age, &mut doomed);
        }
    }
}

/// Keeps the outcome for readiness.
fn report(shared: &Shared, part: Part, outcome: io::Result<()>) {
    let troubles = &shared.troubles;
    match outcome {
        Ok(()) => troubles.clear(part),
        Err(error) => troubles.set(part, error.to_string(), shared.clock.instant()),
    }
}

/// The age of the log when it is opened.
pub(crate) fn begin(shared: &Shared) -> Age {
    let oldest = {
        let state = shared.state.read();
        let oldest = state.sealed.front().unwrap_or(&state.active);
        (!oldest.is_empty()).then(|| oldest.points.newest())
    };
    let max_age = micros(shared.config.max_age);
    let expires = oldest
        .filter(|_| max_age > 0)
        .map(|newest| newest.saturating_add(max_age));
    let clock = &shared.clock;
    let grace = GRACE.min(shared.config.max_age / SPANS);
    Age::new(clock.now_us(), clock.instant(), expires, grace)
}

/// Hides expired segments from the readers, then removes them from the disk. A reader in the middle of one finds its
/// file gone and checks the bounds again. A file that cannot be removed stays first in `doomed`: removing a later one
/// before it would leave a gap.
fn look(shared: &Shared, age: &mut Age, doomed: &mut VecDeque<Segment>) {
    let (config, clock) = (&shared.config, &shared.clock);
    let now = age.advance(clock.now_us(), clock.instant());
    let decision = {
        let state = shared.state.read();
        let decision = decide(&state, now, config.max_age, config.max_bytes);
        let floor = shared.floor.load(Ordering::Relaxed);
        let below = state.sealed.partition_point(|segment| segment.last < floor);
        Decision {
            forget: decision.forget.max(below),
            ..decision
        }
    };
    if decision.roll {
        shared.queue.roll();
    }
    if decision.forget > 0 {
        // No other thread removes segments, so the oldest are still the same.
        doomed.extend(shared.state.write().sealed.drain(..decision.forget));
    }
    while let Some(segment) = doomed.front() {
        let removed = match shared.disk.remove(&segment.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        };
        let removed = removed
            .and_then(|()| shared.disk.sync_folder(&config.path))
            .map_err(|error| about("remove the expired segment", &segment.path, &error));
        let is_removed = removed.is_ok();
        report(shared, Part::Forgetting, removed);
        if !is_removed {
            return;
        }
        info!(
            first = segment.first,
            last = segment.last,
            "removed an expired segment"
        );
        doomed.pop_front();
    }
}

#[cfg(test)]
mod tests;
