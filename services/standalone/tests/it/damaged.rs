//! A bit that flipped in an old segment, which opening does not look at with `verify = "last"`: whoever reads it is told, and
//! nobody else notices.

use std::path::{Path, PathBuf};

use fanjet_actors::{Clock, SystemClock};
use fanjet_simulator::{Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use fanjet_testkit::JetstreamClient;

use crate::rig::{PATIENCE, Served, assert_same_events, expected_json, time_us};

const SEED: u64 = 60;

async fn relay() -> SimulatorHandle {
    let world = WorldConfig {
        seed: SEED,
        accounts: 40,
        records_per_repo: 30,
        multi_op_commits: 0.2,
        start_us: SystemClock.now_us(),
        ..WorldConfig::default()
    };
    Simulator::start(SimulatorConfig {
        source: Source::World(world),
        is_paused: true,
        ..SimulatorConfig::default()
    })
    .await
    .unwrap()
}

async fn serve(relay: &SimulatorHandle, data: &Path) -> Served {
    let settings = [
        ("embedded.path", data.display().to_string()),
        ("embedded.verify", "last".to_owned()),
        ("embedded.segment_bytes", "400000".to_owned()),
        ("tail.warm_entries", "50".to_owned()),
    ];
    Served::start_as(relay, &settings, &[]).await
}

async fn client(served: &Served, cursor: Option<u64>) -> anyhow::Result<JetstreamClient> {
    let cursor = cursor.map(|cursor| cursor.to_string());
    let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
    let client = JetstreamClient::connect(&served.url, &params).await?;
    Ok(client.with_deadline(PATIENCE))
}

/// In the order of their events, with the seq of their first.
fn segments(data: &Path) -> Vec<(u64, PathBuf)> {
    let files = std::fs::read_dir(data).unwrap();
    let mut segments: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "segment"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            (name.parse().unwrap(), path)
        })
        .collect();
    segments.sort();
    segments
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_in_an_old_segment_ends_only_what_reads_it() {
    let data = tempfile::tempdir().unwrap();
    let relay = relay().await;
    let served = serve(&relay, data.path()).await;
    relay.publish(4_000).await;
    served.relay_seq_reaches(relay.stats().last_seq).await;
    served.stop().await;
    let segments = segments(data.path());
    let [(base, _), (_, damaged), (behind, _), ..] = &segments[..] else {
        panic!("too few segments: {segments:?}");
    };
    let mut bytes = std::fs::read(damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(damaged, bytes).unwrap();

    let served = serve(&relay, data.path()).await;
    let mut live = client(&served, None).await.unwrap();
    let all = expected_json(&relay, |_| true);
    let mut last_time = 0;
    for _ in 0..3 {
        let mut reader = client(&served, Some(1)).await.unwrap();
        let mut got = Vec::new();
        while let Ok(event) = reader.next_event().await {
            got.push(event);
        }
        let closed = reader.closed().unwrap();
        assert_eq!(closed.code, 1011, "{closed:?}");
        let (seq, _) = closed
            .reason
            .strip_prefix("the log is damaged at seq ")
            .and_then(|rest| rest.split_once("; resume with cursor="))
            .unwrap_or_else(|| panic!("{closed:?}"));
        let before = (seq.parse::<u64>().unwrap() - base) as usize;
        let before = &relay.expected()[..before];
        let before = before.iter().filter(|it| it.v1_json(0).is_some()).count();
        assert_same_events(&got, &all[..before], SEED);
        last_time = time_us(got.last().unwrap());
    }
    // A time finds its event up to the damage, and no further.
    let mut reader = client(&served, Some(last_time)).await.unwrap();
    assert_eq!(time_us(&reader.next_event().await.unwrap()), last_time);
    assert_eq!(reader.wait_close().await.unwrap().code, 1011);
    let refused = client(&served, Some(last_time + 1)).await.unwrap_err();
    let refused = format!("{refused:#}");
    assert!(refused.contains("503"), "{refused}");
    assert!(refused.contains("the log is damaged at seq "), "{refused}");
    assert!(!refused.contains(".segment"), "{refused}");

    let first = (behind - base) as usize;
    let wanted: Vec<_> = relay.expected()[first..]
        .iter()
        .filter_map(|event| event.v1_json(0))
        .collect();
    let mut reader = client(&served, Some(*behind)).await.unwrap();
    let got = reader.next_events(wanted.len()).await.unwrap();
    assert_same_events(&got, &wanted, SEED);

    let known = expected_json(&relay, |_| true).len();
    relay.publish(10).await;
    let news = &expected_json(&relay, |_| true)[known..];
    let got = live.next_events(news.len()).await.unwrap();
    assert_same_events(&got, news, SEED);

    let replays = "fanjet_edge_damaged_reads{by=\"replay\"} ";
    assert!(served.metric(replays).await >= 3);
    let cursors = "fanjet_edge_damaged_reads{by=\"cursor\"} ";
    assert_eq!(served.metric(cursors).await, 1);
    let named = format!("{} is damaged at byte ", damaged.display());
    let lines = served.process.lines();
    let told = lines.iter().filter(|line| line.contains(&named)).count();
    assert_eq!(told, 1, "{}", lines.join("\n"));
    served.stop().await;
}
