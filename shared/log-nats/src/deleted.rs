//! What was deleted from the middle of the stream, by the word of its leader.
//!
//! That a server does not give a message proves little: its disk may have harmed it. What somebody deleted stands in a list of
//! the server's; what is not in that list is missed, and never passed over.

use std::ops::Range;

use async_nats::jetstream::Context;
use fanjet_log::{LogError, Seq};
use parking_lot::Mutex;
use serde::Deserialize;

/// So long a list is asked for: a megabyte of text. Of more than that were deleted the server's word is believed.
const LONGEST: u64 = 100_000;

/// The list, as it was asked for last. Nothing comes back from it, so an old one is true.
#[derive(Debug, Default)]
pub(crate) struct Deleted(Mutex<Vec<Seq>>);

/// What the server says of its stream, as far as the client library leaves it out.
#[derive(Debug, Deserialize)]
struct Answer {
    state: Option<State>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    num_deleted: u64,
    deleted: Option<Vec<Seq>>,
    /// What the server knows to have lost to its disk.
    lost: Option<Lost>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lost {
    msgs: Option<Vec<Seq>>,
}

impl Deleted {
    /// Whether everything in these places of a stream was deleted.
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

    /// Whether each of these places is in the list.
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
    let answer: Answer = answer.await.map_err(LogError::unavailable)?;
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
