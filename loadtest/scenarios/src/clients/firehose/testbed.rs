//! The processes: a simulator, NATS, two ingests and an edge with the raw log, and a node that reads the edge.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_firehose::decode_frame;
use fanjet_oracle::Expected;
use fanjet_testkit::{NatsServer, Process};
use fanjet_tools::programs::Profile;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::service::{Launch, PATIENCE, Service, listening, simulator, stop};

/// Frames of a run.
pub(super) const FRAMES: usize = 6_000;
/// The number before the first frame's. Each frame has the next one.
const SEQ_BASE: &str = "5000000000";
/// How often a connection to the edge ends.
pub(super) const ENDS: usize = 2;
const RATE: &str = "100";
const POLL: Duration = Duration::from_millis(50);

pub(super) struct Testbed {
    folder: TempDir,
    expect_out: PathBuf,
    upstream: Process,
    ingests: Vec<Service>,
    pub(super) edge: Service,
    chain: Service,
    _nats: NatsServer,
}

impl Testbed {
    pub(super) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let expect_out = folder.path().join("expected.jsonl");
        let (frames, file) = (FRAMES.to_string(), expect_out.display().to_string());
        let flags = ["--seed", "19", "--limit", &frames, "--rate", RATE];
        let more = ["--wait-for-client", "--expect-out", &file];
        let flags = [&flags[..], &more, &["--seq-base", SEQ_BASE]].concat();
        let upstream = simulator(Profile::Dev, &flags)?;
        let url = listening(&upstream).await?;
        let nats = NatsServer::start().await?;
        let usual = [
            ("nats.url", nats.url()),
            ("raw.enabled", "true".to_owned()),
            // NATS sets it aside.
            ("raw.max_bytes", "1000000000".to_owned()),
        ];
        let reading = [&usual[..], &[("ingest.upstream.url", url)]].concat();
        let mut ingests = Vec::new();
        let edge = Service::start(Profile::Dev, "edge", &usual)?;
        for name in ["first", "second"] {
            let launch = Launch::named(name.to_owned());
            let ingest = Service::launched(&launch, Profile::Dev, "ingest", &reading)?;
            ingest.wait_until_ready().await?;
            ingests.push(ingest);
        }
        edge.wait_until_ready().await?;
        let behind = [
            ("ingest.upstream.url", edge.url()?),
            (
                "embedded.path",
                folder.path().join("chain").display().to_string(),
            ),
            ("raw.enabled", "true".to_owned()),
        ];
        let chain = Service::launched(
            &Launch::named("chain".to_owned()),
            Profile::Dev,
            "serve",
            &behind,
        )?;
        Ok(Self {
            folder,
            expect_out,
            upstream,
            ingests,
            edge,
            chain,
            _nats: nats,
        })
    }

    /// The number of the last frame.
    pub(super) fn last_seq() -> Result<u64> {
        Ok(SEQ_BASE.parse::<u64>()? + FRAMES as u64)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As an upgrade does.
    pub(super) async fn restart_edge(&mut self) -> Result<()> {
        self.edge.stop().await?;
        self.edge.restart()?;
        self.edge.wait_until_ready().await
    }

    pub(super) async fn kill_edge(&mut self) -> Result<()> {
        self.edge.kill().await?;
        self.edge.restart()?;
        self.edge.wait_until_ready().await
    }

    /// The other ingest takes over.
    pub(super) async fn kill_leader(&mut self) -> Result<()> {
        self.ingests.remove(0).kill().await
    }

    /// The numbers of all frames that the node behind the edge has, once it has the edge's newest one.
    pub(super) async fn frames_of_the_chain(&self) -> Result<Vec<u64>> {
        const NEWEST: &str = "fanjet_edge_raw_wire_seq";
        let started = Instant::now();
        // It was killed, and has frames again some time after it is ready.
        let newest = loop {
            let newest = self.edge.metric(NEWEST, "").await?;
            if newest >= Self::last_seq()? as f64 {
                break newest;
            }
            ensure!(started.elapsed() < PATIENCE, "the edge lacks frames");
            sleep(POLL).await;
        };
        while self.chain.metric(NEWEST, "").await? < newest {
            ensure!(started.elapsed() < PATIENCE, "the chain is behind");
            sleep(POLL).await;
        }
        let url = format!(
            "{}/xrpc/com.atproto.sync.subscribeRepos?cursor=0",
            self.chain.url()?
        );
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
        let mut seqs = Vec::new();
        while seqs.last().is_none_or(|last| (*last as f64) < newest) {
            let message = timeout(PATIENCE, socket.next()).await?;
            if let Message::Binary(frame) = message.context("the chain ended")?? {
                let frame = decode_frame(&frame).context("no frame")?;
                seqs.push(frame.seq().context("a frame without a number")?);
            }
        }
        Ok(seqs)
    }

    /// What was sent: known when the simulator has written it down, at its end.
    pub(super) async fn expected(&self) -> Result<Vec<Expected>> {
        stop(&self.upstream, "simulator").await?;
        Expected::all(&std::fs::read_to_string(&self.expect_out)?)
    }

    pub(super) async fn stop(mut self) -> Result<()> {
        self.chain.stop().await?;
        for ingest in &mut self.ingests {
            ingest.stop().await?;
        }
        self.edge.stop().await
    }
}
