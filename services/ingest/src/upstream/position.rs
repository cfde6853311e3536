//! How far upstreams have been read in this process.

mod first;

use std::time::Duration;

use bytes::Bytes;
use fanjet_event::Datetime;
use fanjet_firehose::{Frame, decode_frame};
use fanjet_log::UpstreamId;

use super::continuity::{Continuity, MAX_SEQ, Taken};
use super::search::Search;
use crate::batch::Numbering;
use crate::bookmark::Bookmark;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::read_position::{FramePosition, Reached};
use crate::resume::Resume;

pub(super) use first::First;

/// How far ahead the seq of an unreadable frame is trusted.
const MOST_SKIPPED_SEQS: u64 = 1_000_000;

/// The positions of all upstreams, by rank. The pipeline loses nothing that it was given, so positions need not wait
/// for the log.
#[derive(Debug)]
pub(super) struct UpstreamPositions {
    upstreams: Vec<UpstreamPosition>,
    /// The upstream whose frames were handed on last.
    current: Option<usize>,
    /// The log's newest events do not all have the last upstream's numbering, and nothing was handed on since.
    is_mixed: bool,
    /// The times of those frames.
    recent: RecentTimes,
    /// When reading started, as long as no frame arrived.
    since: Option<FrameTime>,
}

#[derive(Debug)]
struct UpstreamPosition {
    seqs: Continuity,
    /// The last frame that was handed on, or is in the log.
    place: Option<FramePosition>,
    /// An unreadable frame after it, which must not be requested again.
    is_skipped: bool,
}

/// Where to start in an upstream.
#[derive(Debug)]
pub(super) enum Begin {
    /// At this cursor: its own frames were the last ones.
    Behind(u64),
    /// At the live end.
    Live,
    /// To be searched for: another upstream's frames were the last ones, or reading started before any frame arrived.
    Search(Search),
}

/// Frames of one numbering.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) numbering: Numbering,
    /// They may repeat, under other seqs, what the log contains.
    pub(super) may_repeat: bool,
    pub(super) frames: Vec<Bytes>,
}

/// What frames reveal about their upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UpstreamChange {
    /// A new frame arrived. An upstream that answers every connection with an error frame makes no progress.
    /// progress.
    pub(super) is_progress: bool,
    /// The upstream rejected the cursor as a future one.
    pub(super) is_future_cursor: bool,
    /// It restarted its sequence, and continues there.
    pub(super) is_renumbered: bool,
}

impl UpstreamPositions {
    /// The positions that the log shows, or the bookmark where the log retains nothing.
    pub(super) fn continuing<'a>(
        ids: impl IntoIterator<Item = &'a UpstreamId>,
        resume: &Resume,
    ) -> Self {
        let recorded = resume.recorded();
        let (mut recent, mut since) = (resume.recent.clone(), None);
        match recorded.map(Bookmark::reached) {
            Some(Reached::Frame { time, .. }) => recent.add(time),
            Some(Reached::Nothing { since: began }) => since = Some(began),
            None => {}
        }
        let last = match (&resume.origin, recorded) {
            (Some(origin), _) => Some(origin.upstream.as_str()),
            (None, Some(recorded)) => Some(recorded.upstream.as_str()),
            (None, None) => None,
        };
        let upstreams: Vec<_> = ids
            .into_iter()
            .map(|id| {
                let place = resume.place_in(id);
                UpstreamPosition {
                    seqs: Continuity::continuing(id.clone(), place.map(|place| place.seq)),
                    place,
                    is_skipped: false,
                }
            })
            .collect();
        let mut positions = Self {
            current: last.and_then(|last| {
                upstreams
                    .iter()
                    .position(|position| position.seqs.upstream().as_str() == last)
            }),
            upstreams,
            is_mixed: resume.is_mixed,
            recent,
            since,
        };
        for upstream in 0..positions.upstreams.len() {
            if positions.cursor(upstream).is_some_and(|seq| seq >= MAX_SEQ) {
                positions.renumber(upstream);
            }
        }
        positions
    }

    /// The upstream of the log's last event.
    pub(super) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Whether an upstream's next frames may be in the log under other seqs.
    pub(super) fn may_repeat_others(&self, upstream: usize) -> bool {
        self.recent.middle().is_some() && (self.is_mixed || self.current != Some(upstream))
    }

    /// The upstream's current numbering.
    pub(super) fn numbering(&self, upstream: usize) -> &Numbering {
        self.upstreams[upstream].seqs.numbering()
    }

    /// The cursor for the next connection: before the newest frame. That frame may be only partly in the log; and its
    /// repetition shows whether the upstream has kept its sequence. An unreadable frame is not requested again.
    pub(super) fn cursor(&self, upstream: usize) -> Option<u64> {
        let position = &self.upstreams[upstream];
        let seq = position.place?.seq;
        Some(if position.is_skipped {
            seq
        } else {
            seq.saturating_sub(1)
        })
    }

    /// How far an upstream has been read, if known.
    pub(super) fn reached(&self, upstream: usize) -> Option<Reached> {
        let frame = self.upstreams[upstream].place.map(|place| Reached::Frame {
            seq: place.seq,
            time: place.time,
        });
        frame.or(self.since.map(|since| Reached::Nothing { since }))
    }

    /// When reading started, as long as no frame arrived.
    pub(super) fn since(&self) -> Option<FrameTime> {
        self.since
    }

    /// Reading starts at the live end.
    pub(super) fn begin_now(&mut self, now: FrameTime) {
        self.since.get_or_insert(now);
    }

    /// Where to start: `overlap` before the newest frame if another upstream delivered it, and before the start of
    /// reading if no frame ever arrived.
    pub(super) fn begin(&mut self, upstream: usize, overlap: Duration) -> Begin {
        let cursor = self.cursor(upstream);
        let known = self.upstreams[upstream].place.zip(cursor);
        let known = known.map(|(place, seq)| FramePosition { seq, ..place });
        let search = |time: FrameTime, known| {
            let (target, not_before) =
                (time.before(overlap), time.before(overlap.saturating_mul(2)));
            Begin::Search(Search::new(target, not_before, known))
        };
        let begin = match (self.recent.middle(), cursor, self.since) {
            (Some(newest), ..) if self.current != Some(upstream) => search(newest, known),
            (_, Some(cursor), _) => Begin::Behind(cursor),
            (_, None, Some(since)) => search(since, None),
            (_, None, None) => Begin::Live,
        };
        let asked = match begin {
            Begin::Behind(cursor) => Some(cursor),
            _ => None,
        };
        self.upstreams[upstream].seqs.connected(asked);
        begin
    }

    /// Records frames that are handed on. The position never moves back: a relay that repeats itself is not asked to do
    /// so again.
    pub(super) fn hand_on(
        &mut self,
        upstream: usize,
        frames: Vec<Bytes>,
    ) -> (Vec<Run>, UpstreamChange) {
        let mut change = UpstreamChange::default();
        let mut runs: Vec<Run> = Vec::with_capacity(1);
        for bytes in frames {
            let frame = decode_frame(&bytes);
            if let Ok(Frame::Error(error)) = &frame {
                change.is_future_cursor |= error.error == "FutureCursor";
            }
            let mut begins = false;
            if let Ok(frame) = &frame
                && let Some(seq) = frame.seq()
            {
                begins = self.take(upstream, seq, time_of(frame), &mut change);
            }
            let numbering = self.upstreams[upstream].seqs.numbering();
            match runs.last_mut() {
                Some(run) if run.numbering == *numbering => run.frames.push(bytes),
                _ => runs.push(Run {
                    numbering: numbering.clone(),
                    may_repeat: begins,
                    frames: vec![bytes],
                }),
            }
        }
        (runs, change)
    }

    /// Whether the frame is the first one of a numbering.
    fn take(
        &mut self,
        upstream: usize,
        seq: u64,
        time: Option<FrameTime>,
        change: &mut UpstreamChange,
    ) -> bool {
        let UpstreamPosition {
            seqs,
            place,
            is_skipped,
        } = &mut self.upstreams[upstream];
        let Taken {
            is_aside,
            begins,
            is_new,
            is_settled,
        } = seqs.take(seq, time);
        change.is_progress |= is_new;
        change.is_renumbered |= is_settled;
        if is_new {
            if let Some(time) = time {
                self.recent.add(time);
            }
            if !is_aside || is_settled {
                let time = time.or(place.map(|place| place.time));
                *place = Some(FramePosition {
                    seq,
                    time: time.unwrap_or(FrameTime::MIN),
                });
                *is_skipped = false;
            }
        }
        self.current = Some(upstream);
        self.is_mixed = false;
        self.since = None;
        begins
    }

    /// Skips an unreadable frame. Its seq is uncertain: the announced one counts if it lies just ahead; otherwise the
    /// next seq is used when the frame must be skipped.
    pub(super) fn skip(&mut self, upstream: usize, announced: Option<u64>, must_pass: bool) {
        // No cursor was sent, so the next connection does not request this frame either.
        let UpstreamPosition {
            seqs,
            place,
            is_skipped,
        } = &mut self.upstreams[upstream];
        let Some(place) = place else {
            return;
        };
        let ahead = place.seq..place.seq.saturating_add(MOST_SKIPPED_SEQS);
        let passed = match announced.filter(|seq| ahead.contains(&seq.saturating_sub(1))) {
            Some(seq) => seq,
            None if must_pass => place.seq.saturating_add(1),
            None => return,
        };
        place.seq = passed;
        *is_skipped = true;
        seqs.skip(passed);
    }

    /// The upstream restarted its sequence: its old seqs have become meaningless.
    pub(super) fn renumber(&mut self, upstream: usize) {
        let position = &mut self.upstreams[upstream];
        position.seqs.renumber();
        position.place = None;
        position.is_skipped = false;
        if self.current == Some(upstream) {
            self.current = None;
        }
    }
}

/// A frame's own time.
pub(super) fn time_of(frame: &Frame<'_>) -> Option<FrameTime> {
    let time = match frame {
        Frame::Commit(commit) => commit.time,
        Frame::Identity(identity) => identity.time,
        Frame::Account(account) => account.time,
        Frame::Sync(sync) => sync.time,
        Frame::Info(_) | Frame::Error(_) | Frame::Unknown(_) => return None,
    };
    FrameTime::of(&Datetime::parse(time).ok()?)
}

#[cfg(test)]
mod tests;
