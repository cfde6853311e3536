//! Members whose first event has not come yet: a seq that the shard has not reached, or a time that no event has.
//!
//! A time is the start of one who asked for "now" while events that are a little older were still on their way to the
//! log. The shard stops in front of each such start, so that a member never becomes live in the middle of a batch.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_log::Seq;

use super::{LaneId, Member, Place, Shard};
use crate::tail::Entry;

impl Shard {
    /// The member becomes live when the shard reaches `from`, and the time that it starts at.
    pub(super) fn go_ahead(
        &mut self,
        member: &Rc<Member>,
        lane: LaneId,
        from: Seq,
        not_before: u64,
    ) {
        let place = Place::Ahead {
            lane,
            from,
            not_before,
        };
        self.members.put(member, place);
    }

    /// A member that the shard has not passed becomes live, at once unless what comes next is too early for it, or may be.
    pub(super) fn go_live_from(
        &mut self,
        member: &Rc<Member>,
        lane: LaneId,
        from: Seq,
        not_before: u64,
    ) {
        let newest = self.before.map_or(0, |time| time.get());
        // Times rise strictly.
        if from <= self.position && not_before <= newest + 1 {
            self.go_live(lane, member);
        } else {
            self.go_ahead(member, lane, from, not_before);
        }
    }

    /// The first seq, of those that members who are ahead start at, that the shard has yet to reach.
    pub(super) fn next_start(&self) -> Option<Seq> {
        let ahead = self.members.ahead().iter();
        ahead
            .filter_map(|member| match member.place() {
                Place::Ahead { from, .. } if from > self.position => Some(from),
                _ => None,
            })
            .min()
    }

    /// Those whose start the shard has reached become live.
    pub(super) fn start_reached(&mut self) {
        self.start_those(0);
    }

    /// What can be routed in one go of events that come next. Those who start with the first one become live.
    pub(super) fn up_to_next_time(&mut self, mut batch: Vec<Arc<Entry>>) -> Vec<Arc<Entry>> {
        let (false, Some(first)) = (self.members.ahead().is_empty(), batch.first()) else {
            return batch;
        };
        self.start_those(first.time().get());
        let ahead = self.members.ahead().iter();
        let next = ahead.filter_map(|member| match member.place() {
            Place::Ahead {
                from, not_before, ..
            } if from <= self.position => Some(not_before),
            _ => None,
        });
        if let Some(next) = next.min() {
            batch.truncate(batch.partition_point(|entry| entry.time().get() < next));
        }
        batch
    }

    /// Those who start here, with an event of this time, become live.
    fn start_those(&mut self, now: u64) {
        let mut at = 0;
        while let Some(member) = self.members.ahead().get(at).cloned() {
            match member.place() {
                Place::Ahead {
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
