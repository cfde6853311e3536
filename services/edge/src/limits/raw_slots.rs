//! The raw subscribers of a node: each costs as much as hundreds of others, so they have limits of their own.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::holder::Holder;
use super::unless_zero;
use crate::refusal::Refusal;

/// Counts them, in all and per holder.
#[derive(Debug)]
pub(crate) struct RawSlots {
    max: usize,
    max_per_holder: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    holders: HashMap<Holder, usize>,
}

/// The slot of one raw subscriber; dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct RawSlot {
    slots: Arc<RawSlots>,
    holder: Holder,
}

impl RawSlots {
    pub(crate) fn new(max: usize, max_per_holder: usize) -> Self {
        Self {
            max,
            max_per_holder: unless_zero(max_per_holder),
            taken: Mutex::default(),
        }
    }

    /// # Errors
    /// [`Refusal::NodeFull`], [`Refusal::AddressFull`].
    pub(crate) fn take(self: &Arc<Self>, holder: Holder) -> Result<RawSlot, Refusal> {
        let mut taken = self.taken.lock();
        if taken.all >= self.max {
            let max_subscribers = self.max;
            return Err(Refusal::NodeFull { max_subscribers });
        }
        let here = taken.holders.entry(holder).or_default();
        if *here >= self.max_per_holder {
            let max = self.max_per_holder;
            return Err(Refusal::AddressFull { max });
        }
        *here += 1;
        taken.all += 1;
        let slots = Arc::clone(self);
        Ok(RawSlot { slots, holder })
    }
}

impl Drop for RawSlot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock();
        taken.all -= 1;
        if let Some(here) = taken.holders.get_mut(&self.holder) {
            *here -= 1;
            if *here == 0 {
                taken.holders.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_and_each_address_have_so_many_and_no_more() {
        let slots = Arc::new(RawSlots::new(3, 2));
        let holder = |address: &str| Holder::of(address.parse().ok(), None);
        let (one, other) = (holder("192.0.2.1"), holder("192.0.2.2"));
        let first = slots.take(one).unwrap();
        let _second = slots.take(one).unwrap();
        assert_eq!(
            slots.take(one).unwrap_err(),
            Refusal::AddressFull { max: 2 }
        );
        let _third = slots.take(other).unwrap();
        let full = Refusal::NodeFull { max_subscribers: 3 };
        assert_eq!(slots.take(other).unwrap_err(), full);
        drop(first);
        let _again = slots.take(other).unwrap();
        assert_eq!(slots.taken.lock().holders.len(), 2);
    }
}
