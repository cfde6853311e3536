//! Lists of lanes, most of which have one element.

use slab::Slab;

use crate::hub::lane_id::LaneId;

/// At least one lane: the lane itself, or with [`LIST_BIT`] the number of a list with two or more. Both numbers stay below
/// that bit: memory runs out long before.
#[derive(Debug)]
pub(super) struct LaneSet(u32);

const LIST_BIT: u32 = 1 << 31;

impl LaneSet {
    pub(super) fn one(lane: LaneId) -> Self {
        Self(lane)
    }

    fn list(&self) -> Option<usize> {
        (self.0 & LIST_BIT != 0).then_some((self.0 & !LIST_BIT) as usize)
    }
}

/// The lists with two lanes or more.
#[derive(Debug, Default)]
pub(super) struct LaneLists {
    lists: Slab<Vec<LaneId>>,
}

impl LaneLists {
    pub(super) fn add(&mut self, lanes: &mut LaneSet, lane: LaneId) {
        if let Some(number) = lanes.list() {
            return self.lists[number].push(lane);
        }
        let number = self.lists.insert(vec![lanes.0, lane]);
        lanes.0 = number as u32 | LIST_BIT;
    }

    /// Removes a lane; returns whether it was the last one, which the caller must remove.
    pub(super) fn remove(&mut self, lanes: &mut LaneSet, lane: LaneId) -> bool {
        let Some(number) = lanes.list() else {
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

    pub(super) fn lanes<'a>(&'a self, lanes: &'a LaneSet) -> &'a [LaneId] {
        match lanes.list() {
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
