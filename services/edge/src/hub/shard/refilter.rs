//! Members that change their filter, and those that send their first one after connecting.

use std::rc::Rc;

use fanjet_filter::{Encoding, Filter};

use super::{Member, MemberState, Outbox, Shard};
use crate::replay::Start;

impl Shard {
    /// Adds a subscriber that receives nothing before its first [`Shard::set_filter`]. A start at a position is fixed now.
    pub fn join_waiting(&mut self, encoding: Encoding, start: Start) -> Rc<Member> {
        self.check_log_replaced();
        let outbox = Outbox::new(self.limits.max_pending_bytes, encoding);
        let member = Rc::new(Member::new(outbox, encoding));
        self.members.put(&member, MemberState::Waiting { start });
        member
    }

    /// Replaces a member's filter from its next event on. Events that were routed before stay queued. A member that was
    /// waiting starts now: at its position, or after the events in the ring.
    ///
    /// The cost depends only on the two filters, not on other members.
    pub fn set_filter(&mut self, member: &Rc<Member>, filter: Filter) {
        self.check_log_replaced();
        // A page in progress may have been selected for the old filter.
        member.filter_replaced();
        let old = match member.state() {
            MemberState::Left => return,
            MemberState::Waiting { start } => return self.begin(member, filter, start),
            state => state,
        };
        // Held before the old lane is released, so that an unchanged lane is not rebuilt.
        let lane = self.members.lanes.hold(filter, member.encoding());
        match old {
            MemberState::Behind { .. } | MemberState::Ahead { .. } => member.changes_to(lane),
            MemberState::Live { .. } | MemberState::Waiting { .. } | MemberState::Left => {
                self.go_live(lane, member)
            }
        }
        if let Some(old) = old.lane() {
            self.members.lanes.release(old);
        }
    }

    /// The shard may still have to route events that arrived before the filter.
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
