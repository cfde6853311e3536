//! The subscriptions of each scenario.

use anyhow::{Result, ensure};
use fanjet_oracle::{Filter, Matcher};
use serde_json::{Value, json};

use super::library::Library;
use super::world::World;

/// One run of one client.
pub(super) struct Subscription {
    pub(super) library: Library,
    /// Its description.
    pub(super) scenario: String,
    pub(super) filter: Filter,
    pub(super) compress: bool,
    pub(super) update: Option<Update>,
    /// The edges that it knows.
    pub(super) edges: Vec<usize>,
    /// Whether an edge goes away during the run.
    pub(super) is_interrupted: bool,
    /// Whether it asks for everything that the server has, which is nothing yet.
    pub(super) replay: bool,
}

/// A change of filter.
pub(super) struct Update {
    /// Requested after this many events.
    pub(super) after: usize,
    pub(super) filter: Filter,
}

impl Subscription {
    /// Subscriptions of one connection each. Half of them are at each of two edges.
    pub(super) fn live(world: &World) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for library in Library::ALL {
            for compress in [false, true] {
                if compress && !library.can_compress() {
                    continue;
                }
                for (name, filter) in filters(library, world) {
                    let how = if compress { ", zstd" } else { "" };
                    let edges = vec![all.len() % 2];
                    let scenario = format!("{name}{how}");
                    all.push(Self::new(library, scenario, filter, compress, edges));
                }
            }
            if library.speaks_v2() {
                for compress in [false, true] {
                    let scenario = format!("replay{}", if compress { ", zstd" } else { "" });
                    let edges = vec![all.len() % 2];
                    let mut replay =
                        Self::new(library, scenario, Filter::default(), compress, edges);
                    replay.replay = true;
                    all.push(replay);
                }
            }
            if library.can_update() {
                let edges = vec![all.len() % 2];
                all.push(Self::updating(library, world, edges)?);
            }
        }
        Ok(all)
    }

    /// At an edge that is stopped, at the other one, to which `second` happens, and at either of them.
    pub(super) fn restart(world: &World, second: &str) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for library in Library::ALL {
            // Compressed if possible, at one edge: cursors and encodings are independent.
            let [(_, everything), (_, collections), _] = filters(library, world);
            let zstd = library.can_compress();
            let stopped = "edge stopped".to_owned();
            all.push(Self::new(
                library,
                stopped,
                everything.clone(),
                zstd,
                vec![0],
            ));
            let other = format!("other edge {second}");
            all.push(Self::new(library, other, collections, false, vec![1]));
            if library.takes_several_urls() {
                let two = format!("two edges, one stopped, one {second}");
                all.push(Self::new(library, two, everything, false, vec![0, 1]));
            }
        }
        for subscription in &mut all {
            subscription.is_interrupted = true;
        }
        Ok(all)
    }

    /// Everything that a node has, then what comes, from a node that is killed and has another dictionary afterwards.
    pub(super) fn replay(library: Library, compress: bool) -> Self {
        let how = if compress { ", zstd" } else { "" };
        let scenario = format!("replay of a past, across a kill{how}");
        let mut replay = Self::new(library, scenario, Filter::default(), compress, vec![0]);
        replay.is_interrupted = true;
        replay.replay = true;
        replay
    }

    /// The positions of the events that this library's user gets with a filter.
    pub(super) fn positions(&self, world: &World, filter: &Filter) -> Vec<usize> {
        let events = world.events.iter().enumerate();
        let filter = Matcher::new(filter);
        let wanted = events.filter(|(_, event)| {
            let did = event["did"].as_str().unwrap_or_default();
            filter.matches(did, event["commit"]["collection"].as_str())
        });
        let handed_over = wanted.filter(|(_, event)| self.library.hands_over(event));
        handed_over.map(|(position, _)| position).collect()
    }

    /// The driver's specification.
    pub(super) fn spec(&self, world: &World, urls: &[String], dictionary: &str) -> Value {
        let urls: Vec<_> = self.edges.iter().map(|edge| &urls[*edge]).collect();
        let mut spec = json!({
            "urls": urls,
            "wantedCollections": self.filter.collections,
            "wantedDids": self.filter.dids,
            "compress": self.compress,
            "dictionary": dictionary,
            "collections": world.collections(),
            "replay": self.replay,
        });
        if let Some(update) = &self.update {
            let wanted = &update.filter.collections;
            spec["update"] = json!({"after": update.after, "wantedCollections": wanted});
        }
        spec
    }

    fn new(
        library: Library,
        scenario: String,
        filter: Filter,
        compress: bool,
        edges: Vec<usize>,
    ) -> Self {
        Self {
            library,
            scenario,
            filter,
            compress,
            update: None,
            edges,
            is_interrupted: false,
            replay: false,
        }
    }

    /// From one filter to another that shares a collection with it.
    fn updating(library: Library, world: &World, edges: Vec<usize>) -> Result<Self> {
        let before = Filter::of_collections(&["app.bsky.feed.post", "app.bsky.feed.like"]);
        let behind = Filter::of_collections(&["app.bsky.graph.*", "app.bsky.feed.like"]);
        let name = "options_update".to_owned();
        let mut subscription = Self::new(library, name, before, false, edges);
        let events = subscription.positions(world, &subscription.filter).len();
        ensure!(events > 30, "too few events for an update among them");
        subscription.update = Some(Update {
            after: events / 3,
            filter: behind,
        });
        Ok(subscription)
    }
}

fn filters(library: Library, world: &World) -> [(&'static str, Filter); 3] {
    let collections = match library.takes_prefixes() {
        true => ["app.bsky.feed.post", "app.bsky.graph.*"],
        false => ["app.bsky.feed.post", "app.bsky.graph.follow"],
    };
    let dids = Filter {
        dids: world.busiest(5),
        ..Filter::default()
    };
    [
        ("no filter", Filter::default()),
        ("wantedCollections", Filter::of_collections(&collections)),
        ("wantedDids", dids),
    ]
}
