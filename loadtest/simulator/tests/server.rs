//! The server from its clients' view.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers included"
)]

mod client;
mod verify;

use client::{Client, config, get, world};
use fanjet_simulator::{ExpectedKind, Rate, Simulator, SimulatorConfig, Source, WorldConfig};
use verify::{Frame, field};

/// A hundred frames, all published before any client connects.
fn backlog(frames: u64) -> SimulatorConfig {
    SimulatorConfig {
        backlog: frames,
        limit: Some(frames),
        ..config()
    }
}

fn seqs(frames: &[Vec<u8>]) -> Vec<u64> {
    let seq = |frame: &Vec<u8>| Frame::decode(frame).unwrap().seq().unwrap();
    frames.iter().map(seq).collect()
}

#[tokio::test]
async fn a_cursor_replays_what_came_after_it() {
    let simulator = Simulator::start(backlog(100)).await.unwrap();
    assert_eq!(simulator.produced(), 100);
    let frames = Client::connect(&simulator, "?cursor=0")
        .await
        .take(100)
        .await;
    assert_eq!(seqs(&frames), (1001..1101).collect::<Vec<_>>());
    let frames = Client::connect(&simulator, "?cursor=1090")
        .await
        .take(10)
        .await;
    assert_eq!(seqs(&frames), (1091..1101).collect::<Vec<_>>());
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn no_cursor_means_from_now_on_and_several_clients_see_the_same() {
    let config = SimulatorConfig {
        backlog: 20,
        limit: Some(400),
        rate: Rate::PerSecond(2_000.0),
        ..config()
    };
    let simulator = Simulator::start(config).await.unwrap();
    simulator.pause();
    let before = simulator.produced();
    let mut live = Client::connect(&simulator, "").await;
    let mut replay = Client::connect(&simulator, "?cursor=0").await;
    let mut other = Client::connect(&simulator, "?cursor=0").await;
    simulator.wait_for_clients(3).await;
    simulator.resume();
    let all = replay.take(400).await;
    assert_eq!(all, other.take(400).await);
    let live = live.next().await.unwrap();
    let first_live = all.iter().position(|frame| *frame == live).unwrap() as u64;
    assert!(first_live >= before, "{first_live} of {before}");
    simulator.wait_until_produced(400).await;
    assert_eq!(simulator.stats().clients, 3);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_outdated_cursor_is_reported_and_gets_all_kept_frames() {
    let config = SimulatorConfig {
        history_frames: 10,
        ..backlog(50)
    };
    let simulator = Simulator::start(config).await.unwrap();
    let frames = Client::connect(&simulator, "?cursor=1005")
        .await
        .take(11)
        .await;
    let info = Frame::decode(&frames[0]).unwrap();
    assert_eq!(info.event_type, "#info");
    assert_eq!(
        field(&info.body, "name"),
        &"OutdatedCursor".to_owned().into()
    );
    assert_eq!(seqs(&frames[1..]), (1041..1051).collect::<Vec<_>>());
    assert_eq!(simulator.expected().first().unwrap().relay_seq, 1041);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cursor_in_the_future_is_an_error() {
    let simulator = Simulator::start(backlog(5)).await.unwrap();
    let mut client = Client::connect(&simulator, "?cursor=1006").await;
    let error = Frame::decode(&client.next().await.unwrap()).unwrap();
    assert_eq!(error.op, -1);
    assert_eq!(
        field(&error.body, "error"),
        &"FutureCursor".to_owned().into()
    );
    assert_eq!(client.next().await, None);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn pings_are_answered_while_idle() {
    let simulator = Simulator::start(backlog(1)).await.unwrap();
    let mut client = Client::connect(&simulator, "?cursor=0").await;
    client.take(1).await;
    assert_eq!(client.ping(b"are you there").await, b"are you there");
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn disconnecting_leaves_the_log_as_it_is() {
    let simulator = Simulator::start(backlog(30)).await.unwrap();
    let mut client = Client::connect(&simulator, "?cursor=0").await;
    let first = client.take(30).await;
    simulator.disconnect_all();
    assert_eq!(client.next().await, None);
    simulator.wait_for_clients(0).await;
    let again = Client::connect(&simulator, "?cursor=0")
        .await
        .take(30)
        .await;
    assert_eq!(first, again);
    assert_eq!(simulator.stats().subscriptions, 2);
    simulator.shutdown().await.unwrap();
}

/// Connections are cut while they are served, on other threads than the one that takes the server down.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_published_while_it_is_down_comes_over_no_connection_from_before() {
    let config = SimulatorConfig {
        backlog: 100,
        is_paused: true,
        ..config()
    };
    let simulator = Simulator::start(config).await.unwrap();
    for round in 0..300 {
        let cursor = simulator.stats().last_seq - 100;
        let mut client = Client::connect(&simulator, &format!("?cursor={cursor}")).await;
        simulator.go_down();
        let last = simulator.stats().last_seq;
        simulator.publish(1).await;
        while let Some(frame) = client.next().await {
            let seq = Frame::decode(&frame).unwrap().seq().unwrap();
            assert!(seq <= last, "round {round}: {seq} is newer than {last}");
        }
        simulator.go_up();
    }
    simulator.shutdown().await.unwrap();
}

/// More than any socket buffers: a client that does not read blocks for certain.
fn flood() -> SimulatorConfig {
    SimulatorConfig {
        source: Source::World(WorldConfig {
            multi_op_commits: 1.0,
            ..world()
        }),
        limit: Some(4_000),
        wait_for_client: true,
        ..config()
    }
}

#[tokio::test]
async fn a_slow_client_delays_no_other() {
    let simulator = Simulator::start(flood()).await.unwrap();
    let mut slow = Client::connect(&simulator, "").await;
    let fast = Client::connect(&simulator, "?cursor=0")
        .await
        .take(4_000)
        .await;
    assert!(fast.iter().map(Vec::len).sum::<usize>() > 12 << 20);
    assert_eq!(slow.take(4_000).await, fast);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_behind_the_history_is_notified() {
    let config = SimulatorConfig {
        history_frames: 10,
        ..flood()
    };
    let simulator = Simulator::start(config).await.unwrap();
    let mut client = Client::connect(&simulator, "").await;
    simulator.wait_until_produced(4_000).await;
    let mut last = None;
    let mut received = 0;
    while let Some(frame) = client.next().await {
        received += 1;
        last = Frame::decode(&frame);
    }
    let last = last.unwrap();
    assert_eq!(last.op, -1);
    assert_eq!(
        field(&last.body, "error"),
        &"ConsumerTooSlow".to_owned().into()
    );
    assert!(received < 4_000, "{received}");
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_recording_is_served_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("frames.bin.zst");
    let plain = folder.path().join("frames.bin");
    let config = SimulatorConfig {
        record_out: Some(recording.clone()),
        ..backlog(60)
    };
    let simulator = Simulator::start(config).await.unwrap();
    let original = Client::connect(&simulator, "?cursor=0")
        .await
        .take(60)
        .await;
    simulator.shutdown().await.unwrap();
    let bytes = zstd::decode_all(std::fs::File::open(&recording).unwrap()).unwrap();
    std::fs::write(&plain, bytes).unwrap();

    for path in [recording, plain] {
        let config = SimulatorConfig {
            source: Source::Recording(path),
            rate: Rate::PerSecond(5_000.0),
            wait_for_client: true,
            ..config_of_replay()
        };
        let simulator = Simulator::start(config).await.unwrap();
        assert_eq!(simulator.produced(), 0);
        let mut client = Client::connect(&simulator, "").await;
        assert_eq!(client.take(60).await, original);
        assert_eq!(client.ping(b"still open").await, b"still open");
        let late = Client::connect(&simulator, "?cursor=1050")
            .await
            .take(10)
            .await;
        assert_eq!(late, original[50..]);
        simulator.shutdown().await.unwrap();
    }
}

fn config_of_replay() -> SimulatorConfig {
    SimulatorConfig {
        limit: None,
        ..config()
    }
}

#[tokio::test]
async fn a_broken_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames.bin");
    std::fs::write(&path, [3, 0, 0, 0, 1, 2]).unwrap();
    let config = SimulatorConfig {
        source: Source::Recording(path),
        ..config()
    };
    let error = Simulator::start(config).await.err().unwrap();
    assert!(error.to_string().contains("frame 0"), "{error}");
}

#[tokio::test]
async fn the_other_paths() {
    let simulator = Simulator::start(backlog(40)).await.unwrap();
    let event = simulator.expected().remove(0);
    let (status, document) = get(&simulator, &format!("/{}", event.did)).await;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(status, 200);
    assert_eq!(document["id"], event.did.as_str());
    assert!(
        document["alsoKnownAs"][0]
            .as_str()
            .unwrap()
            .starts_with("at://")
    );
    assert_eq!(document["service"][0]["id"], "#atproto_pds");
    verify::signing_key(&document).unwrap();

    let (status, body) = get(&simulator, "/did:plc:unknown").await;
    assert_eq!(status, 404);
    serde_json::from_str::<serde_json::Value>(&body).unwrap();
    let (status, stats) = get(&simulator, "/stats").await;
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!((status, &stats["produced"]), (200, &40.into()));
    for (path, wanted) in [
        ("/xrpc/_health", 200),
        ("/", 404),
        ("/xrpc/com.atproto.sync.getRepo", 302),
        ("/xrpc/com.atproto.sync.getBlob", 404),
        ("/xrpc/com.atproto.sync.subscribeRepos", 426),
    ] {
        assert_eq!(get(&simulator, path).await.0, wanted, "{path}");
    }
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn connections_are_bounded() {
    let config = SimulatorConfig {
        max_connections: 1,
        ..backlog(1)
    };
    let simulator = Simulator::start(config).await.unwrap();
    let mut client = Client::connect(&simulator, "?cursor=0").await;
    client.take(1).await;
    assert_eq!(get(&simulator, "/xrpc/_health").await.0, 503);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn did_web_accounts_have_documents_too() {
    let config = SimulatorConfig {
        source: Source::World(WorldConfig {
            did_web_accounts: 10,
            ..world()
        }),
        ..backlog(200)
    };
    let simulator = Simulator::start(config).await.unwrap();
    let web = simulator
        .expected()
        .into_iter()
        .find(|event| event.did.as_str().starts_with("did:web:"))
        .unwrap();
    assert_eq!(get(&simulator, &format!("/{}", web.did)).await.0, 200);
    simulator.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_muted_collection_is_left_out_from_a_frame_on_and_nothing_else() {
    const LIKE: &str = "app.bsky.feed.like";
    let likes = |simulator: &fanjet_simulator::SimulatorHandle| {
        let expected = simulator.expected();
        let is_like = |kind: &ExpectedKind| matches!(kind, ExpectedKind::Commit { collection, .. } if collection == LIKE);
        let likes = expected.iter().filter(|event| is_like(&event.kind));
        (likes.count(), expected.len())
    };
    let whole = Simulator::start(backlog(400)).await.unwrap();
    let muted = Simulator::start(SimulatorConfig {
        mute: Some(format!("{LIKE}=after:200").parse().unwrap()),
        ..backlog(400)
    })
    .await
    .unwrap();
    let left_out = muted.stats().muted;
    assert!(left_out > 50, "{left_out}");
    assert_eq!(muted.produced() + left_out, 400);
    let ((all_likes, all), (some_likes, some)) = (likes(&whole), likes(&muted));
    assert!(0 < some_likes && some_likes < all_likes);
    assert!(all - some >= all_likes - some_likes && some > all / 2);
    let mut frames = Client::connect(&muted, "?cursor=0").await;
    let frames = frames.take(muted.produced() as usize).await;
    assert_eq!(frames.len() as u64 + left_out, 400);
}
