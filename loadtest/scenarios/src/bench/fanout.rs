//! The cost of delivery: at a steady rate, at the limit, by filter, by encoding.

use anyhow::Result;

use super::cases::{ACCOUNTS, Case};
use super::options::{Options, Pace};
use super::report::{Document, Target};
use super::round::{Round, Rounds};
use super::table::{Table, figure};
use super::testbed::Testbed;

const RATE: f64 = 500.0;
const SUBSCRIBERS: u64 = 1_000;
/// Events in flight in a saturated edge with default settings: more than it delivers in one flush interval.
const WINDOW: u64 = 1_024;
/// The same with every event delivered at once: the batch size of the prototypes that the targets come from.
const BATCH: u64 = 16;
/// Events in flight when few of them are delivered.
const ROUTED_WINDOW: u64 = 8_192;

/// 1,000 unfiltered subscribers at 500 events/s.
pub(super) async fn latency(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed.flow(options.rate.unwrap_or(RATE), options).await?;
    let case = Case::new("steady", SUBSCRIBERS, "a", options);
    let rounds = case
        .measure(options, &testbed, &options.sides(), document)
        .await?;
    let cpu = rounds.median(Round::cpu_percent);
    let p99 = rounds.median(|it| it.latency(99.0));
    document.delivery("Subscribers without a filter, steady rate", &["steady"]);
    document.target(
        Target::at_most("the same at 500 events/s: CPU, % of a core", 55.0, cpu),
        &rounds,
    );
    document.target(
        Target::at_most("the same at 500 events/s: p99, ms", 30.0, p99),
        &rounds,
    );
    Ok(())
}

/// 1,000 unfiltered subscribers, and events as fast as they are delivered.
pub(super) async fn saturate(options: &Options, document: &mut Document) -> Result<()> {
    let case = Case::new("saturated, default settings", SUBSCRIBERS, "a", options);
    let rounds = saturated(options, document, &case, WINDOW, &[]).await?;
    let per_second = rounds.median(Round::delivered_per_core);
    let per_million = rounds.median(Round::cpu_per_delivered);
    let name = format!("saturated, every event at once, {BATCH} under way");
    let batches = Case::new(&name, SUBSCRIBERS, "a", options);
    saturated(
        options,
        document,
        &batches,
        BATCH,
        &[("edge.hub.promptness", "100")],
    )
    .await?;
    let cases = [case.name.as_str(), batches.name.as_str()];
    document.delivery("Saturated edge, subscribers without a filter", &cases);
    document.target(
        Target::at_least(
            "fan-out, 1,000 unfiltered, saturating: delivered/s/core",
            1.5e6,
            per_second,
        ),
        &rounds,
    );
    document.target(
        Target::at_most("the same: CPU-s per million", 0.65, per_million),
        &rounds,
    );
    Ok(())
}

async fn saturated(
    options: &Options,
    document: &mut Document,
    case: &Case,
    window: u64,
    settings: &[(&str, &str)],
) -> Result<Rounds> {
    let mut testbed = Testbed::start(options, 1, settings).await?;
    testbed.feed(Pace::Window(window), ACCOUNTS).await?;
    let sides = &options.sides()[..1];
    case.measure(options, &testbed, sides, document).await
}

/// Every mix at a steady rate, and random DIDs at the limit.
pub(super) async fn filters(options: &Options, document: &mut Document) -> Result<()> {
    let mixes = ["a", "b", "c", "d", "e", "w1000"];
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed.flow(options.rate.unwrap_or(RATE), options).await?;
    for mix in mixes {
        let case = Case::new(&format!("mix {mix}"), SUBSCRIBERS, mix, options);
        case.measure(options, &testbed, &options.sides(), document)
            .await?;
    }
    drop(testbed);
    let names = mixes.map(|mix| format!("mix {mix}"));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    document.delivery("By filter, steady rate", &names);
    routed(options, document).await
}

/// How many events of the log one core routes to 1,000 subscribers with 100 random DIDs each.
pub(super) async fn routed(options: &Options, document: &mut Document) -> Result<()> {
    let case = Case::new("100 DIDs, saturated", SUBSCRIBERS, "d", options);
    let rounds = saturated(options, document, &case, ROUTED_WINDOW, &[]).await?;
    let mut table = Table::new(&["log events/s", "server CPU %", "routed/s/core", ""]);
    table.row([
        figure(rounds.median(Round::log_rate)),
        figure(rounds.median(Round::cpu_percent)),
        figure(rounds.median(Round::routed_per_core)),
        rounds.remark(),
    ]);
    document.table(
        "Subscribers with 100 random DIDs each, as fast as it goes",
        &table,
    );
    let target = Target::at_least(
        "1,000 subscribers x 100 random DIDs: log events/s/core",
        65e3,
        rounds.median(Round::routed_per_core),
    );
    document.target(target, &rounds);
    Ok(())
}

/// The same events plain and compressed, in turn.
pub(super) async fn zstd(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed.flow(options.rate.unwrap_or(RATE), options).await?;
    let plain = Case::new("plain", SUBSCRIBERS, "a", options);
    let zstd = Case::new("zstd", SUBSCRIBERS, "a", options).with(&["--zstd"]);
    let once = Options {
        repeats: 1,
        ..options.clone()
    };
    for _ in 0..options.repeats.max(1) {
        for case in [&plain, &zstd] {
            case.measure(&once, &testbed, &options.sides(), document)
                .await?;
        }
    }
    document.join_repeats();
    document.delivery(
        "By encoding, subscribers without a filter",
        &["plain", "zstd"],
    );
    let of = |name| document.ours(name).cloned();
    if let (Some(plain), Some(zstd)) = (of("plain"), of("zstd")) {
        let ratio = zstd.median(Round::cpu_per_delivered) / plain.median(Round::cpu_per_delivered);
        document.target(
            Target::at_most("zstd: CPU per delivered event, times plain", 1.1, ratio),
            &zstd,
        );
    }
    Ok(())
}
