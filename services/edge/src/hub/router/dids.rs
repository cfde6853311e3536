//! The lanes that name a DID.
//!
//! Most DIDs of wide filters are named by one lane, which is stored without a list. The table of `did:plc` DIDs is split into
//! parts that grow and shrink independently: resizing the whole table would stall the thread.
//!
//! DIDs are compared by their bits or text, never only by hash, so an event cannot reach a lane that does not want it. Hashes
//! use a random key per index.

use std::hash::BuildHasher;

use fanjet_event::Did;
use fanjet_filter::{Filter, PlcDid};
use hashbrown::hash_map::EntryRef;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable, hash_table};

use super::lane_lists::{LaneLists, LaneSet};
use crate::hub::lane_id::LaneId;

/// The lanes of every DID that any lane names.
#[derive(Debug)]
pub(super) struct DidIndex {
    plc: Box<[HashTable<Named>]>,
    others: HashMap<Did, LaneSet>,
    lane_lists: LaneLists,
    hasher: DefaultHashBuilder,
}

/// Has no padding.
#[derive(Debug)]
struct Named {
    did: [u8; 16],
    lanes: LaneSet,
}

/// A power of two.
const PARTS: usize = 256;

/// Parts with less capacity never shrink.
const KEPT: usize = 64;

impl Default for DidIndex {
    fn default() -> Self {
        Self {
            plc: (0..PARTS).map(|_| HashTable::new()).collect(),
            others: HashMap::default(),
            lane_lists: LaneLists::default(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl DidIndex {
    /// Enters a lane under the DIDs of its filter.
    pub(super) fn enter(&mut self, lane: LaneId, filter: &Filter) {
        for did in filter.plc_dids() {
            let did = did.to_bytes();
            let hash = self.hasher.hash_one(did);
            let part = &mut self.plc[part_of(hash)];
            match part.entry(hash, |named| named.did == did, rehash(&self.hasher)) {
                hash_table::Entry::Occupied(mut named) => {
                    self.lane_lists.add(&mut named.get_mut().lanes, lane);
                }
                hash_table::Entry::Vacant(place) => {
                    let lanes = LaneSet::one(lane);
                    place.insert(Named { did, lanes });
                }
            }
        }
        for did in filter.other_dids() {
            match self.others.entry_ref(did) {
                EntryRef::Occupied(mut lanes) => self.lane_lists.add(lanes.get_mut(), lane),
                EntryRef::Vacant(place) => {
                    place.insert(LaneSet::one(lane));
                }
            }
        }
    }

    /// Removes a lane that was entered with this filter.
    pub(super) fn remove(&mut self, lane: LaneId, filter: &Filter) {
        for did in filter.plc_dids() {
            let did = did.to_bytes();
            let hash = self.hasher.hash_one(did);
            let part = &mut self.plc[part_of(hash)];
            if let Ok(mut named) = part.find_entry(hash, |named| named.did == did)
                && self.lane_lists.remove(&mut named.get_mut().lanes, lane)
            {
                named.remove();
                if part.capacity() > KEPT && part.len() < part.capacity() / 8 {
                    part.shrink_to(part.len() * 2, rehash(&self.hasher));
                }
            }
        }
        for did in filter.other_dids() {
            if let EntryRef::Occupied(mut lanes) = self.others.entry_ref(did)
                && self.lane_lists.remove(lanes.get_mut(), lane)
            {
                lanes.remove();
            }
        }
        if self.others.capacity() > KEPT && self.others.len() < self.others.capacity() / 8 {
            self.others.shrink_to(self.others.len() * 2);
        }
    }

    /// The lanes that name a DID.
    pub(super) fn lanes(&self, did: &str) -> &[LaneId] {
        let lanes = match PlcDid::of(did) {
            Some(did) => {
                let did = did.to_bytes();
                let hash = self.hasher.hash_one(did);
                let part = &self.plc[part_of(hash)];
                let named = part.find(hash, |named| named.did == did);
                named.map(|named| &named.lanes)
            }
            None => self.others.get(did),
        };
        lanes.map_or(&[], |lanes| self.lane_lists.lanes(lanes))
    }

    /// Whether all filters have been removed.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.plc.iter().all(HashTable::is_empty)
            && self.others.is_empty()
            && self.lane_lists.is_empty()
    }

    /// The capacity for `did:plc` DIDs.
    #[cfg(test)]
    pub(super) fn room(&self) -> usize {
        self.plc.iter().map(HashTable::capacity).sum()
    }
}

/// Uses bits that the table itself does not use below 2^40 entries.
fn part_of(hash: u64) -> usize {
    (hash >> 40) as usize & (PARTS - 1)
}

fn rehash(hasher: &DefaultHashBuilder) -> impl Fn(&Named) -> u64 {
    |named| hasher.hash_one(named.did)
}
