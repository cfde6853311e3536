//! The loads that have not begun. Those for searches and those for readers take turns: the search for a cursor's position
//! needs few pages and has a deadline, so it must not wait behind every replay, and replays must not wait behind every search.

use std::collections::VecDeque;

/// Two queues; a key is in at most one of them, once.
#[derive(Debug)]
pub(super) struct LoadQueue<K> {
    readers: VecDeque<K>,
    searches: VecDeque<K>,
    is_reader_next: bool,
}

impl<K> Default for LoadQueue<K> {
    fn default() -> Self {
        Self {
            readers: VecDeque::new(),
            searches: VecDeque::new(),
            is_reader_next: false,
        }
    }
}

impl<K: Eq> LoadQueue<K> {
    /// Appends a load for a reader.
    pub(super) fn push(&mut self, key: K) {
        self.readers.push_back(key);
    }

    /// Lets a load that waits for readers take a search's turn.
    pub(super) fn prefer(&mut self, key: &K) {
        if let Some(at) = self.readers.iter().position(|queued| queued == key) {
            self.searches.extend(self.readers.remove(at));
        }
    }

    /// The next load.
    pub(super) fn pop(&mut self) -> Option<K> {
        let (first, second) = match self.is_reader_next {
            true => (&mut self.readers, &mut self.searches),
            false => (&mut self.searches, &mut self.readers),
        };
        let next = first.pop_front().or_else(|| second.pop_front());
        self.is_reader_next = !self.is_reader_next;
        next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty() && self.searches.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.readers.len() + self.searches.len()
    }

    /// Drops loads.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&K) -> bool) {
        self.readers.retain(&mut keep);
        self.searches.retain(keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(mut queue: LoadQueue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn searches_and_readers_take_turns() {
        let mut queue = LoadQueue::default();
        (1..=6).for_each(|key| queue.push(key));
        queue.prefer(&5);
        queue.prefer(&6);
        queue.prefer(&6);
        queue.prefer(&9);
        assert_eq!(order(queue), [5, 1, 6, 2, 3, 4]);
        let mut queue = LoadQueue::default();
        (1..=4).for_each(|key| queue.push(key));
        (1..=4).for_each(|key| queue.prefer(&key));
        queue.push(5);
        assert_eq!(order(queue), [1, 5, 2, 3, 4]);
    }

    #[test]
    fn loads_are_dropped_from_both() {
        let mut queue = LoadQueue::default();
        (1..=4).for_each(|key| queue.push(key));
        queue.prefer(&4);
        queue.retain(|key| key % 2 == 1);
        assert!(!queue.is_empty());
        assert_eq!(order(queue), [1, 3]);
    }
}
