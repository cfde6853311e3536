//! The moment after which a leader may not write any more.

use tokio::sync::watch;
use tokio::time::Instant;

use crate::IngestError;

/// Checked before every append. A process that slept through its term notices here before it writes, even if it wakes
/// up in the middle of its work.
#[derive(Debug, Clone)]
pub(crate) struct WriteDeadline(watch::Receiver<Instant>);

impl WriteDeadline {
    /// Creates a deadline, which can be moved.
    pub(crate) fn until(end: Instant) -> (watch::Sender<Instant>, Self) {
        let (end, seen) = watch::channel(end);
        (end, Self(seen))
    }

    /// # Errors
    /// [`IngestError::TermOver`].
    pub(crate) fn check(&self) -> Result<(), IngestError> {
        if Instant::now() < *self.0.borrow() {
            Ok(())
        } else {
            Err(IngestError::TermOver)
        }
    }
}
