//! Reading the log's newest entries.

use fanjet_log::{Entry, EventLog, LogError, ReadLimit, Selection, Seq};

/// One page.
const PAGE: ReadLimit = ReadLimit {
    entries: 4096,
    bytes: 8 << 20,
};

/// Shows `take` every entry from `from` (or the oldest kept, when that is newer) to `last`.
///
/// # Errors
/// [`LogError`], also when the answers come from a copy that has not heard of `last` yet; what `take` says.
pub(crate) async fn each_entry(
    log: &dyn EventLog,
    mut from: Seq,
    last: Seq,
    mut take: impl FnMut(&Entry) -> Result<(), LogError>,
) -> Result<(), LogError> {
    while from <= last {
        let wanted = usize::try_from(last - from + 1).unwrap_or(usize::MAX);
        let limit = ReadLimit {
            entries: PAGE.entries.min(wanted),
            ..PAGE
        };
        let page = log.read(from, &Selection::All, limit).await?;
        page.entries
            .iter()
            .filter(|entry| entry.seq <= last)
            .try_for_each(&mut take)?;
        if page.next <= last && page.at_end {
            return Err(LogError::unavailable("a copy of the log lags behind it"));
        }
        from = page.next;
    }
    Ok(())
}
