//! One example, over the lives of its process.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, Result};
use fanjet_testkit::Process;
use fanjet_testkit::process::Program;

/// Time for the output of a killed process to arrive.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// A running example. Dropping kills it.
pub(super) struct Example {
    name: String,
    program: Program,
    process: Process,
    /// What earlier processes printed.
    before: Vec<Vec<String>>,
}

impl Example {
    pub(super) fn start(name: &str, program: Program) -> Result<Self> {
        let process = program.clone().start().with_context(|| name.to_owned())?;
        Ok(Self {
            name: name.to_owned(),
            program,
            process,
            before: Vec::new(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Kills it (SIGKILL), so that it cannot save anything, and starts it again.
    pub(super) async fn kill_and_restart(&mut self) -> Result<()> {
        self.process.kill().await?;
        // Fails once the whole output is read, which is what this waits for.
        drop(self.process.wait_for_line(|_| false, LAST_WORDS).await);
        let mut life = events(&self.process);
        // The kill may have cut its last line. Then it has not saved that event.
        if life.last().is_some_and(|line| !line.ends_with('}')) {
            life.pop();
        }
        self.before.push(life);
        self.process = self.program.clone().start()?;
        Ok(())
    }

    /// Number of lines printed so far by the current process.
    pub(super) fn lines(&self) -> usize {
        self.process.line_count()
    }

    /// The events that each of its processes printed.
    pub(super) fn lives(&self) -> Vec<Vec<String>> {
        let mut lives = self.before.clone();
        lives.push(events(&self.process));
        lives
    }

    /// The last lines that are not events, and the exit status.
    pub(super) fn complaints(&self) -> String {
        let lines = self.process.lines();
        let said: Vec<_> = lines.iter().filter(|line| !is_event(line)).collect();
        let last = &said[said.len().saturating_sub(10)..];
        let status = self.process.exit_status();
        format!("{} ({status:?}): {last:?}\n", self.name)
    }
}

/// Number of different events that examples have printed together.
pub(super) fn distinct(examples: &[Example]) -> usize {
    let lives = examples.iter().flat_map(Example::lives);
    lives.flatten().collect::<HashSet<String>>().len()
}

/// The lines that are events. Everything else is on standard error.
fn events(process: &Process) -> Vec<String> {
    let mut lines = process.lines();
    lines.retain(|line| is_event(line));
    lines
}

/// `{...}`, or a seq, a tab and `{...}`. Log lines of Go start with digits, too.
fn is_event(line: &str) -> bool {
    let json = match line.split_once('\t') {
        Some((seq, json)) if seq.bytes().all(|byte| byte.is_ascii_digit()) => json,
        _ => line,
    };
    json.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_are_not_events() {
        for line in [r#"{"a":1}"#, "12\t{\"a\":1}", "12\t{\"a"] {
            assert!(is_event(line), "{line}");
        }
        for line in ["2026/12/01 09:58:31 disconnected: EOF", "x\t{}", "12", ""] {
            assert!(!is_event(line), "{line}");
        }
    }
}
