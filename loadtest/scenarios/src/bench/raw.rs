//! Raw frames: subscribers at one edge over NATS, what a filter costs that lets nothing through, replays from NATS and from a folder,
//! and what the raw log costs ingest and NATS.
//!
//! Readers count bytes and parse nothing, so that they take little of the machine.

mod settings;
mod readers;
mod history;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_testkit::NatsServer;

use super::figures::{self, Figures, Watched};
use super::options::Options;
use super::report::{Document, Target};
use super::round::median;
use super::table::{Table, figure};
use crate::service::{Service, listening, simulator, stop};
use readers::Readers;
use settings::{DELIVERED, MAX_BYTES, UNLIMITED, over_nats};

const SUBSCRIBERS: u64 = 100;
const RATE: f64 = 800.0;
/// Percent of a core for these subscribers at this rate.
const GOAL: f64 = 50.0;
/// No simulated repo.
const NO_FRAME: &str = "?wantedDids=did:plc:none";

pub(super) async fn raw(options: &Options, document: &mut Document) -> Result<()> {
    let mut rows = Vec::new();
    for is_raw in [false, true] {
        rows.extend(written(options, is_raw).await?);
    }
    rows.extend(live(options, document).await?);
    rows.extend(history::replays(options).await?);
    document.table("Raw frames", &figures::table(&rows));
    document.figures = rows;
    Ok(())
}

fn rate(options: &Options) -> f64 {
    options.rate.unwrap_or(RATE)
}

/// A simulated firehose at the rate of this benchmark.
fn firehose(options: &Options) -> Result<fanjet_testkit::Process> {
    let pace = rate(options).to_string();
    let flags = ["--rate", &pace, "--wait-for-client"];
    simulator(options.profile(), &flags)
}

async fn warm_up(options: &Options) {
    tokio::time::sleep(Duration::from_secs_f64(options.warm_up)).await;
}

/// What writing costs, with the raw log or without it.
async fn written(options: &Options, is_raw: bool) -> Result<Vec<Figures>> {
    let nats = NatsServer::start().await?;
    let upstream = firehose(options)?;
    let (url, from, is_on) = (nats.url(), listening(&upstream).await?, is_raw.to_string());
    let settings = [
        ("nats.url", url.as_str()),
        ("ingest.upstream.url", &from),
        ("raw.enabled", &is_on),
        MAX_BYTES,
    ];
    let mut ingest = Service::start(options.profile(), "ingest", &settings)?;
    ingest.wait_until_ready().await?;
    warm_up(options).await;
    let process = nats.process().context("it runs")?.pid();
    let watched = [ingest.process()?.pid(), process].map(Watched::begin);
    let [of_ingest, of_nats] = watched;
    let (of_ingest, of_nats) = (of_ingest?, of_nats?);
    let events = ingest.metric("fanjet_ingest_events", "").await?;
    tokio::time::sleep(Duration::from_secs_f64(options.seconds)).await;
    let events = ingest.metric("fanjet_ingest_events", "").await? - events;
    let with = if is_raw { "with" } else { "without" };
    let mut rows = Vec::new();
    for (who, watched) in [("ingest", of_ingest), ("nats-server", of_nats)] {
        let case = format!("{who}, {with} the raw log, per event");
        rows.push(watched.end(&case, events, 0.0)?);
    }
    ingest.stop().await?;
    if is_raw {
        for (stream, what) in [("ATP", "event"), ("ATP_RAW", "raw frame")] {
            rows.push(history::stored(&nats, stream, what).await?);
        }
    }
    stop(&upstream, "simulator").await?;
    Ok(rows)
}

/// Subscribers of everything, and of nothing, while frames arrive.
async fn live(options: &Options, document: &mut Document) -> Result<Vec<Figures>> {
    let nats = NatsServer::start().await?;
    let upstream = firehose(options)?;
    let (url, from) = (nats.url(), listening(&upstream).await?);
    let mut ingest = settings::ingest(options, &url, &from)?;
    ingest.wait_until_ready().await?;
    let settings = [
        &over_nats(&url)[..],
        &UNLIMITED,
        &[("edge.http.workers", "1")],
    ]
    .concat();
    let mut edge = Service::start(options.profile(), "edge", &settings)?;
    edge.wait_until_ready().await?;
    let subscribers = options.subscribers.unwrap_or(SUBSCRIBERS);
    let (rate, mut rows) = (rate(options), Vec::new());
    for (case, query, count) in [
        ("edge without subscribers, per frame", "", 0),
        ("edge, subscribers of everything", "", subscribers),
        (
            "edge, subscribers of nothing, per frame not sent",
            NO_FRAME,
            subscribers,
        ),
    ] {
        let readers = Readers::start(edge.address()?, query, count).await?;
        warm_up(options).await;
        for _ in 0..options.repeats.max(1) {
            let watched = Watched::begin(edge.process()?.pid())?;
            let (bytes, sent) = (readers.bytes(), edge.metric(DELIVERED, "").await?);
            tokio::time::sleep(Duration::from_secs_f64(options.seconds)).await;
            let sent = edge.metric(DELIVERED, "").await? - sent;
            let bytes = (readers.bytes() - bytes) as f64;
            let passed = rate * options.seconds * count.max(1) as f64;
            let is_all = count > 0 && query.is_empty();
            // What is read is what is sent, or the figure means nothing.
            ensure!(
                options.dev || !is_all || sent >= 0.95 * passed,
                "only {:.0} of {rate} frames per second arrive",
                sent / options.seconds / count as f64
            );
            ensure!(is_all || sent == 0.0, "{sent} frames that no client wants");
            let frames = if is_all { sent } else { passed };
            rows.push(watched.end(&format!("{case}, {count}"), frames, bytes)?);
        }
    }
    let [alone, all, none] = ["without", "of everything", "of nothing"].map(|what| {
        let of_case = rows.iter().filter(|row| row.case.contains(what));
        median(of_case.map(Figures::cpu_percent).collect())
    });
    let target = format!("raw: CPU % of {subscribers} subscribers at {rate:.0} frames/s");
    document.plain_target(Target::at_most(&target, GOAL, all));
    let mut table = Table::new(&["what a filter costs", ""]);
    let each = (none - alone) / 100.0 / (rate * subscribers as f64) * 1e9;
    table.row([
        "ns for a frame that a subscriber does not want".to_owned(),
        figure(each),
    ]);
    document.table("The cost of a frame that is not sent", &table);
    edge.stop().await?;
    ingest.stop().await?;
    Ok(rows)
}
