//! Compares the log's end with what was given to it. Pure.

use std::collections::VecDeque;

use fanjet_log::{Entry, NewEvent, Seq};

/// What the log's last entry says about our unacknowledged events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The log holds this many of them, in order, and nothing else behind what was acknowledged.
    Stored(usize),
    /// The log ends here, before something it has acknowledged.
    Shorter(Seq),
    /// This seq was written by somebody else.
    Foreign(Seq),
}

/// Judges by position and content: since every append is fenced, our `n`-th unacknowledged event can only be at
/// `acked + n`, and if the last entry is ours then so are all before it.
///
/// `end` is where the log ends, `last` the entry there, if it is kept. What was stored beyond `acked` and is gone again
/// counts as somebody else's: nobody can tell any more.
pub(crate) fn reconcile(
    acked: Seq,
    unacked: &VecDeque<NewEvent>,
    end: Seq,
    last: Option<&Entry>,
) -> Verdict {
    let Some(beyond) = end.checked_sub(acked) else {
        return Verdict::Shorter(end);
    };
    let beyond = usize::try_from(beyond).unwrap_or(usize::MAX);
    let Some(newest) = beyond.checked_sub(1) else {
        return Verdict::Stored(0);
    };
    match (unacked.get(newest), last) {
        (Some(ours), Some(last)) if ours.origin == last.origin && ours.body == last.body => {
            Verdict::Stored(beyond)
        }
        _ => Verdict::Foreign(end),
    }
}

#[cfg(test)]
mod tests;
