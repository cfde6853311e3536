//! The moment after which a leader may write nothing more.

use tokio::sync::watch;
use tokio::time::Instant;

use crate::IngestError;

/// Asked before every append. A process that slept through its term finds out here before it writes, even when it
/// wakes up in the middle of its work.
#[derive(Debug, Clone)]
pub(crate) struct Permit(watch::Receiver<Instant>);

impl Permit {
    /// A permit that ends at a moment, which can be moved.
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
