//! The results of runs, and the faults that took effect.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanjet_oracle::Verdict;

use super::plan::{self, Fault};
use super::tiers::TierUse;

/// A fault may not take effect, for example on a link without traffic at that moment. With this many attempts it must.
const CHANCES: u32 = 3;

/// The result of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) planned: BTreeMap<Fault, u32>,
    pub(super) fired: BTreeMap<Fault, u32>,
    pub(super) verdict: Verdict,
    pub(super) longest_stall: Duration,
    pub(super) connections: u32,
    pub(super) tiers: TierUse,
    /// Runs with labels.
    pub(super) with_labels: u32,
}

impl Outcome {
    /// Adds another result.
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
        self.tiers.add(other.tiers);
        self.with_labels += other.with_labels;
    }

    /// Prints it.
    ///
    /// # Errors
    /// When a kind of fault never took effect, or local tiers served nothing, or survived all damage.
    pub(super) fn report(&self) -> Result<()> {
        println!("faults that took effect, of those planned:");
        let mut never = Vec::new();
        for kind in plan::kinds(self.tiers.runs > 0, self.with_labels > 0) {
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
        let TierUse {
            runs,
            pages,
            thrown_away,
        } = self.tiers;
        println!(
            "local tiers in {runs} runs: {pages} pages read from them, thrown away {thrown_away} times"
        );
        println!("labels in {} runs", self.with_labels);
        if runs >= CHANCES {
            ensure!(pages > 0, "no local tier served anything");
            ensure!(thrown_away > 0, "no damaged local tier was noticed");
        }
        ensure!(never.is_empty(), "never took effect: {}", never.join(", "));
        Ok(())
    }
}
