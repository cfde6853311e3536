//! What runs were worth, and which faults they really had.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanjet_oracle::Verdict;

use super::plan::{self, Fault};

/// A fault may find nothing to hit, such as a line over which nothing passes just then. With so many chances it must.
const CHANCES: u32 = 3;

/// What a run was worth.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) planned: BTreeMap<Fault, u32>,
    pub(super) fired: BTreeMap<Fault, u32>,
    pub(super) verdict: Verdict,
    pub(super) longest_stall: Duration,
    pub(super) connections: u32,
}

impl Outcome {
    /// Adds another one.
    pub(super) fn add(&mut self, other: Self) {
        for (sum, counts) in [
            (&mut self.fired, other.fired),
            (&mut self.planned, other.planned),
        ] {
            for (fault, count) in counts {
                *sum.entry(fault).or_default() += count;
            }
        }
        self.verdict.add(other.verdict);
        self.longest_stall = self.longest_stall.max(other.longest_stall);
        self.connections += other.connections;
    }

    /// Prints it.
    ///
    /// # Errors
    /// When a kind of fault never hit anything.
    pub(super) fn report(&self) -> Result<()> {
        println!("faults that fired, of those planned:");
        let mut never = Vec::new();
        for kind in plan::kinds() {
            let count = |of: &BTreeMap<Fault, u32>| of.get(&kind).copied().unwrap_or_default();
            let (fired, planned) = (count(&self.fired), count(&self.planned));
            println!("{fired:>6} of {planned:>4} {kind}");
            if fired == 0 && planned >= CHANCES {
                never.push(kind.to_string());
            }
        }
        let Verdict {
            events,
            missing,
            repeated,
            reordered,
            differ,
            ..
        } = self.verdict;
        println!("longest stall of a client: {:.1?}", self.longest_stall);
        println!(
            "{events} events in logs and clients: {missing} lost, {repeated} repeated, {reordered} reordered, {differ} differ"
        );
        ensure!(never.is_empty(), "never fired: {}", never.join(", "));
        Ok(())
    }
}
