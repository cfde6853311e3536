//! Recorded frames through real processes, compared with what production served: as v1, and as v2, whose values are the same.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fanjet_testkit::corpus::compare;
use fanjet_testkit::{Corpus, JetstreamClient};
use fanjet_tools::programs::Profile;

use crate::cluster::Cluster;
use crate::runtime::block_on;
use crate::stream::{Connection, Stream};

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
    let mut of_v2 = Vec::new();
    for stream in [Stream::V2, Stream::V2Zstd] {
        let connection = stream.connect(&cluster.edges[0].url()?, None, None).await?;
        of_v2.push(connection.with_deadline(PATIENCE));
    }
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
    for connection in &mut of_v2 {
        let syncs = check_v2(connection, &corpus).await?;
        println!(
            "{} events as v2, and {syncs} sync events",
            corpus.expected.len()
        );
    }
    cluster.stop().await?;
    println!("{} events, {differing} differ", corpus.expected.len());
    if differing > 0 {
        bail!("{differing} events differ from what production served");
    }
    Ok(())
}

/// Reads a stream of v2 to its end; returns the number of sync events, which v1 does not have.
async fn check_v2(connection: &mut Connection, corpus: &Corpus) -> Result<usize> {
    let syncs = corpus.frames.iter().filter(|frame| is_sync(frame)).count();
    let (mut got_syncs, mut events) = (0, corpus.expected.iter());
    for _ in 0..corpus.expected.len() + syncs {
        let event = connection.next().await?;
        match event.sync {
            Some(_) => got_syncs += 1,
            None => {
                let expected = events.next().context("too many events")?;
                compare(expected, &event.json)?;
            }
        }
    }
    if let Ok(extra) = connection.next_within(EXTRA).await {
        bail!("an extra event of v2 behind the last one: {extra:?}");
    }
    if got_syncs != syncs {
        bail!("{got_syncs} sync events instead of {syncs}");
    }
    Ok(syncs)
}

/// Whether the header of a frame names a sync event: a map with `t`, a text of five bytes.
fn is_sync(frame: &[u8]) -> bool {
    const HEADER: usize = 32;
    const TYPE: &[u8] = b"\x61t\x65#sync";
    let header = &frame[..frame.len().min(HEADER)];
    header.windows(TYPE.len()).any(|part| part == TYPE)
}
