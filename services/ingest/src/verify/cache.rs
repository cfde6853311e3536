//! A bounded memory of keys: two generations, the older of which is forgotten when the younger is full.

use std::collections::HashMap;
use std::hash::Hash;

/// At most `capacity` entries. What was used lately survives.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            half: capacity.div_ceil(2).max(1),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = self.old.remove_entry(key)?;
        self.put(key, value.clone());
        Some(value)
    }

    pub(super) fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_no_more_than_its_capacity_and_keeps_what_is_used() {
        let mut cache = Cache::new(10);
        cache.put(0, 0);
        for n in 1..1_000 {
            cache.put(n, n);
            assert!(cache.young.len() + cache.old.len() <= 10);
            assert_eq!(cache.get(&n), Some(n));
            assert_eq!(cache.get(&0), Some(0), "at {n}");
        }
        assert_eq!(cache.get(&1), None);
        cache.put(0, 7);
        assert_eq!(cache.get(&0), Some(7));
    }
}
