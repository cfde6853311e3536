//! The end of a copy.

use fanjet_log::{AppendError, Seq};

use super::encode::{Copied, encode};
use crate::append::EmbeddedAppender;

/// Appends to a copy.
#[derive(Debug)]
pub struct CopyAppender {
    pub(super) appender: EmbeddedAppender,
    pub(super) last: Seq,
}

impl CopyAppender {
    /// The last seq that it accounts for.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// Writes events in order, all above [`CopyAppender::last`], and returns when readers see them. Seqs that are left out between
    /// them, and behind them up to and without `next`, hold no event. After an error the appender is finished.
    ///
    /// # Errors
    /// [`AppendError`].
    pub async fn append(&mut self, events: &[Copied], next: Seq) -> Result<(), AppendError> {
        let mut frames = Vec::new();
        let covered = encode(&mut frames, self.last + 1, events, next)?;
        if covered > self.last + 1 {
            self.appender.write(frames, covered - 1).await?;
            self.last = covered - 1;
        }
        Ok(())
    }
}
