//! Current failures of the folder, for readiness probes; and the log lines about them, which are few, however often
//! something fails.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::{info, warn};

/// After a success in between, the same failure is logged again after this time at the earliest.
const QUIET: Duration = Duration::from_secs(30);

/// What can fail and recover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Writing events, or starting a segment.
    Writing,
    /// Removing expired segments.
    Forgetting,
    /// The folder itself.
    Folder,
}

/// The failures of one log. Outlives the log.
#[derive(Debug, Default)]
pub struct Troubles {
    parts: Mutex<[Trouble; 3]>,
    /// The owner reports them.
    is_silent: bool,
}

#[derive(Debug, Default)]
struct Trouble {
    /// The current failure, and whether it was logged.
    now: Option<(String, bool)>,
    /// The last logged failure, and when.
    logged: Option<(String, Instant)>,
}

impl Trouble {
    /// Whether this must be logged.
    fn set(&mut self, cause: String, at: Instant) -> bool {
        let is_known = self.logged.as_ref().is_some_and(|(logged, when)| {
            let lasts = matches!(self.now, Some((_, true)));
            *logged == cause && (lasts || at.saturating_duration_since(*when) < QUIET)
        });
        if !is_known {
            self.logged = Some((cause.clone(), at));
        }
        let was_logged = matches!(self.now, Some((_, true)));
        self.now = Some((cause, was_logged || !is_known));
        !is_known
    }

    /// The failure, if it was logged.
    fn clear(&mut self) -> Option<String> {
        let (cause, was_logged) = self.now.take()?;
        was_logged.then_some(cause)
    }
}

impl Troubles {
    /// Without log lines: the owner of a copy reports its end, with the cause.
    pub(crate) fn silent() -> Self {
        Self {
            is_silent: true,
            ..Self::default()
        }
    }

    /// Why the log cannot be written, or cannot expire events; `None` if the last attempt succeeded.
    pub fn now(&self) -> Option<String> {
        let parts = self.parts.lock();
        let causes = parts.iter().filter_map(|it| it.now.as_ref());
        let causes: Vec<_> = causes.map(|(cause, _)| cause.as_str()).collect();
        (!causes.is_empty()).then(|| causes.join("; "))
    }

    /// Records a failure.
    pub(crate) fn set(&self, part: Part, cause: String, at: Instant) {
        let is_new = self.parts.lock()[part as usize].set(cause.clone(), at);
        if is_new && !self.is_silent {
            warn!(cause, "failed to use the log folder, retrying");
        }
    }

    /// Records a success.
    pub(crate) fn clear(&self, part: Part) {
        let ended = self.parts.lock()[part as usize].clear();
        if let Some(cause) = ended.filter(|_| !self.is_silent) {
            info!(cause, "the log folder is usable again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flapping_failure_is_logged_rarely_and_always_reported() {
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
    fn a_lasting_failure_is_logged_once_and_each_new_cause() {
        let begin = Instant::now();
        let troubles = Troubles::default();
        let logged = |cause: &str, seconds| {
            let at = begin + Duration::from_secs(seconds);
            troubles.parts.lock()[Part::Writing as usize].set(cause.to_owned(), at)
        };
        let lines: Vec<_> = (0..200).map(|second| logged("full", second)).collect();
        assert_eq!(lines.iter().filter(|&&it| it).count(), 1);
        assert!(logged("read-only", 201));
        troubles.set(Part::Folder, "gone".to_owned(), begin);
        assert_eq!(troubles.now().unwrap(), "read-only; gone");
        troubles.clear(Part::Writing);
        troubles.clear(Part::Folder);
        assert_eq!(troubles.now(), None);
    }
}
