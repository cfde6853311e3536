//! A nats-server with a stream (one replica, on disk), an edge's local tier over it, and a folder of the embedded log, with the
//! same history.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fanjet_log::{EventLog, UpstreamId};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, Verify};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_runtime::Clock;
use fanjet_testkit::NatsServer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::feed::{Feed, Traffic};
use crate::history;

const PIECE: usize = 1000;

/// A new embedded log numbers its events from the time on, and the readers' cursors from 1.
struct AtZero;

impl Clock for AtZero {
    fn now_us(&self) -> u64 {
        0
    }
}

/// All logs.
pub(crate) struct Logs {
    // Declared before the runtime, which supervises its process.
    nats: NatsServer,
    traffic: Traffic,
    folder: TempDir,
    tier: TempDir,
    runtime: Runtime,
}

/// One of them.
#[derive(Clone, Copy)]
pub(crate) enum Log<'a> {
    Nats(&'a NatsServer),
    /// The same stream through the edge's local tier in a folder, while new events are appended.
    Tier(&'a Logs),
    Embedded(&'a Path),
}

impl Logs {
    pub(crate) fn fill(events: u64) -> Result<Self> {
        let runtime = Runtime::new()?;
        let folder = tempfile::tempdir()?;
        let traffic = Traffic::on_free_port()?;
        let nats = runtime.block_on(async {
            let nats = NatsServer::start_with(&traffic.server_settings()).await?;
            let log = over_nats(&nats.url(), "bench").await?;
            fill("nats", &log, events).await?;
            let log = embedded(folder.path()).await?;
            fill("embedded", &log, events).await?;
            anyhow::Ok(nats)
        })?;
        Ok(Self {
            nats,
            traffic,
            folder,
            tier: tempfile::tempdir()?,
            runtime,
        })
    }

    pub(crate) fn all(&self) -> [Log<'_>; 3] {
        [
            Log::Nats(&self.nats),
            Log::Tier(self),
            Log::Embedded(self.folder.path()),
        ]
    }

    /// Starts appending new events.
    pub(crate) fn feed(&self) -> Result<Feed<'_>> {
        Feed::start(&self.runtime, &self.traffic, &self.nats.url())
    }
}

impl Log<'_> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nats(_) => "nats",
            Self::Tier(_) => "tier",
            Self::Embedded(_) => "embedded",
        }
    }

    /// The argument for [`open`].
    pub(crate) fn place(&self) -> Result<String> {
        match self {
            Self::Nats(server) => Ok(server.url()),
            Self::Tier(logs) => Ok(logs.nats.url()),
            Self::Embedded(folder) => text(folder),
        }
    }

    /// The folder of the edge's local tier, if it has one.
    pub(crate) fn tier(&self) -> Result<Option<String>> {
        match self {
            Self::Tier(logs) => text(logs.tier.path()).map(Some),
            Self::Nats(_) | Self::Embedded(_) => Ok(None),
        }
    }

    /// New events for it, where they are part of what is measured.
    pub(crate) fn feed(&self) -> Result<Option<Feed<'_>>> {
        match self {
            Self::Tier(logs) => logs.feed().map(Some),
            Self::Nats(_) | Self::Embedded(_) => Ok(None),
        }
    }

    /// The server's process, if there is one.
    pub(crate) fn pid(&self) -> Option<i32> {
        let server = match self {
            Self::Nats(server) => server,
            Self::Tier(logs) => &logs.nats,
            Self::Embedded(_) => return None,
        };
        server.process().map(fanjet_testkit::Process::pid)
    }
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path in UTF-8")?.to_owned())
}

/// A log by kind and location.
pub(crate) async fn open(kind: &str, place: &str) -> Result<Arc<dyn EventLog>> {
    Ok(match kind {
        "nats" | "tier" => Arc::new(over_nats(place, "edge").await?),
        _ => Arc::new(embedded(Path::new(place)).await?),
    })
}

pub(crate) async fn over_nats(url: &str, name: &str) -> Result<NatsLog> {
    let config = NatsConfig {
        url: vec![ServerUrl::new(url)],
        name: name.to_owned(),
        ..NatsConfig::default()
    };
    Ok(NatsLog::connect(config).await?)
}

async fn embedded(folder: &Path) -> Result<EmbeddedLog> {
    let config = EmbeddedConfig {
        verify: Verify::Last,
        ..EmbeddedConfig::in_folder(folder)
    };
    Ok(EmbeddedLog::open(config, Arc::new(AtZero)).await?)
}

pub(crate) fn upstream() -> Result<UpstreamId> {
    UpstreamId::new("relay1.us-east.bsky.network").context("a name")
}

async fn fill(name: &str, log: &dyn EventLog, events: u64) -> Result<()> {
    let upstream = upstream()?;
    let (start, began) = (history::start(events)?, Instant::now());
    let mut appender = log.appender(0).await?;
    let (mut piece, mut bytes) = (Vec::with_capacity(PIECE), 0);
    for n in 0..events {
        let event = history::draw(n).event(start, &upstream)?;
        bytes += event.body.len() as u64;
        piece.push(event);
        if piece.len() == PIECE || n + 1 == events {
            appender.append(&piece).await?;
            piece.clear();
        }
    }
    ensure!(appender.flush().await? == events, "all of them");
    let rate = events as f64 / began.elapsed().as_secs_f64();
    println!(
        "{name}: {events} events of {} bytes, {rate:.0}/s",
        bytes / events
    );
    Ok(())
}
