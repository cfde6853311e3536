//! Messages in the stream that are no events: whoever may publish there can disturb nobody with one.

use async_nats::jetstream;
use fanjet_testkit::JetstreamClient;
use fanjet_testkit::nats_server::UNREADABLE_HEADS;

use crate::health::Cluster;
use crate::rig::{PATIENCE, assert_same_events, expected_json};

const SUBJECTS: [&str; 3] = ["atp.test", "atp.identity", "atp.commit.app.bsky.feed.post"];

async fn client(cluster: &Cluster, cursor: Option<u64>) -> JetstreamClient {
    let cursor = cursor.map(|cursor| cursor.to_string());
    let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
    let client = JetstreamClient::connect(&cluster.edge.url(), &params).await;
    client.unwrap().with_deadline(PATIENCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_publish_disturbs_nobody() {
    let cluster = Cluster::start(57).await;
    let nats = async_nats::connect(cluster.server.url()).await.unwrap();
    let nats = jetstream::new(nats);
    disturbs_nobody(&cluster, 57, 3, async |_| {
        for subject in SUBJECTS {
            let sent = nats.publish(subject, "hi".into()).await.unwrap();
            sent.await.unwrap();
        }
    })
    .await;
    cluster.end().await;
}

/// The library ends its connection at each of these messages, whoever reads it, as often as it is read.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_library_cannot_parse_disturbs_nobody() {
    let cluster = Cluster::start(58).await;
    let rounds = UNREADABLE_HEADS.len();
    disturbs_nobody(&cluster, 58, rounds, async |round| {
        let strays = SUBJECTS.map(|subject| (subject.as_bytes(), UNREADABLE_HEADS[round]));
        cluster.server.publish_bytes(&strays).await.unwrap();
    })
    .await;
    cluster.end().await;
}

async fn disturbs_nobody(
    cluster: &Cluster,
    seed: u64,
    rounds: usize,
    publish: impl AsyncFn(usize),
) {
    let mut live = client(cluster, Some(1)).await;
    let mut got = live.next_events(20).await.unwrap();
    for round in 0..rounds {
        publish(round).await;
        // What was under way when they came, and what came after them.
        got.extend(live.next_events(40).await.unwrap());
        cluster.is_ready().await;
    }
    let all = expected_json(&cluster.simulator, |_| true);
    assert_same_events(&got, &all[..got.len()], seed);
    let mut replay = client(cluster, Some(1)).await;
    let again = replay.next_events(got.len()).await.unwrap();
    assert_same_events(&again, &got, seed);
}
