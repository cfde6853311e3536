//! Compares the log's end with what was given to it. Pure.

use std::collections::VecDeque;

use fanjet_log::{Entry, NewEvent, Seq};

/// What the log's last entry says about our unacknowledged events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The log holds this many of them, in order, and nothing else behind what was acknowledged.
    Stored(usize),
    /// The log ends before something it has acknowledged: a copy that lags behind answered.
    Stale,
    /// This seq was written by somebody else.
    Foreign(Seq),
}

/// Judges by position and content: since every append is fenced, our `n`-th unacknowledged event can only be at
/// `acked + n`, and if the last entry is ours then so are all before it.
pub(crate) fn reconcile(acked: Seq, unacked: &VecDeque<NewEvent>, last: Option<&Entry>) -> Verdict {
    let end = last.map_or(0, |entry| entry.seq);
    let Some(beyond) = end.checked_sub(acked) else {
        return Verdict::Stale;
    };
    let beyond = usize::try_from(beyond).unwrap_or(usize::MAX);
    let (Some(last), Some(newest)) = (last, beyond.checked_sub(1)) else {
        return Verdict::Stored(0);
    };
    match unacked.get(newest) {
        Some(ours) if ours.origin == last.origin && ours.body == last.body => {
            Verdict::Stored(beyond)
        }
        _ => Verdict::Foreign(last.seq),
    }
}

#[cfg(test)]
mod tests;
