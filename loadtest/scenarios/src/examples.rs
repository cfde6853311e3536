//! Runs the programs in `examples/` against an edge and, as the read-only user, against its NATS. Edge and NATS restart, and the
//! programs are killed and restarted. Compares what each program prints with what the simulator published.
//!
//! Most collections share subjects here, and the log contains messages that are not events. The examples must handle both.

mod workload;
mod program;
mod judge;
mod testbed;
mod install;
mod feed;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanjet_oracle::{Expected, ExpectedEvents, Filter, Matcher, compare, time_us};
use fanjet_tools::programs::{Profile, build};
use tokio::time::{Instant, sleep};

use crate::publication::Publication;
use crate::runtime::block_on;
use feed::FeedGenerator;
use install::Installed;
use judge::{Judged, judge_log, judge_stream};
use program::{Example, distinct};
use testbed::Testbed;
use workload::{CONSUMED, FRAMES, PATIENCE, POLL, RATE, STREAMED};

/// Lines that each example prints before the first fault. A subscriber receives about 0.7 events per frame, a reader 0.16.
const STREAMED_BEFORE: usize = 600;
const CONSUMED_BEFORE: usize = 100;
/// How long all examples must be silent after the last expected event, so that no extra event goes unnoticed.
const EXTRA: Duration = Duration::from_secs(2);

pub(crate) fn run() -> Result<()> {
    let installed = Installed::install()?;
    build(Profile::Dev)?;
    block_on(check(&installed))
}

async fn check(installed: &Installed) -> Result<()> {
    let published = Publication::new(RATE, FRAMES)?
        .unforgetful()
        .with("--accounts", 100)
        .with("--records-per-repo", 30)
        .with("--start", "now");
    let mut testbed = Testbed::start(&published).await?;
    let folder = published.folder();
    let edge = testbed.edge.url()?;
    let mut subscribers = installed.subscribers(&edge, folder, &STREAMED)?;
    let mut readers = installed.readers(&testbed.nats.url(), &CONSUMED)?;
    let team = installed.team(&testbed.nats.url(), &CONSUMED)?;
    let mut generator = FeedGenerator::start(installed, &edge).await?;
    testbed.wait_for_subscribers(subscribers.len() + 1).await?;
    let pulls = testbed.wait_for_pulls("team", team.len()).await;
    pulls.with_context(|| team.iter().map(Example::complaints).collect::<String>())?;

    testbed.start_ingest().await?;
    printed(&subscribers, STREAMED_BEFORE).await?;
    printed(&readers, CONSUMED_BEFORE).await?;
    for example in subscribers.iter_mut().chain(&mut readers) {
        example.kill_and_restart().await?;
    }
    printed(&subscribers, STREAMED_BEFORE * 3 / 2).await?;
    printed(&readers, CONSUMED_BEFORE * 3 / 2).await?;
    testbed.edge.stop().await?;
    testbed.edge.restart()?;
    testbed.nats.restart().await?;
    testbed.publish_no_event().await?;

    let expected = ExpectedEvents::read(&published.file(), FRAMES, PATIENCE).await?;
    let streamed = wanted(&expected, &STREAMED, true);
    let consumed = wanted(&expected, &CONSUMED, false);
    printed(&subscribers, streamed.len()).await?;
    printed(&readers, consumed.len()).await?;
    together(&team, consumed.len()).await?;
    silent(subscribers.iter().chain(&readers).chain(&team)).await?;

    let mut failures = 0;
    for subscriber in &subscribers {
        failures += report(
            subscriber.name(),
            &judge_stream(&streamed, &subscriber.lives()),
        );
    }
    for reader in &readers {
        failures += report(reader.name(), &judge_log(&consumed, &reader.lives(), false));
    }
    let members: Vec<_> = team.iter().flat_map(Example::lives).collect();
    let shares: Vec<_> = members.iter().map(Vec::len).collect();
    ensure!(
        !shares.contains(&0),
        "one process of a shared consumer received nothing: {shares:?}: {}",
        team.iter().map(Example::complaints).collect::<String>()
    );
    failures += report(
        "nats, Go, two processes",
        &judge_log(&consumed, &members, true),
    );
    let survey = testbed.survey().await?;
    let (shared, all) = (survey.shared, survey.events.len());
    ensure!(
        0 < shared && shared < all,
        "{shared} of {all} on shared subjects"
    );
    generator.check(&expected).await?;
    generator.kill_and_restart().await?;
    generator.check(&expected).await?;
    println!(
        "{:<24}  did.json, describeFeedGenerator, getFeedSkeleton; the same after a kill",
        "feed generator"
    );

    drop((subscribers, readers, team));
    let middle = &survey.events[all / 2];
    failures += replay(installed, &testbed, middle, &consumed).await?;
    drop(generator);
    testbed.stop().await?;
    ensure!(failures == 0, "{failures} examples failed");
    println!("examples: every program works");
    Ok(())
}

/// Runs new consumers that start at the time of an event in the middle of the log.
async fn replay(
    installed: &Installed,
    testbed: &Testbed,
    first: &str,
    consumed: &[&str],
) -> Result<usize> {
    let begin = consumed.iter().position(|it| compare(it, first).is_ok());
    let wanted = &consumed[begin.context("the log holds what was not published")?..];
    let since = time_us(first).context("an event without time_us")?;
    let readers = installed.replays(&testbed.nats.url(), since, &CONSUMED)?;
    printed(&readers, wanted.len()).await?;
    silent(readers.iter()).await?;
    let judged = readers.iter().map(|reader| {
        let judged = judge_log(wanted, &reader.lives(), false);
        report(reader.name(), &judged)
    });
    Ok(judged.sum())
}

/// The JSON of the events that a filter matches. `passes_others`: identity and account events match, as they do on `/subscribe`.
fn wanted<'a>(expected: &'a [Expected], collections: &[&str], passes_others: bool) -> Vec<&'a str> {
    let matcher = Matcher::new(&Filter::of_collections(collections));
    let is_wanted = |event: &&Expected| match &event.collection {
        Some(collection) => matcher.wants_collection(collection),
        None => passes_others,
    };
    let texts = expected.iter().filter(is_wanted);
    texts.filter_map(|event| event.v1.as_deref()).collect()
}

/// Prints the result of an example. Returns 1 if it failed.
fn report(name: &str, judged: &Judged) -> usize {
    let verdict = &judged.verdict;
    let (lives, repeated) = (judged.lives, judged.repeated);
    println!("{name:<24}  {verdict}; {lives} processes, {repeated} repeated after a fault");
    verdict
        .complaints
        .iter()
        .for_each(|it| println!("  FAILED: {it}"));
    usize::from(!verdict.is_clean())
}

/// Waits until each example has printed so many different events.
async fn printed(examples: &[Example], events: usize) -> Result<()> {
    for example in examples {
        together(std::slice::from_ref(example), events).await?;
    }
    Ok(())
}

/// Waits until the examples together have printed so many different events.
async fn together(examples: &[Example], events: usize) -> Result<()> {
    let (mut progressed, mut last) = (Instant::now(), 0);
    loop {
        let printed = distinct(examples);
        if printed >= events {
            return Ok(());
        }
        if printed > last {
            (progressed, last) = (Instant::now(), printed);
        }
        let complaints = || examples.iter().map(Example::complaints).collect::<String>();
        ensure!(
            progressed.elapsed() < PATIENCE,
            "only {last} of {events} events: {}",
            complaints()
        );
        sleep(POLL).await;
    }
}

/// Waits until no example prints anything for a while.
async fn silent<'a>(examples: impl Iterator<Item = &'a Example>) -> Result<()> {
    let examples: Vec<_> = examples.collect();
    let all = || examples.iter().map(|it| it.lines()).sum::<usize>();
    let (mut last, mut since) = (all(), Instant::now());
    while since.elapsed() < EXTRA {
        sleep(POLL).await;
        if all() != last {
            (last, since) = (all(), Instant::now());
        }
    }
    Ok(())
}
