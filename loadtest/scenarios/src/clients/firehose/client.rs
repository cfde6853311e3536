//! One client: its process, and the numbers of the frames that it has handed over.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::clients::firehose_install::FirehoseClients;
use crate::clients::firehose_library::FirehoseLibrary;

/// How long no client may get a frame. The Python SDK waits up to 64 s between connections.
const SILENCE: Duration = Duration::from_secs(120);
/// How long a client gets nothing when it has everything.
const IDLE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(100);

/// A running client.
pub(super) struct Client {
    pub(super) library: FirehoseLibrary,
    child: Child,
    output: PathBuf,
    complaints: PathBuf,
}

impl Client {
    pub(super) fn start(
        installed: &FirehoseClients,
        library: FirehoseLibrary,
        url: &str,
        folder: &Path,
    ) -> Result<Self> {
        let file = |end| folder.join(format!("{library:?}.{end}"));
        let (output, complaints) = (file("jsonl"), file("txt"));
        let child = Command::from(installed.firehose(library, url))
            .stdin(Stdio::null())
            .stdout(File::create(&output)?)
            .stderr(File::create(&complaints)?)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            library,
            child,
            output,
            complaints,
        })
    }

    /// The numbers of the frames so far.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let text = std::fs::read_to_string(&self.output).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter_map(|line| line["seq"].as_u64()).collect()
    }

    /// Whether nothing arrived for a while.
    fn is_idle(&self) -> bool {
        let changed = std::fs::metadata(&self.output).and_then(|file| file.modified());
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age > IDLE))
    }

    /// A driver that raises at some frames must have done so, and has all frames regardless.
    pub(super) fn check_errors(&self) -> Result<()> {
        let raises = matches!(
            self.library,
            FirehoseLibrary::Python | FirehoseLibrary::PythonAsync
        );
        ensure!(
            !raises || self.complaints().contains("raised by the callback"),
            "the callback never raised"
        );
        Ok(())
    }

    fn complaints(&self) -> String {
        std::fs::read_to_string(&self.complaints).unwrap_or_default()
    }
}

/// Waits for a fact about each client.
pub(super) async fn wait_until(
    clients: &mut [Client],
    is_so: impl Fn(&Client) -> bool,
) -> Result<()> {
    let started = Instant::now();
    while !clients.iter().all(&is_so) {
        for client in &mut *clients {
            let ended = client.child.try_wait()?;
            let name = client.library.name();
            ensure!(
                ended.is_none(),
                "{name}: {ended:?}\n{}",
                client.complaints()
            );
        }
        let counts = || clients.iter().map(|client| client.seqs().len());
        ensure!(
            started.elapsed() < SILENCE,
            "the clients make no progress: {:?}",
            counts().collect::<Vec<_>>()
        );
        sleep(POLL).await;
    }
    Ok(())
}

/// Waits until each client has the last frame, or none arrive any more. Shorter than the Python SDK's patience with a silent stream: it would
/// reconnect, and get the last frame again.
pub(super) async fn wait_for_the_end(clients: &[Client], last: u64) {
    let started = Instant::now();
    let is_over = |client: &Client| {
        let has_last = client.seqs().last() == Some(&last);
        // The last frame may be none that it hands over.
        has_last || client.library.repeats_events() && client.is_idle()
    };
    while started.elapsed() < SILENCE && !clients.iter().all(is_over) {
        sleep(POLL).await;
    }
}
