//! Compares the log's end with what was submitted. Pure.

use std::collections::VecDeque;

use fanjet_log::{Entry, NewEvent, Seq};

/// What the log's last entry means for the unacknowledged events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppendOutcome {
    /// The log contains this many of them, in order, and no other event after what was acknowledged.
    Stored {
        /// How many.
        events: usize,
        /// The log's end: after the last of them, and after any entries that are not events.
        end: Seq,
    },
    /// The log ends here, before something it acknowledged.
    Shorter(Seq),
    /// Another writer wrote this seq.
    Foreign(Seq),
}

/// Compares position and content: since every append is fenced, the `n`-th unacknowledged event can only be at `acked +
/// n`, and if the newest entry is ours, so are all entries before it.
///
/// `acked` is where the log ended, `newest` the seq of its last event at that time. `end` is where it ends now, `last`
/// its newest entry, if one is retained; entries after that are not events. Entries that were stored after `acked` and
/// removed again, together with everything before them, count as another writer's: their content can no longer be
/// checked.
pub(crate) fn reconcile(
    (acked, newest): (Seq, Seq),
    unacked: &VecDeque<NewEvent>,
    end: Seq,
    last: Option<&Entry>,
) -> AppendOutcome {
    if end < acked {
        return AppendOutcome::Shorter(end);
    }
    let stored = |events| AppendOutcome::Stored { events, end };
    let Some(last) = last else {
        return if end == acked {
            stored(0)
        } else {
            AppendOutcome::Foreign(end)
        };
    };
    if last.seq < newest {
        return AppendOutcome::Shorter(last.seq);
    }
    let beyond = usize::try_from(last.seq.saturating_sub(acked)).unwrap_or(usize::MAX);
    let Some(index) = beyond.checked_sub(1) else {
        return stored(0);
    };
    match unacked.get(index) {
        Some(ours) if ours.origin == last.origin && ours.body == last.body => stored(beyond),
        _ => AppendOutcome::Foreign(last.seq),
    }
}

#[cfg(test)]
mod tests;
