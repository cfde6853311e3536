//! The newest event: messages behind it are not events.

use std::ops::Range;

use fanjet_log::{Bounds, Entry, EventLog, LogError, Seq, TopicFilter, last_by_scan};

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

/// The newest event of each filter. The leader knows the newest message of a labeler's subject; what has no subject of its own,
/// or a stranger's message at its end, is searched for.
pub(crate) async fn newest_of<L: EventLog>(
    reader: &L,
    log: &Inner,
    filters: &[TopicFilter],
) -> Result<Vec<Option<Entry>>, LogError> {
    let mut found = Vec::with_capacity(filters.len());
    for filter in filters {
        found.push(match filter {
            TopicFilter::Labeler(labeler) => {
                let subject = log.subjects.labeler(labeler);
                match log.leaders_newest(&subject).await? {
                    None => None,
                    Some(message) => match log.entry_of(message)? {
                        Some(entry) => Some(entry),
                        None => searched(reader, filter).await?,
                    },
                }
            }
            _ => searched(reader, filter).await?,
        });
    }
    Ok(found)
}

async fn searched<L: EventLog>(
    reader: &L,
    filter: &TopicFilter,
) -> Result<Option<Entry>, LogError> {
    let found = last_by_scan(reader, std::slice::from_ref(filter)).await?;
    Ok(found.into_iter().next().flatten())
}

/// Checks that no message was lost at an empty position.
async fn check(log: &Inner, gone: &mut Range<Seq>) -> Result<(), LogError> {
    if !gone.is_empty() {
        log.check_gone(gone.start, gone.end).await?;
    }
    *gone = gone.start..gone.start;
    Ok(())
}
