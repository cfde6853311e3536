//! What Jetstream v2 costs beside v1: the same events to as many subscribers, one encoding after the other on one edge, so
//! that whatever else the machine does meets all of them.

use anyhow::Result;

use super::cases::Case;
use super::options::Options;
use super::report::{Document, Target};
use super::round::Round;
use super::table::{Table, figure};
use super::testbed::Testbed;

const RATE: f64 = 500.0;
const SUBSCRIBERS: u64 = 1_000;
/// The most that v2 may cost per byte, times v1.
const GOAL: f64 = 1.05;

const ENCODINGS: [(&str, &[&str]); 3] = [
    ("v1", &[]),
    ("v2", &["--v2"]),
    ("v2 zstd", &["--v2", "--zstd"]),
];

pub(super) async fn v2(options: &Options, document: &mut Document) -> Result<()> {
    let mut testbed = Testbed::start(options, 1, &[]).await?;
    testbed.flow(options.rate.unwrap_or(RATE), options).await?;
    let case =
        |(name, flags): (&str, &[&str])| Case::new(name, SUBSCRIBERS, "a", options).with(flags);
    let cases = ENCODINGS.map(case);
    let once = Options {
        repeats: 1,
        ..options.clone()
    };
    for _ in 0..options.repeats.max(1) {
        for case in &cases {
            // Another server may not have v2.
            case.measure(&once, &testbed, &options.sides()[..1], document)
                .await?;
        }
    }
    document.join_repeats();
    let names = ENCODINGS.map(|(name, _)| name);
    document.delivery(
        "By version and encoding, subscribers without a filter",
        &names,
    );
    let mut table = Table::new(&[
        "",
        "bytes per event",
        "CPU us per event",
        "CPU ns per byte",
        "us, times v1",
        "ns, times v1",
        "",
    ]);
    let rounds = names.map(|name| document.ours(name).cloned());
    let [Some(v1), Some(v2), Some(zstd)] = rounds else {
        return Ok(());
    };
    let (per_event, per_byte) = (
        v1.median(Round::cpu_per_delivered),
        v1.median(Round::cpu_per_byte),
    );
    for rounds in [&v1, &v2, &zstd] {
        table.row([
            rounds.case.clone(),
            figure(rounds.median(Round::bytes_per_delivered)),
            figure(rounds.median(Round::cpu_per_delivered)),
            figure(rounds.median(Round::cpu_per_byte)),
            figure(rounds.median(Round::cpu_per_delivered) / per_event),
            figure(rounds.median(Round::cpu_per_byte) / per_byte),
            rounds.remark(),
        ]);
    }
    document.table("The cost of v2 beside v1", &table);
    let per_byte = v2.median(Round::cpu_per_byte) / per_byte;
    document.target(
        Target::at_most("v2: CPU per byte, times v1", GOAL, per_byte),
        &v2,
    );
    Ok(())
}
