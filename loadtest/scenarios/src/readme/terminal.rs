//! One command line in a shell of its own, like a terminal that somebody opened for it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::proof::Proof;
use super::surroundings::Surroundings;

const POLL: Duration = Duration::from_millis(50);
/// Lines of a stream of events: more than what a program says about itself at its start.
const STREAMED: usize = 12;

/// A shell that runs one line. Dropping it kills all that it started.
pub(super) struct Terminal {
    line: String,
    shell: Child,
    group: Pid,
    output: PathBuf,
    errors: PathBuf,
}

impl Terminal {
    /// Runs `line` in `folder`.
    pub(super) fn open(line: &str, folder: &Path, surroundings: &Surroundings) -> Result<Self> {
        let number = fs::read_dir(surroundings.transcripts())?.count();
        let file = |kind| {
            surroundings
                .transcripts()
                .join(format!("{number:03}.{kind}"))
        };
        let (output, errors) = (file("out"), file("err"));
        let mut shell = Command::new("bash");
        // Where the line puts its program into the background, the shell stays with it.
        shell.arg("-c").arg(format!("{line}\nwait"));
        shell.env_clear().envs(surroundings.environment());
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

    /// Waits until the line has proven that it works.
    pub(super) async fn show(&mut self, proof: Proof, patience: Duration) -> Result<()> {
        let began = Instant::now();
        loop {
            let ended = self.shell.try_wait()?;
            if self.is_shown(proof, ended)? {
                return Ok(());
            }
            if let Some(status) = ended {
                bail!("it ended with {status}\n{}", self.transcript());
            }
            ensure!(
                began.elapsed() < patience,
                "it does not show within {patience:?} that it works ({proof:?})\n{}",
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
            // One that was told how much to print may have ended.
            Proof::Streams => self.read(&self.output)?.lines().count() >= STREAMED,
        })
    }

    /// Asks all that the line started to stop, as ctrl-c does, and waits until nothing of it is left.
    pub(super) async fn close(mut self, patience: Duration) -> Result<()> {
        let began = Instant::now();
        // A shell that is no terminal lets what it puts into the background ignore SIGINT.
        kill_process_group(self.group, Signal::TERM).ok();
        loop {
            self.shell.try_wait()?;
            if test_kill_process_group(self.group).is_err() {
                return Ok(());
            }
            ensure!(
                began.elapsed() < patience,
                "it does not stop within {patience:?}\n{}",
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
        // Nothing is left of one that was closed.
        if kill_process_group(self.group, Signal::KILL).is_ok() {
            drop(self.shell.wait());
        }
    }
}
