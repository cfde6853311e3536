//! The readers of each scenario.

use crate::history::{self, DENSE, RARE, RAREST, RAREST_DID};

/// Maximum events that all unfiltered readers together read.
const MOST: u64 = 8_000_000;

/// Several concurrent readers.
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// For each reader: its query and the number of events to wait for.
    pub(crate) readers: Vec<(String, u64)>,
    /// Events of the log that all readers cover, matching or not.
    pub(crate) passed: u64,
}

pub(crate) fn all(events: u64) -> Vec<Scenario> {
    let mut all = Vec::new();
    for readers in [1, 8, 64] {
        all.push(from_start("unfiltered", readers, events, events, ""));
    }
    for readers in [8, 64] {
        all.push(spread(readers, events));
    }
    let dids: Vec<_> = (0..100).map(|n| history::did(n * 1001)).collect();
    let query: String = dids
        .iter()
        .map(|did| format!("&wantedDids={did}"))
        .collect();
    let filters = [
        ("dense", format!("&wantedCollections={DENSE}")),
        ("100 dids", query),
        ("rare", format!("&wantedCollections={RARE}")),
        (
            "rarest",
            format!("&wantedCollections={RAREST}&wantedDids={RAREST_DID}"),
        ),
    ];
    let passes: [&dyn Fn(&history::Drawn) -> bool; 4] = [
        &|it| [DENSE, "identity", "account"].contains(&it.topic),
        &|it| dids.contains(&it.did),
        &|it| [RARE, "identity", "account"].contains(&it.topic),
        &|it| it.did == RAREST_DID,
    ];
    for ((name, query), passes) in filters.iter().zip(passes) {
        let wanted = (0..events).filter(|&n| passes(&history::draw(n))).count() as u64;
        for readers in [1, 8, 64] {
            all.push(from_start(name, readers, events, wanted, query));
        }
    }
    all
}

/// All readers from the oldest event. `wanted` events match for each.
fn from_start(name: &str, readers: u64, events: u64, wanted: u64, query: &str) -> Scenario {
    // Many readers of everything stop earlier.
    let share = if wanted == events {
        events.min(MOST / readers)
    } else {
        events
    };
    let expected = wanted.min(share);
    Scenario {
        name: format!("{name}, {readers} from the start"),
        readers: (0..readers)
            .map(|_| (format!("cursor=0{query}"), expected))
            .collect(),
        passed: readers * share,
    }
}

/// Each reader from its own position.
fn spread(readers: u64, events: u64) -> Scenario {
    let share = (events / 2).min(MOST / readers / 4);
    let places = events - share;
    Scenario {
        name: format!("unfiltered, {readers} spread"),
        readers: (0..readers)
            .map(|reader| (format!("cursor={}", 1 + places * reader / readers), share))
            .collect(),
        passed: readers * share,
    }
}
