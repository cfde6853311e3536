//! What the first frame behind a cursor says about the upstream's numbers.

use std::time::Duration;

use bytes::Bytes;
use fanjet_firehose::decode_frame;

use super::{Place, Positions, time_of};
use crate::frame_time::FrameTime;

/// What the first frame behind a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// It follows.
    Follows,
    /// It stands where it cannot be unless the upstream numbers anew, and it is not said what was missed.
    Renumbered,
    /// Seqs and time are missing before it. Whether that is a loss, the upstream's oldest frame says.
    Suspect(u64),
}

impl Positions {
    /// Judges the first of `frames`, which came behind a cursor; `None` as long as they say nothing.
    pub(crate) fn judge_first(
        &self,
        upstream: usize,
        frames: &[Bytes],
        overlap: Duration,
    ) -> Option<First> {
        let (Some(place), Some(cursor)) = (self.upstreams[upstream].place, self.cursor(upstream))
        else {
            return Some(First::Follows);
        };
        if self.upstreams[upstream].is_passed_over {
            // Nothing is known of the newest frame but that it could not be read.
            let seq = frames.iter().find_map(seq_and_time)?.0;
            let is_below = seq < cursor;
            return Some(if is_below {
                First::Renumbered
            } else {
                First::Follows
            });
        }
        let is_leap = |seq| self.upstreams[upstream].seqs.is_leap(seq);
        let mut read = frames.iter().filter_map(seq_and_time);
        read.find_map(|(seq, time)| {
            let verdict = judge(place, cursor, seq, time, overlap)?;
            let is_rewound = is_leap(seq) && is_before(time, place.time, overlap);
            Some(if is_rewound {
                First::Renumbered
            } else {
                verdict
            })
        })
    }
}

/// What a frame behind `cursor` says, when `place` is the newest that is known; `None`: it is before that one, as asked.
pub(super) fn judge(
    place: Place,
    cursor: u64,
    seq: u64,
    time: Option<FrameTime>,
    overlap: Duration,
) -> Option<First> {
    let is_other = place.time != FrameTime::MIN && time.is_some_and(|time| time != place.time);
    let is_later = time.is_some_and(|time| place.time < time);
    let is_earlier = is_other && !is_later;
    let is_much_later = time.is_some_and(|time| place.time < time.before(overlap));
    if seq < cursor || (seq < place.seq && is_much_later) {
        Some(First::Renumbered)
    } else if seq < place.seq {
        None
    } else if seq == place.seq && is_other {
        // Another frame under the same seq.
        Some(First::Renumbered)
    } else if seq > place.seq && is_earlier {
        // The newest one is not there, but older ones are, under newer seqs.
        Some(First::Renumbered)
    } else if seq > place.seq.saturating_add(1) && is_later {
        Some(First::Suspect(seq))
    } else {
        Some(First::Follows)
    }
}

fn is_before(time: Option<FrameTime>, other: FrameTime, overlap: Duration) -> bool {
    time.is_some_and(|time| time < other.before(overlap))
}

fn seq_and_time(frame: &Bytes) -> Option<(u64, Option<FrameTime>)> {
    let frame = decode_frame(frame).ok()?;
    Some((frame.seq()?, time_of(&frame)))
}
