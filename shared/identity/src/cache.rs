//! A bounded cache that approximately evicts the least recently used value.

use std::collections::HashMap;
use std::hash::Hash;

/// Two generations: a value that is used moves into the young one; when that is full, the old one is dropped. A
/// generation is full with half of the values or half of the bytes: values come from untrusted hosts and may be large.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: Generation<K, V>,
    old: Generation<K, V>,
    half: usize,
    half_bytes: usize,
}

#[derive(Debug)]
struct Generation<K, V> {
    values: HashMap<K, (V, usize)>,
    bytes: usize,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// Holds at most `capacity` values (at least two) and at most `bytes` bytes, except for the two newest.
    pub(crate) fn new(capacity: usize, bytes: usize) -> Self {
        Self {
            young: Generation::default(),
            old: Generation::default(),
            half: (capacity / 2).max(1),
            half_bytes: bytes / 2,
        }
    }

    pub(crate) fn get<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        Q: Hash + Eq + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        if let Some((key, value, bytes)) = self.old.remove(key) {
            self.put(key, value, bytes);
        }
        self.young.values.get_mut(key).map(|(value, _)| value)
    }

    pub(crate) fn put(&mut self, key: K, value: V, bytes: usize) {
        self.old.remove(&key);
        self.young.remove(&key);
        let is_full = self.young.values.len() >= self.half
            || self.young.bytes.saturating_add(bytes) > self.half_bytes;
        if is_full && !self.young.values.is_empty() {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.bytes += bytes;
        self.young.values.insert(key, (value, bytes));
    }

    pub(crate) fn len(&self) -> usize {
        self.young.values.len() + self.old.values.len()
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.young.bytes + self.old.bytes
    }
}

impl<K: Hash + Eq, V> Generation<K, V> {
    fn remove<Q>(&mut self, key: &Q) -> Option<(K, V, usize)>
    where
        Q: Hash + Eq + ?Sized,
        K: std::borrow::Borrow<Q>,
    {
        let (key, (value, bytes)) = self.values.remove_entry(key)?;
        self.bytes -= bytes;
        Some((key, value, bytes))
    }
}

impl<K, V> Default for Generation<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            bytes: 0,
        }
    }
}

#[cfg(test)]
mod tests;
