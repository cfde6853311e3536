//! Readers that are too slow: an edge waits for each of them, within the memory bound of its settings.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fanjet_oracle::{Filter, Ledger, Start, Verdict, fill};
use fanjet_tools::programs::Profile;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::cluster::Cluster;
use crate::load::{Pace, Until, Wish, reference};
use crate::memory::resident_mib;
use crate::publication::Publication;
use crate::runtime::block_on;

const TICK: Duration = Duration::from_millis(500);
/// The receive buffer of a reader, small enough that the edge notices.
const RECEIVE_BUFFER: u32 = 16 << 10;

const MIB: f64 = 1_048_576.0;
const RING_BYTES: usize = 32 << 20;
const CACHE_BYTES: usize = 32 << 20;
/// The defaults of `edge.subscriber.max_pending_bytes`, a page of a replay, and `edge.replay.max_loads`.
const PENDING_BYTES: usize = 1 << 20;
const PAGE_BYTES: usize = 128 << 10;
const LOADS: usize = 8;
/// The HTTP server's write buffer, and the last piece in it, which may double it.
const WRITE_BYTES: usize = 2 * ((32 << 10) + PAGE_BYTES);
/// The program itself, its time index, threads and the allocator.
const FIXED_BYTES: usize = 64 << 20;

/// Arguments.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Number of readers
    #[arg(long, default_value_t = 200)]
    readers: usize,
    /// Seconds of events, during which all of them read slowly
    #[arg(long, default_value_t = 120)]
    seconds: u64,
    /// Frames per second
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// Bytes per second of a reader
    #[arg(long, default_value_t = 100_000)]
    pace: u32,
    /// Build the programs without optimizations
    #[arg(long)]
    dev: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    block_on(slow_consumers(args))
}

async fn slow_consumers(args: &Args) -> Result<()> {
    let frames = u64::from(args.rate) * args.seconds;
    let published = Publication::new(args.rate, frames)?.forgetful();
    let settings = [
        ("edge.tail.ring_bytes", RING_BYTES.to_string()),
        ("edge.replay.cache_bytes", CACHE_BYTES.to_string()),
    ];
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect();
    let mut cluster =
        Cluster::start(1, Profile::of(args.dev), published.flags(), &settings).await?;
    let ledger = published.ledger();
    let mut filling = JoinSet::new();
    filling.spawn(fill(Arc::clone(&ledger), frames));
    let url = cluster.edges[0].url()?;
    let mut readers = JoinSet::new();
    readers.spawn(reference(url.clone(), Arc::clone(&ledger)));
    let (free, freed) = watch::channel(false);
    for _ in 0..args.readers {
        let (url, ledger, freed) = (url.clone(), Arc::clone(&ledger), freed.clone());
        readers.spawn(slow_reader(url, ledger, f64::from(args.pace), freed));
    }
    cluster.start_ingest()?;

    let pid = cluster.edges[0].process()?.pid();
    let started = Instant::now();
    let (mut most, mut catching_up) = (0.0_f64, 0.0_f64);
    let mut verdict = Verdict::default();
    let mut least = u64::MAX;
    while !readers.is_empty() {
        most = most.max(resident_mib(pid)?);
        if !*free.borrow() {
            catching_up = cluster.edges[0]
                .metric("fanjet_edge_catching_up", "")
                .await?;
        }
        if ledger.is_complete() && !free.send_replace(true) {
            let took = started.elapsed().as_secs();
            println!(
                "{took} s: {catching_up} catching up, RSS {most:.0} MiB; now they read at full speed"
            );
        }
        while let Some(ended) = readers.try_join_next() {
            let one = ended??;
            least = least.min(one.events);
            verdict.add(one);
        }
        sleep(TICK).await;
    }
    filling
        .join_next()
        .await
        .context("the ledger was not filled")???;
    let disconnects = cluster.edges[0]
        .metric("fanjet_edge_disconnects_total", "pong_timeout")
        .await?;
    let fell = cluster.edges[0]
        .metric("fanjet_edge_disconnects_total", "fell_behind")
        .await?;
    cluster.stop().await?;
    let bound = bound(args.readers + 1);
    println!(
        "{} readers at {} bytes/s, {least} events each in {} s, {verdict}; {disconnects} closed by ping timeout, {fell} fell \
         behind; RSS max {most:.0} MiB (bound {bound:.0})",
        args.readers,
        args.pace,
        started.elapsed().as_secs(),
    );
    if let Some(first) = verdict.first() {
        bail!("{first}");
    }
    ensure!(verdict.is_clean(), "not clean");
    ensure!(
        least == ledger.known() as u64,
        "a reader did not get everything"
    );
    ensure!(
        most <= bound,
        "the edge exceeds the memory bound of its settings"
    );
    ensure!(
        catching_up * 2.0 >= args.readers as f64,
        "most readers kept up: this proves little"
    );
    Ok(())
}

/// Reads slowly until it is freed, then everything.
async fn slow_reader(
    url: String,
    ledger: Arc<Ledger>,
    pace: f64,
    freed: watch::Receiver<bool>,
) -> Result<Verdict> {
    let wish = Wish {
        url: &url,
        query: "cursor=0&".to_owned(),
        filter: Filter::default(),
        is_compressed: false,
        is_v2: false,
        receive_buffer: Some(RECEIVE_BUFFER),
    };
    let mut reader = wish.connect(&ledger, |_| Start::At(0)).await?;
    let read = async {
        reader.set_pace(Pace::Slow(pace));
        while !*freed.borrow() {
            reader.read(Until::Time(Instant::now() + TICK)).await?;
        }
        reader.set_pace(Pace::Free);
        while ledger.timed() < ledger.known() {
            reader.read(Until::Time(Instant::now() + TICK)).await?;
        }
        reader.read(Until::Index(ledger.known())).await
    };
    if let Err(error) = read.await {
        reader.broke(&error);
    }
    Ok(reader.verdict())
}

/// The bound of the settings, in MiB.
fn bound(readers: usize) -> f64 {
    let shared = RING_BYTES + CACHE_BYTES + LOADS * PAGE_BYTES + FIXED_BYTES;
    (shared + readers * (PENDING_BYTES + WRITE_BYTES)) as f64 / MIB
}
