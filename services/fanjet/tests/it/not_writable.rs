//! A reachable log that rejects writes. Ingest reports it until the log accepts writes again, and no event is lost.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use fanjet_testkit::JetstreamClient;
use tokio::time::Instant;

use crate::harness::{PATIENCE, assert_same_events, expected_json};
use crate::health::Cluster;

/// Long enough for several attempts.
const WATCHED: Duration = Duration::from_secs(12);

async fn said(cluster: &Cluster) -> Option<String> {
    let (_, report) = cluster.ingest_ops.get("/readyz").await;
    report["missing"]["log"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_rejects_writes_makes_the_leader_unready_until_it_recovers() {
    const SEED: u64 = 58;
    let cluster = Cluster::start(SEED).await;
    let admin = async_nats::connect(cluster.server.url()).await.unwrap();
    let admin = jetstream::new(admin);
    let stream = admin.get_stream("ATP").await.unwrap();
    let before = stream.cached_info().config.clone();
    let client = JetstreamClient::connect(&cluster.edge.url(), &[("cursor", "1")]).await;
    let mut client = client.unwrap().with_deadline(PATIENCE);
    let mut got = Vec::new();
    type Change = fn(&mut stream::Config);
    let changes: [(&str, Change); 2] = [
        ("discard must be old", |stream| {
            stream.discard = stream::DiscardPolicy::New;
            stream.max_messages = 1;
        }),
        ("subjects must be", |stream| {
            stream.subjects = vec!["elsewhere.>".to_owned()];
        }),
    ];
    for (words, change) in changes {
        let mut changed = before.clone();
        change(&mut changed);
        admin.update_stream(&changed).await.unwrap();
        cluster.ingest_ops.waits_for(&["log"]).await;
        let begun = Instant::now();
        let mut is_named = false;
        while begun.elapsed() < WATCHED {
            // The reason stays through all retries.
            let said = said(&cluster).await.unwrap();
            assert!(said.starts_with("not writable: "), "{said}");
            is_named |= said.contains(words);
            assert_eq!(cluster.edge_ops.missing().await, Vec::<String>::new());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(is_named, "{words}");
        admin.update_stream(&before).await.unwrap();
        cluster.is_ready().await;
        got.extend(client.next_events(50).await.unwrap());
    }
    let all = expected_json(&cluster.simulator, |_| true);
    assert_same_events(&got, &all[..got.len()], SEED);
    cluster.end().await;
}
