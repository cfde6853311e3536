//! The configuration.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::{FaultRule, MuteRule};

/// The world: equal values give equal bytes.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// Seed of all randomness.
    pub seed: u64,
    /// Number of accounts.
    pub accounts: usize,
    /// Number of accounts with a did:web.
    pub did_web_accounts: usize,
    /// Average number of initial records per repo; busy accounts have more, quiet ones fewer.
    pub records_per_repo: usize,
    /// Number of collections outside `app.bsky` and `chat.bsky`.
    pub foreign_collections: usize,
    /// Start of the simulated clock, in Unix microseconds.
    pub start_us: u64,
    /// Average step of the simulated clock per frame, in microseconds.
    pub step_us: u64,
    /// The seq before the first frame's. Nothing else depends on it: two simulators of one world with different values
    /// are two relays with different numbering.
    pub seq_base: u64,
    /// Probability of a gap in the seqs before a frame, as in a relay that filters; no event is lost.
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
    /// A world generated from a seed.
    World(WorldConfig),
    /// A recording: repeated `[u32 little-endian length][frame]`, plain or compressed with zstd.
    Recording(PathBuf),
}

/// The rate of publishing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// Frames per second, in small even slices.
    PerSecond(f64),
    /// As fast as frames can be generated.
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

/// How a server interprets cursors. All start after the frame of the cursor, if it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CursorHabit {
    /// As specified, and as in a PDS: a future cursor is rejected with an error frame, one that is too old gets an info
    /// frame.
    #[default]
    Spec,
    /// As indigo's relay: a future cursor gets current frames, one that is too old gets the oldest ones, both silently.
    Relay,
    /// As indigo's rainbow: as the relay, but the frame of the cursor is sent again.
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
    /// Listen address; port 0 picks any free port.
    pub listen: SocketAddr,
    /// Where frames come from.
    pub source: Source,
    /// The rate of publishing.
    pub rate: Rate,
    /// Stop publishing after this many frames; connections stay open.
    pub limit: Option<u64>,
    /// Publish this many frames before listening.
    pub backlog: u64,
    /// Publish nothing beyond the backlog before the first client has connected.
    pub wait_for_client: bool,
    /// Start [paused](crate::SimulatorHandle::pause) after the backlog.
    pub is_paused: bool,
    /// How cursors are interpreted.
    pub cursors: CursorHabit,
    /// Drop the oldest frames above this many bytes.
    pub history_bytes: usize,
    /// Drop the oldest frames above this many.
    pub history_frames: usize,
    /// Keep the expected events of the frames that are kept.
    pub keep_expected: bool,
    /// Write every expected event to this file, one JSON line each.
    pub expect_out: Option<PathBuf>,
    /// Write every published frame to this file, as a recording.
    pub record_out: Option<PathBuf>,
    /// Reject more connections than this.
    pub max_connections: usize,
    /// How long a stall lasts.
    pub stall: Duration,
    /// A collection that is dropped.
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
