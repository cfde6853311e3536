//! Ingest end to end: recorded frames at full speed -> ingest -> real nats-servers, all on this machine. With one replica
//! and with three; with verification off, for one in ten, and for all commits.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::NatsServer;
use fanjet_tools::programs::{Profile, build};

use super::cpu::cpu_seconds;
use crate::service::{Service, listening, simulator};

/// Frames of one run: enough for some seconds.
const FRAMES: u64 = 300_000;
/// The simulator must not drop frames before ingest has read them.
const HISTORY_BYTES: &str = "4294967296";
const RUNS: usize = 3;
const REPLICAS: [usize; 2] = [1, 3];
/// Verification: one run with each.
const VERIFIED: [&str; 2] = ["sample:10", "all"];
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);
/// The run is over when nothing was acknowledged for this long.
const QUIET: Duration = Duration::from_secs(2);

pub(crate) async fn run() -> Result<()> {
    build(Profile::Release)?;
    let folder = tempfile::tempdir()?;
    let recording = record(&folder).await?;
    // The same world once more, for its keys: a recording has none.
    let directory = simulator(Profile::Release, &["--wait-for-client"])?;
    let keys = listening(&directory).await?.replacen("ws://", "http://", 1);
    for replicas in REPLICAS {
        for _ in 0..RUNS {
            once(&recording, replicas, "off", &keys).await?;
        }
    }
    for commits in VERIFIED {
        once(&recording, 1, commits, &keys).await?;
    }
    directory.stop(PATIENCE).await?;
    Ok(())
}

/// The middle of some runs with one replica and without verification, in events per second.
pub(super) async fn unverified() -> Result<f64> {
    build(Profile::Release)?;
    let folder = tempfile::tempdir()?;
    let recording = record(&folder).await?;
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        // No consumer requests keys.
        rates.push(once(&recording, 1, "off", "http://127.0.0.1:9").await?);
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[RUNS / 2])
}

/// Generates the frames of all runs.
async fn record(folder: &tempfile::TempDir) -> Result<String> {
    let recording = folder.path().join("frames").display().to_string();
    println!("recording {FRAMES} simulated frames");
    let frames = FRAMES.to_string();
    let flags = [
        "--record-out",
        &recording,
        "--backlog",
        &frames,
        "--limit",
        &frames,
    ];
    let recorder = simulator(Profile::Release, &flags)?;
    recorder
        .wait_for_line(|line| line.starts_with("listening "), PATIENCE)
        .await?;
    recorder.stop(PATIENCE).await?;
    Ok(recording)
}

async fn once(recording: &str, replicas: usize, verified: &str, keys: &str) -> Result<f64> {
    let nats = match replicas {
        1 => vec![NatsServer::start().await?],
        _ => NatsServer::start_cluster(replicas).await?,
    };
    let urls: Vec<_> = nats.iter().map(NatsServer::url).collect();
    let simulator = simulator(
        Profile::Release,
        &[
            "--replay",
            recording,
            "--rate",
            "max",
            "--wait-for-client",
            "--history-bytes",
            HISTORY_BYTES,
        ],
    )?;
    let settings = [
        ("ingest.upstream.url", listening(&simulator).await?),
        ("nats.url", urls.join(",")),
        ("nats.stream.replicas", replicas.to_string()),
        ("ingest.verify.commits", verified.to_owned()),
        ("ingest.verify.plc_url", keys.to_owned()),
        ("ingest.verify.web_url", keys.to_owned()),
        ("ingest.verify.lookups_per_second", "10000".to_owned()),
    ];
    let mut ingest = Service::start(Profile::Release, "ingest", &settings)?;
    // Nothing is counted before it listens.
    ingest.listening().await?;

    let (mut events, mut first, mut last) = (0, None, Instant::now());
    while events == 0 || last.elapsed() < QUIET {
        tokio::time::sleep(POLL).await;
        let now = ingest.metric("fanjet_ingest_events", "").await? as u64;
        if now > events {
            (events, last) = (now, Instant::now());
            first.get_or_insert((last, now));
        }
    }
    let (began, before) = first.context("no event was appended")?;
    ensure!(events > before, "the run ended before the first sample");
    ensure!(
        events >= FRAMES,
        "only {events} events of {FRAMES} frames arrived"
    );
    if verified != "off" {
        let ok = ingest
            .metric("fanjet_ingest_verified_commits", "outcome=\"ok\"")
            .await?;
        println!("verified {verified}: {ok} commits good");
    }
    let took = last - began;
    let cpu = |pid| cpu_seconds(pid).map(|cpu| cpu * 1e6 / events as f64);
    let servers = nats.iter().filter_map(NatsServer::process);
    let servers = servers
        .map(|server| cpu(server.pid()))
        .sum::<Result<f64>>()?;
    let rate = (events - before) as f64 / took.as_secs_f64();
    println!(
        "{replicas} replicas, verification {verified}: {:.0} events/s  ({events} events; CPU per event: ingest {:.1} us, nats {servers:.1} us, simulator {:.1} us)",
        rate,
        cpu(ingest.process()?.pid())?,
        cpu(simulator.pid())?,
    );
    ingest.stop().await?;
    simulator.stop(PATIENCE).await?;
    Ok(rate)
}
