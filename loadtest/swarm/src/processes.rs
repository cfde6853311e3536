//! One load test in several processes: the same window for all, one report.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};
use fanjet_swarm::{Moment, Plan, Report, World};

use crate::conductors::{Clockwork, word};

/// A process of the load test. Dropping kills it.
struct Member {
    child: Child,
    output: BufReader<ChildStdout>,
}

/// Runs all processes and adds up their reports.
pub(crate) fn run(plan: &Plan, world: &World) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("world.json");
    fs::write(&path, serde_json::to_string(world)?)?;
    let path = path.display().to_string();
    let mut crew = Vec::new();
    for process in 0..plan.processes {
        let process = process.to_string();
        // The last occurrence of a flag wins.
        let extra = ["--json", "--world", &path, "--process", &process];
        crew.push(Member::start(&extra)?);
    }
    let times = Clockwork::of(plan);
    for moment in [Moment::Connected, Moment::WindowBegins, Moment::WindowEnds] {
        for member in &mut crew {
            member.expect(word(moment))?;
        }
        println!("{}", word(moment));
        thread::sleep(times.time_of(moment));
        for member in &mut crew {
            member.proceed()?;
        }
    }
    let mut whole: Option<Report> = None;
    for member in &mut crew {
        let report: Report = serde_json::from_str(&member.line()?)?;
        match &mut whole {
            None => whole = Some(report),
            Some(whole) => whole.add(&report),
        }
    }
    whole.context("no process")
}

impl Member {
    fn start(extra: &[&str]) -> Result<Self> {
        let mut own = std::env::args_os();
        let program = std::env::current_exe()?;
        own.next();
        let mut command = Command::new(program);
        command
            .args(without_world_and_output(own))
            .args(extra)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start a process")?;
        let output = child.stdout.take().context("no standard output")?;
        let output = BufReader::new(output);
        Ok(Self { child, output })
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        let line = self.line()?;
        if line.trim() != word {
            bail!("unexpected line of a worker process: {line:?} (expected: {word:?})");
        }
        Ok(())
    }

    fn proceed(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().context("no standard input")?;
        Ok(input.write_all(b"proceed\n")?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("a worker process ended early");
        }
        Ok(line)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Flags of this process only: where the world comes from, where the report goes and its format.
fn without_world_and_output(
    own: impl Iterator<Item = std::ffi::OsString>,
) -> Vec<std::ffi::OsString> {
    let mut kept = Vec::new();
    let mut skips_value = false;
    for arg in own {
        let text = arg.to_string_lossy();
        let is_ours = ["--world", "--out"]
            .iter()
            .any(|flag| text.starts_with(flag));
        if std::mem::take(&mut skips_value) || text == "--json" {
            continue;
        }
        if is_ours {
            skips_value = !text.contains('=');
            continue;
        }
        kept.push(arg);
    }
    kept
}
