//! The cost of subscribers and edges apart from CPU time: memory, and the NATS server's traffic.

use std::fs;

use anyhow::Result;

use super::cases::{ACCOUNTS, Case};
use super::options::{Options, Pace};
use super::report::{Document, Target};
use super::round::Round;
use super::table::{Table, figure};
use super::testbed::Testbed;

const IDLE: u64 = 5_000;
const EGRESS_RATE: f64 = 1_000.0;

/// Resident memory of subscribers that get nothing.
pub(super) async fn memory(options: &Options, document: &mut Document) -> Result<()> {
    let mut table = Table::new(&[
        "filter",
        "subscribers",
        "KiB each",
        "MiB before",
        "MiB with",
        "",
    ]);
    for (mix, what) in [("a", "none"), ("d", "100 DIDs"), ("w1000", "1,000 DIDs")] {
        // Each on fresh servers: memory that earlier runs released would hide what these need.
        let testbed = Testbed::start(options, 1, &[]).await?;
        let world = testbed.folder().join("world.json");
        fs::write(&world, r#"{"dids":[],"collections":[]}"#)?;
        let world = world.display().to_string();
        let case = Case::new(&format!("idle, {what}"), IDLE, mix, options);
        let case = case.with(&["--no-reference", "--sample", "0", "--world", &world]);
        let rounds = case
            .measure(&once(options), &testbed, &options.sides(), document)
            .await?;
        let each = rounds.median(Round::memory_per_subscriber);
        table.row([
            what.to_owned(),
            case.subscribers.to_string(),
            figure(each),
            figure(rounds.median(|it| it.memory_before)),
            figure(rounds.median(|it| it.memory)),
            rounds.remark(),
        ]);
        if mix == "a" {
            let target = Target::at_most("memory per idle subscriber, KB", 16.0, each * 1.024);
            document.target(target, &rounds);
        }
    }
    document.table("Memory of idle subscribers, without the kernel's", &table);
    Ok(())
}

/// Bytes of the nats-server per event of the log, with one edge and two.
pub(super) async fn egress(options: &Options, document: &mut Document) -> Result<()> {
    let mut table = Table::new(&[
        "edges",
        "subscribers",
        "log events/s",
        "bytes sent per log event",
        "",
    ]);
    let mut costs = Vec::new();
    for (edges, subscribers) in [(1, 10), (1, 500), (2, 500)] {
        let mut testbed = Testbed::start(options, edges, &[]).await?;
        let rate = options.rate.unwrap_or(EGRESS_RATE);
        testbed.feed(Pace::Rate(rate), ACCOUNTS).await?;
        let name = format!("{edges} edges, {subscribers} subscribers");
        let mut case = Case::new(&name, subscribers, "a", options);
        case.subscribers = subscribers;
        let sides = &options.sides()[..1];
        let rounds = case
            .measure(&once(options), &testbed, sides, document)
            .await?;
        let cost = rounds.median(|it| it.nats_bytes / it.log_events);
        costs.push(cost);
        table.row([
            edges.to_string(),
            subscribers.to_string(),
            figure(rounds.median(Round::log_rate)),
            figure(cost),
            rounds.remark(),
        ]);
        if edges == 2 {
            let copies = costs[2] / costs[1];
            let growth = costs[1] / costs[0];
            document.target(
                Target::at_most("NATS egress of two edges, times one edge", 2.1, copies),
                &rounds,
            );
            document.target(
                Target::at_most(
                    "NATS egress with 500 subscribers, times with 10",
                    1.05,
                    growth,
                ),
                &rounds,
            );
        }
    }
    document.table("Traffic of the nats-server", &table);
    Ok(())
}

/// Memory and bytes do not vary from run to run.
fn once(options: &Options) -> Options {
    Options {
        repeats: 1,
        ..options.clone()
    }
}
