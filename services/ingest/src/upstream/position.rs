//! How far an upstream was read in this process.

use bytes::Bytes;
use fanjet_firehose::decode_frame;

/// The cursor for the next connection: behind the last frame that was handed on. The pipeline loses nothing it was
/// given, so there is no need to wait for the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position(Option<u64>);

impl Position {
    pub(crate) fn behind(cursor: Option<u64>) -> Self {
        Self(cursor)
    }

    pub(crate) fn cursor(self) -> Option<u64> {
        self.0
    }

    /// Moves behind the last frame that has a readable seq, and says whether that was progress: an upstream that answers
    /// every connection with an error frame makes none. Never moves back: a relay that repeats itself is not asked to do so
    /// again.
    pub(crate) fn advance(&mut self, frames: &[Bytes]) -> bool {
        let last = frames
            .iter()
            .rev()
            .find_map(|frame| decode_frame(frame).ok()?.seq());
        let before = self.0;
        self.0 = before.max(last);
        self.0 > before
    }
}

#[cfg(test)]
mod tests;
