use proptest::prelude::*;

use super::*;

#[test]
fn too_little_is_not_shared() {
    assert!(Budget::new(0).share().is_none());
    assert!(Budget::new(LEAST - 1).share().is_none());
    let budget = Budget::new(LEAST);
    let share = budget.share().unwrap();
    assert!(budget.share().is_none());
    drop(share);
    assert!(budget.share().is_some());
}

#[test]
fn many_readers_get_less_each_and_few_get_enough() {
    let budget = Budget::new(64 << 20);
    let mut shares: Vec<_> = std::iter::from_fn(|| budget.share()).collect();
    assert_eq!(shares[0].fits(), (2048, 2 << 20));
    // In the long run each of them requests again when everything was delivered.
    shares.resize_with(64, || budget.share().unwrap_or_else(|| nothing(&budget)));
    for at in (0..64).cycle().take(64 * 8) {
        shares[at] = nothing(&budget);
        if let Some(share) = budget.share() {
            shares[at] = share;
        }
    }
    let least = shares.iter().map(|share| share.bytes).min();
    assert!(least >= Some((64 << 20) / 65), "{least:?}");
}

/// The share of a reader that has everything it requested.
fn nothing(budget: &Arc<Budget>) -> Share {
    budget.shares.fetch_add(1, Ordering::Relaxed);
    Share {
        budget: Arc::clone(budget),
        bytes: 0,
    }
}

proptest! {
    /// However shares are taken, kept in part and released: the total is never exceeded, and becomes free again.
    #[test]
    fn the_whole_is_never_exceeded(
        whole in 0_usize..100 << 20,
        steps in proptest::collection::vec((any::<bool>(), 0_usize..50, 0_usize..5000, 0_usize..8 << 20), 0..200),
    ) {
        let budget = Budget::new(whole);
        let mut shares: Vec<Share> = Vec::new();
        for (is_new, at, messages, bytes) in steps {
            if is_new {
                shares.extend(budget.share());
            } else if let Some(share) = shares.get_mut(at) {
                let before = share.bytes;
                share.keep_for(messages, bytes);
                prop_assert!(share.bytes == before.min(messages * PER_MESSAGE + bytes));
            } else {
                shares.pop();
            }
            let taken: usize = shares.iter().map(|share| share.bytes).sum();
            prop_assert_eq!(taken + budget.free(), whole);
            for share in &shares {
                let (messages, bytes) = share.fits();
                prop_assert!(messages * PER_MESSAGE + bytes <= share.bytes);
            }
        }
        shares.clear();
        prop_assert_eq!(budget.free(), whole);
    }
}
