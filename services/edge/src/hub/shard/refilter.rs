//! Members that change what they want, and those who say it only after they have connected.

use std::rc::Rc;

use fanjet_filter::{Encoding, Filter};
use fanjet_log::Seq;

use super::{Member, Outbox, Place, Shard};

impl Shard {
    /// Adds a subscriber that gets nothing before its first [`Shard::set_filter`].
    pub fn join_waiting(&mut self, encoding: Encoding) -> Rc<Member> {
        let outbox = Outbox::new(self.limits.max_pending_bytes, None);
        let member = Rc::new(Member::new(outbox, encoding));
        member.set_place(Place::Waiting {
            index: self.waiting.len() as u32,
        });
        self.waiting.push(Rc::clone(&member));
        member
    }

    /// Replaces a member's filter from the next event on that it reads. What was routed to it before stays
    /// queued. One that was waiting starts behind everything that is in the ring now.
    ///
    /// The time it takes depends on the two filters and not on who else is there.
    pub fn set_filter(&mut self, member: &Rc<Member>, filter: Filter) {
        let old = match member.place() {
            Place::Left => return,
            Place::Waiting { .. } => return self.begin(member, filter),
            place => place,
        };
        // Held before the old one is given back, so that a lane that stays the same is not built anew.
        let lane = self.lanes.hold(filter, member.encoding());
        match old {
            Place::Behind { index, next, .. } => {
                member.set_place(Place::Behind { lane, index, next });
            }
            Place::Ahead { index, from, .. } => {
                member.set_place(Place::Ahead { lane, index, from });
            }
            Place::Live { .. } | Place::Waiting { .. } | Place::Left => {
                self.detach(member);
                self.go_live(lane, member);
            }
        }
        if let Some(old) = old.lane() {
            self.lanes.release(old);
        }
    }

    /// Where the first of those who are ahead starts.
    pub(super) fn next_start(&self) -> Option<Seq> {
        self.ahead
            .iter()
            .filter_map(|member| match member.place() {
                Place::Ahead { from, .. } => Some(from),
                _ => None,
            })
            .min()
    }

    /// Those whose start the shard has reached become live.
    pub(super) fn start_reached(&mut self) {
        let mut at = 0;
        while let Some(member) = self.ahead.get(at).cloned() {
            match member.place() {
                Place::Ahead { lane, from, .. } if from <= self.position => {
                    self.detach(&member);
                    self.go_live(lane, &member);
                }
                _ => at += 1,
            }
        }
    }

    /// The shard may still have to route events that were there before the filter came.
    fn begin(&mut self, member: &Rc<Member>, filter: Filter) {
        if self.holders == 0 {
            self.go_to_end();
        }
        let head = self.ring.head();
        let resume = head.time.map(|time| time.get() + 1);
        member.outbox().start_at(resume);
        self.detach(member);
        let lane = self.lanes.hold(filter, member.encoding());
        self.holders += 1;
        if self.position >= head.live {
            self.go_live(lane, member);
            return;
        }
        member.set_place(Place::Ahead {
            lane,
            index: self.ahead.len() as u32,
            from: head.live,
        });
        self.ahead.push(Rc::clone(member));
    }
}
