//! The benchmarks, and their options.

use std::path::PathBuf;
use std::time::Duration;

use fanjet_tools::programs::Profile;

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bench {
    /// Frames to v1 JSON, beside the plain decoder
    Decode,
    /// Signatures and proofs of commits
    Verify,
    /// Routing and lanes of one hub, without sockets
    Fanout,
    /// CPU per delivered event over real sockets, by encoding
    Sockets,
    /// Replays from a real nats-server and from the embedded log, side by side
    Replay,
    /// Recorded frames through ingest into a real nats-server
    Ingest,
    /// zstd frames per level, with the dictionary
    Zstd,
    /// Appending to and reading from a real nats-server
    Log,
    /// Appending to, reading from and opening the embedded log
    Embedded,
    /// A log into a real Kafka broker
    Kafka,
    /// The least that delivery can cost: a bare loop of writes to as many sockets
    Ceiling,
    /// Subscribers at an edge that gets events as fast as it delivers them
    Saturate,
    /// Subscribers without filters at 500 events/s: CPU and latency
    Latency,
    /// Subscribers with every mix of filters; random DIDs also as fast as the edge routes
    Filters,
    /// The same events plain and compressed
    ZstdSockets,
    /// The same events as Jetstream v1, as v2 and as compressed v2, in turn
    V2,
    /// Memory of idle subscribers
    Memory,
    /// Subscribers of raw frames: the whole network live, and replays
    Raw,
    /// What a nats-server sends to one edge and to two, with few subscribers and many
    Egress,
    /// 2,000 short-lived connections per second with 1,000 DIDs each, beside live subscribers
    Churn,
    /// 10,000 mixed subscribers on one node at 1,000 events/s
    Crowd,
    /// Hostile clients beside a hundred honest subscribers
    Abuse,
    /// How cost grows with subscribers, with the width of filters and with edges
    Growth,
    /// Every target of the project with the measured value
    All,
}

/// Arguments.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The benchmark
    #[arg(value_enum)]
    pub(super) what: Bench,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Options of benchmarks with a load generator.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each measured window
    #[arg(long, default_value_t = 10.0)]
    pub(super) seconds: f64,
    /// Seconds between the last connection and the window
    #[arg(long, default_value_t = 3.0)]
    pub(super) warm_up: f64,
    /// Number of rounds; the median counts
    #[arg(long, default_value_t = 3)]
    pub(super) repeats: usize,
    /// Subscribers instead of the benchmark's default
    #[arg(long)]
    pub(super) subscribers: Option<u64>,
    /// Events per second instead of the benchmark's default
    #[arg(long)]
    pub(super) rate: Option<f64>,
    /// Minutes of crowd; churn lasts one at most
    #[arg(long, default_value_t = 10.0)]
    pub(super) minutes: f64,
    /// Connections per second of churn
    #[arg(long, default_value_t = 2_000.0)]
    pub(super) churn: f64,
    /// Cores for the servers under test; the rest is for everything else
    #[arg(long, default_value_t = 1)]
    pub(super) server_cores: usize,
    /// Another Jetstream server, ws://host:port/subscribe, to measure in turn with ours (latency, filters, zstd-sockets,
    /// memory, crowd). It must read the simulated firehose at --upstream, which both are fed from then.
    #[arg(long)]
    pub(super) against: Option<String>,
    /// Its process, if it runs here: without it its CPU time and memory are not known
    #[arg(long, requires = "against")]
    pub(super) against_pid: Option<i32>,
    /// Where the simulated firehose listens when there is another server
    #[arg(long, default_value = "127.0.0.1:6100")]
    pub(super) upstream: String,
    /// An older build of the program, to measure in turn with today's. A script will do, for instance one that translates
    /// the names of settings
    #[arg(long, conflicts_with = "against")]
    pub(super) baseline: Option<PathBuf>,
    /// The program under test instead of the one that is built.
    #[arg(skip)]
    pub(super) program: Option<PathBuf>,
    /// Dev builds: to check that everything runs, not for figures
    #[arg(long)]
    pub(super) dev: bool,
}

/// The name of the side whose program is built from this checkout.
pub(super) const OURS: &str = "ours";

/// The server under load.
#[derive(Debug, Clone)]
pub(super) enum Side {
    /// Of one of our edges.
    Ours(usize),
    /// Of another server, with its process if it runs here.
    Other(String, Option<i32>),
}

/// How events are appended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Events per second.
    Rate(f64),
    /// As fast as the first edge delivers them, with this many in flight.
    Window(u64),
}

impl Options {
    pub(super) fn profile(&self) -> Profile {
        Profile::of(self.dev)
    }

    /// What the rounds of this program are called.
    pub(super) fn side(&self) -> &'static str {
        match self.program {
            None => OURS,
            Some(_) => "baseline",
        }
    }

    pub(super) fn sides(&self) -> Vec<Side> {
        let other = self.against.clone();
        let other = other.map(|url| Side::Other(url, self.against_pid));
        std::iter::once(Side::Ours(0)).chain(other).collect()
    }
}

/// Seconds for the load generator's flags.
pub(super) fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}
