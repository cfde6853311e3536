use proptest::prelude::*;

use super::*;

#[test]
fn what_is_used_again_and_again_is_kept() {
    let mut cache = Cache::new(10, usize::MAX);
    cache.put(0, 0, 1);
    for n in 1..1_000 {
        cache.put(n, n, 1);
        assert!(cache.len() <= 10);
        assert_eq!(cache.get(&n).copied(), Some(n));
        assert_eq!(cache.get(&0).copied(), Some(0), "at {n}");
    }
    assert_eq!(cache.get(&1), None);
    cache.put(0, 7, 1);
    assert_eq!(cache.get(&0).copied(), Some(7));
}

proptest! {
    #[test]
    fn a_cache_keeps_what_was_used_last_and_never_too_much(
        capacity in 2_usize..50,
        keys in prop::collection::vec(0_u32..100, 1..300),
    ) {
        let mut cache = Cache::new(capacity, usize::MAX);
        for key in &keys {
            if cache.get(key).is_none() {
                cache.put(*key, *key, 1);
            }
            prop_assert!(cache.len() <= capacity.max(2));
            prop_assert_eq!(cache.get(key).copied(), Some(*key));
        }
    }

    #[test]
    fn a_cache_never_keeps_too_many_bytes(
        most in 10_usize..1_000,
        values in prop::collection::vec((0_u32..50, 0_usize..300), 1..300),
    ) {
        let mut cache = Cache::new(usize::MAX, most);
        for (key, bytes) in values {
            cache.put(key, key, bytes);
            prop_assert_eq!(cache.get(&key).copied(), Some(key));
            // A value that is too large by itself stays until the next one.
            let newest_two = 2 * 300;
            prop_assert!(cache.bytes() <= most.max(newest_two), "{}", cache.bytes());
        }
    }
}
