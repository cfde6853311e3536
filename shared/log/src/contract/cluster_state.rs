//! The contract of the cluster state.

use std::time::Duration;

use bytes::Bytes;

use crate::cluster_state::{ClusterState, MAX_KEY, StoreError};

const LONG: Duration = Duration::from_secs(3600);

/// The newest value wins, every process sees it, and it expires by itself. `handles` are connections to the same empty
/// cluster state.
pub async fn cluster_state_serves_the_newest_value(handles: &[&dyn ClusterState]) {
    for (n, publishing) in handles.iter().enumerate() {
        for round in 0..3 {
            let value = Bytes::from(format!("{n} in round {round}"));
            publishing
                .publish("common", value.clone(), LONG)
                .await
                .unwrap();
            let own = format!("part.key-{n}_K");
            publishing.publish(&own, value.clone(), LONG).await.unwrap();
            for reading in handles {
                let found = reading.get("common").await.unwrap();
                assert_eq!(found.as_ref(), Some(&value));
                assert_eq!(reading.get(&own).await.unwrap().as_ref(), Some(&value));
                let all = reading.all().await.unwrap();
                assert_eq!(all.len(), n + 2, "{all:?}");
                assert_eq!((&all["common"], &all[&own]), (&value, &value));
            }
        }
    }
    let state = handles[0];
    assert_eq!(state.get("part").await.unwrap(), None);
    let second = Duration::from_secs(1);
    state.publish("brief", Bytes::new(), second).await.unwrap();
    assert_eq!(state.get("brief").await.unwrap(), Some(Bytes::new()));
    while state.get("brief").await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = state.all().await.unwrap();
    assert!(!all.contains_key("brief") && all.len() == handles.len() + 1);
    for bad in [
        "",
        ".",
        "a.",
        ".a",
        "a.b.c",
        "a b",
        "*",
        "a.>",
        "é",
        &"k".repeat(MAX_KEY + 1),
    ] {
        let post = state.publish(bad, Bytes::new(), LONG).await;
        assert!(matches!(post, Err(StoreError::BadKey)), "{bad}");
        let get = state.get(bad).await;
        assert!(matches!(get, Err(StoreError::BadKey)), "{bad}");
    }
}
