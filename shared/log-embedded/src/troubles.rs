//! What is wrong with the folder at the moment, for whoever asks whether the process is ready; and the log lines about it,
//! which are few, however often something fails.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

/// Where something went well in between, the next failure is told again after this time at the earliest.
const QUIET: Duration = Duration::from_secs(30);

/// What can go wrong, and be well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Writing events, or beginning a segment.
    Writing,
    /// Removing expired segments.
    Forgetting,
    /// The folder itself.
    Folder,
}

/// The troubles of one log. It outlives the log.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<[Trouble; 3]>);

#[derive(Debug, Default)]
struct Trouble {
    /// What is wrong now, and whether a line says so.
    now: Option<(String, bool)>,
    /// What was told last, and when.
    told: Option<(String, Instant)>,
}

impl Trouble {
    /// Whether this is worth a line.
    fn set(&mut self, cause: String, at: Instant) -> bool {
        let is_known = self.told.as_ref().is_some_and(|(told, when)| {
            let goes_on = matches!(self.now, Some((_, true)));
            *told == cause && (goes_on || at.saturating_duration_since(*when) < QUIET)
        });
        if !is_known {
            self.told = Some((cause.clone(), at));
        }
        let was_told = matches!(self.now, Some((_, true)));
        self.now = Some((cause, was_told || !is_known));
        !is_known
    }

    /// What was wrong, if a line said so.
    fn clear(&mut self) -> Option<String> {
        let (cause, was_told) = self.now.take()?;
        was_told.then_some(cause)
    }
}

impl Troubles {
    /// Why the log cannot be written, or cannot forget; `None` when it can, as far as anybody has tried.
    pub fn now(&self) -> Option<String> {
        let parts = self.0.lock();
        let causes = parts.iter().filter_map(|it| it.now.as_ref());
        let causes: Vec<_> = causes.map(|(cause, _)| cause.as_str()).collect();
        (!causes.is_empty()).then(|| causes.join("; "))
    }

    /// Something failed.
    pub(crate) fn set(&self, part: Part, cause: String, at: Instant) {
        if self.0.lock()[part as usize].set(cause.clone(), at) {
            warn!(cause, "the folder of the log is in trouble, trying again");
        }
    }

    /// It went well.
    pub(crate) fn clear(&self, part: Part) {
        let ended = self.0.lock()[part as usize].clear();
        if let Some(cause) = ended {
            info!(cause, "the folder of the log is well again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_told_now_and_then_and_known_always() {
        let begin = Instant::now();
        let mut trouble = Trouble::default();
        let (mut failures, mut ends) = (0, 0);
        for tenth in 0..600 {
            let at = begin + Duration::from_millis(tenth * 100);
            failures += u32::from(trouble.set("full".to_owned(), at));
            ends += u32::from(trouble.clear().is_some());
        }
        assert_eq!((failures, ends), (2, 2));
    }

    #[test]
    fn what_lasts_is_told_once_and_each_new_cause() {
        let begin = Instant::now();
        let troubles = Troubles::default();
        let told = |cause: &str, seconds| {
            let at = begin + Duration::from_secs(seconds);
            troubles.0.lock()[Part::Writing as usize].set(cause.to_owned(), at)
        };
        let lines: Vec<_> = (0..200).map(|second| told("full", second)).collect();
        assert_eq!(lines.iter().filter(|&&it| it).count(), 1);
        assert!(told("read-only", 201));
        troubles.set(Part::Folder, "gone".to_owned(), begin);
        assert_eq!(troubles.now().unwrap(), "read-only; gone");
        troubles.clear(Part::Writing);
        troubles.clear(Part::Folder);
        assert_eq!(troubles.now(), None);
    }
}
