//! `fanjet serve` killed under load, many times at random moments: at the end its log equals the oracle.
//!
//! The simulator is a process of its own, keeps its whole history, and survives. The log is read back from its folder,
//! by the library, after the last process has ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_runtime::SystemClock;
use fanjet_tools::programs::{Profile, build};

use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use fanjet_oracle::Account;
use fanjet_testkit::Process;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::runtime::block_on;
use crate::service::{get, listening, printed, program, set, simulator};
use crate::whole_log::{judge_log, publication};

/// The longest life of a process that is killed.
const LONGEST_LIFE: Duration = Duration::from_millis(2_000);

/// What a start may cost beside the life, for planning how many events are needed.
const START: Duration = Duration::from_millis(300);

const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);

/// Small segments, so that kills meet their ends too.
const SEGMENT_BYTES: &str = "4000000";

/// When a process is killed.
struct Life {
    /// Counted from when it serves; otherwise from its start, so that kills meet the reading of the log too.
    counts_once_served: bool,
    length: Duration,
}

pub(crate) fn run(runs: u32, rate: u32, seed: Option<u64>) -> Result<()> {
    block_on(crash(runs, rate, seed.unwrap_or_else(rand::random)))
}

async fn crash(runs: u32, rate: u32, seed: u64) -> Result<()> {
    build(Profile::Dev)?;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let lives: Vec<_> = (0..runs)
        .map(|_| Life {
            counts_once_served: random.random(),
            length: LONGEST_LIFE.mul_f64(random.random()),
        })
        .collect();
    let load = lives.iter().map(|life| life.length).sum::<Duration>() + START * (runs + 10);
    let frames = (load.as_secs_f64() * f64::from(rate)) as u64;

    let published = publication(rate, frames, seed)?;
    let data = published.folder().join("data");
    let simulator = simulator(Profile::Dev, published.flags())?;
    let upstream = listening(&simulator).await?;
    let under_load = kill_again_and_again(&upstream, &data, &lives).await?;
    let expected = {
        let last = serve(&upstream, &data)?;
        let expected = Account::read(&published.file(), frames, PATIENCE).await?;
        let newest = expected.last().context("nothing was published")?;
        wait_for_log(&last, newest.relay_seq).await?;
        let status = last.stop(PATIENCE).await?;
        ensure!(status.success(), "the last process ended with {status}");
        expected
    };
    simulator.stop(PATIENCE).await?;

    let log = EmbeddedLog::open(EmbeddedConfig::in_folder(&data), Arc::new(SystemClock)).await?;
    let (verdict, _) = judge_log(&log, &expected).await?;
    println!("{under_load} of {runs} kills hit a process that had appended");
    println!("{runs} kills, {verdict}");
    verdict.complaints.iter().for_each(|it| println!("{it}"));
    ensure!(
        verdict.is_clean(),
        "the log differs from the oracle (seed {seed})"
    );
    ensure!(
        under_load * 2 >= runs,
        "too few kills hit a process under load: they prove little"
    );
    Ok(())
}

/// Starts and kills a process for each life; how many of them had appended.
async fn kill_again_and_again(upstream: &str, data: &Path, lives: &[Life]) -> Result<u32> {
    let mut under_load = 0;
    let started = Instant::now();
    for (index, life) in lives.iter().enumerate() {
        let before = size(data);
        let process = serve(upstream, data)?;
        if index == 0 {
            // An empty log starts with what happens now, so nothing is owed to it before its first event.
            wait_for_log(&process, 1).await?;
        }
        if life.counts_once_served {
            listening(&process).await?;
        }
        tokio::time::sleep(life.length).await;
        ensure!(
            process.exit_status().is_none(),
            "it ended by itself:\n{}",
            process.lines().join("\n")
        );
        process.kill().await?;
        let grown = size(data) - before;
        if grown > 0 {
            under_load += 1;
        }
        println!(
            "kill {} after {:.0?}: {grown} bytes more ({:.0?} in all)",
            index + 1,
            life.length,
            started.elapsed()
        );
    }
    Ok(under_load)
}

fn serve(upstream: &str, data: &Path) -> Result<Process> {
    let data = data.display().to_string();
    let settings = [
        ("upstream.url", upstream),
        ("embedded.path", &data),
        ("embedded.segment_bytes", SEGMENT_BYTES),
        ("http.listen", "127.0.0.1:0"),
        ("ops.listen", "127.0.0.1:0"),
    ];
    program(Profile::Dev, "fanjet")
        .arg("serve")
        .args(
            settings
                .into_iter()
                .flat_map(|(key, value)| set(key, value)),
        )
        .start()
}

/// Waits until the log has everything up to a frame of the upstream that makes an event.
async fn wait_for_log(process: &Process, relay_seq: u64) -> Result<()> {
    let ops = printed(process, "ops http://").await?;
    let mut at = 0;
    let reaching = async {
        while at < relay_seq {
            tokio::time::sleep(POLL).await;
            let metrics = get(&ops, "/metrics").await?;
            let value = metrics
                .lines()
                .find_map(|line| line.strip_prefix("fanjet_ingest_relay_seq "));
            at = value.map_or(Ok(0.0), str::parse::<f64>)? as u64;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reaching)
        .await
        .with_context(|| format!("the log does not reach the relay seq {relay_seq}"))?
}

/// Bytes of all files in a folder, which may not be there yet.
fn size(folder: &Path) -> u64 {
    let Ok(files) = std::fs::read_dir(folder) else {
        return 0;
    };
    let paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|data| data.len())
        .sum()
}
