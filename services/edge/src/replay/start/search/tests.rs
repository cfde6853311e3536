use proptest::prelude::*;

use super::*;
use parking_lot::Mutex;

use crate::events::{commit, time_of};
use crate::tail::Collections;

/// A page of a log in which only some seqs have an event.
fn page(from: Seq, next: Seq, has_event: impl Fn(Seq) -> bool) -> Page {
    let found: Vec<_> = (from..next)
        .filter(|seq| has_event(*seq))
        .map(|seq| commit("app.bsky.feed.post", "did:plc:a").at(seq))
        .collect();
    Page::new(&found, from, next, &Mutex::new(Collections::new(10))).unwrap()
}

fn width(seq_range: SeqRange) -> u64 {
    seq_range.reached - seq_range.before
}

proptest! {
    /// For any pages and any seqs without an event, each page narrows the range, and the search ends at the first event
    /// that is not earlier, or in the empty stretch before it.
    #[test]
    fn the_search_finds_the_seq(
        before in 1_u64..1000,
        size in 1_u64..5000,
        place in 0.0..1.0_f64,
        sizes in prop::collection::vec((1_u64..300, 0_u64..100), 40),
        holes in prop::collection::vec((0_u64..6000, 1_u64..700), 0..12),
    ) {
        let mut seq_range = SeqRange { before, reached: before + size };
        let reached = seq_range.reached;
        let has_event = |seq: Seq| {
            seq <= before || seq == reached || !holes.iter().any(|(start, length)| (*start..start + length).contains(&seq))
        };
        let asked = before + 1 + (place * size as f64) as u64;
        let asked = asked.min(reached);
        let answer = (asked..=reached).find(|seq| has_event(*seq)).unwrap();
        let time = time_of(asked).get();
        let mut found = None;
        for (size, back) in sizes {
            let probe = seq_range.probe().unwrap();
            prop_assert!(probe > seq_range.before && probe <= seq_range.reached);
            let from = probe.saturating_sub(back).max(1);
            let next = (from + size).max(probe + 1);
            let page = page(from, next, has_event);
            match search_page(&page, seq_range, time) {
                SearchStep::Found(seq) => { found = Some(seq); break; }
                SearchStep::Within(narrower) => {
                    prop_assert!(width(narrower) < width(seq_range));
                    seq_range = narrower;
                }
                // Then the log is asked.
                SearchStep::Unknown => {
                    prop_assert!(page.entries.is_empty());
                    return Ok(());
                }
            }
        }
        // Pages of one event may need more steps than there are sizes.
        if let Some(found) = found {
            prop_assert!(found <= answer && (found..answer).all(|seq| !has_event(seq)), "{found} for {answer}");
            prop_assert!(found == answer || found > before);
            prop_assert!((before + 1..found).all(|seq| !has_event(seq) || seq < answer));
        } else {
            prop_assert!(seq_range.before < answer && answer <= reached);
        }
    }
}

/// A page from 11 on whose events end at 14, of a log whose seqs 15 to 19 have none.
#[test]
fn seqs_without_an_event_do_not_repeat_a_page() {
    let has_event = |seq| !(15..20).contains(&seq);
    let time = time_of(20).get();
    let behind = SeqRange {
        before: 14,
        reached: 30,
    };
    let tail = page(11, 18, has_event);
    let narrower = SeqRange {
        before: 17,
        ..behind
    };
    assert_eq!(
        search_page(&tail, behind, time),
        SearchStep::Within(narrower)
    );
    // At the end of the log.
    let end = SeqRange {
        before: 14,
        reached: 18,
    };
    assert_eq!(search_page(&tail, end, time), SearchStep::Found(18));
    // Between two events.
    let between = SeqRange {
        before: 14,
        reached: 20,
    };
    let both = page(15, 25, has_event);
    assert_eq!(search_page(&both, between, time), SearchStep::Found(20));
    // Nothing at all.
    let nothing = page(15, 18, has_event);
    assert_eq!(
        search_page(&nothing, between, time),
        SearchStep::Within(narrower_to(17, 20))
    );
    let middle = page(16, 18, has_event);
    assert_eq!(search_page(&middle, between, time), SearchStep::Unknown);
}

fn narrower_to(before: Seq, reached: Seq) -> SeqRange {
    SeqRange { before, reached }
}
