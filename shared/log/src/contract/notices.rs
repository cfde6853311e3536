//! Boards beside the log.

use std::time::Duration;

use bytes::Bytes;

use crate::notices::{MAX_KEY, Notices, StoreError};

const LONG: Duration = Duration::from_secs(3600);

/// The newest word counts, everybody sees it, and it goes by itself. `handles` are ways to the same empty board.
pub async fn a_board_shows_the_newest(handles: &[&dyn Notices]) {
    for (n, posting) in handles.iter().enumerate() {
        for round in 0..3 {
            let value = Bytes::from(format!("{n} in round {round}"));
            posting.post("common", value.clone(), LONG).await.unwrap();
            let own = format!("part.key-{n}_K");
            posting.post(&own, value.clone(), LONG).await.unwrap();
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
    let board = handles[0];
    assert_eq!(board.get("part").await.unwrap(), None);
    let second = Duration::from_secs(1);
    board.post("brief", Bytes::new(), second).await.unwrap();
    assert_eq!(board.get("brief").await.unwrap(), Some(Bytes::new()));
    while board.get("brief").await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = board.all().await.unwrap();
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
        let post = board.post(bad, Bytes::new(), LONG).await;
        assert!(matches!(post, Err(StoreError::BadKey)), "{bad}");
        let get = board.get(bad).await;
        assert!(matches!(get, Err(StoreError::BadKey)), "{bad}");
    }
}
