//! The plan of a run, as flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use crate::mix::Mix;

/// A run.
#[derive(Debug, Clone, clap::Args)]
pub struct Plan {
    /// The server: ws://host:port/subscribe, with parameters for every connection
    pub url: String,
    /// Connections that stay open, in all processes
    #[arg(long, default_value_t = 100)]
    pub connections: u64,
    /// Filters: a (none), b (posts), c (1 to 20 collections), d (100 DIDs), wN (N DIDs), e (a=1,b=3,c=3,d=3), or shares
    #[arg(long, default_value = "a")]
    pub mix: Mix,
    /// Request compressed streams
    #[arg(long)]
    pub zstd: bool,
    /// Read Jetstream v2 of the same server. With --zstd also compressed
    #[arg(long, conflicts_with_all = ["by_message", "churn"])]
    pub v2: bool,
    /// Send every filter as an options update, even short ones
    #[arg(long)]
    pub by_message: bool,
    /// Connections opened per second
    #[arg(long, default_value_t = 500.0)]
    pub ramp: f64,
    /// Seconds between the last connection and the measured window
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Length of the measured window in seconds
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Connections whose every event is checked
    #[arg(long, default_value_t = 40)]
    pub sample: u64,
    /// How to read the others
    #[arg(long, value_enum, default_value = "frames")]
    pub count: Count,
    /// Do not open the additional unfiltered connection that detects missing events
    #[arg(long)]
    pub no_reference: bool,
    /// Threads of each process
    #[arg(long, default_value_t = 1)]
    pub threads: u64,
    /// Processes, each with its own limit on open files
    #[arg(long, default_value_t = 1)]
    pub processes: u64,
    /// Seed of all filters and lifetimes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seconds of reading the stream for DIDs and collections, if the mix or the churn needs them
    #[arg(long, default_value_t = 3.0)]
    pub probe: f64,
    /// DIDs and collections from a file instead: {"dids": [...], "collections": [...]}
    #[arg(long)]
    pub world: Option<PathBuf>,
    /// Loopback addresses to connect from; 0: as many as the ports need
    #[arg(long, default_value_t = 0)]
    pub sources: u64,
    /// Short-lived connections opened per second, in addition to those that stay
    #[arg(long, default_value_t = 0.0)]
    pub churn: f64,
    /// DIDs in the filter of each short-lived connection
    #[arg(long, default_value_t = 1_000)]
    pub churn_dids: usize,
    /// Mean lifetime of short-lived connections in seconds; drawn between 0 and twice that
    #[arg(long, default_value_t = 1.0)]
    pub churn_life: f64,
    /// Maximum number of short-lived connections at one time; connections beyond it are not opened, and counted
    #[arg(long, default_value_t = 8_000)]
    pub churn_open: u64,
}

/// How connections are read that are not checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Count {
    /// Frame headers are walked, pings answered
    Frames,
    /// Bytes are thrown away unseen: closes show only as ends, and pings are answered without their payload
    Bytes,
}

impl Plan {
    /// Whether DIDs or collections of the stream are needed.
    pub fn needs_world(&self) -> bool {
        self.world.is_none() && (self.mix.needs_world() || self.churn > 0.0)
    }

    /// The share of one part of the swarm, of `parts`.
    pub fn share(&self, part: u64, parts: u64) -> Share {
        let of = |whole: u64| whole / parts + u64::from(part < whole % parts);
        Share {
            part,
            parts,
            connections: of(self.connections),
            sample: of(self.sample.min(self.connections)),
            ramp: self.ramp / parts as f64,
            churn: self.churn / parts as f64,
            churn_open: of(self.churn_open),
            // One for each process, in its first thread.
            has_reference: part < self.processes && !self.no_reference,
        }
    }

    /// Files that one process opens at one time.
    pub fn open_files(&self) -> u64 {
        let churn = (self.churn * self.churn_life * 2.0) as u64;
        let all = self.connections + churn.min(self.churn_open);
        all / self.processes.max(1) + 200
    }

    /// Connections over the whole run: each needs a port that stays taken for a minute behind it.
    pub fn ports(&self) -> u64 {
        let run = self.connections as f64 / self.ramp + self.warm_up + self.seconds;
        self.connections + (self.churn * run.min(120.0)) as u64
    }

    /// How long the ramp takes.
    pub fn ramp_time(&self) -> Duration {
        Duration::from_secs_f64(self.connections as f64 / self.ramp.max(1e-3))
    }
}

/// What one thread does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Which one.
    pub part: u64,
    /// Of how many.
    pub parts: u64,
    /// Connections that stay.
    pub connections: u64,
    /// Of these, how many are checked.
    pub sample: u64,
    /// Connections per second to begin with.
    pub ramp: f64,
    /// Connections per second that come and go.
    pub churn: f64,
    /// Of these at one time.
    pub churn_open: u64,
    /// Whether it has the reference, too.
    pub has_reference: bool,
}

impl Share {
    /// Whether the `index`-th connection of this part is checked: they are spread evenly.
    pub fn is_sampled(&self, index: u64) -> bool {
        let upto = |index: u64| index * self.sample / self.connections.max(1);
        upto(index + 1) > upto(index)
    }

    /// The number of the `index`-th connection of this part among all.
    pub fn number(&self, index: u64) -> u64 {
        index * self.parts + self.part
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        plan: Plan,
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let flags = [
            "swarm",
            "ws://h:1",
            "--connections",
            "1001",
            "--sample",
            "43",
        ];
        let plan = Flags::parse_from(flags).plan;
        for parts in [1, 2, 3, 7] {
            let shares: Vec<_> = (0..parts).map(|part| plan.share(part, parts)).collect();
            let mut numbers: Vec<_> = shares
                .iter()
                .flat_map(|share| (0..share.connections).map(|it| share.number(it)))
                .collect();
            numbers.sort_unstable();
            assert_eq!(numbers, (0..1001).collect::<Vec<_>>());
            let sampled = shares
                .iter()
                .map(|share| {
                    (0..share.connections)
                        .filter(|it| share.is_sampled(*it))
                        .count()
                })
                .sum::<usize>();
            assert_eq!(sampled, 43);
            assert_eq!(shares.iter().filter(|it| it.has_reference).count(), 1);
        }
    }
}
