//! Lists of lanes, most of which have one.

use slab::Slab;

use crate::hub::lane_id::LaneId;

/// At least one lane: itself, or with [`CROWD`] the number of a list that has two or more. Neither number comes near
/// that bit: memory ends long before.
#[derive(Debug)]
pub(super) struct Lanes(u32);

const CROWD: u32 = 1 << 31;

impl Lanes {
    pub(super) fn one(lane: LaneId) -> Self {
        Self(lane)
    }

    fn crowd(&self) -> Option<usize> {
        (self.0 & CROWD != 0).then_some((self.0 & !CROWD) as usize)
    }
}

/// The lists that have two lanes or more.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    lists: Slab<Vec<LaneId>>,
}

impl Crowds {
    pub(super) fn add(&mut self, lanes: &mut Lanes, lane: LaneId) {
        if let Some(number) = lanes.crowd() {
            return self.lists[number].push(lane);
        }
        let number = self.lists.insert(vec![lanes.0, lane]);
        lanes.0 = number as u32 | CROWD;
    }

    /// Takes a lane out; returns whether it was the last one, which stays for the caller to forget.
    pub(super) fn remove(&mut self, lanes: &mut Lanes, lane: LaneId) -> bool {
        let Some(number) = lanes.crowd() else {
            return lanes.0 == lane;
        };
        let list = &mut self.lists[number];
        take_out(list, lane);
        if let &mut [last] = &mut **list {
            lanes.0 = last;
            self.lists.remove(number);
            if self.lists.is_empty() {
                self.lists = Slab::new();
            }
        } else if list.len() < list.capacity() / 4 {
            list.shrink_to(list.len() * 2);
        }
        false
    }

    pub(super) fn lanes<'a>(&'a self, lanes: &'a Lanes) -> &'a [LaneId] {
        match lanes.crowd() {
            None => std::slice::from_ref(&lanes.0),
            Some(number) => &self.lists[number],
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

pub(super) fn take_out(lanes: &mut Vec<LaneId>, lane: LaneId) {
    if let Some(at) = lanes.iter().position(|&other| other == lane) {
        lanes.swap_remove(at);
    }
}
