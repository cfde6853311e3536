//! The project's targets in one table.

use anyhow::Result;

use super::options::Options;
use super::report::{Document, Target};
use super::{fanout, ingest, resources};

pub(super) async fn all(options: &Options, document: &mut Document) -> Result<()> {
    fanout::saturate(options, document).await?;
    fanout::latency(options, document).await?;
    fanout::routed(options, document).await?;
    fanout::zstd(options, document).await?;
    resources::memory(options, document).await?;
    resources::egress(options, document).await?;
    if !options.dev {
        let rate = ingest::unverified().await?;
        let target = Target::at_least("ingest to NATS R1, events/s on both cores", 40e3, rate);
        document.plain_target(target);
    }
    let elsewhere = [
        (
            "decode, all used CIDs verified: frames/s/core",
            200e3,
            "decode",
        ),
        ("replay from NATS, one client: events/s", 250e3, "replay"),
        ("replay from the embedded log: events/s", 400e3, "replay"),
    ];
    for (what, wanted, bench) in elsewhere {
        let target = Target::at_least(what, wanted, f64::NAN);
        document.plain_target(target.remarked(format!("`cargo xtask bench {bench}`")));
    }
    Ok(())
}
