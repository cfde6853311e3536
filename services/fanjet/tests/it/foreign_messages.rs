//! Messages in the stream that are not events. They disturb no client.

use async_nats::jetstream;
use fanjet_testkit::JetstreamClient;
use fanjet_testkit::nats_server::UNREADABLE_HEADS;

use crate::harness::{PATIENCE, assert_same_events, expected_json};
use crate::health::Cluster;

const SUBJECTS: [&str; 3] = ["atp.test", "atp.identity", "atp.commit.app.bsky.feed.post"];

async fn client(cluster: &Cluster, cursor: Option<u64>) -> JetstreamClient {
    let cursor = cursor.map(|cursor| cursor.to_string());
    let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
    let client = JetstreamClient::connect(&cluster.edge.url(), &params).await;
    client.unwrap().with_deadline(PATIENCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_messages_disturb_no_client() {
    let cluster = Cluster::start(57).await;
    let nats = async_nats::connect(cluster.server.url()).await.unwrap();
    let nats = jetstream::new(nats);
    assert_undisturbed(&cluster, 57, 3, async |_| {
        for subject in SUBJECTS {
            let sent = nats.publish(subject, "hi".into()).await.unwrap();
            sent.await.unwrap();
        }
    })
    .await;
    cluster.end().await;
}

/// The client library closes its connection each time it reads one of these messages.
#[tokio::test(flavor = "multi_thread")]
async fn unparsable_messages_disturb_no_client() {
    let cluster = Cluster::start(58).await;
    let rounds = UNREADABLE_HEADS.len();
    assert_undisturbed(&cluster, 58, rounds, async |round| {
        let messages = SUBJECTS.map(|subject| (subject.as_bytes(), UNREADABLE_HEADS[round]));
        cluster.server.publish_bytes(&messages).await.unwrap();
    })
    .await;
    cluster.end().await;
}

async fn assert_undisturbed(
    cluster: &Cluster,
    seed: u64,
    rounds: usize,
    publish: impl AsyncFn(usize),
) {
    let mut live = client(cluster, Some(1)).await;
    let mut got = live.next_events(20).await.unwrap();
    for round in 0..rounds {
        publish(round).await;
        // Events that were in flight at that time, and later ones.
        got.extend(live.next_events(40).await.unwrap());
        cluster.is_ready().await;
    }
    let all = expected_json(&cluster.simulator, |_| true);
    assert_same_events(&got, &all[..got.len()], seed);
    let mut replay = client(cluster, Some(1)).await;
    let again = replay.next_events(got.len()).await.unwrap();
    assert_same_events(&again, &got, seed);
}
