//! Members that change what they want, and those who say it only after they have connected.

use std::rc::Rc;

use fanjet_filter::{Encoding, Filter};

use super::{Member, Outbox, Place, Shard};
use crate::replay::Start;

impl Shard {
    /// Adds a subscriber that gets nothing before its first [`Shard::set_filter`]. A start at a position is fixed now.
    pub fn join_waiting(&mut self, encoding: Encoding, start: Start) -> Rc<Member> {
        self.notice_another_log();
        let outbox = Outbox::new(self.limits.max_pending_bytes, encoding);
        let member = Rc::new(Member::new(outbox, encoding));
        self.members.put(&member, Place::Waiting { start });
        member
    }

    /// Replaces a member's filter from the next event on that it reads. What was routed to it before stays
    /// queued. One that was waiting starts now: at its position, or behind everything that is in the ring.
    ///
    /// The time it takes depends on the two filters and not on who else is there.
    pub fn set_filter(&mut self, member: &Rc<Member>, filter: Filter) {
        self.notice_another_log();
        // A page that is on its way may have been selected for the old one.
        member.refiltered();
        let old = match member.place() {
            Place::Left => return,
            Place::Waiting { start } => return self.begin(member, filter, start),
            place => place,
        };
        // Held before the old one is given back, so that a lane that stays the same is not built anew.
        let lane = self.members.lanes.hold(filter, member.encoding());
        match old {
            Place::Behind { .. } | Place::Ahead { .. } => member.changes_to(lane),
            Place::Live { .. } | Place::Waiting { .. } | Place::Left => self.go_live(lane, member),
        }
        if let Some(old) = old.lane() {
            self.members.lanes.release(old);
        }
    }

    /// The shard may still have to route events that were there before the filter came.
    fn begin(&mut self, member: &Rc<Member>, filter: Filter, start: Start) {
        if self.members.is_idle() {
            self.go_to_end();
        }
        let head = self.ring.head();
        let lane = self.members.hold(filter, member.encoding());
        if let Start::At { .. } = start {
            return self.place_at(member, lane, start);
        }
        let resume = head.time.map(|time| time.get() + 1);
        member.outbox().start_at(resume);
        if self.position >= head.live {
            self.go_live(lane, member);
        } else {
            self.go_ahead(member, lane, head.live, 0);
        }
    }
}
