//! The whole path as real processes: simulator -> ingest -> nats-server -> edge.

use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_testkit::process::Program;
use fanjet_testkit::{NatsServer, Process};

use crate::shell::{cargo, run as run_command, target};

/// Time for a process to say that it is ready, and for one to end when asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Running processes. Dropping it kills them.
pub(crate) struct Cluster {
    pub(crate) simulator: Process,
    pub(crate) ingest: Option<Process>,
    pub(crate) edge: Process,
    pub(crate) nats: NatsServer,
    /// `ws://host:port` of the edge.
    pub(crate) edge_url: String,
    /// `ws://host:port` of the simulator.
    upstream_url: String,
    profile: Profile,
}

impl Cluster {
    /// Builds the programs and starts all but ingest: a client that connects now misses nothing.
    pub(crate) async fn start(profile: Profile, simulator_flags: &[&str]) -> Result<Self> {
        build(profile)?;
        let nats = NatsServer::start().await?;
        let simulator = program(profile, "fanjet-simulator")
            .args(["--listen", "127.0.0.1:0"])
            .args(simulator_flags)
            .start()?;
        let upstream_url = listening(&simulator).await?;
        let edge = program(profile, "fanjet-edge")
            .args(set("http.listen", "127.0.0.1:0"))
            .args(set("ops.listen", "127.0.0.1:0"))
            .args(set("nats.url", &nats.url()))
            .start()?;
        let edge_url = listening(&edge).await?;
        Ok(Self {
            simulator,
            ingest: None,
            edge,
            nats,
            edge_url,
            upstream_url,
            profile,
        })
    }

    /// Lets the events flow.
    pub(crate) fn start_ingest(&mut self) -> Result<()> {
        let ingest = program(self.profile, "fanjet-ingest")
            .args(set("upstream.url", &self.upstream_url))
            .args(set("ops.listen", "127.0.0.1:0"))
            .args(set("nats.url", &self.nats.url()))
            .start()?;
        self.ingest = Some(ingest);
        Ok(())
    }

    /// Stops the services as an operator would, front to back.
    pub(crate) async fn stop(self) -> Result<()> {
        let ingest = self.ingest.iter().map(|process| ("ingest", process));
        for (name, process) in ingest.chain([("edge", &self.edge), ("simulator", &self.simulator)])
        {
            let status = process
                .stop(PATIENCE)
                .await
                .with_context(|| format!("{name} does not stop"))?;
            anyhow::ensure!(
                status.success(),
                "{name} ended with {status}:\n{}",
                process.lines().join("\n")
            );
        }
        Ok(())
    }
}

fn build(profile: Profile) -> Result<()> {
    let mut command = cargo();
    command.args([
        "build",
        "--locked",
        "-p",
        "fanjet-simulator",
        "-p",
        "fanjet-ingest",
        "-p",
        "fanjet-edge",
    ]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    run_command(&mut command)
}

fn program(profile: Profile, name: &str) -> Program {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    Program::new(target().join(folder).join(name)).clean_env()
}

fn set(key: &str, value: &str) -> [String; 2] {
    ["--set".to_owned(), format!("{key}={value}")]
}

/// The URL that a program prints when it is ready.
async fn listening(process: &Process) -> Result<String> {
    let line = process
        .wait_for_line(|line| line.starts_with("listening "), PATIENCE)
        .await?;
    line.strip_prefix("listening ")
        .map(str::to_owned)
        .context("no URL behind listening")
}
