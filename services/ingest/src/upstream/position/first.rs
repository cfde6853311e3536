//! What the first frame after a cursor reveals about the upstream's seqs.

use std::time::Duration;

use bytes::Bytes;
use fanjet_firehose::decode_frame;

use super::{FramePosition, UpstreamPositions, time_of};
use crate::frame_time::FrameTime;

/// What the first frame after a cursor means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// It follows.
    Follows,
    /// Its position is possible only if the upstream restarted its sequence, and what was missed is unknown.
    Renumbered,
    /// Seqs and time are missing before it. Whether that is a loss, the upstream's oldest frame shows.
    Suspect(u64),
}

impl UpstreamPositions {
    /// Judges the first of `frames`, which arrived after a cursor; `None` until they allow a conclusion.
    pub(crate) fn classify_first(
        &self,
        upstream: usize,
        frames: &[Bytes],
        overlap: Duration,
    ) -> Option<First> {
        let (Some(place), Some(cursor)) = (self.upstreams[upstream].place, self.cursor(upstream))
        else {
            return Some(First::Follows);
        };
        if self.upstreams[upstream].is_skipped {
            // The newest frame was unreadable, and nothing else is known about it.
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

/// Judges a frame after `cursor`, with `place` as the newest known one; `None`: it precedes that one, as requested.
pub(super) fn judge(
    place: FramePosition,
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
        // A different frame with the same seq.
        Some(First::Renumbered)
    } else if seq > place.seq && is_earlier {
        // The newest frame is missing, but older ones exist, under newer seqs.
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
