//! Reads the log's newest entries.

use fanjet_log::{Entry, EventLog, LogError, ReadLimit, Selection, Seq};

/// The size of one page.
const PAGE: ReadLimit = ReadLimit {
    entries: 4096,
    bytes: 8 << 20,
};

/// Passes every entry from `from` (or the oldest retained one, if newer) to `last` to `take`.
///
/// # Errors
/// [`LogError`], also when a replica that does not have `last` yet answers; errors of `take`.
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
            return Err(LogError::unavailable("a replica of the log lags"));
        }
        from = page.next;
    }
    Ok(())
}
