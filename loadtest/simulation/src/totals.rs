//! What many runs have shown together, and the file that keeps it, so that a campaign can be stopped and resumed.
//!
//! A line of the file is one run: its seed, then the milliseconds of CPU and of simulated time, events logged and received, and
//! how often each fault fired; or `FAILED` and the reason.
#![allow(clippy::print_stdout, reason = "this program talks to a person")]

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_simulation::{KINDS, Outcome};

/// The sum of all runs.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// The seeds that were run.
    pub(crate) seeds: BTreeSet<u64>,
    pub(crate) failed: Vec<u64>,
    cpu: Duration,
    simulated: Duration,
    logged: u64,
    received: u64,
    fired: [u64; KINDS.len()],
    file: Option<File>,
}

impl Totals {
    /// Continues with what the file holds of the seeds from `from` to `end`, if there is one.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub(crate) fn kept_in(path: &Path, from: u64, end: u64) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let mut totals = Self::default();
        for line in text.lines() {
            // The last line may have been cut off.
            let _read = totals.take_line(line, from..end);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            writeln!(file)?;
        }
        totals.file = Some(file);
        Ok(totals)
    }

    /// Adds a run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn add(
        &mut self,
        seed: u64,
        outcome: &Result<Outcome>,
        cpu: Duration,
    ) -> Result<()> {
        let line = match outcome {
            Err(error) => {
                let reason = format!("{error:#}").replace('\n', " ");
                format!("{seed} FAILED {reason} .")
            }
            Ok(outcome) => {
                let fired = KINDS.iter().map(|kind| outcome.fired.get(kind).copied());
                let fired: Vec<_> = fired.map(|it| it.unwrap_or_default().to_string()).collect();
                format!(
                    "{seed} {} {} {} {} {} .",
                    cpu.as_millis(),
                    outcome.simulated.as_millis(),
                    outcome.logged,
                    outcome.received,
                    fired.join(" ")
                )
            }
        };
        self.take_line(&line, 0..u64::MAX);
        if let Some(file) = &mut self.file {
            writeln!(file, "{line}").context("cannot write the results")?;
        }
        Ok(())
    }

    /// `None` for a line that is not whole.
    fn take_line(&mut self, line: &str, seeds: std::ops::Range<u64>) -> Option<()> {
        let (seed, rest) = line.strip_suffix(" .")?.split_once(' ')?;
        let seed = seed.parse().ok().filter(|seed| seeds.contains(seed))?;
        if rest.starts_with("FAILED") {
            self.failed.push(seed);
        } else {
            let numbers: Option<Vec<u64>> = rest.split(' ').map(|it| it.parse().ok()).collect();
            let numbers = numbers?;
            let [cpu, simulated, logged, received, fired @ ..] = &numbers[..] else {
                return None;
            };
            self.cpu += Duration::from_millis(*cpu);
            self.simulated += Duration::from_millis(*simulated);
            self.logged += logged;
            self.received += received;
            for (total, count) in self.fired.iter_mut().zip(fired) {
                *total += count;
            }
        }
        self.seeds.insert(seed);
        Some(())
    }

    /// Prints everything.
    pub(crate) fn print(&self) {
        let hours = self.simulated.as_secs_f64() / 3600.0;
        let cpu_hours = self.cpu.as_secs_f64() / 3600.0;
        println!(
            "{} runs, {} failed; {hours:.1} simulated hours in {cpu_hours:.3} hours of CPU ({:.0} per hour); {} events logged, {} received",
            self.seeds.len(),
            self.failed.len(),
            hours / cpu_hours.max(f64::MIN_POSITIVE),
            self.logged,
            self.received,
        );
        for (kind, count) in KINDS.iter().zip(self.fired) {
            println!("  {kind:?}: {count}");
        }
    }
}

/// How long this thread has used a CPU so far; zero where the system does not say it.
pub(crate) fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn outcome() -> Outcome {
        Outcome {
            simulated: 7 * SECOND,
            logged: 3,
            received: 4,
            fired: [(KINDS[2], 5)].into(),
            fingerprint: 0,
        }
    }

    #[test]
    fn a_campaign_that_was_stopped_is_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results");
        let mut first = Totals::kept_in(&path, 1, 100).unwrap();
        first.add(1, &Ok(outcome()), SECOND).unwrap();
        first.add(2, &Err(anyhow::anyhow!("a\nb")), SECOND).unwrap();
        drop(first);
        // It was killed while it wrote.
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("3 1000 70");
        std::fs::write(&path, text).unwrap();
        let mut second = Totals::kept_in(&path, 1, 100).unwrap();
        assert_eq!(second.seeds, [1, 2].into());
        second.add(3, &Ok(outcome()), SECOND).unwrap();
        drop(second);
        let third = Totals::kept_in(&path, 1, 100).unwrap();
        assert_eq!((third.seeds, third.failed), ([1, 2, 3].into(), vec![2]));
        assert_eq!((third.cpu, third.simulated), (2 * SECOND, 14 * SECOND));
        assert_eq!((third.logged, third.received, third.fired[2]), (6, 8, 10));
        let others = Totals::kept_in(&path, 4, 100).unwrap();
        assert!(others.seeds.is_empty());
    }
}
