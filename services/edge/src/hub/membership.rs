//! Who is in a shard, and in which list.
//!
//! Invariant: a member is in the list of its place, at its index, and in no other; who left is in none. Whoever is live, behind
//! or ahead holds a lane.

use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::{Encoding, Filter};

use super::lane_id::LaneId;
use super::lanes::Lanes;
use super::member::{Member, Place};
use crate::metrics::Metrics;

/// Everybody, by place. Those who are live are in their lanes.
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

    /// Whether nobody holds a lane: then nobody reads.
    pub(super) fn is_idle(&self) -> bool {
        self.holders == 0
    }

    /// The lane for a member that has none. It is given back when the member leaves.
    pub(super) fn hold(&mut self, filter: impl Into<Arc<Filter>>, encoding: Encoding) -> LaneId {
        self.holders += 1;
        self.lanes.hold(filter, encoding)
    }

    /// Takes a member from the list that it is in, if it is in one, to that of a place.
    pub(super) fn put(&mut self, member: &Rc<Member>, place: Place) {
        self.take_out(member);
        let Some(list) = self.list_of(place) else {
            return;
        };
        member.set_place(place, list.len() as u32);
        list.push(Rc::clone(member));
        self.note(place, 1);
    }

    /// Takes a member out, and its lane back. Doing it again changes nothing.
    pub(super) fn leave(&mut self, member: &Member) {
        let lane = member.place().lane();
        self.take_out(member);
        if let Some(lane) = lane {
            self.lanes.release(lane);
            self.holders -= 1;
        }
    }

    /// Those who read by themselves.
    pub(super) fn behind(&self) -> &[Rc<Member>] {
        &self.behind
    }

    /// Those who start further on than the shard's position, or later than its newest event.
    pub(super) fn ahead(&self) -> &[Rc<Member>] {
        &self.ahead
    }

    /// Everybody, in whatever place.
    pub(super) fn all(&self) -> Vec<Rc<Member>> {
        let live = self.lanes.live_members().into_iter();
        let others = [&self.behind, &self.ahead, &self.waiting];
        live.map(|(_, member)| member)
            .chain(others.into_iter().flatten().cloned())
            .collect()
    }

    /// Everybody leaves.
    pub(super) fn clear(&mut self) -> Vec<Rc<Member>> {
        let live = std::mem::take(&mut self.lanes).into_members();
        let others = [&mut self.behind, &mut self.ahead, &mut self.waiting].map(std::mem::take);
        let all: Vec<_> = live.chain(others.into_iter().flatten()).collect();
        for member in &all {
            self.note(member.place(), -1);
            member.set_place(Place::Left, 0);
        }
        self.holders = 0;
        all
    }

    /// Its hold on a lane stays.
    fn take_out(&mut self, member: &Member) {
        let (place, index) = (member.place(), member.index() as usize);
        let Some(list) = self.list_of(place) else {
            return;
        };
        list.swap_remove(index);
        if let Some(moved) = list.get(index) {
            moved.moved_to(index as u32);
        }
        member.set_place(Place::Left, 0);
        self.note(place, -1);
    }

    fn list_of(&mut self, place: Place) -> Option<&mut Vec<Rc<Member>>> {
        match place {
            Place::Live { lane } => Some(&mut self.lanes.get_mut(lane)?.members),
            Place::Behind { .. } => Some(&mut self.behind),
            Place::Ahead { .. } => Some(&mut self.ahead),
            Place::Waiting { .. } => Some(&mut self.waiting),
            Place::Left => None,
        }
    }

    /// Counts that somebody came to a place, or left it.
    fn note(&self, place: Place, change: i64) {
        match place {
            Place::Behind { reading, .. } => {
                self.metrics.laggards(change);
                if reading.is_replaying {
                    self.metrics.replays(change);
                }
            }
            Place::Waiting { .. } => self.metrics.waiting(change),
            Place::Live { .. } | Place::Ahead { .. } | Place::Left => {}
        }
    }
}
