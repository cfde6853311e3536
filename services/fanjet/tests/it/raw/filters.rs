//! Readers of raw frames that choose, at a real node: what they get is what a decoder of every frame chooses.

use fanjet_firehose::{Frame, decode_frame};
use fanjet_simulator::Rate;

use super::{begin, frames, raw_reaches, settings};
use crate::harness::{PATIENCE, Served, simulator};

/// By the rules of the documentation, from the bytes.
fn is_wanted(bytes: &[u8], collection: Option<&str>, did: Option<&str>) -> bool {
    let in_collection = |name: &str| {
        collection.is_none_or(|wanted| match wanted.strip_suffix('*') {
            Some(head) => name.starts_with(head),
            None => name == wanted,
        })
    };
    let (repo, passes) = match decode_frame(bytes).unwrap() {
        Frame::Commit(commit) => {
            let mut ops = commit.ops.listed().map(|op| op.unwrap().collection);
            (commit.repo, collection.is_none() || ops.any(in_collection))
        }
        Frame::Identity(identity) => (identity.did, true),
        Frame::Account(account) => (account.did, true),
        Frame::Sync(sync) => (sync.did, true),
        other => panic!("{other:?}"),
    };
    passes && did.is_none_or(|did| did == repo)
}

fn repo_of(bytes: &[u8]) -> Option<String> {
    match decode_frame(bytes).unwrap() {
        Frame::Commit(commit) => Some(commit.repo.to_owned()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_chooses_what_decoding_every_frame_would() {
    let (seed, total) = (2404, 2_000);
    let data = tempfile::tempdir().unwrap();
    let relay = simulator(seed, total, Rate::PerSecond(1_000.0)).await;
    relay.pause();
    let mut settings = settings(data.path());
    // So that replays read the log.
    settings.push(("edge.raw.ring_bytes", "200000".to_owned()));
    let served = Served::start_as(&relay, &settings, &[]).await;
    begin(&relay).await;
    raw_reaches(&served, 100).await;
    let some = frames(&served.url, "?cursor=0", 50).await;
    let did = some.iter().find_map(|frame| repo_of(frame)).unwrap();
    let choices = [
        (Some("app.bsky.feed.like"), None),
        (Some("app.bsky.graph.*"), None),
        (None, Some(did.as_str())),
        (Some("app.bsky.feed.*"), Some(did.as_str())),
    ];
    for round in 0..2 {
        if round == 1 {
            let all_sent = relay.wait_until_produced(total);
            tokio::time::timeout(PATIENCE, all_sent).await.unwrap();
            let newest = relay.expected().last().unwrap().relay_seq;
            let reaching = async {
                while served.metric("fanjet_ingest_raw_relay_seq ").await < newest {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(PATIENCE, reaching).await.unwrap();
        }
        let logged = served.metric("fanjet_ingest_raw_events_total ").await as usize;
        let all = frames(&served.url, "?cursor=0", logged).await;
        for (collection, did) in choices {
            let wanted = |frame: &&Vec<u8>| is_wanted(frame, collection, did);
            let expected: Vec<_> = all.iter().filter(wanted).cloned().collect();
            let mut query = "?cursor=0".to_owned();
            for (name, value) in [("wantedCollections", collection), ("wantedDids", did)] {
                query += &value.map_or(String::new(), |value| format!("&{name}={value}"));
            }
            let got = frames(&served.url, &query, expected.len()).await;
            assert!(got == expected, "{query}: other frames, round {round}");
            assert!(
                round == 0 || !expected.is_empty(),
                "{query} chooses nothing"
            );
        }
    }
    served.stop().await;
}
