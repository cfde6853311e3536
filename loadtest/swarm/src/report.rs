//! The findings of a run, as one JSON document with stable field names, and as a table for people.

mod latency;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use latency::Latency;

/// One run. Reports of several processes are merged with [`Report::add`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// The target.
    pub url: String,
    /// The mix of filters.
    pub mix: String,
    /// Whether the streams were compressed.
    pub zstd: bool,
    /// The seed of all filters.
    pub seed: u64,
    /// The connections.
    pub connections: Connections,
    /// What arrived in the window, after ramp and warm-up. Without the reference.
    pub window: Window,
    /// The sampled streams, ramp and warm-up included.
    pub sampled: Sampled,
    /// From `time_us` to receipt in the sampled streams, within the window, in microseconds. Both clocks must be one.
    pub latency_us: Latency,
    /// From connecting to the accepted upgrade, in microseconds.
    pub handshake_us: Latency,
}

/// Connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// Planned to stay open, without the reference.
    pub asked: u64,
    /// Of these, how many were accepted.
    pub upgraded: u64,
    /// Short-lived connections in addition.
    pub churn_upgraded: u64,
    /// Short-lived connections that were due while their limit was reached.
    pub churn_skipped: u64,
    /// Closed by us.
    pub closed_by_us: u64,
    /// Failed attempts, by the text of the server or the system.
    pub refused: BTreeMap<String, u64>,
    /// Connections closed by the server, by close code and reason.
    pub unexplained: BTreeMap<String, u64>,
}

/// The measured window.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Window {
    /// Its length.
    pub seconds: f64,
    /// Messages received. 0 when only bytes were counted.
    pub events: u64,
    /// Bytes received, frame headers included.
    pub bytes: u64,
    /// CPU time of the load generator itself: near one second per second and core, the load generator is the
    /// bottleneck.
    pub swarm_cpu_seconds: f64,
    /// The longest turn of a thread over its sockets in milliseconds: this much of the latency may be our own.
    pub longest_turn_ms: f64,
}

/// The findings of the full checks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    /// Checked streams.
    pub streams: u64,
    /// Checked messages.
    pub events: u64,
    /// Messages that are not events of v1, or do not decompress.
    pub not_an_event: u64,
    /// Events that the filter does not match.
    pub not_asked_for: u64,
    /// Repeated events.
    pub repeated: u64,
    /// Events whose `time_us` is not above that of the event before.
    pub reordered: u64,
    /// Events stamped later than they arrived: the clocks differ.
    pub from_the_future: u64,
    /// Streams that were compared with the reference.
    pub compared: u64,
    /// Of these, streams that differ.
    pub differing: u64,
    /// Events that these are missing.
    pub missing: u64,
    /// The first fault.
    pub first_fault: Option<String>,
}

impl Report {
    /// Merges the findings of another part of the run.
    pub fn add(&mut self, other: &Self) {
        self.connections.add(&other.connections);
        self.window.add(&other.window);
        self.sampled.add(&other.sampled);
        self.latency_us.add(&other.latency_us);
        self.handshake_us.add(&other.handshake_us);
    }

    /// The faults of the run, as text; empty if there are none.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let connections = &self.connections;
        if connections.upgraded < connections.asked {
            faults.push(format!(
                "only {} of {} connections were accepted",
                connections.upgraded, connections.asked
            ));
        }
        for (words, count) in &connections.refused {
            faults.push(format!("{count} rejected: {words}"));
        }
        for (words, count) in &connections.unexplained {
            faults.push(format!("{count} unexpected closes: {words}"));
        }
        if connections.churn_skipped > 0 {
            let skipped = connections.churn_skipped;
            faults.push(format!("{skipped} short-lived connections were not opened"));
        }
        if !self.sampled.is_clean() {
            faults.push(format!("sampled streams: {:?}", self.sampled));
        }
        faults
    }
}

impl Connections {
    fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.upgraded += other.upgraded;
        self.churn_upgraded += other.churn_upgraded;
        self.churn_skipped += other.churn_skipped;
        self.closed_by_us += other.closed_by_us;
        for (mine, others) in [
            (&mut self.refused, &other.refused),
            (&mut self.unexplained, &other.unexplained),
        ] {
            for (words, count) in others {
                *mine.entry(words.clone()).or_default() += count;
            }
        }
    }
}

impl Window {
    fn add(&mut self, other: &Self) {
        self.seconds = self.seconds.max(other.seconds);
        self.events += other.events;
        self.bytes += other.bytes;
        self.swarm_cpu_seconds += other.swarm_cpu_seconds;
        self.longest_turn_ms = self.longest_turn_ms.max(other.longest_turn_ms);
    }
}

impl Sampled {
    /// Whether there are no findings.
    pub fn is_clean(&self) -> bool {
        let faults = self.not_an_event + self.not_asked_for + self.repeated + self.reordered;
        faults + self.differing == 0
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.streams += other.streams;
        self.events += other.events;
        self.not_an_event += other.not_an_event;
        self.not_asked_for += other.not_asked_for;
        self.repeated += other.repeated;
        self.reordered += other.reordered;
        self.from_the_future += other.from_the_future;
        self.compared += other.compared;
        self.differing += other.differing;
        self.missing += other.missing;
        if self.first_fault.is_none() {
            self.first_fault.clone_from(&other.first_fault);
        }
    }
}
