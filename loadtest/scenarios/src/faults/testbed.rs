//! The target of a fault: an upstream, the programs behind it, their log, and a client that follows from the first
//! event on.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{Rate, Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use fanjet_testkit::NatsServer;
use fanjet_tools::programs::Profile;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::follower::Follower;
use super::probe;
use super::upstream_proxy::UpstreamProxy;
use crate::service::{Launch, Service};

/// Deadline of every expected fact.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const POLL: Duration = Duration::from_millis(50);

/// Frames per second of the upstream.
const RATE: f64 = 100.0;
/// Events in the log before a fault.
const BEFORE: usize = 100;
/// An edge polls the end of the log often, and is not ready without a response for this long.
const TAIL: [(&str, &str); 2] = [
    ("edge.tail.check_interval", "500ms"),
    ("edge.tail.fresh_within", "5s"),
];

/// All processes. Dropping it stops them.
pub(super) struct Testbed {
    pub(super) relay: SimulatorHandle,
    pub(super) proxy: UpstreamProxy,
    pub(super) services: Vec<Service>,
    nats: Option<NatsServer>,
    follower: Option<Follower>,
    // After the programs that use it.
    folder: TempDir,
}

impl Testbed {
    /// An upstream that sends nothing yet.
    pub(super) async fn new() -> Result<Self> {
        let relay = upstream().await?;
        let proxy = UpstreamProxy::start(relay.port()).await?;
        Ok(Self {
            relay,
            proxy,
            services: Vec::new(),
            nats: None,
            follower: None,
            folder: tempfile::tempdir()?,
        })
    }

    /// A folder for a log.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `fanjet serve` with its log in a folder, healthy.
    pub(super) async fn serve(
        &mut self,
        data: &Path,
        launch: &Launch,
        settings: &[(&str, &str)],
    ) -> Result<()> {
        let data = data.display().to_string();
        let mut all = self.upstream_settings();
        all.push(("embedded.path", data));
        all.extend(TAIL.iter().chain(settings).copied().map(owned));
        let serve = Service::launched(launch, Profile::Dev, "serve", &all)?;
        self.services.push(serve);
        self.begin().await
    }

    /// An ingest and an edge over a NATS server, healthy.
    pub(super) async fn cluster(
        &mut self,
        nats: NatsServer,
        settings: &[(&str, &str)],
    ) -> Result<()> {
        self.cluster_with(nats, settings, &[]).await
    }

    /// The same, with settings of the edge alone.
    pub(super) async fn cluster_with(
        &mut self,
        nats: NatsServer,
        settings: &[(&str, &str)],
        of_edge: &[(&str, &str)],
    ) -> Result<()> {
        let mut log: Vec<_> = settings.iter().copied().map(owned).collect();
        log.push(("nats.url", nats.url()));
        self.nats = Some(nats);
        let ingest = [self.upstream_settings(), log.clone()].concat();
        let ingest = Service::start(Profile::Dev, "ingest", &ingest)?;
        log.extend(TAIL.iter().chain(of_edge).copied().map(owned));
        let edge = Service::start(Profile::Dev, "edge", &log)?;
        self.services.extend([ingest, edge]);
        self.begin().await
    }

    /// The same on a NATS server of its own, without further settings.
    pub(super) async fn plain_cluster(&mut self) -> Result<()> {
        self.cluster(NatsServer::start().await?, &[]).await
    }

    fn upstream_settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![("ingest.upstream.url", self.proxy.url())];
        let given = [
            ("ingest.upstream.name", "simulator"),
            ("ingest.upstream.reconnect_min", "100ms"),
            ("ingest.upstream.reconnect_max", "1s"),
        ];
        settings.extend(given.map(owned));
        settings
    }

    /// Waits until everything is ready, and events flow.
    async fn begin(&mut self) -> Result<()> {
        self.until_ready().await.context("before the fault")?;
        let connected = timeout(PATIENCE, self.relay.wait_for_clients(1)).await;
        connected.context("no ingest reads the upstream")?;
        // An empty log starts with the current events: a client that is connected before gets everything.
        let follower = Follower::start(self.edge()?, PATIENCE).await?;
        self.relay.resume();
        follower.has(BEFORE, PATIENCE).await?;
        self.follower = Some(follower);
        Ok(())
    }

    /// Waits until all programs are ready, and one leads.
    pub(super) async fn until_ready(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while let Some(missing) = self.missing().await {
            ensure!(Instant::now() < until, "not ready: {missing}");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// What a program waits for, or why it did not respond.
    async fn missing(&self) -> Option<String> {
        for service in &self.services {
            match probe::readiness(service).await {
                Ok(answer) if answer.status == 200 && !answer.is_standby => {}
                Ok(answer) => return Some(format!("{} responds {answer:?}", service.name)),
                Err(error) => return Some(format!("{error:#}")),
            }
        }
        None
    }

    /// Waits until this many more frames have been published.
    pub(super) async fn frames(&self, more: u64) -> Result<()> {
        let until = self.relay.produced() + more;
        let published = timeout(PATIENCE, self.relay.wait_until_produced(until)).await;
        published.context("the simulator publishes nothing")
    }

    /// Waits until the live client has this many more events.
    pub(super) async fn events(&self, more: usize) -> Result<()> {
        let follower = self.follower()?;
        follower.has(follower.count() + more, PATIENCE).await
    }

    pub(super) fn follower(&self) -> Result<&Follower> {
        self.follower.as_ref().context("no client yet")
    }

    /// Where clients connect.
    pub(super) fn edge(&self) -> Result<String> {
        let edge = self.services.iter().find_map(|it| it.url().ok());
        edge.context("no program serves clients")
    }

    pub(super) fn service(&mut self, name: &str) -> Result<&mut Service> {
        let mut services = self.services.iter_mut();
        let found = services.find(|service| service.name == name);
        found.with_context(|| format!("no such program: {name}"))
    }

    pub(super) fn nats(&mut self) -> Result<&mut NatsServer> {
        self.nats.as_mut().context("no NATS server")
    }

    /// Writes the output of all programs.
    pub(super) fn keep_logs(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        for service in &self.services {
            service.keep_log(folder)?;
        }
        if let Some(process) = self.nats.as_ref().and_then(NatsServer::process) {
            std::fs::write(folder.join("nats.log"), process.lines().join("\n"))?;
        }
        Ok(())
    }
}

fn owned<'a>((key, value): (&'a str, &str)) -> (&'a str, String) {
    (key, value.to_owned())
}

async fn upstream() -> Result<SimulatorHandle> {
    let world = WorldConfig {
        accounts: 40,
        records_per_repo: 30,
        multi_op_commits: 0.2,
        start_us: SystemClock.now_us(),
        ..WorldConfig::default()
    };
    let config = SimulatorConfig {
        source: Source::World(world),
        rate: Rate::PerSecond(RATE),
        is_paused: true,
        ..SimulatorConfig::default()
    };
    Ok(Simulator::start(config).await?)
}
