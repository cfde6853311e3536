//! The programs of one trial: each on ports of its own, so that it can be started again under the same addresses, and none of
//! them has to be read to be found.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;
use fanjet_tools::programs::{Profile, executable};

use super::probe::{self, Answer};
use crate::service::{PATIENCE, set};

/// Room for a program under a memory limit, beside what it has when it is set.
const ROOM: u64 = 512 << 20;

/// How a program is started, beside its settings.
#[derive(Debug, Clone, Default)]
pub(super) struct Launch {
    /// A command that ends in becoming the program.
    pub(super) prefix: Vec<String>,
    pub(super) env: Vec<(&'static str, String)>,
}

impl Launch {
    /// A shell does this to the program's streams first.
    pub(super) fn redirected(shell: &str, redirection: &str) -> Self {
        let script = format!("exec \"$@\" {redirection}");
        Self {
            prefix: [shell, "-c", &script, shell].map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }
}

/// The program in one of its roles, running but for the moments between its lives.
pub(super) struct Service {
    pub(super) name: &'static str,
    program: Program,
    pub(super) ops: String,
    /// `ws://host:port`, if it serves clients.
    pub(super) clients: Option<String>,
    process: Process,
    /// What it said in the lives that are over.
    said: Vec<String>,
}

impl Service {
    /// Starts it.
    pub(super) fn start(
        name: &'static str,
        launch: &Launch,
        settings: &[(&str, String)],
    ) -> Result<Self> {
        let ops = free_address()?;
        let mut all = vec![("ops.listen", ops.clone())];
        let serves_clients = matches!(name, "serve" | "edge");
        let clients = serves_clients.then(free_address).transpose()?;
        all.extend(clients.clone().map(|address| ("http.listen", address)));
        all.extend_from_slice(settings);
        let mut words = launch.prefix.clone();
        words.push(executable(Profile::Dev, "fanjet").display().to_string());
        words.push(name.to_owned());
        words.extend(all.iter().flat_map(|(key, value)| set(key, value)));
        let mut words = words.into_iter();
        let mut program = Program::new(words.next().context("no program")?)
            .args(words)
            .clean_env();
        for (variable, value) in &launch.env {
            program = program.env(*variable, value);
        }
        let process = program.clone().start()?;
        Ok(Self {
            name,
            program,
            ops,
            clients: clients.map(|address| format!("ws://{address}")),
            process,
            said: Vec::new(),
        })
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it says nothing, or has ended.
    pub(super) async fn readiness(&self) -> Result<Answer> {
        if let Some(status) = self.process.exit_status() {
            anyhow::bail!("{} has ended with {status}", self.name);
        }
        let answer = probe::readiness(&self.ops).await;
        answer.with_context(|| self.name.to_owned())
    }

    /// Asks it as a container's probe does: with its own program and settings.
    pub(super) async fn healthcheck(&self, which: &str) -> Result<ExitStatus> {
        let flag = format!("--healthcheck={which}");
        let check = self.program.clone().arg(flag).start()?;
        check.wait(PATIENCE).await
    }

    /// Stops it as an operator would.
    pub(super) async fn stop(&mut self) -> Result<()> {
        let status = self.process.stop(PATIENCE).await?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }

    /// Starts it again under the same addresses, after [`Service::stop`].
    pub(super) fn start_again(&mut self) -> Result<()> {
        let next = self.program.clone().start()?;
        let before = std::mem::replace(&mut self.process, next);
        self.said.extend(before.lines());
        self.said.push("=== started again".to_owned());
        Ok(())
    }

    /// No more address space than it has now, and some room.
    pub(super) fn limit_memory(&self) -> Result<()> {
        let limit = self.kibibytes("VmSize:")? * 1024 + ROOM;
        let limited = Command::new("prlimit")
            .args(["--pid", &self.process.pid().to_string()])
            .arg(format!("--as={limit}"))
            .status()
            .context("cannot run prlimit")?;
        ensure!(limited.success(), "prlimit failed");
        Ok(())
    }

    /// The most memory that it ever had, in KiB.
    pub(super) fn peak(&self) -> Result<u64> {
        self.kibibytes("VmHWM:")
    }

    fn kibibytes(&self, key: &str) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid()))?;
        let value = status.lines().find_map(|line| line.strip_prefix(key));
        let value = value.with_context(|| format!("no {key}"))?;
        Ok(value.trim().trim_end_matches(" kB").parse()?)
    }

    pub(super) fn line_count(&self) -> usize {
        self.process.line_count()
    }

    /// What it said in this life.
    pub(super) fn lines(&self) -> Vec<String> {
        self.process.lines()
    }

    /// Keeps what it ever said.
    pub(super) fn keep_log(&self, folder: &Path) -> Result<()> {
        let mut said = self.said.clone();
        said.extend(self.process.lines());
        said.push(format!("=== {:?}", self.process.exit_status()));
        let path = folder.join(format!("{}.log", self.name));
        Ok(std::fs::write(path, said.join("\n") + "\n")?)
    }
}

/// An address of this machine on which nobody listens. Somebody else may take it before it is used, but hardly in that moment.
pub(super) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
