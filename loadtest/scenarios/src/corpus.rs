//! Recorded frames through real processes, compared with what production served.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fanjet_testkit::corpus::compare;
use fanjet_testkit::{Corpus, JetstreamClient};
use fanjet_tools::programs::Profile;

use crate::cluster::Cluster;
use crate::runtime::block_on;

/// Deadline of each expected event.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long the silence after the last expected event must last.
const EXTRA: Duration = Duration::from_secs(2);

pub(crate) fn run(folder: &Path) -> Result<()> {
    block_on(check(folder))
}

async fn check(folder: &Path) -> Result<()> {
    let corpus = Corpus::read(folder)?;
    let frames = folder.join("frames.bin.zst").display().to_string();
    let flags = ["--replay", &frames, "--rate", "max", "--wait-for-client"];
    let mut cluster = Cluster::start(1, Profile::Dev, &flags, &[]).await?;
    let mut client = JetstreamClient::connect(&cluster.edges[0].url()?, &[])
        .await?
        .with_deadline(PATIENCE);
    cluster.start_ingest()?;

    let mut differing = 0;
    for (index, expected) in corpus.expected.iter().enumerate() {
        let event = client.next_event().await.with_context(|| {
            format!(
                "event {} of {} is missing",
                index + 1,
                corpus.expected.len()
            )
        })?;
        if let Err(difference) = compare(expected, &event) {
            differing += 1;
            println!("event {}: {difference:#}", index + 1);
        }
    }
    client = client.with_deadline(EXTRA);
    if let Ok(extra) = client.next_event().await {
        bail!("an extra event behind the last one: {extra}");
    }
    client.close().await?;
    cluster.stop().await?;
    println!("{} events, {differing} differ", corpus.expected.len());
    if differing > 0 {
        bail!("{differing} events differ from what production served");
    }
    Ok(())
}
