//! Whether an upstream's seqs continue. Pure.
//!
//! A relay that is re-created under its old name starts a new sequence without notice, and any upstream may send a
//! single seq that is far off. So a frame whose seq cannot follow the previous ones is neither skipped nor does it move
//! the resume position: it is handed on separately, under a numbering of its own, and compared with the log by content.
//! If the upstream continues there, that becomes its numbering; if it returns, everything is as before.

use std::collections::VecDeque;

use fanjet_log::UpstreamId;

use crate::batch::Numbering;
use crate::frame_time::FrameTime;

/// Seqs are signed integers, and no upstream can be asked for more than the largest one.
pub(super) const MAX_SEQ: u64 = i64::MAX as u64;
/// Relays do not make larger steps.
const USUAL_STEP: u64 = 10_000;
/// How often a step larger than all previous ones may recur.
const MARGIN: u64 = 4;
/// After this many consecutive frames aside, the upstream continues there.
const SETTLED_ASIDE: u32 = 3;
/// How many frames are recognized when they repeat: more than relays repeat.
const KEPT: usize = 64;

/// What an upstream has sent, as far as it affects what follows.
#[derive(Debug)]
pub(super) struct Continuity {
    main: Track,
    aside: Option<Track>,
    /// How many consecutive frames did not follow in `main`, the last one's seq, and the largest step among them.
    strays: u32,
    stray: u64,
    stray_step: u64,
    /// The cursor that the connection started with, until something new arrives: repeats of it were requested.
    asked: Option<u64>,
    epoch: u32,
}

/// One series of seqs.
#[derive(Debug)]
struct Track {
    numbering: Numbering,
    newest: Option<u64>,
    usual_step: u64,
    came: VecDeque<(u64, Option<FrameTime>)>,
}

/// How a frame relates to the previous ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// It does not follow what was read before.
    pub(super) is_aside: bool,
    /// It is the first one of its numbering. From here on, frames may repeat what the log contains.
    pub(super) begins: bool,
    /// It was not sent before.
    pub(super) is_new: bool,
    /// The upstream continues here: what was aside becomes its numbering.
    pub(super) is_settled: bool,
}

impl Continuity {
    /// Continues after `newest`, in the log's numbering.
    pub(super) fn continuing(upstream: UpstreamId, newest: Option<u64>) -> Self {
        Self {
            main: Track::new(Numbering::first(upstream), newest),
            aside: None,
            strays: 0,
            stray: 0,
            stray_step: 0,
            asked: None,
            epoch: 0,
        }
    }

    pub(super) fn upstream(&self) -> &UpstreamId {
        &self.main.numbering.upstream
    }

    /// The numbering of the frame that was taken last.
    pub(super) fn numbering(&self) -> &Numbering {
        match &self.aside {
            Some(aside) if self.strays > 0 => &aside.numbering,
            _ => &self.main.numbering,
        }
    }

    /// The newest seq that counts.
    #[cfg(test)]
    fn newest(&self) -> Option<u64> {
        self.main.newest
    }

    /// Whether a seq is further above the newest one than relays step.
    pub(super) fn is_leap(&self, seq: u64) -> bool {
        self.main.newest.is_some_and(|newest| {
            seq.checked_sub(newest)
                .is_some_and(|step| step > self.main.usual_step)
        })
    }

    /// A connection starts at `cursor`.
    pub(super) fn connected(&mut self, cursor: Option<u64>) {
        self.asked = cursor;
        self.strays = 0;
        self.aside = None;
    }

    /// An unreadable frame was skipped.
    pub(super) fn skip(&mut self, seq: u64) {
        self.main.newest = self.main.newest.max(Some(seq));
    }

    /// The upstream restarted its sequence: its old seqs have become meaningless.
    pub(super) fn renumber(&mut self) {
        self.main = Track::new(self.next_numbering(), None);
        self.connected(None);
    }

    /// Takes the next frame.
    pub(super) fn take(&mut self, seq: u64, time: Option<FrameTime>) -> Taken {
        let is_possible = seq <= MAX_SEQ;
        if is_possible && (self.main.follows(seq, time) || self.was_asked_for(seq)) {
            let is_new = self.main.note(seq, time);
            if is_new {
                self.asked = None;
            }
            self.strays = 0;
            return Taken {
                is_aside: false,
                begins: false,
                is_new,
                is_settled: false,
            };
        }
        let step = match self.strays {
            0 => 0,
            _ => seq.abs_diff(self.stray),
        };
        self.stray_step = self.stray_step.max(step);
        self.stray = seq;
        self.strays += 1;
        let known = self.aside.take_if(|aside| aside.follows(seq, time));
        let begins = known.is_none();
        let mut aside = known.unwrap_or_else(|| Track::new(self.next_numbering(), None));
        let is_new = aside.note(seq, time);
        let is_settled = is_possible && self.strays >= SETTLED_ASIDE;
        if is_settled {
            aside.usual_step = USUAL_STEP.max(self.stray_step.saturating_mul(MARGIN));
            self.main = aside;
            self.strays = 0;
            self.stray_step = 0;
        } else {
            self.aside = Some(aside);
        }
        Taken {
            is_aside: true,
            begins,
            is_new,
            is_settled,
        }
    }

    fn was_asked_for(&self, seq: u64) -> bool {
        self.asked.is_some_and(|asked| seq >= asked)
            && self.main.newest.is_some_and(|newest| seq <= newest)
    }

    fn next_numbering(&mut self) -> Numbering {
        self.epoch += 1;
        Numbering {
            upstream: self.upstream().clone(),
            epoch: self.epoch,
        }
    }
}

impl Track {
    fn new(numbering: Numbering, newest: Option<u64>) -> Self {
        Self {
            numbering,
            newest,
            usual_step: USUAL_STEP,
            came: VecDeque::with_capacity(KEPT),
        }
    }

    /// Whether a frame continues this series, or was part of it before.
    fn follows(&self, seq: u64, time: Option<FrameTime>) -> bool {
        let Some(newest) = self.newest else {
            return true;
        };
        match seq.checked_sub(newest) {
            Some(step) if step > 0 => step <= self.usual_step,
            _ => self.came.contains(&(seq, time)),
        }
    }

    /// Whether it is new.
    fn note(&mut self, seq: u64, time: Option<FrameTime>) -> bool {
        let is_new = self.newest.is_none_or(|newest| newest < seq);
        if is_new {
            self.newest = Some(seq);
            if self.came.len() == KEPT {
                self.came.pop_front();
            }
            self.came.push_back((seq, time));
        }
        is_new
    }
}

#[cfg(test)]
mod tests;
