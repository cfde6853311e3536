//! Benchmarks: single testbeds, each a bench target of its own crate, and real servers under a load generator.

mod options;
mod machine;
mod cpu;
mod round;
mod testbed;
mod table;
mod target;
mod report;
mod cases;

mod fanout;
mod resources;
mod storms;
mod abuse;
mod growth;

mod steps;
mod ingest;
mod all;

use anyhow::{Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::runtime::block_on;
pub(crate) use options::Args;
use options::Bench;
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
    testbed::build(options.profile())?;
    fanjet_tools::nats_server()?;
    let mut document = Document::begin(args.what, options)?;
    match args.what {
        Bench::Latency => fanout::latency(options, &mut document).await?,
        Bench::Saturate => fanout::saturate(options, &mut document).await?,
        Bench::Filters => fanout::filters(options, &mut document).await?,
        Bench::ZstdSockets => fanout::zstd(options, &mut document).await?,
        Bench::Memory => resources::memory(options, &mut document).await?,
        Bench::Egress => resources::egress(options, &mut document).await?,
        Bench::Churn => storms::churn(options, &mut document).await?,
        Bench::Crowd => storms::crowd(options, &mut document).await?,
        Bench::Abuse => abuse::abuse(options, &mut document).await?,
        Bench::Growth => growth::growth(options, &mut document).await?,
        _ => all::all(options, &mut document).await?,
    }
    document.finish()
}
