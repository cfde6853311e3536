//! Kills `fanjet serve` under load, many times at random moments: at the end its log equals the expected events.
//!
//! The simulator is a separate process, keeps its whole history, and survives. The log is read from its folder, by the
//! library, after the last process has ended.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_runtime::SystemClock;
use fanjet_tools::programs::{Profile, build};

use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog};
use fanjet_oracle::ExpectedEvents;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::runtime::block_on;
use crate::service::{Service, listening, simulator};
use crate::whole_log::{judge_log, publication};

/// The longest life of a killed process.
const LONGEST_LIFE: Duration = Duration::from_millis(2_000);

/// Startup time in addition to the life, for planning how many events are needed.
const START: Duration = Duration::from_millis(300);

const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(50);

/// Small segments, so that kills hit segment changes too.
const SEGMENT_BYTES: &str = "4000000";

/// When a process is killed.
struct Life {
    /// Since it serves; otherwise since its start, so that kills hit the recovery of the log too.
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
    let path = data.display().to_string();
    let settings = [
        ("ingest.upstream.url", upstream.as_str()),
        ("embedded.path", &path),
        ("embedded.segment_bytes", SEGMENT_BYTES),
    ];
    let mut service = Service::start(Profile::Dev, "serve", &settings)?;
    let under_load = kill_again_and_again(&mut service, &data, &lives).await?;
    let expected = ExpectedEvents::read(&published.file(), frames, PATIENCE).await?;
    let newest = expected.last().context("nothing was published")?;
    wait_for_log(&service, newest.relay_seq).await?;
    service.stop().await?;
    simulator.stop(PATIENCE).await?;

    let log = EmbeddedLog::open(EmbeddedConfig::in_folder(&data), Arc::new(SystemClock)).await?;
    let (verdict, _) = judge_log(&log, &expected).await?;
    println!("{under_load} of {runs} kills hit a process that had appended");
    println!("{runs} kills, {verdict}");
    verdict.complaints.iter().for_each(|it| println!("{it}"));
    ensure!(
        verdict.is_clean(),
        "the log differs from the expected events (seed {seed})"
    );
    ensure!(
        under_load * 2 >= runs,
        "too few kills hit a process under load: they prove little"
    );
    Ok(())
}

/// Kills the process at the end of each life, and starts it again; how many of them had appended.
async fn kill_again_and_again(service: &mut Service, data: &Path, lives: &[Life]) -> Result<u32> {
    let mut under_load = 0;
    let started = Instant::now();
    // An empty log starts with what happens now, so nothing is owed to it before its first event.
    wait_for_log(service, 1).await?;
    let mut before = 0;
    for (index, life) in lives.iter().enumerate() {
        if life.counts_once_served {
            service.listening().await?;
        }
        tokio::time::sleep(life.length).await;
        let said = || service.lines().join("\n");
        service.check().with_context(said)?;
        service.kill().await?;
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
        before += grown;
        service.restart()?;
    }
    Ok(under_load)
}

/// Waits until the log has everything up to a frame of the upstream that makes an event.
async fn wait_for_log(service: &Service, relay_seq: u64) -> Result<()> {
    service.listening().await?;
    let reaching = async {
        while service.metric("fanjet_ingest_relay_seq", "").await? < relay_seq as f64 {
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, reaching)
        .await
        .with_context(|| format!("the log does not reach the relay seq {relay_seq}"))?
}

/// Bytes of all files in a folder, which may not exist yet.
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
