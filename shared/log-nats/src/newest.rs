//! The newest event: messages behind it are not events.

use std::ops::Range;

use fanjet_log::{Bounds, Entry, LogError, Seq};

use crate::inner::Inner;

/// Messages read at once from the end.
const LOOK_BACK: Seq = 64;

/// Searches backwards from the end of the stream, according to its leader.
pub(crate) async fn newest(log: &Inner, bounds: Bounds) -> Result<Option<Entry>, LogError> {
    let (mut before, mut step) = (bounds.last + 1, 1);
    // The oldest of the consecutive positions, up to the next known message, that hold nothing.
    let mut gone: Range<Seq> = before..before;
    while before > bounds.first {
        let from = before.saturating_sub(step).max(bounds.first);
        let messages = (from..before).map(|seq| log.leaders(seq));
        let messages = futures::future::try_join_all(messages).await?;
        let found: Vec<_> = (from..before).zip(messages).collect();
        for (seq, message) in found.into_iter().rev() {
            let Some(message) = message else {
                gone = seq..if gone.start == seq + 1 {
                    gone.end
                } else {
                    seq + 1
                };
                continue;
            };
            check(log, &mut gone).await?;
            if let Some(entry) = log.entry_of(message)? {
                return Ok(Some(entry));
            }
        }
        (before, step) = (from, LOOK_BACK);
    }
    check(log, &mut gone).await?;
    Ok(None)
}

/// Checks that no message was lost at an empty position.
async fn check(log: &Inner, gone: &mut Range<Seq>) -> Result<(), LogError> {
    if !gone.is_empty() {
        log.check_gone(gone.start, gone.end).await?;
    }
    *gone = gone.start..gone.start;
    Ok(())
}
