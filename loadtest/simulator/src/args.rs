//! Command line flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fanjet_simulator::{
    CursorHabit, FaultRule, MuteRule, Rate, SimulatorConfig, Source, WorldConfig,
};

/// Serves com.atproto.sync.subscribeRepos from a seeded world, with real signed frames.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Where to listen; port 0 takes any free one
    #[arg(long, default_value = "127.0.0.1:6100")]
    listen: SocketAddr,
    /// Frames per second, or max
    #[arg(long, default_value = "500")]
    rate: Rate,
    /// Stop publishing after this many frames, backlog included; connections stay open
    #[arg(long)]
    limit: Option<u64>,
    /// Publish this many frames before listening
    #[arg(long, default_value_t = 0)]
    backlog: u64,
    /// Publish nothing beyond the backlog before the first client has connected
    #[arg(long)]
    wait_for_client: bool,
    /// Cursor semantics: spec, or relay or rainbow like indigo's
    #[arg(long, default_value = "spec")]
    cursors: CursorHabit,
    /// Drop the oldest frames above this many bytes
    #[arg(long, default_value_t = 512 << 20)]
    history_bytes: usize,
    /// Drop the oldest frames above this many
    #[arg(long, default_value_t = 1_000_000)]
    history_frames: usize,
    /// Reject more connections than this
    #[arg(long, default_value_t = 64)]
    max_connections: usize,
    /// Write every expected event to this file, one JSON line each
    #[arg(long, value_name = "FILE")]
    expect_out: Option<PathBuf>,
    /// Write every published frame to this file, for --replay
    #[arg(long, value_name = "FILE")]
    record_out: Option<PathBuf>,
    /// Serve recorded frames: repeated [u32 LE length][frame], plain or zstd
    #[arg(long, value_name = "FILE", conflicts_with_all = WORLD)]
    replay: Option<PathBuf>,

    /// Also run this many labelers, at most 26, whose documents are served here
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=26))]
    pub(crate) labelers: u8,
    /// Frames that each labeler publishes
    #[arg(long, default_value_t = 1_000)]
    pub(crate) labels: u64,
    /// Frames per second of each labeler
    #[arg(long, default_value_t = 10)]
    pub(crate) labels_rate: u32,

    /// Seed of all randomness
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of accounts in the world
    #[arg(long, default_value_t = 500)]
    accounts: usize,
    /// Number of accounts with a did:web
    #[arg(long, default_value_t = 3)]
    did_web_accounts: usize,
    /// Average number of initial records per repo; more of them make commits larger, as on the network
    #[arg(long, default_value_t = 1000)]
    records_per_repo: usize,
    /// Number of collections outside app.bsky and chat.bsky
    #[arg(long, default_value_t = 600)]
    foreign_collections: usize,
    /// Start of the simulated clock in Unix microseconds, or now
    #[arg(long, default_value = "1783175887000000")]
    start: Start,
    /// Step of the simulated clock per frame in microseconds; derived from the rate by default
    #[arg(long)]
    step_us: Option<u64>,
    /// The seq before the first frame's; the same world with another value is a relay with another numbering
    #[arg(long, default_value_t = 30_000_000_000)]
    seq_base: u64,
    /// Probability of a harmless gap in the seqs before a frame
    #[arg(long, default_value_t = 0.0)]
    seq_holes: f64,
    /// Share of commits with more than one operation
    #[arg(long, default_value_t = 0.02)]
    multi_op_commits: f64,
    /// A fault, FAULT=every:N or FAULT=PROBABILITY; may be repeated
    #[arg(long, value_name = "RULE")]
    fault: Vec<FaultRule>,
    /// How long a stall lasts, in milliseconds
    #[arg(long, default_value_t = 5_000)]
    stall_ms: u64,
    /// Silently drop a collection: NSID or NSID=after:FRAMES
    #[arg(long, value_name = "RULE")]
    mute: Option<MuteRule>,
}

/// The flags of a world, which a recording does not have.
const WORLD: [&str; 11] = [
    "seed",
    "accounts",
    "did_web_accounts",
    "records_per_repo",
    "foreign_collections",
    "start",
    "step_us",
    "seq_base",
    "seq_holes",
    "multi_op_commits",
    "fault",
];

/// The start of the simulated clock.
#[derive(Debug, Clone, Copy)]
enum Start {
    At(u64),
    Now,
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "now" {
            return Ok(Self::Now);
        }
        let us = text.parse();
        us.map(Self::At)
            .map_err(|_| "expected Unix microseconds or now".to_owned())
    }
}

impl Start {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock may enter the world, on request"
    )]
    fn unix_us(self) -> anyhow::Result<u64> {
        match self {
            Self::At(us) => Ok(us),
            Self::Now => {
                let now = std::time::SystemTime::now();
                let since = now
                    .duration_since(std::time::UNIX_EPOCH)
                    .context("the clock is before 1970")?;
                Ok(u64::try_from(since.as_micros())?)
            }
        }
    }
}

impl Args {
    /// The configuration for these flags.
    pub(crate) fn config(self) -> anyhow::Result<SimulatorConfig> {
        let step_us = self.step_us.unwrap_or(match self.rate {
            Rate::PerSecond(rate) => (1e6 / rate) as u64,
            Rate::Max => WorldConfig::default().step_us,
        });
        let source = match self.replay {
            Some(path) => Source::Recording(path),
            None => Source::World(WorldConfig {
                seed: self.seed,
                accounts: self.accounts,
                did_web_accounts: self.did_web_accounts,
                records_per_repo: self.records_per_repo,
                foreign_collections: self.foreign_collections,
                start_us: self.start.unix_us()?,
                step_us,
                seq_base: self.seq_base,
                seq_holes: self.seq_holes,
                multi_op_commits: self.multi_op_commits,
                faults: self.fault,
            }),
        };
        Ok(SimulatorConfig {
            listen: self.listen,
            source,
            rate: self.rate,
            limit: self.limit,
            backlog: self.backlog,
            wait_for_client: self.wait_for_client,
            is_paused: false,
            cursors: self.cursors,
            history_bytes: self.history_bytes,
            history_frames: self.history_frames,
            keep_expected: false,
            expect_out: self.expect_out,
            record_out: self.record_out,
            max_connections: self.max_connections,
            stall: Duration::from_millis(self.stall_ms),
            mute: self.mute,
        })
    }
}
