//! How cost grows with subscribers, with the width of their filters, with edges.

use anyhow::Result;

use super::cases::{ACCOUNTS, Case};
use super::options::{Options, Pace};
use super::report::Document;
use super::round::Round;
use super::table::{Table, figure};
use super::testbed::Testbed;

const RATE: f64 = 500.0;
const SUBSCRIBERS: [u64; 5] = [100, 300, 1_000, 3_000, 10_000];
const WIDTHS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
const WIDE_SUBSCRIBERS: u64 = 1_000;
/// Seconds. Parsing 1,000 filters of 10,000 DIDs takes a server a while, and must not be measured.
const WARM_UP: &str = "10";
const EDGES: [usize; 3] = [1, 2, 4];
const EDGE_SUBSCRIBERS: u64 = 500;

pub(super) async fn growth(options: &Options, document: &mut Document) -> Result<()> {
    let rate = options.rate.unwrap_or(RATE);
    let most = options.subscribers.unwrap_or(u64::MAX);
    let mut table = Table::new(&HEAD);
    for mix in ["a", "e"] {
        for count in SUBSCRIBERS.into_iter().filter(|it| *it <= most) {
            // 10,000 without a filter are more than one core can serve.
            if mix == "a" && count > 3_000 {
                continue;
            }
            let what = format!("{count} subscribers, mix {mix}");
            one(options, document, &mut table, &what, (1, count, mix, rate)).await?;
        }
    }
    document.table("By subscribers", &table);
    let mut table = Table::new(&HEAD);
    for width in WIDTHS {
        let count = WIDE_SUBSCRIBERS.min(most);
        let what = format!("{count} subscribers x {width} DIDs");
        let mix = format!("w{width}");
        one(options, document, &mut table, &what, (1, count, &mix, rate)).await?;
    }
    document.table("By width of the filters", &table);
    let mut table = Table::new(&HEAD);
    for edges in EDGES {
        let count = EDGE_SUBSCRIBERS.min(most);
        let what = format!("{edges} edges, {count} subscribers on the first");
        one(
            options,
            document,
            &mut table,
            &what,
            (edges, count, "e", rate),
        )
        .await?;
    }
    document.table("By edges, which share the servers' cores", &table);
    Ok(())
}

const HEAD: [&str; 9] = [
    "",
    "server CPU %",
    "delivered/s",
    "us per delivered",
    "p50 ms",
    "p99 ms",
    "MiB, ring included",
    "NATS bytes per log event",
    "",
];

/// One row, on fresh servers.
async fn one(
    options: &Options,
    document: &mut Document,
    table: &mut Table,
    what: &str,
    (edges, subscribers, mix, rate): (usize, u64, &str, f64),
) -> Result<()> {
    let mut testbed = Testbed::start(options, edges, &[]).await?;
    testbed.feed(Pace::Rate(rate), ACCOUNTS).await?;
    let mut case = Case::new(what, subscribers, mix, options).with(&["--warm-up", WARM_UP]);
    case.subscribers = subscribers;
    let sides = &options.sides()[..1];
    let rounds = case.measure(options, &testbed, sides, document).await?;
    table.row([
        what.to_owned(),
        figure(rounds.median(Round::cpu_percent)),
        figure(rounds.median(Round::delivered)),
        figure(rounds.median(Round::cpu_per_delivered)),
        figure(rounds.median(|it| it.latency(50.0))),
        figure(rounds.median(|it| it.latency(99.0))),
        figure(rounds.median(|it| it.memory)),
        figure(rounds.median(|it| it.nats_bytes / it.log_events)),
        rounds.remark(),
    ]);
    Ok(())
}
