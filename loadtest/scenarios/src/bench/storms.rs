//! Many subscribers at one time, and many short-lived ones.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use super::cases::Case;
use super::options::{Options, Side, seconds};
use super::report::{Document, Target};
use super::round::Round;
use super::table::{Table, figure};
use super::testbed::Testbed;

const CROWD: u64 = 10_000;
const CROWD_RATE: f64 = 1_000.0;
const LIVE: u64 = 200;
const CHURN_RATE: f64 = 500.0;
const CHURN_DIDS: &str = "1000";
const CHURN_TIME: Duration = Duration::from_secs(60);
/// How long after the storm memory is measured again.
const CALM: Duration = Duration::from_secs(10);

/// One node with the maximum number of subscribers.
pub(super) async fn crowd(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed
        .flow(options.rate.unwrap_or(CROWD_RATE), options)
        .await?;
    let once = Options {
        repeats: 1,
        seconds: options.minutes * 60.0,
        ..options.clone()
    };
    let case = Case::new("crowd", CROWD, "e", &once).with(&["--sample", "100"]);
    let rounds = case
        .measure(&once, &testbed, &options.sides(), document)
        .await?;
    document.delivery("A crowd on one node", &["crowd"]);
    document.checks("Streams of its subscribers", &["crowd"]);
    let unexplained = |it: &Round| it.report.connections.unexplained.values().sum::<u64>() as f64;
    document.target(
        Target::at_most("crowd: unexpected closes", 0.0, rounds.median(unexplained)),
        &rounds,
    );
    Ok(())
}

/// A storm of connections beside live subscribers; the same subscribers in calm before and after it.
pub(super) async fn churn(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed
        .flow(options.rate.unwrap_or(CHURN_RATE), options)
        .await?;
    let time = CHURN_TIME.min(Duration::from_secs_f64(options.minutes * 60.0));
    let once = Options {
        repeats: 1,
        ..options.clone()
    };
    let live = |name: &str| {
        let sample = options.subscribers.unwrap_or(LIVE).to_string();
        Case::new(name, LIVE, "a=1,b=1", options).with(&["--sample", &sample])
    };
    let rate = options.churn.to_string();
    let storm = live("storm").with(&["--churn", &rate, "--churn-dids", CHURN_DIDS]);
    let storm = storm.with(&["--seconds", &seconds(time)]);
    let sides = &options.sides()[..1];
    let mut table = Table::new(&[
        "",
        "short-lived/s",
        "server CPU %",
        "p50 ms",
        "p99 ms",
        "max ms",
        "MiB",
        "MiB after",
        "",
    ]);
    let mut bounds = Vec::new();
    for case in [live("calm before"), storm, live("calm after")] {
        let rounds = case.measure(&once, &testbed, sides, document).await?;
        sleep(CALM).await;
        let after = testbed.memory(&Side::Ours(0))?;
        let came = |it: &Round| it.report.connections.churn_upgraded as f64 / it.spent.seconds;
        let p99 = rounds.median(|it| it.latency(99.0));
        bounds.push((p99, after));
        table.row([
            case.name.clone(),
            figure(rounds.median(came)),
            figure(rounds.median(Round::cpu_percent)),
            figure(rounds.median(|it| it.latency(50.0))),
            figure(p99),
            figure(rounds.median(|it| it.latency(100.0))),
            figure(rounds.median(|it| it.memory)),
            figure(after),
            rounds.remark(),
        ]);
        if case.name == "calm after" {
            let (before, storm, calm) = (bounds[0], bounds[1], bounds[2]);
            document.target(
                Target::at_most("storm: p99 of live subscribers, ms", 100.0, storm.0),
                &rounds,
            );
            // Memory that the allocator kept is reused by the next storm.
            let growth = calm.1 - before.1;
            document.target(
                Target::at_most("storm: MiB that stay", 64.0, growth),
                &rounds,
            );
        }
    }
    document.table(
        "A storm of connections, each with a filter of 1,000 DIDs",
        &table,
    );
    document.checks(
        "Streams of live subscribers",
        &["calm before", "storm", "calm after"],
    );
    Ok(())
}
