//! The cursor of a raw subscriber, and where it starts. Pure.
//!
//! Cursors are wire seqs and inclusive: the event of a cursor is sent again. Every consumer must tolerate one repeated
//! event, and none tolerates a lost one.

/// Clients accept numbers below this.
const MAX_CURSOR: u64 = 1 << 53;

/// The cursor is not a number that a frame can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidCursor;

/// The first `cursor` of a query. `None` when it is absent or empty: from now on.
///
/// # Errors
/// [`InvalidCursor`]: not a decimal number below 2^53.
pub(crate) fn cursor_of(query: &str) -> Result<Option<u64>, InvalidCursor> {
    let mut pairs = query.split('&').map(|pair| pair.split_once('='));
    let value = pairs.find_map(|pair| pair.filter(|(key, _)| *key == "cursor"));
    let Some((_, value)) = value.filter(|(_, value)| !value.is_empty()) else {
        return Ok(None);
    };
    // Signs and exponents are no digits.
    if !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidCursor);
    }
    let cursor = value.parse().ok().filter(|cursor| *cursor < MAX_CURSOR);
    cursor.map(Some).ok_or(InvalidCursor)
}

/// The wire seqs at both ends of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
}

/// Where a subscriber starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what is appended from now on, and not below this wire seq.
    Live { not_below: u64 },
    /// With the oldest frame.
    Oldest,
    /// With the oldest frame, and a notice that some are missing.
    Outdated,
    /// With the first frame that is not below this wire seq.
    At(u64),
    /// Nowhere: the cursor is of another log.
    Future,
}

/// Decides. `slack`: so far above the newest frame a cursor may be, since another edge, or a sibling cluster under the
/// same relay, may be that far ahead. `ends` is `None` while the log is empty: then nothing is known about numbers.
pub(crate) fn start(cursor: Option<u64>, ends: Option<Ends>, slack: u64) -> Start {
    let (Some(cursor), Some(Ends { oldest, newest })) = (cursor, ends) else {
        return Start::Live { not_below: 0 };
    };
    if cursor == 0 {
        Start::Oldest
    } else if cursor < oldest {
        Start::Outdated
    } else if cursor <= newest {
        Start::At(cursor)
    } else if cursor - newest <= slack {
        Start::Live { not_below: cursor }
    } else {
        Start::Future
    }
}

#[cfg(test)]
mod tests;
