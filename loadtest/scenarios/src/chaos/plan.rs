//! The faults of a run and their times: derived from a seed before anything runs.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// No fault starts before this moment, nor so late that no load follows it.
const CALM: Duration = Duration::from_millis(500);

/// Longer than a lease: another ingest takes over meanwhile.
const LONG: std::ops::Range<f64> = 3.0..5.0;
const SHORT: std::ops::Range<f64> = 0.1..1.5;
const LONG_SHARE: f64 = 0.2;

/// A kind of process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    Simulator,
    Ingest,
    Labels,
    Edge,
    Nats,
}

/// What happens to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blow {
    /// SIGKILL, and a restart.
    Kill,
    /// SIGTERM, and a restart.
    Stop,
    /// SIGSTOP, and SIGCONT.
    Freeze,
}

/// Connections between two kinds of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    /// Of both ingests: only one of them is connected.
    IngestToSimulator,
    IngestToNats,
    /// Of both processes that read labelers, to all labelers.
    LabelsToLabelers,
    LabelsToNats,
    EdgeToNats,
    ClientsToEdge,
}

/// What happens to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// They are closed, and new ones too.
    Cut,
    /// They stay open, and no byte gets through.
    Blackhole,
    /// Every byte is delayed.
    Delay,
}

/// What happens to the folder of an edge's local tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Damage {
    /// A part of a file is overwritten.
    Bytes,
    /// A file is deleted.
    File,
    /// The folder is deleted.
    Folder,
}

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    Process(Victim, Blow),
    Line(Line, Trouble),
    Tier(Damage),
}

/// One fault of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// Since the start of the faults.
    pub(super) at: Duration,
    /// How long the process is down or frozen, or the link is bad.
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
    /// The process of this kind, modulo their number.
    pub(super) which: usize,
}

/// Every kind of fault; those of local tiers and of labels only where a run has them. The simulator is never killed: it is the world, and would restart as another one.
pub(super) fn kinds(has_tiers: bool, has_labels: bool) -> Vec<Fault> {
    let blows = [Blow::Kill, Blow::Stop, Blow::Freeze];
    let troubles = [Trouble::Cut, Trouble::Blackhole, Trouble::Delay];
    let mut lines = vec![
        Line::IngestToSimulator,
        Line::IngestToNats,
        Line::EdgeToNats,
        Line::ClientsToEdge,
    ];
    let mut victims = vec![Victim::Ingest, Victim::Edge, Victim::Nats];
    if has_labels {
        lines.extend([Line::LabelsToLabelers, Line::LabelsToNats]);
        victims.push(Victim::Labels);
    }
    let mut kinds = vec![Fault::Process(Victim::Simulator, Blow::Freeze)];
    for victim in victims {
        kinds.extend(blows.map(|blow| Fault::Process(victim, blow)));
    }
    for line in lines {
        kinds.extend(troubles.map(|trouble| Fault::Line(line, trouble)));
    }
    if has_tiers {
        kinds.extend([Damage::Bytes, Damage::File, Damage::Folder].map(Fault::Tier));
    }
    kinds
}

/// The faults of a run of this length: every kind once, then each twice before any happens a third time.
pub(super) fn plan(seed: u64, kinds: &[Fault], length: Duration, every: Duration) -> Vec<Step> {
    let mut random = StdRng::seed_from_u64(seed);
    let length = length.saturating_sub(2 * CALM);
    let count = ((length.as_secs_f64() / every.as_secs_f64()) as usize).max(1);
    let mut deck = Vec::new();
    (0..count)
        .map(|index| {
            if deck.is_empty() {
                deck = kinds.to_vec();
                deck.shuffle(&mut random);
            }
            let fault = deck
                .pop()
                .unwrap_or(Fault::Process(Victim::Ingest, Blow::Kill));
            let place = (index as f64 + random.random::<f64>()) / count as f64;
            let seconds = if random.random_bool(LONG_SHARE) {
                random.random_range(LONG)
            } else {
                random.random_range(SHORT)
            };
            Step {
                at: CALM + length.mul_f64(place),
                lasts: Duration::from_secs_f64(seconds),
                fault,
                which: random.random_range(0..6),
            }
        })
        .collect()
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(victim, blow) => write!(f, "{blow:?} {victim:?}"),
            Self::Line(line, trouble) => write!(f, "{trouble:?} {line:?}"),
            Self::Tier(damage) => write!(f, "Damage {damage:?} of a local tier"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            lasts,
            fault,
            which,
        } = self;
        write!(f, "{at:>9.2?} {fault} #{which} for {lasts:.2?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_everything_and_no_kind_is_left_out() {
        let (length, every) = (Duration::from_secs(31), Duration::from_millis(500));
        for kinds in [
            kinds(false, false),
            kinds(true, false),
            kinds(false, true),
            kinds(true, true),
        ] {
            let steps = plan(7, &kinds, length, every);
            assert_eq!(steps, plan(7, &kinds, length, every));
            assert_ne!(steps, plan(8, &kinds, length, every));
            assert!(steps.is_sorted_by_key(|step| step.at));
            assert!(steps.iter().all(|step| step.at < length));
            for round in steps.chunks_exact(kinds.len()) {
                let mut faults: Vec<_> = round.iter().map(|step| step.fault).collect();
                faults.sort();
                let mut all = kinds.clone();
                all.sort();
                assert_eq!(faults, all);
            }
            assert_eq!(steps.len(), 60);
        }
    }
}
