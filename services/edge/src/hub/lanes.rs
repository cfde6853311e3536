//! All lanes of one shard: found by filter and encoding when a subscriber joins, and by the index when an event arrives.

use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::Arc;

use fanjet_filter::{Encoding, Filter};
use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;

use super::lane::Lane;
use super::{LaneId, Member, Router};
use crate::tail::Entry;

/// Invariant: a lane exists, and is in the index, exactly as long as it has a holder.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    router: Router,
    lanes: Slab<Lane>,
    /// One table per encoding, by the hashes stored in the lanes.
    by_filter: [HashTable<LaneId>; Encoding::COUNT],
    hasher: DefaultHashBuilder,
}

impl Lanes {
    /// The lane for a filter and an encoding, created if necessary. Each hold is returned with [`Lanes::release`].
    pub(crate) fn hold(&mut self, filter: impl Into<Arc<Filter>>, encoding: Encoding) -> LaneId {
        let filter = filter.into();
        let hash = self.hasher.hash_one(&*filter);
        let found = self.by_filter[encoding.index()].find(hash, |&id| {
            self.get(id)
                .is_some_and(|lane| lane.hash == hash && lane.filter == filter)
        });
        let id = match found {
            Some(&id) => id,
            None => self.make(filter, hash, encoding),
        };
        if let Some(lane) = self.get_mut(id) {
            lane.holders += 1;
        }
        id
    }

    /// Returns a hold.
    pub(crate) fn release(&mut self, id: LaneId) {
        let Some(lane) = self.get_mut(id) else {
            return;
        };
        lane.holders -= 1;
        if lane.holders == 0 {
            let (hash, encoding) = (lane.hash, lane.encoding);
            let lanes = &mut self.by_filter[encoding.index()];
            if let Ok(found) = lanes.find_entry(hash, |&found| found == id) {
                found.remove();
            }
            self.router.remove(id);
            self.lanes.remove(id as usize);
        }
    }

    /// Lets each lane with live members pick its events of a batch; `touched` receives the lanes that picked any.
    pub(crate) fn pick(&mut self, batch: &[Arc<Entry>], touched: &mut Vec<LaneId>) {
        let Self { router, lanes, .. } = self;
        for (index, entry) in batch.iter().enumerate() {
            router.route(entry, |id| {
                // A lane whose members are all catching up gathers nothing.
                if let Some(lane) = lanes.get_mut(id as usize)
                    && !lane.members.is_empty()
                    && lane.pick(index as u32)
                {
                    touched.push(id);
                }
            });
        }
    }

    pub(crate) fn get(&self, id: LaneId) -> Option<&Lane> {
        self.lanes.get(id as usize)
    }

    pub(crate) fn get_mut(&mut self, id: LaneId) -> Option<&mut Lane> {
        self.lanes.get_mut(id as usize)
    }

    /// The live members, each with its lane.
    pub(crate) fn live_members(&self) -> Vec<(LaneId, Rc<Member>)> {
        let lanes = self.lanes.iter();
        lanes
            .flat_map(|(id, lane)| {
                let members = lane.members.iter();
                members.map(move |member| (id as LaneId, Rc::clone(member)))
            })
            .collect()
    }

    /// The live members of all lanes.
    pub(crate) fn into_members(self) -> impl Iterator<Item = Rc<Member>> {
        self.lanes.into_iter().flat_map(|(_, lane)| lane.members)
    }

    /// Number of lanes.
    pub(crate) fn len(&self) -> usize {
        self.by_filter.iter().map(HashTable::len).sum()
    }

    fn make(&mut self, filter: Arc<Filter>, hash: u64, encoding: Encoding) -> LaneId {
        let entry = self.lanes.vacant_entry();
        let id = entry.key() as LaneId;
        self.router.enter(id, &filter);
        entry.insert(Lane::new(filter, hash, encoding));
        let Self {
            by_filter, lanes, ..
        } = self;
        by_filter[encoding.index()].insert_unique(hash, id, |&other| {
            // Every lane of the table exists.
            lanes.get(other as usize).map_or(0, |lane| lane.hash)
        });
        id
    }
}
