//! How far upstreams were read in this process.

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
use crate::place::{Place, Reached};
use crate::resume::Resume;

pub(super) use first::First;

/// How far ahead the seq of a frame that was not read is believed.
const MOST_PASSED_OVER: u64 = 1_000_000;

/// The places of all upstreams, by rank. The pipeline loses nothing it was given, so there is no need to wait for the log.
#[derive(Debug)]
pub(super) struct Positions {
    upstreams: Vec<Position>,
    /// Whose frames were handed on last.
    current: Option<usize>,
    /// The log's newest events have not all the numbers of the last one, and nothing was handed on since.
    is_mixed: bool,
    /// When those frames happened.
    recent: RecentTimes,
    /// When reading began, as long as nothing came.
    since: Option<FrameTime>,
}

#[derive(Debug)]
struct Position {
    seqs: Continuity,
    /// The last frame that was handed on, or is in the log.
    place: Option<Place>,
    /// It was neither: it could not be read, and must not be asked for again.
    is_passed_over: bool,
}

/// Where to begin in an upstream.
#[derive(Debug)]
pub(super) enum Begin {
    /// Behind this cursor: its own frames were the last.
    Behind(u64),
    /// With what happens now.
    Live,
    /// Where another upstream's frames were the last, or reading began before anything came: it has to be found.
    Search(Search),
}

/// Frames of one numbering.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) numbering: Numbering,
    /// They may repeat, in another numbering, what the log holds.
    pub(super) may_repeat: bool,
    pub(super) frames: Vec<Bytes>,
}

/// What frames tell about their upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// A frame came that did not come before: an upstream that answers every connection with an error frame makes no
    /// progress.
    pub(super) is_progress: bool,
    /// The upstream refused the cursor because it lies in its future.
    pub(super) is_future_cursor: bool,
    /// It has begun to number anew, and goes on so.
    pub(super) is_renumbered: bool,
}

impl Positions {
    /// As the log leaves them, or what is recorded where it keeps nothing.
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
                Position {
                    seqs: Continuity::continuing(id.clone(), place.map(|place| place.seq)),
                    place,
                    is_passed_over: false,
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

    /// The one whose event is the log's last.
    pub(super) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Whether what an upstream sends next may be in the log in other numbers.
    pub(super) fn may_repeat_others(&self, upstream: usize) -> bool {
        self.recent.middle().is_some() && (self.is_mixed || self.current != Some(upstream))
    }

    /// How the upstream numbers now.
    pub(super) fn numbering(&self, upstream: usize) -> &Numbering {
        self.upstreams[upstream].seqs.numbering()
    }

    /// The cursor for the next connection: before the newest frame. It may be in the log in part; and it tells whether the
    /// upstream still numbers as it did. A frame that could not be read is not asked for again.
    pub(super) fn cursor(&self, upstream: usize) -> Option<u64> {
        let position = &self.upstreams[upstream];
        let seq = position.place?.seq;
        Some(if position.is_passed_over {
            seq
        } else {
            seq.saturating_sub(1)
        })
    }

    /// How far an upstream was read, if that is known.
    pub(super) fn reached(&self, upstream: usize) -> Option<Reached> {
        let frame = self.upstreams[upstream].place.map(|place| Reached::Frame {
            seq: place.seq,
            time: place.time,
        });
        frame.or(self.since.map(|since| Reached::Nothing { since }))
    }

    /// When reading began, as long as nothing came.
    pub(super) fn since(&self) -> Option<FrameTime> {
        self.since
    }

    /// Reading begins, with what happens now.
    pub(super) fn begin_now(&mut self, now: FrameTime) {
        self.since.get_or_insert(now);
    }

    /// Where to begin, `overlap` before the newest frame when another upstream brought that, and before the beginning when
    /// nothing ever came.
    pub(super) fn begin(&mut self, upstream: usize, overlap: Duration) -> Begin {
        let cursor = self.cursor(upstream);
        let known = self.upstreams[upstream].place.zip(cursor);
        let known = known.map(|(place, seq)| Place { seq, ..place });
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

    /// These frames are handed on. The place never moves back: a relay that repeats itself is not asked to do so again.
    pub(super) fn hand_on(&mut self, upstream: usize, frames: Vec<Bytes>) -> (Vec<Run>, Told) {
        let mut told = Told::default();
        let mut runs: Vec<Run> = Vec::with_capacity(1);
        for bytes in frames {
            let frame = decode_frame(&bytes);
            if let Ok(Frame::Error(error)) = &frame {
                told.is_future_cursor |= error.error == "FutureCursor";
            }
            let mut begins = false;
            if let Ok(frame) = &frame
                && let Some(seq) = frame.seq()
            {
                begins = self.take(upstream, seq, time_of(frame), &mut told);
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
        (runs, told)
    }

    /// Whether the frame is the first of a numbering.
    fn take(
        &mut self,
        upstream: usize,
        seq: u64,
        time: Option<FrameTime>,
        told: &mut Told,
    ) -> bool {
        let Position {
            seqs,
            place,
            is_passed_over,
        } = &mut self.upstreams[upstream];
        let Taken {
            is_aside,
            begins,
            is_new,
            is_settled,
        } = seqs.take(seq, time);
        told.is_progress |= is_new;
        told.is_renumbered |= is_settled;
        if is_new {
            if let Some(time) = time {
                self.recent.add(time);
            }
            if !is_aside || is_settled {
                let time = time.or(place.map(|place| place.time));
                *place = Some(Place {
                    seq,
                    time: time.unwrap_or(FrameTime::MIN),
                });
                *is_passed_over = false;
            }
        }
        self.current = Some(upstream);
        self.is_mixed = false;
        self.since = None;
        begins
    }

    /// A frame that cannot be read is behind us. Its seq is not known for sure: what is told counts when it lies just ahead,
    /// and the next number is taken in its place when it must be passed.
    pub(super) fn pass_over(&mut self, upstream: usize, told: Option<u64>, must_pass: bool) {
        // Nothing was asked for behind a cursor: the next connection does not ask for this frame either.
        let Position {
            seqs,
            place,
            is_passed_over,
        } = &mut self.upstreams[upstream];
        let Some(place) = place else {
            return;
        };
        let ahead = place.seq..place.seq.saturating_add(MOST_PASSED_OVER);
        let passed = match told.filter(|seq| ahead.contains(&seq.saturating_sub(1))) {
            Some(seq) => seq,
            None if must_pass => place.seq.saturating_add(1),
            None => return,
        };
        place.seq = passed;
        *is_passed_over = true;
        seqs.pass_over(passed);
    }

    /// The upstream numbers anew: its old seqs mean nothing any more.
    pub(super) fn renumber(&mut self, upstream: usize) {
        let position = &mut self.upstreams[upstream];
        position.seqs.renumber();
        position.place = None;
        position.is_passed_over = false;
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
