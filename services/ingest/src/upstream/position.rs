//! How far upstreams were read in this process.

use std::time::Duration;

use bytes::Bytes;
use fanjet_event::Datetime;
use fanjet_firehose::{Frame, decode_frame};
use fanjet_log::UpstreamId;

use super::search::{Place, Search};
use crate::decode::Numbering;
use crate::frame_time::{FrameTime, RecentTimes};
use crate::resume::Resume;

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
}

#[derive(Debug)]
struct Position {
    numbering: Numbering,
    /// The cursor for the next connection: behind the last frame that was handed on.
    place: Option<Place>,
}

/// Where to begin in an upstream.
#[derive(Debug)]
pub(super) enum Begin {
    /// Behind this cursor, or with what happens now: its own frames were the last.
    At(Option<u64>),
    /// Where another upstream's frames were the last: it has to be found.
    Search(Search),
}

/// What the end of a batch tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// A frame came that is newer than all before: an upstream that answers every connection with an error frame makes
    /// no progress.
    pub(super) is_progress: bool,
    /// The upstream refused the cursor because it lies in its future.
    pub(super) is_future_cursor: bool,
}

impl Positions {
    /// As the log leaves them.
    pub(super) fn continuing<'a>(
        ids: impl IntoIterator<Item = &'a UpstreamId>,
        resume: &Resume,
    ) -> Self {
        let upstreams: Vec<_> = ids
            .into_iter()
            .map(|id| Position {
                numbering: Numbering::first(id.clone()),
                place: resume.place_in(id).map(|(seq, time)| Place { seq, time }),
            })
            .collect();
        let last = resume.origin.as_ref();
        Self {
            current: last.and_then(|last| {
                upstreams
                    .iter()
                    .position(|position| position.numbering.upstream == last.upstream)
            }),
            upstreams,
            is_mixed: resume.is_mixed,
            recent: resume.recent.clone(),
        }
    }

    /// The one whose event is the log's last.
    pub(super) fn current(&self) -> Option<usize> {
        self.current
    }

    /// Whether what an upstream sends next may be in the log in other numbers.
    pub(super) fn may_repeat_others(&self, upstream: usize) -> bool {
        self.recent.middle().is_some() && (self.is_mixed || self.current != Some(upstream))
    }

    pub(super) fn numbering(&self, upstream: usize) -> &Numbering {
        &self.upstreams[upstream].numbering
    }

    pub(super) fn cursor(&self, upstream: usize) -> Option<u64> {
        self.upstreams[upstream].place.map(|place| place.seq)
    }

    /// Where to begin, `overlap` before the newest frame when another upstream brought that.
    pub(super) fn begin(&self, upstream: usize, overlap: Duration) -> Begin {
        let place = self.upstreams[upstream].place;
        match self.recent.middle() {
            Some(newest) if self.current != Some(upstream) => {
                let (target, not_before) = (
                    newest.before(overlap),
                    newest.before(overlap.saturating_mul(2)),
                );
                Begin::Search(Search::new(target, not_before, place))
            }
            _ => Begin::At(place.map(|place| place.seq)),
        }
    }

    /// These frames are handed on. Never moves back: a relay that repeats itself is not asked to do so again.
    pub(super) fn advance(&mut self, upstream: usize, frames: &[Bytes]) -> Told {
        let mut is_future_cursor = false;
        let last = frames.iter().rev().find_map(|frame| {
            let frame = decode_frame(frame).ok()?;
            if let Frame::Error(error) = &frame {
                is_future_cursor = error.error == "FutureCursor";
            }
            Some((frame.seq()?, time_of(&frame)))
        });
        let position = &mut self.upstreams[upstream].place;
        let is_progress = last.is_some_and(|(seq, _)| position.is_none_or(|place| place.seq < seq));
        if let Some((seq, time)) = last.filter(|_| is_progress) {
            if let Some(time) = time {
                self.recent.add(time);
            }
            let time = time.or(position.map(|place| place.time));
            *position = Some(Place {
                seq,
                time: time.unwrap_or(FrameTime::MIN),
            });
        }
        if last.is_some() {
            self.current = Some(upstream);
            self.is_mixed = false;
        }
        Told {
            is_progress,
            is_future_cursor,
        }
    }

    /// A frame that cannot be read is behind us. Its seq is not known for sure: what is told counts when it lies just ahead,
    /// and the next number is taken in its place when it must be passed.
    pub(super) fn pass_over(&mut self, upstream: usize, told: Option<u64>, must_pass: bool) {
        // Nothing was asked for behind a cursor: the next connection does not ask for this frame either.
        let Some(place) = &mut self.upstreams[upstream].place else {
            return;
        };
        let ahead = place.seq..place.seq.saturating_add(MOST_PASSED_OVER);
        match told.filter(|seq| ahead.contains(&seq.saturating_sub(1))) {
            Some(seq) => place.seq = seq,
            None if must_pass => place.seq += 1,
            None => {}
        }
    }

    /// The upstream numbers anew: its old seqs mean nothing any more.
    pub(super) fn renumber(&mut self, upstream: usize) {
        let position = &mut self.upstreams[upstream];
        position.numbering = position.numbering.next();
        position.place = None;
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
