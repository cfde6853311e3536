//! Members whose first event has not been routed yet: a seq that the shard has not reached, or a time that no event has.
//!
//! A member starts at a time when it asked for "now" while slightly older events were still on their way to the log. The shard
//! stops before each such start, so that a member never becomes live in the middle of a batch.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_log::Seq;

use super::{LaneId, Member, MemberState, Shard};
use crate::tail::Entry;

impl Shard {
    /// The member becomes live when the shard reaches `from` and the start time.
    pub(super) fn go_ahead(
        &mut self,
        member: &Rc<Member>,
        lane: LaneId,
        from: Seq,
        not_before: u64,
    ) {
        let state = MemberState::Ahead {
            lane,
            from,
            not_before,
        };
        self.members.put(member, state);
    }

    /// A member at or after the shard's position becomes live at once, unless its next event is or may be too early.
    pub(super) fn go_live_from(
        &mut self,
        member: &Rc<Member>,
        lane: LaneId,
        from: Seq,
        not_before: u64,
    ) {
        let newest = self.before.map_or(0, |time| time.get());
        // Times strictly increase.
        if from <= self.position && not_before <= newest + 1 {
            self.go_live(lane, member);
        } else {
            self.go_ahead(member, lane, from, not_before);
        }
    }

    /// The first start of a member that is ahead of the shard.
    pub(super) fn next_start(&self) -> Option<Seq> {
        let ahead = self.members.ahead().iter();
        ahead
            .filter_map(|member| match member.state() {
                MemberState::Ahead { from, .. } if from > self.position => Some(from),
                _ => None,
            })
            .min()
    }

    /// Makes members live whose start the shard has reached.
    pub(super) fn start_reached(&mut self) {
        self.start_those(0);
    }

    /// The part of a batch that can be routed at once. Members that start with its first event become live.
    pub(super) fn up_to_next_time(&mut self, mut batch: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
        let (false, Some(first)) = (self.members.ahead().is_empty(), batch.first()) else {
            return batch;
        };
        self.start_those(first.time().get());
        let ahead = self.members.ahead().iter();
        let next = ahead.filter_map(|member| match member.state() {
            MemberState::Ahead {
                from, not_before, ..
            } if from <= self.position => Some(not_before),
            _ => None,
        });
        if let Some(next) = next.min() {
            batch.truncate(batch.partition_point(|entry| entry.time().get() < next));
        }
        batch
    }

    /// Makes members live that start here with an event of this time.
    fn start_those(&mut self, now: u64) {
        let mut at = 0;
        while let Some(member) = self.members.ahead().get(at).cloned() {
            match member.state() {
                MemberState::Ahead {
                    lane,
                    from,
                    not_before,
                    ..
                } if from <= self.position && not_before <= now => {
                    self.go_live(lane, &member);
                }
                _ => at += 1,
            }
        }
    }
}
