//! The collections of the world: Bluesky's own, and a long tail of others generated from the seed.

use std::collections::BTreeSet;
use std::sync::Arc;

use fanjet_event::Nsid;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::zipf::Zipf;
use crate::SimulatorError;

/// The kind of record of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Like,
    Post,
    Follow,
    Repost,
    Block,
    Profile,
    /// One of [`OTHER_BSKY`].
    OtherBsky(usize),
    /// A foreign collection, by its rank.
    Foreign(usize),
}

impl Kind {
    /// Kinds whose records are named by a TID and may be deleted later.
    pub(crate) const DELETABLE: [Self; 5] = [
        Self::Like,
        Self::Post,
        Self::Follow,
        Self::Repost,
        Self::Block,
    ];
}

/// The rarer collections of Bluesky in the world.
pub(crate) const OTHER_BSKY: [&str; 10] = [
    "app.bsky.feed.threadgate",
    "app.bsky.feed.postgate",
    "app.bsky.graph.listitem",
    "app.bsky.graph.list",
    "app.bsky.graph.listblock",
    "app.bsky.graph.starterpack",
    "app.bsky.graph.verification",
    "app.bsky.feed.generator",
    "app.bsky.actor.status",
    "chat.bsky.actor.declaration",
];

const NAMED: [&str; 6] = [
    "app.bsky.feed.like",
    "app.bsky.feed.post",
    "app.bsky.graph.follow",
    "app.bsky.feed.repost",
    "app.bsky.graph.block",
    "app.bsky.actor.profile",
];

/// The names of all collections.
#[derive(Debug)]
pub(crate) struct Collections {
    named: Vec<Nsid>,
    other: Vec<Nsid>,
    foreign: Vec<Nsid>,
    tail: Zipf,
}

impl Collections {
    pub(crate) fn generate(foreign: usize, rng: &mut ChaCha8Rng) -> Result<Self, SimulatorError> {
        let nsids = |names: &[&str]| {
            names
                .iter()
                .map(|name| Ok(Nsid::parse(Arc::from(*name))?))
                .collect::<Result<Vec<_>, SimulatorError>>()
        };
        let mut taken = BTreeSet::new();
        let mut made = Vec::with_capacity(foreign);
        while made.len() < foreign {
            let name = foreign_name(rng, made.len());
            if taken.insert(name.clone()) {
                made.push(Nsid::parse(Arc::from(name))?);
            }
        }
        Ok(Self {
            named: nsids(&NAMED)?,
            other: nsids(&OTHER_BSKY)?,
            foreign: made,
            tail: Zipf::new(foreign, 0.9),
        })
    }

    pub(crate) fn nsid(&self, kind: Kind) -> &Nsid {
        match kind {
            Kind::Like => &self.named[0],
            Kind::Post => &self.named[1],
            Kind::Follow => &self.named[2],
            Kind::Repost => &self.named[3],
            Kind::Block => &self.named[4],
            Kind::Profile => &self.named[5],
            Kind::OtherBsky(index) => &self.other[index],
            Kind::Foreign(rank) => &self.foreign[rank],
        }
    }

    /// Draws the kind of the next operation by the network's mix.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> Kind {
        match rng.random_range(0..1000) {
            0..600 => Kind::Like,
            600..730 => Kind::Post,
            730..830 => Kind::Follow,
            830..910 => Kind::Repost,
            910..930 => Kind::Block,
            930..940 => Kind::Profile,
            940..960 => Kind::OtherBsky(rng.random_range(0..OTHER_BSKY.len())),
            _ if self.foreign.is_empty() => Kind::Like,
            _ => Kind::Foreign(self.tail.draw(rng)),
        }
    }
}

/// A generated NSID; the number of the attempt keeps a small vocabulary from running out.
fn foreign_name(rng: &mut ChaCha8Rng, number: usize) -> String {
    const TOP: [&str; 12] = [
        "com", "app", "net", "io", "dev", "social", "fyi", "blue", "xyz", "org", "at", "co",
    ];
    const WORDS: [&str; 24] = [
        "teal",
        "whtwnd",
        "smoke",
        "grain",
        "tangle",
        "frontpage",
        "bookhive",
        "ruthub",
        "popsky",
        "marquee",
        "spark",
        "rocksky",
        "leaflet",
        "streamplace",
        "pinksea",
        "flashes",
        "skylights",
        "recipe",
        "wander",
        "quill",
        "cairn",
        "lumen",
        "harbor",
        "moss",
    ];
    const GROUPS: [&str; 10] = [
        "feed",
        "alpha",
        "actor",
        "graph",
        "blog",
        "unspecced",
        "beta-1",
        "temp",
        "media",
        "v2",
    ];
    const NAMES: [&str; 20] = [
        "entry",
        "status",
        "play",
        "book",
        "vote",
        "comment",
        "gallery",
        "photo",
        "scrobble",
        "star",
        "issue",
        "pull",
        "repo",
        "checkIn",
        "bookmark",
        "drawing",
        "reaction",
        "eventRsvp",
        "key",
        "publicationTheme",
    ];
    fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
        from[rng.random_range(0..from.len())]
    }
    let domain = match number % 5 {
        0 => format!("{}.{}", pick(rng, &TOP), pick(rng, &WORDS)),
        1 => format!("{}.{}-{number}", pick(rng, &TOP), pick(rng, &WORDS)),
        _ => format!("{}.{}{number}", pick(rng, &TOP), pick(rng, &WORDS)),
    };
    match rng.random_range(0..3) {
        0 => format!("{domain}.{}", pick(rng, &NAMES)),
        _ => format!("{domain}.{}.{}", pick(rng, &GROUPS), pick(rng, &NAMES)),
    }
}
