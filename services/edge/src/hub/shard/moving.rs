//! Members that move to another shard of the same worker because their delay changed.
//!
//! A member keeps its position: the first seq that it was not given. In the new shard it reads from there if it is behind, and
//! waits there if it is ahead. So nothing is lost or repeated.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::Filter;
use fanjet_log::Seq;
use fanjet_wire::close::CloseReason;

use super::{Generation, Member, MemberState, Next, Shard};
use crate::hub::member::Reading;
use crate::replay::Start;

/// A member between two shards.
#[derive(Debug)]
pub(crate) struct MovingMember {
    move_state: MoveState,
    generation: Generation,
}

/// The position of a moving member.
#[derive(Debug)]
enum MoveState {
    /// It has not sent its hello.
    Waiting { start: Start },
    /// Everything before `from` was filtered for it. `not_before` is as in [`Reading`].
    Judged {
        filter: Arc<Filter>,
        from: Seq,
        not_before: u64,
    },
    /// It reads at its own pace.
    Reading {
        filter: Arc<Filter>,
        reading: Reading,
    },
}

impl Shard {
    /// An empty shard over the same log.
    pub(crate) fn sibling(&self) -> Self {
        let compression = self.encoder.compression().clone();
        Self::new(
            Arc::clone(&self.ring),
            Arc::clone(&self.page_requests),
            Arc::clone(&self.window),
            self.limits,
            self.metrics.clone(),
        )
        .compressing_with(compression)
    }

    /// Removes a member that moves to another shard; `None` when it receives nothing more.
    pub(crate) fn hand_over(&mut self, member: &Rc<Member>) -> Option<MovingMember> {
        self.check_log_replaced();
        let state = member.state();
        let filter = state.lane().and_then(|lane| self.members.lanes.get(lane));
        let filter = filter.map(|lane| Arc::clone(&lane.filter));
        let move_state = match (state, filter) {
            (MemberState::Waiting { start }, _) => MoveState::Waiting { start },
            (MemberState::Live { .. }, Some(filter)) => MoveState::Judged {
                filter,
                from: self.position,
                not_before: 0,
            },
            // Events before the shard's position were too early for it.
            (
                MemberState::Ahead {
                    from, not_before, ..
                },
                Some(filter),
            ) => MoveState::Judged {
                filter,
                from: from.max(self.position),
                not_before,
            },
            (MemberState::Behind { reading, .. }, Some(filter)) => {
                MoveState::Reading { filter, reading }
            }
            (_, None) | (MemberState::Left, _) => return None,
        };
        self.members.leave(member);
        Some(MovingMember {
            move_state,
            generation: self.generation,
        })
    }

    /// Adds a member that another shard handed over.
    pub(crate) fn take_in(&mut self, member: &Rc<Member>, moving_member: MovingMember) {
        self.check_log_replaced();
        if moving_member.generation != self.generation {
            return member.outbox().close(CloseReason::LogReplaced);
        }
        if self.members.is_idle() {
            self.go_to_end();
        }
        match moving_member.move_state {
            MoveState::Waiting { start } => {
                self.members.put(member, MemberState::Waiting { start })
            }
            MoveState::Judged {
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
            MoveState::Reading { filter, reading } => {
                let lane = self.members.hold(filter, member.encoding());
                self.members
                    .put(member, MemberState::Behind { lane, reading });
            }
        }
        // A member that is behind now may have a writer that waits for its outbox.
        member.outbox().wake();
    }
}
