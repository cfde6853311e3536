//! One running client: its process, and the events it has returned so far.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::install::Installed;
use super::judge::{Judged, Received, Rules, changed, judge};
use super::library::v1_of;
use super::subscription::Subscription;
use super::world::World;

/// A running driver. Dropping kills it.
pub(super) struct Driver {
    child: Child,
    output: BufReader<File>,
    /// The start of an incomplete line.
    begun: Vec<u8>,
    complaints: PathBuf,
    /// Set when it exits, which no driver does by itself.
    ended: Option<ExitStatus>,
    pub(super) subscription: Subscription,
    pub(super) received: Vec<Received>,
    /// How many different events of the world it has returned.
    pub(super) progress: usize,
    seen: Vec<bool>,
    /// The events that match its filter, and the filter it changes to.
    filtered: Vec<usize>,
    changed: Option<Vec<usize>>,
}

impl Driver {
    pub(super) fn start(
        installed: &Installed,
        world: &World,
        subscription: Subscription,
        urls: &[String],
        folder: &Path,
    ) -> Result<Self> {
        let dictionary = installed.dictionary.display().to_string();
        let spec = subscription.spec(world, urls, &dictionary);
        let output = folder.join("events.jsonl");
        let complaints = folder.join("complaints.txt");
        let mut command = Command::from(installed.driver(subscription.library));
        let child = command
            .arg(spec.to_string())
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&complaints)?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", subscription.library.name()))?;
        Ok(Self {
            child,
            output: BufReader::new(File::open(&output)?),
            begun: Vec::new(),
            complaints,
            ended: None,
            filtered: subscription.positions(world, &subscription.filter),
            changed: subscription
                .update
                .as_ref()
                .map(|update| subscription.positions(world, &update.filter)),
            subscription,
            received: Vec::new(),
            progress: 0,
            seen: vec![false; world.events.len()],
        })
    }

    /// Reads new lines, and returns whether there were any.
    pub(super) fn read(&mut self, world: &World) -> Result<bool> {
        self.ended = self.child.try_wait()?;
        let before = self.received.len();
        while self.output.read_until(b'\n', &mut self.begun)? > 0 && self.begun.ends_with(b"\n") {
            let event: Value = serde_json::from_slice(&self.begun).with_context(|| {
                let printed = String::from_utf8_lossy(&self.begun);
                format!("its driver printed {printed:?}")
            })?;
            self.begun.clear();
            self.receive(world, &event);
        }
        Ok(self.received.len() > before)
    }

    /// Whether the last event has arrived, or none can arrive any more.
    pub(super) fn is_complete(&self) -> bool {
        if self.ended.is_some() {
            return true;
        }
        let last = self.changed.as_ref().unwrap_or(&self.filtered).last();
        last.is_none_or(|last| self.seen[*last])
    }

    /// Whether its process has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// The share of its events that it has returned.
    pub(super) fn share(&self) -> f64 {
        if self.ended.is_some() {
            return 1.0;
        }
        self.progress as f64 / self.filtered.len().max(1) as f64
    }

    /// The verdict on the whole stream.
    pub(super) fn judged(&self) -> Judged {
        let subscription = &self.subscription;
        let wanted = match &self.changed {
            None => Some(self.filtered.clone()),
            Some(behind) => changed(&self.filtered, behind, &self.received),
        };
        let rules = Rules {
            // Without a visible change all events of the new filter are missing, which is the verdict.
            wanted: wanted.or_else(|| self.changed.clone()).unwrap_or_default(),
            is_interrupted: subscription.is_interrupted,
            hides_repetitions: subscription.library.hides_repetitions(),
            rewinds_us: match subscription.edges.len() {
                1 => 0,
                _ => subscription.library.rewinds_us(),
            },
        };
        let mut judged = judge(&rules, &self.received);
        if let Some(status) = self.ended {
            let complaint = format!("the driver ended with {status}");
            judged.verdict.complaints.insert(0, complaint);
        }
        judged
    }

    /// The end of its error output.
    pub(super) fn complaints(&self) -> String {
        let text = std::fs::read_to_string(&self.complaints).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }

    fn receive(&mut self, world: &World, event: &Value) {
        let position = match self.subscription.library.speaks_v2() {
            true => world.position(&v1_of(event.clone())),
            false => world.position(event),
        };
        let difference = match position {
            Some(position) => {
                let expected = &world.events[position];
                self.subscription.library.difference(expected, event)
            }
            None => Some(format!("never sent: {event}")),
        };
        if let Some(seen) = position.and_then(|position| self.seen.get_mut(position)) {
            self.progress += usize::from(!*seen);
            *seen = true;
        }
        self.received.push(Received {
            position,
            time_us: event["time_us"].as_u64(),
            difference,
        });
    }
}
