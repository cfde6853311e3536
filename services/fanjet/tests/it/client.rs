//! The client crate's example, compiled here, against `demo` and against a `serve` that closes, drops, lags and is cut off. The
//! events that it handles are compared with those of another client and of the simulator.

use std::path::Path;
use std::time::Duration;

use fanjet_simulator::Rate;
use fanjet_testkit::{JetstreamClient, Link, LinkState};

use crate::demo::ONE_AT_A_TIME;
use crate::harness::{
    PATIENCE, Served, assert_same_events, expected_json, fanjet, said, simulator, time_us,
};

#[allow(dead_code, reason = "the example's own main and output")]
#[path = "../../../../shared/client/examples/feed.rs"]
mod feed;

const LIKE: &str = r#""collection":"app.bsky.feed.like""#;

/// Whether the example's filter lets it pass.
fn passes(json: &str) -> bool {
    json.contains(LIKE) || !json.contains(r#""kind":"commit""#)
}

/// Runs the example until `is_last`.
async fn handle_events(
    url: &str,
    cursor: &Path,
    seen: &mut Vec<String>,
    is_last: impl Fn(&[String]) -> bool,
) {
    let running = feed::run(url, cursor, |event| {
        seen.push(String::from_utf8(event.json().to_vec()).unwrap());
        is_last(seen)
    });
    tokio::time::timeout(PATIENCE, running)
        .await
        .unwrap()
        .unwrap();
}

/// It exits and resumes several times. Another client reads the same events in one run.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_handles_each_event_of_the_demo_once() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let demo = fanjet(&["demo", "--rate", "300"])
        .env("TMPDIR", folder.path())
        .start()
        .unwrap();
    let url = format!("ws://{}", said(&demo, "listening ws://").await);
    let cursor = folder.path().join("cursor");
    let mut seen = Vec::new();
    for part in 1..=4 {
        handle_events(&url, &cursor, &mut seen, |seen| seen.len() >= 150 * part).await;
    }
    let first = time_us(&seen[0]).to_string();
    let asked = [
        ("cursor", first.as_str()),
        ("wantedCollections", "app.bsky.feed.like"),
    ];
    let mut other = JetstreamClient::connect(&url, &asked).await.unwrap();
    assert_eq!(seen, other.next_events(seen.len()).await.unwrap());
    other.close().await.unwrap();
    demo.stop(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_loses_and_repeats_nothing_when_the_server_closes_drops_and_lags() {
    let (seed, frames) = (75, 9_000);
    let data = tempfile::tempdir().unwrap();
    let simulator = simulator(seed, frames, Rate::PerSecond(300.0)).await;
    let served = Served::start(&simulator, data.path()).await;
    let listen = served.url.trim_start_matches("ws://").to_owned();
    let port = listen.rsplit(':').next().unwrap().parse().unwrap();
    let link = Link::start(port).await.unwrap();
    let url = format!("ws://127.0.0.1:{}", link.port());
    let cursor = data.path().join("cursor");
    std::fs::write(&cursor, "0").unwrap();
    let expected = || -> Vec<String> {
        let all = expected_json(&simulator, |_| true);
        all.into_iter().filter(|json| passes(json)).collect()
    };
    let mut seen = Vec::new();
    let faults = async {
        let mut served = served;
        for round in 0..6 {
            let grown = served.log_seq().await + 300;
            served.log_reaches(grown).await;
            match round % 6 {
                // The server closes the connection and restarts.
                0 | 3 => {
                    served.stop().await;
                    served = Served::start_at(&simulator, data.path(), &listen).await;
                }
                // The server is killed.
                1 => {
                    served.process.kill().await.unwrap();
                    served = Served::start_at(&simulator, data.path(), &listen).await;
                }
                // The connection is cut.
                2 => {
                    link.set(LinkState::Cut);
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    link.set(LinkState::Open);
                }
                // The connection is slow and then cut.
                4 => {
                    link.set(LinkState::Slow(Duration::from_millis(50)));
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    link.set(LinkState::Cut);
                    link.set(LinkState::Open);
                }
                _ => {
                    link.set(LinkState::Dead);
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    link.set(LinkState::Open);
                }
            }
        }
        let produced = tokio::time::timeout(PATIENCE, simulator.wait_until_produced(frames));
        produced.await.unwrap();
        served.log_holds_all_of(&simulator).await;
        served
    };
    let handling = async {
        // The example itself exits and resumes, too.
        while simulator.produced() < frames * 9 / 10 {
            let enough = seen.len() + 150;
            handle_events(&url, &cursor, &mut seen, |seen| seen.len() >= enough).await;
        }
    };
    let (served, ()) = tokio::join!(faults, handling);
    let expected = expected();
    handle_events(&url, &cursor, &mut seen, |seen| {
        seen.len() >= expected.len()
    })
    .await;
    println!("{} of {} events, each once", seen.len(), expected.len());
    assert_same_events(&seen, &expected, seed);
    served.stop().await;
}
