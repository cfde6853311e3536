//! The members of a shard, by state.
//!
//! Invariant: a member is in the list of its state, at its index, and in no other; a member that left is in none. A member
//! that is live, behind or ahead holds a lane.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::{Encoding, Filter};

use super::lane_id::LaneId;
use super::lanes::Lanes;
use super::member::{Member, MemberState};
use crate::metrics::Metrics;

/// All members, by state. Live members are in their lanes.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) lanes: Lanes,
    behind: Vec<Rc<Member>>,
    ahead: Vec<Rc<Member>>,
    waiting: Vec<Rc<Member>>,
    /// Members that hold a lane.
    holders: usize,
    metrics: Metrics,
}

impl Membership {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            lanes: Lanes::default(),
            behind: Vec::new(),
            ahead: Vec::new(),
            waiting: Vec::new(),
            holders: 0,
            metrics,
        }
    }

    /// Whether no lane has a holder: then no member reads.
    pub(super) fn is_idle(&self) -> bool {
        self.holders == 0
    }

    /// The lane for a member without one. It is returned when the member leaves.
    pub(super) fn hold(&mut self, filter: impl Into<Arc<Filter>>, encoding: Encoding) -> LaneId {
        self.holders += 1;
        self.lanes.hold(filter, encoding)
    }

    /// Moves a member to the list of a state.
    pub(super) fn put(&mut self, member: &Rc<Member>, state: MemberState) {
        self.take_out(member);
        let Some(list) = self.list_of(state) else {
            return;
        };
        member.set_state(state, list.len() as u32);
        list.push(Rc::clone(member));
        self.note(state, 1);
    }

    /// Removes a member and returns its lane. Repeating it changes nothing.
    pub(super) fn leave(&mut self, member: &Member) {
        let lane = member.state().lane();
        self.take_out(member);
        if let Some(lane) = lane {
            self.lanes.release(lane);
            self.holders -= 1;
        }
    }

    /// Members that read at their own pace.
    pub(super) fn behind(&self) -> &[Rc<Member>] {
        &self.behind
    }

    /// Members that start after the shard's position, or after the time of its newest event.
    pub(super) fn ahead(&self) -> &[Rc<Member>] {
        &self.ahead
    }

    /// All members in any state.
    pub(super) fn all(&self) -> Vec<Rc<Member>> {
        let live = self.lanes.live_members().into_iter();
        let others = [&self.behind, &self.ahead, &self.waiting];
        live.map(|(_, member)| member)
            .chain(others.into_iter().flatten().cloned())
            .collect()
    }

    /// Removes all members.
    pub(super) fn clear(&mut self) -> Vec<Rc<Member>> {
        let live = std::mem::take(&mut self.lanes).into_members();
        let others = [&mut self.behind, &mut self.ahead, &mut self.waiting].map(std::mem::take);
        let all: Vec<_> = live.chain(others.into_iter().flatten()).collect();
        for member in &all {
            self.note(member.state(), -1);
            member.set_state(MemberState::Left, 0);
        }
        self.holders = 0;
        all
    }

    /// Keeps its hold on the lane.
    fn take_out(&mut self, member: &Member) {
        let (state, index) = (member.state(), member.index() as usize);
        let Some(list) = self.list_of(state) else {
            return;
        };
        list.swap_remove(index);
        if let Some(moved) = list.get(index) {
            moved.moved_to(index as u32);
        }
        member.set_state(MemberState::Left, 0);
        self.note(state, -1);
    }

    fn list_of(&mut self, state: MemberState) -> Option<&mut Vec<Rc<Member>>> {
        match state {
            MemberState::Live { lane } => Some(&mut self.lanes.get_mut(lane)?.members),
            MemberState::Behind { .. } => Some(&mut self.behind),
            MemberState::Ahead { .. } => Some(&mut self.ahead),
            MemberState::Waiting { .. } => Some(&mut self.waiting),
            MemberState::Left => None,
        }
    }

    /// Counts members that enter or leave a state.
    fn note(&self, state: MemberState, change: i64) {
        match state {
            MemberState::Behind { reading, .. } => {
                self.metrics.catching_up(change);
                if reading.is_replaying {
                    self.metrics.replays(change);
                }
            }
            MemberState::Waiting { .. } => self.metrics.waiting(change),
            MemberState::Live { .. } | MemberState::Ahead { .. } | MemberState::Left => {}
        }
    }
}
