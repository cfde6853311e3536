//! The inverted index: from an event to the lanes that want it, without looking at any other lane.
//!
//! A lane that names DIDs is found by DID only, and its collections are checked then; any other lane is found by event kind
//! and, for commits, by collection. Exclusions are checked on the lanes found. A prefix matches a collection exactly when it
//! equals one of the collection's own prefixes up to a dot (`app.`, `app.bsky.`, `app.bsky.feed.`), so prefixes need no search
//! either: each numbered collection stores the slots of its name and its prefixes, and a filter's pattern is entered in one
//! slot.
//!
//! Invariant: [`Router::route`] picks exactly the lanes whose filter matches, each once. Memory is bounded by the entered
//! filters and the numbered collections.

mod lane_lists;
mod dids;

use std::sync::Arc;

use fanjet_event::Topic;
use fanjet_filter::{EventKind, Filter};
use hashbrown::HashMap;
use slab::Slab;

use self::dids::DidIndex;
use self::lane_lists::take_out;
use super::lane_id::LaneId;
use crate::tail::{CollectionId, Entry};

type SlotId = u32;

/// The index of one shard.
#[derive(Debug, Default)]
pub struct Router {
    lanes: Vec<Option<Indexed>>,
    /// Counts events, so that a lane found twice for one event is picked once.
    round: u64,
    /// By kind: lanes without DIDs that want the kind; lanes that name collections are not listed under commits.
    by_kind: [Vec<LaneId>; EventKind::ALL.len()],
    by_did: DidIndex,
    /// Names and prefixes of collections.
    slot_of: HashMap<Box<str>, SlotId>,
    slots: Slab<Slot>,
    /// By collection number: the slots of its name and prefixes.
    routes: Vec<Option<Box<[SlotId]>>>,
}

#[derive(Debug)]
struct Indexed {
    filter: Arc<Filter>,
    last_round: u64,
}

#[derive(Debug, Default)]
struct Slot {
    lanes: Vec<LaneId>,
    /// Routes hold the slot's number, so the slot stays even without lanes.
    is_routed: bool,
}

impl Router {
    /// Enters a lane. The cost depends only on the filter's own size.
    pub fn enter(&mut self, lane: LaneId, filter: &Arc<Filter>) {
        let at = lane as usize;
        if self.lanes.len() <= at {
            self.lanes.resize_with(at + 1, || None);
        }
        self.lanes[at] = Some(Indexed {
            filter: Arc::clone(filter),
            last_round: 0,
        });
        if !filter.wants_every_did() {
            return self.by_did.enter(lane, filter);
        }
        for kind in kinds(filter) {
            self.by_kind[kind.index()].push(lane);
        }
        for pattern in patterns(filter) {
            let slot = self.slot(pattern);
            self.slots[slot as usize].lanes.push(lane);
        }
    }

    /// Removes a lane.
    pub fn remove(&mut self, lane: LaneId) {
        let Some(indexed) = self.lanes.get_mut(lane as usize).and_then(Option::take) else {
            return;
        };
        let filter = indexed.filter;
        if !filter.wants_every_did() {
            return self.by_did.remove(lane, &filter);
        }
        for kind in kinds(&filter) {
            take_out(&mut self.by_kind[kind.index()], lane);
        }
        for pattern in patterns(&filter) {
            if let Some(&slot) = self.slot_of.get(pattern) {
                take_out(&mut self.slots[slot as usize].lanes, lane);
                self.free_if_unused(pattern, slot);
            }
        }
    }

    /// Calls `pick` once for each lane that wants the event.
    pub fn route(&mut self, entry: &Entry, pick: impl FnMut(LaneId)) {
        let Some(kind) = EventKind::of(entry.topic(), entry.action()) else {
            return;
        };
        if let (Some(id), Topic::Commit(name)) = (entry.collection(), entry.topic()) {
            self.learn(id, name.as_str());
        }
        self.round += 1;
        let mut offer = Offer {
            index: &mut self.lanes,
            round: self.round,
            entry,
            kind,
            pick,
        };
        offer.lanes(&self.by_kind[kind.index()]);
        offer.lanes_of_did(self.by_did.lanes(entry.did()));
        let Topic::Commit(name) = entry.topic() else {
            return;
        };
        match entry.collection() {
            Some(id) => {
                for &slot in self.routes[id.index()].iter().flatten() {
                    offer.lanes(&self.slots[slot as usize].lanes);
                }
            }
            None => {
                for &slot in parts(name.as_str()).filter_map(|part| self.slot_of.get(part)) {
                    offer.lanes(&self.slots[slot as usize].lanes);
                }
            }
        }
    }

    /// Creates the route of a numbered collection when it is first seen.
    fn learn(&mut self, id: CollectionId, name: &str) {
        if self.routes.len() <= id.index() {
            self.routes.resize_with(id.index() + 1, || None);
        }
        if self.routes[id.index()].is_none() {
            let route = parts(name)
                .map(|part| {
                    let slot = self.slot(part);
                    self.slots[slot as usize].is_routed = true;
                    slot
                })
                .collect();
            self.routes[id.index()] = Some(route);
        }
    }

    fn slot(&mut self, pattern: &str) -> SlotId {
        if let Some(&slot) = self.slot_of.get(pattern) {
            return slot;
        }
        let slot = self.slots.insert(Slot::default()) as SlotId;
        self.slot_of.insert(pattern.into(), slot);
        slot
    }

    fn free_if_unused(&mut self, pattern: &str, slot: SlotId) {
        let Slot { lanes, is_routed } = &self.slots[slot as usize];
        if lanes.is_empty() && !is_routed {
            self.slot_of.remove(pattern);
            self.slots.remove(slot as usize);
        }
    }
}

/// One event and the lanes that were found for it.
struct Offer<'a, F> {
    index: &'a mut [Option<Indexed>],
    round: u64,
    entry: &'a Entry,
    kind: EventKind,
    pick: F,
}

impl<F: FnMut(LaneId)> Offer<'_, F> {
    fn lanes(&mut self, found: &[LaneId]) {
        self.lanes_where(found, |_| true);
    }

    fn lanes_of_did(&mut self, found: &[LaneId]) {
        let topic = self.entry.topic();
        self.lanes_where(found, |filter| filter.wants_topic(topic));
    }

    fn lanes_where(&mut self, found: &[LaneId], is_wanted: impl Fn(&Filter) -> bool) {
        let (topic, did) = (self.entry.topic(), self.entry.did());
        for &lane in found {
            let Some(Some(indexed)) = self.index.get_mut(lane as usize) else {
                continue;
            };
            if indexed.last_round != self.round
                && is_short_enough(&indexed.filter, self.entry)
                && is_wanted(&indexed.filter)
                && indexed.filter.allows(self.kind, topic, did)
            {
                indexed.last_round = self.round;
                (self.pick)(lane);
            }
        }
    }
}

fn is_short_enough(filter: &Filter, entry: &Entry) -> bool {
    filter.max_message_bytes().is_none() || filter.wants_size(entry.message_len(filter.protocol()))
}

/// The kinds that a filter without DIDs is indexed under. Commits are indexed by collection if it names any.
fn kinds(filter: &Filter) -> impl Iterator<Item = EventKind> {
    EventKind::ALL.into_iter().filter(|kind| {
        filter.wants_kind(*kind) && (!kind.is_commit() || filter.wants_every_collection())
    })
}

/// The patterns of a filter that wants commits, as the slots spell them.
fn patterns(filter: &Filter) -> impl Iterator<Item = &str> {
    let wants_commits = EventKind::ALL
        .into_iter()
        .any(|kind| kind.is_commit() && filter.wants_kind(kind));
    let prefixes = filter.prefixes().iter().map(|prefix| &**prefix);
    filter
        .collections()
        .iter()
        .map(AsRef::as_ref)
        .chain(prefixes)
        .filter(move |_| wants_commits)
}

/// A collection's name, and each of its prefixes that ends in a dot.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    std::iter::once(name).chain(name.match_indices('.').map(|(dot, _)| &name[..=dot]))
}

#[cfg(test)]
mod tests;
