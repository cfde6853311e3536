//! What the leader tells about all collections, and which processes there are, as this node heard it last.

mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_cluster::Member;
use fanjet_cluster::freshness::Snapshot;
use parking_lot::Mutex;
use tracing::debug;

pub(crate) use told::{Freshness, Told};

/// Where the leader's snapshot hangs.
const FRESHNESS: &str = "freshness";
/// Most processes that are shown.
const MAX_MEMBERS: usize = 200;

/// The newest that was heard. Replaced as a whole; whoever reads it keeps what it got.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    told: Mutex<Arc<Told>>,
    members: Mutex<Arc<[Member]>>,
}

impl Cluster {
    pub(crate) fn told(&self) -> Arc<Told> {
        Arc::clone(&self.told.lock())
    }

    /// Those that said so of late: ingests first, then by name.
    pub(crate) fn members(&self) -> Arc<[Member]> {
        Arc::clone(&self.members.lock())
    }

    /// Takes everything that is up on the board now. What is told about collections stays when nobody tells it any
    /// more: it says how old it is.
    pub(super) fn take(&self, heard: &BTreeMap<String, Bytes>) {
        if let Some(freshness) = heard.get(FRESHNESS) {
            self.take_freshness(freshness);
        }
        let members = heard
            .iter()
            .filter_map(|(key, value)| Member::decode(key, value));
        let mut members: Vec<_> = members.collect();
        members.sort_by(|one, two| (one.part, &one.name).cmp(&(two.part, &two.name)));
        members.truncate(MAX_MEMBERS);
        *self.members.lock() = members.into();
    }

    fn take_freshness(&self, freshness: &Bytes) {
        match serde_json::from_slice::<Snapshot>(freshness) {
            Ok(snapshot) if snapshot.at_us != self.told().at_us() => {
                *self.told.lock() = Arc::new(Told::of(snapshot));
            }
            Ok(_known) => {}
            Err(error) => debug!(%error, "what is told about collections cannot be read"),
        }
    }
}
