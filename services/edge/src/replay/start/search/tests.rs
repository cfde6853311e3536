use proptest::prelude::*;

use super::*;
use parking_lot::Mutex;

use crate::events::commit;
use crate::tail::Collections;

fn page(from: Seq, next: Seq) -> Page {
    let found: Vec<_> = (from..next)
        .map(|seq| commit("app.bsky.feed.post", "did:plc:a").at(seq))
        .collect();
    Page::new(&found, from, next, &Mutex::new(Collections::new(10))).unwrap()
}

proptest! {
    /// For any pages the search ends at the first event that is not earlier.
    #[test]
    fn the_search_finds_the_seq(
        before in 1_u64..1000,
        width in 1_u64..5000,
        place in 0.0..1.0_f64,
        sizes in prop::collection::vec((1_u64..300, 0_u64..100), 40),
    ) {
        let mut seq_range = SeqRange { before, reached: before + width };
        let answer = before + 1 + (place * width as f64) as u64;
        let answer = answer.min(seq_range.reached);
        let time = crate::events::time_of(answer).get();
        let mut found = None;
        for (size, back) in sizes {
            let probe = seq_range.probe().unwrap();
            prop_assert!(probe > seq_range.before && probe <= seq_range.reached);
            let from = probe.saturating_sub(back).max(1);
            let page = page(from, (from + size).max(probe + 1));
            match search_page(&page, seq_range, time) {
                SearchStep::Found(seq) => { found = Some(seq); break; }
                SearchStep::Within(narrower) => {
                    prop_assert!(narrower.reached - narrower.before < seq_range.reached - seq_range.before);
                    seq_range = narrower;
                }
                SearchStep::Unknown => prop_assert!(false, "the page has events"),
            }
        }
        // Pages of one event may need more steps than there are sizes.
        if let Some(found) = found {
            prop_assert_eq!(found, answer);
        } else {
            prop_assert!(seq_range.before < answer && answer <= seq_range.reached);
        }
    }
}
