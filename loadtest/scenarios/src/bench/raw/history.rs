//! A raw log with a past, and readers of all of it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use fanjet_testkit::{NatsServer, Process};

use super::readers::Readers;
use super::settings::{DELIVERED, UNLIMITED, ingest, over_nats};
use crate::bench::figures::{Figures, Watched};
use crate::bench::options::Options;
use crate::service::{Service, listening, simulator, stop};

/// Frames of about one gigabyte.
const FRAMES: u64 = 185_000;
/// Enough to see that it runs.
const DEV_FRAMES: u64 = 3_000;
const READERS: [u64; 2] = [1, 10];
/// Pages are shared, the ring has next to nothing.
const SMALL_RING: (&str, &str) = ("edge.raw.ring_bytes", "1000000");
/// The log is complete when nothing was appended for this long.
const QUIET: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(600);

/// From NATS, and from the folder of a single process.
pub(super) async fn replays(options: &Options) -> Result<Vec<Figures>> {
    let mut rows = Vec::new();
    rows.extend(from_nats(options).await?);
    rows.extend(from_a_folder(options).await?);
    Ok(rows)
}

/// As many frames as the machine can write.
fn firehose(options: &Options) -> Result<Process> {
    let frames = if options.dev { DEV_FRAMES } else { FRAMES };
    let limit = frames.to_string();
    let flags = ["--rate", "max", "--wait-for-client", "--limit", &limit];
    let flags = [&flags[..], &["--history-bytes", "4294967296"]].concat();
    simulator(options.profile(), &flags)
}

async fn from_nats(options: &Options) -> Result<Vec<Figures>> {
    let nats = NatsServer::start().await?;
    let upstream = firehose(options)?;
    let (url, from) = (nats.url(), listening(&upstream).await?);
    let mut ingest = ingest(options, &url, &from)?;
    ingest.listening().await?;
    let frames = filled(&ingest).await?;
    stop(&upstream, "simulator").await?;
    ingest.stop().await?;
    let settings = [&over_nats(&url)[..], &UNLIMITED, &[SMALL_RING]].concat();
    let mut edge = Service::start(options.profile(), "edge", &settings)?;
    edge.wait_until_ready().await?;
    // Lets one in when it has reached the raw log.
    drop(Readers::start(edge.address()?, "", 1).await?);
    let mut rows = Vec::new();
    let server = nats.process().context("it runs")?.pid();
    for readers in READERS {
        let server = Watched::begin(server)?;
        let row = read_all(&edge, "NATS", readers, frames).await?;
        let (frames, bytes) = (row.frames, row.bytes);
        rows.push(row);
        let case = format!("nats-server meanwhile, {readers}");
        rows.push(server.end(&case, frames, bytes)?);
    }
    edge.stop().await?;
    Ok(rows)
}

async fn from_a_folder(options: &Options) -> Result<Vec<Figures>> {
    let folder = tempfile::tempdir()?;
    let upstream = firehose(options)?;
    let (path, from) = (folder.path().join("data"), listening(&upstream).await?);
    let path = path.display().to_string();
    let usual = [
        ("embedded.path", path.as_str()),
        ("raw.enabled", "true"),
        ("ingest.upstream.url", &from),
        SMALL_RING,
    ];
    let settings = [&usual[..], &UNLIMITED].concat();
    let mut node = Service::start(options.profile(), "serve", &settings)?;
    node.listening().await?;
    let frames = filled(&node).await?;
    let mut rows = Vec::new();
    for readers in READERS {
        rows.push(read_all(&node, "a folder", readers, frames).await?);
    }
    node.stop().await?;
    stop(&upstream, "simulator").await?;
    Ok(rows)
}

/// Waits until both logs have everything, and returns the number of raw frames.
async fn filled(ingest: &Service) -> Result<f64> {
    let began = Instant::now();
    let (mut known, mut since) = ((0.0, 0.0), Instant::now());
    while known.1 == 0.0 || since.elapsed() < QUIET {
        ensure!(began.elapsed() < PATIENCE, "the raw log is never complete");
        tokio::time::sleep(POLL).await;
        let events = ingest.metric("fanjet_ingest_events", "").await?;
        let now = (events, ingest.metric("fanjet_ingest_raw_events", "").await?);
        if now != known {
            (known, since) = (now, Instant::now());
        }
    }
    Ok(known.1)
}

/// Reads the whole log, so many times at once.
async fn read_all(edge: &Service, from: &str, readers: u64, frames: f64) -> Result<Figures> {
    let before = edge.metric(DELIVERED, "").await?;
    let watched = Watched::begin(edge.process()?.pid())?;
    let reading = Readers::start(edge.address()?, "?cursor=0", readers).await?;
    let began = Instant::now();
    let wanted = frames * readers as f64;
    let mut got = 0.0;
    while got < wanted {
        ensure!(began.elapsed() < PATIENCE, "{got} of {wanted} frames");
        tokio::time::sleep(POLL).await;
        got = edge.metric(DELIVERED, "").await? - before;
    }
    let case = format!("replay from {from}, {readers}");
    watched.end(&case, got, reading.bytes() as f64)
}

/// The bytes that a stream takes for each message.
pub(super) async fn stored(nats: &NatsServer, stream: &str, what: &str) -> Result<Figures> {
    let client = async_nats::connect(nats.url()).await?;
    let found = async_nats::jetstream::new(client)
        .get_stream(stream)
        .await?;
    let state = &found.cached_info().state;
    let on_disk = size_of(
        &nats
            .folder()
            .join("store/jetstream/$G/streams")
            .join(stream),
    )?;
    println!(
        "{stream}: {} messages, {} bytes before compression",
        state.messages, state.bytes
    );
    Ok(Figures {
        case: format!("NATS' disk, per {what}"),
        frames: state.messages as f64,
        bytes: on_disk as f64,
        seconds: f64::NAN,
        cpu: f64::NAN,
        mib: f64::NAN,
    })
}

fn size_of(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => size_of(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
