use proptest::prelude::*;

use super::*;

fn store(max_entries: usize, max_bytes: usize) -> MemoryStore {
    MemoryStore::new(MemoryStoreOptions {
        time_to_live: Duration::from_secs(100),
        max_entries,
        max_bytes,
    })
}

fn value(bytes: usize) -> Bytes {
    vec![b'x'; bytes].into()
}

#[tokio::test]
async fn it_keeps_the_contract() {
    crate::contract::a_store_keeps_what_it_is_given(&[&MemoryStore::default()]).await;
}

#[tokio::test(start_paused = true)]
async fn a_value_expires_unless_it_is_used() {
    let store = store(10, 1000);
    let seconds = |n| tokio::time::advance(Duration::from_secs(n));
    assert_eq!(store.put("a", value(1)).await.unwrap().as_secs(), 100);
    seconds(49).await;
    // In the first half of its time nothing is written.
    assert_eq!(store.put("a", value(1)).await.unwrap().as_secs(), 51);
    assert!(store.get("a").await.unwrap().is_some());
    seconds(50).await;
    assert!(store.get("a").await.unwrap().is_some());
    seconds(99).await;
    assert_eq!(store.put("a", value(1)).await.unwrap().as_secs(), 100);
    seconds(100).await;
    assert_eq!(store.get("a").await.unwrap(), None);
    assert_eq!(store.put("a", value(1)).await.unwrap().as_secs(), 100);
    assert_eq!(store.state.lock().bytes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_takes_more_once_something_expires() {
    for store in [store(2, 1000), store(10, 20)] {
        store.put("a", value(10)).await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        store.put("b", value(10)).await.unwrap();
        assert!(matches!(
            store.put("c", value(10)).await,
            Err(StoreError::Full)
        ));
        // What is there may be put again.
        store.put("b", value(10)).await.unwrap();
        tokio::time::advance(Duration::from_secs(40)).await;
        store.put("c", value(10)).await.unwrap();
        assert!(store.get("b").await.unwrap().is_some());
    }
}

proptest! {
    /// Whatever is put and expires, the bounds hold and the bytes are counted rightly.
    #[test]
    fn the_bounds_hold(acts in prop::collection::vec((0..8u8, 0..30usize, 0..60u64), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let store = store(4, 60);
            for (key, bytes, seconds) in acts {
                tokio::time::advance(Duration::from_secs(seconds)).await;
                let _full = store.put(&format!("k{key}"), value(bytes)).await.is_err();
                let state = store.state.lock();
                let sum: usize = state.entries.values().map(|kept| kept.value.len()).sum();
                assert_eq!(state.bytes, sum);
                assert!(state.entries.len() <= 4 && sum <= 60);
            }
        });
    }
}
