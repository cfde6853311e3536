//! Checks a whole log: the published events, and the comparison.

use std::collections::HashMap;

use anyhow::Result;
use fanjet_log::{EventLog, ReadLimit, Selection};
use fanjet_oracle::{Expected, Key, LogJudge, Verdict};

use crate::publication::Publication;

const PAGE: ReadLimit = ReadLimit {
    entries: 10_000,
    bytes: 16 << 20,
};

/// A publication whose every event must be in the log at the end.
pub(crate) fn publication(rate: u32, frames: u64, seed: u64) -> Result<Publication> {
    Ok(Publication::new(rate, frames)?
        .unforgetful()
        .with("--seed", seed)
        .with("--accounts", 100)
        .with("--records-per-repo", 30)
        .with("--multi-op-commits", 0.2))
}

/// Reads the whole log; returns the verdict, and the time of each event in it.
pub(crate) async fn judge_log(
    log: &dyn EventLog,
    expected: &[Expected],
) -> Result<(Verdict, HashMap<Key, u64>)> {
    let mut judge = LogJudge::new(expected);
    let mut times = HashMap::new();
    let mut from = 0;
    loop {
        let page = log.read(from, &Selection::All, PAGE).await?;
        for entry in &page.entries {
            let key = (entry.origin.relay_seq, entry.origin.op_index);
            let time = entry.time()?.get();
            judge.see(key, time, std::str::from_utf8(&entry.body)?);
            times.insert(key, time);
        }
        from = page.next;
        if page.at_end {
            return Ok((judge.finish(), times));
        }
    }
}
