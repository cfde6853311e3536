//! Foreign clients of the firehose, unmodified, against an edge with the raw log over NATS: the edge is stopped and killed meanwhile,
//! and the leading ingest is killed. Behind it, another node reads the edge as its upstream.

mod client;
mod testbed;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::firehose_install::FirehoseClients;
use super::firehose_library::FirehoseLibrary;
use client::Client;
use testbed::{FRAMES, Testbed};

/// Runs the clients until each has the last frame, and returns the number of those that missed or repeated one.
pub(super) async fn check(installed: &FirehoseClients) -> Result<usize> {
    let mut testbed = Testbed::start().await?;
    let mut clients = Vec::new();
    for library in FirehoseLibrary::ALL {
        let url = testbed.edge.url()?;
        clients.push(Client::start(installed, library, &url, testbed.folder())?);
    }
    client::wait_until(&mut clients, |client| client.seqs().len() > FRAMES / 10).await?;
    testbed.restart_edge().await?;
    client::wait_until(&mut clients, |client| client.seqs().len() > FRAMES / 5).await?;
    testbed.kill_leader().await?;
    client::wait_until(&mut clients, |client| client.seqs().len() > FRAMES * 3 / 10).await?;
    testbed.kill_edge().await?;
    client::wait_for_the_end(&clients, Testbed::last_seq()?).await;
    let chained = testbed.frames_of_the_chain().await;
    let expected = testbed.expected().await?;
    let frames: BTreeSet<u64> = expected.iter().map(|event| event.relay_seq).collect();
    let mut failures = 0;
    for client in &clients {
        let expected: BTreeSet<u64> = expected
            .iter()
            .filter(|event| client.library.hands_over(event))
            .map(|event| event.relay_seq)
            .collect();
        let verdict = judge(client.library, &client.seqs(), &expected);
        let verdict = verdict.and_then(|count| client.check_errors().map(|()| count));
        failures += report(client.library.name(), verdict);
    }
    let chained = chained.and_then(|seqs| in_order(&seqs, 0, &frames));
    failures += report("another Fanjet behind the edge", chained);
    drop(clients);
    testbed.stop().await?;
    Ok(failures)
}

fn report(who: &str, verdict: Result<usize>) -> usize {
    let said = verdict.as_ref().map_or_else(
        |error| format!("FAILED: {error:#}"),
        |count| format!("{count} frames, none missing, over three faults"),
    );
    println!("firehose, {who}: {said}");
    usize::from(verdict.is_err())
}

/// Every frame from the first one on; after a reconnect what the library repeats by itself, and no more.
fn judge(library: FirehoseLibrary, seqs: &[u64], expected: &BTreeSet<u64>) -> Result<usize> {
    if library.repeats_events() {
        let got: BTreeSet<u64> = seqs.iter().copied().collect();
        return complete(&got, expected);
    }
    in_order(seqs, testbed::ENDS, expected)
}

fn in_order(seqs: &[u64], most_repeats: usize, expected: &BTreeSet<u64>) -> Result<usize> {
    let (mut last, mut repeats) = (0, 0);
    for seq in seqs {
        ensure!(*seq >= last, "{seq} behind {last}");
        repeats += usize::from(*seq == last);
        last = *seq;
    }
    ensure!(
        repeats <= most_repeats,
        "{repeats} repeated frames (allowed: {most_repeats}, one for each end of a connection)"
    );
    complete(&seqs.iter().copied().collect(), expected)
}

fn complete(got: &BTreeSet<u64>, expected: &BTreeSet<u64>) -> Result<usize> {
    let first = got.first().context("no frame")?;
    let mut missing = expected.range(first..).filter(|seq| !got.contains(seq));
    if let Some(first) = missing.next() {
        anyhow::bail!("{} missing: {first} ...", 1 + missing.count());
    }
    ensure!(got.len() > FRAMES / 2, "only {} frames", got.len());
    Ok(got.len())
}
