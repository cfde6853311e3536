//! Frames encoded from pages.

use parking_lot::Mutex;

use super::*;
use crate::replay::Page;

/// A compressed replay does not use the ring's memory.
#[test]
fn frames_of_pages_do_not_count_in_the_ring() {
    for encoding in [Encoding::Zstd, Encoding::V0] {
        let mut harness = Harness::new(20_000, 1 << 20);
        let live = harness.shard.join(Filter::default(), encoding, Start::Live);
        for _ in 0..100 {
            harness.post(3);
            harness.settle();
            harness.drain(&live);
        }
        let (held_from, made) = (harness.ring.start(), harness.ring.encoded().get());
        assert!(held_from > 50 && made > 0, "{held_from} {made}");
        let start = Start::At {
            seq: 1,
            cursor: 1,
            oldest: false,
            clamped: false,
            not_before: 0,
            generation: Generation::default(),
        };
        let replaying = harness.shard.join(Filter::default(), encoding, start);
        assert!(matches!(
            harness.shard.catch_up(&replaying),
            CatchUp::Cold(_)
        ));
        let found: Vec<_> = (1..=50)
            .map(|seq| commit(NAMES[0], "did:plc:a").padded(5_000).at(seq))
            .collect();
        let page = Page::new(&found, 1, 51, &Mutex::new(Collections::new(10))).unwrap();
        assert!(matches!(
            harness.shard.replay(&replaying, &page),
            CatchUp::Found(_)
        ));
        assert_eq!(
            (harness.ring.start(), harness.ring.encoded().get()),
            (held_from, made),
            "{encoding:?}"
        );
        assert!(harness.page_requests.encoded().get() > 50_000);
        drop(page);
        assert_eq!(harness.page_requests.encoded().get(), 0);
    }
}
