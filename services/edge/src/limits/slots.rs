//! Places of which a node has so many, and each holder no more than its share.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::unless_zero;

/// Counts what is taken, in all and per holder.
#[derive(Debug)]
pub(crate) struct Slots<H: Hash + Eq> {
    max: usize,
    max_per_holder: usize,
    taken: Mutex<Taken<H>>,
}

#[derive(Debug)]
struct Taken<H> {
    all: usize,
    holders: HashMap<H, usize>,
}

/// One place; dropping it frees it.
#[derive(Debug)]
pub(crate) struct Slot<H: Hash + Eq> {
    slots: Arc<Slots<H>>,
    /// `None`: it counts for the node only.
    holder: Option<H>,
}

/// Why no place is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Node { max: usize },
    Holder { max: usize },
}

impl<H: Hash + Eq + Copy> Slots<H> {
    /// `max_per_holder` 0: the node's own limit.
    pub(crate) fn new(max: usize, max_per_holder: usize) -> Self {
        Self {
            max,
            max_per_holder: unless_zero(max_per_holder),
            taken: Mutex::new(Taken {
                all: 0,
                holders: HashMap::new(),
            }),
        }
    }

    /// # Errors
    /// [`Full`].
    pub(crate) fn take(self: &Arc<Self>, holder: Option<H>) -> Result<Slot<H>, Full> {
        let mut taken = self.taken.lock();
        if taken.all >= self.max {
            return Err(Full::Node { max: self.max });
        }
        if let Some(holder) = holder {
            let here = taken.holders.entry(holder).or_default();
            if *here >= self.max_per_holder {
                let max = self.max_per_holder;
                return Err(Full::Holder { max });
            }
            *here += 1;
        }
        taken.all += 1;
        let slots = Arc::clone(self);
        Ok(Slot { slots, holder })
    }

    /// How many holders have places.
    #[cfg(test)]
    pub(crate) fn holders(&self) -> usize {
        self.taken.lock().holders.len()
    }
}

impl<H: Hash + Eq> Drop for Slot<H> {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock();
        taken.all -= 1;
        let Some(holder) = &self.holder else { return };
        if let Some(here) = taken.holders.get_mut(holder) {
            *here -= 1;
            if *here == 0 {
                taken.holders.remove(holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_and_each_holder_have_so_many_and_no_more() {
        let slots = Arc::new(Slots::new(3, 2));
        let first = slots.take(Some('a')).unwrap();
        let _second = slots.take(Some('a')).unwrap();
        let full = slots.take(Some('a')).unwrap_err();
        assert_eq!(full, Full::Holder { max: 2 });
        let third = slots.take(None).unwrap();
        let full = Full::Node { max: 3 };
        assert_eq!(slots.take(Some('b')).unwrap_err(), full);
        drop(first);
        let _again = slots.take(Some('b')).unwrap();
        assert_eq!(slots.holders(), 2);
        drop(third);
        let _more = slots.take(None).unwrap();
        assert_eq!(slots.take(None).unwrap_err(), full);
    }
}
