//! Which records of a repo may be updated or deleted later.

use fanjet_event::{Nsid, RecordKey, Tid};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::world::collections::Kind;

/// Record keys by kind, for drawing one at random.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// In the order of [`Kind::DELETABLE`].
    keys: [Vec<Tid>; Kind::DELETABLE.len()],
    foreign: Vec<(usize, Nsid, RecordKey)>,
    profile: bool,
}

/// The collections of [`Kind::DELETABLE`], with their share of an old repo in percent.
const OLD_RECORDS: [(&str, u32); 5] = [
    ("app.bsky.feed.like", 58),
    ("app.bsky.feed.post", 16),
    ("app.bsky.graph.follow", 16),
    ("app.bsky.feed.repost", 8),
    ("app.bsky.graph.block", 2),
];
const PROFILE: &str = "app.bsky.actor.profile/self";

impl Live {
    /// The records of a repo that has existed for two years; most repos have a profile.
    pub(crate) fn bootstrap(
        records: usize,
        before_us: u64,
        clock_id: u16,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        const TWO_YEARS_US: u64 = 63_072_000_000_000;
        let mut live = Self {
            profile: rng.random_bool(0.9),
            ..Self::default()
        };
        let step = TWO_YEARS_US / records.max(1) as u64;
        let mut at_us = before_us - TWO_YEARS_US;
        for _ in 0..records.saturating_sub(usize::from(live.profile)) {
            let mut draw = rng.random_range(0..100);
            let mut kind = 0;
            while draw >= OLD_RECORDS[kind].1 {
                draw -= OLD_RECORDS[kind].1;
                kind += 1;
            }
            let jitter = rng.random_range(0..step.max(1));
            live.keys[kind].push(Tid::from_parts(at_us + jitter, clock_id));
            at_us += step;
        }
        live
    }

    /// The paths of all Bluesky records here.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        let keyed = OLD_RECORDS
            .iter()
            .zip(&self.keys)
            .flat_map(|((collection, _), keys)| {
                keys.iter().map(move |k| format!("{collection}/{k}"))
            });
        keyed.chain(self.profile.then(|| PROFILE.to_owned()))
    }

    /// Remembers a new record.
    pub(super) fn add(&mut self, kind: Kind, collection: &Nsid, rkey: &RecordKey) {
        if let Kind::Foreign(rank) = kind {
            self.foreign.push((rank, collection.clone(), rkey.clone()));
        } else if let Some(at) = Kind::DELETABLE.iter().position(|known| *known == kind)
            && let Ok(tid) = Tid::parse(rkey.as_str())
        {
            self.keys[at].push(tid);
        }
    }

    /// Takes out a record of a kind, to delete it.
    pub(crate) fn take(&mut self, kind: Kind, rng: &mut ChaCha8Rng) -> Option<Tid> {
        let at = Kind::DELETABLE.iter().position(|known| *known == kind)?;
        let keys = &mut self.keys[at];
        (!keys.is_empty()).then(|| keys.swap_remove(rng.random_range(0..keys.len())))
    }

    /// Takes out a foreign record, to delete it.
    pub(crate) fn take_foreign(
        &mut self,
        rng: &mut ChaCha8Rng,
    ) -> Option<(usize, Nsid, RecordKey)> {
        (!self.foreign.is_empty()).then(|| {
            let at = rng.random_range(0..self.foreign.len());
            self.foreign.swap_remove(at)
        })
    }

    /// Any foreign record, to update it.
    pub(crate) fn draw_foreign(&self, rng: &mut ChaCha8Rng) -> Option<(usize, Nsid, RecordKey)> {
        (!self.foreign.is_empty())
            .then(|| self.foreign[rng.random_range(0..self.foreign.len())].clone())
    }
}
