//! Benchmarks: of single steps, each a bench target of its own crate, and of real servers under a swarm of clients.

mod machine;
mod cpu;
mod round;
mod stage;
mod cases;
mod table;
mod target;
mod report;

mod fanout;
mod resources;
mod storms;
mod abuse;
mod growth;

mod steps;
mod ingest;
mod all;

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::cluster::Profile;
use crate::shell::block_on;
use report::Document;
use stage::Side;

/// What can be measured.
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
    /// A swarm at an edge that gets events as fast as it hands them on
    Saturate,
    /// A swarm without filters at 500 events/s: CPU and latency
    Latency,
    /// Swarms with every mix of filters; random DIDs also as fast as the edge routes
    Filters,
    /// The same events plain and compressed
    ZstdSockets,
    /// Memory of idle subscribers
    Memory,
    /// What a nats-server sends to one edge and to two, with few subscribers and many
    Egress,
    /// 2,000 connections per second that come with 1,000 DIDs and go again, beside live subscribers
    Churn,
    /// 10,000 mixed subscribers on one node at 1,000 events/s
    Crowd,
    /// Strangers who mean harm, beside a hundred honest subscribers
    Abuse,
    /// How cost grows with subscribers, with the width of filters and with edges
    Growth,
    /// Every target of the project beside what was measured
    All,
}

/// What is asked for.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Which one
    #[arg(value_enum)]
    what: Bench,
    #[command(flatten)]
    options: Options,
}

/// How benchmarks with a swarm are run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each window that counts
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds between the last connection and the window
    #[arg(long, default_value_t = 3.0)]
    warm_up: f64,
    /// How often everything is measured; the middle counts
    #[arg(long, default_value_t = 3)]
    repeats: usize,
    /// Subscribers instead of what the benchmark is made for
    #[arg(long)]
    subscribers: Option<u64>,
    /// Events per second instead of what the benchmark is made for
    #[arg(long)]
    rate: Option<f64>,
    /// Minutes of crowd; churn lasts one at most
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Connections per second of churn
    #[arg(long, default_value_t = 2_000.0)]
    churn: f64,
    /// Cores for the servers under test; the rest is for everything else
    #[arg(long, default_value_t = 1)]
    server_cores: usize,
    /// Another Jetstream server, ws://host:port/subscribe, to measure in turn with ours (latency, filters, zstd-sockets,
    /// memory, crowd). It must read the simulated firehose at --upstream, which both are fed from then.
    #[arg(long)]
    against: Option<String>,
    /// Its process, if it runs here: without it its CPU time and memory are not known
    #[arg(long, requires = "against")]
    against_pid: Option<i32>,
    /// Where the simulated firehose listens when there is another server
    #[arg(long, default_value = "127.0.0.1:6100")]
    upstream: String,
    /// Dev builds: to see that everything runs, not for figures
    #[arg(long)]
    dev: bool,
}

/// How events are appended.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// Events per second.
    Rate(f64),
    /// As fast as the first edge hands them on, with so many under way.
    Window(u64),
}

impl Options {
    fn profile(&self) -> Profile {
        match self.dev {
            true => Profile::Dev,
            false => Profile::Release,
        }
    }

    fn sides(&self) -> Vec<Side> {
        let other = self.against.clone();
        let other = other.map(|url| Side::Other(url, self.against_pid));
        std::iter::once(Side::Ours(0)).chain(other).collect()
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Whatever ends this drops the processes, which kills them.
        tokio::select! {
            done = measure(args) => done,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
        }
    })
}

async fn measure(args: &Args) -> Result<()> {
    let options = &args.options;
    if let Some(step) = steps::of(args.what) {
        return step.run().await;
    }
    if args.what == Bench::Ingest {
        return ingest::run().await;
    }
    stage::build(options.profile())?;
    fanjet_testkit::tools::nats_server()?;
    let mut document = Document::begin(args.what, options)?;
    match args.what {
        Bench::Latency => fanout::latency(options, &mut document).await?,
        Bench::Saturate => fanout::saturate(options, &mut document).await?,
        Bench::Filters => fanout::filters(options, &mut document).await?,
        Bench::ZstdSockets => fanout::zstd(options, &mut document).await?,
        Bench::Memory => resources::memory(options, &mut document).await?,
        Bench::Egress => resources::egress(options, &mut document).await?,
        Bench::Churn => storms::churn(options, &mut document).await?,
        Bench::Crowd => storms::crowd(options, &mut document).await?,
        Bench::Abuse => abuse::abuse(options, &mut document).await?,
        Bench::Growth => growth::growth(options, &mut document).await?,
        _ => all::all(options, &mut document).await?,
    }
    document.finish()
}

/// Seconds as the swarm's flags want them.
fn seconds(duration: Duration) -> String {
    duration.as_secs_f64().to_string()
}
