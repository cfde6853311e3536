//! What can be chosen.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::{FaultRule, MuteRule};

/// The world: equal values give equal bytes.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// Where all randomness comes from.
    pub seed: u64,
    /// How many accounts there are.
    pub accounts: usize,
    /// How many of them have a did:web.
    pub did_web_accounts: usize,
    /// Records per repo at the beginning, on average; busy accounts have more, quiet ones fewer.
    pub records_per_repo: usize,
    /// How many collections there are outside `app.bsky` and `chat.bsky`.
    pub foreign_collections: usize,
    /// When the simulated clock starts, in Unix microseconds.
    pub start_us: u64,
    /// How far the simulated clock moves per frame, on average, in microseconds.
    pub step_us: u64,
    /// The seq before the first frame's. Nothing else depends on it: two simulators of one world with different ones are
    /// two relays that number differently.
    pub seq_base: u64,
    /// How likely some seqs are left out before a frame, as a relay does that filters; nothing is lost by it.
    pub seq_holes: f64,
    /// The share of commits with more than one operation.
    pub multi_op_commits: f64,
    /// Faults to inject, in order of precedence.
    pub faults: Vec<FaultRule>,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            accounts: 500,
            did_web_accounts: 3,
            records_per_repo: 200,
            foreign_collections: 600,
            start_us: 1_783_175_887_000_000,
            step_us: 1_000,
            seq_base: 30_000_000_000,
            seq_holes: 0.0,
            multi_op_commits: 0.02,
            faults: Vec::new(),
        }
    }
}

/// Where frames come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A world made from a seed.
    World(WorldConfig),
    /// A recording: repeated `[u32 little-endian length][frame]`, plain or compressed with zstd.
    Recording(PathBuf),
}

/// How fast frames are published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Frames per second, in small even slices.
    PerSecond(f64),
    /// As fast as they can be made.
    Max,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        text.parse()
            .ok()
            .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
            .map(Self::PerSecond)
            .ok_or_else(|| "expected frames per second, above 0, or max".to_owned())
    }
}

/// How a server takes cursors. All begin behind the frame that the cursor names, if it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CursorHabit {
    /// As specified, and as a PDS does: a cursor of the future is refused by an error frame, one that is too old is told
    /// by an info frame.
    #[default]
    Spec,
    /// As indigo's relay: a cursor of the future gets what happens now, one that is too old the oldest there is, both
    /// without a word.
    Relay,
    /// As indigo's rainbow: as the relay, but the frame that the cursor names is sent once more.
    Rainbow,
}

impl FromStr for CursorHabit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "spec" => Ok(Self::Spec),
            "relay" => Ok(Self::Relay),
            "rainbow" => Ok(Self::Rainbow),
            _ => Err("expected spec, relay or rainbow".to_owned()),
        }
    }
}

/// The whole simulator.
#[derive(Debug, Clone)]
pub struct SimulatorConfig {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where frames come from.
    pub source: Source,
    /// How fast they are published.
    pub rate: Rate,
    /// Stop publishing after this many frames; connections stay open.
    pub limit: Option<u64>,
    /// Publish this many frames before listening.
    pub backlog: u64,
    /// Publish nothing beyond the backlog before the first client has connected.
    pub wait_for_client: bool,
    /// Begin as if [paused](crate::SimulatorHandle::pause) behind the backlog.
    pub is_paused: bool,
    /// How cursors are taken.
    pub cursors: CursorHabit,
    /// Forget the oldest frames above this many bytes.
    pub history_bytes: usize,
    /// Forget the oldest frames above this many.
    pub history_frames: usize,
    /// Keep the expected events of the frames that are not forgotten.
    pub keep_expected: bool,
    /// Write every expected event to this file, one JSON line each.
    pub expect_out: Option<PathBuf>,
    /// Write every published frame to this file, as a recording.
    pub record_out: Option<PathBuf>,
    /// Refuse more connections than this.
    pub max_connections: usize,
    /// How long a stall lasts.
    pub stall: Duration,
    /// A collection that is left out.
    pub mute: Option<MuteRule>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            source: Source::World(WorldConfig::default()),
            rate: Rate::PerSecond(500.0),
            limit: None,
            backlog: 0,
            wait_for_client: false,
            is_paused: false,
            cursors: CursorHabit::default(),
            history_bytes: 512 << 20,
            history_frames: 1_000_000,
            keep_expected: true,
            expect_out: None,
            record_out: None,
            max_connections: 64,
            stall: Duration::from_secs(5),
            mute: None,
        }
    }
}
