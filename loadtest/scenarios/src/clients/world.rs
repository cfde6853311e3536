//! The events of a run, known in advance: the same seed always gives the same world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_oracle::Expected;
use fanjet_tools::programs::Profile;
use serde_json::Value;

use crate::service::{LISTENING, program};

const SEED: &str = "18";
const FRAMES: &str = "6000";
const STEP_US: &str = "2500";
const PATIENCE: Duration = Duration::from_secs(60);
/// All frames are made before the simulator listens.
const GENERATE: Duration = Duration::from_secs(300);

/// Every event that a subscriber without a filter must receive, in order. A position is an index of this list.
pub(super) struct World {
    pub(super) events: Vec<Value>,
    positions: HashMap<String, usize>,
    /// As written by the simulator.
    text: String,
    rate: u32,
}

impl World {
    /// Runs a simulator without clients, to write down what it would send.
    pub(super) async fn generate(rate: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("expected.jsonl");
        let simulator = program(Profile::Dev, "fanjet-simulator")
            .args(["--listen", "127.0.0.1:0", "--backlog", FRAMES])
            .args(Self::flags(&file))
            .start()?;
        simulator
            .wait_for_line(|line| line.starts_with(LISTENING), GENERATE)
            .await?;
        simulator.stop(PATIENCE).await?;
        Self::parse(std::fs::read_to_string(&file)?, rate)
    }

    /// The simulator's flags for this world.
    pub(super) fn flags(expect_out: &Path) -> Vec<String> {
        let flags = ["--seed", SEED, "--limit", FRAMES, "--step-us", STEP_US];
        let file = expect_out.display().to_string();
        let flags = flags.into_iter().map(str::to_owned);
        flags.chain(["--expect-out".to_owned(), file]).collect()
    }

    /// The flags for its pace, slow enough that edges restart while events flow.
    pub(super) fn pace(&self) -> Vec<String> {
        let rate = self.rate.to_string();
        let flags = ["--rate", &rate, "--wait-for-client"];
        flags.into_iter().map(str::to_owned).collect()
    }

    /// Checks that a run produced this world.
    pub(super) fn ensure_lived(&self, expect_out: &Path) -> Result<()> {
        let lived = std::fs::read_to_string(expect_out)?;
        ensure!(lived == self.text, "the simulator sent another world");
        Ok(())
    }

    /// The identity of an event: a commit's revision and path, or the upstream's seq.
    pub(super) fn position(&self, event: &Value) -> Option<usize> {
        self.positions.get(&name(event)?).copied()
    }

    /// All collections that occur.
    pub(super) fn collections(&self) -> BTreeSet<&str> {
        let commits = self.events.iter();
        commits
            .filter_map(|event| event["commit"]["collection"].as_str())
            .collect()
    }

    /// The accounts with the most events.
    pub(super) fn busiest(&self, count: usize) -> Vec<String> {
        let mut events = BTreeMap::<&str, usize>::new();
        for event in &self.events {
            *events
                .entry(event["did"].as_str().unwrap_or(""))
                .or_default() += 1;
        }
        let mut dids: Vec<_> = events.into_iter().collect();
        dids.sort_by_key(|(_, events)| std::cmp::Reverse(*events));
        dids.truncate(count);
        dids.into_iter().map(|(did, _)| did.to_owned()).collect()
    }

    fn parse(text: String, rate: u32) -> Result<Self> {
        let mut events = Vec::new();
        let mut positions = HashMap::new();
        // Events that v1 never serves have no text.
        for v1 in Expected::all(&text)?.iter().filter_map(|it| it.v1.as_ref()) {
            let event: Value = serde_json::from_str(v1)?;
            let name = name(&event).with_context(|| format!("an event without a name: {v1}"))?;
            let twin = positions.insert(name, events.len());
            ensure!(twin.is_none(), "two events have one name: {v1}");
            events.push(event);
        }
        ensure!(!events.is_empty(), "the simulator wrote down no events");
        Ok(Self {
            events,
            positions,
            text,
            rate,
        })
    }
}

fn name(event: &Value) -> Option<String> {
    let kind = event["kind"].as_str()?;
    let body = &event[kind];
    if kind != "commit" {
        return Some(format!("{kind} {}", body["seq"].as_u64()?));
    }
    let part = |key: &str| body[key].as_str();
    let (did, rev) = (event["did"].as_str()?, part("rev")?);
    Some(format!(
        "{did} {rev} {}/{}",
        part("collection")?,
        part("rkey")?
    ))
}
