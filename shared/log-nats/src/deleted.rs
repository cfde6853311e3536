//! Messages deleted from the middle of the stream, according to its leader.
//!
//! A missing message proves little: the server's disk may be damaged. The server has a list of deleted messages; a
//! message that is not in the list is a gap, and never skipped.

use std::ops::Range;

use async_nats::jetstream::Context;
use fanjet_log::{LogError, Seq};
use parking_lot::Mutex;
use serde::Deserialize;

/// Maximum length of the list: a megabyte of text. Beyond that the server's count decides.
const LONGEST: u64 = 100_000;

/// The list as of the last request. Deletions are permanent, so an old list is correct.
#[derive(Debug, Default)]
pub(crate) struct Deleted(Mutex<Vec<Seq>>);

/// The server's response, as far as the client library omits it.
#[derive(Debug, Deserialize)]
struct StreamInfoResponse {
    state: Option<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    num_deleted: u64,
    deleted: Option<Vec<Seq>>,
    /// Messages that the server has lost to its disk.
    lost: Option<Lost>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lost {
    msgs: Option<Vec<Seq>>,
}

impl Deleted {
    /// Whether everything at these positions of a stream was deleted.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub(crate) async fn hold_all(
        &self,
        jetstream: &Context,
        stream: &str,
        places: Range<Seq>,
    ) -> Result<bool, LogError> {
        if self.holds(&places) {
            return Ok(true);
        }
        let state = ask(jetstream, stream, false).await?;
        let lost = state.lost.and_then(|lost| lost.msgs).unwrap_or_default();
        if lost.iter().any(|seq| places.contains(seq)) {
            return Ok(false);
        }
        if state.num_deleted > LONGEST {
            return Ok(true);
        }
        let deleted = ask(jetstream, stream, true).await?.deleted;
        let mut deleted = deleted.unwrap_or_default();
        deleted.sort_unstable();
        *self.0.lock() = deleted;
        Ok(self.holds(&places))
    }

    /// Whether each of these positions is in the list.
    fn holds(&self, places: &Range<Seq>) -> bool {
        let seqs = self.0.lock();
        let from = seqs.partition_point(|seq| *seq < places.start);
        let to = seqs.partition_point(|seq| *seq < places.end);
        (to - from) as u64 == places.end - places.start
    }
}

async fn ask(jetstream: &Context, stream: &str, deleted_details: bool) -> Result<State, LogError> {
    let request = serde_json::json!({ "deleted_details": deleted_details });
    let answer = jetstream.request(format!("STREAM.INFO.{stream}"), &request);
    let answer: StreamInfoResponse = answer.await.map_err(LogError::unavailable)?;
    answer
        .state
        .ok_or_else(|| LogError::unavailable("the server does not say what its stream holds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_must_be_in_the_list() {
        let deleted = Deleted(Mutex::new(vec![3, 5, 6, 7, 9]));
        for (places, holds) in [
            (3..4, true),
            (5..8, true),
            (3..6, false),
            (7..9, false),
            (8..9, false),
            (9..11, false),
        ] {
            assert_eq!(deleted.holds(&places), holds, "{places:?}");
        }
    }
}
