//! Members that read by themselves: those whose sockets are slow, and those who start in the past.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_filter::Encoding;
use fanjet_log::{Selection, Seq};
use fanjet_wire::close::CloseReason;

use super::{MAX_ENTRIES, Member, Place, Shard};
use crate::hub::LaneId;
use crate::hub::lane::join;
use crate::replay::{Answer, Page, Start, selection_for};
use crate::subscriber::Chunk;
use crate::tail::{Entry, Read, ReadLimit};

/// Events that say how common something is.
const SAMPLE: usize = 2000;

/// What a member that is behind finds.
#[derive(Debug)]
pub enum CatchUp {
    /// It is not behind (any more): what comes next comes through its outbox.
    Live,
    /// Write this.
    Found(Chunk),
    /// It read on, but found nothing that it wants; or the page was not (any more) what it needs.
    NothingWanted,
    /// The ring no longer has it: get this page and hand it to [`Shard::replay`].
    Cold(Answer),
    /// What it would read next is gone; it is being closed.
    FellBehind,
}

impl Shard {
    /// Reads on for a member that is behind.
    pub fn catch_up(&mut self, member: &Rc<Member>) -> CatchUp {
        let Place::Behind { lane, next, .. } = member.place() else {
            return CatchUp::Live;
        };
        let limit = ReadLimit {
            entries: MAX_ENTRIES,
            bytes: self.limits.catch_up_bytes,
        };
        let found = if next < self.position {
            self.ring.read_from(next, self.position, limit)
        } else {
            Read::CaughtUp
        };
        if !matches!(found, Read::Behind { .. }) {
            self.note_replay_end(member);
        }
        match found {
            Read::Hot(batch) => {
                self.advance(member, batch.last().map_or(next, |last| last.seq() + 1));
                let early = too_early(member, &batch);
                match self.select(lane, &batch[early..], None) {
                    Some(chunk) => CatchUp::Found(chunk),
                    None => CatchUp::NothingWanted,
                }
            }
            Read::CaughtUp => {
                self.detach(member);
                self.go_live_in_time(lane, member);
                CatchUp::Live
            }
            Read::Behind { .. } if has_fallen(member, self.oldest_readable()) => {
                self.expel(member, CloseReason::FellBehind);
                CatchUp::FellBehind
            }
            Read::Behind { .. } => {
                if !member.is_replaying() {
                    member.set_replaying(true);
                    self.metrics.replays(1);
                }
                let selection = self.selection(lane);
                CatchUp::Cold(self.desk.page(next, selection))
            }
        }
    }

    /// Takes what a member wants out of a page that it asked for with [`CatchUp::Cold`].
    pub fn replay(&mut self, member: &Rc<Member>, page: &Page) -> CatchUp {
        let Place::Behind { lane, next, .. } = member.place() else {
            return CatchUp::NothingWanted;
        };
        if page.complete_from > next && !member.starts_at_oldest() {
            self.expel(member, CloseReason::FellBehind);
            return CatchUp::FellBehind;
        }
        if page.next <= next {
            return CatchUp::NothingWanted;
        }
        member.set_starts_at_oldest(false);
        let from = page.entries.partition_point(|entry| entry.seq() < next);
        // What the shard has yet to route comes from the shard.
        let to = page
            .entries
            .partition_point(|entry| entry.seq() < self.position);
        self.advance(member, page.next.min(self.position));
        let asked = page.entries.get(from..to).unwrap_or_default();
        let from = from + too_early(member, asked);
        let entries = page.entries.get(from..to).unwrap_or_default();
        match self.select(lane, entries, Some(&|| page.frames(from..to))) {
            Some(chunk) => CatchUp::Found(chunk),
            None => CatchUp::NothingWanted,
        }
    }

    /// Lets a member with a lane begin at a position.
    pub(super) fn place_at(&mut self, member: &Rc<Member>, lane: LaneId, start: Start) {
        let Start::At {
            seq,
            cursor,
            oldest,
            not_before,
            ..
        } = start
        else {
            return;
        };
        member.outbox().start_at(Some(cursor));
        member.set_starts_at_oldest(oldest);
        member.set_not_before(not_before);
        match seq {
            _ if seq < self.position => {
                self.fall_behind(member, lane, seq);
                // The writer of one that was waiting for its hello sleeps, and nothing is queued for it.
                member.outbox().wake();
            }
            _ if seq == self.position => self.go_live_in_time(lane, member),
            _ => self.go_ahead(member, lane, seq),
        }
    }

    /// From now on the member reads by itself.
    pub(super) fn fall_behind(&mut self, member: &Rc<Member>, lane: LaneId, next: Seq) {
        self.detach(member);
        member.set_place(Place::Behind {
            lane,
            index: self.behind.len() as u32,
            next,
        });
        self.behind.push(Rc::clone(member));
        self.metrics.laggards(1);
    }

    /// The shard goes on at the end; everybody whose next event it passes over reads on by itself.
    pub(super) fn leave_behind(&mut self) {
        let live = self.lanes.live_members();
        let live = live
            .into_iter()
            .map(|(lane, member)| (lane, member, self.position));
        let ahead = self.ahead.iter().filter_map(|member| match member.place() {
            Place::Ahead { lane, from, .. } => Some((lane, Rc::clone(member), from)),
            _ => None,
        });
        let left: Vec<_> = live.chain(ahead).collect();
        self.go_to_end();
        for (lane, member, next) in left {
            if next < self.position {
                self.fall_behind(&member, lane, next);
                // Nobody else wakes a writer that has nothing queued.
                member.outbox().wake();
            }
        }
    }

    /// A socket that takes nothing does not ask for more, so those who fell out of the log are looked for.
    pub(super) fn close_fallen(&mut self) {
        if self.behind.is_empty() {
            return;
        }
        let oldest = self.oldest_readable();
        let fallen: Vec<_> = self
            .behind
            .iter()
            .filter(|member| has_fallen(member, oldest))
            .cloned()
            .collect();
        for member in fallen {
            self.expel(&member, CloseReason::FellBehind);
        }
    }

    pub(super) fn note_replay_end(&self, member: &Rc<Member>) {
        if member.is_replaying() {
            member.set_replaying(false);
            self.metrics.replays(-1);
        }
    }

    /// What is before it is neither in the ring nor in the log any more.
    fn oldest_readable(&self) -> Seq {
        self.window.oldest().seq.min(self.ring.start())
    }

    fn advance(&self, member: &Rc<Member>, to: Seq) {
        if let Place::Behind { lane, index, next } = member.place() {
            let next = to.max(next);
            member.set_place(Place::Behind { lane, index, next });
        }
    }

    /// What to read for a lane; decided once.
    fn selection(&mut self, lane: LaneId) -> Selection {
        let Some(lane) = self.lanes.get_mut(lane) else {
            return Selection::All;
        };
        let (filter, ring) = (&lane.filter, &self.ring);
        lane.replay
            .get_or_insert_with(|| selection_for(filter, || ring.sample(SAMPLE)))
            .clone()
    }

    /// What one lane wants of a batch, whose frames may be there in one piece.
    fn select(
        &mut self,
        lane: LaneId,
        batch: &[Arc<Entry>],
        frames: Option<&dyn Fn() -> Bytes>,
    ) -> Option<Chunk> {
        let lane = self.lanes.get(lane)?;
        let wanted: Vec<_> = batch
            .iter()
            .filter(|entry| {
                let (topic, action) = (entry.topic(), entry.action());
                lane.filter
                    .matches(topic, action, entry.did(), entry.json_len())
            })
            .collect();
        let is_all = wanted.len() == batch.len() && lane.encoding == Encoding::Json;
        let chunk = match (frames, batch.last()) {
            (Some(frames), Some(last)) if is_all => Chunk {
                bytes: frames(),
                last: last.time(),
            },
            _ => join(wanted.iter().copied(), lane.encoding, &mut self.encoder)?,
        };
        self.note_encoded();
        self.metrics
            .delivered(wanted.len() as u64, chunk.bytes.len() as u64);
        Some(chunk)
    }

    fn expel(&mut self, member: &Rc<Member>, reason: CloseReason) {
        self.leave(member);
        member.outbox().close(reason);
    }
}

/// How many of the events that a member reads next are earlier than it asked for.
fn too_early(member: &Member, entries: &[Arc<Entry>]) -> usize {
    let not_before = member.not_before();
    if not_before == 0 {
        return 0;
    }
    let early = entries.partition_point(|entry| entry.time().get() < not_before);
    if early < entries.len() {
        member.set_not_before(0);
    }
    early
}

/// Whether what the member would read next is gone.
fn has_fallen(member: &Rc<Member>, oldest_readable: Seq) -> bool {
    matches!(member.place(), Place::Behind { next, .. } if next < oldest_readable)
        && !member.starts_at_oldest()
}
