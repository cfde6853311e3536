//! Messages in the stream that are no events: whoever may publish there can disturb nobody with one.

use async_nats::jetstream;
use fanjet_testkit::JetstreamClient;

use crate::health::Cluster;
use crate::rig::{PATIENCE, assert_same_events, expected_json};

async fn client(cluster: &Cluster, cursor: Option<u64>) -> JetstreamClient {
    let cursor = cursor.map(|cursor| cursor.to_string());
    let params: Vec<_> = cursor.iter().map(|it| ("cursor", it.as_str())).collect();
    let client = JetstreamClient::connect(&cluster.edge.url(), &params).await;
    client.unwrap().with_deadline(PATIENCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_publish_disturbs_nobody() {
    const SEED: u64 = 57;
    let cluster = Cluster::start(SEED).await;
    let nats = async_nats::connect(cluster.server.url()).await.unwrap();
    let nats = jetstream::new(nats);
    let mut live = client(&cluster, Some(1)).await;
    let mut got = live.next_events(20).await.unwrap();
    for subject in ["atp.test", "atp.identity", "atp.commit.app.bsky.feed.post"] {
        for _ in 0..3 {
            let sent = nats.publish(subject, "hi".into()).await.unwrap();
            sent.await.unwrap();
        }
        // What was under way when they came, and what came after them.
        got.extend(live.next_events(40).await.unwrap());
        cluster.is_ready().await;
    }
    let all = expected_json(&cluster.simulator, |_| true);
    assert_same_events(&got, &all[..got.len()], SEED);
    let mut replay = client(&cluster, Some(1)).await;
    let again = replay.next_events(got.len()).await.unwrap();
    assert_same_events(&again, &got, SEED);
    cluster.end().await;
}
