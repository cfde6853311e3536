//! What is made of pages for those who replay.

use parking_lot::Mutex;

use super::*;
use crate::replay::Page;

/// A replay that is compressed takes nothing of the memory that everybody shares.
#[test]
fn frames_of_pages_are_not_the_rings() {
    for encoding in [Encoding::Zstd, Encoding::V0] {
        let mut rig = Rig::new(20_000, 1 << 20);
        let live = rig.shard.join(Filter::default(), encoding, Start::Live);
        for _ in 0..100 {
            rig.post(3);
            rig.settle();
            rig.drain(&live);
        }
        let (held_from, made) = (rig.ring.start(), rig.ring.encoded().get());
        assert!(held_from > 50 && made > 0, "{held_from} {made}");
        let start = Start::At {
            seq: 1,
            cursor: 1,
            oldest: false,
            clamped: false,
            not_before: 0,
            generation: Generation::default(),
        };
        let replaying = rig.shard.join(Filter::default(), encoding, start);
        assert!(matches!(rig.shard.catch_up(&replaying), CatchUp::Cold(_)));
        let found: Vec<_> = (1..=50)
            .map(|seq| commit(NAMES[0], "did:plc:a").padded(5_000).at(seq))
            .collect();
        let page = Page::new(&found, 1, 51, &Mutex::new(Collections::new(10))).unwrap();
        assert!(matches!(
            rig.shard.replay(&replaying, &page),
            CatchUp::Found(_)
        ));
        assert_eq!(
            (rig.ring.start(), rig.ring.encoded().get()),
            (held_from, made),
            "{encoding:?}"
        );
        assert!(rig.desk.encoded().get() > 50_000);
        drop(page);
        assert_eq!(rig.desk.encoded().get(), 0);
    }
}
