//! One command line in its own shell, as in a new terminal.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::proof::Proof;
use super::sandbox::Sandbox;

const POLL: Duration = Duration::from_millis(50);
/// Lines of a stream of events: more than a program prints at startup.
const STREAMED: usize = 12;

/// A shell that runs one line. Dropping it kills all its processes.
pub(super) struct Terminal {
    line: String,
    shell: Child,
    group: Pid,
    output: PathBuf,
    errors: PathBuf,
}

impl Terminal {
    /// Runs `line` in `folder`.
    pub(super) fn open(line: &str, folder: &Path, sandbox: &Sandbox) -> Result<Self> {
        let number = fs::read_dir(sandbox.transcripts())?.count();
        let file = |kind| sandbox.transcripts().join(format!("{number:03}.{kind}"));
        let (output, errors) = (file("out"), file("err"));
        let mut shell = Command::new("bash");
        // If the line starts a background process, the shell stays with it.
        shell.arg("-c").arg(format!("{line}\nwait"));
        shell.env_clear().envs(sandbox.environment());
        shell.current_dir(folder).process_group(0);
        shell.stdin(Stdio::null());
        shell.stdout(File::create(&output)?);
        shell.stderr(File::create(&errors)?);
        let shell = shell.spawn().context("cannot start bash")?;
        Ok(Self {
            line: line.to_owned(),
            group: Pid::from_child(&shell),
            shell,
            output,
            errors,
        })
    }

    /// Waits until the line has shown that it works.
    pub(super) async fn show(&mut self, proof: Proof, patience: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            let ended = self.shell.try_wait()?;
            if self.is_shown(proof, ended)? {
                return Ok(());
            }
            if let Some(status) = ended {
                bail!("exited with {status}\n{}", self.transcript());
            }
            ensure!(
                began.elapsed() < patience,
                "no proof within {patience:?} that it works ({proof:?})\n{}",
                self.transcript()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    fn is_shown(&self, proof: Proof, ended: Option<ExitStatus>) -> Result<bool> {
        Ok(match proof {
            Proof::Ends => ended.is_some_and(|status| status.success()),
            Proof::Says(words) => {
                ended.is_none()
                    && (self.read(&self.output)? + &self.read(&self.errors)?).contains(words)
            }
            // A command with a limited number of lines may have ended.
            Proof::Streams => self.read(&self.output)?.lines().count() >= STREAMED,
        })
    }

    /// Sends SIGINT to all processes of the line, as ctrl-c does, and waits until they have ended.
    pub(super) async fn close(mut self, patience: Duration) -> Result<()> {
        let began = Instant::now();
        // In a non-interactive shell background processes ignore SIGINT.
        kill_process_group(self.group, Signal::TERM).ok();
        loop {
            self.shell.try_wait()?;
            if test_kill_process_group(self.group).is_err() {
                return Ok(());
            }
            ensure!(
                began.elapsed() < patience,
                "still running after {patience:?}\n{}",
                self.transcript()
            );
            tokio::time::sleep(POLL).await;
        }
    }

    fn read(&self, file: &Path) -> Result<String> {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn transcript(&self) -> String {
        let said = |file: &Path| self.read(file).unwrap_or_default();
        format!(
            "$ {}\n{}{}",
            self.line,
            said(&self.output),
            said(&self.errors)
        )
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A closed one leaves nothing behind.
        if kill_process_group(self.group, Signal::KILL).is_ok() {
            drop(self.shell.wait());
        }
    }
}
