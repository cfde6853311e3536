//! What a run found, as one JSON document whose field names stay, and as a table for people.

mod latency;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use latency::Latency;

/// One run. Reports of several processes are added up with [`Report::add`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Report {
    /// Where to.
    pub url: String,
    /// The mix of filters.
    pub mix: String,
    /// Whether the streams were compressed.
    pub zstd: bool,
    /// Where all filters come from.
    pub seed: u64,
    /// The connections.
    pub connections: Connections,
    /// What came while it counted, behind ramp and warm-up. Without the reference.
    pub window: Window,
    /// What the sampled streams were like, ramp and warm-up included.
    pub sampled: Sampled,
    /// From `time_us` to receipt in the sampled streams, within the window, in microseconds. Both clocks must be one.
    pub latency_us: Latency,
    /// From connecting to the accepted upgrade, in microseconds.
    pub handshake_us: Latency,
}

/// Connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// That were to stay, without the reference.
    pub asked: u64,
    /// Of these, how many got in.
    pub upgraded: u64,
    /// That came and went beside them.
    pub churn_upgraded: u64,
    /// Churning connections that were due while all places for them were taken.
    pub churn_skipped: u64,
    /// That we ended ourselves.
    pub closed_by_us: u64,
    /// Attempts that failed, by the server's words or the system's.
    pub refused: BTreeMap<String, u64>,
    /// Ends that were not ours, by close code and reason.
    pub unexplained: BTreeMap<String, u64>,
}

/// The stretch of time that counts.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Window {
    /// Its length.
    pub seconds: f64,
    /// Messages received. 0 when only bytes were counted.
    pub events: u64,
    /// Bytes received, frame headers included.
    pub bytes: u64,
    /// CPU time of the swarm itself: near one second per second and core, the swarm is what is measured.
    pub swarm_cpu_seconds: f64,
    /// The longest turn of a thread over its sockets in milliseconds: so much of the latency may be our own.
    pub longest_turn_ms: f64,
}

/// What full checks found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampled {
    /// Streams that were checked.
    pub streams: u64,
    /// Messages that were checked.
    pub events: u64,
    /// Messages that are no event of v1, or do not decompress.
    pub not_an_event: u64,
    /// Events that the filter does not let through.
    pub not_asked_for: u64,
    /// Events that came again.
    pub repeated: u64,
    /// Events with a `time_us` that is not above that of the one before.
    pub reordered: u64,
    /// Events stamped later than they arrived: the clocks differ.
    pub from_the_future: u64,
    /// Streams that were compared with the reference.
    pub compared: u64,
    /// Of these, streams that differ.
    pub differing: u64,
    /// Events that these lack.
    pub missing: u64,
    /// The first fault.
    pub first_fault: Option<String>,
}

impl Report {
    /// Takes in what another part of the swarm found in the same time.
    pub fn add(&mut self, other: &Self) {
        self.connections.add(&other.connections);
        self.window.add(&other.window);
        self.sampled.add(&other.sampled);
        self.latency_us.add(&other.latency_us);
        self.handshake_us.add(&other.handshake_us);
    }

    /// What is wrong with the run, in words; nothing when it is as it should be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let connections = &self.connections;
        if connections.upgraded < connections.asked {
            faults.push(format!(
                "only {} of {} connections got in",
                connections.upgraded, connections.asked
            ));
        }
        for (words, count) in &connections.refused {
            faults.push(format!("{count} refused: {words}"));
        }
        for (words, count) in &connections.unexplained {
            faults.push(format!("{count} unexplained ends: {words}"));
        }
        if connections.churn_skipped > 0 {
            let skipped = connections.churn_skipped;
            faults.push(format!("{skipped} churning connections were not opened"));
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
    /// Whether nothing was found.
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
