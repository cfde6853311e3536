//! `fanjet serve` sends every event once and in order, with and without a filter.

use fanjet_simulator::{ExpectedEvent, ExpectedKind, Rate};
use fanjet_testkit::JetstreamClient;

use crate::harness::{
    PATIENCE, Served, assert_log_equals_world, assert_same_events, expected_json, said, simulator,
};

async fn client(served: &Served, params: &[(&str, &str)]) -> JetstreamClient {
    let client = JetstreamClient::connect(&served.url, params).await.unwrap();
    client.with_deadline(PATIENCE)
}

/// Identity and account events pass every collection filter.
fn is_feed(event: &ExpectedEvent) -> bool {
    match &event.kind {
        ExpectedKind::Commit { collection, .. } => collection.starts_with("app.bsky.feed."),
        _ => true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_reaches_every_client_once_and_in_order() {
    let (seed, frames) = (1, 2_000);
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::Max).await;
    simulator.pause();
    let served = Served::start(&simulator, data.path()).await;
    let mut all = client(&served, &[]).await;
    let mut feed = client(&served, &[("wantedCollections", "app.bsky.feed.*")]).await;
    simulator.resume();
    tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames))
        .await
        .unwrap();

    let expected = expected_json(&simulator, |_| true);
    let got = all.next_events(expected.len()).await.unwrap();
    assert_same_events(&got, &expected, seed);
    let expected = expected_json(&simulator, is_feed);
    let got = feed.next_events(expected.len()).await.unwrap();
    assert_same_events(&got, &expected, seed);

    served.log_holds_all_of(&simulator).await;
    let status = served.process.stop(PATIENCE).await.unwrap();
    assert!(status.success(), "{status}");
    for client in [&mut all, &mut feed] {
        assert_eq!(client.wait_close().await.unwrap().code, 1012);
    }
    assert_log_equals_world(data.path(), &simulator, seed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_show_the_upstream_the_data_and_what_to_try() {
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(2, 1, Rate::Max).await;
    let served = Served::start(&simulator, data.path()).await;
    said(&served.process, "try ").await;
    let lines = served.process.lines().join("\n");
    let port = served.url.rsplit_once(':').unwrap().1;
    for part in [
        format!("upstream {}", simulator.url()),
        format!("data {} (empty)", data.path().display()),
        format!("/fanjet tail ws://localhost:{port} "),
    ] {
        assert!(lines.contains(&part), "{part:?} is not in {lines}");
    }
    served.stop().await;
}
