//! The label clients of the Python SDK, unmodified, against a node with labelers that is stopped and killed meanwhile: one of all
//! labelers, and one of a single labeler.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_simulator::LabelerConfig;
use fanjet_tools::programs::Profile;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::firehose_install::FirehoseClients;
use crate::service::{Service, listening, simulator, stop};

const LABELERS: u8 = 2;
/// Frames of each labeler, of one label each.
const FRAMES: u64 = 1_000;
/// How long no client may get a frame. The SDK waits up to 64 s between connections.
const SILENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

struct Client {
    name: String,
    /// `None`: of all labelers.
    labeler: Option<LabelerConfig>,
    child: Child,
    output: PathBuf,
    complaints: PathBuf,
}

/// Runs the clients until each has the last frame, and returns the number of those that missed or repeated one.
pub(super) async fn check(installed: &FirehoseClients) -> Result<usize> {
    let folder = tempfile::tempdir()?;
    let (count, frames) = (LABELERS.to_string(), FRAMES.to_string());
    let flags = [
        "--rate",
        "5",
        "--labelers",
        &count,
        "--labels",
        &frames,
        "--labels-rate",
        "25",
    ];
    let upstream = simulator(Profile::Dev, &flags)?;
    let url = listening(&upstream).await?;
    let labelers: Vec<_> = (0..LABELERS).map(LabelerConfig::numbered).collect();
    let dids: Vec<_> = labelers.iter().map(|config| config.did.as_str()).collect();
    let settings = [
        ("ingest.upstream.url", url.clone()),
        ("ingest.verify.plc_url", url.replacen("ws://", "http://", 1)),
        (
            "embedded.path",
            folder.path().join("data").display().to_string(),
        ),
        ("labels.labelers", dids.join(",")),
        ("labels.private_endpoints", "true".to_owned()),
        ("labels.verify", "enforce".to_owned()),
    ];
    let mut node = Service::start(Profile::Dev, "serve", &settings)?;
    node.wait_until_ready().await?;
    let base = node.url()?;
    let mut clients = Vec::new();
    for kind in ["sync", "async"] {
        clients.push(Client::start(installed, kind, &base, None, folder.path())?);
        let one = labelers[1].clone();
        clients.push(Client::start(
            installed,
            kind,
            &base,
            Some(one),
            folder.path(),
        )?);
    }
    wait_until(&mut clients, FRAMES / 5).await?;
    node.stop().await?;
    node.restart()?;
    node.wait_until_ready().await?;
    wait_until(&mut clients, FRAMES / 2).await?;
    node.kill().await?;
    node.restart()?;
    let outcome = wait_until(&mut clients, FRAMES).await;
    stop(&upstream, "simulator").await?;
    let mut failures = usize::from(outcome.is_err());
    for client in &clients {
        let verdict = client.judge();
        println!(
            "python atproto labels, {}: {}",
            client.name,
            verdict.as_ref().map_or_else(
                |error| error.to_string(),
                |count| format!("{count} frames, each in order, over two restarts")
            )
        );
        failures += usize::from(verdict.is_err());
    }
    drop(clients);
    node.stop().await?;
    Ok(failures)
}

/// Waits until each client has so many frames of each labeler that it reads.
async fn wait_until(clients: &mut [Client], frames: u64) -> Result<()> {
    let started = Instant::now();
    loop {
        let mut is_over = true;
        for client in &mut *clients {
            let ended = client.child.try_wait()?;
            let complaints = std::fs::read_to_string(&client.complaints).unwrap_or_default();
            ensure!(ended.is_none(), "{}: {ended:?}\n{complaints}", client.name);
            is_over &= client.messages().len() as u64 >= frames * client.labelers();
        }
        if is_over {
            return Ok(());
        }
        ensure!(
            started.elapsed() < SILENCE * 2,
            "the clients make no progress"
        );
        sleep(POLL).await;
    }
}

impl Client {
    fn start(
        installed: &FirehoseClients,
        kind: &str,
        url: &str,
        labeler: Option<LabelerConfig>,
        folder: &Path,
    ) -> Result<Self> {
        let (which, base) = match &labeler {
            None => ("all", format!("{url}/xrpc")),
            Some(config) => ("one", format!("{url}/labeler/{}/xrpc", config.did)),
        };
        let name = format!("{kind}, {which}");
        let output = folder.join(format!("{kind}-{which}.jsonl"));
        let complaints = folder.join(format!("{kind}-{which}.txt"));
        let child = Command::from(installed.labels())
            .args([kind, &base])
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&complaints)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            name,
            labeler,
            child,
            output,
            complaints,
        })
    }

    fn labelers(&self) -> u64 {
        match self.labeler {
            None => u64::from(LABELERS),
            Some(_) => 1,
        }
    }

    /// The number and the labeler of each frame so far.
    fn messages(&self) -> Vec<(u64, String)> {
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let message = |line: Value| {
            let src = line["labels"][0][0].as_str()?.to_owned();
            Some((line["seq"].as_u64()?, src))
        };
        lines.filter_map(message).collect()
    }

    /// Every frame, in order; after a reconnect the last one again.
    fn judge(&self) -> Result<usize> {
        let messages = self.messages();
        let mut repeats = 0;
        let mut seqs: Vec<u64> = Vec::with_capacity(messages.len());
        for (seq, _) in &messages {
            if seqs.last() == Some(seq) {
                repeats += 1;
                continue;
            }
            seqs.push(*seq);
        }
        ensure!(repeats <= 2, "{repeats} repeated frames at two reconnects");
        let step = self.labeler.as_ref().map_or(1, |config| config.seq_step);
        let first = *seqs.first().context("no frame")?;
        let expected = FRAMES * self.labelers();
        ensure!(
            seqs.len() as u64 == expected,
            "{} of {expected} frames",
            seqs.len()
        );
        for (at, seq) in (0..).zip(&seqs) {
            let wanted = first + at * step;
            ensure!(*seq == wanted, "{seq} in place of {wanted}");
        }
        if let Some(config) = &self.labeler {
            ensure!(first == step, "the first is {first}");
            let others = messages
                .iter()
                .filter(|(_, src)| src != config.did.as_str());
            ensure!(others.count() == 0, "labels of another labeler");
        }
        Ok(seqs.len())
    }
}
