//! A program under test: started, watched by its output, stopped or killed.
//!
//! Output is collected by threads, not tasks, so that one process can serve tests on different runtimes. Dropping
//! kills and reaps it.

mod output;

use std::ffi::OsString;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;

use output::Output;

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: Pid,
    output: Arc<Output>,
    exited: watch::Receiver<Option<ExitStatus>>,
    reaper: Option<JoinHandle<()>>,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct Program {
    path: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    inherits_env: bool,
}

impl Program {
    /// A program by its path.
    pub fn new(path: impl Into<OsString>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            env: Vec::new(),
            inherits_env: true,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Clears its environment, except for [`Program::env`].
    #[must_use]
    pub fn clean_env(mut self) -> Self {
        self.inherits_env = false;
        self
    }

    /// Runs it to its end, however long that takes; returns its status and the output of both streams, standard output
    /// first.
    ///
    /// # Errors
    /// When the system cannot, or the output is not text.
    pub fn run(self) -> Result<(ExitStatus, String)> {
        let output = self
            .command()
            .output()
            .with_context(|| format!("cannot run {}", self.name()))?;
        let said = String::from_utf8([output.stdout, output.stderr].concat())?;
        Ok((output.status, said))
    }

    /// Starts it.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn start(self) -> Result<Process> {
        let name = self.name();
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let output = Arc::new(Output::default());
        if let Some(stream) = child.stdout.take() {
            output::collect(stream, Arc::clone(&output));
        }
        if let Some(stream) = child.stderr.take() {
            output::collect(stream, Arc::clone(&output));
        }
        let pid = Pid::from_child(&child);
        let (exit, exited) = watch::channel(None);
        let reaper = Some(reap(child, exit));
        Ok(Process {
            name,
            pid,
            output,
            exited,
            reaper,
        })
    }

    fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if !self.inherits_env {
            command.env_clear();
        }
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }
}

impl Process {
    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The lines of both output streams so far, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.output.lines()
    }

    /// Waits for a line that `is_wanted`, including earlier lines, and returns it.
    ///
    /// # Errors
    /// When the deadline passes, or the process ends without it; with the output.
    pub async fn wait_for_line(
        &self,
        is_wanted: impl Fn(&str) -> bool,
        deadline: Duration,
    ) -> Result<String> {
        self.wait_for_line_after(0, is_wanted, deadline).await
    }

    /// As [`Process::wait_for_line`], but past the first `seen` lines ([`Process::line_count`]).
    ///
    /// # Errors
    /// As [`Process::wait_for_line`].
    pub async fn wait_for_line_after(
        &self,
        seen: usize,
        is_wanted: impl Fn(&str) -> bool,
        deadline: Duration,
    ) -> Result<String> {
        let mut count = self.output.subscribe();
        let mut exited = self.exited.clone();
        let mut looked_at = seen;
        let search = async {
            loop {
                // Its last lines may still be in the pipe when it has ended.
                let has_ended = exited.borrow_and_update().is_some() && self.output.has_ended();
                count.borrow_and_update();
                if let Some(line) = self.output.find(&mut looked_at, &is_wanted) {
                    return Ok(line);
                }
                if has_ended {
                    bail!("it ended without the line");
                }
                tokio::select! {
                    changed = count.changed() => changed?,
                    Ok(()) = exited.changed() => {}
                }
            }
        };
        match tokio::time::timeout(deadline, search).await {
            Ok(found) => found,
            Err(_) => Err(anyhow::anyhow!("no such line in {deadline:?}")),
        }
        .with_context(|| self.description())
    }

    /// The number of lines so far.
    pub fn line_count(&self) -> usize {
        self.output.count()
    }

    /// Its exit status, if it has ended.
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exited.borrow()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn wait(&self, deadline: Duration) -> Result<ExitStatus> {
        let mut exited = self.exited.clone();
        let status = tokio::time::timeout(deadline, exited.wait_for(Option::is_some))
            .await
            .with_context(|| {
                format!("still running after {deadline:?}\n{}", self.description())
            })??;
        status.context("it has ended")
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    ///
    /// # Errors
    /// When it does not end in time; it keeps running.
    pub async fn stop(&self, deadline: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait(deadline).await
    }

    /// Kills it (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(&self) -> Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        self.wait(Duration::from_secs(10)).await
    }

    /// Freezes it (SIGSTOP): its sockets stay open, and nothing responds. Returns when its last thread has stopped.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        let stopping = async {
            while !self.is_frozen()? {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(10), stopping)
            .await
            .with_context(|| format!("{} does not stop", self.name))?
    }

    fn is_frozen(&self) -> Result<bool> {
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            // The state stands behind the name, which is in brackets and may hold any character.
            let state = stat
                .rsplit_once(") ")
                .map(|(_, rest)| rest.starts_with('T'));
            if state != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Resumes it after [`Process::freeze`] (SIGCONT).
    ///
    /// # Errors
    /// When the system cannot.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to reload its settings (SIGHUP).
    ///
    /// # Errors
    /// When the system cannot.
    pub fn reload(&self) -> Result<()> {
        self.signal(Signal::HUP)
    }

    /// Sends a signal, unless it has ended.
    fn signal(&self, signal: Signal) -> Result<()> {
        if self.exit_status().is_some() {
            return Ok(());
        }
        kill_process(self.pid, signal)
            .with_context(|| format!("cannot signal {} ({})", self.name, self.pid()))
    }

    fn description(&self) -> String {
        let lines = self.lines();
        let shown = &lines[lines.len().saturating_sub(50)..];
        format!(
            "{} ({:?}), its last lines:\n{}",
            self.name,
            self.exit_status(),
            shown.join("\n")
        )
    }
}

impl Drop for Process {
    #[allow(
        clippy::print_stderr,
        reason = "a failing test shows what its processes said"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- {}", self.description());
        }
        // The reader threads end with the program's last child process, which is not ours to kill.
        if let (Ok(()), Some(reaper)) = (self.signal(Signal::KILL), self.reaper.take()) {
            // A panicked thread has reported itself.
            drop(reaper.join());
        }
    }
}

fn reap(mut child: Child, exit: watch::Sender<Option<ExitStatus>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            exit.send_replace(Some(status));
        }
    })
}

#[cfg(test)]
mod tests;
