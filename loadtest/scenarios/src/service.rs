//! One role of the program as a process: its settings and addresses, which stay the same across restarts, how it is
//! stopped and restarted, and all its output.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;
use fanjet_tools::programs::{Profile, executable};

use crate::http;

/// Deadline for a process to become ready, and to exit when asked to.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// How a program is started, in addition to its settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Launch {
    /// Its name; its role by default.
    name: Option<String>,
    /// The program instead of the one that is built.
    program: Option<PathBuf>,
    /// A command that executes the program.
    prefix: Vec<String>,
    env: Vec<(&'static str, String)>,
}

impl Launch {
    /// One of several in the same role.
    pub(crate) fn named(name: String) -> Self {
        Self {
            name: Some(name),
            ..Self::default()
        }
    }

    /// Another build of the program, if there is one.
    pub(crate) fn of_program(program: Option<PathBuf>) -> Self {
        Self {
            program,
            ..Self::default()
        }
    }

    /// With additional environment variables.
    pub(crate) fn with_env(env: Vec<(&'static str, String)>) -> Self {
        Self {
            env,
            ..Self::default()
        }
    }

    /// A shell redirects the program's streams first.
    pub(crate) fn redirected(shell: &str, redirection: &str) -> Self {
        let script = format!("exec \"$@\" {redirection}");
        Self {
            prefix: [shell, "-c", &script, shell].map(str::to_owned).to_vec(),
            ..Self::default()
        }
    }
}

/// A role's process, running except between its lives. Dropping it kills it.
pub(crate) struct Service {
    pub(crate) name: String,
    /// `host:port` of its ops server, the same in every life.
    pub(crate) ops: String,
    /// `host:port` for clients, likewise, if it serves clients.
    http: Option<String>,
    program: Program,
    process: Option<Process>,
    /// The output of earlier lives.
    said: Vec<String>,
}

impl Service {
    /// Starts a role on free ports, unless the settings contain others.
    pub(crate) fn start(
        profile: Profile,
        role: &str,
        settings: &[(&str, impl AsRef<str>)],
    ) -> Result<Self> {
        Self::launched(&Launch::default(), profile, role, settings)
    }

    /// As [`Service::start`], with launch options.
    pub(crate) fn launched(
        launch: &Launch,
        profile: Profile,
        role: &str,
        settings: &[(&str, impl AsRef<str>)],
    ) -> Result<Self> {
        let ops = address(settings, "ops.listen")?;
        let http = match role {
            "serve" | "edge" => Some(address(settings, "edge.http.listen")?),
            _ => None,
        };
        let mut words = launch.prefix.clone();
        let program = launch.program.clone();
        let program = program.unwrap_or_else(|| executable(profile, "fanjet"));
        words.push(program.display().to_string());
        words.push(role.to_owned());
        for (key, value) in settings {
            words.extend(set(key, value.as_ref()));
        }
        // The last one wins.
        words.extend(set("ops.listen", &ops));
        words.extend(http.iter().flat_map(|http| set("edge.http.listen", http)));
        let mut words = words.into_iter();
        let mut program = Program::new(words.next().context("no program")?)
            .args(words)
            .clean_env();
        for (variable, value) in &launch.env {
            program = program.env(*variable, value);
        }
        let mut service = Self {
            name: launch.name.clone().unwrap_or_else(|| role.to_owned()),
            ops,
            http,
            program,
            process: None,
            said: Vec::new(),
        };
        service.restart()?;
        Ok(service)
    }

    /// The address for clients, `host:port`.
    pub(crate) fn address(&self) -> Result<&str> {
        let http = self.http.as_deref();
        http.with_context(|| format!("{} serves no clients", self.name))
    }

    /// The URL for clients, `ws://host:port`.
    pub(crate) fn url(&self) -> Result<String> {
        Ok(format!("ws://{}", self.address()?))
    }

    /// The program with all its settings.
    pub(crate) fn program(&self) -> Program {
        self.program.clone()
    }

    pub(crate) fn process(&self) -> Result<&Process> {
        let process = self.process.as_ref();
        process.with_context(|| format!("{} does not run", self.name))
    }

    /// The process alone, of a service that is never restarted.
    pub(crate) fn into_process(self) -> Result<Process> {
        let process = self.process;
        process.with_context(|| format!("{} does not run", self.name))
    }

    /// Waits until its ops port is open.
    pub(crate) async fn listening(&self) -> Result<()> {
        let is_up = |line: &str| line.starts_with("ops http://");
        self.process()?.wait_for_line(is_up, PATIENCE).await?;
        Ok(())
    }

    /// Waits until it reports that it is ready for traffic.
    pub(crate) async fn wait_until_ready(&self) -> Result<()> {
        let asking = async {
            loop {
                self.check()?;
                if let Ok((200, _)) = http::get(&self.ops, "/readyz").await {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let asked = tokio::time::timeout(PATIENCE, asking).await;
        let ready = asked.with_context(|| format!("not ready after {PATIENCE:?}"));
        ready
            .flatten()
            .with_context(|| format!("{} said:\n{}", self.name, self.lines().join("\n")))
    }

    /// The sum of a metric over the series with this label; 0 if there is none yet.
    pub(crate) async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        http::metric(&self.ops, name, label).await
    }

    /// Stops it as an operator would (SIGTERM).
    ///
    /// # Errors
    /// When it does not stop cleanly.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let status = self.process()?.stop(PATIENCE).await?;
        let last = self.lines();
        self.record_end(&format!("stopped: {status}"));
        // Before its first line it may not have installed its signal handlers: then the signal kills it.
        if !(status.success() || last.is_empty()) {
            bail!(
                "{} was asked to stop and ended with {status}:\n{}",
                self.name,
                last.join("\n")
            );
        }
        Ok(())
    }

    /// Kills it (SIGKILL), without close frames.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        let status = self.process()?.kill().await?;
        self.record_end(&format!("killed: {status}"));
        Ok(())
    }

    fn record_end(&mut self, how: &str) {
        self.said.extend(self.lines());
        self.said.push(format!("=== {how}"));
        self.process = None;
    }

    /// Restarts it with the same settings and addresses.
    pub(crate) fn restart(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "{} still runs", self.name);
        self.process = Some(self.program().start()?);
        Ok(())
    }

    /// Checks that it has not ended by itself.
    ///
    /// # Errors
    /// Its exit status, if it ended.
    pub(crate) fn check(&self) -> Result<()> {
        let status = self.process()?.exit_status();
        ensure!(
            status.is_none(),
            "{} ended unexpectedly: {status:?}",
            self.name
        );
        Ok(())
    }

    /// Its output in this life.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.process.iter().flat_map(Process::lines).collect()
    }

    /// Its output in all its lives.
    pub(crate) fn all_lines(&self) -> Vec<String> {
        let mut lines = self.said.clone();
        lines.extend(self.lines());
        lines
    }

    /// The number of these lines.
    pub(crate) fn line_count(&self) -> usize {
        self.process.as_ref().map_or(0, Process::line_count)
    }

    /// Writes the output of all its lives.
    pub(crate) fn keep_log(&self, folder: &Path) -> Result<()> {
        let lines = self.all_lines();
        let path = folder.join(format!("{}.log", self.name));
        Ok(std::fs::write(path, lines.join("\n") + "\n")?)
    }
}

/// The value of a setting, or a free address.
fn address(settings: &[(&str, impl AsRef<str>)], key: &str) -> Result<String> {
    let named = settings.iter().find(|(other, _)| *other == key);
    named.map_or_else(free_address, |(_, address)| Ok(address.as_ref().to_owned()))
}

/// A free local address. Another process could take it before it is used, which is unlikely.
pub(crate) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
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

/// One of the programs, without this process's environment.
pub(crate) fn program(profile: Profile, name: &str) -> Program {
    Program::new(executable(profile, name)).clean_env()
}

/// Starts a simulator on a free port.
pub(crate) fn simulator(profile: Profile, flags: &[impl AsRef<str>]) -> Result<Process> {
    program(profile, "fanjet-simulator")
        .args(["--listen", "127.0.0.1:0"])
        .args(flags.iter().map(AsRef::as_ref))
        .start()
}

/// A flag that sets one setting.
fn set(key: &str, value: &str) -> [String; 2] {
    ["--set".to_owned(), format!("{key}={value}")]
}

/// What a program prints before its URL when it listens.
pub(crate) const LISTENING: &str = "listening ";

/// The URL that a program prints when it listens.
pub(crate) async fn listening(process: &Process) -> Result<String> {
    let line = process
        .wait_for_line(|line| line.starts_with(LISTENING), PATIENCE)
        .await?;
    Ok(line[LISTENING.len()..].to_owned())
}
