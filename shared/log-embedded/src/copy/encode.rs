//! Events of a copy as frames, without a seq that is not accounted for.

use bytes::Bytes;
use fanjet_event::{TimeUs, Topic};
use fanjet_log::{AppendError, MAX_BODY, Seq};

use crate::format::points::MAX_SPAN;
use crate::format::{record, void};

/// An event of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its position.
    pub seq: Seq,
    /// Its log time.
    pub time: TimeUs,
    /// What it is about.
    pub topic: Topic,
    /// The stamped v1 JSON.
    pub body: Bytes,
}

/// Appends frames that account for the seqs from `from` on, and returns the seq behind them: `until`, or one above the last event.
pub(super) fn encode(
    out: &mut Vec<u8>,
    from: Seq,
    events: &[Copied],
    until: Seq,
) -> Result<Seq, AppendError> {
    let mut next = from;
    for event in events {
        put_void(out, next, event.seq)?;
        let is_frame = matches!(event.topic, Topic::Frame(_) | Topic::Labels(_));
        if event.seq < next || event.body.len() > MAX_BODY || is_frame {
            let what = format!("seq {} is not next, too large, or a raw frame", event.seq);
            return Err(AppendError::Refused(what));
        }
        record::write_copied(out, event.seq, event.time, &event.topic, &event.body);
        next = event.seq + 1;
    }
    put_void(out, next, until)?;
    Ok(next.max(until))
}

fn put_void(out: &mut Vec<u8>, from: Seq, until: Seq) -> Result<(), AppendError> {
    if from >= until {
        return Ok(());
    }
    if until - from > MAX_SPAN / 2 {
        let what = format!("no event from seq {from} to {until}");
        return Err(AppendError::Refused(what));
    }
    void::write(out, from, until - 1);
    Ok(())
}
