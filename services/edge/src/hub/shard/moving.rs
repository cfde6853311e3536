//! Members that go to another shard of the same worker, because they let their events wait longer, or not as long.
//!
//! A member takes along where it stands: the first seq that it was not given. In the other shard it reads on from there if that is
//! further, and waits there if it is not. So nothing is lost or repeated, wherever the two shards are.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::Filter;
use fanjet_log::Seq;
use fanjet_wire::close::CloseReason;

use super::{Generation, Member, Next, Place, Shard};
use crate::hub::member::Reading;
use crate::replay::Start;

/// A member between two shards.
#[derive(Debug)]
pub(crate) struct Mover {
    stand: Stand,
    generation: Generation,
}

/// Where a mover stands.
#[derive(Debug)]
enum Stand {
    /// It has not said yet what it wants.
    Waiting { start: Start },
    /// Everything before `from` was judged for it. `not_before` is as in [`Reading`].
    Judged {
        filter: Arc<Filter>,
        from: Seq,
        not_before: u64,
    },
    /// It reads by itself.
    Reading {
        filter: Arc<Filter>,
        reading: Reading,
    },
}

impl Shard {
    /// A shard without members that is about the same log.
    pub(crate) fn sibling(&self) -> Self {
        let compression = self.encoder.compression().clone();
        Self::new(
            Arc::clone(&self.ring),
            Arc::clone(&self.desk),
            Arc::clone(&self.window),
            self.limits,
            self.metrics.clone(),
        )
        .compressing_with(compression)
    }

    /// Takes a member out that goes to another shard; `None` when it gets nothing more.
    pub(crate) fn hand_over(&mut self, member: &Rc<Member>) -> Option<Mover> {
        self.notice_another_log();
        let place = member.place();
        let filter = place.lane().and_then(|lane| self.members.lanes.get(lane));
        let filter = filter.map(|lane| Arc::clone(&lane.filter));
        let stand = match (place, filter) {
            (Place::Waiting { start }, _) => Stand::Waiting { start },
            (Place::Live { .. }, Some(filter)) => Stand::Judged {
                filter,
                from: self.position,
                not_before: 0,
            },
            // What the shard has passed was too early for it.
            (
                Place::Ahead {
                    from, not_before, ..
                },
                Some(filter),
            ) => Stand::Judged {
                filter,
                from: from.max(self.position),
                not_before,
            },
            (Place::Behind { reading, .. }, Some(filter)) => Stand::Reading { filter, reading },
            (_, None) | (Place::Left, _) => return None,
        };
        self.members.leave(member);
        Some(Mover {
            stand,
            generation: self.generation,
        })
    }

    /// Takes a member in that another shard has handed over.
    pub(crate) fn take_in(&mut self, member: &Rc<Member>, mover: Mover) {
        self.notice_another_log();
        if mover.generation != self.generation {
            return member.outbox().close(CloseReason::LogReplaced);
        }
        if self.members.is_idle() {
            self.go_to_end();
        }
        match mover.stand {
            Stand::Waiting { start } => self.members.put(member, Place::Waiting { start }),
            Stand::Judged {
                filter,
                from,
                not_before,
            } => {
                let lane = self.members.hold(filter, member.encoding());
                if from < self.position {
                    self.fall_behind(member, lane, Next::At(from), not_before);
                } else {
                    self.go_live_from(member, lane, from, not_before);
                }
            }
            Stand::Reading { filter, reading } => {
                let lane = self.members.hold(filter, member.encoding());
                self.members.put(member, Place::Behind { lane, reading });
            }
        }
        // One that reads by itself now had a writer that waited for its outbox.
        member.outbox().wake();
    }
}
