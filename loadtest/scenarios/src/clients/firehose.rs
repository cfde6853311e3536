//! The firehose clients of the Python SDK, unmodified, against a node with the raw log that is stopped and killed meanwhile.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_oracle::Expected;
use fanjet_tools::programs::Profile;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::install::Installed;
use crate::service::{Service, listening, simulator, stop};

const FRAMES: usize = 3_000;
/// How long no client may get a frame. The SDK waits up to 64 s between connections.
const SILENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(100);

/// One client.
struct Client {
    kind: &'static str,
    child: Child,
    output: std::path::PathBuf,
    complaints: std::path::PathBuf,
}

/// Runs the clients until each has the last frame, and returns the number of those that missed or repeated one.
pub(super) async fn check(installed: &Installed) -> Result<usize> {
    let folder = tempfile::tempdir()?;
    let expect_out = folder.path().join("expected.jsonl");
    let (frames, file) = (FRAMES.to_string(), expect_out.display().to_string());
    let flags = [
        "--seed",
        "19",
        "--limit",
        &frames,
        "--rate",
        "100",
        "--wait-for-client",
    ];
    let flags = [&flags[..], &["--expect-out", &file]].concat();
    let upstream = simulator(Profile::Dev, &flags)?;
    let settings = [
        ("ingest.upstream.url", listening(&upstream).await?),
        (
            "embedded.path",
            folder.path().join("data").display().to_string(),
        ),
        ("raw.enabled", "true".to_owned()),
    ];
    let mut node = Service::start(Profile::Dev, "serve", &settings)?;
    node.wait_until_ready().await?;
    let mut clients = Vec::new();
    for kind in ["sync", "async"] {
        clients.push(Client::start(installed, kind, &node.url()?, folder.path())?);
    }
    wait_until(&mut clients, |client| client.seqs().len() > FRAMES / 5).await?;
    node.stop().await?;
    node.restart()?;
    node.wait_until_ready().await?;
    wait_until(&mut clients, |client| client.seqs().len() > FRAMES / 2).await?;
    node.kill().await?;
    node.restart()?;
    let started = Instant::now();
    let is_over = |client: &Client| client.seqs().len() >= FRAMES;
    // The last frames are known when the simulator has written them down, at its end.
    while started.elapsed() < SILENCE
        && !clients
            .iter()
            .all(|client| is_over(client) || client.is_idle())
    {
        sleep(POLL).await;
    }
    stop(&upstream, "simulator").await?;
    let expected = Expected::all(&std::fs::read_to_string(&expect_out)?)?;
    let expected: BTreeSet<u64> = expected.iter().map(|event| event.relay_seq).collect();
    let mut failures = 0;
    for client in &clients {
        let verdict = judge(&client.seqs(), &expected);
        println!(
            "python atproto, {}: {}",
            client.kind,
            verdict.as_ref().map_or_else(
                |error| error.to_string(),
                |count| format!("{count} frames, each once, over two restarts")
            )
        );
        failures += usize::from(verdict.is_err());
    }
    drop(clients);
    node.stop().await?;
    Ok(failures)
}

/// Waits for a fact about each client.
async fn wait_until(clients: &mut [Client], is_so: impl Fn(&Client) -> bool) -> Result<()> {
    let started = Instant::now();
    while !clients.iter().all(&is_so) {
        for client in &mut *clients {
            let ended = client.child.try_wait()?;
            ensure!(
                ended.is_none(),
                "{}: {ended:?}\n{}",
                client.kind,
                client.complaints()
            );
        }
        ensure!(
            started.elapsed() < SILENCE,
            "the clients make no progress: {:?}",
            clients
                .iter()
                .map(|client| client.seqs().len())
                .collect::<Vec<_>>()
        );
        sleep(POLL).await;
    }
    Ok(())
}

/// Every frame from the first one on, in order; after a reconnect the last one again.
fn judge(seqs: &[u64], expected: &BTreeSet<u64>) -> Result<usize> {
    let first = *seqs.first().context("no frame")?;
    let mut last = 0;
    let mut repeats = 0;
    for seq in seqs {
        ensure!(*seq >= last, "{seq} behind {last}");
        repeats += usize::from(*seq == last);
        last = *seq;
    }
    ensure!(repeats <= 2, "{repeats} repeated frames at two reconnects");
    let got: BTreeSet<u64> = seqs.iter().copied().collect();
    let missing: Vec<_> = expected
        .range(first..)
        .filter(|seq| !got.contains(seq))
        .collect();
    ensure!(
        missing.is_empty(),
        "{} missing: {:?} ...",
        missing.len(),
        missing.first()
    );
    ensure!(got.len() > FRAMES / 2, "only {} frames", got.len());
    Ok(got.len())
}

impl Client {
    fn start(installed: &Installed, kind: &'static str, url: &str, folder: &Path) -> Result<Self> {
        let output = folder.join(format!("{kind}.jsonl"));
        let complaints = folder.join(format!("{kind}.txt"));
        let mut command = Command::from(installed.firehose());
        let child = command
            .args([kind, &format!("{url}/xrpc")])
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&complaints)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            kind,
            child,
            output,
            complaints,
        })
    }

    /// The numbers of the frames so far.
    fn seqs(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| line["seq"].as_u64()).collect()
    }

    /// Whether nothing arrived for a while.
    fn is_idle(&self) -> bool {
        let changed = std::fs::metadata(&self.output).and_then(|file| file.modified());
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > SILENCE / 3))
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(&self.complaints).unwrap_or_default()
    }
}
