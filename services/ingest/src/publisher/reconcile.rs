//! Compares the log's end with what was given to it. Pure.

use std::collections::VecDeque;

use fanjet_log::{Entry, NewEvent, Seq};

/// What the log's last entry says about our unacknowledged events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The log holds this many of them, in order, and no other event behind what was acknowledged.
    Stored {
        /// How many.
        events: usize,
        /// Where the log ends: behind the last of them, and behind what stands there and is no event.
        end: Seq,
    },
    /// The log ends here, before something it has acknowledged.
    Shorter(Seq),
    /// This seq was written by somebody else.
    Foreign(Seq),
}

/// Judges by position and content: since every append is fenced, our `n`-th unacknowledged event can only be at
/// `acked + n`, and if the newest entry is ours then so are all before it.
///
/// `acked` is where the log ended, `newest` the seq of its last event then. `end` is where it ends now, `last` its newest entry, if one is kept; what stands behind that is no event. What was stored
/// beyond `acked` and is gone again, with everything before it, counts as somebody else's: nobody can tell any more.
pub(crate) fn reconcile(
    (acked, newest): (Seq, Seq),
    unacked: &VecDeque<NewEvent>,
    end: Seq,
    last: Option<&Entry>,
) -> Verdict {
    if end < acked {
        return Verdict::Shorter(end);
    }
    let stored = |events| Verdict::Stored { events, end };
    let Some(last) = last else {
        return if end == acked {
            stored(0)
        } else {
            Verdict::Foreign(end)
        };
    };
    if last.seq < newest {
        return Verdict::Shorter(last.seq);
    }
    let beyond = usize::try_from(last.seq.saturating_sub(acked)).unwrap_or(usize::MAX);
    let Some(index) = beyond.checked_sub(1) else {
        return stored(0);
    };
    match unacked.get(index) {
        Some(ours) if ours.origin == last.origin && ours.body == last.body => stored(beyond),
        _ => Verdict::Foreign(last.seq),
    }
}

#[cfg(test)]
mod tests;
