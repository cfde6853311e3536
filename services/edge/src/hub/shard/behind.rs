//! Members that read at their own pace: slow sockets, and starts in the past.

use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use fanjet_event::TimeUs;
use fanjet_filter::{Encoding, Protocol};
use fanjet_log::{Selection, Seq};
use fanjet_wire::close::CloseReason;
use fanjet_wire::v2;

use super::{MAX_ENTRIES, Member, MemberState, Shard};
use crate::damage::Damage;
use crate::hub::lane::join;
use crate::hub::lane_id::LaneId;
use crate::hub::member::{Next, Reading};
use crate::outbox::Chunk;
use crate::replay::{Page, PageResponse, Start, selection_for};
use crate::tail::{Entry, Read, ReadLimit};

/// Number of events sampled to estimate how frequent a collection is.
const SAMPLE: usize = 2000;

/// What a member that is behind finds.
#[derive(Debug)]
pub enum CatchUp {
    /// It is not behind: its next events come through the outbox.
    Live,
    /// A chunk to write.
    Found(Chunk),
    /// It made progress but found no matching event, or the page no longer fits.
    NothingWanted,
    /// The ring no longer has its next event: get this page and pass it to [`Shard::replay`].
    Cold(PageResponse),
    /// Its next event was deleted or cannot be read; the connection is being closed.
    FellBehind,
}

impl Shard {
    /// Continues a member that is behind.
    pub fn catch_up(&mut self, member: &Rc<Member>) -> CatchUp {
        let MemberState::Behind { lane, reading, .. } = member.state() else {
            return CatchUp::Live;
        };
        let next = reading.next.seq(self.window.oldest().seq);
        let limit = ReadLimit {
            entries: MAX_ENTRIES,
            bytes: self.limits.catch_up_bytes,
        };
        let found = if next < self.position {
            self.ring.read_from(next, self.position, limit)
        } else {
            Read::CaughtUp
        };
        if self.check_log_replaced() {
            return CatchUp::FellBehind;
        }
        match found {
            Read::Hot(batch) => {
                self.note_source(member, false);
                let to = batch.last().map_or(next, |last| last.seq() + 1);
                let early = advance(member, to, &batch);
                match self.select(lane, &batch[early..], None) {
                    Some(chunk) => CatchUp::Found(chunk),
                    None => CatchUp::NothingWanted,
                }
            }
            Read::CaughtUp => {
                self.go_live_from(member, lane, next, reading.not_before);
                CatchUp::Live
            }
            Read::Behind { .. } if reading.next.is_lost(self.oldest_readable()) => {
                self.disconnect(member, CloseReason::FellBehind);
                CatchUp::FellBehind
            }
            Read::Behind { .. } => {
                self.note_source(member, true);
                let selection = self.selection(lane);
                CatchUp::Cold(self.page_requests.page(next, selection))
            }
        }
    }

    /// Takes what a member wants from a page that it requested with [`CatchUp::Cold`].
    pub fn replay(&mut self, member: &Rc<Member>, page: &Page) -> CatchUp {
        if self.check_log_replaced() {
            return CatchUp::FellBehind;
        }
        let MemberState::Behind { lane, reading, .. } = member.state() else {
            return CatchUp::NothingWanted;
        };
        if reading.next.is_lost(page.complete_from) {
            self.disconnect(member, CloseReason::FellBehind);
            return CatchUp::FellBehind;
        }
        let next = reading.next.seq(self.window.oldest().seq);
        if page.next <= next {
            return CatchUp::NothingWanted;
        }
        let from = page.entries.partition_point(|entry| entry.seq() < next);
        // Events that the shard has not routed come from the shard.
        let to = page
            .entries
            .partition_point(|entry| entry.seq() < self.position);
        let asked = page.entries.get(from..to).unwrap_or_default();
        let early = advance(member, page.next.min(self.position).max(next), asked);
        let from = from + early;
        if let Some(chunk) = self.take_all(lane, page, from..to) {
            return CatchUp::Found(chunk);
        }
        let entries = page.entries.get(from..to).unwrap_or_default();
        match self.select(lane, entries, Some(&|| page.frames(from..to))) {
            Some(chunk) => CatchUp::Found(chunk),
            None => CatchUp::NothingWanted,
        }
    }

    /// Closes a member whose requested page is damaged.
    pub fn fail(&mut self, member: &Rc<Member>, damage: Damage) -> CatchUp {
        if !self.check_log_replaced() && member.is_behind() {
            self.disconnect(member, CloseReason::LogDamaged { seq: damage.seq });
        }
        CatchUp::FellBehind
    }

    /// Starts a member with a lane at a position.
    pub(super) fn place_at(&mut self, member: &Rc<Member>, lane: LaneId, start: Start) {
        let Start::At {
            seq,
            cursor,
            oldest,
            not_before,
            clamped,
            ..
        } = start
        else {
            return;
        };
        match member.encoding().protocol() {
            Protocol::V1 => member.outbox().start_at(Some(cursor)),
            Protocol::V2 => self.begin_v2(member, seq, clamped),
        }
        if seq < self.position {
            let next = if oldest {
                Next::Oldest(seq)
            } else {
                Next::At(seq)
            };
            self.fall_behind(member, lane, next, not_before);
            // The writer of a member that was waiting for its hello sleeps, and its queue is empty.
            member.outbox().wake();
        } else {
            self.go_live_from(member, lane, seq, not_before);
        }
    }

    /// A v2 stream begins with a message if its cursor was older than everything kept.
    fn begin_v2(&mut self, member: &Rc<Member>, seq: Seq, is_clamped: bool) {
        member.outbox().start_at(Some(seq));
        if is_clamped {
            let notice = v2::outdated_cursor(seq);
            member.outbox().push(&Chunk {
                bytes: self.encoder.v2_notice(member.encoding(), &notice),
                last: TimeUs::MIN,
                last_seq: seq,
            });
        }
    }

    /// Makes the member read at its own pace.
    pub(super) fn fall_behind(
        &mut self,
        member: &Rc<Member>,
        lane: LaneId,
        next: Next,
        not_before: u64,
    ) {
        let reading = Reading {
            next,
            not_before,
            is_replaying: false,
        };
        self.members
            .put(member, MemberState::Behind { lane, reading });
    }

    /// Moves the shard to the end; members whose next event it skips continue at their own pace.
    pub(super) fn skip_to_end(&mut self) {
        let live = self.members.lanes.live_members();
        let live = live
            .into_iter()
            .map(|(lane, member)| (lane, member, self.position, 0));
        let ahead = self
            .members
            .ahead()
            .iter()
            .filter_map(|member| match member.state() {
                MemberState::Ahead {
                    lane,
                    from,
                    not_before,
                    ..
                } => Some((lane, Rc::clone(member), from, not_before)),
                _ => None,
            });
        let left: Vec<_> = live.chain(ahead).collect();
        self.go_to_end();
        for (lane, member, next, not_before) in left {
            if next < self.position {
                self.fall_behind(&member, lane, Next::At(next), not_before);
                // A writer with an empty queue is not woken otherwise.
                member.outbox().wake();
            }
        }
    }

    /// A stuck socket does not ask for more, so members that fell behind the log are searched for.
    pub(super) fn close_lost(&mut self) {
        if self.members.behind().is_empty() {
            return;
        }
        let oldest = self.oldest_readable();
        let fallen: Vec<_> = self
            .members
            .behind()
            .iter()
            .filter(|member| {
                matches!(member.state(), MemberState::Behind { reading, .. } if reading.next.is_lost(oldest))
            })
            .cloned()
            .collect();
        for member in fallen {
            self.disconnect(&member, CloseReason::FellBehind);
        }
    }

    /// Notes whether a member reads the log or the ring.
    fn note_source(&self, member: &Member, is_log: bool) {
        let was_log =
            member.update_reading(|reading| std::mem::replace(&mut reading.is_replaying, is_log));
        match (was_log, is_log) {
            (Some(false), true) => self.metrics.replays(1),
            (Some(true), false) => self.metrics.replays(-1),
            _ => {}
        }
    }

    /// The first seq that the ring or the log still has.
    fn oldest_readable(&self) -> Seq {
        self.window.oldest().seq.min(self.ring.start())
    }

    /// What to read for a lane; decided once.
    fn selection(&mut self, lane: LaneId) -> Selection {
        let Some(lane) = self.members.lanes.get_mut(lane) else {
            return Selection::All;
        };
        let (filter, ring) = (&lane.filter, &self.ring);
        lane.replay
            .get_or_insert_with(|| selection_for(filter, || ring.sample(SAMPLE)))
            .clone()
    }

    /// All frames of a range of a page, for a lane that wants them unchanged. Nothing is looked at one by one.
    fn take_all(&self, lane: LaneId, page: &Page, range: Range<usize>) -> Option<Chunk> {
        let lane = self.members.lanes.get(lane)?;
        let last = page.entries.get(range.clone())?.last()?;
        if !(lane.encoding == Encoding::Json && lane.filter.is_empty() && page.is_plain()) {
            return None;
        }
        let (events, bytes) = (range.len() as u64, page.frames(range));
        self.metrics.delivered(events, bytes.len() as u64);
        Some(Chunk {
            bytes,
            last: last.time(),
            last_seq: last.seq(),
        })
    }

    /// The chunk that one lane wants from a batch, whose frames may be available in one piece.
    fn select(
        &mut self,
        lane: LaneId,
        batch: &[impl AsRef<Entry>],
        frames: Option<&dyn Fn() -> Bytes>,
    ) -> Option<Chunk> {
        let lane = self.members.lanes.get(lane)?;
        let reads_dids = lane.filter.reads_dids();
        // Lanes without a filter are checked too: `sync` events are in the log but never served here.
        let wanted: Vec<_> = batch
            .iter()
            .map(AsRef::as_ref)
            .filter(|entry| {
                let (topic, action) = (entry.topic(), entry.action());
                let length = entry.message_len(lane.filter.protocol());
                let did = if reads_dids { entry.did() } else { "" };
                lane.filter.matches(topic, action, did, length)
            })
            .collect();
        let is_all = wanted.len() == batch.len() && lane.encoding == Encoding::Json;
        let chunk = match (frames, wanted.last()) {
            (Some(frames), Some(last)) if is_all => Chunk {
                bytes: frames(),
                last: last.time(),
                last_seq: last.seq(),
            },
            _ => join(wanted.iter().copied(), lane.encoding, &mut self.encoder)?,
        };
        self.note_encoded();
        self.metrics
            .delivered(wanted.len() as u64, chunk.bytes.len() as u64);
        Some(chunk)
    }

    fn disconnect(&mut self, member: &Rc<Member>, reason: CloseReason) {
        self.leave(member);
        member.outbox().close(reason);
    }
}

/// Moves a member to `to`; returns how many of `entries`, which come before it, are too early.
fn advance(member: &Member, to: Seq, entries: &[impl AsRef<Entry>]) -> usize {
    let early = member.update_reading(|reading| reading.advance(to, entries));
    early.unwrap_or_default()
}
