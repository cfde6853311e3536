//! Rates of appending, following and reading, against a real server on this machine: `cargo bench -p fanjet-log-nats`.
//!
//! Client and server share the machine, so the CPU time per event is more meaningful than the rate. An argument is the
//! number of events.

#![allow(clippy::print_stdout, reason = "the figures are its output")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use fanjet_event::{Action, Did, Nsid, RecordKey, Tid, TimeUs, Topic};
use fanjet_log::{EventLog, NewEvent, Origin, ReadLimit, Selection, TopicFilter, UpstreamId};
use fanjet_log_nats::{NatsConfig, NatsLog, ServerUrl, StreamConfig};
use fanjet_testkit::NatsServer;
use futures::StreamExt;

const COLLECTIONS: [(&str, u64); 6] = [
    ("app.bsky.feed.like", 60),
    ("app.bsky.feed.post", 15),
    ("app.bsky.graph.follow", 12),
    ("app.bsky.feed.repost", 9),
    ("app.bsky.graph.block", 3),
    ("app.bsky.actor.profile", 1),
];

#[tokio::main]
async fn main() -> Result<()> {
    let count = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(300_000);
    let events = (0..count).map(event).collect::<Result<Vec<_>>>()?;
    let bytes: usize = events.iter().map(|event| event.body.len()).sum();
    println!("{count} events, {} bytes on average", bytes as u64 / count);

    let server = NatsServer::start().await?;
    let pid = server.process().context("it runs")?.pid();
    for window in [1, 64, 256, 1024, 4096] {
        let log = open(&server, window).await?;
        let mut appender = log.appender(0).await?;
        let some = if window == 1 {
            events.len() / 10
        } else {
            events.len()
        };
        let figures = Figures::begin(pid)?;
        for piece in events[..some].chunks(100) {
            appender.append(piece).await?;
        }
        appender.flush().await?;
        figures.end(&format!("append, window {window}"), some)?;
    }

    let log = open(&server, 1024).await?;
    let mut appender = log.appender(0).await?;
    appender.append(&events).await?;
    appender.flush().await?;
    let posts = Selection::only([TopicFilter::Collection(parse("app.bsky.feed.post")?)]);
    let several = Selection::only([
        TopicFilter::Collection(parse("app.bsky.feed.post")?),
        TopicFilter::Collection(parse("app.bsky.graph.block")?),
    ]);
    for (name, selection) in [
        ("all", Selection::All),
        ("one collection", posts),
        ("two collections", several),
    ] {
        let wanted = events
            .iter()
            .filter(|event| selection.matches(&event.topic))
            .count();
        let figures = Figures::begin(pid)?;
        let mut follow = log.follow(1, &selection).await?;
        let mut seen = 0;
        while seen < wanted {
            seen += follow.next().await.context("the follow ended")??.len();
        }
        figures.end(&format!("follow, {name}"), wanted)?;

        let figures = Figures::begin(pid)?;
        let limit = ReadLimit {
            entries: 1000,
            bytes: 8 << 20,
        };
        let (mut seen, mut next) = (0, 1);
        loop {
            let page = log.read(next, &selection, limit).await?;
            seen += page.entries.len();
            next = page.next;
            if page.at_end {
                break;
            }
        }
        ensure!(seen == wanted, "read {seen} of {wanted}");
        figures.end(&format!("pages of 1000, {name}"), wanted)?;
    }

    let figures = Figures::begin(pid)?;
    let probes = 1000;
    for probe in 0..probes {
        let n = probe * count / probes;
        ensure!(log.seq_at(time(n)?).await? == n + 1, "seq_at finds the seq");
    }
    figures.end("seq_at", probes as usize)
}

async fn open(server: &NatsServer, window: usize) -> Result<NatsLog> {
    let name = format!("W{window}-{}", std::process::id());
    let config = NatsConfig {
        url: vec![ServerUrl::new(server.url())],
        publish_window: window,
        stream: StreamConfig {
            subject_root: name.to_lowercase(),
            name,
            ..StreamConfig::default()
        },
        ..NatsConfig::default()
    };
    let admin = async_nats::jetstream::new(async_nats::connect(server.url()).await?);
    // It may not exist.
    drop(admin.delete_stream(&config.stream.name).await);
    Ok(NatsLog::connect(config).await?)
}

fn event(n: u64) -> Result<NewEvent> {
    let collection = collection(n * 37 % 100);
    let did = format!("did:plc:{:0>24}", n * 7919 % 1_000_003);
    let did = Did::parse(did.as_str())?;
    let rkey = Tid::from_parts(1_783_175_888_000_000 + n, 1).to_string();
    let mut body = format!(
        r#"{{"did":"{did}","time_us":{},"kind":"commit","commit":{{"rev":"{rkey}","operation":"{}","collection":"{collection}","rkey":"{}","record":{{"$type":"{collection}","text":""#,
        time(n)?,
        Action::Create.as_str(),
        RecordKey::parse(rkey.as_str())?,
    );
    // 600 bytes on average, and not so similar that they compress well.
    for word in 0..20 + n % 7 {
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
        .find(|(_, percent)| {
            end += percent;
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
    client: Duration,
    server: Duration,
    server_pid: i32,
}

impl Figures {
    fn begin(server_pid: i32) -> Result<Self> {
        Ok(Self {
            client: cpu("self")?,
            server: cpu(&server_pid.to_string())?,
            began: Instant::now(),
            server_pid,
        })
    }

    fn end(self, what: &str, count: usize) -> Result<()> {
        let took = self.began.elapsed();
        let client = cpu("self")? - self.client;
        let server = cpu(&self.server_pid.to_string())? - self.server;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        println!(
            "{what:32} {:>9.0}/s   client {:>6.2} µs   server {:>6.2} µs each",
            count as f64 / took.as_secs_f64(),
            each(client),
            each(server)
        );
        Ok(())
    }
}

/// User and system time of a process, in ticks of 10 ms.
fn cpu(process: &str) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("a name in brackets")?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    let user = times.next().context("user time")??;
    let system = times.next().context("system time")??;
    Ok(Duration::from_millis((user + system) * 10))
}
