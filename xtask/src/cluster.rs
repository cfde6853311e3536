//! The whole path as real processes: simulator -> ingest -> nats-server -> edges.

mod edge;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_testkit::process::Program;
use fanjet_testkit::{NatsServer, Process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::shell::{cargo, run as run_command, target};

pub(crate) use edge::Edge;

/// Time for a process to say that it is ready, and for one to end when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Always built together: with fewer of them cargo would choose other features for what they share, and build that again.
pub(crate) const PROGRAMS: [&str; 5] = [
    "fanjet-simulator",
    "fanjet-ingest",
    "fanjet-edge",
    "fanjet-kafka",
    "fanjet",
];

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Running processes. Dropping it kills them.
pub(crate) struct Cluster {
    pub(crate) simulator: Process,
    /// The first leads.
    pub(crate) ingests: Vec<Process>,
    /// At least one.
    pub(crate) edges: Vec<Edge>,
    pub(crate) nats: NatsServer,
    /// `ws://host:port` of the simulator.
    upstream_url: String,
    profile: Profile,
}

impl Cluster {
    /// Builds the programs and starts all but ingest: a client that connects now misses nothing.
    pub(crate) async fn start(
        profile: Profile,
        simulator_flags: &[&str],
        edge_settings: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_with_edges(1, profile, simulator_flags, edge_settings).await
    }

    /// As [`Cluster::start`], with so many edges.
    pub(crate) async fn start_with_edges(
        count: usize,
        profile: Profile,
        simulator_flags: &[&str],
        edge_settings: &[(&str, &str)],
    ) -> Result<Self> {
        build(profile)?;
        let nats = NatsServer::start().await?;
        let simulator = program(profile, "fanjet-simulator")
            .args(["--listen", "127.0.0.1:0"])
            .args(simulator_flags)
            .start()?;
        let upstream_url = listening(&simulator).await?;
        let nats_url = nats.url();
        let mut settings = vec![("nats.url", nats_url.as_str())];
        settings.extend(edge_settings);
        let mut edges = Vec::with_capacity(count);
        for _ in 0..count {
            edges.push(Edge::start(profile, &settings).await?);
        }
        Ok(Self {
            simulator,
            ingests: Vec::new(),
            edges,
            nats,
            upstream_url,
            profile,
        })
    }

    /// `ws://host:port` of the first edge.
    pub(crate) fn edge_url(&self) -> &str {
        &self.edges[0].url
    }

    /// Lets the events flow. Done again: another one stands by.
    pub(crate) fn start_ingest(&mut self) -> Result<()> {
        let ingest = program(self.profile, "fanjet-ingest")
            .args(set("upstream.url", &self.upstream_url))
            .args(set("ops.listen", "127.0.0.1:0"))
            .args(set("nats.url", &self.nats.url()))
            .start()?;
        self.ingests.push(ingest);
        Ok(())
    }

    /// Stops the services as an operator would, front to back.
    pub(crate) async fn stop(mut self) -> Result<()> {
        for ingest in &self.ingests {
            stop(ingest, "ingest").await?;
        }
        for edge in &mut self.edges {
            edge.stop().await?;
        }
        stop(&self.simulator, "simulator").await
    }
}

pub(crate) async fn stop(process: &Process, name: &str) -> Result<()> {
    let status = process
        .stop(PATIENCE)
        .await
        .with_context(|| format!("{name} does not stop"))?;
    anyhow::ensure!(
        status.success(),
        "{name} ended with {status}:\n{}",
        process.lines().join("\n")
    );
    Ok(())
}

/// Builds the programs.
pub(crate) fn build(profile: Profile) -> Result<()> {
    build_only(profile, &PROGRAMS)
}

/// Builds other programs: with other features for what they share, so that the next [`build`] does it again.
pub(crate) fn build_only(profile: Profile, packages: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--locked"]);
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    if profile == Profile::Release {
        command.arg("--release");
    }
    run_command(&mut command)
}

/// One of the programs, without this process' environment.
pub(crate) fn program(profile: Profile, name: &str) -> Program {
    Program::new(executable(profile, name)).clean_env()
}

/// Where cargo puts a program.
pub(crate) fn executable(profile: Profile, name: &str) -> PathBuf {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    target().join(folder).join(name)
}

/// A flag that sets one setting.
pub(crate) fn set(key: &str, value: &str) -> [String; 2] {
    ["--set".to_owned(), format!("{key}={value}")]
}

/// Waits until a service says on its ops port that it is ready for traffic.
pub(crate) async fn wait_until_ready(process: &Process) -> Result<()> {
    let ops = printed(process, "ops http://").await?;
    let asking = async {
        while !is_ready(&ops).await.unwrap_or(false) {
            tokio::time::sleep(POLL).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, asking).await;
    in_time.with_context(|| {
        format!(
            "not ready after {PATIENCE:?}:\n{}",
            process.lines().join("\n")
        )
    })
}

async fn is_ready(ops: &str) -> Result<bool> {
    Ok(get(ops, "/readyz").await?.starts_with("HTTP/1.1 200"))
}

/// What a GET on an ops port answers, headers included.
pub(crate) async fn get(ops: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(ops).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {ops}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// The URL that a program prints when it listens.
pub(crate) async fn listening(process: &Process) -> Result<String> {
    printed(process, "listening ").await
}

/// What a program prints behind a word.
pub(crate) async fn printed(process: &Process, word: &str) -> Result<String> {
    let line = process
        .wait_for_line(|line| line.starts_with(word), PATIENCE)
        .await?;
    Ok(line[word.len()..].to_owned())
}
