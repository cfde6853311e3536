//! The leader's snapshot of all collections and the processes of the cluster, as last read by this node.

mod leader_snapshot;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fanjet_cluster::Member;
use fanjet_cluster::freshness::Snapshot;
use parking_lot::Mutex;
use tracing::debug;

pub(crate) use leader_snapshot::{Freshness, LeaderSnapshot};

/// The key of the leader's snapshot.
const FRESHNESS: &str = "freshness";
/// Maximum number of processes shown.
const MAX_MEMBERS: usize = 200;

/// The latest cluster state. Replaced as a whole; readers keep the value that they got.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    leader_snapshot: Mutex<Arc<LeaderSnapshot>>,
    members: Mutex<Arc<[Member]>>,
}

impl Cluster {
    pub(crate) fn leader_snapshot(&self) -> Arc<LeaderSnapshot> {
        Arc::clone(&self.leader_snapshot.lock())
    }

    /// The processes with a recent heartbeat: ingests first, then by name.
    pub(crate) fn members(&self) -> Arc<[Member]> {
        Arc::clone(&self.members.lock())
    }

    /// Takes the current cluster state. The leader's snapshot stays when it is no longer published: it carries its age.
    pub(super) fn take(&self, state: &BTreeMap<String, Bytes>) {
        if let Some(freshness) = state.get(FRESHNESS) {
            self.take_freshness(freshness);
        }
        let members = state
            .iter()
            .filter_map(|(key, value)| Member::decode(key, value));
        let mut members: Vec<_> = members.collect();
        members.sort_by(|one, two| (one.part, &one.name).cmp(&(two.part, &two.name)));
        members.truncate(MAX_MEMBERS);
        *self.members.lock() = members.into();
    }

    fn take_freshness(&self, freshness: &Bytes) {
        match serde_json::from_slice::<Snapshot>(freshness) {
            Ok(snapshot) if snapshot.at_us != self.leader_snapshot().at_us() => {
                *self.leader_snapshot.lock() = Arc::new(LeaderSnapshot::of(snapshot));
            }
            Ok(_known) => {}
            Err(error) => debug!(%error, "failed to parse the collection freshness"),
        }
    }
}
