//! A cluster with its clients: everything in a run that takes time.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_tools::programs::Profile;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::driver::Driver;
use super::install::Installed;
use super::judge::Judged;
use super::subscription::Subscription;
use super::world::World;
use crate::cluster::Cluster;

const EDGES: usize = 2;
const SUBSCRIBERS: &str = "fanjet_edge_subscribers";
/// Time for all clients to subscribe.
const SUBSCRIBE: Duration = Duration::from_secs(60);
/// Time for a client to find a working URL, which atcute picks at random.
const MOVE: Duration = Duration::from_secs(120);
/// How long no client may get an event before the run is over. Longer than any client waits between connections.
const SILENCE: Duration = Duration::from_secs(40);
/// How long the silence after the last expected event must last.
const EXTRA: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);

/// A run.
pub(super) struct Testbed<'a> {
    installed: &'a Installed,
    world: &'a World,
    cluster: Cluster,
    drivers: Vec<Driver>,
    expect_out: PathBuf,
    // After the drivers, which write there.
    _folder: TempDir,
}

impl<'a> Testbed<'a> {
    /// Starts everything except ingest, and waits until every client is subscribed.
    pub(super) async fn open(
        installed: &'a Installed,
        world: &'a World,
        subscriptions: Vec<Subscription>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let expect_out = folder.path().join("expected.jsonl");
        let mut flags = World::flags(&expect_out);
        flags.extend(world.pace());
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let cluster = Cluster::start(EDGES, Profile::Dev, &flags, &[]).await?;
        let urls = cluster.urls()?;
        let mut drivers = Vec::new();
        for subscription in subscriptions {
            let folder = folder.path().join(drivers.len().to_string());
            std::fs::create_dir(&folder)?;
            let driver = Driver::start(installed, world, subscription, &urls, &folder)?;
            drivers.push(driver);
        }
        let mut testbed = Self {
            installed,
            world,
            cluster,
            drivers,
            expect_out,
            _folder: folder,
        };
        testbed.wait_for_subscribers().await?;
        Ok(testbed)
    }

    /// Starts the events.
    pub(super) fn let_events_flow(&mut self) -> Result<()> {
        self.cluster.start_ingest()
    }

    /// Stops an edge once its clients have this share of their events, and starts it again.
    pub(super) async fn stop_and_restart(&mut self, edge: usize, share: f64) -> Result<()> {
        self.wait_for_share(edge, share).await?;
        self.cluster.edges[edge].stop().await?;
        self.wait_for_movers(edge).await?;
        self.restart(edge).await
    }

    /// Kills an edge once its clients have this share of their events, and starts it again.
    pub(super) async fn kill_and_restart(&mut self, edge: usize, share: f64) -> Result<()> {
        self.wait_for_share(edge, share).await?;
        self.cluster.edges[edge].kill().await?;
        self.wait_for_movers(edge).await?;
        self.restart(edge).await
    }

    async fn restart(&mut self, edge: usize) -> Result<()> {
        let edge = &mut self.cluster.edges[edge];
        edge.restart()?;
        edge.wait_until_ready().await
    }

    /// Waits for the end of the events, prints a line per client, and stops everything. Returns the number of failed
    /// clients.
    pub(super) async fn close(mut self) -> Result<usize> {
        self.wait_for_all().await?;
        self.world.ensure_lived(&self.expect_out)?;
        let mut failures = 0;
        for driver in &self.drivers {
            let judged = driver.judged();
            failures += usize::from(!judged.verdict.is_clean());
            self.print(driver, &judged)?;
        }
        let compressed = self
            .metric("fanjet_edge_encoded_events_total", "encoding=\"zstd\"")
            .await?;
        ensure!(compressed > 0.0, "no edge compressed an event");
        self.drivers.clear();
        self.cluster.stop().await?;
        Ok(failures)
    }

    async fn wait_for_subscribers(&mut self) -> Result<()> {
        let started = Instant::now();
        let wanted = self.drivers.len();
        loop {
            self.read()?;
            let subscribed = self.metric(SUBSCRIBERS, "").await?;
            if subscribed == wanted as f64 {
                return Ok(());
            }
            ensure!(
                started.elapsed() < SUBSCRIBE,
                "{subscribed} of {wanted} clients have subscribed:\n{}",
                self.complaints()
            );
            sleep(POLL).await;
        }
    }

    /// Across all edges.
    async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let mut sum = 0.0;
        for edge in &self.cluster.edges {
            sum += edge.metric(name, label).await?;
        }
        Ok(sum)
    }

    async fn wait_for_share(&mut self, edge: usize, share: f64) -> Result<()> {
        let mut progressed = Instant::now();
        while !self.has_share(edge, share) {
            if self.read()? {
                progressed = Instant::now();
            }
            ensure!(
                progressed.elapsed() < SILENCE,
                "the clients of an edge make no progress:\n{}",
                self.complaints()
            );
            sleep(POLL).await;
        }
        let all = self.drivers.iter().all(Driver::is_complete);
        ensure!(!all, "too late for a fault: all events have arrived");
        Ok(())
    }

    /// Waits until every client that knows another edge than the stopped one has connected there.
    async fn wait_for_movers(&self, gone: usize) -> Result<()> {
        let started = Instant::now();
        for other in (0..EDGES).filter(|edge| *edge != gone) {
            let drivers = self.drivers.iter();
            let wanted = drivers.filter(|driver| driver.subscription.edges.contains(&other));
            let wanted = wanted.count() as f64;
            let edge = &self.cluster.edges[other];
            while edge.metric(SUBSCRIBERS, "").await? < wanted {
                ensure!(
                    started.elapsed() < MOVE,
                    "a client does not connect to the other edge:\n{}",
                    self.complaints()
                );
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Of the clients that know this edge only.
    fn has_share(&self, edge: usize, share: f64) -> bool {
        let mut there = self.drivers.iter();
        there.all(|driver| driver.subscription.edges != [edge] || driver.share() >= share)
    }

    async fn wait_for_all(&mut self) -> Result<()> {
        let mut progressed = Instant::now();
        loop {
            if self.read()? {
                progressed = Instant::now();
            }
            let is_complete = self.drivers.iter().all(Driver::is_complete);
            let patience = if is_complete { EXTRA } else { SILENCE };
            if progressed.elapsed() > patience {
                return Ok(());
            }
            sleep(POLL).await;
        }
    }

    fn read(&mut self) -> Result<bool> {
        let mut is_new = false;
        for driver in &mut self.drivers {
            let name = driver.subscription.library.name();
            is_new |= driver.read(self.world).context(name)?;
        }
        Ok(is_new)
    }

    fn print(&self, driver: &Driver, judged: &Judged) -> Result<()> {
        let verdict = &judged.verdict;
        let subscription = &driver.subscription;
        let library = subscription.library;
        let client = format!("{} {}", library.name(), self.installed.version(library)?);
        print!(
            "{client:<22}  {:<36}  {:5} events, {} missing, {} unexpected, {} reordered",
            subscription.scenario,
            verdict.events,
            verdict.missing,
            verdict.differ,
            verdict.reordered
        );
        if subscription.is_interrupted {
            let (resumed, repeated) = (judged.resumed, judged.repeated);
            print!(", {resumed} resumed, {repeated} repeated by the cursor");
        }
        println!();
        if let Some(first) = verdict.first() {
            println!("  FAILED: {first}");
            println!("  its error output: {}", driver.complaints());
        }
        Ok(())
    }

    fn complaints(&self) -> String {
        let drivers = self.drivers.iter();
        let said = drivers.map(|driver| {
            let subscription = &driver.subscription;
            let (name, about) = (subscription.library.name(), &subscription.scenario);
            let (progress, complaints) = (driver.progress, driver.complaints());
            format!("{name}, {about}: {progress} events. {complaints}")
        });
        said.collect::<Vec<_>>().join("\n")
    }
}
