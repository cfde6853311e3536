//! A budget that holders share: limited in total and per holder.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::Holder;

/// Shared by all holders.
///
/// A holder that has as much as remains gets no more, so each greedy holder leaves something for the next one. A holder that
/// is alone may take everything.
#[derive(Debug)]
pub(crate) struct Budget {
    max: usize,
    max_per_holder: usize,
    /// An amount that every claim has for free.
    free: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_holder: HashMap<Holder, usize>,
}

/// The share of one connection; dropping it returns the amount.
#[derive(Debug)]
pub(crate) struct Claim {
    budget: Arc<Budget>,
    holder: Holder,
    amount: usize,
}

impl Budget {
    pub(crate) fn new(max: usize, max_per_holder: usize) -> Self {
        Self {
            max,
            max_per_holder,
            free: 0,
            taken: Mutex::default(),
        }
    }

    /// The same budget, with an amount that every claim has for free.
    pub(crate) fn with_free(self, free: usize) -> Self {
        Self { free, ..self }
    }

    /// An empty claim.
    pub(crate) fn claim(self: &Arc<Self>, holder: Holder) -> Claim {
        Claim {
            budget: Arc::clone(self),
            holder,
            amount: 0,
        }
    }

    /// Whether a holder that `has` this much may take more, when `all` holders have that much.
    fn allows(&self, has: usize, all: usize, more: usize) -> bool {
        let is_alone = has == all;
        let (would_have, would_all) = (has.saturating_add(more), all.saturating_add(more));
        would_have <= self.max_per_holder
            && would_all <= self.max
            && (is_alone || has <= self.max - would_all)
    }
}

impl Claim {
    /// Changes the claimed amount; returns `false` and changes nothing when there is no room. Shrinking always succeeds.
    #[must_use]
    pub(crate) fn resize(&mut self, wanted: usize) -> bool {
        let wanted = wanted.saturating_sub(self.budget.free);
        if wanted == self.amount {
            return true;
        }
        let mut taken = self.budget.taken.lock();
        let Taken { all, by_holder } = &mut *taken;
        let has = by_holder.get(&self.holder).copied().unwrap_or_default();
        if wanted > self.amount && !self.budget.allows(has, *all, wanted - self.amount) {
            return false;
        }
        *all = *all - self.amount + wanted;
        match has - self.amount + wanted {
            0 => by_holder.remove(&self.holder),
            has => by_holder.insert(self.holder, has),
        };
        self.amount = wanted;
        true
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Shrinking always succeeds.
        let _is_given_back = self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn holder(last: u8) -> Holder {
        Holder::Address([192, 0, 2, last].into())
    }

    fn is_empty(budget: &Budget) -> bool {
        let taken = budget.taken.lock();
        taken.all == 0 && taken.by_holder.is_empty()
    }

    #[test]
    fn released_amounts_can_be_claimed_again() {
        let budget = Arc::new(Budget::new(1000, 1000).with_free(10));
        let (mut one, mut other) = (budget.claim(holder(1)), budget.claim(holder(2)));
        assert!(one.resize(10), "within the free amount");
        assert!(is_empty(&budget));
        assert!(one.resize(710));
        assert!(!other.resize(311));
        assert!(other.resize(310));
        assert!(!one.resize(711));
        assert!(one.resize(610), "shrinking always succeeds");
        drop(other);
        assert!(one.resize(1010), "a single holder may take everything");
        drop(one);
        assert!(is_empty(&budget));
    }

    #[test]
    fn several_claims_of_a_holder_share_its_limit() {
        let budget = Arc::new(Budget::new(1000, 400));
        let (mut one, mut two) = (budget.claim(holder(1)), budget.claim(holder(1)));
        assert!(one.resize(300));
        assert!(!two.resize(101));
        assert!(two.resize(100));
        let mut other = budget.claim(holder(2));
        assert!(other.resize(400));
    }

    /// Takes as much as possible, in small steps.
    fn take_all(budget: &Arc<Budget>, holder: Holder) -> (usize, Claim) {
        let mut claim = budget.claim(holder);
        let mut has = 0;
        while claim.resize(has + 1) {
            has += 1;
        }
        (has, claim)
    }

    #[test]
    fn a_greedy_holder_leaves_room_for_the_next() {
        let budget = Arc::new(Budget::new(64, 16));
        let taken: Vec<_> = (0..7).map(|last| take_all(&budget, holder(last))).collect();
        let amounts: Vec<_> = taken.iter().map(|(amount, _)| *amount).collect();
        assert_eq!(amounts, [16, 16, 16, 8, 4, 2, 1]);
        drop(taken);
        assert!(is_empty(&budget));
        // The same holds for single slots.
        let places = Arc::new(Budget::new(1, 1));
        let (count, _only) = take_all(&places, holder(1));
        assert_eq!((count, take_all(&places, holder(2)).0), (1, 0));
    }

    proptest! {
        #[test]
        fn the_sums_equal_the_model(steps in prop::collection::vec((0..6_usize, 0..200_usize), 1..100)) {
            let budget = Arc::new(Budget::new(500, 250));
            let mut claims: Vec<_> = (0..6).map(|n| (n % 3, 0, budget.claim(holder(n % 3)))).collect();
            for (index, wanted) in steps {
                let (_, has, claim) = &mut claims[index];
                if claim.resize(wanted) {
                    *has = wanted;
                } else {
                    prop_assert!(wanted > *has);
                }
                let all: usize = claims.iter().map(|(_, has, _)| has).sum();
                prop_assert!(all <= 500);
                prop_assert_eq!(budget.taken.lock().all, all);
                for holder in 0..3 {
                    let of_one = claims.iter().filter(|(of, ..)| *of == holder);
                    prop_assert!(of_one.map(|(_, has, _)| has).sum::<usize>() <= 250);
                }
            }
            drop(claims);
            prop_assert!(is_empty(&budget));
        }
    }
}
