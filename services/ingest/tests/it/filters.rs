//! Filter settings: a log with only a part of the firehose.

use std::sync::Arc;

use fanjet_log::contract::whole;
use fanjet_log::memory::MemoryLog;
use fanjet_simulator::{ExpectedEvent, ExpectedKind, SimulatorHandle, World};

use crate::harness::{PATIENCE, Running, simulator, world};

const FRAMES: &str = "fanjet_ingest_frames_total";

fn start(
    simulator: &SimulatorHandle,
    log: &Arc<MemoryLog>,
    collections: &[&str],
    dids: &[&str],
    kinds: &[&str],
) -> Running {
    let owned = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect();
    Running::start_with(log.clone(), |config| {
        config.upstream.url = simulator.url();
        config.filter.collections = owned(collections);
        config.filter.dids = owned(dids);
        config.filter.kinds = owned(kinds);
    })
}

fn filtered(running: &Running) -> u64 {
    ["kind", "did", "collection"]
        .map(|by| format!("fanjet_ingest_filtered_events_total{{by=\"{by}\"}}"))
        .map(|name| running.counted(&name))
        .iter()
        .sum()
}

/// Waits until every event of the world was logged or filtered, then compares.
async fn assert_log_equals(
    running: &Running,
    log: &MemoryLog,
    simulator: &SimulatorHandle,
    is_kept: impl Fn(&ExpectedEvent) -> bool,
) {
    let expected = simulator.expected();
    let kept: Vec<_> = expected.iter().filter(|event| is_kept(event)).collect();
    let left = (expected.len() - kept.len()) as u64;
    running
        .until("every event is logged or filtered", |running| {
            filtered(running) >= left
                && running.counted("fanjet_ingest_events_total") >= kept.len() as u64
        })
        .await;
    assert_eq!(filtered(running), left);
    let entries = whole(log).await;
    let logged: Vec<_> = entries
        .iter()
        .map(|entry| (entry.origin.relay_seq, entry.origin.op_index))
        .collect();
    let kept: Vec<_> = kept
        .iter()
        .map(|event| (event.relay_seq, event.op_index))
        .collect();
    assert_eq!(logged, kept);
}

fn world_events(mut world: World, frames: u64) -> Vec<ExpectedEvent> {
    (0..frames)
        .flat_map(|_| world.next_frame().expected)
        .collect()
}

fn is_in(event: &ExpectedEvent, prefix: &str) -> bool {
    matches!(&event.kind, ExpectedKind::Commit { collection, .. } if collection.starts_with(prefix))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_filter_applies_to_commits_only() {
    let (seed, frames) = (600, 3_000);
    let simulator = simulator(seed, frames, &[]).await;
    let log = Arc::new(MemoryLog::new());
    let running = start(&simulator, &log, &["app.bsky.feed.*"], &[], &[]);
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();
    assert_log_equals(&running, &log, &simulator, |event| {
        is_in(event, "app.bsky.feed.") || !matches!(event.kind, ExpectedKind::Commit { .. })
    })
    .await;
    running.stop().await.unwrap();
}

/// The upstream's newest frames are all filtered, so the log's last event lags: a restart rewinds to it, filters the same
/// frames again and logs nothing twice; a reconnect in the same process rewinds only to its last position.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_behind_filtered_frames_repeats_nothing() {
    let (seed, frames) = (610, 3_000);
    let simulator = simulator(seed, frames, &[]).await;
    let world = World::new(&world(seed, &[])).unwrap();
    let expected: Vec<_> = world_events(world, frames);
    // The quietest repo with an event that the filter keeps.
    let only = expected
        .iter()
        .filter(|event| is_in(event, "app.bsky."))
        .min_by_key(|event| {
            let its = expected.iter().filter(|other| other.did == event.did);
            its.count()
        })
        .unwrap();
    let log = Arc::new(MemoryLog::new());
    // Before anything is logged there is no resume position: the first run starts at the first kept event.
    let did = only.did.as_str();
    let is_kept = |event: &ExpectedEvent| event.did == only.did && is_in(event, "app.bsky.");
    let running = start(&simulator, &log, &["app.bsky.*"], &[did], &["commit"]);
    simulator.wait_until_produced(frames).await;
    assert_log_equals(&running, &log, &simulator, is_kept).await;
    simulator.disconnect_all();
    running
        .until("it reconnected", |_| {
            simulator.stats().subscriptions >= 2 && simulator.stats().clients == 1
        })
        .await;
    // The newest frame repeats, which confirms the upstream's numbering.
    assert!((frames..=frames + 1).contains(&running.counted(FRAMES)));
    running.stop().await.unwrap();

    let held = whole(&*log).await;
    let last = held.last().unwrap().origin.relay_seq;
    let behind = expected
        .iter()
        .filter(|event| event.relay_seq >= last)
        .map(|event| event.relay_seq)
        .collect::<std::collections::BTreeSet<_>>()
        .len() as u64;
    assert!(
        (2..frames).contains(&behind),
        "nothing was filtered behind the last event"
    );
    let running = start(&simulator, &log, &["app.bsky.*"], &[did], &["commit"]);
    running
        .until("the frames behind the last event were read", |running| {
            running.counted(FRAMES) >= behind
        })
        .await;
    running.stop().await.unwrap();
    assert_eq!(whole(&*log).await, held);
}
