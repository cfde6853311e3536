//! Stores beside the log.

use bytes::Bytes;

use crate::store::{ExpiringStore, MAX_KEY, MAX_VALUE, StoreError};

/// Whoever puts, everybody finds, and nothing else. `handles` are ways to the same empty store.
pub async fn a_store_keeps_what_it_is_given(handles: &[&dyn ExpiringStore]) {
    let key = |n: usize| format!("key-{n}_K");
    let value = |n: usize| Bytes::from(format!("value {n}"));
    for (n, putting) in handles.iter().enumerate() {
        for getting in handles {
            assert_eq!(getting.get(&key(n)).await.unwrap(), None);
        }
        let kept = putting.put(&key(n), value(n)).await.unwrap();
        assert!(!kept.is_zero());
        for again in handles {
            assert_eq!(again.get(&key(n)).await.unwrap(), Some(value(n)));
            let still = again.put(&key(n), value(n)).await.unwrap();
            assert!(still <= kept && !still.is_zero());
        }
    }
    let store = handles[0];
    let longest = "k".repeat(MAX_KEY);
    let largest = Bytes::from(vec![b'x'; MAX_VALUE]);
    store.put(&longest, largest.clone()).await.unwrap();
    assert_eq!(store.get(&longest).await.unwrap(), Some(largest));
    store.put("empty", Bytes::new()).await.unwrap();
    assert_eq!(store.get("empty").await.unwrap(), Some(Bytes::new()));
    let too_large = Bytes::from(vec![b'x'; MAX_VALUE + 1]);
    assert!(matches!(
        store.put("large", too_large).await,
        Err(StoreError::TooLarge(_))
    ));
    for bad in ["", "a.b", "a b", "*", ">", "é", &"k".repeat(MAX_KEY + 1)] {
        let put = store.put(bad, Bytes::new()).await;
        assert!(matches!(put, Err(StoreError::BadKey)), "{bad}");
        let get = store.get(bad).await;
        assert!(matches!(get, Err(StoreError::BadKey)), "{bad}");
    }
}
