//! The servers of a benchmark as real processes: a nats-server, edges on their own cores, and a source of events.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_swarm::Report;
use fanjet_testkit::{NatsServer, Process};
use fanjet_tools::programs::{Profile, build_only};
use tokio::time::sleep;

use super::cpu::{Look, Pids};
use super::machine::Cores;
use super::options::{Options, Pace, Side};
use super::round::Round;
use crate::http::get;
use crate::memory::resident_mib;
use crate::service::{Launch, PATIENCE, Service, listening, program};

/// The programs to build. Only these: cargo would use other features for shared dependencies, but benchmarks need no
/// more.
const PROGRAMS: [&str; 3] = ["fanjet", "fanjet-simulator", "fanjet-swarm"];
/// Interval of memory samples.
const LOOK: Duration = Duration::from_millis(100);
/// A run must not reach the limits that protect a node.
const SETTINGS: [(&str, &str); 4] = [
    ("edge.http.max_subscribers", "100000"),
    ("edge.http.max_subscribers_per_address", "0"),
    ("edge.http.max_connections_per_address", "0"),
    ("edge.limits.max_replay_bytes_per_second", "0"),
];

/// Running servers. Dropping kills them.
pub(super) struct Testbed {
    source: Vec<Process>,
    pub(super) edges: Vec<Service>,
    nats: NatsServer,
    /// `host:port` of the nats-server's monitoring.
    nats_statistics: String,
    cores: Cores,
    profile: Profile,
    side: &'static str,
    folder: tempfile::TempDir,
}

pub(super) fn build(profile: Profile) -> Result<()> {
    build_only(profile, &PROGRAMS)
}

impl Testbed {
    /// Starts nats-server and edges, without events.
    pub(super) async fn start(
        options: &Options,
        edges: usize,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let (profile, cores) = (options.profile(), Cores::new(options.server_cores)?);
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let pinned = cores.for_clients()?;
        let nats = NatsServer::start_with(&format!("http: \"127.0.0.1:{port}\"")).await?;
        drop(pinned);
        let url = nats.url();
        let mut all = vec![("nats.url", url.as_str())];
        all.extend(SETTINGS);
        all.extend(settings);
        let mut testbed = Self {
            source: Vec::new(),
            edges: Vec::new(),
            nats,
            nats_statistics: format!("127.0.0.1:{port}"),
            cores,
            profile,
            side: options.side(),
            folder: tempfile::tempdir()?,
        };
        let pinned = cores.for_servers()?;
        let launch = Launch::of_program(options.program.clone());
        for _ in 0..edges {
            let edge = Service::launched(&launch, profile, "edge", &all)?;
            edge.wait_until_ready().await?;
            testbed.edges.push(edge);
        }
        drop(pinned);
        Ok(testbed)
    }

    /// Starts events at this pace, and stops the source before.
    pub(super) async fn feed(&mut self, pace: Pace, accounts: u64) -> Result<()> {
        self.stop_feeding().await?;
        let _pinned = self.cores.for_clients()?;
        let url = self.nats.url();
        let mut feeder = program(self.profile, "fanjet-feeder").args([
            "--nats",
            &url,
            "--accounts",
            &accounts.to_string(),
        ]);
        feeder = match pace {
            Pace::Rate(rate) => feeder.args(["--rate", &rate.to_string()]),
            Pace::Window(window) => {
                let edge = format!("{}/subscribe", self.edges[0].url()?);
                feeder.args(["--window", &window.to_string(), "--edge", &edge])
            }
        };
        let feeder = feeder.start()?;
        feeder
            .wait_for_line(|line| line == "feeding", PATIENCE)
            .await?;
        self.source.push(feeder);
        Ok(())
    }

    /// Starts a simulated firehose, at an address that another server can read from, too.
    pub(super) async fn feed_by_firehose(&mut self, listen: &str, rate: f64) -> Result<()> {
        self.stop_feeding().await?;
        let _pinned = self.cores.for_clients()?;
        let simulator = program(self.profile, "fanjet-simulator")
            .args(["--listen", listen, "--rate", &rate.to_string()])
            .args(["--accounts", "5000", "--records-per-repo", "50"])
            .start()?;
        let upstream = listening(&simulator).await?;
        println!("the other server reads {upstream}");
        let settings = [
            ("ingest.upstream.url", upstream),
            ("nats.url", self.nats.url()),
        ];
        let ingest = Service::start(self.profile, "ingest", &settings)?;
        self.source.extend([simulator, ingest.into_process()?]);
        Ok(())
    }

    /// Stops the events.
    pub(super) async fn stop_feeding(&mut self) -> Result<()> {
        while let Some(process) = self.source.pop() {
            process.stop(PATIENCE).await?;
        }
        Ok(())
    }

    /// The processes of this side, for their memory.
    fn servers(&self, side: &Side) -> Result<Vec<i32>> {
        match side {
            Side::Ours(_) => self
                .edges
                .iter()
                .map(|it| Ok(it.process()?.pid()))
                .collect(),
            Side::Other(_, pid) => Ok(pid.iter().copied().collect()),
        }
    }

    /// Resident memory of the servers in MiB.
    pub(super) fn memory(&self, side: &Side) -> Result<f64> {
        let servers = self.servers(side)?;
        servers.into_iter().map(resident_mib).sum()
    }

    /// Bytes that the nats-server has sent so far.
    pub(super) async fn nats_egress(&self) -> Result<f64> {
        let (_, statistics) = get(&self.nats_statistics, "/varz").await?;
        // It comes in a chunk, between lengths.
        let from = statistics.find('{').context("no JSON")?;
        let to = statistics.rfind('}').context("no JSON")?;
        let statistics: serde_json::Value = serde_json::from_str(&statistics[from..=to])?;
        statistics["out_bytes"].as_f64().context("no out_bytes")
    }

    /// Events that our first edge has read so far.
    async fn log_events(&self) -> Result<f64> {
        self.edges[0].metric("fanjet_edge_tail_seq", "").await
    }

    /// Runs the load generator with these flags and reads all clocks at the start and the end of its window.
    pub(super) async fn swarm(&self, side: &Side, flags: &[String]) -> Result<Round> {
        let url = match side {
            Side::Ours(edge) => format!("{}/subscribe", self.edges[*edge].url()?),
            Side::Other(url, _) => url.clone(),
        };
        let out = self.out();
        let swarm = {
            let _pinned = self.cores.for_clients()?;
            program(self.profile, "fanjet-swarm")
                .args([
                    &url,
                    "--threads",
                    &self.cores.clients().to_string(),
                    "--out",
                ])
                .arg(&out)
                .args(flags)
                .start()?
        };
        let mut pids = Pids {
            servers: self.servers(side)?,
            nats: self.nats.process().iter().map(|it| it.pid()).collect(),
            sources: self.source.iter().map(Process::pid).collect(),
        };
        if let Side::Other(..) = side {
            // Our own edges are part of the run, but not measured.
            pids.sources.extend(self.servers(&Side::Ours(0))?);
        }
        let memory_before = self.memory(side)?;
        line(&swarm, "window begins").await?;
        let before = (
            Look::now(&pids)?,
            self.log_events().await?,
            self.nats_egress().await?,
        );
        let mut memory = self.memory(side)?;
        let mut over = pin!(line(&swarm, "window ends"));
        loop {
            tokio::select! {
                ended = &mut over => break ended?,
                () = sleep(LOOK) => memory = memory.max(self.memory(side)?),
            }
        }
        let after = Look::now(&pids)?;
        let log_events = self.log_events().await? - before.1;
        let nats_bytes = self.nats_egress().await? - before.2;
        // A load generator with findings exits with 1; they are in the report.
        swarm.wait(PATIENCE).await?;
        let report = std::fs::read_to_string(&out)
            .with_context(|| format!("no report:\n{}", swarm.lines().join("\n")))?;
        let report: Report = serde_json::from_str(&report)?;
        let mut spent = after.since(&before.0, report.window.swarm_cpu_seconds);
        if pids.servers.is_empty() {
            // Nothing is known about a remote server.
            spent.servers = f64::NAN;
        }
        Ok(Round {
            side: match side {
                Side::Ours(_) => self.side.to_owned(),
                Side::Other(url, _) => url.clone(),
            },
            flags: flags.join(" "),
            spent,
            log_events,
            nats_bytes,
            memory_before,
            memory,
            faults: report.faults(),
            report,
        })
    }

    /// A file for the load generator, kept as long as the testbed.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("report.json")
    }
}

/// Waits for a line of the load generator, however long ramp and window take.
async fn line(swarm: &Process, word: &str) -> Result<()> {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    swarm.wait_for_line(|line| line == word, DAY).await?;
    Ok(())
}
