//! A nats-server with a stream (one replica, on disk) and a folder of the embedded log, with the same history.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use fanjet_log::{EventLog, UpstreamId};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, Verify};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl};
use fanjet_runtime::SystemClock;
use fanjet_testkit::NatsServer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::history;

const PIECE: usize = 1000;

/// Both logs.
pub(crate) struct Logs {
    // Declared before the runtime, which supervises its process.
    nats: NatsServer,
    folder: TempDir,
    _runtime: Runtime,
}

/// One of them.
#[derive(Clone, Copy)]
pub(crate) enum Log<'a> {
    Nats(&'a NatsServer),
    Embedded(&'a Path),
}

impl Logs {
    pub(crate) fn fill(events: u64) -> Result<Self> {
        let runtime = Runtime::new()?;
        let folder = tempfile::tempdir()?;
        let nats = runtime.block_on(async {
            let nats = NatsServer::start().await?;
            let log = over_nats(&nats.url()).await?;
            fill("nats", &log, events).await?;
            let log = embedded(folder.path()).await?;
            fill("embedded", &log, events).await?;
            anyhow::Ok(nats)
        })?;
        Ok(Self {
            nats,
            folder,
            _runtime: runtime,
        })
    }

    pub(crate) fn both(&self) -> [Log<'_>; 2] {
        [Log::Nats(&self.nats), Log::Embedded(self.folder.path())]
    }
}

impl Log<'_> {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nats(_) => "nats",
            Self::Embedded(_) => "embedded",
        }
    }

    /// The argument for [`open`].
    pub(crate) fn place(&self) -> Result<String> {
        match self {
            Self::Nats(server) => Ok(server.url()),
            Self::Embedded(folder) => Ok(folder.to_str().context("a path in UTF-8")?.to_owned()),
        }
    }

    /// The server's process, if there is one.
    pub(crate) fn pid(&self) -> Option<i32> {
        match self {
            Self::Nats(server) => server.process().map(fanjet_testkit::Process::pid),
            Self::Embedded(_) => None,
        }
    }
}

/// A log by kind and location.
pub(crate) async fn open(kind: &str, place: &str) -> Result<Arc<dyn EventLog>> {
    Ok(match kind {
        "nats" => Arc::new(over_nats(place).await?),
        _ => Arc::new(embedded(Path::new(place)).await?),
    })
}

async fn over_nats(url: &str) -> Result<NatsLog> {
    let config = NatsConfig {
        url: vec![ServerUrl::new(url)],
        ..NatsConfig::default()
    };
    Ok(NatsLog::connect(config).await?)
}

async fn embedded(folder: &Path) -> Result<EmbeddedLog> {
    let config = EmbeddedConfig {
        verify: Verify::Last,
        ..EmbeddedConfig::in_folder(folder)
    };
    Ok(EmbeddedLog::open(config, Arc::new(SystemClock)).await?)
}

async fn fill(name: &str, log: &dyn EventLog, events: u64) -> Result<()> {
    let upstream = UpstreamId::new("relay1.us-east.bsky.network").context("a name")?;
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
