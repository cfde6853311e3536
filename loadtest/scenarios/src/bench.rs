//! Benchmarks: single testbeds, each a bench target of its own crate, and real servers under a load generator.

mod options;
mod machine;
mod cpu;
mod round;
mod testbed;
mod table;
mod figures;
mod target;
mod report;
mod cases;

mod ceiling;
mod fanout;
mod v2;
mod resources;
mod storms;
mod abuse;
mod growth;

mod steps;
mod ingest;
mod raw;
mod all;

use std::path::Path;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::runtime::block_on;
pub(crate) use options::Args;
use options::{Bench, Options};
use report::Document;

pub(crate) fn run(args: &Args) -> Result<()> {
    block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        // Any exit drops the processes, which kills them.
        tokio::select! {
            done = measure(args) => done,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = terminate.recv() => bail!("terminated"),
        }
    })
}

async fn measure(args: &Args) -> Result<()> {
    let options = &args.options;
    if let Some(step) = steps::of(args.what) {
        return step.run().await;
    }
    if args.what == Bench::Ingest {
        return ingest::run().await;
    }
    if args.what == Bench::Ceiling {
        let mut document = Document::begin(args.what, options)?;
        ceiling::ceiling(options, &mut document)?;
        return document.finish();
    }
    testbed::build(options.profile())?;
    fanjet_tools::nats_server()?;
    let mut document = Document::begin(args.what, options)?;
    match &options.baseline {
        None => bench(args.what, options, &mut document).await?,
        Some(program) => in_turn(args.what, options, program, &mut document).await?,
    }
    document.finish()
}

/// Today's program and the baseline, in turn, so that whatever else the machine does meets both.
async fn in_turn(
    what: Bench,
    options: &Options,
    baseline: &Path,
    document: &mut Document,
) -> Result<()> {
    for _ in 0..options.repeats.max(1) {
        for program in [None, Some(baseline.to_owned())] {
            let once = Options {
                repeats: 1,
                program,
                ..options.clone()
            };
            let mut turn = Document::begin(what, &once)?;
            bench(what, &once, &mut turn).await?;
            document.rounds.append(&mut turn.rounds);
        }
    }
    document.comparison();
    Ok(())
}

async fn bench(what: Bench, options: &Options, document: &mut Document) -> Result<()> {
    match what {
        Bench::Latency => fanout::latency(options, document).await,
        Bench::Saturate => fanout::saturate(options, document).await,
        Bench::Filters => fanout::filters(options, document).await,
        Bench::ZstdSockets => fanout::zstd(options, document).await,
        Bench::V2 => v2::v2(options, document).await,
        Bench::Memory => resources::memory(options, document).await,
        Bench::Egress => resources::egress(options, document).await,
        Bench::Raw => raw::raw(options, document).await,
        Bench::Churn => storms::churn(options, document).await,
        Bench::Crowd => storms::crowd(options, document).await,
        Bench::Abuse => abuse::abuse(options, document).await,
        Bench::Growth => growth::growth(options, document).await,
        _ => all::all(options, document).await,
    }
}
