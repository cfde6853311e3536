//! Rates of appending, following, reading and opening, on this machine's disk: `cargo bench -p fanjet-log-embedded`.
//!
//! The folder is temporary: set `TMPDIR` to measure another disk. An argument is the number of events.

#![allow(clippy::print_stdout, reason = "the figures are its output")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use fanjet_event::{Action, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
use fanjet_log::{EventLog, NewEvent, Origin, ReadLimit, Selection, TopicFilter, UpstreamId};
use fanjet_log_embedded::{EmbeddedConfig, EmbeddedLog, Verify};
use fanjet_runtime::SystemClock;
use futures::StreamExt;
use futures::future::try_join_all;

const COLLECTIONS: [(&str, u64); 6] = [
    ("app.bsky.feed.like", 600),
    ("app.bsky.feed.post", 150),
    ("app.bsky.graph.follow", 120),
    ("app.bsky.feed.repost", 90),
    ("app.bsky.graph.block", 39),
    ("app.bsky.actor.profile", 1),
];

#[tokio::main]
async fn main() -> Result<()> {
    let count = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000_000);
    let events = (0..count).map(event).collect::<Result<Vec<_>>>()?;
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    println!("{count} events, {} bytes on average", bytes as u64 / count);

    for piece in [1, 100, 1000] {
        let folder = tempfile::tempdir()?;
        let log = open(folder.path(), Verify::All).await?;
        // One event per sync measures the disk.
        let some = if piece == 1 { 2_000 } else { events.len() / 2 };
        let mut appender = log.appender(0).await?;
        let figures = Figures::begin()?;
        for piece in events[..some].chunks(piece) {
            appender.append(piece).await?;
            if piece.len() == 1 {
                appender.flush().await?;
            }
        }
        appender.flush().await?;
        let what = if piece == 1 {
            "append and flush"
        } else {
            "append"
        };
        figures.end(&format!("{what}, pieces of {piece}"), some)?;
    }

    let folder = tempfile::tempdir()?;
    let log = open(folder.path(), Verify::All).await?;
    let mut live = log.follow(1, &Selection::All).await?;
    let mut appender = log.appender(0).await?;
    let figures = Figures::begin()?;
    let (appended, followed) = futures::join!(
        async {
            for piece in events.chunks(100) {
                appender.append(piece).await?;
            }
            anyhow::Ok(appender.flush().await?)
        },
        async {
            let mut seen = 0;
            while seen < events.len() {
                seen += live.next().await.context("the follow ended")??.len();
            }
            anyhow::Ok(seen)
        }
    );
    ensure!(
        appended? == count && followed? as u64 == count,
        "all of them"
    );
    figures.end("append with one live follower", events.len())?;
    drop((appender, live, log));

    for verify in [Verify::All, Verify::Last] {
        let size = size(folder.path())?;
        let began = Instant::now();
        let log = open(folder.path(), verify).await?;
        let took = began.elapsed();
        let per_gb = took.as_secs_f64() / size as f64 * 1e9;
        println!("open, verify {verify:?}: {size} bytes in {took:?}, {per_gb:.2} s per GB");
        drop(log);
    }
    read_everything(folder.path(), &events).await
}

async fn read_everything(folder: &Path, events: &[NewEvent]) -> Result<()> {
    let log = open(folder, Verify::Last).await?;
    let posts = Selection::only([TopicFilter::Collection(parse("app.bsky.feed.post")?)]);
    let dense = Selection::only([TopicFilter::CollectionsUnder("app.bsky.feed".parse()?)]);
    let rare = Selection::only([TopicFilter::Collection(parse("app.bsky.actor.profile")?)]);
    for (name, selection) in [
        ("all", &Selection::All),
        ("84 %", &dense),
        ("15 %", &posts),
        ("0.1 %", &rare),
    ] {
        let wanted = events
            .iter()
            .filter(|event| selection.matches(&event.topic))
            .count();
        let figures = Figures::begin()?;
        let mut follow = log.follow(1, selection).await?;
        let mut seen = 0;
        while seen < wanted {
            seen += follow.next().await.context("the follow ended")??.len();
        }
        // Per event of the log, including skipped ones.
        figures.end(&format!("follow, {name}"), events.len())?;
        let figures = Figures::begin()?;
        read(&log, selection, wanted).await?;
        figures.end(&format!("pages of 1000, {name}"), events.len())?;
    }
    for readers in [8, 64] {
        let figures = Figures::begin()?;
        try_join_all((0..readers).map(|_| read(&log, &Selection::All, events.len()))).await?;
        figures.end(
            &format!("pages of 1000, all, {readers} readers"),
            events.len() * readers,
        )?;
    }
    let figures = Figures::begin()?;
    let probes = 1_000;
    for probe in 0..probes {
        let n = probe * events.len() as u64 / probes;
        ensure!(log.seq_at(time(n)?).await? == n + 1, "seq_at finds the seq");
    }
    figures.end("seq_at", probes as usize)
}

async fn read(log: &EmbeddedLog, selection: &Selection, wanted: usize) -> Result<()> {
    let limit = ReadLimit {
        entries: 1000,
        bytes: 8 << 20,
    };
    let (mut seen, mut next) = (0, 1);
    loop {
        let page = log.read(next, selection, limit).await?;
        seen += page.entries.len();
        next = page.next;
        if page.at_end {
            break;
        }
    }
    ensure!(seen == wanted, "read {seen} of {wanted}");
    Ok(())
}

async fn open(folder: &Path, verify: Verify) -> Result<EmbeddedLog> {
    let config = EmbeddedConfig {
        verify,
        // The events are from a fixed day.
        max_age: Duration::ZERO,
        ..EmbeddedConfig::in_folder(folder)
    };
    Ok(EmbeddedLog::open(config, Arc::new(SystemClock)).await?)
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}

fn event(n: u64) -> Result<NewEvent> {
    let collection = collection(n * 377 % 1000);
    let did = format!("did:plc:{:0>24}", n * 7919 % 1_000_003);
    let did = Did::parse(did.as_str())?;
    let rkey = Tid::from_parts(1_783_175_888_000_000 + n, 1).to_string();
    let mut body = format!(
        r#"{{"did":"{did}","time_us":{},"kind":"commit","commit":{{"rev":"{rkey}","operation":"{}","collection":"{collection}","rkey":"{}","record":{{"$type":"{collection}","text":""#,
        time(n)?,
        Action::Create.as_str(),
        RecordKey::parse(rkey.as_str())?,
    );
    // 540 bytes on average.
    for word in 0..14 + n % 7 {
        let noise = (n + word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        body.push_str(&format!("{noise:016x} "));
    }
    body.push_str(r#""}}}"#);
    Ok(NewEvent {
        trace: None,
        topic: Topic::Commit(parse(collection)?),
        origin: Origin {
            upstream: UpstreamId::new("relay1.us-east.bsky.network").context("a name")?,
            relay_seq: 30_000_000_000 + n,
            op_index: 0,
            op_count: 1,
            time: "2026-07-04T14:38:08.999Z".parse()?,
        },
        body: Bytes::from(body),
    })
}

fn collection(share: u64) -> &'static str {
    let mut end = 0;
    COLLECTIONS
        .iter()
        .find(|(_, permille)| {
            end += permille;
            share < end
        })
        .map_or("com.example.other", |(name, _)| name)
}

fn parse(name: &str) -> Result<Nsid> {
    Ok(name.parse()?)
}

fn time(n: u64) -> Result<TimeUs> {
    TimeUs::new(1_783_175_888_000_000 + n * 100).context("in range")
}

/// Time and CPU of one measurement.
struct Figures {
    began: Instant,
    cpu: Duration,
}

impl Figures {
    fn begin() -> Result<Self> {
        Ok(Self {
            cpu: cpu()?,
            began: Instant::now(),
        })
    }

    fn end(self, what: &str, count: usize) -> Result<()> {
        let took = self.began.elapsed();
        let each = (cpu()? - self.cpu).as_secs_f64() * 1e6 / count as f64;
        let rate = count as f64 / took.as_secs_f64();
        println!("{what:36} {rate:>10.0}/s   {each:>6.2} µs of CPU each");
        Ok(())
    }
}

/// User and system time of this process, in ticks of 10 ms.
fn cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let user = times.next().context("user time")??;
    let system = times.next().context("system time")??;
    Ok(Duration::from_millis((user + system) * 10))
}
