//! Statistics of a running simulator.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::Server;
use crate::FaultKind;
use crate::faults::FaultCounts;

/// Counts so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Frames published.
    pub produced: u64,
    /// The seq of the last one.
    pub last_seq: u64,
    /// Bytes of the kept frames.
    pub history_bytes: usize,
    /// Open subscriptions.
    pub clients: usize,
    /// Subscriptions ever opened.
    pub subscriptions: u64,
    /// Connections dropped while it was down.
    pub refused: u64,
    /// Frames dropped because of a muted collection.
    pub muted: u64,
    /// How often each fault was injected, by [`FaultKind::as_str`]; all are listed.
    pub faults: BTreeMap<&'static str, u64>,
    /// How many frames and operations a correct consumer of all frames drops because of each fault; all are listed.
    pub drops: BTreeMap<&'static str, u64>,
}

impl Stats {
    pub(super) fn of(server: &Server) -> Self {
        let by_kind = |counts: &FaultCounts| {
            FaultKind::ALL
                .into_iter()
                .map(|kind| (kind.as_str(), counts.get(kind)))
                .collect()
        };
        Self {
            produced: *server.history.published().borrow(),
            last_seq: server.history.last_seq(),
            history_bytes: server.history.bytes(),
            clients: *server.clients.borrow(),
            subscriptions: server.subscriptions.load(Ordering::Relaxed),
            refused: server.refused.load(Ordering::Relaxed),
            muted: server.mute.dropped(),
            faults: by_kind(server.history.faults()),
            drops: by_kind(server.history.drops()),
        }
    }

    /// How often a fault was injected.
    pub fn fault(&self, kind: FaultKind) -> u64 {
        self.faults.get(kind.as_str()).copied().unwrap_or(0)
    }

    /// All statistics as one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
