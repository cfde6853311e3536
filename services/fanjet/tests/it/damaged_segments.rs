//! Bits that flip in segments, either in those that `verify = "last"` does not check at the start or under a running process.
//! Readers of the damage are closed with the reason, and no other client is affected.

use std::path::{Path, PathBuf};

use fanjet_runtime::{Clock, SystemClock};
use fanjet_simulator::{Simulator, SimulatorConfig, SimulatorHandle, Source, WorldConfig};
use fanjet_testkit::JetstreamClient;

use crate::harness::{PATIENCE, Served, assert_same_events, expected_json, time_us};

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
    serve_with(relay, data, &[]).await
}

async fn serve_with(
    relay: &SimulatorHandle,
    data: &Path,
    more: &[(&'static str, String)],
) -> Served {
    let settings = [
        ("embedded.path", data.display().to_string()),
        ("embedded.verify", "last".to_owned()),
        ("embedded.segment_bytes", "400000".to_owned()),
        ("edge.tail.warm_entries", "50".to_owned()),
    ];
    Served::start_as(relay, &[&settings, more].concat(), &[]).await
}

async fn client(served: &Served, cursor: Option<u64>) -> anyhow::Result<JetstreamClient> {
    let cursor = cursor.map(|cursor| cursor.to_string());
    let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
    let client = JetstreamClient::connect(&served.url, &params).await?;
    Ok(client.with_deadline(PATIENCE))
}

/// The segments in order, each with the seq of its first event.
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
async fn damage_in_an_old_segment_closes_only_its_readers() {
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
    // A cursor that is a time works up to the damage and no further.
    let mut reader = client(&served, Some(last_time)).await.unwrap();
    assert_eq!(time_us(&reader.next_event().await.unwrap()), last_time);
    assert_eq!(reader.wait_close().await.unwrap().code, 1011);
    let refused = client(&served, Some(last_time + 1)).await.unwrap_err();
    let refused = format!("{refused:#}");
    assert!(refused.contains("503"), "{refused}");
    assert!(
        refused.contains("the log is damaged at this cursor, at seq "),
        "{refused}"
    );
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

    let replays = "fanjet_edge_damaged_reads_total{by=\"replay\"} ";
    assert!(served.metric(replays).await >= 3);
    let cursors = "fanjet_edge_damaged_reads_total{by=\"cursor\"} ";
    assert_eq!(served.metric(cursors).await, 1);
    let named = format!("{} is damaged at byte ", damaged.display());
    let lines = served.process.lines();
    let named_lines = lines.iter().filter(|line| line.contains(&named)).count();
    assert_eq!(named_lines, 1, "{}", lines.join("\n"));
    served.stop().await;
}

/// Offsets of all kinds in a file: header, first frames, records, end.
fn offsets(bytes: u64) -> Vec<u64> {
    let mut offsets = vec![
        0,
        9,
        17,
        33,
        40,
        bytes / 3,
        bytes / 2,
        bytes - 20,
        bytes - 9,
        bytes - 1,
    ];
    offsets.retain(|&at| at < bytes);
    offsets
}

fn flip(file: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(file)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x10], at).unwrap();
}

/// Any bit flips under a running process, in old segments and in the newest. Every cursor gets whole events up to the damage or
/// to the end, and live clients are not affected.
#[tokio::test(flavor = "multi_thread")]
async fn no_flipped_bit_and_no_cursor_ends_the_process() {
    let data = tempfile::tempdir().unwrap();
    let relay = relay().await;
    let served = serve(&relay, data.path()).await;
    relay.publish(2_500).await;
    served.relay_seq_reaches(relay.stats().last_seq).await;
    served.stop().await;
    // After a restart, only the events that it reads ahead are in memory.
    let from_disk = [
        ("embedded.cache_bytes", "0".to_owned()),
        ("edge.replay.cache_bytes", "0".to_owned()),
        ("edge.tail.warm_entries", "1".to_owned()),
    ];
    let served = serve_with(&relay, data.path(), &from_disk).await;
    let mut live = client(&served, None).await.unwrap();
    let segments = segments(data.path());
    assert!(segments.len() >= 3, "{segments:?}");
    let all = expected_json(&relay, |_| true);
    let base = segments[0].0;
    let newest = segments.len() - 1;
    for (first, file) in [&segments[0], &segments[1], &segments[newest]] {
        let mut closed = 0;
        for at in offsets(std::fs::metadata(file).unwrap().len()) {
            flip(file, at);
            for cursor in [1, *first] {
                let before = relay.expected().into_iter();
                let passed = before.take((cursor.max(base) - base) as usize);
                let passed = passed.filter(|event| event.v1_json(0).is_some()).count();
                let wanted = &all[passed..];
                let mut reader = client(&served, Some(cursor)).await.unwrap();
                let mut got = Vec::new();
                while got.len() < wanted.len() {
                    match reader.next_event().await {
                        Ok(event) => got.push(event),
                        Err(_) => break,
                    }
                }
                assert_same_events(&got, &wanted[..got.len()], SEED);
                if got.len() < wanted.len() {
                    let code = reader.closed().unwrap().code;
                    assert_eq!(code, 1011, "{} at {at}", file.display());
                    closed += 1;
                }
            }
            flip(file, at);
        }
        // The middle of a segment certainly holds events.
        assert!(
            closed >= 2,
            "{closed} readers met damage in {}",
            file.display()
        );
    }
    relay.publish(10).await;
    let news = &expected_json(&relay, |_| true)[all.len()..];
    assert_same_events(&live.next_events(news.len()).await.unwrap(), news, SEED);
    served.is_ready().await;
    served.stop().await;
}
