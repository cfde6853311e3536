//! One program as a process: how it is told its settings, what it says when it is up, how it is asked, ended and started again.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;
use fanjet_tools::programs::{Profile, executable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Time for a process to say that it is ready, and for one to end when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A service that is started again and again under one name, and everything that it ever said. Dropping kills it.
pub(crate) struct Service {
    name: String,
    role: &'static str,
    profile: Profile,
    settings: Vec<(String, String)>,
    process: Option<Process>,
    said: Vec<String>,
}

impl Service {
    pub(crate) fn start(
        name: String,
        role: &'static str,
        profile: Profile,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let settings = settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut service = Self {
            name,
            role,
            profile,
            settings: settings.collect(),
            process: None,
            said: Vec::new(),
        };
        service.launch()?;
        Ok(service)
    }

    /// Says what it prints behind a word, and has it by this setting in all lives to come.
    pub(crate) async fn keep(&mut self, word: &str, key: &str) -> Result<String> {
        let said = printed(self.process()?, word).await?;
        let address = said.trim_start_matches("ws://").to_owned();
        self.settings.retain(|(other, _)| other != key);
        self.settings.push((key.to_owned(), address.clone()));
        Ok(address)
    }

    pub(crate) fn process(&self) -> Result<&Process> {
        self.process
            .as_ref()
            .with_context(|| format!("{} does not run", self.name))
    }

    /// Ends it, as an operator would or by SIGKILL, of which no client hears a word.
    ///
    /// # Errors
    /// When it takes being asked to stop badly.
    pub(crate) async fn end(&mut self, kills: bool) -> Result<()> {
        let process = self.process.take();
        let process = process.with_context(|| format!("{} does not run", self.name))?;
        let status = match kills {
            true => process.kill().await?,
            false => process.stop(PATIENCE).await?,
        };
        let said = process.lines();
        // Until it has said something it may not even be able to hear the signal: then that ends it.
        let never_heard = said.is_empty();
        let last = said.join("\n");
        self.said.extend(said);
        let how = if kills { "killed" } else { "stopped" };
        self.said.push(format!("=== {how}: {status}"));
        if !(kills || status.success() || never_heard) {
            bail!(
                "{} was asked to stop and ended with {status}:\n{last}",
                self.name
            );
        }
        Ok(())
    }

    /// Starts it again.
    pub(crate) fn launch(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "{} still runs", self.name);
        let mut program = program(self.profile, "fanjet").arg(self.role);
        for (key, value) in &self.settings {
            program = program.args(set(key, value));
        }
        self.process = Some(program.start()?);
        Ok(())
    }

    /// That it has not ended by itself.
    ///
    /// # Errors
    /// How it ended.
    pub(crate) fn check(&self) -> Result<()> {
        let status = self.process()?.exit_status();
        ensure!(
            status.is_none(),
            "{} ended by itself: {status:?}",
            self.name
        );
        Ok(())
    }

    /// Writes what it said in all its lives.
    pub(crate) fn keep_log(&self, folder: &Path) -> Result<()> {
        let mut lines = self.said.clone();
        lines.extend(self.process.iter().flat_map(Process::lines));
        std::fs::write(
            folder.join(format!("{}.log", self.name)),
            lines.join("\n") + "\n",
        )?;
        Ok(())
    }
}

/// Stops a process as an operator would.
pub(crate) async fn stop(process: &Process, name: &str) -> Result<()> {
    let status = process
        .stop(PATIENCE)
        .await
        .with_context(|| format!("{name} does not stop"))?;
    ensure!(
        status.success(),
        "{name} ended with {status}:\n{}",
        process.lines().join("\n")
    );
    Ok(())
}

/// One of the programs, without this process' environment.
pub(crate) fn program(profile: Profile, name: &str) -> Program {
    Program::new(executable(profile, name)).clean_env()
}

/// Starts a simulator on a port that is free.
pub(crate) fn simulator(profile: Profile, flags: &[impl AsRef<str>]) -> Result<Process> {
    program(profile, "fanjet-simulator")
        .args(["--listen", "127.0.0.1:0"])
        .args(flags.iter().map(AsRef::as_ref))
        .start()
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
